package deliver_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushmail/pushmail/internal/deliver"
	"github.com/pushmail/pushmail/internal/journal"
	"github.com/pushmail/pushmail/internal/sink"
)

var (
	errNo = errors.New("no")
	ok    = sink.Result{Outcome: sink.OK}
	retry = sink.Result{Outcome: sink.Retry, Err: errNo}
)

// about says whether d is what is wanted, give or take a tenth and the time between two steps.
func about(d, want time.Duration) bool { return d >= want-want/9 && d <= want+want/9+time.Second }

func TestFailingEventIsTriedByTheStandardScheduleAndBuried(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		var tries []time.Time
		var attempts []int
		var second time.Time
		first := m.add(1)
		next := m.add(1)
		_, stop := run(t, m, perEvent(sink.Limits{}, func(d sink.Delivery) sink.Result {
			if journal.Position(d.Position) == next {
				second = time.Now()
				return ok
			}
			tries, attempts = append(tries, time.Now()), append(attempts, d.Attempt)
			return retry
		}))
		pass(100 * time.Hour)
		stop()
		if want := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}; !slices.Equal(attempts, want) {
			t.Fatalf("attempts %v, want %v", attempts, want)
		}
		for i := 1; i < len(tries); i++ {
			if got, want := tries[i].Sub(tries[i-1]), deliver.StandardSchedule[i]; !about(got, want) {
				t.Errorf("try %d came after %v, want about %v", i+1, got, want)
			}
		}
		if !about(tries[9].Sub(tries[0]), 75*time.Hour+35*time.Minute) {
			t.Errorf("the schedule took %v", tries[9].Sub(tries[0]))
		}
		if dead := m.dead[first]; dead.Attempts != 10 || dead.Error != "no" || len(m.dead) != 1 {
			t.Errorf("dead letters: %+v", m.dead)
		}
		if second.Before(tries[9]) || m.cursor != next || len(m.rows) != 0 {
			t.Errorf("the next event came at %v, cursor %d, rows %v", second, m.cursor, m.rows)
		}
	})
}

func TestSickMailboxDelaysOnlyItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		var got []int64
		m.add(1)
		_, stop := run(t, m, perEvent(sink.Limits{}, func(d sink.Delivery) sink.Result {
			if d.Source == source(1) {
				return retry
			}
			got = append(got, d.Position)
			return ok
		}))
		began := time.Now()
		for range 5000 {
			m.add(1)
		}
		for range 10 {
			m.add(2)
		}
		pass(time.Second)
		stop()
		if len(got) != 10 || m.cursor != 5011 || len(m.rows) != 1 || !m.rows[1].Rest {
			t.Errorf("after %v: %d events, cursor %d, rows %v", time.Since(began), len(got), m.cursor, m.rows)
		}
		if m.biggest > 100 {
			t.Errorf("a read of %d events", m.biggest)
		}
	})
}

func TestBusyMailboxLetsOthersPassAndIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		var order []string
		for range 10000 {
			m.add(1)
		}
		m.add(2)
		_, stop := run(t, m, perEvent(sink.Limits{}, func(d sink.Delivery) sink.Result {
			order = append(order, d.Source)
			time.Sleep(time.Second)
			return ok
		}))
		pass(time.Minute)
		if i := slices.Index(order, source(2)); i < 0 || i > 40 {
			t.Errorf("the event of the other mailbox came at %d of %d", i, len(order))
		}
		pass(10000 * time.Second)
		stop()
		if len(order) != 10001 || m.cursor != 10001 || len(m.rows) != 0 {
			t.Errorf("%d events, cursor %d, rows %v", len(order), m.cursor, m.rows)
		}
	})
}

func TestManyPendingEventsDoNotEatMemory(t *testing.T) {
	for name, keys := range map[string]int{"of one mailbox": 1, "of many mailboxes": 10_000} {
		t.Run(name, func(t *testing.T) {
			m := newMemory(t)
			m.padding = 50_000
			for i := range 10_000 {
				m.add(i % keys)
			}
			d, stop := run(t, m, &script{send: func(ctx context.Context, batch []sink.Delivery) []sink.Result {
				<-ctx.Done()
				return nil
			}}, func(o *deliver.Options, _ *deliver.Target) { o.Grace = time.Millisecond })
			for d.Status()[0].Last < 200 {
				time.Sleep(time.Millisecond)
			}
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			stop()
			runtime.GC()
			runtime.ReadMemStats(&after)
			if held := (int64(before.HeapAlloc) - int64(after.HeapAlloc)) >> 20; held > 32 {
				t.Errorf("the loop holds %d MB of 500", held)
			}
		})
	}
}

func TestHungSinkDelaysOnlyItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hung, well := newMemory(t), newMemory(t)
		hung.add(1)
		well.add(1)
		d, stop := run(t, hung, &script{send: func(ctx context.Context, batch []sink.Delivery) []sink.Result {
			time.Sleep(time.Hour) // whatever ctx says
			return sink.All(len(batch), ok)
		}})
		var got atomic.Int32
		run(t, well, perEvent(sink.Limits{}, func(sink.Delivery) sink.Result { got.Add(1); return ok }))
		pass(time.Minute)
		if s := d.Status()[0]; got.Load() != 1 || s.State != deliver.StateHung || s.InFlight != 1 {
			t.Errorf("got %d, status %+v", got.Load(), s)
		}
		stop()
		pass(time.Hour)
	})
}

func TestCallThatTakesTooLongIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		m.add(1)
		calls := 0
		_, stop := run(t, m, &script{limits: sink.Limits{Timeout: 7 * time.Second}, send: func(ctx context.Context, batch []sink.Delivery) []sink.Result {
			if calls++; calls > 1 {
				return sink.All(len(batch), ok)
			}
			began := time.Now()
			<-ctx.Done()
			if d := time.Since(began); d != 7*time.Second {
				t.Errorf("the context ended after %v", d)
			}
			return sink.All(len(batch), sink.Result{Err: ctx.Err()})
		}})
		pass(time.Minute)
		stop()
		if calls != 2 || m.cursor != 1 || len(m.rows) > 0 {
			t.Errorf("%d calls, cursor %d, rows %v", calls, m.cursor, m.rows)
		}
	})
}

func TestWhatASinkDoesWrongCountsAsRetry(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]func([]sink.Delivery) []sink.Result{
		"panic":            func([]sink.Delivery) []sink.Result { panic("boom") },
		"goroutine ends":   func([]sink.Delivery) []sink.Result { runtime.Goexit(); return nil },
		"no result":        func([]sink.Delivery) []sink.Result { return nil },
		"unknown outcome":  func(b []sink.Delivery) []sink.Result { return sink.All(len(b), sink.Result{Outcome: 99}) },
		"no error":         func(b []sink.Delivery) []sink.Result { return sink.All(len(b), sink.Result{}) },
		"changes its copy": func(b []sink.Delivery) []sink.Result { clear(b); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := newMemory(t)
				m.add(1)
				calls := 0
				d, stop := run(t, m, &script{send: func(_ context.Context, batch []sink.Delivery) []sink.Result {
					if calls++; calls == 1 {
						return first(batch)
					}
					return sink.All(len(batch), ok)
				}})
				time.Sleep(10 * time.Second)
				s := d.Status()[0]
				stop()
				if calls != 2 || m.cursor != 1 || s.Failed != 1 || s.LastError == "" {
					t.Errorf("%d calls, cursor %d, status %+v", calls, m.cursor, s)
				}
			})
		})
	}
}

func TestEventsAfterAFailedOneInABatchComeAgainInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		for range 3 {
			m.add(1)
			m.add(2)
		}
		var calls [][]int64
		_, stop := run(t, m, &script{limits: sink.Limits{Batch: 10}, send: func(_ context.Context, batch []sink.Delivery) []sink.Result {
			var positions []int64
			out := sink.All(len(batch), ok)
			for i, d := range batch {
				positions = append(positions, d.Position)
				if d.Position == 3 && len(calls) == 0 {
					out[i] = retry
				}
			}
			calls = append(calls, positions)
			return out
		}})
		pass(time.Minute)
		stop()
		if len(calls) != 3 || !slices.Equal(calls[0], []int64{1, 2, 3, 4, 5, 6}) || !slices.Equal(calls[1], []int64{3}) || !slices.Equal(calls[2], []int64{5}) {
			t.Errorf("calls: %v", calls)
		}
	})
}

func TestNeverIsBuriedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		bad, good := m.add(1), m.add(1)
		_, stop := run(t, m, perEvent(sink.Limits{}, func(d sink.Delivery) sink.Result {
			if journal.Position(d.Position) == bad {
				return sink.Result{Outcome: sink.Never, Err: errors.New("too big")}
			}
			return ok
		}))
		pass(time.Second)
		stop()
		if m.cursor != good || m.dead[bad].Error != "too big" || m.dead[bad].Attempts != 1 {
			t.Errorf("cursor %d, dead %v", m.cursor, m.dead)
		}
	})
}

func TestDisabledSinkWaitsForResumeBeyondARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		m.add(1)
		m.add(2)
		calls, gone := 0, true
		s := perEvent(sink.Limits{}, func(sink.Delivery) sink.Result {
			calls++
			if gone {
				return sink.Result{Outcome: sink.Disable, Err: errors.New("410 Gone")}
			}
			return ok
		})
		d, stop := run(t, m, s)
		pass(time.Hour)
		if st := d.Status()[0]; calls != 1 || st.State != deliver.StateDisabled || st.Reason != "410 Gone" {
			t.Fatalf("%d calls, status %+v", calls, st)
		}
		stop()
		d, stop = run(t, m, s)
		pass(time.Hour)
		if st := d.Status()[0]; calls != 1 || st.State != deliver.StateDisabled || st.Reason != "410 Gone" {
			t.Fatalf("after a restart: %d calls, status %+v", calls, st)
		}
		gone = false
		if err := d.Resume(t.Context(), "s"); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		stop()
		if calls != 3 || m.cursor != 2 || m.paused {
			t.Errorf("%d calls, cursor %d, paused %v", calls, m.cursor, m.paused)
		}
	})
}

func TestPauseHoldsBeyondARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		calls := 0
		s := perEvent(sink.Limits{}, func(sink.Delivery) sink.Result { calls++; return ok })
		d, stop := run(t, m, s)
		if err := d.Pause(t.Context(), "s", "maintenance"); err != nil {
			t.Fatal(err)
		}
		m.add(1)
		pass(time.Hour)
		stop()
		d, _ = run(t, m, s)
		pass(time.Hour)
		if st := d.Status()[0]; calls != 0 || st.State != deliver.StatePaused || st.Reason != "maintenance" {
			t.Fatalf("%d calls, status %+v", calls, st)
		}
		if err := d.Resume(t.Context(), "s"); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		if st := d.Status()[0]; calls != 1 || st.State != deliver.StateRunning {
			t.Errorf("%d calls, status %+v", calls, st)
		}
		if err := d.Pause(t.Context(), "x", ""); !errors.Is(err, deliver.ErrUnknownSink) {
			t.Errorf("an unknown sink: %v", err)
		}
	})
}

func TestResumeTriesAgainNowWithoutCountingIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		m.add(1)
		var attempts []int
		d, _ := run(t, m, perEvent(sink.Limits{}, func(del sink.Delivery) sink.Result { attempts = append(attempts, del.Attempt); return retry }))
		pass(time.Minute) // two tries; the next is due in 5 min
		due := d.Status()[0].NextTry
		if err := d.Resume(t.Context(), "s"); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		if got := d.Status()[0].NextTry; !slices.Equal(attempts, []int{1, 2, 3}) || !got.Equal(due) {
			t.Fatalf("attempts %v, next try %v, want %v", attempts, got, due)
		}
		pass(10 * time.Minute)
		if !slices.Equal(attempts, []int{1, 2, 3, 3}) {
			t.Errorf("attempts %v", attempts)
		}
	})
}

func TestRetryAfterIsHonouredWithinABound(t *testing.T) {
	t.Parallel()
	for after, want := range map[time.Duration]time.Duration{2 * time.Second: 2 * time.Second, time.Hour: time.Hour, 9999 * time.Hour: 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			m := newMemory(t)
			m.add(1)
			var tries []time.Time
			_, stop := run(t, m, perEvent(sink.Limits{}, func(sink.Delivery) sink.Result {
				if tries = append(tries, time.Now()); len(tries) > 20 {
					return ok
				}
				return sink.Result{Outcome: sink.Retry, After: after, Err: errNo}
			}))
			time.Sleep(25 * time.Hour)
			stop()
			if len(tries) < 2 || !about(tries[1].Sub(tries[0]), want) {
				t.Fatalf("Retry-After %v: tries %v", after, tries)
			}
			if after == 2*time.Second && (len(tries) != 21 || m.cursor != 1) {
				t.Errorf("with a short Retry-After the event was given up after %d tries", len(tries))
			}
		})
	}
}

func TestReceiverThatSaysLaterForEverGetsTheWholeScheduleAndNoMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		p := m.add(1)
		began := time.Now()
		_, stop := run(t, m, perEvent(sink.Limits{}, func(sink.Delivery) sink.Result {
			return sink.Result{Outcome: sink.Busy, After: time.Minute, Err: errNo}
		}))
		pass(75 * time.Hour)
		if len(m.dead) != 0 {
			t.Error("it was given up before the schedule was over")
		}
		pass(25 * time.Hour)
		stop()
		if dead := m.dead[p]; !about(dead.LastAt.Sub(began), 80*time.Hour) {
			t.Errorf("dead letters %v", m.dead)
		}
	})
}

func TestSinkThatFailsForAllRestsAndCatchesUpAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		for key := range 1000 {
			m.add(key)
		}
		var mu sync.Mutex
		calls, down := 0, true
		d, stop := run(t, m, perEvent(sink.Limits{Concurrency: 4}, func(sink.Delivery) sink.Result {
			mu.Lock()
			defer mu.Unlock()
			calls++
			if down {
				return retry
			}
			return ok
		}))
		pass(3 * time.Hour)
		mu.Lock()
		if calls > 60 || calls < 30 {
			t.Errorf("%d calls in 3 hours to a receiver that is down", calls)
		}
		down = false
		mu.Unlock()
		if s := d.Status()[0]; s.State != deliver.StateResting {
			t.Errorf("state %s", s.State)
		}
		pass(6 * time.Minute)
		if s := d.Status()[0]; s.State != deliver.StateRunning || s.Delivered != 1000 {
			t.Errorf("6 minutes after it is back: %+v", s)
		}
		stop()
		if m.cursor != 1000 || len(m.rows) != 0 {
			t.Errorf("cursor %d, rows %v", m.cursor, m.rows)
		}
	})
}

func TestJournalThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		var got []int64
		d, stop := run(t, m, perEvent(sink.Limits{}, func(d sink.Delivery) sink.Result { got = append(got, d.Position); return ok }))
		synctest.Wait()
		m.setFail(journal.ErrFull)
		m.add(1)
		m.add(1)
		pass(time.Minute)
		if s := d.Status()[0]; !strings.Contains(s.LastError, "no room") {
			t.Errorf("status %+v", s)
		}
		m.setFail(nil)
		pass(3 * time.Second)
		stop()
		if !slices.Equal(got, []int64{1, 2}) || m.cursor != 2 {
			t.Errorf("got %v, cursor %d", got, m.cursor)
		}
	})
}

func TestStopWaitsForWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		m.add(1)
		s := &script{closed: make(chan struct{}), send: func(_ context.Context, batch []sink.Delivery) []sink.Result {
			time.Sleep(5 * time.Second)
			return sink.All(len(batch), ok)
		}}
		_, stop := run(t, m, s)
		pass(time.Second)
		stop()
		select {
		case <-s.closed:
		default:
			t.Error("the sink was not closed")
		}
		if m.cursor != 1 {
			t.Errorf("cursor %d: the event will be delivered again", m.cursor)
		}
	})
}

func TestSinkThatDoesNotReturnDoesNotHoldUpTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		m.add(1)
		_, stop := run(t, m, &script{send: func(context.Context, []sink.Delivery) []sink.Result {
			time.Sleep(time.Hour)
			return nil
		}})
		began := time.Now()
		pass(time.Second)
		stop()
		if d := time.Since(began); d > 25*time.Second || m.cursor != 0 {
			t.Errorf("the end took %v, cursor %d", d, m.cursor)
		}
		pass(time.Hour)
	})
}

func TestTriesThatTheEndCutsOffDoNotCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		m.add(1)
		for range 30 {
			_, stop := run(t, m, &script{limits: sink.Limits{Timeout: time.Hour}, send: func(ctx context.Context, batch []sink.Delivery) []sink.Result {
				<-ctx.Done()
				return sink.All(len(batch), sink.Result{Err: ctx.Err()})
			}})
			time.Sleep(time.Second)
			stop()
		}
		if len(m.dead) > 0 || len(m.rows) > 0 || m.cursor != 0 {
			t.Errorf("dead %v, rows %v, cursor %d", m.dead, m.rows, m.cursor)
		}
	})
}

func TestAddAndRemoveWhileRunning(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		var a, b []int64
		d, _ := run(t, m, perEvent(sink.Limits{}, func(d sink.Delivery) sink.Result { a = append(a, d.Position); return ok }))
		m.add(1)
		pass(time.Second)
		if err := d.Remove("s"); err != nil {
			t.Fatal(err)
		}
		m.add(1)
		pass(time.Second)
		again := deliver.Target{Name: "s", Sink: perEvent(sink.Limits{}, func(d sink.Delivery) sink.Result { b = append(b, d.Position); return ok })}
		if err := d.Add(t.Context(), again); err != nil {
			t.Fatal(err)
		}
		if err := d.Add(t.Context(), again); err == nil {
			t.Error("a name was taken twice")
		}
		pass(time.Second)
		if !slices.Equal(a, []int64{1}) || !slices.Equal(b, []int64{2}) {
			t.Errorf("before %v, after %v", a, b)
		}
	})
}

func TestNewSinkBeginsWithWhatComes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		m.add(1)
		var got []int64
		run(t, m, perEvent(sink.Limits{}, func(d sink.Delivery) sink.Result { got = append(got, d.Position); return ok }),
			func(_ *deliver.Options, t *deliver.Target) { t.FromStart = false })
		m.add(1)
		pass(time.Second)
		if !slices.Equal(got, []int64{2}) {
			t.Errorf("got %v", got)
		}
	})
}

func TestReplay(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		s    deliver.Selection
		want []int64 // nil is an error
	}{
		"by id":            {deliver.Selection{IDs: []string{"id5", "id2", "id5"}}, []int64{2, 5}},
		"an unknown id":    {deliver.Selection{IDs: []string{"id2", "x"}}, nil},
		"by position":      {deliver.Selection{From: 3, To: 5}, []int64{3, 4, 5}},
		"from a position":  {deliver.Selection{From: 9}, []int64{9, 10}},
		"by time":          {deliver.Selection{Since: epoch.Add(time.Minute), Until: epoch.Add(3 * time.Minute)}, []int64{2, 3}},
		"of a mailbox":     {deliver.Selection{Mailbox: "1"}, []int64{2, 4, 6, 8, 10}},
		"nothing":          {deliver.Selection{}, nil},
		"after everything": {deliver.Selection{From: 11}, []int64{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := newMemory(t)
				for i := range 10 {
					m.add(i % 2)
					time.Sleep(time.Minute)
				}
				got := []int64{}
				d, stop := run(t, m, perEvent(sink.Limits{}, func(d sink.Delivery) sink.Result { got = append(got, d.Position); return ok }))
				pass(time.Second)
				got = got[:0]
				n, err := d.Replay(t.Context(), "s", test.s)
				pass(time.Second)
				if (err != nil) != (test.want == nil) || n != len(test.want) {
					t.Errorf("replayed %d: %v", n, err)
				}
				slices.Sort(got)
				if s := d.Status()[0]; !slices.Equal(got, test.want) || s.Replaying != 0 {
					t.Errorf("got %v, want %v; status %+v", got, test.want, s)
				}
				stop()
				if m.cursor != 10 || len(m.rows) > 0 {
					t.Errorf("cursor %d, rows %v", m.cursor, m.rows)
				}
			})
		})
	}
}

// epoch is when a bubble begins.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func TestReplaySurvivesARestartAndLeavesOutWhatIsComing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		for range 3 {
			m.add(1)
		}
		var got []int64
		works := true
		s := perEvent(sink.Limits{}, func(d sink.Delivery) sink.Result {
			if !works {
				return retry
			}
			got = append(got, d.Position)
			return ok
		})
		d, stop := run(t, m, s)
		pass(time.Second)
		works = false
		m.add(1) // fails: it is coming anyway
		pass(time.Second)
		if n, err := d.Replay(t.Context(), "s", deliver.Selection{From: 2}); err != nil || n != 2 {
			t.Fatalf("replayed %d: %v", n, err)
		}
		pass(time.Second)
		stop()
		works = true
		d, stop = run(t, m, s)
		if r := d.Status()[0].Replaying; r != 2 {
			t.Errorf("replaying %d", r)
		}
		pass(time.Hour)
		stop()
		replayed := got[3:]
		slices.Sort(replayed)
		if !slices.Equal(replayed, []int64{2, 3, 4}) || len(m.rows) > 0 || m.cursor != 4 {
			t.Errorf("got %v, rows %v, cursor %d", got, m.rows, m.cursor)
		}
	})
}

func TestDeadLettersAreRevived(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		for range 3 {
			m.add(1)
		}
		works := false
		var got []int64
		d, stop := run(t, m, perEvent(sink.Limits{}, func(d sink.Delivery) sink.Result {
			if !works {
				return sink.Result{Outcome: sink.Never, Err: errNo}
			}
			got = append(got, d.Position)
			return ok
		}))
		pass(time.Millisecond) // buried, but not saved yet
		works = true
		if n, err := d.Revive(t.Context(), "s", 1, 3); err != nil || n != 2 {
			t.Fatalf("revived %d: %v", n, err)
		}
		pass(time.Second)
		stop()
		if !slices.Equal(got, []int64{1, 3}) || len(m.dead) != 1 || len(m.rows) != 0 {
			t.Errorf("got %v, dead %v, rows %v", got, m.dead, m.rows)
		}
	})
}

// pass lets time pass, and then everybody finish what is due by then. What a script and the test share needs no lock.
func pass(d time.Duration) {
	fence.Add(1)
	time.Sleep(d)
	synctest.Wait()
	fence.Add(1)
}
