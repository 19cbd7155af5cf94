package watch

import (
	"cmp"
	"context"
	"math/rand/v2"
	"time"

	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/provider"
)

// renewal is when a connection is replaced by another one, since its session is known to end soon.
type renewal struct {
	at     moment // 0: never
	queued bool   // at is its turn to log in
}

// renewPause is the pause after a connection that was to take over could not be made.
const renewPause = 30 * time.Second

// renewalOf returns when a session that begins now is to be replaced: a twentieth to a tenth of its life before its end, at most
// 18 minutes, so that those that began at the same time do not end so.
func (o *Options) renewalOf(p *provider.Provider) renewal {
	life := cmp.Or(o.SessionLife, p.SessionLife)
	if life <= 0 {
		return renewal{}
	}
	margin := min(life, 3*time.Hour) / 20
	return renewal{at: now() + moment(life-margin-rand.N(margin+1))}
}

// sooner returns t, or when the connection is to be replaced if that is before.
func (r *renewal) sooner(t time.Time) time.Time {
	if at := r.at.time(); t.IsZero() || r.at != 0 && at.Before(t) {
		return at
	}
	return t
}

// outlived reports whether it is time to replace the connection. Its turn comes later where too many want to log in at the
// same host.
func (l *link) outlived() bool {
	r := &l.renewal
	switch {
	case r.at == 0 || r.at.ahead():
		return false
	case r.queued:
		r.queued = false
		return true
	}
	wait := l.o.Hosts.admit(l.o.host())
	r.at, r.queued = now()+moment(wait), wait > 0
	return wait == 0
}

// successor makes the connection that is to take over from l. It is nil if there is to be none now: without room for both
// in the budget, when crowded is true and l must be closed first, or after a failure, which is no reason to give up l.
func (l *link) successor(ctx context.Context) (next *link, crowded bool, err error) {
	if !l.o.roomFor(l.service) {
		return nil, true, nil
	}
	if next, err = connect(ctx, l.o); err == nil {
		l.o.Logger.Info("another connection takes over before the session ends", "account", l.o.Account, "host", l.o.host())
		return next, false, nil
	}
	if cause := context.Cause(ctx); cause != nil {
		return nil, false, cause
	}
	l.renewal.at = now() + moment(renewPause)
	if c := imapclient.Classify(err).Class; c == imapclient.ClassAuth || c == imapclient.ClassConfig {
		l.renewal.at = 0 // what somebody must change first is tried when the session has ended
	}
	l.o.Logger.Warn("no connection can be made that takes over before the session ends", "account", l.o.Account, "host", l.o.host(), "err", err)
	return nil, false, nil
}

// roomFor reports whether one more connection is in the budget.
func (o *settings) roomFor(p *provider.Provider) bool {
	if o.budget != nil {
		return o.budget.room()
	}
	return p.Budget() != 1
}

// renew has another connection take over: it is compared with the checkpoint before the old one is left, so that
// nothing goes unwatched.
func (f *follower) renew(ctx context.Context) error {
	old := f.s
	next, crowded, err := old.link.successor(ctx)
	switch {
	case crowded:
		old.link.close(ctx)
		f.s = nil
		if next, err = connect(ctx, f.b.o); err != nil {
			return err
		}
		return f.take(ctx, next, true)
	case next == nil:
		return err
	}
	defer old.link.close(ctx)
	old.link.sink = nil
	return f.take(ctx, next, true)
}

// renew has another connection take over.
func (c *control) renew(ctx context.Context) error {
	next, crowded, err := c.link.successor(ctx)
	switch {
	case crowded:
		c.hangUp(ctx)
		return c.begin(ctx)
	case next == nil:
		return err
	}
	c.hangUp(ctx)
	return c.take(ctx, next)
}
