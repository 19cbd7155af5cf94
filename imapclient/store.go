package imapclient

import (
	"context"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// Store changes flags of messages by UID STORE (RFC 9051 section 6.4.6). Unless o is Silent, the
// server repeats the flags, which go to the Handler. It returns the UIDs that were left out because
// they have changed since o.UnchangedSince (RFC 7162 section 3.1.3).
func (c *Conn) Store(ctx context.Context, uids imap.UIDSet, o *imap.StoreOptions) (imap.UIDSet, error) {
	if err := c.need(StateSelected); err != nil {
		return nil, err
	}
	cmd, err := c.exec(ctx, "UID STORE", func(e *imapwire.Command) { e.Set(uids).Store(o) }, nil)
	if code := cmd.status.Code; code != nil && code.Name == imap.CodeModified {
		return code.Source, err
	}
	return nil, err
}

// ExpungeUIDs removes those of the given messages that are flagged \Deleted (RFC 4315 section 2.1).
// What is gone is told to the Handler.
func (c *Conn) ExpungeUIDs(ctx context.Context, uids imap.UIDSet) error {
	if err := c.need(StateSelected); err != nil {
		return err
	}
	if err := c.require(imap.CapUIDPlus); err != nil {
		return err
	}
	_, err := c.exec(ctx, "UID EXPUNGE", func(e *imapwire.Command) { e.Set(uids) }, nil)
	return err
}

// Expunge removes all messages that are flagged \Deleted, by whomever (RFC 9051 section 6.4.3). What
// is gone is told to the Handler.
func (c *Conn) Expunge(ctx context.Context) error {
	if err := c.need(StateSelected); err != nil {
		return err
	}
	_, err := c.exec(ctx, "EXPUNGE", nil, nil)
	return err
}
