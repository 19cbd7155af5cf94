package imapclient

import (
	"context"
	"errors"
	"fmt"

	"github.com/emersion/go-sasl"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapauth"
	"github.com/pushmail/pushmail/imapwire"
)

// ErrLoginDisabled says that the server does not take LOGIN. Nothing was sent.
var ErrLoginDisabled = errors.New("the server does not allow LOGIN on this connection (LOGINDISABLED): use TLS, or another mechanism")

// Login logs in with the LOGIN command (RFC 9051 section 6.2.3). Where the server says LOGINDISABLED
// nothing is sent. Prefer [Conn.SignIn], which takes what the server offers.
//
// A refusal is an *[AuthError] around the server's *imap.StatusError. If ctx ends on the way the
// connection is closed, for nobody can tell whether we are logged in.
func (c *Conn) Login(ctx context.Context, user, password string) error {
	if err := c.ensureCapabilities(ctx); err != nil {
		return err
	}
	if c.Capabilities().Has(imap.CapLoginDisabled) {
		return notSent(ErrLoginDisabled)
	}
	err := c.loggingIn(ctx, func() error {
		cmd := &command{name: "LOGIN", secrets: &secrets{}}
		cmd.secrets.add(password)
		return c.run(ctx, cmd, func(e *imapwire.Command) {
			e.Secret(user).Secret(password)
		})
	})
	return newAuthError(imapauth.LoginCommand, err, nil, true)
}

// run is exec for a login: if nobody knows what it came to, the connection is closed.
func (c *Conn) run(ctx context.Context, cmd *command, build func(*imapwire.Command)) error {
	if err := c.begin(ctx); err != nil {
		return err
	}
	defer c.release()
	if err := c.send(ctx, cmd, build); err != nil {
		return err
	}
	err := c.finish(ctx, cmd)
	if err != nil && !cmd.done {
		return c.failIfOpen(err)
	}
	return err
}

// Authenticate logs in with a SASL mechanism (RFC 9051 section 6.2.2), with the initial response in
// the command where the server allows that (RFC 4959). Any value with the two methods of
// [sasl.Client] will do; package imapauth has some, and says what else a mechanism may have.
//
// A refusal is an *[AuthError] around the server's *imap.StatusError and what the mechanism knows of the
// reason. An *[imapauth.ExchangeError] means that the mechanism refused the server: if the server says
// that we are logged in all the same, the connection is closed, for it is not who it claims to be.
//
// If ctx ends on the way the connection is closed, for nobody can tell what state the exchange is in.
func (c *Conn) Authenticate(ctx context.Context, mech sasl.Client) error {
	return c.authenticateHiding(ctx, mech, "")
}

// authenticateHiding is Authenticate with a password that must not come back in what the server says.
func (c *Conn) authenticateHiding(ctx context.Context, mech sasl.Client, password string) error {
	if err := c.ensureCapabilities(ctx); err != nil {
		return err
	}
	x := &exchange{c: c, mech: mech}
	x.cmd.secrets = &secrets{}
	x.cmd.secrets.add(password)
	err := c.loggingIn(ctx, func() error { return x.run(ctx) })
	return newAuthError(imapauth.Mechanism(x.name), err, mech, x.sentAny)
}

// loggingIn runs a login and brings the state up to date after it.
func (c *Conn) loggingIn(ctx context.Context, login func() error) error {
	if s := c.State(); s != StateNotAuthenticated && s != StateClosed {
		return notSent(errors.New("already authenticated"))
	}
	// RFC 9051 section 6.2.2 and 6.2.3: the server may volunteer what it offers from now on; what it
	// said before is no longer true.
	before := c.Capabilities()
	c.forgetCapabilitiesOnly()
	if err := login(); err != nil {
		c.restoreCapabilities(before)
		return err
	}
	c.setState(StateAuthenticated)
	if err := c.ensureCapabilities(ctx); err != nil {
		return fmt.Errorf("after login: %w", err)
	}
	return nil
}

// forgetCapabilitiesOnly marks the capabilities as old, but keeps them for the login itself.
func (c *Conn) forgetCapabilitiesOnly() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.capsKnow = false
}

func (c *Conn) restoreCapabilities(caps imap.Capabilities) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.capsKnow {
		c.caps, c.capsKnow = wordsOf(&sharedOffers, caps), true
	}
}
