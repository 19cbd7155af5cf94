package deliver

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pushmail/pushmail/internal/journal"
	"github.com/pushmail/pushmail/internal/sink"
)

// ErrNotFailing says that an event holds nothing up, so there is no need to skip it.
var ErrNotFailing = errors.New("the event has not failed, or its turn has not come")

// Failing returns the events that have failed, wait for another try, and hold up what comes after them in their mailbox: those after a
// position, by position, at most limit. One without Rest is sent again because a person asked for it.
func (d *Deliverer) Failing(ctx context.Context, name string, after journal.Position, limit int) ([]journal.Pending, error) {
	l, err := d.loop(name)
	if err != nil {
		return nil, err
	}
	var all []journal.Retry
	err = l.do(ctx, func() error {
		for _, k := range l.failing() {
			if k.first() > after {
				all = append(all, k.retry())
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out []journal.Pending
	for _, r := range all {
		if len(out) == limit {
			break
		}
		recs, err := d.o.Journal.Read(ctx, r.Position-1, 1, journal.Filter{})
		if err != nil {
			return nil, err
		}
		if len(recs) > 0 && recs[0].Position == r.Position { // else it is done meanwhile, and gone
			out = append(out, journal.Pending{Retry: r, Record: recs[0]})
		}
	}
	return out, nil
}

// Skip gives up events that hold up mailboxes, those of some ids, or without ids all: they become dead letters at once, and what comes
// after them goes on. One that is being tried at the moment is given up if that fails, too; should the program end before that is
// known, it has one more try. When Skip returns it is in the journal. It returns how many there are.
// [ErrNotFailing] and [journal.ErrNotFound] say that one of the ids cannot be skipped; then none is.
func (d *Deliverer) Skip(ctx context.Context, name string, ids ...string) (int, error) {
	l, err := d.loop(name)
	if err != nil {
		return 0, err
	}
	var wanted map[journal.Position]string
	if len(ids) > 0 {
		wanted = map[journal.Position]string{}
	}
	for _, id := range ids {
		r, err := d.o.Journal.Find(ctx, id)
		if err != nil {
			return 0, fmt.Errorf("event %s: %w", id, err)
		}
		wanted[r.Position] = id
	}
	n := 0
	err = l.do(ctx, func() (err error) {
		n, err = l.skip(ctx, wanted)
		return err
	})
	return n, err
}

// failing returns the keys whose first event has failed, by its position.
func (l *loop) failing() (keys []*key) {
	for _, k := range l.keys {
		if k.err != "" {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b *key) int { return cmp.Compare(a.first(), b.first()) })
	return keys
}

// skip buries the first events of keys that fail: those that are wanted, or all if wanted is nil.
func (l *loop) skip(ctx context.Context, wanted map[journal.Position]string) (n int, err error) {
	keys := l.failing()
	if wanted != nil {
		keys = slices.DeleteFunc(keys, func(k *key) bool { return wanted[k.first()] == "" })
		there := map[journal.Position]bool{}
		for _, k := range keys {
			there[k.first()] = true
		}
		for p, id := range wanted {
			if !there[p] {
				return 0, fmt.Errorf("event %s: %w", id, ErrNotFailing)
			}
		}
	}
	for _, k := range keys {
		if k.sending > 0 {
			k.skipped = true // see failed
			l.changed(k)
			n++
			continue
		}
		done, err := l.skipFirst(ctx, k)
		if err != nil {
			return n, err
		}
		if done {
			n++
		}
	}
	l.waiting = slices.DeleteFunc(l.waiting, func(w wait) bool { return !w.valid(l) })
	heap.Init(&l.waiting)
	if err := l.save(ctx); err != nil {
		return n, fmt.Errorf("what was skipped is not in the journal yet, and comes again if pushmail ends before it is: %w", err)
	}
	return n, nil
}

// skipFirst buries the first event of a key that waits.
func (l *loop) skipFirst(ctx context.Context, k *key) (done bool, err error) {
	p := k.first()
	if err := l.load(ctx, k); err != nil {
		return false, err
	}
	now := time.Now()
	if done = len(k.queue) > 0 && k.queue[0].Position == p; done {
		why := skipped(k.err)
		o := Observation{Sink: l.name, Record: k.queue[0].Record, Attempt: k.attempts, Result: sink.Result{Outcome: sink.Never, Err: why}, Buried: true}
		l.bury(k, why, now)
		if l.o.Observe != nil {
			l.o.Observe(o)
		}
	} else {
		k.trouble = trouble{} // the event is gone, and so is what it went through
	}
	k.wakeAt = time.Time{}
	l.schedule(k, now)
	return done, nil
}

// skipped is why an event that failed for a reason is a dead letter.
func skipped(reason string) error { return errors.New("skipped: " + reason) }
