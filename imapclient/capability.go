package imapclient

import (
	"context"
	"slices"

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
	var said, got imap.Capabilities
	_, err := c.execThen(ctx, "ENABLE", func(e *imapwire.Command) { e.Capabilities(caps...) }, func(r imap.Response) bool {
		on, ok := r.(imap.Enabled)
		if ok {
			said = append(said, on...)
			got = said
		}
		return ok
	}, func(st *imap.Status) {
		if st.Kind != imap.OK {
			return
		}
		if said == nil {
			got = slices.DeleteFunc(slices.Clone(caps), func(w imap.Capability) bool { return !c.Capabilities().Has(w) })
		}
		c.enabledNow(got)
	})
	return got, err
}

// enabledNow has what was enabled take effect, from the next response on.
func (c *Conn) enabledNow(got imap.Capabilities) {
	c.mu.Lock()
	all := slices.Clone(c.enabledLocked())
	for _, w := range got {
		if !slices.Contains(all, w) {
			all = append(all, w)
		}
	}
	c.enabled = wordsOf(&sharedOffers, all)
	utf8 := c.utf8Locked()
	c.mu.Unlock()
	if utf8 {
		c.setUTF8(true)
	}
}

// utf8Locked reports whether names and strings are UTF-8 (RFC 6855 section 3, RFC 9051 section 6.3.1).
func (c *Conn) utf8Locked() bool {
	on := c.enabledLocked()
	return on.Has(imap.CapUTF8Accept) || on.Has(imap.CapIMAP4rev2)
}
