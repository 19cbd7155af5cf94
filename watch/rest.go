package watch

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pushmail/pushmail/imapclient"
)

// rest is what a follower waits for between two turns: that the server speaks on conn, or that it is
// until, whichever comes first. Without a conn it is the time alone.
type rest struct {
	conn  *imapclient.Conn
	until moment // 0: no limit
	// jumped is told when the clock has jumped, as it does when the machine was suspended: what was
	// believed of the connection is in doubt. It may be nil.
	jumped interface{ doubt() }
}

// A clock that counts only while the machine runs does not see that it was suspended; the calendar
// does. Both are compared that often, and a difference of that much means something.
const (
	jumpCheck = 20 * time.Second
	jumpLeast = 15 * time.Second
)

var (
	errDue    = errors.New("something is due")
	errJumped = errors.New("the clock has jumped")
)

// wait waits on this goroutine. It returns nil when it is time for a turn, and otherwise the error that ended
// the connection, or the cause of ctx.
func (r rest) wait(ctx context.Context) error {
	wctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer onJump(func() { cancel(errJumped) })()
	if r.until != 0 {
		var stop context.CancelFunc
		wctx, stop = context.WithDeadlineCause(wctx, r.until.time(), errDue)
		defer stop()
	}
	err := r.waitFor(wctx)
	if ctx.Err() != nil {
		return err
	}
	return r.over(err)
}

// over turns what ended the wait into what the machine is to hear, and tells it of a jump.
func (r rest) over(err error) error {
	switch {
	case r.conn != nil && r.conn.Err() == nil && errors.Is(err, context.DeadlineExceeded):
		return nil // so a Poller says that it is time
	case !errors.Is(err, errDue) && !errors.Is(err, errJumped):
		return err
	case r.conn != nil && r.conn.Err() != nil: // it came in the middle of a write
		return &imapclient.TimeoutError{Op: "write to the server", After: time.Since(r.conn.LastRead())}
	case errors.Is(err, errJumped) && r.jumped != nil:
		r.jumped.doubt()
	}
	return nil
}

// begin waits without a goroutine: on the connection in a Poller, else for the time on a timer. It calls wake once, on
// another goroutine, when the wait is over, with what is for over. rouse ends it at once, with a cause.
func (r rest) begin(p *imapclient.Poller, wake func(error)) (rouse func(cause error)) {
	if r.conn != nil {
		return p.Wait(r.conn, r.until.time(), wake)
	}
	var once sync.Once
	over := func(cause error) { once.Do(func() { wake(cause) }) }
	var timer *time.Timer
	if r.until != 0 {
		timer = time.AfterFunc(-r.until.since(), func() { over(errDue) })
	}
	return func(cause error) {
		if timer != nil {
			timer.Stop()
		}
		over(cause)
	}
}

func (r rest) waitFor(ctx context.Context) error {
	if r.conn != nil {
		return r.conn.Wait(ctx)
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

// onJump calls f when the clock has jumped, each time, until the returned function is called.
func onJump(f func()) (stop func()) {
	began := time.Now()
	ahead := wallClock().Sub(began.Round(0)) // the calendar, as it was then
	var t *time.Timer
	var mu sync.Mutex // t is set before the timer can use it
	stopped := false
	mu.Lock()
	defer mu.Unlock()
	t = time.AfterFunc(jumpCheck, func() {
		mu.Lock()
		jumped := wallClock().Sub(began.Round(0)) - ahead - time.Since(began)
		is := jumped > jumpLeast && !stopped
		if is {
			ahead += jumped
		}
		mu.Unlock()
		if is {
			f()
		}
		mu.Lock()
		defer mu.Unlock()
		if !stopped {
			t.Reset(jumpCheck)
		}
	})
	return func() {
		mu.Lock()
		defer mu.Unlock()
		stopped = true
		t.Stop()
	}
}

// wallClock tells the calendar's time, which moves on while the machine is suspended.
func wallClock() time.Time { return time.Now().Round(0).Add(time.Duration(suspended.Load())) }

// suspended is by how much the calendar is ahead of the clock; only tests change it.
var suspended atomic.Int64
