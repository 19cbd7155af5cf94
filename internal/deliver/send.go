package deliver

import (
	"cmp"
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/pushmail/pushmail/internal/journal"
	"github.com/pushmail/pushmail/internal/sink"
)

// call is one call of Send.
type call struct {
	keys    []*key // all of which events are in it
	batch   []sink.Delivery
	owners  []*key // of each of the batch
	results []sink.Result
	began   time.Time
	took    time.Duration
	late    time.Time // when its context ends
}

// dispatch starts calls of Send as long as there is something to send and somebody to do it.
func (l *loop) dispatch(ctx context.Context, now time.Time) {
	for l.halted == "" && !now.Before(l.retryAt) && len(l.ready) > 0 && len(l.inFlight) < l.limits.Concurrency && l.rest.allows(now, len(l.inFlight)) {
		c := l.collect(ctx, now)
		if c == nil {
			continue
		}
		c.began, c.late = now, now.Add(l.limits.Timeout)
		l.inFlight[c] = struct{}{}
		go l.send(ctx, c)
	}
}

// collect takes events for one call off the keys that are ready. A key that has failed gets a call for one event of its own, so that
// it cannot harm others; while the sink rests any key does. It returns nil when there was nothing to send in the end.
func (l *loop) collect(ctx context.Context, now time.Time) *call {
	c := &call{}
	var out []outgoing
	room := l.limits.Batch
	if l.rest.resting() {
		room = 1
	}
	for len(l.ready) > 0 && len(out) < room {
		k := l.ready[0]
		alone := k.err != ""
		if alone && len(out) > 0 {
			break
		}
		l.ready, k.queued = l.ready[1:], false
		if other := l.sibling(k); other != nil && other.sending > 0 {
			k.deferred = true
			continue
		}
		if err := l.load(ctx, k); err != nil {
			l.journalFailed(ctx, "read", err)
			l.schedule(k, now)
			break
		}
		if len(k.queue) == 0 {
			l.schedule(k, now)
			continue
		}
		n := min(len(k.queue), room-len(out))
		if alone {
			n, room = 1, 1
		}
		k.sending = n
		c.keys = append(c.keys, k)
		for i, it := range k.queue[:n] {
			attempt := 1
			if i == 0 {
				attempt += k.attempts
			}
			out = append(out, outgoing{delivery(it.Record, attempt), k})
		}
	}
	if len(out) == 0 {
		return nil
	}
	slices.SortStableFunc(out, func(a, b outgoing) int { return cmp.Compare(a.Position, b.Position) })
	for _, o := range out {
		c.batch, c.owners = append(c.batch, o.Delivery), append(c.owners, o.owner)
	}
	return c
}

type outgoing struct {
	sink.Delivery
	owner *key
}

func delivery(r journal.Record, attempt int) sink.Delivery {
	return sink.Delivery{
		ID: r.ID, Type: r.Type, Account: r.Account, Mailbox: r.Mailbox, Source: r.Source, Position: int64(r.Position), Attempt: attempt, JSON: r.JSON,
	}
}

// send calls the sink and hands the call back to the loop, whatever the sink does.
func (l *loop) send(ctx context.Context, c *call) {
	ctx, cancel := context.WithDeadline(ctx, c.late)
	err := fmt.Errorf("the sink ended its goroutine")
	defer func() {
		cancel()
		if p := recover(); p != nil {
			err = fmt.Errorf("the sink panicked: %v", p)
			l.log.Error("a sink panicked: this is a bug", "panic", p, "stack", string(debug.Stack()))
			c.results = nil
		}
		for len(c.results) < len(c.batch) {
			c.results = append(c.results, sink.Result{Err: err})
		}
		c.took = time.Since(c.began)
		l.calls <- c // there is room for all calls
	}()
	c.results = l.sink.Send(ctx, slices.Clone(c.batch))
	err = fmt.Errorf("the sink gave %d results for %d events", len(c.results), len(c.batch))
}

// finish takes in what has become of a call.
func (l *loop) finish(c *call) {
	now := time.Now()
	delete(l.inFlight, c)
	stopped := map[*key]bool{}
	for i, d := range c.batch {
		k := c.owners[i]
		if !stopped[k] {
			stopped[k] = !l.settle(k, d.Attempt, c.results[i], c.took, now)
		}
	}
	for _, k := range c.keys {
		k.sending = 0
		if len(k.queue) > 0 && (k.behind || k.replay) && (k.err != "" || !l.room()) {
			l.unload(k)
		}
		l.schedule(k, now)
		if other := l.sibling(k); other != nil && other.deferred {
			other.deferred = false
			l.schedule(other, now)
		}
	}
}
