package imaptest

import (
	"strings"
	"time"

	"github.com/pushmail/pushmail/imap"
)

// cmdIdle begins IDLE (RFC 2177). What is pending comes right behind the "+".
func (s *Session) cmdIdle(args *arguments) imap.Status {
	if e := args.end(); e != nil {
		return *e
	}
	s.idleTag = s.tag
	s.change(func() { s.idle = true })
	s.send(&imap.Continuation{Text: "idling"})
	s.push()
	if every := s.server.opts.StillHere; every > 0 {
		s.stillHere = time.NewTicker(every)
	}
	return none
}

// stillHereTick is nil, which never fires, unless the session idles.
func (s *Session) stillHereTick() <-chan time.Time {
	if s.stillHere == nil {
		return nil
	}
	return s.stillHere.C
}

// endIdle takes the line that ends IDLE: DONE, or a mistake.
func (s *Session) endIdle(in input) {
	done := in.err == nil && strings.EqualFold(string(in.line), "DONE")
	if !done {
		s.stopIdling()
		s.answer(bad("Expected DONE"))
		return
	}
	s.change(func() { s.last = "DONE" })
	s.decide(Command{Session: s, Tag: s.idleTag, Name: "DONE"}, func() {
		s.stopIdling()
		highest := s.sync(allUpdates)
		if s.server.deafIdle.Load() {
			s.tellOthers()
		}
		s.answer(s.withHighest(ok("IDLE completed"), highest))
	})
}

func (s *Session) stopIdling() {
	s.tag, s.idleTag = s.idleTag, ""
	if s.stillHere != nil {
		s.stillHere.Stop()
		s.stillHere = nil
	}
	s.change(func() { s.idle = false })
}
