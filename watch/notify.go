package watch

import (
	"context"
	"time"

	"github.com/pushmail/pushmail/imap"
)

// maxOverflows is how often the server may end notifications before they are given up, for noNotifyFor at least.
const (
	maxOverflows = 3
	noNotifyFor  = time.Hour
)

// notify asks the server to tell on this connection what changes in any mailbox (RFC 5465), beginning with
// the STATUS of each: what changed since they were listed must not be missed. A server that refuses is
// swept.
func (c *control) notify(ctx context.Context) error {
	messages := []imap.NotifyEvent{{Name: imap.EventMessageNew}, {Name: imap.EventMessageExpunge}, {Name: imap.EventFlagChange}}
	c.notified = true // an overflow may come before the end of the answer
	err := c.link.conn.Notify(ctx, &imap.NotifyOptions{Status: true, Groups: []imap.NotifyGroup{
		// DELAYED: a mailbox that is visited is told of as always, with commands.
		{Mailboxes: imap.MailboxSelector{Kind: "SELECTED-DELAYED"}, Events: messages},
		{Mailboxes: imap.MailboxSelector{Kind: "PERSONAL"}, Events: append(messages, imap.NotifyEvent{Name: imap.EventMailboxName})},
	}})
	if err != nil {
		c.notified = false
	}
	if err != nil && isRefusal(err) {
		c.o.Logger.Warn("the server offers NOTIFY but refuses it: mailboxes are looked at in turn", "account", c.o.Account, "err", err)
		c.doWithoutNotify()
		return nil
	}
	c.unnotified = !c.notified
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
	c.notified, c.unnotified = false, true
	c.overflows++
	c.sweptAt, c.relist = time.Time{}, true
	if c.overflows >= maxOverflows {
		c.doWithoutNotify()
	}
}

// doWithoutNotify has no connection try NOTIFY for an hour. On one where notifications have ended the server is silent of all,
// the selected mailbox included, so another one is to take over.
func (c *control) doWithoutNotify() {
	c.overflows, c.overflowedAt = maxOverflows, time.Now()
	if c.unnotified {
		c.link.renewal.at = now()
	}
}
