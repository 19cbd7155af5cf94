package imapclient

import (
	"context"

	"github.com/pushmail/pushmail/imap"
)

// Unselect gives the selected mailbox up without expunging anything (RFC 3691).
//
// Without UNSELECT the mailbox is opened once more, read-only, and then closed: CLOSE of such a mailbox
// expunges nothing (RFC 9051 section 6.4.1). That takes two round trips, or one if the mailbox is
// selected read-only already.
//
// If ctx ends on the way the mailbox may still be selected; [Conn.Select] makes it known.
func (c *Conn) Unselect(ctx context.Context) error {
	if err := c.need(StateSelected); err != nil {
		return err
	}
	if c.Capabilities().Has(imap.CapUnselect) {
		return c.leaveMailbox(ctx, "UNSELECT")
	}
	s := c.Selected()
	if s == nil {
		return notSent(ErrNotSelected) // closed meanwhile
	}
	if !s.ReadOnly {
		_, err := c.Select(ctx, s.Mailbox, &imap.SelectOptions{ReadOnly: true})
		if isRefusal(err, imap.NO) {
			return nil // RFC 9051 section 6.3.2: then none is selected
		}
		if err != nil {
			return err
		}
	}
	return c.CloseMailbox(ctx)
}

// CloseMailbox gives the selected mailbox up and, unless it was selected read-only, removes the
// messages flagged \Deleted without telling which (RFC 9051 section 6.4.1). [Conn.Unselect] removes none.
func (c *Conn) CloseMailbox(ctx context.Context) error {
	if err := c.need(StateSelected); err != nil {
		return err
	}
	return c.leaveMailbox(ctx, "CLOSE")
}

func (c *Conn) leaveMailbox(ctx context.Context, verb string) error {
	_, err := c.exec(ctx, verb, nil, nil)
	if err == nil {
		c.setState(StateAuthenticated)
	}
	return err
}

// Check asks the server to do the housekeeping of the selected mailbox (RFC 3501 section 6.4.1). What
// that is, if anything, is up to the server; it is no way to ask for news. IMAP4rev2 has no CHECK, and a
// NOOP is sent.
func (c *Conn) Check(ctx context.Context) error {
	if err := c.need(StateSelected); err != nil {
		return err
	}
	verb := "CHECK"
	if c.isRev2() {
		verb = "NOOP" // RFC 9051 appendix E
	}
	_, err := c.exec(ctx, verb, nil, nil)
	return err
}
