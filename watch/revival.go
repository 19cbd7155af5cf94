package watch

import (
	"context"
	"errors"
	"time"

	"github.com/pushmail/pushmail/imapclient"
)

// health is what is told of a connection, or of the mailbox that it serves.
type health struct {
	everOpened bool      // it has worked at least once
	stale      bool      // a Link event said so
	verifiedAt time.Time // the last moment at which it was proven that nothing is missing
}

// verified notes that nothing is missing as of now.
func (h *health) verified() { h.verifiedAt = time.Now() }

// revival decides when a lost connection is tried again, and tells of it.
type revival struct {
	o       *settings
	mailbox string // "" for the connection that looks at all
	h       *health
	told    interface{ sayLink(*LinkInfo) error } // who emits Link events

	retry      backoff
	began      moment    // when the last attempt was made
	retryAt    moment    // no attempt before
	cause      error     // what the last one came to
	since      time.Time // when the first of those in a row failed, or the session before them was lost
	queued     bool      // retryAt is its turn to log in
	down       bool      // it is lost since it has worked
	said       bool      // a Link event said so
	blamed     bool      // a Link event said that somebody has to change something
	keepTrying bool      // even if it has never worked
}

func newRevival(o *settings, mailbox string, keepTrying bool, h *health, told interface{ sayLink(*LinkInfo) error }) revival {
	return revival{o: o, mailbox: mailbox, keepTrying: keepTrying, h: h, told: told, retry: backoff{base: o.Backoff, cap: o.MaxBackoff}}
}

// lost notes the end of a connection, or of an attempt to make one. It returns err if no other attempt
// is to be made.
func (r *revival) lost(ctx context.Context, err error) error {
	switch cause := context.Cause(ctx); {
	case errors.Is(err, errLeft):
		return err
	case cause != nil:
		return cause
	case !r.h.everOpened && !r.keepTrying, isFinal(err):
		return err
	}
	verdict := imapclient.Classify(err)
	if verdict.Class == imapclient.ClassTooMany && r.o.budget != nil {
		r.o.budget.cut()
		r.o.Logger.Warn("too many connections: fewer will do", "account", r.o.Account, "host", r.o.host(), "connections", r.o.budget.allowed())
	}
	if !r.down {
		// The first attempt after a session that worked is made soon.
		r.retry.ended(r.began.since())
	} else {
		r.retry.failures++
	}
	d := r.retry.pause(verdict)
	r.cause, r.retryAt = err, now()+moment(d)
	if r.since.IsZero() {
		r.since = time.Now()
	}
	r.o.Logger.Info("connection lost", "account", r.o.Account, "mailbox", r.mailbox, "class", verdict.Class, "err", err, "retry_in", d)
	blame := verdict.Class == imapclient.ClassAuth || verdict.Class == imapclient.ClassConfig
	r.down = true
	if r.said && (r.blamed || !blame) {
		return nil
	}
	err = r.told.sayLink(&LinkInfo{Reason: reason(err), Class: verdict.Class.String(), RetryIn: d})
	if err == nil {
		r.said, r.blamed = true, blame
	}
	return r.unlessRefused(ctx, err)
}

// unlessRefused is the error of saying something, if it is the end. A consumer that does not take an event is no reason to
// give up: it is said with the next attempt.
func (r *revival) unlessRefused(ctx context.Context, err error) error {
	if errors.Is(err, errLeft) || context.Cause(ctx) != nil {
		return err
	}
	if err != nil {
		r.o.Logger.Warn("the loss of a connection could not be told", "account", r.o.Account, "mailbox", r.mailbox, "err", err)
	}
	return nil
}

// isFinal reports whether no other attempt can help.
func isFinal(err error) bool {
	var cp *CheckpointError
	return errors.As(err, &cp)
}

// notTakenError says that the handler or the Store did not take something. The server is not to blame, though the connection is given
// up.
type notTakenError struct {
	what string
	err  error
}

func (e *notTakenError) Error() string { return e.what + ": " + e.err.Error() }

func (e *notTakenError) Unwrap() error { return e.err }

// hurryPause is the least time between two attempts where hurry has the second one come sooner.
const hurryPause = 30 * time.Second

// hurry has the next attempt come soon, if something that was not taken is why the last one failed. It reports whether it does.
func (r *revival) hurry() bool {
	var e *notTakenError
	at := max(now(), r.began+moment(hurryPause))
	if r.queued || r.retryAt <= at || !errors.As(r.cause, &e) {
		return false
	}
	r.retryAt = at
	return true
}

// due reports whether it is time for an attempt. Where too many want to log in at the same host, its turn comes
// later, and retryAt says when.
func (r *revival) due() bool {
	switch {
	case r.retryAt.ahead():
		return false
	case r.queued:
		r.queued = false
		return true
	}
	wait := r.o.Hosts.admit(r.o.host())
	r.retryAt, r.queued = now()+moment(wait), wait > 0
	return wait == 0
}

// asleep is the rest until the next attempt; it says so when what is watched becomes stale meanwhile.
func (r *revival) asleep(ctx context.Context) (rest, error) {
	if !r.h.everOpened || r.h.stale {
		return rest{until: r.retryAt}, nil
	}
	stale := momentOf(r.h.verifiedAt.Add(r.o.StaleAfter))
	if stale.ahead() {
		if stale < r.retryAt {
			return rest{until: stale}, nil
		}
		return rest{until: r.retryAt}, nil
	}
	err := r.told.sayLink(&LinkInfo{Stale: true, Reason: reason(r.cause), Class: imapclient.Classify(r.cause).Class.String()})
	r.h.stale = err == nil
	return rest{until: r.retryAt}, r.unlessRefused(ctx, err)
}

// revived notes that the connection works, and says so if it was said to be lost.
func (r *revival) revived() error {
	r.h.everOpened, r.blamed, r.since = true, false, time.Time{}
	if r.said || r.h.stale {
		if err := r.told.sayLink(&LinkInfo{Up: true}); err != nil {
			return err
		}
	}
	r.down, r.said, r.h.stale = false, false, false
	return nil
}
