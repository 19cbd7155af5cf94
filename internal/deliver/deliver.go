package deliver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/pushmail/pushmail/internal/journal"
	"github.com/pushmail/pushmail/internal/sink"
)

// Options are what [New] needs. Journal must be there.
type Options struct {
	Journal Journal
	// Schedule are the pauses before each try of an event; after the last it is buried. Nil means [StandardSchedule].
	Schedule []time.Duration
	// Grace is how long calls that are under way may go on when a sink is removed or the program ends. Zero means 10 s.
	Grace time.Duration
	// Observe is told of each result as it comes, such as for metrics. It must not block. nil is allowed.
	Observe func(Observation)
	// Logger is told of what fails. nil is silent.
	Logger *slog.Logger
}

// Observation is what became of one try.
type Observation struct {
	Sink    string
	Record  journal.Record
	Attempt int
	Result  sink.Result
	// Buried says that there will be no other try.
	Buried bool
	// Took is how long the call took that the event was part of.
	Took time.Duration
}

// Target is a sink with its name and what it is to get.
type Target struct {
	// Name is that of the sink in the configuration and in the journal.
	Name string
	Sink sink.Sink
	// Where chooses events. nil chooses all.
	Where *Filter
	// Schedule takes the place of [Options.Schedule]. nil does not.
	Schedule []time.Duration
	// FromStart: a sink that the journal does not know gets all that is in the journal, and not only what comes.
	FromStart bool
}

// ErrUnknownSink is for names that no sink has.
var ErrUnknownSink = errors.New("no such sink")

// Deliverer takes events from the journal to sinks. Its methods may be called from many goroutines.
type Deliverer struct {
	o Options

	mu      sync.Mutex
	loops   map[string]*loop // guarded by mu
	running context.Context  // guarded by mu; that of Run, nil before and after
	ended   bool             // guarded by mu
}

// New returns a Deliverer without sinks. It does nothing before Run.
func New(o Options) *Deliverer {
	if o.Schedule == nil {
		o.Schedule = StandardSchedule
	}
	o.Schedule = slices.Clone(o.Schedule)
	o.Grace = cmp.Or(o.Grace, 10*time.Second)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Deliverer{o: o, loops: map[string]*loop{}}
}

// Add adds a sink. When it returns nil, the sink has its place in the journal, and gets all that is appended from
// then on: so sinks are added before accounts are watched. Deliverer closes the sink when it is removed, and when Run ends.
func (d *Deliverer) Add(ctx context.Context, t Target) error {
	l, err := newLoop(ctx, d.o, t)
	if err != nil {
		return fmt.Errorf("sink %q: %w", t.Name, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ended {
		return errors.New("the delivery has ended")
	}
	if d.loops[t.Name] != nil {
		return fmt.Errorf("there is a sink %q already", t.Name)
	}
	d.loops[t.Name] = l
	if d.running != nil {
		l.start(d.running)
	}
	return nil
}

// Remove ends what a sink is doing, which takes up to twice [Options.Grace], and closes it. The journal keeps its place: when
// it is added again, it goes on there.
func (d *Deliverer) Remove(name string) error {
	d.mu.Lock()
	l := d.loops[name]
	delete(d.loops, name)
	d.mu.Unlock()
	if l == nil {
		return unknown(name)
	}
	return l.stop()
}

func unknown(name string) error { return fmt.Errorf("%w: %q", ErrUnknownSink, name) }

// Run delivers until ctx ends. Then it lets calls that are under way finish for [Options.Grace], cancels them, saves how far each
// sink is, and closes all. It returns the errors of closing. It can be called once.
func (d *Deliverer) Run(ctx context.Context) error {
	d.mu.Lock()
	if d.running != nil || d.ended {
		d.mu.Unlock()
		return errors.New("deliver: Run was called twice")
	}
	d.running = ctx
	for _, l := range d.loops {
		l.start(ctx)
	}
	d.mu.Unlock()
	<-ctx.Done()

	d.mu.Lock()
	d.running, d.ended = nil, true
	loops := d.all()
	d.mu.Unlock()
	errs := make([]error, len(loops))
	var wg sync.WaitGroup
	for i, l := range loops {
		wg.Go(func() { errs[i] = l.stop() })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// all returns the loops by name. The caller holds mu.
func (d *Deliverer) all() []*loop {
	loops := make([]*loop, 0, len(d.loops))
	for _, l := range d.loops {
		loops = append(loops, l)
	}
	slices.SortFunc(loops, func(a, b *loop) int { return cmp.Compare(a.name, b.name) })
	return loops
}

func (d *Deliverer) loop(name string) (*loop, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if l := d.loops[name]; l != nil {
		return l, nil
	}
	return nil, unknown(name)
}

// Pause stops sending to a sink; what is under way goes on. It holds until Resume, beyond the end of the program.
func (d *Deliverer) Pause(ctx context.Context, name, reason string) error {
	l, err := d.loop(name)
	if err != nil {
		return err
	}
	return l.do(ctx, func() error { return l.halt(ctx, true, cmp.Or(reason, "paused")) })
}

// Resume ends a pause, and that a sink is disabled. It also makes what waits for another try due at once, so it is good for a
// sink that is not paused, too: "try again now".
func (d *Deliverer) Resume(ctx context.Context, name string) error {
	l, err := d.loop(name)
	if err != nil {
		return err
	}
	return l.do(ctx, func() error {
		if err := l.halt(ctx, false, ""); err != nil {
			return err
		}
		l.rest.reset()
		l.hurry()
		return nil
	})
}

// Status tells of all sinks, by name.
func (d *Deliverer) Status() []Status {
	d.mu.Lock()
	loops := d.all()
	d.mu.Unlock()
	out := make([]Status, len(loops))
	for i, l := range loops {
		out[i] = l.statusNow()
	}
	return out
}
