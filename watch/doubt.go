package watch

import (
	"context"
	"errors"
	"maps"

	"github.com/pushmail/pushmail/imap"
)

// errAnother says that a UID was given to another message while the mailbox was open.
var errAnother = errors.New("the server has given a UID to another message")

// checkDoubted asks what the messages are of which the server said something for no visible reason, before more is
// reported. One that is another message now is found and told by opening the mailbox anew.
func (s *session) checkDoubted(ctx context.Context) error {
	l := s.b.ledger
	told, waiting := l.Doubted()
	maps.DeleteFunc(s.fresh, func(uid imap.UID, _ *Summary) bool { return waiting.Contains(uid) })
	if told.Empty() {
		l.Trust()
		return nil
	}
	o := s.basis.Fetch()
	o.Items |= imap.ItemEnvelope
	another := false
	for m, err := range s.conn.Fetch(ctx, told, o) {
		if err != nil && !isRefusal(err) {
			return err
		}
		another = another || err == nil && l.Another(m)
	}
	if another {
		return errAnother
	}
	l.Trust()
	return s.desync
}
