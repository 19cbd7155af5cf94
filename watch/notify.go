package watch

import (
	"context"
	"time"

	"github.com/pushmail/pushmail/imap"
)

// maxOverflows is how often the server may end notifications on one connection before they are given up there.
const maxOverflows = 3

// notify asks the server to tell on this connection what changes in any mailbox (RFC 5465), beginning with
// the STATUS of each: what changed since they were listed must not be missed. A server that refuses is
// swept.
func (c *control) notify(ctx context.Context) error {
	messages := []imap.NotifyEvent{{Name: imap.EventMessageNew}, {Name: imap.EventMessageExpunge}, {Name: imap.EventFlagChange}}
	err := c.link.conn.Notify(ctx, &imap.NotifyOptions{Status: true, Groups: []imap.NotifyGroup{
		// DELAYED: a mailbox that is visited is told of as always, with commands.
		{Mailboxes: imap.MailboxSelector{Kind: "SELECTED-DELAYED"}, Events: messages},
		{Mailboxes: imap.MailboxSelector{Kind: "PERSONAL"}, Events: append(messages, imap.NotifyEvent{Name: imap.EventMailboxName})},
	}})
	if err != nil && isRefusal(err) {
		c.o.Logger.Warn("the server offers NOTIFY but refuses it: mailboxes are looked at in turn", "account", c.o.Account, "err", err)
		c.overflows = maxOverflows
		return nil
	}
	c.notified = err == nil
	return err
}

// canNotify reports whether NOTIFY is worth a try.
func (c *control) canNotify() bool {
	return !c.notified && c.overflows < maxOverflows && c.link.conn.Capabilities().Has(imap.CapNotify)
}

// overflowed notes that the server has ended notifications (RFC 5465 section 5.8): nobody knows what was
// missed, so all mailboxes are looked at.
func (c *control) overflowed() {
	if !c.notified {
		return
	}
	c.o.Logger.Warn("the server has ended notifications: all mailboxes are looked at", "account", c.o.Account)
	c.notified = false
	c.overflows++
	c.sweptAt = time.Time{}
}
