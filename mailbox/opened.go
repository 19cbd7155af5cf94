package mailbox

import (
	"slices"

	"github.com/pushmail/pushmail/imap"
)

// Opened is how a mailbox was selected and what the server said. Set the first six fields, then give
// every response of SELECT or EXAMINE to [Opened.Observe].
type Opened struct {
	// QResync: ENABLE QRESYNC succeeded in this connection.
	QResync bool
	// CondStore: the server has CONDSTORE or QRESYNC, so FETCH may ask for MODSEQ and CHANGEDSINCE.
	CondStore bool
	// ESearch: the server has ESEARCH or IMAP4rev2, so SEARCH may RETURN (ALL).
	ESearch bool
	// Basis is what the State's fingerprints are made of, if the server has that still; see [BasisFor]. 0: the
	// messages are taken for what they were.
	Basis Basis
	// Doubted are messages that may be others now: see [Ledger.Doubted].
	Doubted imap.UIDSet
	// Resumed: SELECT carried the [SelectParams] of the State that [Begin] is given.
	Resumed bool

	// UIDValidity is 0 if the server has none.
	UIDValidity uint32
	// UIDNext is 0 if the server did not say.
	UIDNext imap.UID
	// HighestModSeq is 0 if the server did not say.
	HighestModSeq imap.ModSeq
	NoModSeq      bool
	Exists        uint32
	// Flags are those that there are, as FLAGS lists them; none if the server did not say.
	Flags []imap.Flag
	// Responses has, in order, what else came about messages: VANISHED (EARLIER) and FETCH rows of a
	// QRESYNC SELECT, and whatever happened meanwhile.
	Responses []imap.Response

	counted   bool
	permanent []imap.Flag // of PERMANENTFLAGS
}

// Observe takes note of one response. It keeps *imap.Message, *imap.Vanished and the
// flags of imap.MailboxFlags as they are.
func (o *Opened) Observe(r imap.Response) {
	switch r := r.(type) {
	case imap.Exists:
		if o.counted {
			o.Responses = append(o.Responses, r) // the mailbox grew while it was being opened
			return
		}
		o.Exists, o.counted = uint32(r), true
	case imap.Expunge, *imap.Vanished, *imap.Message:
		o.Responses = append(o.Responses, r)
	case imap.MailboxFlags:
		o.Flags = r
	case *imap.Status:
		o.code(r.Code)
	case *imap.Tagged:
		o.code(r.Code)
	}
}

func (o *Opened) code(c *imap.Code) {
	if c == nil {
		return
	}
	switch c.Name {
	case imap.CodeUIDValidity:
		o.UIDValidity = uint32(c.Num)
	case imap.CodeUIDNext:
		o.UIDNext = imap.UID(c.Num)
	case imap.CodePermanentFlags:
		o.permanent = c.Flags
	case imap.CodeHighestModSeq:
		o.HighestModSeq, o.NoModSeq = imap.ModSeq(c.Num), false
	case imap.CodeNoModSeq:
		o.HighestModSeq, o.NoModSeq = 0, true
	case imap.CodeClosed:
		// RFC 7162 section 3.2.11: what came before is about the mailbox that was selected until now.
		*o = Opened{QResync: o.QResync, CondStore: o.CondStore, ESearch: o.ESearch, Resumed: o.Resumed, Basis: o.Basis, Doubted: o.Doubted}
	}
}

// modSeqs reports whether the mailbox has mod-sequences that can be asked for.
func (o *Opened) modSeqs() bool {
	return (o.CondStore || o.QResync) && !o.NoModSeq && o.HighestModSeq != 0
}

// flags returns what the server lists.
func (o *Opened) flags() []imap.Flag { return mergeFlags(o.Flags, o.permanent) }

// RFC 7162 section 4: a command line should have at most about 8,192 octets. These are bounded by less, so that
// it does not cost more to ask than to be told: a resynchronisation of one change in a mailbox of 100,000
// messages should stay below 2 KB. A server that keeps a record of expunges does not need them.
const (
	maxKnownText = 500
	maxMatches   = 32
)

// SelectParams returns the QRESYNC parameter that makes SELECT report what changed since s; false if
// s is nil or has no mod-sequence. Use it only after ENABLE QRESYNC, and set Opened.Resumed.
//
// Known covers every UID of s and spares the server to name those that s does not know (section
// 3.2.5.1). The matching numbers and UIDs lie closer towards the end: where such a pair still
// matches, a server that has forgotten old expunges need not list every UID below it (section 3.2.5.2).
func SelectParams(s *State) (imap.QResync, bool) {
	if s == nil || s.highest == 0 || s.uidValidity == 0 {
		return imap.QResync{}, false
	}
	q := imap.QResync{UIDValidity: s.uidValidity, ModSeq: s.highest, Known: coarse(s.UIDs(), maxKnownText)}
	for back := 0; back < s.n && len(q.MatchSeq) < maxMatches; back = back*2 + 1 {
		seq := imap.SeqNum(s.n - back)
		q.MatchSeq = append(q.MatchSeq, imap.Range[imap.SeqNum]{First: seq, Last: seq})
		uid := s.UIDAt(seq)
		q.MatchUID = append(q.MatchUID, imap.Range[imap.UID]{First: uid, Last: uid})
	}
	slices.Reverse(q.MatchSeq)
	slices.Reverse(q.MatchUID)
	q.MatchSeq, q.MatchUID = imap.Normalize(q.MatchSeq), imap.Normalize(q.MatchUID)
	return q, true
}

// coarse returns set with its smallest gaps filled until its text fits into limit bytes.
func coarse(set imap.UIDSet, limit int) imap.UIDSet {
	for gap := imap.UID(2); len(set.String()) > limit; gap *= 2 {
		out := set[:1]
		for _, r := range set[1:] {
			if k := len(out) - 1; r.First-out[k].Last <= gap {
				out[k].Last = r.Last
			} else {
				out = append(out, r)
			}
		}
		set = out
	}
	return set
}
