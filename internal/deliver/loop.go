package deliver

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pushmail/pushmail/internal/journal"
	"github.com/pushmail/pushmail/internal/sink"
)

// loop looks after one sink. All fields below "state" belong to the goroutine of run, and to newLoop before it runs.
type loop struct {
	o      Options
	name   string
	sink   sink.Sink
	limits sink.Limits
	where  *Filter
	log    *slog.Logger

	cancel  context.CancelFunc // of run; nil before start
	done    chan struct{}      // closed when run has returned
	closing sync.Once
	closed  error // of closing the sink

	commands chan func()
	calls    chan *call    // those that have returned
	arrived  chan struct{} // there is something after head

	status status

	// state

	saved     journal.Position // the cursor in the journal
	head      journal.Position // the journal was read up to here
	caughtUp  bool             // there was nothing after head; arrived will tell
	window    []*entry         // what was read, is not behind, and not known to be done, by position; see cursor
	keys      map[keyID]*key
	ready     []*key // can be sent now
	waiting   waiting
	loaded    int // events in memory
	bytes     int // of their JSON
	inFlight  map[*call]struct{}
	rest      rest
	halted    string // why nothing is sent; "" when it is
	unsaved   unsaved
	stopping  bool // no more calls
	ended     bool
	replaying int       // events of replays that are not done
	retryAt   time.Time // when the journal is read again after it failed
}

// disabledPrefix begins the reason of a pause that the sink itself has asked for.
const disabledPrefix = "disabled: "

func newLoop(ctx context.Context, o Options, t Target) (*loop, error) {
	l := &loop{
		o: o, name: t.Name, sink: t.Sink, limits: t.Sink.Limits().Or(), where: t.Where, log: o.Logger.With("sink", t.Name),
		done: make(chan struct{}), commands: make(chan func()), arrived: make(chan struct{}, 1),
		keys: map[keyID]*key{}, inFlight: map[*call]struct{}{}, unsaved: unsaved{keys: map[*key]struct{}{}},
	}
	if t.Schedule != nil {
		l.o.Schedule = slices.Clone(t.Schedule)
	}
	l.calls = make(chan *call, l.limits.Concurrency)
	var from journal.Position
	if !t.FromStart {
		last, err := o.Journal.Last(ctx)
		if err != nil {
			return nil, err
		}
		from = last
	}
	state, err := o.Journal.OpenSink(ctx, t.Name, from)
	if err != nil {
		return nil, err
	}
	l.saved, l.head = state.Cursor, state.Cursor
	if state.Paused {
		l.halted = state.Reason
		if l.halted == "" {
			l.halted = "paused"
		}
	}
	if err := l.loadRows(ctx); err != nil {
		return nil, err
	}
	l.publish()
	return l, nil
}

func (l *loop) start(ctx context.Context) {
	ctx, l.cancel = context.WithCancel(ctx)
	go func() {
		defer close(l.done)
		l.run(ctx)
	}()
}

// stop ends run, if it runs, and closes the sink.
func (l *loop) stop() error {
	l.closing.Do(func() {
		if l.cancel != nil {
			l.cancel()
			<-l.done
		}
		l.closed = l.sink.Close()
	})
	return l.closed
}

// errStopped is for commands to a loop that does not run.
var errStopped = errors.New("the sink is not running")

// do has the loop call f, and returns its error. What f has changed is in the status by then.
func (l *loop) do(ctx context.Context, f func() error) error {
	reply := make(chan error, 1)
	command := func() {
		err := f()
		l.publish()
		reply <- err
	}
	select {
	case l.commands <- command:
		return <-reply
	case <-l.done:
		return errStopped
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (l *loop) run(ctx context.Context) {
	// Calls outlive ctx by the grace.
	callCtx, cancelCalls := context.WithCancel(context.WithoutCancel(ctx))
	defer cancelCalls()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		now := time.Now()
		l.wake(now)
		l.fill(ctx, now)
		l.dispatch(callCtx, now)
		l.saveIfDue(ctx, now)
		l.publish()
		resetTimer(timer, l.next(time.Now()))
		select {
		case <-ctx.Done():
		case c := <-l.calls:
			l.finish(c)
		case f := <-l.commands:
			f()
		case <-l.arrived:
			l.caughtUp = false
		case <-timer.C:
		}
	}
	l.drain(ctx, cancelCalls)
	l.ended = true
	l.publish()
}

func resetTimer(t *time.Timer, d time.Duration) {
	t.Stop()
	if d >= 0 {
		t.Reset(d)
	}
}

// next returns how long there is nothing to do, a negative number if only something from outside can change that.
func (l *loop) next(now time.Time) time.Duration {
	var at time.Time
	sooner := func(t time.Time) {
		if !t.IsZero() && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	sooner(l.unsaved.due)
	sooner(l.retryAt)
	if l.halted == "" {
		sooner(l.waiting.first())
		if len(l.ready) > 0 && now.Before(l.rest.until) {
			sooner(l.rest.until)
		}
	}
	if at.IsZero() {
		return -1
	}
	return max(0, at.Sub(now))
}

// drain lets calls that are under way finish, cancels them after the grace, gives them the grace again to return, and saves.
func (l *loop) drain(ctx context.Context, cancelCalls func()) {
	l.stopping = true
	grace := time.NewTimer(l.o.Grace)
	defer grace.Stop()
	for cancelled := false; len(l.inFlight) > 0; {
		select {
		case c := <-l.calls:
			l.finish(c)
			continue
		case f := <-l.commands:
			f()
			continue
		case <-grace.C:
		}
		if cancelled {
			l.log.Warn("a sink does not return from a call that was cancelled", "calls", len(l.inFlight))
			break
		}
		cancelled = true
		cancelCalls()
		grace.Reset(l.o.Grace)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.o.Grace)
	defer cancel()
	if err := l.save(ctx); err != nil {
		l.log.Error("how far the sink is could not be saved: what it got last it will get again", "err", err)
	}
}

// halt stops sending, or goes on.
func (l *loop) halt(ctx context.Context, paused bool, reason string) error {
	if err := l.o.Journal.PauseSink(ctx, l.name, paused, reason); err != nil {
		return err
	}
	l.halted = reason
	return nil
}

// disable stops sending because the sink wants nothing any more.
func (l *loop) disable(why error) {
	l.halted = disabledPrefix + errorText(why)
	l.unsaved.halt = true
	l.unsaved.touch(time.Now())
	l.log.Error("the sink is disabled: resume it when its receiver is there again", "err", why)
}

func errorText(err error) string {
	if err == nil {
		return "no reason given"
	}
	const most = 500
	text := strings.ToValidUTF8(err.Error(), "?")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
