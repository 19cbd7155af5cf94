package watch

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// task is a machine that a Manager drives: on a goroutine while it has something to do, on none while it rests.
type task struct {
	m       *Manager
	account *managed
	machine machine
	ctx     context.Context
	done    chan struct{}

	mu     sync.Mutex
	stopBy error                   // guarded by mu: why it is to end
	quit   context.CancelCauseFunc // ends ctx
	rouse  func()                  // guarded by mu: ends the rest; nil while it works
	busy   time.Time               // guarded by mu: since when it works
	last   []MailboxStatus         // guarded by mu: as it was after the last turn
}

func newTask(m *Manager, a *managed) *task {
	t := &task{m: m, account: a, done: make(chan struct{})}
	t.ctx, t.quit = context.WithCancelCause(m.ctx)
	return t
}

// run makes a turn and begins to rest. heard is what the rest before came to.
func (t *task) run(heard error) {
	t.mu.Lock()
	t.busy, t.rouse = time.Now(), nil
	if t.stopBy != nil {
		heard = t.stopBy
	}
	t.mu.Unlock()
	t.m.slots <- struct{}{}
	r, err := t.machine.turn(t.ctx, heard)
	<-t.m.slots
	if err != nil {
		t.machine.close(t.ctx)
		close(t.done)
		t.m.ended(t, err)
		return
	}
	t.rest(r)
}

// rest waits without a goroutine, if the waiter can.
func (t *task) rest(r rest) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.busy = time.Time{}
	t.last = t.machine.status(t.last[:0])
	if t.stopBy != nil {
		go t.run(t.stopBy)
		return
	}
	t.rouse = t.m.waiter.wait(r, func(err error) { go t.run(err) })
}

// cancel has the task end soon.
func (t *task) cancel(cause error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopBy != nil {
		return
	}
	t.stopBy = cause
	t.quit(cause)
	if t.rouse != nil {
		t.rouse()
	}
}

// stop ends the task and returns when it has ended.
func (t *task) stop() {
	t.cancel(errStopped)
	<-t.done
}

func (t *task) wait(ctx context.Context) error {
	select {
	case <-t.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// put gives an event to the handler. Meanwhile another task may work.
func (t *task) put(ev Event) error {
	<-t.m.slots
	defer func() { t.m.slots <- struct{}{} }()
	err := t.m.o.Handler(t.ctx, ev)
	if err != nil && !errors.Is(err, context.Cause(t.ctx)) {
		return fmt.Errorf("the handler did not take an event: %w", err)
	}
	return err
}

// status is the state of what the task watches. While it works it is that after the last turn.
func (t *task) status() []MailboxStatus {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := append([]MailboxStatus(nil), t.last...)
	for i := range out {
		out[i].Busy = t.busy
	}
	return out
}

// waiter has machines wait.
type waiter interface {
	// wait calls wake once, not before it has returned, when the rest is over. rouse ends it at once.
	wait(r rest, wake func(error)) (rouse func())
}

// goWaiter waits for the server on goroutines, and for the time on timers.
type goWaiter struct{}

func (goWaiter) wait(r rest, wake func(error)) (rouse func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	go func() { wake(r.wait(ctx)) }()
	return func() { cancel(errStopped) }
}
