package watch

import (
	"context"
	"time"

	"github.com/pushmail/pushmail/imap"
)

// Everything is a value for [Options.Since]: every message there is.
var Everything = time.Unix(0, 0)

// sinceStart returns the messages that are there already and are to be reported as new, in a mailbox that
// is watched for the first time.
func (s *session) sinceStart(ctx context.Context) (imap.UIDSet, error) {
	since := s.b.o.Since
	switch {
	case since.IsZero():
		return nil, nil
	case !since.After(Everything):
		return imap.SetOfRange[imap.UID](1, 1<<32-1), nil
	}
	// SINCE compares days, in the zone of the server (RFC 9051 section 6.4.4): one day more is asked for, and
	// the time of each compared here.
	found, err := s.conn.Search(ctx, imap.Since(since.AddDate(0, 0, -1)))
	if err != nil || found.UIDs.Empty() {
		return nil, err
	}
	var fresh imap.UIDSet
	for m, err := range s.conn.Fetch(ctx, found.UIDs, &imap.FetchOptions{Items: imap.ItemInternalDate}) {
		if err != nil {
			return nil, err
		}
		if !m.InternalDate.Before(since) {
			fresh.Add(m.UID)
		}
	}
	return fresh, nil
}
