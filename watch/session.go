package watch

import (
	"context"
	"errors"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/mailbox"
)

// session is a mailbox that is selected on a connection: it is opened, compared with its checkpoint,
// and what changes is reported.
type session struct {
	b    *box
	link *link
	conn *imapclient.Conn // that of the link
	// push is how news of the mailbox will be learned, for MailboxOpen.
	push string
	// revive is told when the mailbox was opened and compared, before anything is said; it may be nil.
	revive *revival

	// model is the ledger that the server's responses go to: that of the box, or the one that is becoming it.
	model *mailbox.Ledger
	// desync is what made the model useless, if anything did; desyncs counts how often that was lately.
	desync   error
	desyncAt moment
	desyncs  int8
	// visit: it is short, opens a mailbox to see what has changed, and is no news in itself.
	visit bool
	// basis is what identifies messages when UIDVALIDITY changes, marks what identifies those of fresh.
	basis mailbox.Basis
	// listed is the UIDVALIDITY that the mailbox of this name had when all were listed; 0 if that does not matter.
	listed uint32
	marks  map[imap.UID]mailbox.Identity
	// fresh are the summaries of new messages that are not reported yet; nil for one that was asked for
	// and did not come. It is empty when nothing waits to be reported.
	fresh map[imap.UID]*Summary

	openedAt  moment
	checkedAt moment   // the last truth check
	uidNext   imap.UID // the UIDNEXT that it has accounted for
	deaf      int32    // truth checks that found what was not pushed
	// modSeq is the HIGHESTMODSEQ that the last truth check has accounted for, modSeqBefore that of the one before; 0 if the
	// mailbox has none.
	modSeq, modSeqBefore imap.ModSeq

	// news counts what the server said of messages coming and going. inVain is its value when pending
	// messages were asked for and none came: asking again makes sense when there is more news.
	// vain counts how often in a row later messages came, but not all earlier ones.
	news, inVain, vain int32
	// told counts all that the server said of messages, flags as well.
	told    int32
	hearing hearing
}

func newSession(b *box, l *link) session {
	s := session{b: b, link: l, conn: l.conn, push: "poll"}
	since, _ := l.conn.Idling() // of another mailbox
	s.hearing.late = momentOf(since)
	if l.idles() && l.polled() == "" {
		s.push = "idle"
	}
	return s
}

// isRefusal reports whether the server said NO or BAD and the connection goes on.
func isRefusal(err error) bool {
	var st *imap.StatusError
	return errors.As(err, &st) && st.Kind != imap.BYE && !errors.As(err, new(*imapclient.ClosedError))
}

// open selects the mailbox, compares it with the checkpoint, and says so.
func (s *session) open(ctx context.Context) error {
	b := s.b
	known := b.known()
	view, changes, report, err := s.resync(ctx, known)
	if err != nil {
		return err
	}
	ledger, err := s.newLedger(ctx, known, view, changes, report)
	if err != nil {
		return err
	}
	// From here on the ledger holds what is known, so a failure on the way loses nothing. Only a reset must
	// be said before: until then what was known stays, and all this is done again.
	b.ledger, b.uidValidity, b.stored = ledger, report.UIDValidity, nil
	if b.unsaidReset = report.Reset; report.Reset {
		b.stored = known
	}
	b.unsaved++    // the baseline itself is worth saving
	clear(s.fresh) // UIDs can be those of others now
	clear(s.marks)
	s.inVain, s.vain = -1, 0
	b.verified()
	s.openedAt, s.checkedAt, s.uidNext = now(), now(), view.State().UIDNext()
	s.modSeq = view.State().HighestModSeq()
	s.modSeqBefore = s.modSeq
	if s.revive != nil {
		if err := s.revive.revived(); err != nil {
			return err
		}
	}
	if known == nil {
		// There is a baseline now. What comes after this moment must not be lost by a crash.
		b.save(ctx)
	}
	return s.announce(ctx, view, report)
}

// announce says that the mailbox is open, and that it was renumbered if it was.
func (s *session) announce(ctx context.Context, view *mailbox.View, report mailbox.Report) error {
	b := s.b
	if !s.visit || !b.announced || report.Reset {
		if err := b.emit(b.openEvent(view.State(), view.Exists(), report, s.push)); err != nil {
			return err
		}
		b.announced = true
	}
	if !report.Reset {
		return nil
	}
	b.seen.forget()
	b.suspects = nil
	if err := b.emit(b.resetEvent(view.State(), report)); err != nil {
		return err
	}
	b.unsaidReset, b.stored = false, nil
	b.save(ctx)
	return nil
}

// apply folds a response into the model of the open mailbox.
func (s *session) apply(r imap.Response) {
	switch r.(type) {
	case imap.Exists, imap.Expunge, *imap.Vanished:
		s.news++
		s.told++
		s.heardNews(r)
		s.hearing.heard()
	case *imap.Message:
		s.told++
		s.hearing.heard()
	}
	if s.desync == nil {
		s.desync = s.model.Apply(r)
	}
}

// proceed reports all that has changed and does what is due, until nothing is left but to wait.
func (s *session) proceed(ctx context.Context) error {
	defer s.listenAgain()()
	s.inVain = -1 // something may have been said meanwhile, whatever it was
	for {
		err := s.catchUp(ctx)
		if err == nil && s.idleNow() {
			return nil
		}
		var d *mailbox.DesyncError
		var deaf *deafError
		switch {
		case err == nil:
			continue
		case errors.Is(err, errLook), errors.Is(err, errAnother):
			if err := s.lookAgain(ctx); err != nil {
				return err
			}
			continue
		case errors.As(err, &d) && s.mayResync():
		case errors.As(err, &deaf) && s.deaf <= 1:
		default:
			return err
		}
		s.b.o.Logger.Info("resynchronising", "account", s.b.o.Account, "mailbox", s.b.name, "err", err)
		if err := s.open(ctx); err != nil {
			return err
		}
	}
}

// mayResync reports whether it makes sense to open the mailbox once more: a server that contradicts itself all the
// time is left.
func (s *session) mayResync() bool {
	if s.desyncAt.since() > time.Minute {
		s.desyncs = 0
	}
	s.desyncs++
	s.desyncAt = now()
	return s.desyncs <= 3
}

// catchUp reports what is known to have changed, saves, and asks for the truth if that is due.
func (s *session) catchUp(ctx context.Context) error {
	s.link.tune()
	if err := s.link.checkBeat(ctx); err != nil {
		return err
	}
	if err := s.report(ctx); err != nil {
		return err
	}
	if err := s.noticeDeaf(); err != nil {
		return err
	}
	s.b.save(ctx)
	s.b.saveSeen(ctx, false)
	return s.checkTruth(ctx)
}

// idleNow reports whether nothing is left to do but to wait.
func (s *session) idleNow() bool {
	if s.desync != nil {
		return false
	}
	if _, ok := s.b.ledger.Next(); ok {
		return false
	}
	if told, waiting := s.b.ledger.Doubted(); !told.Empty() || !waiting.Empty() {
		return false
	}
	return !s.mustFetch()
}

// mustFetch reports whether messages are announced that have not been asked for.
func (s *session) mustFetch() bool {
	_, need := s.b.ledger.View().NeedFetch()
	return need && s.news != s.inVain
}

// report fetches what was announced and reports all that changed.
func (s *session) report(ctx context.Context) error {
	for {
		if err := s.askAfterAbsence(ctx); err != nil {
			return err
		}
		if s.desync != nil {
			return s.desync
		}
		if err := s.checkDoubted(ctx); err != nil {
			return err
		}
		if s.mustFetch() {
			if err := s.fetchNew(ctx); err != nil {
				return err
			}
			continue
		}
		ch, ok := s.b.ledger.Next()
		if !ok {
			clear(s.fresh)
			clear(s.marks)
			s.b.suspects = nil
			return nil
		}
		if err := s.reportOne(ctx, ch); err != nil {
			return err
		}
		s.b.saveSometimes(ctx)
		if err := context.Cause(ctx); err != nil {
			return err
		}
	}
}

// reportOne reports one change. What a new message is, is fetched first, together with that of the
// new messages after it.
func (s *session) reportOne(ctx context.Context, ch mailbox.Change) error {
	b := s.b
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
		ch = s.foretell(ctx, ch)
		b.seen.put(ch.UID, ch.Reused, sum)
		if ch.Reused {
			ch.Print = s.marks[ch.UID].Print
		}
		if err := b.emitChange(ch, sum); err != nil {
			return err
		}
		b.suspects.clear(ch.UID)
		s.marked(ch.UID)
		return nil
	case mailbox.Expunge:
		sum := b.seen.get(ch.UID, ch.Reused)
		if err := b.emitChange(ch, sum); err != nil {
			return err
		}
		b.seen.drop(ch.UID)
		return nil
	}
	return b.emitChange(ch, b.seen.get(ch.UID, ch.Reused))
}
