package imapclient

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// Mailboxes that cannot be searched so. Nothing is sent.
var (
	errNoMailboxes   = mailboxesError("are missing")
	errDelayed       = mailboxesError("SELECTED-DELAYED is for NOTIFY alone (RFC 7377 section 2.2)")
	errSaveElsewhere = mailboxesError("only a search of the selected mailbox alone can be saved (RFC 7377 section 2.2)")
)

func mailboxesError(reason string) error {
	return &imapwire.ArgumentError{Command: "ESEARCH", Argument: "mailboxes", Position: 1, Reason: reason}
}

// errTooManyBoxes: the answer is about more mailboxes than there may be.
var errTooManyBoxes = errors.New("it is about too many mailboxes")

// maxSearchedMailboxes bounds the mailboxes in the result of one search.
const maxSearchedMailboxes = 100_000

// SearchMailboxes searches many mailboxes at once, by ESEARCH (MULTISEARCH, RFC 7377), whether or not one is
// selected. There is a result for each mailbox in which something was found, in the order of the server, with
// Mailbox and UIDValidity; none is no error. Server without the extension are an *[UnsupportedError]: select the
// mailboxes one by one there.
//
// Keys, Return and Partial are those of [Conn.SearchWith]; Partial is for each mailbox. The other fields of o,
// which can be nil, do not count. A server can search less than it was asked to: it then says so with the code
// LIMIT, which the *imap.StatusError has if it refuses, and which goes to the Handler if it returns what it
// found.
func (c *Conn) SearchMailboxes(ctx context.Context, in []imap.MailboxSelector, key imap.SearchKey, o *SearchOptions) ([]*SearchResult, error) {
	if err := c.needForMailboxes(in); err != nil {
		return nil, err
	}
	if err := c.require(imap.CapMultiSearch); err != nil {
		return nil, err
	}
	p, err := c.planSearch(&key, o)
	if err == nil && p.want.Has(imap.ReturnSave) && (len(in) > 1 || !isKind(in[0], "SELECTED")) {
		err = errSaveElsewhere
	}
	if err != nil {
		return nil, notSent(err)
	}
	p.sent.In = in
	if p.sent.Return == 0 && p.sent.Partial == nil {
		p.sent.Return = imap.ReturnAll // a server with MULTISEARCH has the syntax of ESEARCH
	}
	found := &mailboxResults{}
	s := &searching{o: p.sent, key: key, began: func(string) { *found = mailboxResults{} }, another: found.take}
	if _, err := c.runSearch(ctx, s); err != nil {
		return nil, err
	}
	if found.err != nil {
		return nil, &AnswerError{Command: "ESEARCH", Err: found.err}
	}
	return found.finish(p)
}

func (c *Conn) needForMailboxes(in []imap.MailboxSelector) error {
	state := StateAuthenticated
	for _, s := range in {
		switch {
		case isKind(s, "SELECTED"):
			state = StateSelected
		case isKind(s, "SELECTED-DELAYED"):
			return notSent(errDelayed)
		}
	}
	if len(in) == 0 {
		return notSent(errNoMailboxes)
	}
	return c.need(state)
}

func isKind(s imap.MailboxSelector, kind string) bool { return strings.EqualFold(s.Kind, kind) }

// mailboxResults are the answers to an ESEARCH, by mailbox.
type mailboxResults struct {
	all []*searchAnswer
	err error
}

func (m *mailboxResults) take(r *imap.ESearch) {
	i := slices.IndexFunc(m.all[max(0, len(m.all)-1):], func(a *searchAnswer) bool {
		return a.Mailbox == r.Mailbox && a.UIDValidity == r.UIDValidity
	})
	switch {
	case i >= 0: // the server goes on with the same one
	case len(m.all) == maxSearchedMailboxes:
		m.err = errTooManyBoxes
		return
	default:
		m.all = append(m.all, &searchAnswer{SearchResult: SearchResult{Mailbox: r.Mailbox, UIDValidity: r.UIDValidity}})
	}
	if err := m.all[len(m.all)-1].add(r, false); err != nil {
		m.err = err
	}
}

func (m *mailboxResults) finish(p *searchPlan) ([]*SearchResult, error) {
	out := make([]*SearchResult, 0, len(m.all))
	for _, a := range m.all {
		res, err := p.finish(a)
		if err != nil {
			return nil, err
		}
		out = append(out, res)
	}
	return out, nil
}
