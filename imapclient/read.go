package imapclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// source is what the framer reads from. It gives each read its deadline: silence is measured from
// the last byte, however long a response is.
type source struct{ c *Conn }

func (s source) Read(p []byte) (int, error) {
	c := s.c
	if c.isHeld() {
		return 0, errHeld
	}
	by := c.reader.by
	if by.IsZero() && c.reader.silence > 0 {
		by = time.Now().Add(c.reader.silence)
	}
	c.intr.beforeRead(by)
	n, err := c.nc.Read(p)
	if n > 0 {
		c.mu.Lock()
		c.lastRead = time.Now()
		c.mu.Unlock()
	}
	return n, err
}

// step reads one response and acts on it. silence bounds how long the server may say nothing; op
// names what is waited for. If ctx ends, its cause is returned and the connection can go on. The
// caller watches ctx.
func (c *Conn) step(ctx context.Context, op string, silence time.Duration) error {
	if c.call != nil {
		if !c.call.alone {
			return c.call.wait()
		}
		ctx = c.call.pipe.ctx
	}
	if e := c.wait.ending; e != nil {
		if !e.done {
			return c.stepUntil(ctx, "end of IDLE", c.wait.endBy, c.opts.IdleTimeout)
		}
		c.wait.ending = nil
	}
	c.reader.by, c.reader.silence = time.Time{}, silence
	return c.stepFailed(ctx, op, silence, c.read())
}

// stepUntil is step with a point in time instead of a silence: a server that keeps talking does not
// move it.
func (c *Conn) stepUntil(ctx context.Context, op string, by time.Time, limit time.Duration) error {
	c.reader.by = by
	if c.framer.Ready() && !time.Now().Before(by) {
		return c.stepFailed(ctx, op, limit, errDeadline)
	}
	return c.stepFailed(ctx, op, limit, c.read())
}

// stepBy reads one response; a deadline error is returned as it is.
func (c *Conn) stepBy(by time.Time) error {
	c.reader.by = by
	return c.read()
}

// stepFailed turns an error of read into what a caller sees.
func (c *Conn) stepFailed(ctx context.Context, op string, limit time.Duration, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, errHeld) {
		return err
	}
	if isTimeout(err) {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		return c.fail(&TimeoutError{Op: op, After: limit})
	}
	return c.fail(c.causeOf(err))
}

// causeOf finds the reason of a dead connection: the server's own words if it gave any.
func (c *Conn) causeOf(err error) error {
	c.mu.Lock()
	bye := c.bye
	c.mu.Unlock()
	switch {
	case bye != nil:
		return &imap.StatusError{Status: *bye}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the server closed the connection: %w", err)
	}
	return err
}

// errDeadline is the error of a read whose deadline has passed.
var errDeadline error = &TimeoutError{Op: "read"}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

// read reads one response and acts on it.
func (c *Conn) read() error {
	fr, err := c.framer.Next()
	if err != nil {
		return c.readFailed(err)
	}
	c.hideEcho(fr.Data)
	c.opts.Trace.server(fr.Data, c.cont != nil && c.cont.challenge != nil)
	r, err := c.dec.Decode(fr)
	if err != nil {
		r = &imap.Malformed{Raw: append([]byte(nil), fr.Data[:min(len(fr.Data), maxMalformed)]...), Err: err}
	}
	if c.distrusts(r) {
		return &SecurityError{fmt.Sprintf("the server sent %T before TLS was on: refused, since anyone on the way can have put it there", r)}
	}
	c.dispatch(r)
	if c.cont != nil && c.cont.broken != nil {
		return c.cont.broken
	}
	return nil
}

// readFailed reports a response that was thrown away; any other error is returned. It is apart from read
// since errors.As has what it fills in escape: an allocation for each response that is fine.
func (c *Conn) readFailed(err error) error {
	var tooBig *imapwire.LimitError
	if errors.As(err, &tooBig) && tooBig.Skipped {
		c.dispatch(&imap.Malformed{Err: err})
		return nil
	}
	return err
}

// maxMalformed bounds the bytes kept of a response that could not be read.
const maxMalformed = 4 << 10

// distrusts reports whether r must not come over a connection that is about to switch to TLS: only
// status responses and capabilities may, and they are forgotten afterwards.
func (c *Conn) distrusts(r imap.Response) bool {
	if !c.beforeTLS {
		return false
	}
	switch r.(type) {
	case *imap.Status, *imap.Tagged, imap.CapabilityData, *imap.Malformed, *imap.Unknown:
		return false // not believed, or without meaning
	}
	return true
}

// dispatch acts on a response: it ends a command, is part of the result of one, or goes to the Handler.
func (c *Conn) dispatch(r imap.Response) {
	if c.opts.Observer != nil && c.State() >= StateAuthenticated {
		c.opts.Observer(r)
	}
	switch r := r.(type) {
	case *imap.Tagged:
		c.noteCode(r.Code)
		if !c.complete(r) {
			c.handle(&imap.Malformed{Raw: []byte(r.Tag + " " + r.Kind.String()), Err: errors.New("a reply to a command that is not under way")})
		}
		return
	case *imap.Continuation:
		if c.cont != nil && !c.cont.done {
			c.cont.continued = true
			if c.cont.challenge != nil {
				c.answer(r)
			}
		}
		return
	case *imap.Status:
		c.noteCode(r.Code)
		c.reportProgress(r)
		if r.HasCode(imap.CodeNotificationOverflow) {
			c.setNotify(notifyNone) // RFC 5465 section 5.8
		}
		if r.Kind == imap.BYE {
			c.mu.Lock()
			c.bye = r
			c.mu.Unlock()
		}
	case imap.CapabilityData:
		c.setCapabilities(imap.Capabilities(r))
		return
	}
	for _, cmd := range c.pending {
		if cmd.take != nil && cmd.take(r) {
			c.heard(cmd)
			return
		}
	}
	if c.updateLive(r) {
		c.handled++
		return
	}
	c.handle(r)
}

// handle gives r to the Handler. Before a login only status responses mean anything.
func (c *Conn) handle(r imap.Response) {
	if c.beforeTLS {
		return // texts of the server can be anybody's
	}
	switch r.(type) {
	case *imap.Status, *imap.Malformed, *imap.Unknown:
	default:
		if c.State() == StateNotAuthenticated {
			return
		}
	}
	c.handled++
	if c.opts.Handler != nil {
		c.opts.Handler(r)
	}
}

func (c *Conn) noteCode(code *imap.Code) {
	if code != nil && code.Name == imap.CodeCapability {
		c.setCapabilities(code.Caps)
	}
}

// complete ends the command that r answers, and reports false if there is none.
func (c *Conn) complete(r *imap.Tagged) bool {
	for i, cmd := range c.pending {
		if cmd.tag != r.Tag {
			continue
		}
		c.pending = append(c.pending[:i], c.pending[i+1:]...)
		cmd.status, cmd.done = r.Status, true
		if cmd.then != nil {
			cmd.then(&cmd.status)
		}
		c.heard(cmd)
		return true
	}
	return false
}

// heard notes which command the last response belongs to.
func (c *Conn) heard(cmd *command) {
	if c.pipe != nil {
		c.pipe.heard = cmd
	}
}
