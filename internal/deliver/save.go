package deliver

import (
	"context"
	"time"

	"github.com/pushmail/pushmail/internal/journal"
)

// saveEvery is how old news can be before they are in the journal. After a crash what was delivered in that time is delivered again.
const saveEvery = 200 * time.Millisecond

// unsaved is what the journal does not know yet.
type unsaved struct {
	keys map[*key]struct{} // whose row may have to change
	done []journal.Position
	bury []journal.Retry
	halt bool
	due  time.Time // when to save; zero if there is nothing
}

func (u *unsaved) touch(now time.Time) {
	if u.due.IsZero() {
		u.due = now.Add(saveEvery)
	}
}

func (l *loop) changed(k *key) {
	l.unsaved.keys[k] = struct{}{}
	l.unsaved.touch(time.Now())
}

func (l *loop) saveIfDue(ctx context.Context, now time.Time) {
	if l.unsaved.due.IsZero() || now.Before(l.unsaved.due) {
		return
	}
	if err := l.save(ctx); err != nil {
		l.unsaved.due = time.Now().Add(pauseAfter)
		l.journalFailed(ctx, "save how far the sink is", err)
	}
}

// save writes in one transaction what is unsaved: the cursor never passes what is neither done, nor buried, nor in a row.
func (l *loop) save(ctx context.Context) error {
	if l.unsaved.halt {
		if err := l.o.Journal.PauseSink(ctx, l.name, l.halted != "", l.halted); err != nil {
			return err
		}
		l.unsaved.halt = false
	}
	u, rows := l.update()
	if u.Cursor != nil || len(u.Put)+len(u.Done)+len(u.Bury) > 0 {
		if err := l.o.Journal.UpdateSink(ctx, l.name, u); err != nil {
			return err
		}
	}
	if u.Cursor != nil {
		l.saved = *u.Cursor
	}
	for k, row := range rows {
		k.row = row
	}
	clear(l.unsaved.keys)
	l.unsaved.done, l.unsaved.bury, l.unsaved.due = nil, nil, time.Time{}
	return nil
}

// update returns what is unsaved, and where the rows of lanes will be.
func (l *loop) update() (u journal.SinkUpdate, rows map[*key]journal.Position) {
	if c := l.cursor(); c != l.saved {
		u.Cursor = &c
	}
	u.Done, u.Bury = l.unsaved.done, l.unsaved.bury
	rows = map[*key]journal.Position{}
	for k := range l.unsaved.keys {
		switch {
		case k.replay:
			if len(k.positions) > 0 && k.err != "" {
				u.Put = append(u.Put, k.retry())
			}
		case k.behind:
			rows[k] = k.first()
		case k.row != 0:
			rows[k] = 0
		}
	}
	for k, row := range rows {
		if k.row != 0 && k.row != row {
			u.Done = append(u.Done, k.row)
		}
		if row != 0 {
			u.Put = append(u.Put, k.retry())
		}
	}
	return u, rows
}

// retry returns the row of a lane or a replay.
func (k *key) retry() journal.Retry {
	return journal.Retry{
		Position: k.first(), Key: k.source, Rest: !k.replay, Attempts: k.attempts, LastAt: k.last, Error: k.err, NextAt: k.due, Skipped: k.skipped,
	}
}
