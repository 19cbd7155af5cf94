package watch

import (
	"context"
	"errors"
	"time"

	"github.com/pushmail/pushmail/imapclient"
)

// follower keeps one mailbox open on a connection of its own and makes a new one when that is lost. It
// is a machine that never sleeps: turn does all that can be done now and says what to wait for, so that
// whoever drives it decides whether waiting costs a goroutine.
type follower struct {
	b     *box
	retry backoff

	s       *session  // nil without a connection
	began   time.Time // when the attempt for s was made
	retryAt time.Time // no attempt before
	cause   error     // why there is no connection
}

func newFollower(b *box) *follower {
	return &follower{b: b, retry: backoff{base: b.o.Backoff, cap: b.o.MaxBackoff}}
}

// run drives the follower on this goroutine until its end, which always has an error.
func (f *follower) run(ctx context.Context) error {
	var heard error
	for {
		r, err := f.turn(ctx, heard)
		if err != nil {
			return err
		}
		heard = r.wait(ctx)
	}
}

// turn does what can be done now. heard is what the wait before it came to: nil, or why it ended. An
// error is final.
func (f *follower) turn(ctx context.Context, heard error) (rest, error) {
	if !f.b.loaded {
		if err := f.b.load(ctx); err != nil {
			return rest{}, err
		}
	}
	err := heard
	switch {
	case f.s != nil && heard == nil:
		err = f.s.proceed(ctx)
	case f.s == nil:
		if err := context.Cause(ctx); err != nil {
			return rest{}, err
		}
		if time.Now().Before(f.retryAt) {
			return f.asleep()
		}
		err = f.begin(ctx)
	}
	if err != nil {
		return f.lost(ctx, err)
	}
	return rest{conn: f.s.conn, until: f.s.due(), jumped: f.s.doubt}, nil
}

// begin connects, opens the mailbox and reports what has changed.
func (f *follower) begin(ctx context.Context) error {
	f.began = time.Now()
	l, err := connect(ctx, &f.b.o)
	if err != nil {
		return err
	}
	f.s = newSession(f.b, l)
	if err := f.s.open(ctx); err != nil {
		return err
	}
	return f.s.proceed(ctx)
}

// lost ends the connection after err and says when the next one is to be tried.
func (f *follower) lost(ctx context.Context, err error) (rest, error) {
	b := f.b
	f.hangUp(ctx)
	switch cause := context.Cause(ctx); {
	case errors.Is(err, errLeft):
		return rest{}, err
	case cause != nil:
		return rest{}, cause
	case !b.everOpened && !b.o.KeepTrying, isFinal(err):
		return rest{}, err
	}
	verdict := imapclient.Classify(err)
	if !b.down {
		// The first attempt after a session that worked is made soon.
		f.retry.ended(time.Since(f.began))
	} else {
		f.retry.failures++
	}
	d := f.retry.pause(verdict)
	f.cause, f.retryAt = err, time.Now().Add(d)
	b.o.Logger.Info("connection lost", "account", b.o.Account, "mailbox", b.o.Mailbox, "class", verdict.Class, "err", err, "retry_in", d)
	b.save(ctx)
	if !b.down && b.everOpened {
		b.down = true
		if err := b.emit(b.linkEvent(&LinkInfo{Reason: reason(err), Class: verdict.Class.String(), RetryIn: d})); err != nil {
			return rest{}, err
		}
	}
	return f.asleep()
}

// isFinal reports whether no other attempt can help.
func isFinal(err error) bool {
	var cp *CheckpointError
	return errors.As(err, &cp)
}

// asleep is the rest until the next attempt; it says so when the mailbox becomes stale meanwhile.
func (f *follower) asleep() (rest, error) {
	b := f.b
	if !b.everOpened || b.stale {
		return rest{until: f.retryAt}, nil
	}
	due := b.verifiedAt.Add(b.o.StaleAfter)
	if time.Now().Before(due) {
		if due.Before(f.retryAt) {
			return rest{until: due}, nil
		}
		return rest{until: f.retryAt}, nil
	}
	b.stale = true
	info := &LinkInfo{Stale: true, Reason: reason(f.cause), Class: imapclient.Classify(f.cause).Class.String()}
	if err := b.emit(b.linkEvent(info)); err != nil {
		return rest{}, err
	}
	return rest{until: f.retryAt}, nil
}

// hangUp ends the connection.
func (f *follower) hangUp(ctx context.Context) {
	if f.s != nil {
		f.s.link.close(ctx)
		f.s = nil
	}
}

// close ends the connection and saves the checkpoint.
func (f *follower) close(ctx context.Context) {
	f.hangUp(ctx)
	f.b.save(ctx)
}
