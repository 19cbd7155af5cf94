package imapwire

import (
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// Notify appends the arguments of NOTIFY (RFC 5465 section 8); nil is NONE.
func (c *Command) Notify(o *imap.NotifyOptions) *Command {
	if o == nil {
		return c.Atom("NONE")
	}
	if len(o.Groups) == 0 {
		return c.fail("NOTIFY", "has no groups of mailboxes")
	}
	c.Atom("SET")
	if o.Status {
		c.Atom("STATUS")
	}
	for _, g := range o.Groups {
		c.List(func(c *Command) { c.mailboxSelector(&g.Mailboxes).notifyEvents(g.Events) })
	}
	return c
}

// mailboxSelector appends "filter-mailboxes".
func (c *Command) mailboxSelector(s *imap.MailboxSelector) *Command {
	switch kind := strings.ToUpper(s.Kind); kind {
	case "SELECTED", "SELECTED-DELAYED", "INBOXES", "PERSONAL", "SUBSCRIBED":
		if len(s.Names) > 0 {
			return c.fail("mailboxes", "of this kind have no names")
		}
		return c.raw(kind)
	case "SUBTREE", "SUBTREE-ONE", "MAILBOXES":
		if len(s.Names) == 0 {
			return c.fail("mailboxes", "of this kind need names")
		}
		return c.raw(kind).List(func(c *Command) {
			for _, n := range s.Names {
				c.Mailbox(n)
			}
		})
	}
	return c.fail("mailboxes", "are of an unknown kind")
}

func (c *Command) notifyEvents(events []imap.NotifyEvent) *Command {
	if len(events) == 0 {
		return c.Atom("NONE")
	}
	return c.List(func(c *Command) {
		for _, e := range events {
			c.Atom(e.Name)
			if e.Fetch != nil {
				c.FetchItems(e.Fetch)
			}
		}
	})
}
