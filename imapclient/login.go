package imapclient

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/emersion/go-sasl"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// ErrLoginDisabled says that the server does not take LOGIN. Nothing was sent.
var ErrLoginDisabled = errors.New("the server does not allow LOGIN on this connection (LOGINDISABLED): use TLS, or another mechanism")

// Login logs in with the LOGIN command (RFC 9051 section 6.2.3). Where the server says LOGINDISABLED
// nothing is sent. Prefer [Conn.Authenticate] where the server offers a mechanism.
//
// A refusal is an *imap.StatusError; [Classify] tells a wrong password from a server that is busy.
func (c *Conn) Login(ctx context.Context, user, password string) error {
	if err := c.ensureCapabilities(ctx); err != nil {
		return err
	}
	if c.Capabilities().Has(imap.CapLoginDisabled) {
		return notSent(ErrLoginDisabled)
	}
	return c.loggingIn(ctx, func() error {
		_, err := c.exec(ctx, "LOGIN", func(e *imapwire.Command) {
			e.Secret(user).Secret(password)
		}, nil)
		return err
	})
}

// Authenticate logs in with a SASL mechanism (RFC 9051 section 6.2.2), with the initial response in
// the command where the server allows that (RFC 4959). Any value with the two methods of
// [sasl.Client] will do; package imapauth has some.
//
// If ctx ends on the way the connection is closed, for nobody can tell what state the exchange is in.
func (c *Conn) Authenticate(ctx context.Context, mech sasl.Client) error {
	if err := c.ensureCapabilities(ctx); err != nil {
		return err
	}
	return c.loggingIn(ctx, func() error { return c.authenticate(ctx, mech) })
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
		c.caps, c.capsKnow = caps, true
	}
}

func (c *Conn) authenticate(ctx context.Context, mech sasl.Client) error {
	name, ir, err := mech.Start()
	if err != nil {
		return notSent(fmt.Errorf("SASL: %w", err))
	}
	if err := c.begin(ctx); err != nil {
		return err
	}
	defer c.release()
	// The initial response goes with the command, or in answer to the first, empty "+".
	early := ir != nil && c.Capabilities().Has(imap.CapSASLIR)
	first := ir != nil && !early
	cmd := &command{name: "AUTHENTICATE " + name}
	cmd.challenge = func(r *imap.Continuation) ([]byte, error) {
		if first {
			first = false
			return ir, nil
		}
		ch, err := base64.StdEncoding.DecodeString(r.Text)
		if err != nil {
			return nil, fmt.Errorf("challenge is not base64: %w", err)
		}
		return mech.Next(ch)
	}
	c.cont = cmd
	defer func() { c.cont = nil }()
	err = c.sendAuthenticate(ctx, cmd, name, ir, early)
	if err == nil {
		err = c.finish(ctx, cmd)
	}
	if err != nil && !cmd.done {
		c.fail(err)
	}
	if cmd.done && cmd.err != nil && cmd.status.Kind != imap.OK {
		// Our side gave up, for a reason that says more than the server's answer to that.
		return errors.Join(cmd.err, &imap.StatusError{Command: cmd.name, Status: cmd.status})
	}
	if cmd.done && cmd.err != nil {
		// The server said OK to an exchange that we did not accept: it is not who it claims to be.
		c.fail(cmd.err)
	}
	return err
}

func (c *Conn) sendAuthenticate(ctx context.Context, cmd *command, name string, ir []byte, early bool) error {
	short := cmd.name
	cmd.name = "AUTHENTICATE"
	defer func() { cmd.name = short }()
	return c.send(ctx, cmd, func(e *imapwire.Command) {
		e.Atom(name)
		if early {
			e.InitialResponse(ir)
		}
	})
}

// answer sends the reply to a challenge, or "*" to give up (RFC 9051 section 6.2.2).
func (c *Conn) answer(r *imap.Continuation) {
	cmd := c.cont
	reply, err := cmd.challenge(r)
	line := base64.StdEncoding.EncodeToString(reply) + "\r\n"
	if err != nil {
		if cmd.err == nil {
			cmd.err = fmt.Errorf("SASL: %w", err)
		}
		line = "*\r\n"
	}
	c.opts.Trace.clientSecret()
	if err := c.writeBytes([]byte(line)); err != nil {
		c.fail(err)
	}
}
