package imapclient

import (
	"context"
	"fmt"
	"time"

	"github.com/pushmail/pushmail/imap"
)

// upgrade runs STARTTLS (RFC 9051 section 6.2.1). It does not ask whether the server offers it: what
// is said in cleartext is not to be believed, in either direction.
func (c *Conn) upgrade(ctx context.Context) error {
	offered := c.Capabilities().Has(imap.CapStartTLS)
	cmd := &command{name: "STARTTLS"}
	if err := c.send(ctx, cmd, nil); err != nil {
		return err
	}
	if err := c.upgradeAnswered(ctx, cmd); err != nil {
		return err
	}
	if cmd.status.Kind != imap.OK {
		return c.upgradeRefused(cmd.status.Text, offered)
	}
	// Bytes behind the OK were sent in cleartext by the server or by somebody else. They must not
	// become part of the encrypted session (CVE-2011-0411 and its many kin).
	if c.framer.Buffered() > 0 {
		return &SecurityError{"the server sent data after it agreed to switch to TLS: refused, since anyone on the way can have put it there"}
	}
	c.forgetCapabilities()
	c.mu.Lock()
	c.bye = nil
	c.mu.Unlock()
	if err := c.startTLS(ctx); err != nil {
		return err
	}
	c.beforeTLS = false
	c.setSecurity(StartTLS)
	return nil
}

// upgradeAnswered reads until STARTTLS is answered. A server that keeps talking does not get more time.
func (c *Conn) upgradeAnswered(ctx context.Context, cmd *command) error {
	defer c.intr.watch(ctx)()
	by := time.Now().Add(c.opening.TLSTimeout)
	for !cmd.done {
		if err := c.stepUntil(ctx, "STARTTLS", by, c.opening.TLSTimeout); err != nil {
			return err
		}
	}
	return nil
}

// upgradeRefused decides whether the connection goes on in cleartext.
func (c *Conn) upgradeRefused(text string, offered bool) error {
	said := excerpt([]byte(text))
	switch {
	case c.opening.Security != InsecureOpportunisticTLS:
		return &SecurityError{fmt.Sprintf("the server refused to switch to TLS (%s): not going on in cleartext; perhaps it has TLS on port 993 (imaps://)", said)}
	case offered:
		return &SecurityError{fmt.Sprintf("the server offers to switch to TLS and then refuses it (%s): not going on in cleartext, for this is how an attack looks", said)}
	}
	c.beforeTLS = false
	c.setSecurity(InsecurePlaintext)
	c.opts.Trace.note("no TLS: the server refused it, going on in cleartext")
	return nil
}
