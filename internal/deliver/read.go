package deliver

import (
	"context"
	"time"

	"github.com/pushmail/pushmail/internal/journal"
)

// What is held in memory, for one sink.
const (
	page       = 64       // events in one read of the journal
	minPerKey  = 32       // events of one mailbox
	minWindow  = 256      // events
	maxBytes   = 16 << 20 // of their JSON, and what one page adds to it
	pauseAfter = time.Second
)

// perKey is how many events of one mailbox are in memory before it is left behind.
func (l *loop) perKey() int { return max(minPerKey, l.limits.Batch) }

// room says whether more events fit into memory.
func (l *loop) room() bool {
	return l.loaded < max(minWindow, 2*l.limits.Batch*l.limits.Concurrency) && l.bytes < maxBytes
}

// fill reads the journal into the window.
func (l *loop) fill(ctx context.Context, now time.Time) {
	if now.Before(l.retryAt) {
		return
	}
	l.retryAt = time.Time{}
	for l.halted == "" && !l.caughtUp && l.room() {
		recs, err := l.o.Journal.Read(ctx, l.head, page, journal.Filter{})
		if err != nil {
			l.journalFailed(ctx, "read", err)
			return
		}
		for _, r := range recs {
			l.take(r, now)
		}
		if len(recs) > 0 {
			l.unsaved.touch(now)
		}
		if len(recs) < page {
			l.caughtUp = true
			go l.await(ctx, l.head)
		}
	}
}

// take puts an event where it belongs.
func (l *loop) take(r journal.Record, now time.Time) {
	l.head = r.Position
	k := l.keys[keyID{source: r.Source}]
	if k != nil && k.behind && k.next == r.Position {
		l.schedule(k, now)
		return
	}
	if !l.wants(r) {
		return
	}
	if k == nil {
		k = l.key(keyID{source: r.Source})
	}
	if !k.behind && len(k.queue) >= l.perKey() {
		l.leaveBehind(k)
	}
	if k.behind {
		if k.next == 0 {
			k.next = r.Position
		}
		return
	}
	e := &entry{position: r.Position}
	l.window = append(l.window, e)
	l.enqueue(k, item{r, e})
	l.schedule(k, now)
}

// wants says whether an event is for the sink, and not being replayed: after a crash, what had been replayed before the
// cursor came to it can be met again.
func (l *loop) wants(r journal.Record) bool {
	if l.isReplayed(r.Source, r.Position) {
		return false
	}
	return l.passes(r)
}

func (l *loop) passes(r journal.Record) bool {
	if l.where == nil {
		return true
	}
	ok, err := l.where.Match(r)
	if err != nil {
		l.log.Warn("the filter of a sink failed for an event, which is sent", "id", r.ID, "err", err)
	}
	return ok
}

// await tells the loop when there is an event after a position.
func (l *loop) await(ctx context.Context, after journal.Position) {
	for ctx.Err() == nil {
		if err := l.o.Journal.Wait(ctx, after); err == nil {
			l.arrived <- struct{}{} // there is one await at a time, and room for one
			return
		}
		sleep(ctx, pauseAfter)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// journalFailed notes that the journal did, and has the loop try again soon.
func (l *loop) journalFailed(ctx context.Context, what string, err error) {
	if ctx.Err() != nil {
		return
	}
	l.retryAt = time.Now().Add(pauseAfter)
	l.status.failed("journal: "+what, err)
	l.log.Error("the journal failed: trying again", "what", what, "err", err)
}

// cursor is up to where everything is done or behind.
func (l *loop) cursor() journal.Position {
	i := 0
	for i < len(l.window) && l.window[i].done {
		i++
	}
	l.window = l.window[i:]
	if len(l.window) == 0 {
		l.window = nil
		return l.head
	}
	return l.window[0].position - 1
}

// loadRows reads the rows of lanes and replays, when the loop is made.
func (l *loop) loadRows(ctx context.Context) error {
	for after := journal.Position(0); ; {
		rows, err := l.o.Journal.Pending(ctx, l.name, after, page)
		if err != nil {
			return err
		}
		for _, row := range rows {
			after = row.Position
			l.takeRow(row.Retry)
		}
		if len(rows) < page {
			break
		}
	}
	for _, k := range l.keys {
		l.schedule(k, time.Now())
	}
	return nil
}

// takeRow takes in a row of the journal. Those of a replay come by position.
func (l *loop) takeRow(row journal.Retry) {
	k := l.key(keyID{row.Key, !row.Rest})
	first := k.first() == 0
	if row.Rest {
		k.behind, k.next, k.row = true, row.Position, row.Position
	} else {
		k.positions = append(k.positions, row.Position)
		l.replaying++
	}
	if first {
		k.attempts, k.last, k.due, k.err, k.skipped = row.Attempts, row.LastAt, row.NextAt, row.Error, row.Skipped
	}
}
