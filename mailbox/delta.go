package mailbox

import (
	"iter"

	"github.com/pushmail/pushmail/imap"
)

// delta is one change, or the same change of n messages with consecutive UIDs. It has 32 bytes whatever n
// is, so a million messages that are expunged at once are one delta. What a [Change] has beyond it follows
// from the State before.
type delta struct {
	uid    imap.UID
	n      uint32
	modSeq imap.ModSeq
	set    *flagSet // the flags after it; nil for an expunge
	rev    uint32
	kind   Kind
}

// change returns the first of the changes that d is, before being the State in which it has not happened.
func (d delta) change(before *State) Change {
	c := Change{Kind: d.kind, UID: d.uid, ModSeq: d.modSeq, Rev: d.rev}
	if c.Print, c.Reused = before.prints.reused(d.uid); d.kind == New {
		c.Print, c.Reused = Print{}, c.Reused || d.uid <= before.told
	}
	was, _ := before.Flags(d.uid)
	if d.kind == Expunge {
		c.Flags = was
		return c
	}
	c.Flags = d.set.flags
	if d.kind == Flags {
		c.Added, c.Removed = diffFlags(was, c.Flags)
	}
	return c
}

// continues reports whether d is what e is, for the UIDs that follow.
func (d delta) continues(e delta) bool {
	return d.kind == e.kind && d.uid == e.uid+imap.UID(e.n) && d.set == e.set && d.modSeq == e.modSeq && d.rev == e.rev
}

// blockSize is the number of deltas that are allocated at once.
const blockSize = 512

// deltas is a queue of changes.
type deltas struct {
	blocks [][]delta // none empty
	n      int       // changes, not deltas
}

func (q *deltas) push(d delta) {
	q.n += int(d.n)
	k := len(q.blocks) - 1
	if k >= 0 {
		b := q.blocks[k]
		if last := &b[len(b)-1]; d.continues(*last) {
			last.n += d.n
			return
		}
		if len(b) < blockSize {
			q.blocks[k] = append(b, d)
			return
		}
	}
	q.blocks = append(q.blocks, []delta{d})
}

// pushRuns pushes the same change of all UIDs in set.
func (q *deltas) pushRuns(kind Kind, set imap.UIDSet) {
	for _, r := range set {
		q.push(delta{kind: kind, uid: r.First, n: uint32(r.Last-r.First) + 1})
	}
}

// prepend puts the changes of p before those of q.
func (q *deltas) prepend(p deltas) {
	q.blocks = append(p.blocks, q.blocks...)
	q.n += p.n
}

// first returns the first delta; there must be one.
func (q *deltas) first() delta { return q.blocks[0][0] }

// pop takes out the first change.
func (q *deltas) pop() {
	q.n--
	b := q.blocks[0]
	if b[0].n > 1 {
		b[0].n--
		b[0].uid++
		return
	}
	b[0] = delta{}
	if q.blocks[0] = b[1:]; len(b) == 1 {
		q.blocks = q.blocks[1:]
	}
	if q.n == 0 {
		q.blocks = nil
	}
}

func (q *deltas) all() iter.Seq[delta] {
	return func(yield func(delta) bool) {
		for _, b := range q.blocks {
			for _, d := range b {
				if !yield(d) {
					return
				}
			}
		}
	}
}

// clone returns a copy, so that what one of them pops the other still has.
func (q *deltas) clone() deltas {
	c := deltas{n: q.n, blocks: make([][]delta, len(q.blocks))}
	for i, b := range q.blocks {
		c.blocks[i] = append([]delta(nil), b...)
	}
	return c
}

// Changes are what a [Resync] found out: net changes, each message once. What is gone is said first, so
// that whoever applies them in order never holds more than the larger of the two states; then come
// changes of flags, then new messages, each by ascending UID: new messages in the order of their arrival.
//
// They take at most 32 bytes for each change; messages with consecutive UIDs that are gone are one. Nil
// are no changes.
type Changes struct {
	before *State // in which none has happened
	deltas deltas
}

// Len returns how many there are.
func (c *Changes) Len() int {
	if c == nil {
		return 0
	}
	return c.deltas.n
}

// All yields them in order.
func (c *Changes) All() iter.Seq[Change] {
	return func(yield func(Change) bool) {
		if c == nil {
			return
		}
		for d := range c.deltas.all() {
			for ; d.n > 0; d.n-- {
				if !yield(d.change(c.before)) {
					return
				}
				d.uid++
			}
		}
	}
}

// recorder takes in what a View finds out, before the View has carried it out. was are the flags before,
// of a change of flags.
type recorder interface {
	record(v *View, d delta, was *flagSet)
}

// changeList records changes one by one.
type changeList []Change

func (l *changeList) record(v *View, d delta, was *flagSet) {
	if d.kind == Flags {
		c := Change{Kind: Flags, UID: d.uid, ModSeq: d.modSeq, Rev: d.rev, Flags: d.set.flags}
		c.Added, c.Removed = diffFlags(was.flags, c.Flags)
		*l = append(*l, c)
		return
	}
	for ; d.n > 0; d.n-- {
		*l = append(*l, d.change(v.state))
		d.uid++
	}
}

func (q *deltas) record(_ *View, d delta, _ *flagSet) { q.push(d) }
