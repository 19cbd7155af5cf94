package imapwire

import "github.com/pushmail/pushmail/imap"

// GetMetadata appends the arguments of GETMETADATA: options if any, the mailbox ("" is the server),
// and the entries. The options go first, as in the grammar of RFC 5464 section 5; some of its
// examples have them after the mailbox.
func (c *Command) GetMetadata(mailbox string, entries []string, o *imap.GetMetadataOptions) *Command {
	if len(entries) == 0 {
		return c.fail("entries", "are missing")
	}
	if o != nil && (o.MaxSize > 0 || o.Depth != "") {
		c.List(func(c *Command) {
			if o.MaxSize > 0 {
				c.Atom("MAXSIZE").Number(uint64(o.MaxSize))
			}
			if o.Depth != "" {
				c.Atom("DEPTH").Atom(o.Depth)
			}
		})
	}
	return c.Mailbox(mailbox).strings(entries)
}

// SetMetadata appends the arguments of SETMETADATA. A value that is Nil removes its entry (RFC 5464
// section 4.3). Values with NUL are sent as literal8, which the extension contains.
//
// Literals wait for the server, whatever it offers: Dovecot 2.3 refuses the command as soon as it has read
// the name of a mailbox that does not exist, and would then take the content of a value for commands.
func (c *Command) SetMetadata(mailbox string, values []imap.Attribute) *Command {
	c.opts.LiteralPlus, c.opts.LiteralMinus = false, false
	if len(values) == 0 {
		return c.fail("entries", "are missing")
	}
	return c.Mailbox(mailbox).List(func(c *Command) {
		for _, v := range values {
			c.AString(v.Name).metadataValue(v)
		}
	})
}

func (c *Command) metadataValue(v imap.Attribute) *Command {
	if !v.Nil && hasNUL(v.Value) {
		return c.Literal8(v.Value)
	}
	return c.NString(v.Value, v.Nil)
}
