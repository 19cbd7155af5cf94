package imapclient

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"sync"
	"time"
)

// PollerOptions are the settings of a [Poller].
type PollerOptions struct {
	// Workers bounds how many connections are worked on at the same time, Handler and done included. A worker is
	// a goroutine that ends as soon as there is nothing to do. Zero means 256; it must not be negative.
	Workers int
}

// Poller waits on many connections at once: what [Conn.Wait] does with a goroutine for each, it does with
// one for all. A connection that waits in a Poller owns no goroutine and no buffer for reading.
//
// That is so on Linux, for connections over TCP or a Unix socket, with TLS or without. For others (such as
// one over [net.Pipe], through a proxy that is spoken to over TLS, or given to [New] as a *tls.Conn), and on
// other systems, a Poller does the same with a goroutine for each connection.
//
// Its methods may be called from several goroutines.
type Poller struct {
	workers int
	start   time.Time

	mu      sync.Mutex
	quiet   sync.Cond     // calls and running are zero
	waits   []*parked     // guarded by mu: those that wait, and nil in slots that are free
	free    []int32       // guarded by mu: such slots
	calls   int           // guarded by mu: waits whose done has not returned
	queue   []*parked     // guarded by mu: what is to be worked on
	running int           // guarded by mu: workers
	timers  timers        // guarded by mu
	timer   *time.Timer   // guarded by mu: calls tick; nil before the first use
	timerAt time.Duration // guarded by mu: when; zero for never
	sockets *sockets      // guarded by mu: nil before the first use
	checkAt time.Duration // guarded by mu: when to see whether sockets work still
	closed  bool          // guarded by mu
}

var (
	// ErrPollerClosed ends the waiting in a Poller that was closed.
	ErrPollerClosed = errors.New("the poller is closed")
	// ErrWaiting is the error of [Poller.Wait] for a connection that waits in a Poller already.
	ErrWaiting = errors.New("the connection waits in a poller already: one Wait at a time")

	errWorkers = &OptionError{"Workers", "it is negative"}
)

// NewPoller returns a Poller without connections. It takes up nothing of the system before it is used. Nil
// means the zero PollerOptions.
func NewPoller(o *PollerOptions) (*Poller, error) {
	p := &Poller{workers: 256, start: time.Now(), checkAt: checkEvery}
	p.quiet.L = &p.mu
	if o != nil {
		if o.Workers < 0 {
			return nil, errWorkers
		}
		p.workers = cmp.Or(o.Workers, p.workers)
	}
	return p, nil
}

// Wait has c wait as [Conn.Wait] does, and returns at once. Done is called exactly once, on another goroutine,
// with what Conn.Wait would have returned: nil when the server was heard or has proven to be alive, or the error. If
// it is until before that (the zero time is never), the error is [context.DeadlineExceeded]; if stop is called, it is
// the cause given to it, or [context.Canceled] for nil. As there, the connection can be used on then, and IDLE is on;
// only if the end comes while a line is being written that the server does not take within a second, it is closed
// ([Conn.Err]). Calling stop twice, or after done, does nothing.
//
// Meanwhile c can be used as always: a command ends IDLE, runs, and the waiting goes on. One Wait of a
// Poller at a time: done is given [ErrWaiting] else.
//
// Handler and Observer of c are called on the goroutines of the Poller. One that blocks, or a done that blocks, keeps
// a worker (see [PollerOptions]) and nothing else. Done may call Wait again.
func (p *Poller) Wait(c *Conn, until time.Time, done func(error)) (stop func(cause error)) {
	k, err := p.placeOf(c)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		err = p.mayWaitLocked(k)
	}
	if err != nil {
		go done(err)
		return func(error) {}
	}
	k.done, k.until, k.cause = done, p.durationOf(until), nil
	k.turns++
	p.seatLocked(k)
	p.calls++
	if !c.polled {
		p.waitAloneLocked(k)
	} else {
		p.pokeLocked(k)
	}
	turn := k.turns
	return func(cause error) { p.stop(k, turn, cause) }
}

// placeOf returns what c has in p. It is an error if c waits elsewhere.
func (p *Poller) placeOf(c *Conn) (*parked, error) {
	if c.call != nil {
		return nil, c.call.refuse("IDLE")
	}
	for {
		old := c.parked.Load()
		if old != nil && old.p == p {
			return old, nil
		}
		if old != nil && old.waits() {
			return nil, ErrWaiting
		}
		k := &c.place
		if !c.placed.CompareAndSwap(false, true) {
			k = new(parked)
		}
		*k = parked{p: p, c: c, timer: -1}
		if !c.parked.CompareAndSwap(old, k) {
			continue
		}
		if old != nil && old.waits() { // since just now
			c.parked.CompareAndSwap(k, old)
			return nil, ErrWaiting
		}
		return k, nil
	}
}

// mayWaitLocked returns an error if k cannot wait now.
func (p *Poller) mayWaitLocked(k *parked) error {
	switch {
	case p.closed:
		return ErrPollerClosed
	case k.done != nil, k.c.parked.Load() != k: // the latter: another Poller has just taken it
		return ErrWaiting
	}
	return nil
}

// Close ends the waiting of all connections with [ErrPollerClosed]; they can be used on. It returns when the
// last done has returned, so it must not be called from one, nor from a Handler. Closing twice is fine.
func (p *Poller) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, k := range p.waits {
		if k != nil {
			p.endLocked(k, ErrPollerClosed)
		}
	}
	for p.calls > 0 || p.running > 0 {
		p.quiet.Wait()
	}
	if p.timer != nil {
		p.timer.Stop()
	}
	s := p.sockets
	p.sockets = nil
	p.mu.Unlock()
	defer p.mu.Lock()
	return s.close() // which may be waiting for the lock
}

// seatLocked gives k a slot.
func (p *Poller) seatLocked(k *parked) {
	if n := len(p.free); n > 0 {
		k.slot, p.free = p.free[n-1], p.free[:n-1]
		p.waits[k.slot] = k
		return
	}
	k.slot = int32(len(p.waits))
	p.waits = append(p.waits, k)
}

func (p *Poller) stop(k *parked, turn uint32, cause error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if k.done != nil && k.turns == turn {
		p.endLocked(k, cmp.Or(cause, context.Canceled))
	}
}

func (p *Poller) endLocked(k *parked, cause error) {
	if k.cause != nil {
		return
	}
	k.cause = cause
	if k.alone != nil {
		k.alone(cause)
		return
	}
	if k.busy {
		k.c.intr.hurry()
	}
	p.pokeLocked(k)
}

// abandon gives up sockets that do not work any more: somebody has closed them. All that wait there go on with
// new ones. The old are not closed, since their number may be somebody else's by now.
func (p *Poller) abandon(s *sockets) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sockets == s {
		p.abandonLocked(s)
	}
}

func (p *Poller) abandonLocked(s *sockets) {
	p.sockets = nil
	s.abandon()
	for _, k := range p.waits {
		if k != nil {
			p.pokeLocked(k)
		}
	}
}

// poke says that there may be something to do.
func (p *Poller) poke(k *parked) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pokeLocked(k)
}

func (p *Poller) pokeLocked(k *parked) {
	if p.enqueueLocked(k) {
		go p.work()
	}
}

// enqueueLocked is pokeLocked, but the caller has to see to it that somebody works if it reports true.
func (p *Poller) enqueueLocked(k *parked) bool {
	switch {
	case k.done == nil || k.alone != nil:
	case k.busy:
		k.again = true
	default:
		k.busy = true
		p.queue = append(p.queue, k)
		if p.running < p.workers {
			p.running++
			return true
		}
	}
	return false
}

// work takes turns until there is nothing left to do.
func (p *Poller) work() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.queue) > 0 {
		k := p.queue[0]
		p.queue[0] = nil
		p.queue = p.queue[1:]
		p.turnLocked(k)
	}
	p.queue = nil
	p.running--
	p.quiet.Broadcast()
}

// turnLocked does what can be done for a connection now. Meanwhile the lock is not held.
func (p *Poller) turnLocked(k *parked) {
	k.again = false
	p.setTimerLocked(k, p.timeOf(k.until))
	p.mu.Unlock()
	over, by, err := k.turn()
	p.mu.Lock()
	switch {
	case errors.Is(err, errNotPolled):
		k.busy = false
		p.waitAloneLocked(k)
	case over:
		k.busy = false
		p.doneLocked(k, err)
	case k.again || !by.IsZero() && !time.Now().Before(by):
		p.queue = append(p.queue, k) // behind the others
	default:
		k.busy = false
		p.setTimerLocked(k, by)
	}
}

// doneLocked ends a wait. While it calls done the lock is not held.
func (p *Poller) doneLocked(k *parked, err error) {
	done := k.done
	k.done, k.alone = nil, nil
	p.waits[k.slot] = nil
	p.free = append(p.free, k.slot)
	p.setTimerLocked(k, time.Time{})
	p.mu.Unlock()
	done(err)
	p.mu.Lock()
	p.calls--
	p.quiet.Broadcast()
}

// waitAloneLocked waits on a goroutine for this connection alone.
func (p *Poller) waitAloneLocked(k *parked) {
	ctx, cancel := context.WithCancelCause(context.Background())
	if k.cause != nil {
		cancel(k.cause)
	}
	k.alone = cancel
	p.setTimerLocked(k, time.Time{})
	until := p.timeOf(k.until)
	go func() {
		defer cancel(nil)
		wctx := context.Context(ctx)
		if !until.IsZero() {
			var stop context.CancelFunc
			wctx, stop = context.WithDeadline(ctx, until)
			defer stop()
		}
		err := k.c.Wait(wctx)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.doneLocked(k, err)
	}()
}

// now is the time since start, which takes a third of the memory of a time.Time.
func (p *Poller) now() time.Duration { return time.Since(p.start) }

// durationOf returns when t is after start. Zero remains zero.
func (p *Poller) durationOf(t time.Time) time.Duration {
	if t.IsZero() {
		return 0
	}
	return max(t.Sub(p.start), 1)
}

// timeOf undoes durationOf.
func (p *Poller) timeOf(d time.Duration) time.Time {
	if d == 0 {
		return time.Time{}
	}
	return p.start.Add(d)
}

// setTimerLocked has k be looked at when it is t; the zero time is never.
func (p *Poller) setTimerLocked(k *parked, t time.Time) {
	if t.IsZero() {
		p.timers.set(k, 0)
		return
	}
	p.timers.set(k, p.durationOf(t))
	p.wakeLocked()
}

// checkEvery is how often a Poller looks whether its epoll instance is still there. In a process that closes the wrong
// file descriptor nobody would be heard any more.
const checkEvery = 20 * time.Second

// wakeLocked sees to it that tick is called when the first of the timers is due. There are timers wherever something
// waits without a goroutine.
func (p *Poller) wakeLocked() {
	if len(p.timers) == 0 {
		return
	}
	at := min(p.timers[0].at, p.checkAt)
	if p.timerAt != 0 && p.timerAt <= at {
		return
	}
	p.timerAt = at
	left := max(at-p.now(), 0)
	if p.timer == nil {
		p.timer = time.AfterFunc(left, p.tick)
		return
	}
	p.timer.Reset(left)
}

func (p *Poller) tick() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timerAt = 0
	now := p.now()
	for len(p.timers) > 0 && p.timers[0].at <= now {
		k := p.timers[0]
		p.timers.set(k, 0)
		if k.busy && k.errLocked() != nil {
			k.c.intr.hurry()
		}
		p.pokeLocked(k)
	}
	if now >= p.checkAt {
		p.checkAt = now + checkEvery
		if s := p.sockets; s != nil && s.gone() {
			p.abandonLocked(s)
		}
	}
	p.wakeLocked()
}

// timers is a heap of those that are due at some time, the next one first.
type timers []*parked

// set gives k a time, zero for none.
func (h *timers) set(k *parked, at time.Duration) {
	k.at = at
	switch {
	case k.timer < 0 && at != 0:
		heap.Push(h, k)
	case k.timer >= 0 && at == 0:
		heap.Remove(h, int(k.timer))
	case k.timer >= 0:
		heap.Fix(h, int(k.timer))
	}
}

func (h timers) Len() int           { return len(h) }
func (h timers) Less(i, j int) bool { return h[i].at < h[j].at }
func (h timers) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].timer, h[j].timer = int32(i), int32(j)
}

// Push is for package heap.
func (h *timers) Push(x any) {
	k := x.(*parked)
	k.timer = int32(len(*h))
	*h = append(*h, k)
}

// Pop is for package heap.
func (h *timers) Pop() any {
	last := len(*h) - 1
	k := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	k.timer = -1
	return k
}
