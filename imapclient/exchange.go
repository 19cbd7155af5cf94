package imapclient

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/emersion/go-sasl"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapauth"
	"github.com/pushmail/pushmail/imapwire"
)

// exchange is one AUTHENTICATE (RFC 9051 section 6.2.2).
type exchange struct {
	c    *Conn
	mech sasl.Client
	name string
	cmd  command

	late    []byte // the initial response, where it waits for the first "+"
	waiting bool   // late is still to be sent
	sentAny bool   // something of the mechanism was sent
}

// maxInitial bounds an initial response in the command, in base64: what does not fit into the line
// that servers must take (RFC 9051 section 4: 8,192 bytes) waits for the "+" (RFC 4959 section 3).
const maxInitial = 8000

func (x *exchange) run(ctx context.Context) error {
	name, ir, err := x.mech.Start()
	if err != nil {
		return notSent(fmt.Errorf("SASL: %w", err))
	}
	c := x.c
	if err := c.begin(ctx); err != nil {
		return err
	}
	defer c.release()
	x.name = name
	early := ir != nil && c.Capabilities().Has(imap.CapSASLIR) && base64.StdEncoding.EncodedLen(len(ir)) <= maxInitial
	x.late, x.waiting, x.sentAny = ir, ir != nil && !early, early
	x.cmd.secrets.addLine(ir)
	x.cmd.name, x.cmd.challenge = "AUTHENTICATE "+name, x.answer
	c.cont = &x.cmd
	defer func() { c.cont = nil }()
	err = x.send(ctx, ir, early)
	if err == nil {
		err = c.finish(ctx, &x.cmd)
	}
	return x.verdict(err)
}

func (x *exchange) send(ctx context.Context, ir []byte, early bool) error {
	short := x.cmd.name
	x.cmd.name = "AUTHENTICATE"
	defer func() { x.cmd.name = short }()
	return x.c.send(ctx, &x.cmd, func(e *imapwire.Command) {
		e.Atom(x.name)
		if early {
			e.InitialResponse(ir)
		}
	})
}

// answer returns the reply to a challenge.
func (x *exchange) answer(r *imap.Continuation) ([]byte, error) {
	if x.waiting {
		x.waiting, x.sentAny = false, true
		return x.late, nil
	}
	challenge, err := base64.StdEncoding.DecodeString(r.Text)
	if err != nil {
		return nil, errors.New("the server's challenge is not base64")
	}
	reply, err := x.mech.Next(challenge)
	if err == nil {
		x.sentAny = true
		x.cmd.secrets.addLine(reply)
	}
	return reply, err
}

// verdict decides what the exchange came to: err is what the server said, or why nobody knows.
func (x *exchange) verdict(err error) error {
	cmd, c := &x.cmd, x.c
	switch {
	case cmd.err != nil && cmd.done && cmd.status.Kind != imap.OK:
		// We gave up, for a reason that says more than the server's answer to that.
		return &imapauth.ExchangeError{Mechanism: x.name, Err: cmd.err}
	case cmd.err != nil:
		// The server said OK to an exchange that we gave up, or nothing.
		err = &imapauth.ExchangeError{Mechanism: x.name, Err: cmd.err}
	case err == nil:
		err = x.unfinished()
	case cmd.done, errors.As(err, new(unsent)):
		return err
	}
	if err != nil {
		c.failIfOpen(err)
	}
	return err
}

// unfinished returns why an OK is not to be believed, or nil.
func (x *exchange) unfinished() error {
	if x.waiting {
		return &imapauth.ExchangeError{Mechanism: x.name, Err: errors.New("the server says that we are logged in, but asked for nothing")}
	}
	if m, ok := x.mech.(imapauth.Finisher); ok {
		return m.Finished()
	}
	return nil
}

// answer sends the reply to a challenge, or "*" to give up (RFC 9051 section 6.2.2).
func (c *Conn) answer(r *imap.Continuation) {
	cmd := c.cont
	if cmd.err != nil {
		c.fail(fmt.Errorf("%s: the server goes on after the exchange was given up", cmd.name))
		return
	}
	reply, err := cmd.challenge(r)
	line := base64.StdEncoding.EncodeToString(reply) + "\r\n"
	if err != nil {
		cmd.err = err
		line = "*\r\n"
	}
	c.opts.Trace.clientSecret()
	cmd.broken = c.writeBytes([]byte(line))
}
