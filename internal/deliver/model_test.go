package deliver_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushmail/pushmail/internal/deliver"
	"github.com/pushmail/pushmail/internal/journal"
	"github.com/pushmail/pushmail/internal/sink"
)

var seedFlag = flag.Uint64("seed", 0, "run the model with this seed alone")

// Whatever sinks, the journal, operators and crashes do: every event is delivered or buried, in order for each mailbox, and the
// journal never says more than is true.
func TestModel(t *testing.T) {
	seeds := []uint64{*seedFlag}
	if *seedFlag == 0 {
		n := 30
		if testing.Short() {
			n = 10
		}
		seeds = nil
		for range n {
			seeds = append(seeds, rand.Uint64())
		}
	}
	for _, seed := range seeds {
		if !t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { newWorld(t, seed).play() })
		}) {
			t.Fatalf("again with: go test ./internal/deliver -run TestModel -seed %d", seed)
		}
	}
}

// world is what is outside of the program: the journal's disk, the receiver, the operator.
type world struct {
	t    *testing.T
	m    *memory
	keys int

	mu       sync.Mutex
	dice     *rand.Rand                // guarded by mu, as all below
	resolved map[journal.Position]bool // delivered at least once, or said to be hopeless, or buried
	buried   map[journal.Position]bool
	sick     map[string]bool
	healed   bool
	accepted int
}

// life is one run of the program, until it ends or crashes.
type life struct {
	w       *world
	Journal *crashing
	limits  sink.Limits
	d       *deliver.Deliverer
	end     context.CancelFunc
	ended   chan struct{}

	busy map[string]int // of each source, guarded by world.mu
}

// crashing is a journal that can be cut off.
type crashing struct {
	*memory
	mu    sync.Mutex
	dead  bool // guarded by mu
	after int  // guarded by mu; updates that still work, one more takes place but is not confirmed; -1: no end
}

var errDead = errors.New("crashed")

func (c *crashing) isDead() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dead
}

func (c *crashing) UpdateSink(ctx context.Context, name string, u journal.SinkUpdate) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		return errDead
	}
	err := c.memory.UpdateSink(ctx, name, u)
	if c.after == 0 {
		c.dead = true
		return errDead
	}
	c.after--
	return err
}

func (c *crashing) PauseSink(ctx context.Context, name string, paused bool, reason string) error {
	if c.isDead() {
		return errDead
	}
	return c.memory.PauseSink(ctx, name, paused, reason)
}

func (c *crashing) Revive(ctx context.Context, name string, p ...journal.Position) (int, error) {
	if c.isDead() {
		return 0, errDead
	}
	return c.memory.Revive(ctx, name, p...)
}

func newWorld(t *testing.T, seed uint64) *world {
	dice := rand.New(rand.NewPCG(seed, 1))
	return &world{
		t: t, m: newMemory(t), keys: 1 + dice.IntN(8), dice: dice,
		resolved: map[journal.Position]bool{}, buried: map[journal.Position]bool{}, sick: map[string]bool{},
	}
}

func (w *world) chance(percent int) bool { return w.n(100) < percent }

func (w *world) n(n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dice.IntN(n)
}

func (w *world) start() *life {
	l := &life{w: w, Journal: &crashing{memory: w.m, after: -1}, busy: map[string]int{}, ended: make(chan struct{})}
	l.limits = sink.Limits{Batch: 1 + w.n(6), Concurrency: 1 + w.n(4), Timeout: 10 * time.Second}
	l.d = deliver.New(deliver.Options{
		Journal: l.Journal, Schedule: []time.Duration{0, time.Second, 5 * time.Second, 20 * time.Second}, Grace: 3 * time.Second, Observe: l.observe,
	})
	if err := l.d.Add(w.t.Context(), deliver.Target{Name: "s", Sink: l, FromStart: true}); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	l.end = cancel
	go func() {
		defer close(l.ended)
		if err := l.d.Run(ctx); err != nil {
			w.t.Error(err)
		}
	}()
	return l
}

func (l *life) Limits() sink.Limits { return l.limits }
func (l *life) Close() error        { return nil }

func (l *life) observe(o deliver.Observation) {
	if !o.Buried || l.Journal.isDead() {
		return
	}
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	l.w.resolved[o.Record.Position], l.w.buried[o.Record.Position] = true, true
}

// Send is the receiver.
func (l *life) Send(ctx context.Context, batch []sink.Delivery) (out []sink.Result) {
	w := l.w
	sources := map[string]bool{}
	for _, d := range batch {
		sources[d.Source] = true
	}
	w.mu.Lock()
	for s := range sources {
		if l.busy[s]++; l.busy[s] > 1 {
			w.t.Errorf("two batches of %s at the same time", s)
		}
	}
	if len(batch) == 0 || len(batch) > l.limits.Batch {
		w.t.Errorf("a batch of %d, at most %d are wanted", len(batch), l.limits.Batch)
	}
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		for s := range sources {
			l.busy[s]--
		}
	}()
	time.Sleep(time.Duration(w.n(300)) * time.Millisecond)
	switch luck := w.n(300); {
	case w.isHealed():
	case luck < 3:
		panic("a bug in a sink")
	case luck < 6:
		<-ctx.Done()
		return nil
	case luck < 8:
		time.Sleep(30 * time.Second) // whatever ctx says
	case luck < 12:
		return sink.All(len(batch), sink.Result{Outcome: sink.Busy, After: time.Duration(w.n(20)) * time.Second, Err: errNo})
	case luck < 13:
		return sink.All(len(batch), sink.Result{Outcome: sink.Disable, Err: errNo})
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	failed := map[string]bool{}
	for _, d := range batch {
		r := w.answer(d)
		if failed[d.Source] {
			r = sink.Result{Outcome: sink.OK} // a lie: what comes after a failure is not looked at
		} else if r.Outcome == sink.OK && !l.Journal.isDead() {
			w.accept(d)
		} else if r.Outcome == sink.Never {
			w.resolved[journal.Position(d.Position)] = true
		} else if r.Outcome == sink.Retry {
			failed[d.Source] = true
		}
		out = append(out, r)
	}
	return out
}

func (w *world) isHealed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.healed
}

func (w *world) answer(d sink.Delivery) sink.Result {
	luck := w.dice.IntN(100)
	switch {
	case w.healed:
	case w.sick[d.Source] || luck < 8:
		after := time.Duration(0)
		if luck%4 == 0 {
			after = 3 * time.Second
		}
		return sink.Result{Outcome: sink.Retry, After: after, Err: errNo}
	case luck < 10:
		return sink.Result{Outcome: sink.Never, Err: errNo}
	}
	return sink.Result{Outcome: sink.OK}
}

// accept notes an event that has been delivered, and judges its place. The caller holds mu.
func (w *world) accept(d sink.Delivery) {
	w.accepted++
	p := journal.Position(d.Position)
	if d.ID != fmt.Sprintf("id%d", p) || !strings.Contains(string(d.JSON), `"`+d.ID+`"`) {
		w.t.Errorf("position %d has the id %s", p, d.ID)
	}
	for before := journal.Position(1); before < p && !w.resolved[p]; before++ {
		if w.m.sourceAt(before) == d.Source && !w.resolved[before] {
			w.t.Errorf("%d of %s was delivered before %d", p, d.Source, before)
		}
	}
	w.resolved[p] = true
}

func (m *memory) sourceAt(p journal.Position) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.records[p-1].Source
}

// judge compares what the journal says with what is true.
func (w *world) judge() {
	done, dead := w.m.settled()
	w.mu.Lock()
	defer w.mu.Unlock()
	for p := range done {
		if !w.resolved[p] {
			w.t.Errorf("the journal says that %d is done, but it was neither delivered nor buried", p)
		}
	}
	for p := range dead {
		if !w.buried[p] {
			w.t.Errorf("%d is a dead letter, but nobody has buried it", p)
		}
	}
}

func (w *world) play() {
	l := w.start()
	for range 150 {
		l = w.step(l)
		w.judge()
		if w.t.Failed() {
			break
		}
	}
	w.mu.Lock()
	w.healed = true
	w.mu.Unlock()
	w.m.setFail(nil)
	for l.d.Resume(w.t.Context(), "s") != nil { // it may be dead
		l.crash()
		l = w.start()
	}
	time.Sleep(3 * time.Hour)
	s := l.d.Status()[0]
	l.end()
	<-l.ended
	time.Sleep(time.Minute) // what ignores its context
	w.judge()
	done, _ := w.m.settled()
	if len(done) != len(w.m.records) || s.Replaying > 0 || s.Waiting > 0 {
		w.t.Errorf("%d of %d events are done in the end, rows %v, %+v", len(done), len(w.m.records), w.m.rows, s)
	}
	for p := range w.m.rows {
		w.t.Errorf("a row is left at %d", p)
	}
}

// step does something at random, and lets some time pass.
func (w *world) step(l *life) *life {
	ctx := w.t.Context()
	switch action := w.n(100); {
	case action < 55:
		key := w.n(w.keys)
		for range 1 + w.n(20)*w.n(6) {
			if w.chance(30) {
				key = w.n(w.keys)
			}
			w.m.add(key)
		}
	case action < 63:
		w.mu.Lock()
		s := source(w.dice.IntN(w.keys))
		w.sick[s] = !w.sick[s]
		w.mu.Unlock()
	case action < 68:
		_ = l.d.Pause(ctx, "s", "by hand")
	case action < 78:
		_ = l.d.Resume(ctx, "s")
	case action < 82:
		if last, _ := w.m.Last(ctx); last > 0 {
			from := journal.Position(1 + w.n(int(last)))
			_, _ = l.d.Replay(ctx, "s", deliver.Selection{From: from, To: from + journal.Position(w.n(30))})
		}
	case action < 85:
		_, _ = l.d.Revive(ctx, "s")
	case action < 87:
		_, _ = l.d.Skip(ctx, "s")
	case action < 90:
		w.m.setFail(journal.ErrFull)
		time.Sleep(time.Duration(w.n(5000)) * time.Millisecond)
		w.m.setFail(nil)
	case action < 94:
		l.crash()
		l = w.start()
	case action < 96: // crash at one of the next commits
		l.Journal.mu.Lock()
		l.Journal.after = w.n(4)
		l.Journal.mu.Unlock()
		time.Sleep(time.Duration(w.n(5000)) * time.Millisecond)
		l.crash()
		l = w.start()
	case action < 98: // a good end
		l.end()
		<-l.ended
		l.Journal.mu.Lock()
		l.Journal.dead = true
		l.Journal.mu.Unlock()
		l = w.start()
	}
	time.Sleep(time.Duration(w.n(3000)) * time.Millisecond)
	return l
}

// crash ends a life at once: what it has not saved is lost, what it sends from now on goes nowhere.
func (l *life) crash() {
	l.Journal.mu.Lock()
	l.Journal.dead = true
	l.Journal.mu.Unlock()
	l.end()
	<-l.ended
}
