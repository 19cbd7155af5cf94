package watch

import (
	"context"
	"errors"
	"fmt"
	"iter"
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
		set := newSettings(&o, nil)
		b := newBox(&set, o.Mailbox, loop(yield))
		f := newFollower(&b, o.KeepTrying)
		err = drive(ctx, &f)
		if !errors.Is(err, errLeft) {
			yield(Event{}, err)
		}
	}
}

// loop is the body of a loop over events.
type loop func(Event, error) bool

func (yield loop) put(ev Event) error {
	if !yield(ev, nil) {
		return errLeft
	}
	return nil
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
