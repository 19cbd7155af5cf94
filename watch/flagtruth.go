package watch

import (
	"context"
	"time"

	"github.com/pushmail/pushmail/imap"
)

// Where the push is not to be relied upon and the mailbox has no mod-sequences, only a comparison of all flags shows
// which have changed. It costs up to some 40 bytes for each message, so it is done once an hour, and less often in a
// mailbox of more than bulk messages: at most that many rows an hour.
const (
	flagsEvery    = time.Hour
	bulk          = 25_000
	maxFlagsEvery = 24 * time.Hour
)

// flagsDue reports whether the mailbox is to be opened anew to compare its flags.
func (s *session) flagsDue() bool {
	if s.modSeq != 0 || s.push == "idle" && !s.b.deafUntil.ahead() {
		return false
	}
	every := flagsEvery * time.Duration(1+s.b.ledger.View().Exists()/bulk)
	return s.openedAt.since() >= min(every, maxFlagsEvery)
}

// compareFlags asks which flags have changed if HIGHESTMODSEQ says that something has, and the server does not tell
// when it is asked for nothing. Rows with other flags than are known count as what the push has missed.
//
// What is asked for reaches back to the check before the last one: some servers raise HIGHESTMODSEQ before
// they show what has changed.
func (s *session) compareFlags(ctx context.Context, highest imap.ModSeq) error {
	view := s.b.ledger.View()
	if s.modSeq == 0 || highest <= s.modSeq || highest <= view.State().HighestModSeq() || view.LastUID() == 0 {
		return nil
	}
	if err := s.conn.Noop(ctx); err != nil {
		return err
	}
	known := s.b.ledger.Len()
	o := &imap.FetchOptions{Items: justFlags, ChangedSince: s.modSeqBefore}
	for _, err := range s.conn.Fetch(ctx, imap.SetOfRange(1, view.LastUID()), o) { // the sink has the rows
		if err != nil && !isRefusal(err) {
			return err
		}
	}
	s.modSeqBefore, s.modSeq = s.modSeq, highest
	if s.b.ledger.Len() > known {
		s.hearing.untold++
	} else {
		s.hearing.untold = 0
	}
	return nil
}
