package mailbox

import (
	"iter"

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
// there twice. A change that waits takes 32 bytes; messages with consecutive UIDs to which the same
// happened, such as a VANISHED of a million, are one. A Ledger is not safe for concurrent use. After a
// resynchronisation make a new one.
type Ledger struct {
	view  *View
	acked *State
	queue deltas
	taken uint64 // changes acknowledged so far; the first of queue is number taken
	marks []mark
	again imap.UID // the message that was acknowledged last, if another one had its UID before; else 0

	// What is instead of view and acked while they are nil; see Fold.
	folded    string
	count     uint32
	vanishing bool
}

// mark is what the acknowledged State may claim once so many changes are acknowledged.
type mark struct {
	after   uint64
	highest imap.ModSeq
	uidNext imap.UID
}

// NewLedger returns a Ledger of what [Resync.Finish] returned, all of changes waiting to be acknowledged.
// After an initial or a Reset resynchronisation there are none; its own event the caller keeps apart.
func NewLedger(v *View, changes *Changes) *Ledger {
	l := &Ledger{view: v}
	if changes.Len() == 0 {
		l.acked = v.state.Clone()
	} else {
		l.acked = changes.before.Clone()
		l.queue = changes.deltas.clone()
		l.mark()
	}
	v.state.prints = nil // it is acknowledged messages that are remembered
	return l
}

// Renew has messages that are known and acknowledged wait as new ones, before all else that waits: those
// that were there already when a mailbox was seen for the first time but are to be reported, and those
// that a [Reunion] found to be new. Nothing is claimed of mod-sequences before all of them are
// acknowledged, so a resynchronisation before that finds those that are not. UIDs that are not there do
// not matter.
func (l *Ledger) Renew(fresh imap.UIDSet) {
	l.unfold()
	var news deltas
	for _, r := range l.acked.intersect(fresh) {
		for uid := r.First; ; uid++ {
			k, i, _ := l.acked.byUID(uid)
			news.push(delta{kind: New, uid: uid, n: 1, set: l.acked.flags.sets[l.acked.chunks[k].flags.at(i)]})
			if uid == r.Last {
				break
			}
		}
	}
	if news.n == 0 {
		return
	}
	l.acked.removeSet(fresh)
	l.acked.told = min(l.acked.told, news.first().uid-1)
	l.acked.prints = l.acked.prints.without(fresh, l.acked.own)
	l.acked.highest = 0
	for i := range l.marks {
		l.marks[i].after += uint64(news.n)
	}
	l.queue.prepend(news)
	l.mark()
}

// View returns the View. Give responses to [Ledger.Apply], not to the View itself.
func (l *Ledger) View() *View {
	l.unfold()
	return l.view
}

// Apply folds r into the View, as [View.Apply] does, and queues the changes.
func (l *Ledger) Apply(r imap.Response) error {
	if l.view == nil && !mind(r) {
		return nil
	}
	l.unfold()
	if row, ok := r.(*imap.Message); ok {
		l.doubt(row)
	}
	err := l.view.apply(&l.queue, r)
	if _, ended := r.(*imap.Tagged); ended {
		l.mark()
	}
	return err
}

// GiveUp ends the wait for messages that the server has announced but does not return though it was asked
// more than once, while it returns later ones: those become known by it. It returns how many messages
// are missing that were not before; when one of them shows up after all, it is a new message.
//
// With a message missing in the middle, numbers do not tell which message is meant: from then on, a
// response that names a message by its number alone is a [*DesyncError], and the resynchronisation finds
// out what it was. Messages that are pending after all that are known stay pending: they may just not be
// there yet.
func (l *Ledger) GiveUp() uint32 {
	l.unfold()
	return l.view.giveUp(&l.queue)
}

// mark remembers that once the queue as it is now is acknowledged, the claims of the View hold.
func (l *Ledger) mark() {
	m := mark{l.taken + uint64(l.queue.n), l.view.state.highest, l.view.state.uidNext}
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
	if l.queue.n == 0 && l.acked.n == l.view.state.n {
		l.rest()
	}
}

// rest shares the memory of the two States again: with nothing waiting they are the same.
func (l *Ledger) rest() {
	highest, prints := l.acked.highest, l.acked.prints // that of the View may have moved since the last mark
	l.acked = l.view.state.Clone()
	l.acked.highest, l.acked.prints = highest, prints
	l.queue, l.marks = deltas{}, nil
}

// Len returns how many changes wait to be acknowledged.
func (l *Ledger) Len() int { return l.queue.n }

// Next returns the first change that waits, false if there is none. It does not take it.
func (l *Ledger) Next() (Change, bool) {
	if l.queue.n == 0 {
		return Change{}, false
	}
	return l.queue.first().change(l.acked), true
}

// News yields the UIDs of the new messages that wait, in order. The Ledger must not change meanwhile.
func (l *Ledger) News() iter.Seq[imap.UID] {
	return func(yield func(imap.UID) bool) {
		for d := range l.queue.all() {
			for ; d.kind == New && d.n > 0; d.n-- {
				if !yield(d.uid) {
					return
				}
				d.uid++
			}
		}
	}
}

// Ack acknowledges the first change that waits. With none it does nothing.
func (l *Ledger) Ack() {
	if l.queue.n == 0 {
		return
	}
	c := l.queue.first().change(l.acked)
	l.acked.do(c)
	if l.again = 0; c.Kind == New && c.Reused {
		l.again = c.UID
	}
	l.queue.pop()
	l.taken++
	l.reach()
}

// Remember keeps what identifies an acknowledged message beyond its UID; see [Identity]. That of a
// message that is not there, or older than the [MaxRemembered] newest ones, is not kept. A New one whose UID was
// used before is told apart by it, in all that follows, if it is remembered right after it was acknowledged.
func (l *Ledger) Remember(uid imap.UID, id Identity) {
	l.unfold()
	if !l.acked.Has(uid) {
		return
	}
	l.acked.prints = l.acked.prints.with(uid, id, l.acked.own)
	if uid == l.again {
		l.acked.prints, l.again = l.acked.prints.name(uid, id.Print, l.acked.own), 0
	}
}

// State returns the acknowledged State: the one to be stored. It is a copy, cheap as [State.Clone] says.
func (l *Ledger) State() *State {
	l.unfold()
	return l.acked.Clone()
}

// do carries out one change.
func (s *State) do(c Change) {
	switch c.Kind {
	case Expunge:
		s.remove(c.UID)
		s.prints = s.prints.without(imap.UIDs(c.UID), s.own)
		return
	case New:
		if set, err := s.intern(c.Flags); err == nil && !s.Has(c.UID) {
			_ = s.insert(c.UID, set, 0)
		}
		s.prints = s.prints.past(c.UID, s.own)
		if c.Reused {
			s.prints = s.prints.reuse(c.UID, s.own)
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
