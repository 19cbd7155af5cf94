package imapwire

import (
	"io"

	"github.com/pushmail/pushmail/imap"
)

// Messages appends what follows the mailbox name in APPEND and REPLACE (RFC 9051 section 6.3.12, RFC
// 8508). More than one message is MULTIAPPEND (RFC 3502).
func (c *Command) Messages(messages ...imap.AppendMessage) *Command {
	if len(messages) == 0 {
		return c.fail("message", "is missing")
	}
	for i := range messages {
		c.message(&messages[i])
	}
	return c
}

func (c *Command) message(m *imap.AppendMessage) {
	if len(m.Flags) > 0 {
		c.Flags(m.Flags)
	}
	if !m.Date.IsZero() {
		c.DateTime(m.Date)
	}
	if len(m.Annotations) > 0 {
		c.Atom("ANNOTATION").annotations(m.Annotations)
	}
	if len(m.Parts) == 0 {
		c.content(m.Data, m.Reader, m.Size, m)
		return
	}
	c.Atom("CATENATE").List(func(c *Command) {
		for _, p := range m.Parts {
			c.catenatePart(&p, m)
		}
	})
}

func (c *Command) catenatePart(p *imap.CatenatePart, m *imap.AppendMessage) {
	if p.URL != "" {
		c.Atom("URL").AString(p.URL)
		return
	}
	if !m.UTF8 {
		c.Atom("TEXT")
	}
	c.content(p.Data, p.Reader, p.Size, m)
}

// content appends a literal, as the message asks.
func (c *Command) content(data []byte, r io.Reader, size int64, m *imap.AppendMessage) {
	literal := func(c *Command) {
		switch binary := m.Binary || m.UTF8; {
		case r != nil:
			c.literalReader(r, size, binary)
		case binary:
			c.Literal8(string(data))
		default:
			c.Literal(string(data))
		}
	}
	if m.UTF8 {
		c.Atom("UTF8").List(literal)
		return
	}
	literal(c)
}

// annotations appends a list of entries with their attributes (RFC 5257 section 4.4).
func (c *Command) annotations(entries []imap.Annotation) *Command {
	return c.List(func(c *Command) {
		for _, e := range entries {
			c.AString(e.Entry).List(func(c *Command) {
				for _, a := range e.Values {
					c.AString(a.Name).NString(a.Value, a.Nil)
				}
			})
		}
	})
}
