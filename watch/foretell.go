package watch

import (
	"context"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/mailbox"
)

// foretell stores what the messages are that are about to be reported, where the server has no mod-sequences and so may be one that
// gives a UID to another message when it was killed. If this program is killed, too, before it has stored that they were
// reported, it knows afterwards whether they still are what they were. It returns next, the first of them, as it is to be reported: it may be
// another message than was foretold.
func (s *session) foretell(ctx context.Context, next mailbox.Change) mailbox.Change {
	l := s.b.ledger
	if id, known := s.marks[next.UID]; s.modSeq != 0 || !known || !l.Foretell(next.UID, id) {
		return next
	}
	var waiting []imap.UID
	for uid := range l.News() {
		if waiting = append(waiting, uid); len(waiting) == mailbox.MaxRemembered {
			break
		}
	}
	for _, uid := range waiting {
		if id, known := s.marks[uid]; known {
			l.Foretell(uid, id)
		}
	}
	s.b.unsaved++
	s.b.save(ctx)
	next, _ = l.Next()
	return next
}
