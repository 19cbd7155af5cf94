package watch

import (
	"context"
	"errors"
	"time"

	"github.com/pushmail/pushmail/imap"
)

// hearing tells a push that works from one that only seems to: a server that says nothing while IDLE is on, and
// tells all as soon as it is asked for something else.
type hearing struct {
	// pushed and late are when the last IDLE was begun in which news came by themselves, and after which news
	// came that should have been pushed. inARow counts the latter since the former.
	pushed, late time.Time
	inARow       int
	// busySince is when this side has ceased to listen, zero while it listens: what came since lay in wait for it.
	busySince time.Time
}

const (
	// deafAfter is how many IDLEs in a row must have been silent of news: once may be chance, mail that came in the very moment.
	deafAfter = 2
	// shortIdle is how long an IDLE must have lasted to tell anything, longBusy how long this side may have been
	// away for news to be the server's fault.
	shortIdle = 30 * time.Second
	longBusy  = 5 * time.Second
)

// heardNews notes that messages have come or gone.
func (s *session) heardNews(r imap.Response) {
	if exists, ok := r.(imap.Exists); ok && s.desync == nil && uint32(exists) == s.model.View().Exists() {
		return // some servers repeat it
	}
	h, now := &s.hearing, time.Now()
	since, on := s.conn.Idling()
	switch {
	case on:
		h.pushed, h.inARow = since, 0
	case since.IsZero(), since.Equal(h.pushed), since.Equal(h.late), now.Sub(since) < shortIdle:
	case !h.busySince.IsZero() && now.Sub(h.busySince) > longBusy:
	default:
		h.late = since
		h.inARow++
	}
}

// noticeDeaf tells the consumer that the push has failed, if it has. The mailbox is polled for an hour then; after that
// IDLE gets another chance.
func (s *session) noticeDeaf() error {
	if s.hearing.inARow < deafAfter || time.Now().Before(s.b.deafUntil) {
		return nil
	}
	s.hearing.inARow = 0
	s.b.deafUntil = time.Now().Add(deafFor)
	s.b.deafs++
	s.b.o.Logger.Warn("the server tells of changes only when it is asked for something", "account", s.b.o.Account, "mailbox", s.b.name)
	return s.b.emit(s.b.linkEvent(&LinkInfo{Up: true, Reason: "the server did not push in IDLE, but told all afterwards", Class: "deaf"}))
}

// listenAgain is called at the begin of each turn; what it returns, at its end.
func (s *session) listenAgain() (done func()) {
	s.hearing.busySince = time.Now()
	return func() { s.hearing.busySince = time.Time{} }
}

// errLook says that the mailbox is to be opened anew to see what has changed, as its server wants it.
var errLook = errors.New("the mailbox is looked at again")

// lookAgain opens the mailbox anew, which is no event.
func (s *session) lookAgain(ctx context.Context) error {
	was := s.visit
	s.visit = true
	defer func() { s.visit = was }()
	return s.open(ctx)
}
