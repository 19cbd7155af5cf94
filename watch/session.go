package watch

import (
	"context"
	"errors"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/mailbox"
)

// session is the life of a watcher on one connection: open, compare with the checkpoint, report,
// wait, and so on.
type session struct {
	w    *watcher
	conn *imapclient.Conn

	// sink is given each response of the server in the order of the wire: the part of the mailbox's
	// model that is being built. It is nil before a mailbox is selected.
	sink func(imap.Response)
	// desync is what made the model useless, if anything did.
	desync error
	// fresh are the summaries of new messages that are not reported yet; nil for one that was asked for
	// and did not come. It is empty when nothing waits to be reported.
	fresh map[imap.UID]*Summary

	checkedAt time.Time // the last truth check
	uidNext   imap.UID  // the UIDNEXT that it has accounted for

	// news counts what the server said of messages coming and going. inVain is its value when pending
	// messages were asked for and none came: asking again makes sense when there is more news.
	news, inVain int
}

// run works until something ends it. It never returns nil.
func (s *session) run(ctx context.Context) error {
	if err := s.connect(ctx); err != nil {
		return err
	}
	for desyncs := 0; ; desyncs++ {
		if err := s.open(ctx); err != nil {
			return err
		}
		err := s.follow(ctx)
		var d *mailbox.DesyncError
		if !errors.As(err, &d) || desyncs >= 3 {
			return err
		}
		s.w.o.Logger.Info("resynchronising", "account", s.w.o.Account, "mailbox", s.w.o.Mailbox, "err", err)
	}
}

// connect makes an authenticated connection.
func (s *session) connect(ctx context.Context) error {
	o := s.w.o.Client
	o.Handler = nil
	o.Observer = func(r imap.Response) {
		if s.sink != nil {
			s.sink(r)
		}
	}
	c, err := s.w.o.Dial(ctx, &o)
	if err != nil {
		return err
	}
	s.conn = c
	if c.State() == imapclient.StateNotAuthenticated {
		if s.w.o.Login == nil {
			return errors.New("the server wants a login, but Options.Login is not set")
		}
		if err := s.w.o.Login(ctx, c); err != nil {
			return err
		}
	} else if _, err := c.Capability(ctx); err != nil {
		return err
	}
	return s.introduce(ctx)
}

// introduce sends what has to be said before a mailbox is selected.
func (s *session) introduce(ctx context.Context) error {
	caps := s.conn.Capabilities()
	if caps.Has(imap.CapID) && len(s.w.o.ClientID) > 0 {
		if _, err := s.conn.ID(ctx, s.w.o.ClientID...); err != nil && !isRefusal(err) {
			return err
		}
	}
	if caps.Has(imap.CapQResync) {
		if _, err := s.conn.Enable(ctx, imap.CapQResync); err != nil && !isRefusal(err) {
			return err
		}
	}
	return nil
}

// isRefusal reports whether the server said NO or BAD and the connection goes on.
func isRefusal(err error) bool {
	var st *imap.StatusError
	return errors.As(err, &st) && st.Kind != imap.BYE && !errors.As(err, new(*imapclient.ClosedError))
}

// close ends the connection.
func (s *session) close(ctx context.Context) {
	if s.conn == nil {
		return
	}
	s.sink = nil
	lctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = s.conn.Logout(lctx)
	s.conn = nil
}

// open selects the mailbox, compares it with the checkpoint, and says so.
func (s *session) open(ctx context.Context) error {
	w := s.w
	known := w.stored
	if w.ledger != nil {
		known = w.ledger.State()
	}
	view, changes, report, err := s.resync(ctx, known)
	if err != nil {
		return err
	}
	// From here on the ledger holds what is known, so a failure on the way loses nothing.
	w.ledger = mailbox.NewLedger(known, view, changes)
	w.uidValidity, w.stored = report.UIDValidity, nil
	w.unsaved++ // the baseline itself is worth saving
	s.desync, s.inVain = nil, -1
	s.sink = s.apply
	w.verified()
	s.checkedAt, s.uidNext = time.Now(), view.State().UIDNext()
	if w.down || w.stale {
		w.down, w.stale = false, false
		if err := w.emit(w.linkEvent(&LinkInfo{Up: true})); err != nil {
			return err
		}
	}
	w.everOpened = true
	w.unsaidReset = report.Reset
	if known == nil {
		// There is a baseline now. What comes after this moment must not be lost by a crash.
		w.save(ctx)
	}
	push := "poll"
	if s.conn.Capabilities().Has(imap.CapIdle) {
		push = "idle"
	}
	if err := w.emit(w.openEvent(view.State(), view.Exists(), report, push)); err != nil || !report.Reset {
		return err
	}
	w.seen.forget()
	if err := w.emit(w.resetEvent(view.State(), report)); err != nil {
		return err
	}
	w.unsaidReset = false
	w.save(ctx)
	return nil
}

// apply folds a response into the model of the open mailbox.
func (s *session) apply(r imap.Response) {
	switch r.(type) {
	case imap.Exists, imap.Expunge, *imap.Vanished:
		s.news++
	}
	if s.desync == nil {
		_, s.desync = s.w.ledger.Apply(r)
	}
}

// follow reports what changes until something ends it.
func (s *session) follow(ctx context.Context) error {
	for {
		if err := s.report(ctx); err != nil {
			return err
		}
		s.w.save(ctx)
		if err := s.checkTruth(ctx); err != nil {
			return err
		}
		if s.idleNow() {
			if err := s.wait(ctx); err != nil {
				return err
			}
		}
	}
}

// idleNow reports whether nothing is left to do but to wait.
func (s *session) idleNow() bool {
	if s.desync != nil {
		return false
	}
	if _, ok := s.w.ledger.Next(); ok {
		return false
	}
	return !s.mustFetch()
}

// wait lets the server push, until the next truth check is due.
func (s *session) wait(ctx context.Context) error {
	wctx := ctx
	if every := s.w.o.VerifyInterval; every > 0 {
		var cancel context.CancelFunc
		wctx, cancel = context.WithDeadlineCause(ctx, s.checkedAt.Add(every), errCheckDue)
		defer cancel()
	}
	err := s.conn.Wait(wctx)
	if errors.Is(err, errCheckDue) && ctx.Err() == nil {
		return nil
	}
	s.inVain = -1 // something was said, whatever it was
	return err
}

var errCheckDue = errors.New("a truth check is due")

// mustFetch reports whether messages are announced that have not been asked for.
func (s *session) mustFetch() bool {
	_, need := s.w.ledger.View().NeedFetch()
	return need && s.news != s.inVain
}

// report fetches what was announced and reports all that changed.
func (s *session) report(ctx context.Context) error {
	for {
		if s.desync != nil {
			return s.desync
		}
		if s.mustFetch() {
			if err := s.fetchNew(ctx); err != nil {
				return err
			}
			continue
		}
		ch, ok := s.w.ledger.Next()
		if !ok {
			clear(s.fresh)
			return nil
		}
		if err := s.reportOne(ctx, ch); err != nil {
			return err
		}
		s.w.saveSometimes(ctx)
		if err := context.Cause(ctx); err != nil {
			return err
		}
	}
}

// reportOne reports one change. What a new message is, is fetched first, together with that of the
// new messages after it.
func (s *session) reportOne(ctx context.Context, ch mailbox.Change) error {
	w := s.w
	switch ch.Kind {
	case mailbox.New:
		sum, asked := s.fresh[ch.UID]
		if !asked {
			if err := s.fetchSummaries(ctx); err != nil {
				return err
			}
			sum = s.fresh[ch.UID]
		}
		delete(s.fresh, ch.UID)
		w.seen.put(ch.UID, sum)
		return w.emitChange(ch, sum)
	case mailbox.Expunge:
		sum := w.seen.get(ch.UID)
		if err := w.emitChange(ch, sum); err != nil {
			return err
		}
		w.seen.drop(ch.UID)
		return nil
	}
	return w.emitChange(ch, w.seen.get(ch.UID))
}
