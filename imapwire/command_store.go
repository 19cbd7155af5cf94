package imapwire

import (
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// Store appends what follows the message set in STORE (RFC 9051 section 6.4.6, RFC 7162 section 3.1.3).
func (c *Command) Store(o *imap.StoreOptions) *Command {
	if o.UnchangedSince != 0 {
		c.List(func(c *Command) { c.Atom("UNCHANGEDSINCE").ModSeq(o.UnchangedSince) })
	}
	if len(o.Annotations) > 0 {
		return c.Atom("ANNOTATION").annotations(o.Annotations)
	}
	name := "FLAGS"
	if o.Labels != nil {
		name = "X-GM-LABELS"
	}
	if o.Silent {
		name += ".SILENT"
	}
	c.raw(modePrefix(o.Mode) + name)
	if o.Labels != nil {
		return c.gmailLabels(o.Labels)
	}
	return c.Flags(o.Flags)
}

func (c *Command) gmailLabels(labels []string) *Command {
	return c.List(func(c *Command) {
		for _, l := range labels {
			c.GmailLabel(l)
		}
	})
}

// GmailLabel appends a label. Gmail's own, such as \Inbox, are written as flags; others are encoded as
// mailbox names are.
func (c *Command) GmailLabel(label string) *Command {
	if strings.HasPrefix(label, `\`) && isAtom(label[1:]) {
		return c.Flag(imap.Flag(label))
	}
	return c.Mailbox(label)
}
