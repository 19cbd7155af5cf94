package watch

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/mailbox"
)

// Mailbox watches one mailbox until the loop over it is left or ctx ends. Events come in order; the
// first is MailboxOpen. Asking for the next event acknowledges the one before; leaving the loop, by
// break or panic, does not acknowledge the event at hand: it is reported again the next time.
//
// Losing the connection is no error but an event, Link, and is mended for ever. The sequence ends
// with exactly one error, or by break:
//   - the cause of ctx, when ctx ends;
//   - what kept the mailbox from being opened for the first time, unless Options.KeepTrying: see
//     imapclient.Classify;
//   - a *CheckpointError: the checkpoint cannot be used, and going on without it could lose events.
//
// When the sequence ends, the connection is closed with LOGOUT and the checkpoint is saved.
func Mailbox(ctx context.Context, o Options) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		o, err := o.resolved()
		if err != nil {
			yield(Event{}, err)
			return
		}
		w := &watcher{o: o, yield: yield, seen: newSummaries(o.Remember)}
		w.retry = backoff{base: o.Backoff, cap: o.MaxBackoff}
		err = w.run(ctx)
		w.save(ctx)
		if !errors.Is(err, errLeft) {
			yield(Event{}, err)
		}
	}
}

// errLeft says that the consumer has left the loop.
var errLeft = errors.New("the consumer has left the loop")

// CheckpointError says that the stored checkpoint cannot be used. It was not touched.
type CheckpointError struct {
	Key  Key
	Path string // "" if the Store has no files
	Err  error
}

func (e *CheckpointError) Error() string {
	where := fmt.Sprintf("%s %q", e.Key.Account, e.Key.Mailbox)
	if e.Path != "" {
		where += " in " + e.Path
	}
	return fmt.Sprintf("checkpoint of %s: %v", where, e.Err)
}
func (e *CheckpointError) Unwrap() error { return e.Err }

// watcher keeps one mailbox alive over many connections. One goroutine runs it.
type watcher struct {
	o     Options
	yield func(Event, error) bool
	retry backoff
	seen  *summaries

	// ledger has the acknowledged state and what is not acknowledged yet; nil before the first open.
	// It is what a checkpoint is made of, and outlives connections.
	ledger *mailbox.Ledger
	stored *mailbox.State // the checkpoint as loaded; nil without one
	// uidValidity is that of the ledger.
	uidValidity uint32
	// unsaved counts acknowledged events since the checkpoint was saved.
	unsaved   int
	savedAt   time.Time
	saveFails int

	// unsaidReset: the ledger is that of a renumbered mailbox, and the consumer has not acknowledged
	// that it was. Until then the old checkpoint stays.
	unsaidReset bool

	everOpened bool
	down       bool // a Link event said so
	stale      bool // a Link event said so
	verifiedAt time.Time
}

// run connects again and again until the consumer leaves, ctx ends, or an error is final.
func (w *watcher) run(ctx context.Context) error {
	if err := w.load(ctx); err != nil {
		return err
	}
	for {
		began := time.Now()
		s := &session{w: w}
		err := s.run(ctx)
		s.close(ctx)
		switch cause := context.Cause(ctx); {
		case errors.Is(err, errLeft):
			return err
		case cause != nil:
			return cause
		case !w.everOpened && !w.o.KeepTrying, isFinal(err):
			return err
		}
		if err := w.pause(ctx, err, time.Since(began)); err != nil {
			return err
		}
	}
}

// isFinal reports whether no other attempt can help.
func isFinal(err error) bool {
	var cp *CheckpointError
	return errors.As(err, &cp)
}

// pause reports that the link is down and waits before the next attempt.
func (w *watcher) pause(ctx context.Context, err error, lasted time.Duration) error {
	verdict := imapclient.Classify(err)
	if !w.down {
		// The first attempt after a session that worked is made soon.
		w.retry.ended(lasted)
	} else {
		w.retry.failures++
	}
	d := w.retry.pause(verdict)
	w.o.Logger.Info("connection lost", "account", w.o.Account, "mailbox", w.o.Mailbox, "class", verdict.Class, "err", err, "retry_in", d)
	if !w.down && w.everOpened {
		w.down = true
		if err := w.emit(w.linkEvent(&LinkInfo{Reason: reason(err), Class: verdict.Class.String(), RetryIn: d})); err != nil {
			return err
		}
	}
	w.save(ctx)
	return w.sleepOrGoStale(ctx, d, err)
}

// sleepOrGoStale waits, and says so when the mailbox becomes stale meanwhile.
func (w *watcher) sleepOrGoStale(ctx context.Context, d time.Duration, cause error) error {
	until := time.Now().Add(d)
	if w.everOpened && !w.stale {
		due := w.verifiedAt.Add(w.o.StaleAfter)
		if due.Before(until) {
			if err := sleep(ctx, time.Until(due)); err != nil {
				return err
			}
			w.stale = true
			info := &LinkInfo{Stale: true, Reason: reason(cause), Class: imapclient.Classify(cause).Class.String()}
			if err := w.emit(w.linkEvent(info)); err != nil {
				return err
			}
		}
	}
	return sleep(ctx, time.Until(until))
}

// verified notes that nothing is missing as of now.
func (w *watcher) verified() { w.verifiedAt = time.Now() }

// emit gives an event to the consumer. A nil error means that the consumer asked for the next one.
func (w *watcher) emit(ev Event) error {
	if !w.yield(ev, nil) {
		return errLeft
	}
	return nil
}

// emitChange gives the oldest change that is not acknowledged to the consumer and acknowledges it.
func (w *watcher) emitChange(ch mailbox.Change, sum *Summary) error {
	if err := w.emit(w.changeEvent(ch, sum)); err != nil {
		return err
	}
	w.ledger.Ack()
	w.unsaved++
	return nil
}
