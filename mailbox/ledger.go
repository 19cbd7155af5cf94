package mailbox

import (
	"slices"

	"github.com/pushmail/pushmail/imap"
)

// Ledger stands between a [View] and whoever stores checkpoints: it keeps the changes in order until
// they are acknowledged, and the State in which exactly the acknowledged ones are done. Store that one.
// A resynchronisation from it repeats what was not acknowledged, no more and no less (as net changes).
//
// HIGHESTMODSEQ and UIDNEXT of the acknowledged State move only when every change that became known
// up to the command that ended with them is acknowledged: before that, they would make the next
// resynchronisation skip some.
//
// While nothing is waiting, both States share their memory; otherwise only the parts that differ are
// there twice. A Ledger is not safe for concurrent use. After a resynchronisation make a new one.
type Ledger struct {
	view  *View
	acked *State
	queue []Change
	taken uint64 // changes acknowledged so far; queue[0] is number taken
	marks []mark
}

// mark is what the acknowledged State may claim once so many changes are acknowledged.
type mark struct {
	after   uint64
	highest imap.ModSeq
	uidNext imap.UID
}

// NewLedger returns a Ledger of what [Resync.Finish] returned, all of changes waiting to be acknowledged.
// acked is the State that the resynchronisation started from: what was stored. It is ignored, and may
// be nil, where there are no changes: that of the View is the acknowledged State then, as after an
// initial or a Reset resynchronisation, whose own event the caller keeps apart.
func NewLedger(acked *State, v *View, changes []Change) *Ledger {
	l := &Ledger{view: v}
	if len(changes) == 0 || acked == nil {
		l.acked = v.state.Clone()
		return l
	}
	l.acked = acked.Clone()
	l.queue = slices.Clone(changes)
	l.mark()
	return l
}

// NewLedgerWith returns a Ledger of a mailbox that is seen for the first time: of the messages in v, those in
// fresh wait to be acknowledged as new, and the others are known already. Nothing is claimed of
// mod-sequences before all are acknowledged, so a resynchronisation before that finds the rest of them.
func NewLedgerWith(v *View, fresh imap.UIDSet) *Ledger {
	acked := v.state.Clone()
	acked.removeSet(fresh)
	acked.highest = 0
	changes := make([]Change, 0, v.state.n-acked.n)
	for uid := range v.state.UIDs().Intersect(fresh).All() {
		flags, _ := v.state.Flags(uid)
		changes = append(changes, Change{Kind: New, UID: uid, Flags: flags})
	}
	return NewLedger(acked, v, changes)
}

// View returns the View. Give responses to [Ledger.Apply], not to the View itself.
func (l *Ledger) View() *View { return l.view }

// Apply folds r into the View, as [View.Apply] does, and queues the changes. It returns them, too.
func (l *Ledger) Apply(r imap.Response) ([]Change, error) {
	changes, err := l.view.Apply(r)
	l.queue = append(l.queue, changes...)
	if _, ended := r.(*imap.Tagged); ended {
		l.mark()
	}
	return changes, err
}

// mark remembers that once the queue as it is now is acknowledged, the claims of the View hold.
func (l *Ledger) mark() {
	m := mark{l.taken + uint64(len(l.queue)), l.view.state.highest, l.view.state.uidNext}
	if k := len(l.marks); k > 0 && l.marks[k-1].after == m.after {
		l.marks[k-1] = m
	} else {
		l.marks = append(l.marks, m)
	}
	l.reach()
}

// reach takes over the marks up to what is acknowledged.
func (l *Ledger) reach() {
	for len(l.marks) > 0 && l.marks[0].after <= l.taken {
		l.acked.highest = l.marks[0].highest
		l.acked.uidNext = max(l.marks[0].uidNext, l.acked.frontier())
		l.marks = l.marks[1:]
	}
	if len(l.queue) == 0 && l.acked.n == l.view.state.n {
		l.rest()
	}
}

// rest shares the memory of the two States again: with nothing waiting they are the same.
func (l *Ledger) rest() {
	highest := l.acked.highest // that of the View may have moved since the last mark
	l.acked = l.view.state.Clone()
	l.acked.highest = highest
	l.queue, l.marks = nil, nil
}

// Len returns how many changes wait to be acknowledged.
func (l *Ledger) Len() int { return len(l.queue) }

// Next returns the first change that waits, false if there is none. It does not take it.
func (l *Ledger) Next() (Change, bool) {
	if len(l.queue) == 0 {
		return Change{}, false
	}
	return l.queue[0], true
}

// Pending returns the changes that wait, in order. The slice is shared: read only.
func (l *Ledger) Pending() []Change { return l.queue[:len(l.queue):len(l.queue)] }

// Ack acknowledges the first change that waits. With none it does nothing.
func (l *Ledger) Ack() {
	if len(l.queue) == 0 {
		return
	}
	l.acked.do(l.queue[0])
	l.queue[0] = Change{}
	l.queue = l.queue[1:]
	l.taken++
	l.reach()
}

// State returns the acknowledged State: the one to be stored. It is a copy, cheap as [State.Clone] says.
func (l *Ledger) State() *State { return l.acked.Clone() }

// do carries out one change.
func (s *State) do(c Change) {
	switch c.Kind {
	case Expunge:
		s.remove(c.UID)
		return
	case New:
		if set, err := s.intern(c.Flags); err == nil && !s.Has(c.UID) {
			_ = s.insert(c.UID, set, 0)
		}
		return
	}
	k, i, ok := s.byUID(c.UID)
	if set, err := s.intern(c.Flags); err == nil && ok {
		w := s.write(k)
		w.flags.set(i, set, w.n)
		if c.Rev != 0 {
			w.revs.set(i, c.Rev, w.n)
		}
	}
}
