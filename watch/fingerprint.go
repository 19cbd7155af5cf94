package watch

import (
	"context"
	"fmt"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/mailbox"
)

// selections bounds how often a mailbox is selected until it has the same UIDVALIDITY twice.
const selections = 4

// maxUnidentified is how often a server may refuse to say what identifies the messages of a renumbered mailbox before
// that is done without.
const maxUnidentified = 4

// confirm selects the mailbox again if UIDVALIDITY seems to have changed: a proxy or a backend that answers wrong
// once must not make all that is known void. It returns what was said twice, or that nothing has changed.
func (s *session) confirm(ctx context.Context, known *mailbox.State, opened *mailbox.Opened) (*mailbox.Opened, error) {
	for range selections - 1 {
		if known == nil || opened.UIDValidity == known.UIDValidity() {
			return opened, nil
		}
		again, err := s.examine(ctx, known)
		if err != nil {
			return nil, err
		}
		if again.UIDValidity == opened.UIDValidity {
			if s.listed != 0 && again.UIDValidity != s.listed {
				return nil, errNotListed
			}
			return again, nil
		}
		s.b.o.Logger.Warn("the server contradicts itself about UIDVALIDITY", "account", s.b.o.Account, "mailbox", s.b.name,
			"known", known.UIDValidity(), "first", opened.UIDValidity, "then", again.UIDValidity)
		opened = again
	}
	if opened.UIDValidity == known.UIDValidity() {
		return opened, nil
	}
	return nil, fmt.Errorf("open %q: UIDVALIDITY is another one each time, %d before and %d now", s.b.name, known.UIDValidity(), opened.UIDValidity)
}

// newLedger makes the ledger of the mailbox as it was opened: what the checkpoint did not know is in it and waits to
// be reported. The box has it only when it is complete, so that a failure on the way leaves what was known.
func (s *session) newLedger(ctx context.Context, known *mailbox.State, view *mailbox.View, changes *mailbox.Changes, report mailbox.Report) (*mailbox.Ledger, error) {
	s.basis = mailbox.BasisFor(0, s.conn.Capabilities())
	if known != nil {
		s.basis = mailbox.BasisFor(known.Basis(), s.conn.Capabilities())
	}
	l := mailbox.NewLedger(view, changes)
	s.model, s.desync = l, nil
	s.link.sink = s
	switch {
	case report.Reset:
		if err := s.reunite(ctx, known, l); err != nil {
			return nil, err
		}
	case known == nil:
		fresh, err := s.sinceStart(ctx)
		if err != nil {
			return nil, err
		}
		l.Renew(fresh)
	}
	if err := s.fingerprint(ctx, l); err != nil {
		return nil, err
	}
	return l, s.desync
}

// reunite finds out which messages have arrived while the mailbox was renumbered.
func (s *session) reunite(ctx context.Context, known *mailbox.State, l *mailbox.Ledger) error {
	s.b.fingerprinted = false
	ru := mailbox.NewReunion(known, l.View(), s.basis)
	if since := ru.Since(); !since.IsZero() {
		// SINCE compares days, in the zone of the server (RFC 9051 section 6.4.4).
		found, err := s.conn.Search(ctx, imap.Since(since.AddDate(0, 0, -1)))
		switch {
		case err == nil:
			ru.Look(found.UIDs)
		case isRefusal(err):
			ru.Look(imap.SetOfRange[imap.UID](1, 1<<32-1))
		default:
			return err
		}
	}
	for {
		set, more := ru.Next()
		if !more {
			break
		}
		refused, err := s.identify(ctx, set, func(m *imap.Message, _ mailbox.Identity, _ bool) { ru.Feed(m) })
		if err != nil {
			return err
		}
		if refused != nil {
			s.b.unidentified++
		}
		if refused != nil && s.b.unidentified < maxUnidentified {
			// To go on would be to take what has arrived for old. What was known stays as long as this fails.
			return &MailboxError{Mailbox: s.b.name, Err: refused}
		}
	}
	s.b.unidentified = 0
	// One that was gone before it said what it is, is not new to anybody.
	fresh := ru.Fresh().Intersect(l.View().State().UIDs())
	s.b.o.Logger.Info("the mailbox was renumbered", "account", s.b.o.Account, "mailbox", s.b.name,
		"messages", l.View().Exists(), "found again", ru.Found(), "new", fresh.Len())
	l.Renew(fresh)
	ru.Remember(l, time.Now())
	return nil
}

// fingerprint has the newest messages be remembered, if they are not. It asks once: what the server does not
// say the first time it will not say the next time.
func (s *session) fingerprint(ctx context.Context, l *mailbox.Ledger) error {
	set := l.State().Forgotten(s.basis)
	if set.Empty() || s.b.fingerprinted {
		return nil
	}
	s.b.fingerprinted = true
	_, err := s.identify(ctx, set, func(m *imap.Message, id mailbox.Identity, ok bool) {
		if ok {
			remember(l, m.UID, id)
		}
	})
	return err
}

// identify fetches what identifies messages. One that the server does not return is left out. It says if the server
// refused.
func (s *session) identify(ctx context.Context, set imap.UIDSet, found func(*imap.Message, mailbox.Identity, bool)) (refused, err error) {
	for m, err := range s.conn.Fetch(ctx, set, s.basis.Fetch()) {
		if err != nil && isRefusal(err) {
			s.b.o.Logger.Warn("the server does not say what identifies messages", "account", s.b.o.Account, "mailbox", s.b.name, "err", err)
			return err, nil
		}
		if err != nil {
			return nil, err
		}
		id, ok := mailbox.Identify(s.basis, m)
		found(m, id, ok)
	}
	return nil, nil
}

// remember keeps the fingerprint of an acknowledged message.
func remember(l *mailbox.Ledger, uid imap.UID, id mailbox.Identity) {
	id.Date = min(id.Date, time.Now().Unix())
	l.Remember(uid, id)
}

// mark keeps the fingerprint of a message that is to be reported until it is acknowledged.
func (s *session) mark(m *imap.Message) {
	if id, ok := mailbox.Identify(s.basis, m); ok {
		if s.marks == nil {
			s.marks = map[imap.UID]mailbox.Identity{}
		}
		s.marks[m.UID] = id
	}
}

// marked hands the fingerprint of a message that was acknowledged just now to the ledger.
func (s *session) marked(uid imap.UID) {
	if id, ok := s.marks[uid]; ok {
		remember(s.b.ledger, uid, id)
		delete(s.marks, uid)
	}
}
