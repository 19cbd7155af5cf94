package journaltest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pushmail/pushmail/internal/journal"
	"github.com/pushmail/pushmail/watch"
)

func at(p journal.Position) *journal.Position { return &p }

// fill appends so many events, with the ids "e1" and so on.
func (e *exercise) fill(n int) {
	e.Helper()
	last, err := e.Last(bg)
	e.must(err)
	var list []journal.Record
	for i := range n {
		list = append(list, record("A", fmt.Sprint("e", int(last)+i+1)))
	}
	e.append(watch.Key{}, "", list...)
}

// sink compares the state of a sink with a line such as "cursor 3, 2 pending, 1 dead, paused: why".
func (e *exercise) sink(name, want string) {
	e.Helper()
	s, err := e.OpenSink(bg, name, 999)
	e.must(err)
	got := fmt.Sprintf("cursor %d, %d pending, %d dead", s.Cursor, s.Pending, s.Dead)
	if s.Paused {
		got += ", paused: " + s.Reason
	}
	if s.Name != name || got != want || time.Since(s.UpdatedAt).Abs() > time.Minute {
		e.Errorf("sink %+v, want %s", s, want)
	}
}

func (e *exercise) pending(sink string, after journal.Position, limit int, want ...string) []journal.Pending {
	e.Helper()
	got, err := e.Pending(bg, sink, after, limit)
	e.must(err)
	var lines []string
	for _, p := range got {
		line := fmt.Sprintf("%d %s %d %s", p.Retry.Position, p.Key, p.Attempts, p.Error)
		if p.Rest {
			line += " and the rest"
		}
		if p.Skipped {
			line += ", skipped"
		}
		if p.Record.Position != p.Retry.Position || p.Record.ID != fmt.Sprint("e", p.Record.Position) || len(p.Record.JSON) == 0 {
			line += " without its event"
		}
		lines = append(lines, line)
	}
	if !slices.Equal(lines, want) {
		e.Errorf("pending %q, want %q", lines, want)
	}
	return got
}

func (e *exercise) dead(sink string, after journal.Position, limit int, want ...string) []journal.DeadLetter {
	e.Helper()
	got, err := e.DeadLetters(bg, sink, after, limit)
	e.must(err)
	var lines []string
	for _, d := range got {
		line := fmt.Sprintf("%s %d %s %d %s", d.Sink, d.Retry.Position, d.Key, d.Attempts, d.Error)
		if d.Record.ID != fmt.Sprint("e", d.Retry.Position) || time.Since(d.BuriedAt).Abs() > time.Minute {
			line += " without its event"
		}
		lines = append(lines, line)
	}
	if !slices.Equal(lines, want) {
		e.Errorf("dead letters %q, want %q", lines, want)
	}
	return got
}

func sinks(e *exercise) {
	e.fill(9)
	s, err := e.OpenSink(bg, "hook", 4)
	e.must(err)
	if s.Cursor != 4 {
		e.Errorf("a new sink: %+v", s)
	}
	e.sink("hook", "cursor 4, 0 pending, 0 dead")
	due := time.Date(2026, 5, 6, 7, 8, 9, 123e6, time.UTC)
	e.must(e.UpdateSink(bg, "hook", journal.SinkUpdate{
		Cursor: at(7),
		Put:    []journal.Retry{{Position: 6, Key: "k", Attempts: 2, LastAt: due.Add(-time.Hour), Error: "500", NextAt: due}, {Position: 5, Key: "l", Rest: true}},
	}))
	e.sink("hook", "cursor 7, 2 pending, 0 dead")
	e.reopen()
	got := e.pending("hook", 0, 9, "5 l 0  and the rest", "6 k 2 500")
	if len(got) == 2 && (!got[0].NextAt.IsZero() || !got[0].LastAt.IsZero() || !got[1].NextAt.Equal(due) || !got[1].LastAt.Equal(due.Add(-time.Hour))) {
		e.Errorf("times %+v", got)
	}
	e.pending("hook", 5, 9, "6 k 2 500")
	e.pending("hook", 0, 1, "5 l 0  and the rest")
	e.pending("other", 0, 9)

	e.must(e.UpdateSink(bg, "hook", journal.SinkUpdate{Done: []journal.Position{5, 8}, Put: []journal.Retry{{Position: 6, Key: "k", Attempts: 3, Error: "429", Skipped: true}}}))
	e.pending("hook", 0, 9, "6 k 3 429, skipped")
	e.sink("hook", "cursor 7, 1 pending, 0 dead")
	e.must(e.UpdateSink(bg, "hook", journal.SinkUpdate{Cursor: at(2)}))
	e.sink("hook", "cursor 2, 1 pending, 0 dead")

	e.must(e.PauseSink(bg, "hook", true, "410 Gone"))
	e.reopen()
	e.sink("hook", "cursor 2, 1 pending, 0 dead, paused: 410 Gone")
	e.must(e.PauseSink(bg, "hook", false, ""))
	e.sink("hook", "cursor 2, 1 pending, 0 dead")

	e.sink("exec", "cursor 999, 0 pending, 0 dead")
	list, err := e.Sinks(bg)
	e.must(err)
	if len(list) != 2 || list[0].Name != "exec" || list[1].Name != "hook" || list[1].Pending != 1 {
		e.Errorf("sinks %+v", list)
	}
	e.must(e.DropSink(bg, "hook"))
	e.pending("hook", 0, 9)
	for what, err := range map[string]error{
		"updating": e.UpdateSink(bg, "hook", journal.SinkUpdate{Cursor: at(3), Put: []journal.Retry{{Position: 1}}}),
		"pausing":  e.PauseSink(bg, "hook", true, ""),
		"dropping": e.DropSink(bg, "hook"),
	} {
		if !errors.Is(err, journal.ErrNotFound) {
			e.Errorf("%s a sink that is not there: %v", what, err)
		}
	}
	e.sink("hook", "cursor 999, 0 pending, 0 dead")
}

func deadLetters(e *exercise) {
	e.fill(6)
	for _, name := range []string{"a", "b"} {
		_, err := e.OpenSink(bg, name, 0)
		e.must(err)
	}
	e.must(e.UpdateSink(bg, "a", journal.SinkUpdate{Put: []journal.Retry{{Position: 2, Key: "k", Attempts: 1}}}))
	bury := func(sink string, positions ...journal.Position) {
		u := journal.SinkUpdate{Cursor: at(6)}
		for _, p := range positions {
			u.Bury = append(u.Bury, journal.Retry{Position: p, Key: "k", Attempts: 10, Error: "500"})
		}
		e.must(e.UpdateSink(bg, sink, u))
	}
	bury("a", 2, 3, 4)
	bury("b", 3, 5)
	e.reopen()
	e.pending("a", 0, 9)
	e.sink("a", "cursor 6, 0 pending, 3 dead")
	e.dead("a", 0, 2, "a 2 k 10 500", "a 3 k 10 500")
	e.dead("a", 3, 2, "a 4 k 10 500")
	e.dead("", 0, 2, "a 2 k 10 500", "a 3 k 10 500", "b 3 k 10 500") // those of 3 are not torn apart
	e.dead("", 3, 9, "a 4 k 10 500", "b 5 k 10 500")

	count := func(n int, err error, want int) {
		e.Helper()
		if e.must(err); n != want {
			e.Errorf("%d rows, want %d", n, want)
		}
	}
	n, err := e.Revive(bg, "a", 3, 4, 5)
	count(n, err, 2)
	e.pending("a", 0, 9, "3 k 0 ", "4 k 0 ")
	e.dead("a", 0, 9, "a 2 k 10 500")
	n, err = e.Drop(bg, "a", 2, 2)
	count(n, err, 1)
	n, err = e.Drop(bg, "a")
	count(n, err, 0)
	n, err = e.Revive(bg, "b")
	count(n, err, 2)
	e.pending("b", 0, 9, "3 k 0 ", "5 k 0 ")
	n, err = e.Revive(bg, "nobody")
	count(n, err, 0)
	e.dead("", 0, 9)
}

func retains(e *exercise) {
	e.append(box("jo", "A"), "", record("A", "early")) // no checkpoint covers it
	e.append(box("jo", "B"), "", record("B", "covered"))
	e.append(box("jo", "B"), "1")
	for i := range 400 {
		r := record("A", fmt.Sprint("e", i+3))
		r.JSON = fmt.Appendf(nil, "%4000d", i)
		e.append(watch.Key{}, "", r)
	}
	for name, cursor := range map[string]journal.Position{"slow": 100, "fast": 402, "old": 1} {
		_, err := e.OpenSink(bg, name, cursor)
		e.must(err)
	}
	e.must(e.UpdateSink(bg, "fast", journal.SinkUpdate{
		Put:  []journal.Retry{{Position: 50, Key: "k"}},
		Bury: []journal.Retry{{Position: 60, Key: "k"}},
	}))
	e.must(e.UpdateSink(bg, "old", journal.SinkUpdate{Put: []journal.Retry{{Position: 70, Key: "k"}}}))
	retain := func(p journal.Policy) journal.Retained {
		e.Helper()
		done, err := e.Retain(bg, p)
		e.must(err)
		return done
	}
	expect := func(want ...journal.Position) {
		e.Helper()
		got, err := e.Read(bg, 0, 1000, all)
		e.must(err)
		var positions []journal.Position
		for _, r := range got {
			if len(positions) < len(want) {
				positions = append(positions, r.Position)
			}
		}
		if !slices.Equal(positions, want) {
			e.Errorf("what is left begins with %v, want %v", positions, want)
		}
	}
	if done := retain(journal.Policy{}); done.Removed != 0 {
		e.Errorf("without a policy: %+v", done)
	}
	if done := retain(journal.Policy{Age: time.Hour, Bytes: 1 << 30}); done.Removed != 0 || done.HeldBy != "" {
		e.Errorf("nothing to do: %+v", done)
	}
	live := []string{"slow", "fast", "never opened"}
	if done := retain(journal.Policy{Bytes: 1 << 10}); done.HeldBy != "old" || done.Removed != 1 {
		e.Errorf("with all sinks: %+v", done)
	}
	before, err := e.Stats(bg)
	e.must(err)
	if done := retain(journal.Policy{Bytes: 1 << 10, Sinks: live}); done.HeldBy != "slow" || done.Removed != 97 || done.Freed <= 97*4000/2 {
		e.Errorf("with those that are live: %+v", done)
	}
	after, err := e.Stats(bg)
	e.must(err)
	if after.Bytes >= before.Bytes {
		e.Errorf("%d bytes before, %d after", before.Bytes, after.Bytes)
	}
	expect(50, 60, 101, 102)
	e.must(e.UpdateSink(bg, "slow", journal.SinkUpdate{Put: []journal.Retry{{Position: 150, Key: "k", Rest: true}}, Cursor: at(300)}))
	if done := retain(journal.Policy{Bytes: 1 << 10, Sinks: live}); done.HeldBy != "slow" {
		e.Errorf("with a rest: %+v", done)
	}
	expect(50, 60, 150, 151)
	e.must(e.UpdateSink(bg, "slow", journal.SinkUpdate{Done: []journal.Position{150}, Cursor: at(402)}))
	if done := retain(journal.Policy{Bytes: 800 << 10, Sinks: live}); done.HeldBy != "" || done.Removed < 50 || done.Removed > 230 {
		e.Errorf("by size: %+v", done)
	}
	if s, err := e.Stats(bg); err != nil || s.Bytes > 800<<10 || s.Bytes < 400<<10 {
		e.Errorf("%+v, %v", s, err)
	}
	e.reopen()
	e.append(box("jo", "A"), "1", record("A", "early"))
	if _, err := e.Find(bg, "early"); !errors.Is(err, journal.ErrNotFound) {
		e.Errorf("an event that was removed is there again, though no checkpoint had covered it: %v", err)
	}
	if done := retain(journal.Policy{Bytes: 1, Sinks: []string{}}); done.HeldBy != "" {
		e.Errorf("without sinks: %+v", done)
	}
	e.ends(403, 402)
	e.fill(1)
	e.expect(0, 9, all, "403 e403")
	e.pending("old", 0, 9)
}
