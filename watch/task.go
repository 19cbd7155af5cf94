package watch

import (
	"context"
	"errors"
	"sync"
	"time"
)

// task is a machine that a Manager drives: on a goroutine while it has something to do, on none while it rests. There are very
// many, most of them at rest: what is needed only to work is made then.
type task struct {
	m       *Manager
	account *managed
	machine machine

	mu     sync.Mutex
	stopBy error                   // guarded by mu: why it is to end
	ended  bool                    // guarded by mu
	done   chan struct{}           // guarded by mu: closed at the end; nil while nobody waits for that
	quit   context.CancelCauseFunc // guarded by mu: ends ctx; nil while it rests
	r      rest                    // guarded by mu
	rouse  func(cause error)       // guarded by mu: ends r; nil while it works
	busy   *busy                   // guarded by mu: nil while it rests
}

// busy is what is told of a task that works.
type busy struct {
	since  time.Time
	before []MailboxStatus
}

// run makes a turn and begins to rest. heard is what the rest before ended with.
func (t *task) run(heard error) {
	ctx, quit := context.WithCancelCause(context.Background())
	defer quit(nil)
	t.mu.Lock()
	heard = t.r.over(heard)
	t.busy = &busy{time.Now(), t.machine.status(nil)}
	t.r, t.rouse, t.quit = rest{}, nil, quit
	if t.stopBy != nil {
		heard = t.stopBy
		quit(heard)
	}
	t.mu.Unlock()
	retries := t.m.retries.Load()
	r, err := t.machine.turn(ctx, heard)
	if err != nil {
		t.m.slots.release() // saying farewell to a server that does not answer is waiting
		t.machine.close(ctx)
		t.m.slots.acquire()
		t.end()
		t.m.ended(t, err)
		return
	}
	t.rest(r, retries)
}

// rest waits without a goroutine, if the waiter can. Retries is that of the Manager before what it rests from.
func (t *task) rest(r rest, retries int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.busy, t.quit = nil, nil
	if t.stopBy != nil {
		t.woken(t.stopBy)
		return
	}
	t.r, t.rouse = r, r.begin(t.m.poller, t.woken)
	if t.m.retries.Load() != retries {
		t.hurryLocked()
	}
}

// hurry is called when the handler and the Store take things again.
func (t *task) hurry() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.hurryLocked()
}

func (t *task) hurryLocked() {
	if t.rouse != nil && t.machine.hurry() {
		t.rouse(errDue)
	}
}

// woken is called when the rest is over. It returns at once: whoever waits for many must not be held up.
func (t *task) woken(err error) { t.m.slots.run(func() { t.run(err) }) }

// jumped is called when the clock has jumped.
func (t *task) jumped() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rouse != nil {
		t.rouse(errJumped)
	}
}

// cancel has the task end soon.
func (t *task) cancel(cause error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopBy != nil {
		return
	}
	t.stopBy = cause
	if t.quit != nil {
		t.quit(cause)
	}
	if t.rouse != nil {
		t.rouse(errStopped)
	}
}

func (t *task) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
	if t.done != nil {
		close(t.done)
	}
}

// stop ends the task and returns when it has ended.
func (t *task) stop() {
	t.cancel(errStopped)
	_ = t.wait(context.Background())
}

// wait returns when the task has ended, or with the cause of ctx.
func (t *task) wait(ctx context.Context) error {
	t.mu.Lock()
	if t.done == nil {
		t.done = make(chan struct{})
		if t.ended {
			close(t.done)
		}
	}
	done := t.done
	t.mu.Unlock()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// put gives an event to the handler. Meanwhile another task may work. Another task of the account may call it, too: that of a
// mailbox that has got a connection of its own.
func (t *task) put(ev Event) error {
	t.m.slots.release()
	defer t.m.slots.acquire()
	ctx := t.account.calls.begin()
	defer t.account.calls.done()
	err := t.m.o.Handler(ctx, ev)
	if err != nil && !errors.Is(err, context.Cause(ctx)) {
		return &notTakenError{"the handler did not take an event", err}
	}
	return err
}

// status is the state of what the task watches. While it works it is that before.
func (t *task) status(dst []MailboxStatus) []MailboxStatus {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.ended:
		return dst
	case t.busy == nil:
		return t.machine.status(dst)
	}
	first := len(dst)
	dst = append(dst, t.busy.before...)
	for i := range dst[first:] {
		dst[first+i].Busy = t.busy.since
	}
	return dst
}
