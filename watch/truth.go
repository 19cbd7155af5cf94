package watch

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/provider"
)

// truthItems are what the server is asked for to see whether anything is missing.
const truthItems = imap.StatusMessages | imap.StatusUIDNext | imap.StatusUIDValidity

// verifyTimeout bounds the wait for an answer when it is in doubt whether the server is there.
const verifyTimeout = 30 * time.Second

// due is when the next turn is wanted, whatever the server says; zero for never.
func (s *session) due() time.Time {
	truth, beat := s.truthDue(), s.link.beatDue()
	if truth.IsZero() || !beat.IsZero() && beat.Before(truth) {
		return beat
	}
	return truth
}

// truthDue is when the next truth check is; zero for never. A server that must be polled by it is asked each time.
func (s *session) truthDue() time.Time {
	every := s.b.truthEvery()
	if s.link.polled() != "" {
		every = min(cmp.Or(every, maxPace), s.b.o.waiting(s.link.service).PollInterval)
	}
	if every == 0 {
		return time.Time{}
	}
	return s.checkedAt.time().Add(every)
}

// doubt has the next turn begin with a truth check: the machine was suspended, and nobody knows what
// became of the connection.
func (s *session) doubt() { s.checkedAt = 0 }

// checkTruth asks the server for its figures when that is due, whatever it has pushed, and compares
// them with what is known. A difference that stays after a NOOP means that the push is deaf: it is
// reported, the mailbox is opened anew, and checked more often from now on.
func (s *session) checkTruth(ctx context.Context) error {
	due := s.truthDue()
	if due.IsZero() || time.Now().Before(due) {
		return nil
	}
	s.checkedAt = now()
	if s.link.polled() == provider.PollSelect || s.flagsDue() {
		return errLook
	}
	diff, err := s.compareInTime(ctx, s.push == "poll" && s.link.polled() == "")
	if err != nil || diff == "" {
		return err
	}
	// What was on its way between the last push and the question is no sign of deafness.
	if err := s.link.prove(ctx, "truth check"); err != nil {
		return err
	}
	if err := s.report(ctx); err != nil {
		return err
	}
	diff, err = s.compareInTime(ctx, false)
	if err != nil || diff == "" {
		return err
	}
	if diff == s.b.disputed {
		// The mailbox was opened anew because of that and showed nothing new: STATUS is wrong, SELECT is the truth.
		s.b.verified()
		return nil
	}
	s.b.disputed = diff
	if s.link.polled() != "" || s.b.deafUntil.ahead() {
		return errLook
	}
	s.deaf++
	if err := s.isDeaf(diff); err != nil {
		return err
	}
	return &deafError{diff}
}

// compareInTime is compare, on a connection that is closed if it takes too long. noop has a NOOP go before: what is told
// only after it should have been told in answer to it.
func (s *session) compareInTime(ctx context.Context, noop bool) (diff string, err error) {
	err = s.link.inTime(ctx, "truth check", func(ctx context.Context) error {
		if noop {
			if err := s.conn.Noop(ctx); err != nil {
				return err
			}
		}
		before := s.told
		if diff, err = s.compare(ctx); err == nil && noop && s.told != before {
			s.hearing.mute++
		}
		return err
	})
	return diff, err
}

// deafError says that the server did not tell of changes.
type deafError struct{ diff string }

func (e *deafError) Error() string { return "the server did not push: " + e.diff }

// compare says how the server's figures differ from what is known, or "".
func (s *session) compare(ctx context.Context) (string, error) {
	items := truthItems
	if s.modSeq != 0 {
		items |= imap.StatusHighestModSeq
	}
	st, err := s.conn.Status(ctx, s.b.name, items)
	if err != nil {
		if isRefusal(err) {
			// Some servers refuse STATUS of the selected mailbox; a NOOP that is answered is all there is.
			if err := s.conn.Noop(ctx); err != nil {
				return "", err
			}
			s.b.verified()
			return "", nil
		}
		return "", err
	}
	view, validity := s.b.ledger.View(), s.b.uidValidity
	exists := view.Exists()
	last := view.LastUID()
	switch {
	case st.Items.Has(imap.StatusUIDValidity) && validity != 0 && st.UIDValidity != validity:
		return fmt.Sprintf("UIDVALIDITY is %d, not %d", st.UIDValidity, validity), nil
	case st.Items.Has(imap.StatusMessages) && st.Messages != exists:
		return fmt.Sprintf("%d messages, not %d", st.Messages, exists), nil
	case st.Items.Has(imap.StatusUIDNext) && last != 0 && st.UIDNext <= last:
		return fmt.Sprintf("UIDNEXT is %d, but UID %d is known", st.UIDNext, last), nil
	case view.Pending() > 0: // they were announced, and asked for in vain
	case st.Items.Has(imap.StatusUIDNext) && st.UIDNext > s.uidNext && st.UIDNext > last+1:
		// As many came as went, or a message came and went unseen, which is no loss.
		if diff, err := s.compareTail(ctx, last, st.UIDNext); err != nil || diff != "" {
			return diff, err
		}
		s.uidNext = st.UIDNext
	}
	if err := s.compareFlags(ctx, st.HighestModSeq); err != nil {
		return "", err
	}
	s.b.disputed = ""
	s.b.verified()
	return "", nil
}

// compareTail looks for messages beyond the last that is known, since UIDNEXT has moved on.
func (s *session) compareTail(ctx context.Context, last, next imap.UID) (string, error) {
	found, err := s.conn.Search(ctx, imap.UIDIn(imap.SetOfRange(last+1, 0)))
	if err != nil && isRefusal(err) {
		// It does not say, so the mailbox is looked at, once: STATUS can be wrong.
		if looked := fmt.Sprintf("UIDNEXT is %d, and SEARCH was refused", next); looked != s.b.disputed {
			s.b.disputed = looked
			return "", errLook
		}
		return "", nil
	}
	if err != nil {
		return "", err
	}
	// "n:*" always names the last message, even one below n (RFC 9051 section 6.4.8).
	if tail := found.UIDs.Intersect(imap.SetOfRange(last+1, 1<<32-1)); !tail.Empty() {
		return fmt.Sprintf("UID %v is there, but was not announced", tail), nil
	}
	return "", nil
}
