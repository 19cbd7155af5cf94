package imapclient

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// Status asks for figures of a mailbox without selecting it (RFC 9051 section 6.3.11). Items that the
// server does not offer are left out; see MailboxStatus.Items for what came back. Asking about the
// selected mailbox is discouraged by the RFC, and works with the servers known to us.
func (c *Conn) Status(ctx context.Context, mailbox string, items imap.StatusItems) (*imap.MailboxStatus, error) {
	if err := c.need(StateAuthenticated); err != nil {
		return nil, err
	}
	var got *imap.MailboxStatus
	_, err := c.exec(ctx, "STATUS", func(e *imapwire.Command) {
		e.Mailbox(mailbox).StatusItems(c.offered(items))
	}, func(r imap.Response) bool {
		st, ok := r.(*imap.MailboxStatus)
		if !ok || !sameMailbox(st.Mailbox, mailbox) {
			return false
		}
		got = st
		return true
	})
	if err == nil && got == nil {
		err = fmt.Errorf("STATUS %q: %w", mailbox, errNoData)
	}
	return got, err
}

var errNoData = errors.New("the server said OK but sent no data")

// offered leaves out the items of extensions that the server does not have.
func (c *Conn) offered(items imap.StatusItems) imap.StatusItems {
	caps := c.Capabilities()
	for item, w := range map[imap.StatusItems]imap.Capability{
		imap.StatusHighestModSeq: imap.CapCondStore,
		imap.StatusSize:          imap.CapStatusSize,
		imap.StatusMailboxID:     imap.CapObjectID,
	} {
		if !caps.Has(w) {
			items &^= item
		}
	}
	return items
}

// sameMailbox compares mailbox names: INBOX has no case (RFC 9051 section 5.1).
func sameMailbox(a, b string) bool {
	return a == b || strings.EqualFold(a, "INBOX") && strings.EqualFold(b, "INBOX")
}

// List lists mailboxes (RFC 9051 section 6.3.9). In pattern "*" matches anything and "%" anything
// but the hierarchy delimiter.
func (c *Conn) List(ctx context.Context, reference, pattern string) ([]*imap.List, error) {
	if err := c.need(StateAuthenticated); err != nil {
		return nil, err
	}
	var got []*imap.List
	_, err := c.exec(ctx, "LIST", func(e *imapwire.Command) {
		e.Mailbox(reference).ListMailbox(pattern)
	}, func(r imap.Response) bool {
		l, ok := r.(*imap.List)
		if ok {
			got = append(got, l)
		}
		return ok
	})
	return got, err
}
