package deliver

import (
	"container/heap"
	"context"
	"slices"
	"time"

	"github.com/pushmail/pushmail/internal/journal"
)

// keyID names what is sent in order: the events of a source, or those of them that are replayed.
type keyID struct {
	source string
	replay bool
}

// key is a mailbox that has something to send. It is in one of three states. At first its events are in
// the window. Behind, it is a lane: the window and the cursor go on without it, and it reads for
// itself. A replay reads the events at its positions.
type key struct {
	keyID
	// queue are the first events that are not done, as far as they are in memory; sending of them are under way.
	queue   []item
	sending int
	// behind: the cursor does not wait for it. next is the first event after queue that is not done and not after head, 0 if there is none.
	behind bool
	next   journal.Position
	// positions are those of a replay which are not done.
	positions []journal.Position
	// row is where the journal has the row of a lane; 0 is nowhere.
	row journal.Position

	trouble
	queued   bool      // it is in loop.ready
	wakeAt   time.Time // it is in loop.waiting until then; zero if it is not
	deferred bool      // it waits for what is under way of the same source
}

// trouble is what the first event of a key has gone through.
type trouble struct {
	attempts int
	since    time.Time // of the first try, as far as this program knows
	last     time.Time
	due      time.Time // zero: at once
	err      string
	early    bool // it may be tried before due; that does not count if it fails
	skipped  bool // it is given up if it fails once more
}

// item is an event in memory.
type item struct {
	journal.Record
	entry *entry // nil when the cursor does not wait for it
}

// entry is a place in the window.
type entry struct {
	position journal.Position
	done     bool
}

// first returns the position of the first event that is not done, 0 if there is none.
func (k *key) first() journal.Position {
	switch {
	case len(k.queue) > 0:
		return k.queue[0].Position
	case k.replay && len(k.positions) > 0:
		return k.positions[0]
	}
	return k.next
}

// sibling returns the key of the same source that is a replay when k is none, and the other way round; or nil.
func (l *loop) sibling(k *key) *key { return l.keys[keyID{k.source, !k.replay}] }

func (l *loop) key(id keyID) *key {
	k := l.keys[id]
	if k == nil {
		k = &key{keyID: id}
		l.keys[id] = k
	}
	return k
}

// leaveBehind has the cursor go on without k, which has events in its queue.
func (l *loop) leaveBehind(k *key) {
	k.behind = true
	for i := range k.queue {
		k.queue[i].entry.done = true
		k.queue[i].entry = nil
	}
	l.changed(k)
}

// unload forgets what is in memory of a key that is behind or a replay: it is read again.
func (l *loop) unload(k *key) {
	if !k.replay && len(k.queue) > 0 {
		k.next = k.queue[0].Position
	}
	for _, it := range k.queue {
		l.loaded--
		l.bytes -= len(it.JSON)
	}
	k.queue = nil
}

// load reads the next events of a key that is behind or a replay, if none is in memory.
func (l *loop) load(ctx context.Context, k *key) error {
	if len(k.queue) > 0 {
		return nil
	}
	if k.replay {
		return l.loadReplay(ctx, k)
	}
	limit := l.perKey()
	if !l.room() {
		limit = l.limits.Batch // what cannot be kept is not read
	}
	for k.next != 0 && len(k.queue) == 0 {
		recs, err := l.o.Journal.Read(ctx, k.next-1, limit+1, journal.Filter{Source: k.source})
		if err != nil {
			return err
		}
		full := len(recs) > limit
		if i := slices.IndexFunc(recs, func(r journal.Record) bool { return r.Position > l.head }); i >= 0 {
			recs, full = recs[:i], false // the window has not come to it yet
		}
		if k.next = 0; full {
			k.next = recs[limit].Position
			recs = recs[:limit]
		}
		for _, r := range recs {
			if l.wants(r) {
				l.enqueue(k, item{Record: r})
			}
		}
	}
	l.changed(k)
	return nil
}

// loadReplay reads one event. What has been removed from the journal meanwhile is left out.
func (l *loop) loadReplay(ctx context.Context, k *key) error {
	for len(k.positions) > 0 && len(k.queue) == 0 {
		p := k.positions[0]
		recs, err := l.o.Journal.Read(ctx, p-1, 1, journal.Filter{})
		if err != nil {
			return err
		}
		if len(recs) == 1 && recs[0].Position == p {
			l.enqueue(k, item{Record: recs[0]})
			continue
		}
		l.doneReplay(k)
	}
	return nil
}

// doneReplay takes the first position off a replay.
func (l *loop) doneReplay(k *key) {
	l.unsaved.done = append(l.unsaved.done, k.positions[0])
	k.positions = k.positions[1:]
	l.replaying--
	l.changed(k)
}

func (l *loop) enqueue(k *key, it item) {
	k.queue = append(k.queue, it)
	l.loaded++
	l.bytes += len(it.JSON)
}

// schedule puts k where it will be found when it can be sent, or forgets it when it has nothing to send.
func (l *loop) schedule(k *key, now time.Time) {
	switch {
	case k.queued || k.sending > 0:
	case k.behind && k.first() > l.head: // after a crash: take will come to it
	case k.first() == 0:
		if k.behind {
			k.behind = false
			l.changed(k)
		}
		delete(l.keys, k.keyID)
	case k.due.After(now) && !k.early:
		if !k.wakeAt.Equal(k.due) {
			k.wakeAt = k.due
			heap.Push(&l.waiting, wait{k.due, k})
		}
	default:
		k.queued = true
		l.ready = append(l.ready, k)
	}
}

// wake makes ready what has waited long enough.
func (l *loop) wake(now time.Time) {
	for len(l.waiting) > 0 && !l.waiting[0].at.After(now) {
		w := heap.Pop(&l.waiting).(wait)
		if w.valid(l) {
			w.key.wakeAt = time.Time{}
			l.schedule(w.key, now)
		}
	}
}

// hurry makes everything that waits for another try ready now.
func (l *loop) hurry() {
	waiting := l.waiting
	l.waiting = nil
	for _, w := range waiting {
		if w.valid(l) {
			w.key.wakeAt = time.Time{}
			w.key.early = true
			l.schedule(w.key, time.Now())
		}
	}
}

// waiting are the keys that wait for another try, by time.
type (
	waiting []wait
	wait    struct {
		at  time.Time
		key *key
	}
)

// valid is false for what was left behind when a key got another time, or ended.
func (w wait) valid(l *loop) bool { return l.keys[w.key.keyID] == w.key && w.key.wakeAt.Equal(w.at) }

func (w waiting) first() time.Time {
	if len(w) == 0 {
		return time.Time{}
	}
	return w[0].at
}

func (w waiting) Len() int           { return len(w) }
func (w waiting) Less(i, j int) bool { return w[i].at.Before(w[j].at) }
func (w waiting) Swap(i, j int)      { w[i], w[j] = w[j], w[i] }
func (w *waiting) Push(x any)        { *w = append(*w, x.(wait)) }
func (w *waiting) Pop() any {
	last := (*w)[len(*w)-1]
	(*w)[len(*w)-1] = wait{}
	*w = (*w)[:len(*w)-1]
	return last
}
