package mailbox

import "github.com/pushmail/pushmail/imap"

// View is the selected mailbox as the server has described it so far: the [State] of the messages
// that are known, which are the first ones, and the number of those announced after them whose UIDs
// or flags have not come yet. [Resync] makes one.
//
// It does no I/O and is not safe for concurrent use: whoever drives the connection owns it while the
// mailbox is selected. After a [*DesyncError] or a [*LimitError] it must not be used any more.
type View struct {
	state *State
	count uint32 // messages there are, known or not
	tail  []tailEntry
	// missing is how many messages the server counts but does not return; see Ledger.GiveUp.
	missing uint32
	// unnumbered: it is not known which messages have which numbers. State has what was found of them.
	unnumbered bool
	// vanishing: the session has QRESYNC, so HIGHESTMODSEQ codes may be believed at any time.
	vanishing bool
	// announced is the last HIGHESTMODSEQ code, 0 if none came since the last commit.
	announced imap.ModSeq
	// doubted are messages that may be others now; see Ledger.Doubted.
	doubted imap.UIDSet
}

// tailEntry is a message after the known ones whose row came before that of an earlier message.
type tailEntry struct {
	uid    imap.UID
	seq    imap.SeqNum // 0 for a row without one (RFC 9586)
	flags  []imap.Flag
	modSeq imap.ModSeq
}

// maxTail bounds the rows that wait for rows of earlier messages.
const maxTail = 1 << 18

// Exists returns how many messages there are, known or not.
func (v *View) Exists() uint32 { return v.count }

// Pending returns how many messages are announced but not known yet.
func (v *View) Pending() uint32 {
	if known := uint32(v.state.n) + v.missing; known < v.count {
		return v.count - known
	}
	return 0
}

// Missing returns how many messages the server counts but does not return; see [Ledger.GiveUp]. They are
// not among those pending.
func (v *View) Missing() uint32 { return v.missing }

// State returns what is known now. It is a copy, cheap as [State.Clone] says.
func (v *View) State() *State { return v.state.Clone() }

// UIDAt returns the UID of the message with that sequence number, 0 if it is not known.
func (v *View) UIDAt(seq imap.SeqNum) imap.UID {
	if v.unnumbered {
		return 0
	}
	return v.state.UIDAt(seq)
}

// SeqOf returns the sequence number of uid, 0 if it is not known.
func (v *View) SeqOf(uid imap.UID) imap.SeqNum {
	if v.unnumbered {
		return 0
	}
	return v.state.SeqOf(uid)
}

// Stuck reports whether rows of later messages came, but not those of earlier ones: if asking again does not
// help, see [Ledger.GiveUp].
func (v *View) Stuck() bool { return len(v.tail) > 0 || v.unnumbered && v.Pending() > 0 }

// LastUID returns the highest UID that is known, 0 if there is none.
func (v *View) LastUID() imap.UID { return v.state.UIDAt(imap.SeqNum(v.state.n)) }

// Flags returns the last known flags of uid and whether it is known. The slice is shared: read only.
func (v *View) Flags(uid imap.UID) ([]imap.Flag, bool) { return v.state.Flags(uid) }

// NeedFetch reports whether messages are announced whose UIDs or flags are unknown, and which UIDs
// to ask for: UID FETCH set (UID FLAGS), with MODSEQ where the mailbox has it. The set ends in "*",
// hence the server may well return the last known message (RFC 9051 section 6.4.8: "*" is always in
// range); that row is a row like any other.
//
// Feed the rows and the tagged reply to [View.Apply]. If Pending is what it was, the server does not
// show those messages yet, or they are gone and it has not said so: ask again after a NOOP or the
// next response, not at once.
func (v *View) NeedFetch() (imap.UIDSet, bool) {
	if v.Pending() == 0 {
		return nil, false
	}
	set := imap.SetOfRange(v.state.frontier(), 0)
	if len(v.tail) > 0 && len(v.tail) <= 64 {
		for _, e := range v.tail {
			set.Remove(e.uid)
		}
	}
	return set, true
}

// Commit ends a command: the HIGHESTMODSEQ announced meanwhile is now the State's. [View.Apply] does
// it for each tagged response, so only a caller that keeps those to itself needs it.
//
// RFC 7162 section 6 lets a client also advance to the highest MODSEQ of the rows since the last
// tagged response. This does not: servers exist that delay a lower one, and the price is only that
// some known flags are sent again after a reconnect.
func (v *View) Commit() {
	if v.announced != 0 {
		v.state.highest, v.announced = v.announced, 0
	}
}
