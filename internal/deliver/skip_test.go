package deliver_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushmail/pushmail/internal/deliver"
	"github.com/pushmail/pushmail/internal/journal"
	"github.com/pushmail/pushmail/internal/sink"
)

func TestAnEventThatIsRefusedIsSkippedAndTheNextComes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		bad, next, other, second := m.add(1), m.add(1), m.add(2), m.add(3)
		var got []journal.Position
		var seen []deliver.Observation
		d, stop := run(t, m, perEvent(sink.Limits{}, func(e sink.Delivery) sink.Result {
			p := journal.Position(e.Position)
			if p == bad || p == second {
				return retry
			}
			got = append(got, p)
			return ok
		}), func(o *deliver.Options, _ *deliver.Target) {
			o.Observe = func(o deliver.Observation) {
				fence.Add(1)
				seen = append(seen, o)
				fence.Add(1)
			}
		})
		pass(time.Minute)
		failing, err := d.Failing(t.Context(), "s", 0, 10)
		if err != nil || len(failing) != 2 || failing[0].Retry.Position != bad || failing[0].Record.ID != "id1" || failing[0].Attempts != 2 ||
			failing[0].Error != "no" || failing[0].NextAt.IsZero() || failing[1].Retry.Position != second {
			t.Fatalf("%+v, %v", failing, err)
		}
		if page, _ := d.Failing(t.Context(), "s", bad, 1); len(page) != 1 || page[0].Retry.Position != second {
			t.Errorf("after the first: %+v", page)
		}
		m.gone = bad
		if page, _ := d.Failing(t.Context(), "s", 0, 1); len(page) != 1 || page[0].Retry.Position != second {
			t.Errorf("a page of one, the first of which has gone: %+v", page)
		}
		m.gone = 0
		for id, want := range map[string]error{"id2": deliver.ErrNotFailing, "id3": deliver.ErrNotFailing, "id99": journal.ErrNotFound} {
			if n, err := d.Skip(t.Context(), "s", "id1", id); n != 0 || !errors.Is(err, want) {
				t.Errorf("skipping %s: %d, %v", id, n, err)
			}
		}
		if n, err := d.Skip(t.Context(), "s", "id1"); n != 1 || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
		pass(time.Second)
		if dead, _ := m.DeadLetters(t.Context(), "s", 0, 10); len(dead) != 1 || dead[0].Position != bad || dead[0].Error != "skipped: no" || dead[0].Attempts != 2 {
			t.Errorf("dead letters %+v", dead)
		}
		if s := d.Status()[0]; s.Failing != 1 || s.Buried != 1 || s.Waiting != 1 {
			t.Errorf("%+v", s)
		}
		if last := seen[len(seen)-2]; !last.Buried || last.Record.Position != bad {
			t.Errorf("told of %+v", last)
		}
		if !slices.Equal(got, []journal.Position{other, next}) {
			t.Errorf("delivered %v", got)
		}
		if n, err := d.Skip(t.Context(), "s"); n != 1 || err != nil {
			t.Errorf("all: %d, %v", n, err)
		}
		if s := d.Status()[0]; s.Failing != 0 || !s.NextTry.IsZero() {
			t.Errorf("%+v", s)
		}
		if n, err := d.Skip(t.Context(), "s"); n != 0 || err != nil {
			t.Errorf("none: %d, %v", n, err)
		}
		stop()
		if m.cursor != second || len(m.rows) != 0 || len(m.dead) != 2 {
			t.Errorf("cursor %d, rows %v, dead letters %v", m.cursor, m.rows, m.dead)
		}
	})
}

// What is skipped while it is being tried is given up only if that fails.
func TestAnEventIsSkippedWhileItIsTried(t *testing.T) {
	t.Parallel()
	for name, last := range map[string]sink.Result{"and fails": retry, "and comes through": ok} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := newMemory(t)
				first := m.add(1)
				m.add(1)
				tries := 0
				d, stop := run(t, m, perEvent(sink.Limits{}, func(e sink.Delivery) sink.Result {
					if journal.Position(e.Position) != first {
						return ok
					}
					if tries++; tries == 1 {
						return retry
					}
					time.Sleep(10 * time.Second)
					return last
				}))
				pass(8 * time.Second) // the second try is under way
				if n, err := d.Skip(t.Context(), "s"); n != 1 || err != nil {
					t.Fatalf("%d, %v", n, err)
				}
				pass(time.Minute)
				stop()
				dead := 1
				if last.Outcome == sink.OK {
					dead = 0
				}
				if tries != 2 || m.cursor != 2 || len(m.rows) != 0 || len(m.dead) != dead {
					t.Errorf("%d tries, cursor %d, rows %v, dead letters %v", tries, m.cursor, m.rows, m.dead)
				}
			})
		})
	}
}

// What is skipped while it is being tried is so for good when Skip returns: should the program end in that very call, the event has
// one more try, and is given up if that fails.
func TestASkipOfWhatIsTriedOutlivesTheProgram(t *testing.T) {
	t.Parallel()
	for name, replayed := range map[string]bool{"a mailbox": false, "a replay": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := newMemory(t)
				first := m.add(1)
				m.add(1)
				tries, fine := 0, replayed
				d, stop := run(t, m, &script{send: func(ctx context.Context, _ []sink.Delivery) []sink.Result {
					fence.Add(1)
					defer fence.Add(1)
					if fine {
						return []sink.Result{ok}
					}
					if tries++; tries == 2 {
						<-ctx.Done()
					}
					return []sink.Result{retry}
				}})
				if replayed {
					pass(time.Second)
					fine = false
					if n, err := d.Replay(t.Context(), "s", deliver.Selection{IDs: []string{"id1"}}); n != 1 || err != nil {
						t.Fatalf("%d, %v", n, err)
					}
				}
				pass(8 * time.Second) // the second try is under way
				if tries != 2 {
					t.Fatalf("%d tries", tries)
				}
				m.setFail(journal.ErrFull)
				if _, err := d.Skip(t.Context(), "s"); !errors.Is(err, journal.ErrFull) {
					t.Errorf("while nothing can be written: %v", err)
				}
				m.setFail(nil)
				if n, err := d.Skip(t.Context(), "s"); n != 1 || err != nil {
					t.Fatalf("%d, %v", n, err)
				}
				if row := m.rows[first]; !row.Skipped {
					t.Errorf("the journal does not know of it: %+v", row)
				}
				stop()
				tries = 0
				_, stop = run(t, m, perEvent(sink.Limits{}, func(e sink.Delivery) sink.Result {
					if journal.Position(e.Position) != first {
						return ok
					}
					tries++
					return retry
				}))
				pass(time.Minute)
				stop()
				if dead := m.dead[first]; tries != 1 || dead.Error != "skipped: no" || len(m.rows) != 0 {
					t.Errorf("%d tries, dead letters %+v, rows %v", tries, m.dead, m.rows)
				}
			})
		})
	}
}

// A replay that fails can be skipped, too, and what failed before the program was started again.
func TestSkippingAReplayAndAfterAStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		m.add(1)
		m.add(1)
		var refuses atomic.Bool
		s := perEvent(sink.Limits{}, func(sink.Delivery) sink.Result {
			if refuses.Load() {
				return retry
			}
			return ok
		})
		d, stop := run(t, m, s)
		pass(time.Second)
		refuses.Store(true)
		if n, err := d.Replay(t.Context(), "s", deliver.Selection{IDs: []string{"id1", "id2"}}); n != 2 || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
		pass(time.Second)
		stop()
		d, stop = run(t, m, s)
		if f, err := d.Failing(t.Context(), "s", 0, 10); len(f) != 1 || f[0].Rest || f[0].Retry.Position != 1 || err != nil {
			t.Fatalf("%+v, %v", f, err)
		}
		if n, err := d.Skip(t.Context(), "s", "id1"); n != 1 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		refuses.Store(false)
		pass(time.Minute)
		stop()
		if len(m.dead) != 1 || len(m.rows) != 0 {
			t.Errorf("dead letters %v, rows %v", m.dead, m.rows)
		}
	})
}
