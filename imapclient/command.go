package imapclient

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// command is one command on its way. Whoever drives the connection moves it on, be it the goroutine
// that issued it or another one that has to get it out of the way.
type command struct {
	name string
	tag  string
	// take is offered each untagged response while the command is under way, and reports whether the
	// response is part of the command's result. Nil takes none.
	take func(imap.Response) bool
	// then, if not nil, is called with the tagged response, when it comes, also after the caller has gone:
	// for what must change between one byte and the next.
	then func(*imap.Status)
	// challenge answers a "+" while authenticating.
	challenge func(*imap.Continuation) ([]byte, error)
	// secrets are hidden in all that the server says meanwhile. Nil hides nothing.
	secrets *secrets

	// In a pipeline:
	piped     *call // whose command it is
	size      int   // bytes sent
	ambiguous bool  // its answers do not say that they belong to it
	dropped   bool  // nothing of it was sent

	broken    error // of the write of an answer to a challenge
	continued bool  // a "+" came
	done      bool
	status    imap.Status
	err       error // why it ended without a tagged response, or in spite of a good one
}

// result returns what the finished command came to: nil for OK.
func (cmd *command) result() error {
	if cmd.err != nil {
		return cmd.err
	}
	if cmd.status.Kind == imap.OK {
		return nil
	}
	return &imap.StatusError{Command: cmd.name, Status: cmd.status}
}

// exec sends a command and reads until it is done. build writes its arguments.
func (c *Conn) exec(ctx context.Context, name string, build func(*imapwire.Command), take func(imap.Response) bool) (*command, error) {
	return c.execWith(ctx, name, func(_ *command, e *imapwire.Command) {
		if build != nil {
			build(e)
		}
	}, take)
}

// execThen is exec for a command whose answer changes the connection; see command.then.
func (c *Conn) execThen(ctx context.Context, name string, build func(*imapwire.Command), take func(imap.Response) bool, then func(*imap.Status)) (*command, error) {
	return c.execWith(ctx, name, func(cmd *command, e *imapwire.Command) {
		cmd.then = then
		if build != nil {
			build(e)
		}
	}, take)
}

// execWith is exec for a command whose result depends on its tag.
func (c *Conn) execWith(ctx context.Context, name string, build func(*command, *imapwire.Command), take func(imap.Response) bool) (*command, error) {
	cmd := &command{name: name, take: take}
	if err := c.begin(ctx); err != nil {
		return cmd, err
	}
	defer c.release()
	if err := c.send(ctx, cmd, func(e *imapwire.Command) { build(cmd, e) }); err != nil {
		return cmd, err
	}
	err := c.finish(ctx, cmd)
	return cmd, err
}

// begin makes this goroutine the driver of a connection on which no command is under way.
func (c *Conn) begin(ctx context.Context) error {
	if err := c.acquire(ctx); err != nil {
		return err
	}
	if err := c.quiesce(ctx); err != nil {
		c.release()
		return notSent(err)
	}
	return nil
}

// beginInIdle is begin for a command that may follow DONE at once: one that names messages by UID, so
// that it does not matter what the server still has to say of IDLE (RFC 9051 section 5.5). It saves a
// round trip whenever something was pushed.
func (c *Conn) beginInIdle(ctx context.Context) error {
	if err := c.acquire(ctx); err != nil {
		return err
	}
	if idle := c.wait.idle; idle != nil && idle.continued && !idle.done && len(c.pending) == 1 {
		return nil
	}
	if err := c.quiesce(ctx); err != nil {
		c.release()
		return notSent(err)
	}
	return nil
}

// quiesce ends IDLE and reads the late answers of commands whose callers have gone.
func (c *Conn) quiesce(ctx context.Context) error {
	if c.call != nil || c.wait.idle == nil && len(c.pending) == 0 {
		return nil
	}
	defer c.intr.watch(ctx)()
	if err := c.leaveIdle(ctx); err != nil {
		return err
	}
	for len(c.pending) > 0 {
		if err := c.step(ctx, "late answer to "+c.pending[0].name, c.opts.CommandTimeout); err != nil {
			return err
		}
	}
	return nil
}

// send writes a command. On return it is under way, or an error says why not.
func (c *Conn) send(ctx context.Context, cmd *command, build func(*imapwire.Command)) error {
	c.tagNum++
	cmd.tag = tagOf(c.tagNum)
	enc := imapwire.NewCommand(cmd.tag, cmd.name, c.encodeOptions())
	if build != nil {
		build(enc)
	}
	segs, err := enc.Segments()
	if err != nil {
		return notSent(err)
	}
	if err := context.Cause(ctx); err != nil {
		return notSent(err)
	}
	if c.call != nil {
		f := c.streaming
		streams := f != nil && &f.command == cmd && f.body != nil
		if alone, err := c.call.send(cmd, enc, segs, streams); err != nil || !alone {
			return err
		}
		c.streaming = f
	}
	defer c.intr.watch(ctx)()
	if err := context.Cause(ctx); err != nil {
		return notSent(err)
	}
	c.pending = append(c.pending, cmd)
	for _, seg := range segs {
		if seg.Wait {
			if goOn, err := c.awaitContinue(ctx, cmd); err != nil || !goOn {
				return err
			}
		}
		if c.wait.idle != nil && c.wait.idle != cmd {
			seg = c.afterDone(seg)
		}
		c.opts.Trace.client(seg)
		if err := c.write(seg); err != nil {
			return c.writeFailed(ctx, cmd.name, err)
		}
	}
	return nil
}

func tagOf(n uint32) string { return "P" + strconv.FormatUint(uint64(n), 10) }

// numberOf undoes tagOf.
func numberOf(tag string) uint32 {
	n, _ := strconv.ParseUint(tag[1:], 10, 32)
	return uint32(n)
}

// encodeOptions are what the session allows now.
func (c *Conn) encodeOptions() imapwire.EncodeOptions {
	c.mu.Lock()
	defer c.mu.Unlock()
	caps := c.capsLocked()
	return imapwire.EncodeOptions{
		LiteralPlus:  caps.Has(imap.CapLiteralPlus),
		LiteralMinus: caps.Has(imap.CapLiteralMinus),
		UTF8:         c.utf8Locked(),
		UIDOnly:      c.enabledLocked().Has(imap.CapUIDOnly) || c.notify == notifyShifts,
		Binary:       caps.Has(imap.CapBinary),
		MaxLine:      c.opts.MaxCommandLine,
	}
}

// afterDone puts the DONE of the IDLE under way in front of the first segment of a command.
func (c *Conn) afterDone(seg imapwire.Segment) imapwire.Segment {
	const done = "DONE\r\n"
	c.wait.ending, c.wait.endBy, c.wait.idle = c.wait.idle, time.Now().Add(c.opts.IdleTimeout), nil
	seg.Data = append([]byte(done), seg.Data...)
	secrets := make([]imapwire.Span, len(seg.Secrets))
	for i, s := range seg.Secrets {
		secrets[i] = imapwire.Span{Start: s.Start + len(done), End: s.End + len(done)}
	}
	seg.Secrets = secrets
	return seg
}

// awaitContinue waits for the "+" before a literal. It reports false if the server ended the command
// instead. If ctx ends, the connection has to go: the server waits for bytes that will not come.
func (c *Conn) awaitContinue(ctx context.Context, cmd *command) (bool, error) {
	cmd.continued, c.cont = false, cmd
	defer func() { c.cont = nil }()
	for !cmd.continued && !cmd.done {
		if err := c.step(ctx, cmd.name+", waiting to send a literal", c.opts.CommandTimeout); err != nil {
			return false, c.failIfOpen(err)
		}
	}
	return !cmd.done, nil
}

// failIfOpen closes the connection with err as its cause and returns err.
func (c *Conn) failIfOpen(err error) error {
	if !errors.As(err, new(*ClosedError)) {
		c.fail(err)
	}
	return err
}

func (c *Conn) write(seg imapwire.Segment) error {
	_, err := seg.WriteTo(sender{c})
	return err
}

// sender gives each write its own deadline.
type sender struct{ c *Conn }

func (s sender) Write(p []byte) (int, error) { return len(p), s.c.writeBytes(p) }

func (c *Conn) writeBytes(b []byte) error {
	c.intr.beforeWrite(time.Now().Add(c.opts.CommandTimeout))
	defer c.intr.afterWrite()
	_, err := c.nc.Write(b)
	return err
}

// writeFailed closes the connection, of which nobody knows how much was written.
func (c *Conn) writeFailed(ctx context.Context, name string, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		c.fail(cause)
		return cause
	}
	if reader, ok := errors.AsType[*ReaderError](err); ok {
		return c.fail(reader)
	}
	if isTimeout(err) {
		err = &TimeoutError{Op: "write of " + name, After: c.opts.CommandTimeout}
	}
	// The server may have said why it hung up before it stopped reading.
	c.lastWords()
	return c.fail(c.causeOf(err))
}

// lastWords reads what the server sent before it closed the connection: a BYE has the reason.
func (c *Conn) lastWords() {
	c.intr.clear()
	by := time.Now().Add(time.Second)
	for range 100 {
		if err := c.stepBy(by); err != nil {
			return
		}
	}
}

// finish reads until cmd is done. If ctx ends first, cmd is left to whoever drives next.
func (c *Conn) finish(ctx context.Context, cmd *command) error {
	if !cmd.done {
		defer c.intr.watch(ctx)()
	}
	for !cmd.done {
		if err := c.step(ctx, cmd.name, c.opts.CommandTimeout); err != nil {
			return err
		}
	}
	return cmd.result()
}

func appendInt(b []byte, n int) []byte { return strconv.AppendInt(b, int64(n), 10) }
