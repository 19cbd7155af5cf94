package watch

import (
	"context"
	"errors"
	"fmt"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/mailbox"
)

// resync selects the mailbox and works out what changed since known, which is nil the first time.
func (s *session) resync(ctx context.Context, known *mailbox.State) (*mailbox.View, *mailbox.Changes, mailbox.Report, error) {
	fail := func(err error) (*mailbox.View, *mailbox.Changes, mailbox.Report, error) {
		return nil, nil, mailbox.Report{}, err
	}
	opened, err := s.examine(ctx, known)
	if err == nil && known != nil && known.UIDValidity() == 0 && known.Len() == 0 {
		known = mailbox.Empty(opened.UIDValidity) // it was created, and nobody knew with which
	}
	if err == nil {
		opened, err = s.confirm(ctx, known, opened)
	}
	if err != nil {
		return fail(err)
	}
	rs := mailbox.Begin(known, *opened)
	s.link.sink = sink(rs.Feed)
	for {
		step, more := rs.Next()
		if !more {
			break
		}
		err := s.runStep(ctx, step)
		if _, unreadable := errors.AsType[*imapclient.AnswerError](err); err != nil && !unreadable && !isRefusal(err) {
			return fail(err)
		}
	}
	view, changes, report, err := rs.Finish()
	if err != nil {
		return fail(fmt.Errorf("compare %q with the checkpoint: %w", s.b.name, err))
	}
	s.b.o.Logger.Debug("compared with the checkpoint", "account", s.b.o.Account, "mailbox", s.b.name,
		"method", report.Method, "steps", report.Steps, "new", report.New, "expunged", report.Expunged, "flags", report.Flagged, "left", report.Left)
	if report.Replaced > 0 {
		s.b.o.Logger.Warn("the server has given UIDs to other messages, under the same UIDVALIDITY", "account", s.b.o.Account, "mailbox", s.b.name, "messages", report.Replaced)
	}
	return view, changes, report, nil
}

// examine selects the mailbox read-only, with what the server offers to make the comparison cheap.
func (s *session) examine(ctx context.Context, known *mailbox.State) (*mailbox.Opened, error) {
	caps := s.conn.Capabilities()
	// Late answers are about the mailbox as it was selected before: without CLOSED (RFC 7162 section 3.2.11) nobody can tell.
	if err := s.conn.Settle(ctx); err != nil {
		return nil, err
	}
	opened := &mailbox.Opened{
		QResync:   s.conn.Enabled().Has(imap.CapQResync),
		CondStore: caps.Has(imap.CapCondStore),
		ESearch:   caps.Has(imap.CapESearch),
	}
	if known != nil {
		opened.Basis = mailbox.BasisFor(known.Basis(), caps)
	}
	if s.b.ledger != nil {
		opened.Doubted, _ = s.b.ledger.Doubted()
	}
	o := &imap.SelectOptions{ReadOnly: true, CondStore: true}
	if q, ok := mailbox.SelectParams(known); ok && opened.QResync {
		opened.Resumed = true
		o.QResync = &q
	}
	counted := false
	s.link.sink = sink(func(r imap.Response) {
		_, exists := r.(imap.Exists)
		counted = counted || exists
		opened.Observe(r)
	})
	_, err := s.conn.Select(ctx, s.b.name, o)
	switch {
	case err != nil && !isRefusal(err):
		return nil, err
	case err == nil && !counted:
		err = errors.New("the server does not say how many messages there are") // RFC 9051 section 6.3.2: it must
	case err == nil && opened.UIDValidity == 0 && known != nil && known.UIDValidity() != 0:
		err = errors.New("the server does not say the UIDVALIDITY any more")
	}
	if err != nil {
		// To take it for an empty or a renumbered mailbox would lose what is known.
		return nil, &MailboxError{Mailbox: s.b.name, Err: err}
	}
	return opened, nil
}

// MailboxError says that the server does not open the mailbox.
type MailboxError struct {
	Mailbox string
	Err     error
}

func (e *MailboxError) Error() string {
	return fmt.Sprintf("mailbox %q cannot be opened: %v", imap.Printable(e.Mailbox), e.Err)
}
func (e *MailboxError) Unwrap() error { return e.Err }

// runStep runs one command of a comparison. Its responses reach the model through the sink.
func (s *session) runStep(ctx context.Context, step mailbox.Step) error {
	switch step.Kind {
	case mailbox.SearchAll:
		_, err := s.conn.Search(ctx, step.SearchKey())
		return err
	case mailbox.SearchFlags:
		_, err := s.conn.SearchSeq(ctx, step.SearchKey())
		return err
	case mailbox.FetchIdentity:
		o := step.Basis.Fetch()
		if step.Envelope {
			o.Items |= imap.ItemEnvelope
		}
		return s.drain(ctx, step.UIDs, o)
	}
	items := imap.ItemUID | imap.ItemFlags
	if step.ModSeq {
		items |= imap.ItemModSeq
	}
	return s.drain(ctx, step.UIDs, &imap.FetchOptions{Items: items, ChangedSince: step.ChangedSince, Vanished: step.Vanished})
}

// drain fetches what the sink has an eye on.
func (s *session) drain(ctx context.Context, set imap.UIDSet, o *imap.FetchOptions) (err error) {
	for _, err = range s.conn.Fetch(ctx, set, o) { //nolint:revive // the sink has the rows
	}
	return err
}

// maxFresh bounds the summaries that are fetched ahead.
const maxFresh = 200

// fetchNew asks for the messages that were announced, with all that is wanted of them: one round trip.
func (s *session) fetchNew(ctx context.Context) error {
	view := s.b.ledger.View()
	set, ok := view.NeedFetch()
	if !ok {
		return nil
	}
	before, news := view.Pending(), s.news
	o := s.contentOptions()
	if before > maxFresh || len(s.fresh) > maxFresh || len(s.b.suspects) > 0 {
		// Too many to hold what they are, or one of them ends the connection: that is asked for in turn.
		o = &imap.FetchOptions{Items: o.Items & justFlags}
	}
	err := s.fetch(ctx, set, o)
	if err != nil && isRefusal(err) && o.Items&^justFlags != 0 && view.Pending() > 0 {
		// It may refuse what one of them is for ever. That they are there is to be told all the same.
		err = s.fetch(ctx, set, &imap.FetchOptions{Items: o.Items & justFlags})
	}
	if err != nil && !isRefusal(err) {
		return err
	}
	if s.desync == nil && view.Pending() == before && s.news == news {
		s.askedInVain(view, news)
	}
	return nil
}

// askedInVain takes note that no message came that was asked for: it is not shown yet, or gone. If later ones came,
// it is asked for twice more, and then they are reported without it.
func (s *session) askedInVain(view *mailbox.View, news int32) {
	s.vain++
	switch {
	case !view.Stuck():
		s.inVain = news
	case s.vain < 3:
		return
	default:
		s.inVain = news
		missing := s.b.ledger.GiveUp()
		s.b.o.Logger.Warn("the server announces messages that it does not return", "account", s.b.o.Account, "mailbox", s.b.name, "missing", missing)
	}
	s.vain = 0
}

// fetchSummaries asks what the next new messages are that wait to be reported. One that the server
// does not return, since it is gone or cannot be read, is reported without a summary.
func (s *session) fetchSummaries(ctx context.Context) error {
	set := s.nextSummaries()
	if set.Empty() {
		return nil
	}
	err := s.fetch(ctx, set, s.contentOptions())
	if err != nil && !isRefusal(err) {
		return err
	}
	if err != nil {
		s.b.fingerprinted = false // to be asked when it is opened the next time
		s.b.o.Logger.Warn("the server does not say what the new messages are", "account", s.b.o.Account, "mailbox", s.b.name, "err", err)
	}
	for uid := range set.All() {
		if _, came := s.fresh[uid]; !came {
			s.keepFresh(uid, nil) // not to be asked for again
		}
	}
	return nil
}

// keepFresh keeps the summary of a new message until it is reported; nil if there is none.
func (s *session) keepFresh(uid imap.UID, sum *Summary) {
	if s.fresh == nil {
		s.fresh = map[imap.UID]*Summary{}
	}
	s.fresh[uid] = sum
}

// fetch fetches messages and keeps their summaries until they are reported.
func (s *session) fetch(ctx context.Context, set imap.UIDSet, o *imap.FetchOptions) error {
	var texts []wantedText
	var came imap.UIDSet
	err := s.fetchRows(ctx, set, o, func(m *imap.Message) {
		s.mark(m)
		sum := Summarize(m)
		s.b.o.Content.trim(sum)
		s.keepFresh(m.UID, sum)
		wanted := s.b.o.Content.wantText(texts, m)
		if len(wanted) == len(texts) {
			came.Add(m.UID)
		}
		texts = wanted
	})
	if err == nil {
		err = s.fetchTexts(ctx, texts)
	}
	if err != nil && o.Items&^justFlags != 0 {
		s.suspect(ctx, set, came)
	}
	return err
}

// justFlags is what is asked of messages when not what they are.
const justFlags = imap.ItemUID | imap.ItemFlags | imap.ItemModSeq

// fetchRows calls keep with each row that has more than flags, as far as there is room for it.
func (s *session) fetchRows(ctx context.Context, set imap.UIDSet, o *imap.FetchOptions, keep func(*imap.Message)) error {
	for m, err := range s.conn.Fetch(ctx, set, o) {
		if err != nil {
			return err
		}
		for _, bad := range m.Errs {
			s.b.o.Logger.Warn("part of a message could not be read", "account", s.b.o.Account, "mailbox", s.b.name, "uid", m.UID, "err", bad)
		}
		if m.Items&^justFlags != 0 && len(s.fresh) < 4*maxFresh {
			keep(m)
		}
	}
	return nil
}
