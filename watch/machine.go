package watch

import "context"

// machine is work that mostly waits. It has no goroutine: whoever drives it calls turn whenever its rest is
// over, and close after the last one. One goroutine at a time uses it.
type machine interface {
	// turn does all that can be done now and returns what to wait for. heard is what the wait before came
	// to: nil, or the error that ended it. An error is final.
	turn(ctx context.Context, heard error) (rest, error)
	// close ends the machine's connection and saves what is worth it.
	close(ctx context.Context)
	// hurry is called between turns when the handler and the Store take things again. It reports whether the machine waits to connect
	// anew because they had not, and now for less long: then it is to have a turn.
	hurry() bool
	// forgetSeen drops the summaries that the machine remembers, when nobody will ask any more.
	forgetSeen()
	// status appends the state of what the machine watches to dst. It is called between turns.
	status(dst []MailboxStatus) []MailboxStatus
}

// drive runs a machine on this goroutine until its end, which always has an error.
func drive(ctx context.Context, m machine) error {
	defer m.close(ctx)
	var heard error
	for {
		r, err := m.turn(ctx, heard)
		if err != nil {
			return err
		}
		heard = r.wait(ctx)
	}
}
