package imaptest

import (
	"cmp"
	"slices"

	"github.com/pushmail/pushmail/imap"
)

// view is the selected mailbox as one session was told of it. It belongs to the session's goroutine;
// the mailbox's mu guards what the messages share.
type view struct {
	mailbox  *Mailbox
	readOnly bool
	msgs     []viewMessage // index+1 is the sequence number
	cursor   int           // the log up to here was seen
	modSeq   imap.ModSeq   // HIGHESTMODSEQ as far as the log was seen
	gone     imap.UIDSet   // expunged, and the client was not told yet
	keywords int           // how many keywords FLAGS had

	recent, recentTold imap.Recent // how many are \Recent, and what the client was told

	// For HIGHESTMODSEQ; see [Session.highest].
	complete imap.ModSeq // everything up to here was told
	fetched  imap.ModSeq // the greatest mod-sequence in a row
}

// viewMessage is a message of a view.
type viewMessage struct {
	*message
	seen   imap.ModSeq // the client knows the flags as of this mod-sequence
	recent bool
}

// open takes the mailbox as it is and begins to watch its log.
func (m *Mailbox) open(s *Session, readOnly bool) *view {
	m.mu.Lock()
	defer m.mu.Unlock()
	v := &view{mailbox: m, readOnly: readOnly, cursor: len(m.log), modSeq: m.modSeq, complete: m.modSeq}
	v.msgs = make([]viewMessage, 0, len(m.msgs))
	for _, msg := range m.msgs {
		v.addLocked(msg)
	}
	m.selected[s] = struct{}{}
	return v
}

// addLocked appends a message. \Recent goes to the first session that selects the mailbox to change
// it (RFC 3501 section 2.3.2).
func (v *view) addLocked(msg *message) {
	recent := msg.uid >= v.mailbox.recent
	if recent && !v.readOnly {
		v.mailbox.recent = msg.uid + 1
	}
	if recent {
		v.recent++
	}
	v.msgs = append(v.msgs, viewMessage{msg, msg.modSeq, recent})
}

// drop takes messages out of the view. Positions ascend.
func (v *view) drop(positions []int) {
	if len(positions) == 0 {
		return
	}
	kept := positions[0]
	for k, i := range positions {
		if v.msgs[i].recent {
			v.recent--
		}
		next := len(v.msgs)
		if k+1 < len(positions) {
			next = positions[k+1]
		}
		kept += copy(v.msgs[kept:], v.msgs[i+1:next])
	}
	clear(v.msgs[kept:])
	v.msgs = v.msgs[:kept]
}

// index returns where the message with that UID, or the next greater one, is.
func (v *view) index(uid imap.UID) (int, bool) {
	return slices.BinarySearchFunc(v.msgs, uid, func(m viewMessage, uid imap.UID) int { return cmp.Compare(m.uid, uid) })
}

// flagsLocked returns the flags of a message as this session sees them, and notes that it was told.
func (v *view) flagsLocked(i int) []imap.Flag {
	m := &v.msgs[i]
	m.seen = m.modSeq
	if !m.recent {
		return m.flags
	}
	return append(slices.Clone(m.flags), imap.FlagRecent)
}

// bySeq returns the positions that a set of sequence numbers names, in order. It reports false if one
// of them does not exist, which is an error of the client's (RFC 9051 section 9, seq-number).
func (v *view) bySeq(set imap.SeqSet) ([]int, bool) {
	var out []int
	n := imap.SeqNum(len(v.msgs))
	for _, r := range set {
		lo, hi := r.First, r.Last
		if hi == 0 {
			hi = n
		}
		if lo == 0 {
			lo = n
		}
		lo, hi = min(lo, hi), max(lo, hi)
		if lo == 0 || hi > n {
			return nil, false
		}
		out = appendRange(out, int(lo)-1, int(hi))
	}
	return out, true
}

// bySeqAvailable is bySeq for SEARCH, where numbers that do not exist find nothing.
func (v *view) bySeqAvailable(set imap.SeqSet) []int {
	n := imap.SeqNum(len(v.msgs))
	if n == 0 {
		return nil
	}
	out, _ := v.bySeq(set.Intersect(imap.SetOfRange(1, n)))
	if set.Dynamic() {
		last, _ := v.bySeq(set[len(set)-1:])
		out = append(out, last...)
	}
	return out
}

// byUID returns the positions that a set of UIDs names, in order. UIDs that do not exist are ignored
// (RFC 9051 section 6.4.9); "*" is the last message, even in 9999:*.
func (v *view) byUID(set imap.UIDSet) []int {
	if len(v.msgs) == 0 {
		return nil
	}
	var out []int
	last := v.msgs[len(v.msgs)-1].uid
	for _, r := range set {
		lo, hi := r.First, r.Last
		if hi == 0 {
			hi = last
		}
		if lo == 0 {
			lo = last
		}
		lo, hi = min(lo, hi), max(lo, hi)
		from, _ := v.index(lo)
		to, found := v.index(hi)
		if found {
			to++
		}
		out = appendRange(out, from, to)
	}
	return out
}

// appendRange appends from up to, but not including, to, without what is there already: "5:*" can
// overlap with the range before it.
func appendRange(out []int, from, to int) []int {
	if k := len(out); k > 0 {
		if from < out[0] && to > out[k-1] {
			out = out[:0]
		} else {
			from = max(from, out[k-1]+1)
		}
	}
	for i := from; i < to; i++ {
		out = append(out, i)
	}
	return out
}

// seqNum is the sequence number of a position.
func seqNum(i int) imap.SeqNum { return imap.SeqNum(i + 1) }

// leave closes the selected mailbox.
func (s *Session) leave() {
	if s.view == nil {
		return
	}
	m := s.view.mailbox
	m.mu.Lock()
	delete(m.selected, s)
	if s.notify != nil && s.notify.told != nil {
		s.notify.told[m] = m.positionLocked() // see tellOthers
	}
	m.mu.Unlock()
	s.view = nil
	s.change(func() { s.mailbox, s.state = nil, Authenticated })
}
