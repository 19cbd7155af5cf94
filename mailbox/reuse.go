package mailbox

import "github.com/pushmail/pushmail/imap"

// recheck is how many of the newest messages are compared with their fingerprints, to see whether their UIDs still are
// theirs. One would do where UIDs are only given anew from some UID on, as after a crash or a restored backup: then the
// newest one that is left is another one now. More find an exchange below it.
const recheck = 4

// check finds out whether the server has given UIDs that are known to other messages, under the same UIDVALIDITY. No
// server should; Courier forgets UIDs that it has told in a read-only session or before it was killed, others when they are
// restored from a backup.
//
// Where there are mod-sequences, another message has a later one than was known, so its row comes as if its flags had
// changed: only those are looked at whose flags have not, or are none. A server that has forgotten mod-sequences as
// well has a lower HIGHESTMODSEQ or UIDNEXT than before, and everything is compared.
type check struct {
	stage   checkStage
	doubted imap.UIDSet // that have another mod-sequence, for no reason that is seen
	asked   imap.UIDSet
	other   imap.UIDSet // those of asked that are not what they were
}

type checkStage uint8

const (
	unchecked     checkStage = iota
	checkedNewest            // or that is running, as in all that follow
	checkedAgain             // those that seemed to differ
	checkedAll               // all that are remembered
)

// checking reports whether the step that runs is one of the check.
func (r *Resync) checking() bool { return r.stepOf != nil && r.step.Kind == FetchIdentity }

// next returns the next step when the rung has done its work.
func (c *check) next(r *Resync) (Step, bool) {
	if !r.mayBeReused() {
		return Step{}, false
	}
	switch {
	case c.stage == unchecked:
		c.stage = checkedNewest
		c.asked = r.stillRemembered(recheck, c.suspects(r)).Union(r.stillRemembered(MaxRemembered, r.opened.Doubted))
	case len(c.other) == 0 || c.stage == checkedAll:
		return Step{}, false
	case c.stage == checkedNewest:
		c.stage, c.asked = checkedAgain, c.other
	default:
		c.stage, c.asked = checkedAll, r.stillRemembered(MaxRemembered, allUIDs)
	}
	c.other = nil
	// Fingerprints are made from ENVELOPE, and servers exist that have another Message-ID there than in the header.
	envelope := c.stage > checkedNewest && r.opened.Basis == BasisHeader
	return Step{Kind: FetchIdentity, UIDs: c.asked, Basis: r.opened.Basis, Envelope: envelope}, len(c.asked) > 0
}

// mayBeReused reports whether there is something to compare.
func (r *Resync) mayBeReused() bool {
	return r.old != nil && r.opened.Basis != 0 && r.old.Basis() == r.opened.Basis
}

var allUIDs = imap.SetOfRange[imap.UID](1, 1<<32-1)

// suspects returns the UIDs of which nothing better proves that they mean what they did.
func (c *check) suspects(r *Resync) imap.UIDSet {
	switch r.rung.(type) {
	case *diffRung, *searchRung:
		return allUIDs
	}
	return c.doubted
}

// stillRemembered returns the newest messages among some that have fingerprints and whose UIDs are there.
func (r *Resync) stillRemembered(most int, among imap.UIDSet) (set imap.UIDSet) {
	list := r.old.prints.list
	for i := len(list) - 1; i >= 0 && most > 0; i-- {
		if uid := list[i].uid; among.Contains(uid) && r.view.state.Has(uid) {
			set = append(set, imap.Range[imap.UID]{First: uid, Last: uid})
			most--
		}
	}
	return imap.Normalize(set)
}

// look takes note of a row.
func (c *check) look(r *Resync, m *imap.Message) {
	if !r.checking() {
		if r.mayBeReused() && m.ModSeq > r.old.highest && m.Items.Has(imap.ItemFlags) && r.sameOrNone(m) {
			c.doubted.Add(m.UID)
		}
		return
	}
	if c.asked.Contains(m.UID) && r.old.contradicts(r.opened.Basis, m) {
		c.other.Add(m.UID)
	}
}

// sameOrNone reports whether a row of a known message says that it has no flags, or those that it had.
func (r *Resync) sameOrNone(m *imap.Message) bool {
	same, known := r.old.sameOrNone(m.UID, m.Flags)
	return known && same
}

// replaced returns the UIDs that are those of other messages now.
func (c *check) replaced() imap.UIDSet {
	if c.stage != checkedAll {
		return nil
	}
	return c.other
}
