package deliver

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/pushmail/pushmail/internal/journal"
)

// Selection says which events are to be sent again.
type Selection struct {
	// IDs are those of events. When there are some, the rest does not matter, and neither does the filter of the sink.
	IDs []string
	// From and To bound the position, both included. Zero is no bound.
	From, To journal.Position
	// Since and Until bound when an event was recorded: at or after Since, before Until. Zero is no bound.
	Since, Until time.Time
	// Account, Mailbox and Types choose further; zero chooses all.
	Account, Mailbox string
	Types            []string
}

// MaxReplay is how many events one call of [Deliverer.Replay] can send again.
const MaxReplay = 100_000

// Replay sends events to a sink again, with their ids, in order for each mailbox, beside what is new. It returns how many there are,
// as soon as that is in the journal. What the sink has not had for the first time yet is left out, since it will be sent anyway.
// An empty Selection is an error.
func (d *Deliverer) Replay(ctx context.Context, name string, s Selection) (int, error) {
	l, err := d.loop(name)
	if err != nil {
		return 0, err
	}
	events, err := d.selected(ctx, l, s)
	if err != nil {
		return 0, err
	}
	n := 0
	err = l.do(ctx, func() (err error) {
		n, err = l.replay(ctx, events)
		return err
	})
	return n, err
}

// Revive sends dead letters of a sink again; without positions all of them. It returns how many there are.
func (d *Deliverer) Revive(ctx context.Context, name string, positions ...journal.Position) (int, error) {
	l, err := d.loop(name)
	if err != nil {
		return 0, err
	}
	n := 0
	err = l.do(ctx, func() (err error) {
		n, err = l.revive(ctx, positions)
		return err
	})
	return n, err
}

// replayed is an event to be sent again.
type replayed struct {
	position journal.Position
	source   string
}

func (d *Deliverer) selected(ctx context.Context, l *loop, s Selection) ([]replayed, error) {
	if len(s.IDs) > 0 {
		return d.byID(ctx, s.IDs)
	}
	if s.From == 0 && s.To == 0 && s.Since.IsZero() && s.Until.IsZero() && s.Account == "" && s.Mailbox == "" && len(s.Types) == 0 {
		return nil, fmt.Errorf("replay: say which events: ids, positions, a time, an account, a mailbox or types")
	}
	var out []replayed
	f := journal.Filter{Account: s.Account, Mailbox: s.Mailbox, Types: s.Types, Since: s.Since}
	for after := max(s.From-1, 0); ; {
		recs, err := d.o.Journal.Read(ctx, after, page, f)
		if err != nil {
			return nil, err
		}
		for _, r := range recs {
			after = r.Position
			if s.To != 0 && r.Position > s.To {
				return out, nil
			}
			if (s.Until.IsZero() || r.RecordedAt.Before(s.Until)) && l.passes(r) {
				out = append(out, replayed{r.Position, r.Source})
			}
		}
		if len(out) > MaxReplay {
			return nil, fmt.Errorf("replay: these are more than %d events: choose fewer, and the rest afterwards", MaxReplay)
		}
		if len(recs) < page {
			return out, nil
		}
	}
}

func (d *Deliverer) byID(ctx context.Context, ids []string) ([]replayed, error) {
	out := make([]replayed, 0, len(ids))
	for _, id := range ids {
		r, err := d.o.Journal.Find(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("replay: event %q: %w", id, err)
		}
		out = append(out, replayed{r.Position, r.Source})
	}
	slices.SortFunc(out, func(a, b replayed) int { return int(a.position - b.position) })
	return slices.Compact(out), nil
}

// rowsAtOnce is how many rows one transaction makes.
const rowsAtOnce = 1000

func (l *loop) replay(ctx context.Context, events []replayed) (int, error) {
	// What the journal knows must not be behind: a row of a replay must never be where one of a lane will be.
	if err := l.save(ctx); err != nil {
		return 0, err
	}
	n := 0
	for chunk := range slices.Chunk(slices.DeleteFunc(events, l.isComing), rowsAtOnce) {
		u := journal.SinkUpdate{}
		for _, e := range chunk {
			u.Put = append(u.Put, journal.Retry{Position: e.position, Key: e.source})
		}
		if err := l.o.Journal.UpdateSink(ctx, l.name, u); err != nil {
			return n, err
		}
		for _, e := range chunk {
			l.again(e)
		}
		n += len(chunk)
	}
	return n, nil
}

// isComing says whether an event will be sent anyway.
func (l *loop) isComing(e replayed) bool {
	if e.position > l.head {
		return true
	}
	k := l.keys[keyID{source: e.source}]
	if k != nil && k.first() != 0 && e.position >= k.first() {
		return true
	}
	return l.isReplayed(e.source, e.position)
}

func (l *loop) isReplayed(source string, p journal.Position) bool {
	k := l.keys[keyID{source, true}]
	if k == nil || len(k.positions) == 0 {
		return false
	}
	if k.positions[0] == p {
		return true
	}
	_, there := slices.BinarySearch(k.positions[1:], p)
	return there
}

// again queues a replay. The event that is under way or failing stays the first.
func (l *loop) again(e replayed) {
	if l.isReplayed(e.source, e.position) {
		return
	}
	k := l.key(keyID{e.source, true})
	fixed := min(1, len(k.positions))
	i, _ := slices.BinarySearch(k.positions[fixed:], e.position)
	k.positions = slices.Insert(k.positions, fixed+i, e.position)
	l.replaying++
	l.schedule(k, time.Now())
}

func (l *loop) revive(ctx context.Context, positions []journal.Position) (int, error) {
	if err := l.save(ctx); err != nil { // a letter may not be in the journal yet
		return 0, err
	}
	positions, err := l.revivable(ctx, positions)
	if err != nil || len(positions) == 0 {
		return 0, err
	}
	n, err := l.o.Journal.Revive(ctx, l.name, positions...)
	if err != nil {
		return 0, err
	}
	for after := journal.Position(0); ; {
		rows, err := l.o.Journal.Pending(ctx, l.name, after, page)
		if err != nil {
			return n, err
		}
		for _, row := range rows {
			after = row.Position
			if !row.Rest {
				l.again(replayed{row.Position, row.Key})
			}
		}
		if len(rows) < page {
			return n, nil
		}
	}
}

// revivable returns those of the positions, or of all dead letters, that are not coming anyway: after a crash an event that was
// buried can be met again.
func (l *loop) revivable(ctx context.Context, positions []journal.Position) ([]journal.Position, error) {
	if len(positions) == 0 {
		var err error
		if positions, err = l.deadPositions(ctx); err != nil {
			return nil, err
		}
	}
	coming := map[journal.Position]bool{}
	for _, k := range l.keys {
		if k.replay {
			continue
		}
		coming[k.first()] = true
		for _, it := range k.queue {
			coming[it.Position] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(positions), func(p journal.Position) bool { return coming[p] }), nil
}

func (l *loop) deadPositions(ctx context.Context) (out []journal.Position, err error) {
	for after := journal.Position(0); ; {
		letters, err := l.o.Journal.DeadLetters(ctx, l.name, after, page)
		if err != nil {
			return nil, err
		}
		for _, d := range letters {
			after = d.Position
			out = append(out, d.Position)
		}
		if len(letters) < page {
			return out, nil
		}
	}
}
