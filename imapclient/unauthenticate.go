package imapclient

import (
	"context"

	"github.com/pushmail/pushmail/imap"
)

// Unauthenticate ends the session of the user and keeps the connection, for the next login (RFC 8437). The
// mailbox, if one was selected, is given up without an EXPUNGE; everything that was switched on is off
// again: ENABLE, NOTIFY, COMPRESS. TLS stays. What the server offers from now on is not known before the
// next login asks or is told.
//
// It needs UNAUTHENTICATE, which servers offer to administrators, if at all. If ctx ends, the late answer
// takes effect before the next command.
func (c *Conn) Unauthenticate(ctx context.Context) error {
	if err := c.need(StateAuthenticated); err != nil {
		return err
	}
	if err := c.require(imap.CapUnauthenticate); err != nil {
		return err
	}
	_, err := c.execThen(ctx, "UNAUTHENTICATE", nil, nil, func(st *imap.Status) {
		if st.Kind == imap.OK {
			c.loggedOff(st.HasCode(imap.CodeCapability))
		}
	})
	return err
}

// loggedOff forgets all that belonged to the user.
func (c *Conn) loggedOff(toldCapabilities bool) {
	c.stopCompression()
	c.wait = waitState{}
	c.setUTF8(false)
	if !toldCapabilities {
		c.forgetCapabilities()
	}
	c.setState(StateNotAuthenticated)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.enabled, c.notify = nil, notifyUnset
}
