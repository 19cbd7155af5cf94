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
	pushed, late moment
	inARow       int32
	// mute counts the NOOPs in a row whose answer had no word of what was told right after, when figures were asked for;
	// untold the truth checks in a row that found flags of which nothing was said.
	mute, untold int32
	// busySince is when this side has ceased to listen, zero while it listens: what came since lay in wait for it.
	busySince moment
}

const (
	// deafAfter is how many IDLEs in a row must have been silent of news: once may be chance, mail that came in the very moment.
	deafAfter = 2
	// shortIdle is how long an IDLE must have lasted to tell anything, longBusy how long this side may have been
	// away for news to be the server's fault.
	shortIdle = 30 * time.Second
	longBusy  = 5 * time.Second
)

// heard notes that the server said something of messages; by itself, or in answer to a NOOP of Conn.Wait, if nothing else
// was going on.
func (h *hearing) heard() {
	if h.busySince == 0 {
		h.mute, h.untold = 0, 0
	}
}

// heardNews notes that messages have come or gone.
func (s *session) heardNews(r imap.Response) {
	if r == imap.Exists(s.model.Exists()) {
		return // some servers repeat it
	}
	h, now := &s.hearing, time.Now()
	since, on := s.conn.Idling()
	switch {
	case on:
		h.pushed, h.inARow = momentOf(since), 0
		s.b.o.countPush()
	case momentOf(since) == h.pushed, momentOf(since) == h.late, now.Sub(since) < shortIdle: // or there was none
	case h.busySince != 0 && h.busySince.since() > longBusy:
	default:
		h.late = momentOf(since)
		h.inARow++
	}
}

// noticeDeaf tells the consumer that the push has failed, if it has.
func (s *session) noticeDeaf() error {
	if s.b.deafUntil.ahead() {
		return nil
	}
	switch {
	case s.hearing.inARow >= deafAfter:
		return s.isDeaf("in IDLE; all was told afterwards")
	case s.hearing.mute >= deafAfter:
		return s.isDeaf("when it was asked by NOOP; all was told when it was asked for figures")
	case s.hearing.untold >= deafAfter:
		return s.isDeaf("flags have changed")
	}
	return nil
}

// isDeaf tells the consumer that the server did not tell what it should have. The mailbox is polled by other means
// for an hour then; after that the push gets another chance.
func (s *session) isDeaf(what string) error {
	s.hearing.inARow, s.hearing.mute, s.hearing.untold = 0, 0, 0
	s.b.deafUntil = now() + moment(deafFor)
	s.b.deafs++
	s.b.o.Logger.Warn("the server has not told of changes", "account", s.b.o.Account, "mailbox", s.b.name, "difference", what)
	return s.b.emit(s.b.linkEvent(&LinkInfo{Up: true, Reason: "the server did not push: " + what, Class: "deaf"}))
}

// listenAgain is called at the begin of each turn; what it returns, at its end.
func (s *session) listenAgain() (done func()) {
	s.hearing.busySince = now()
	return func() { s.hearing.busySince = 0 }
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
