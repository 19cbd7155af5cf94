package imapclient

import (
	"context"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// Capability asks the server what it offers (RFC 9051 section 6.1.1). It is rarely needed: Login,
// Authenticate and STARTTLS see to it that [Conn.Capabilities] is up to date.
func (c *Conn) Capability(ctx context.Context) (imap.Capabilities, error) {
	if _, err := c.exec(ctx, "CAPABILITY", nil, nil); err != nil {
		return nil, err
	}
	return c.Capabilities(), nil
}

// ensureCapabilities asks only if the server has not volunteered its capabilities.
func (c *Conn) ensureCapabilities(ctx context.Context) error {
	if c.capabilitiesKnown() {
		return nil
	}
	_, err := c.Capability(ctx)
	return err
}

// Enable switches extensions on (RFC 5161). It returns those that the server has enabled, now or
// before; one that it does not know is missing there and is no error. With UTF8=ACCEPT (RFC 6855)
// or IMAP4rev2 (RFC 9051) mailbox names and strings are UTF-8 from then on.
//
// A server that answers OK without saying what it enabled is taken to have enabled all that was
// asked for and that it offers, as iCloud does.
func (c *Conn) Enable(ctx context.Context, caps ...imap.Capability) (imap.Capabilities, error) {
	if err := c.need(StateAuthenticated); err != nil {
		return nil, err
	}
	if err := c.require(imap.CapEnable); err != nil {
		return nil, err
	}
	var said bool
	var got imap.Capabilities
	_, err := c.exec(ctx, "ENABLE", func(e *imapwire.Command) {
		for _, w := range caps {
			e.Atom(string(w))
		}
	}, func(r imap.Response) bool {
		on, ok := r.(imap.Enabled)
		if ok {
			said, got = true, append(got, on...)
		}
		return ok
	})
	if err != nil {
		return nil, err
	}
	if !said {
		for _, w := range caps {
			if c.Capabilities().Has(w) {
				got = append(got, w)
			}
		}
	}
	return got, c.enabledNow(ctx, got)
}

func (c *Conn) enabledNow(ctx context.Context, got imap.Capabilities) error {
	if err := c.begin(ctx); err != nil {
		return err
	}
	defer c.release()
	c.mu.Lock()
	c.enabled = append(c.enabled, got...)
	utf8 := c.utf8Locked()
	c.mu.Unlock()
	if utf8 && !c.wire.UTF8 {
		c.wire.UTF8 = true
		c.dec = imapwire.NewDecoder(&c.wire)
	}
	return nil
}

// utf8Locked reports whether names and strings are UTF-8 (RFC 6855 section 3, RFC 9051 section 6.3.1).
func (c *Conn) utf8Locked() bool {
	return c.enabled.Has(imap.CapUTF8Accept) || c.enabled.Has(imap.CapIMAP4rev2)
}
