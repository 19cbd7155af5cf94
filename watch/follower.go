package watch

import (
	"context"

	"github.com/pushmail/pushmail/mailbox"
)

// follower keeps one mailbox open on a connection of its own and makes a new one when that is lost. It
// is a machine that never sleeps: turn does all that can be done now and says what to wait for, so that
// whoever drives it decides whether waiting costs a goroutine.
type follower struct {
	b      *box
	revive revival
	s      *session // nil without a connection, else room
	room   session
	folded mailbox.Ledger // that of b at rest
}

func newFollower(b *box, keepTrying bool) follower {
	return follower{b: b, revive: newRevival(b.o, b.name, keepTrying, &b.health, b)}
}

// turn does what can be done now. heard is what the wait before it came to: nil, or why it ended. An
// error is final.
func (f *follower) turn(ctx context.Context, heard error) (rest, error) {
	if err := f.b.load(ctx); err != nil {
		return rest{}, err
	}
	err := heard
	switch {
	case f.s != nil && heard == nil:
		if err = f.s.proceed(ctx); err == nil && f.s.link.outlived() {
			err = f.renew(ctx)
		}
	case f.s == nil:
		if err := context.Cause(ctx); err != nil {
			return rest{}, err
		}
		if !f.revive.due() {
			return f.revive.asleep(ctx)
		}
		err = f.begin(ctx)
	}
	if err == nil {
		f.fold()
		return rest{conn: f.s.conn, until: momentOf(f.s.link.renewal.sooner(f.s.due())), jumped: f.s}, nil
	}
	f.close(ctx)
	if err := f.revive.lost(ctx, err); err != nil {
		return rest{}, err
	}
	return f.revive.asleep(ctx)
}

// fold gives back the memory of the model of the mailbox until something happens.
func (f *follower) fold() {
	if l := f.b.ledger; l.Fold() && l != &f.folded {
		f.folded = *l
		f.b.ledger, f.s.model = &f.folded, &f.folded
	}
}

// begin connects, opens the mailbox and reports what has changed.
func (f *follower) begin(ctx context.Context) error {
	f.revive.began = now() // before it may fail
	l, err := connect(ctx, f.b.o)
	if err != nil {
		return err
	}
	return f.take(ctx, l, false)
}

// take opens the mailbox on a link and reports what has changed; quietly means that opening it is no event.
func (f *follower) take(ctx context.Context, l *link, quietly bool) error {
	f.revive.began = now()
	f.room = newSession(f.b, l)
	f.s = &f.room
	f.s.revive, f.s.visit = &f.revive, quietly
	if err := f.s.open(ctx); err != nil {
		return err
	}
	f.s.visit = false
	return f.s.proceed(ctx)
}

// close ends the connection and saves the checkpoint. The follower can go on with another one.
func (f *follower) close(ctx context.Context) {
	if f.s != nil {
		f.s.link.close(ctx)
		f.s = nil
	}
	f.b.save(ctx)
	f.b.saveSeen(ctx, true)
}

func (f *follower) hurry() bool { return f.s == nil && f.revive.hurry() }

func (f *follower) forgetSeen() { f.b.seen.forget() }
