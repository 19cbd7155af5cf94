package imapwire

import (
	"encoding/base64"

	"github.com/pushmail/pushmail/imap"
)

// InitialResponse appends the initial response of AUTHENTICATE (RFC 4959 section 3), a secret. One
// that is empty is "=", which is not the same as none at all.
func (c *Command) InitialResponse(ir []byte) *Command {
	if len(ir) == 0 {
		return c.SecretAtom("=")
	}
	return c.SecretAtom(base64.StdEncoding.EncodeToString(ir))
}

// Limits of RFC 2971 section 3.3.
const (
	maxIDPairs = 30
	maxIDName  = 30
	maxIDValue = 1024
)

// ID appends the argument of ID (RFC 2971): a list of fields and values, or NIL without any.
func (c *Command) ID(pairs []imap.Attribute) *Command {
	if len(pairs) == 0 {
		return c.Nil()
	}
	if len(pairs) > maxIDPairs {
		return c.fail("ID", "has more than 30 fields")
	}
	return c.List(func(c *Command) {
		for _, p := range pairs {
			if len(p.Name) > maxIDName || len(p.Value) > maxIDValue {
				c.fail("ID", "has a field that is too long")
			}
			c.String(p.Name).NString(p.Value, p.Nil)
		}
	})
}

// Capabilities appends the arguments of ENABLE (RFC 5161).
func (c *Command) Capabilities(caps ...imap.Capability) *Command {
	if len(caps) == 0 {
		return c.fail("capability", "is missing")
	}
	for _, word := range caps {
		c.Atom(string(word))
	}
	return c
}
