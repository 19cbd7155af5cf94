package watch

import (
	"context"
	"slices"

	"github.com/pushmail/pushmail/imap"
)

// suspects are messages that were asked for and had not come when the connection ended: an element for each time
// that happened. One of them may be why, and would end each connection from now on, so they are asked for one at a
// time, and one that has ended maxTries of them is reported without a summary.
type suspects []imap.UIDSet

const maxTries = 3

// tries counts how often the connection ended while this message was asked for.
func (s suspects) tries(uid imap.UID) int {
	n := 0
	for _, set := range s {
		if set.Contains(uid) {
			n++
		}
	}
	return n
}

// clear takes out a message of which nothing more is asked.
func (s *suspects) clear(uid imap.UID) {
	if s.tries(uid) == 0 {
		return
	}
	for i := range *s {
		(*s)[i] = (*s)[i].Subtract(imap.UIDs(uid))
	}
	*s = slices.DeleteFunc(*s, imap.UIDSet.Empty)
}

// suspect notes what had not come of set, if that is why the connection has ended.
func (s *session) suspect(ctx context.Context, set, came imap.UIDSet) {
	if s.conn.Err() == nil || context.Cause(ctx) != nil {
		return
	}
	if set.Dynamic() { // "n:*"
		set = imap.SetOfRange(set.Min(), 1<<32-1)
	}
	if rest := set.Subtract(came); !rest.Empty() {
		s.b.suspects = append(s.b.suspects, rest)
	}
}

// nextSummaries are the messages whose summaries are asked for next, at most maxFresh; a suspect is asked for alone.
// One that has been asked for too often is to be reported without.
func (s *session) nextSummaries() imap.UIDSet {
	var set imap.UIDSet
	for uid := range s.b.ledger.News() {
		if _, asked := s.fresh[uid]; asked {
			continue
		}
		switch tries := s.b.suspects.tries(uid); {
		case tries >= maxTries:
			s.b.o.Logger.Warn("a message is reported without a summary: each connection has ended when it was asked for",
				"account", s.b.o.Account, "mailbox", s.b.name, "uid", uid, "tries", tries)
			s.keepFresh(uid, nil)
			continue
		case tries > 0 && set.Empty():
			return imap.UIDs(uid)
		case tries > 0:
			return set
		}
		if set.Add(uid); set.Len() >= maxFresh {
			break
		}
	}
	return set
}
