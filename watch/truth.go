package watch

import (
	"context"
	"fmt"
	"time"

	"github.com/pushmail/pushmail/imap"
)

// truthItems are what the server is asked for to see whether anything is missing.
const truthItems = imap.StatusMessages | imap.StatusUIDNext | imap.StatusUIDValidity

// checkTruth asks the server for its figures when that is due, whatever it has pushed, and compares
// them with what is known. A difference that stays after a NOOP means that the push is deaf: it is
// reported, and the mailbox is opened anew.
func (s *session) checkTruth(ctx context.Context) error {
	every := s.w.o.VerifyInterval
	if every <= 0 || time.Since(s.checkedAt) < every || s.desync != nil {
		return nil
	}
	s.checkedAt = time.Now()
	diff, err := s.compare(ctx)
	if err != nil || diff == "" {
		return err
	}
	// What was on its way between the last push and the question is no sign of deafness.
	if err := s.conn.Noop(ctx); err != nil {
		return err
	}
	if err := s.report(ctx); err != nil {
		return err
	}
	diff, err = s.compare(ctx)
	if err != nil || diff == "" {
		return err
	}
	s.w.o.Logger.Warn("the server has not told of changes", "account", s.w.o.Account, "mailbox", s.w.o.Mailbox, "difference", diff)
	if err := s.w.emit(s.w.linkEvent(&LinkInfo{Up: true, Reason: "the server did not push: " + diff, Class: "deaf"})); err != nil {
		return err
	}
	return &deafError{diff}
}

// deafError ends a session in which the server did not tell of changes.
type deafError struct{ diff string }

func (e *deafError) Error() string { return "the server did not push: " + e.diff }

// compare says how the server's figures differ from what is known, or "".
func (s *session) compare(ctx context.Context) (string, error) {
	st, err := s.conn.Status(ctx, s.w.o.Mailbox, truthItems)
	if err != nil {
		if isRefusal(err) {
			// Some servers refuse STATUS of the selected mailbox; a NOOP that is answered is all there is.
			if err := s.conn.Noop(ctx); err != nil {
				return "", err
			}
			s.w.verified()
			return "", nil
		}
		return "", err
	}
	view, validity := s.w.ledger.View(), s.w.uidValidity
	exists := view.Exists()
	last := view.UIDAt(imap.SeqNum(exists))
	switch {
	case st.Items.Has(imap.StatusUIDValidity) && validity != 0 && st.UIDValidity != validity:
		return fmt.Sprintf("UIDVALIDITY is %d, not %d", st.UIDValidity, validity), nil
	case st.Items.Has(imap.StatusMessages) && st.Messages != exists:
		return fmt.Sprintf("%d messages, not %d", st.Messages, exists), nil
	case st.Items.Has(imap.StatusUIDNext) && last != 0 && st.UIDNext <= last:
		return fmt.Sprintf("UIDNEXT is %d, but UID %d is known", st.UIDNext, last), nil
	case st.Items.Has(imap.StatusUIDNext) && st.UIDNext > s.uidNext && st.UIDNext > last+1:
		// As many came as went, or a message came and went unseen, which is no loss.
		if diff, err := s.compareTail(ctx, last); err != nil || diff != "" {
			return diff, err
		}
		s.uidNext = st.UIDNext
	}
	s.w.verified()
	return "", nil
}

// compareTail looks for messages beyond the last that is known.
func (s *session) compareTail(ctx context.Context, last imap.UID) (string, error) {
	found, err := s.conn.Search(ctx, imap.UIDIn(imap.SetOfRange(last+1, 0)))
	if err != nil && !isRefusal(err) {
		return "", err
	}
	// "n:*" always names the last message, even one below n (RFC 9051 section 6.4.8).
	if tail := found.UIDs.Intersect(imap.SetOfRange(last+1, 1<<32-1)); !tail.Empty() {
		return fmt.Sprintf("UID %v is there, but was not announced", tail), nil
	}
	return "", nil
}
