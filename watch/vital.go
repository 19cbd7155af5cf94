package watch

import (
	"context"
	"errors"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
)

// vital is what a connection shows of how long the way to the server bears silence.
type vital struct {
	o       *settings
	spokeAt moment // when the server was heard last
	// answered is when the last IDLE was begun that the server has answered after its DONE, or ended itself.
	answered moment
}

// pulse looks at a response as to what it tells of the connection.
func (l *link) pulse(r imap.Response) {
	if l.conn == nil {
		return
	}
	now := time.Now()
	since, on := l.conn.Idling()
	if st, ok := r.(*imap.Status); ok && on && st.Kind == imap.OK && st.Code == nil {
		silence := now.Sub(later(l.spokeAt.time(), since))
		l.o.Hosts.with(l.o.host(), func(h *host) { h.beat.heard(silence) })
	}
	l.spokeAt = momentOf(now)
	if !on && momentOf(since) != l.answered {
		l.answered = momentOf(since)
		l.learn("survived", func(p *pace, limit time.Duration) bool { return p.survived(now, now.Sub(since), limit) })
	}
}

// bury learns from the end of a connection, if it has ended by itself.
func (l *link) bury() {
	since, _ := l.conn.Idling()
	err := l.conn.Err()
	if err == nil || momentOf(since) == l.answered || imapclient.Classify(err).Class == imapclient.ClassCancelled {
		return
	}
	silence := time.Since(since)
	var late *imapclient.TimeoutError
	lost := errors.As(err, &late)
	if lost {
		silence -= late.After // the wait for the answer
	}
	l.learn("died", func(p *pace, limit time.Duration) bool { return p.died(time.Now(), silence, lost, limit) })
}

// learn has the pace of the host learn from what became of an IDLE.
func (l *link) learn(what string, lesson func(p *pace, limit time.Duration) bool) {
	limit := l.o.idleLimit(l.service)
	var changed bool
	var d time.Duration
	l.o.Hosts.with(l.o.host(), func(h *host) {
		changed = lesson(&h.pace, limit)
		d = h.pace.now(limit)
	})
	if changed {
		l.o.Logger.Info("IDLE will be begun anew at another interval", "account", l.o.Account, "host", l.o.host(), "because", "a connection "+what, "interval", d, "at_most", limit)
	}
}

// tune has the connection wait as is known to be good by now.
func (l *link) tune() { l.conn.SetWaiting(l.o.waiting(l.service)) }

// beatDue is when the server must have said something by itself; zero if it says nothing.
func (l *link) beatDue() time.Time {
	if !l.idles() {
		return time.Time{}
	}
	var period time.Duration
	l.o.Hosts.with(l.o.host(), func(h *host) { period = h.beat.period })
	if period == 0 {
		return time.Time{}
	}
	return l.spokeAt.time().Add(period + period/2)
}

// checkBeat asks the server whether it lives if it has not said so in time.
func (l *link) checkBeat(ctx context.Context) error {
	due := l.beatDue()
	if due.IsZero() || time.Now().Before(due) {
		return nil
	}
	if err := l.prove(ctx, "the server's regular word"); err != nil {
		return err
	}
	l.o.Hosts.with(l.o.host(), func(h *host) { h.beat.wrong() })
	return nil
}

// prove has the server answer, be it by a refusal, and closes the connection if it does not in time.
func (l *link) prove(ctx context.Context, op string) error {
	if err := l.inTime(ctx, op, l.conn.Noop); err != nil && !isRefusal(err) {
		return err
	}
	return nil
}

// inTime gives the server verifyTimeout for what ask asks of it, and closes the connection if that is not enough: a
// server that does not answer this would not hear a LOGOUT either.
func (l *link) inTime(ctx context.Context, op string, ask func(context.Context) error) error {
	late := &imapclient.TimeoutError{Op: op, After: verifyTimeout}
	ctx, cancel := context.WithTimeoutCause(ctx, verifyTimeout, late)
	defer cancel()
	err := ask(ctx)
	if err != nil && context.Cause(ctx) == late {
		_ = l.conn.Close()
	}
	return err
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
