package imapclient

import (
	"context"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// waitState is what a connection remembers of waiting. It is guarded by Conn.drive.
type waitState struct {
	idle     *command  // the IDLE that is under way, or nil
	resting  uint32    // the number of its tag while there is no reader, and neither is idle nor anything in Conn.pending
	ending   *command  // the IDLE whose DONE went out together with another command, or nil
	endBy    time.Time // when the answer to that DONE must be there
	since    time.Time // when it was begun
	polled   time.Time // the last NOOP of a server without IDLE
	refused  bool      // the server refused IDLE: poll
	refusals int
	how      Waiting // in place of Options
}

// Wait lets the server speak. It returns nil as soon as at least one response has gone to the
// Handler and nothing more is there to read, or when the server has proven to be alive: an IDLE was
// begun anew after Options.IdleRestart, or a NOOP was answered.
//
// Where the server offers IDLE (RFC 2177), Wait begins one and leaves it on: the next Wait goes on
// with it, and any other command ends it first. Otherwise Wait sends a NOOP each
// Options.PollInterval. Both need an authenticated connection, and say something of messages only
// with a selected mailbox.
//
// After [Conn.Notify] for other mailboxes than the selected one the server speaks without IDLE, so Wait
// sends none, and a NOOP each Options.IdleRestart. With SELECTED-DELAYED the server speaks in IDLE only,
// and with SELECTED Dovecot 2.3 forgets every third message outside of it. Where NOTIFY has the server
// say nothing at all, Wait returns [ErrNotNotified].
//
// When ctx ends, Wait returns its cause at once; the connection stays usable, and IDLE on. Only if that happens
// while Wait writes a line of its own, and the server does not take it within a second, the connection is closed. A server
// that does not answer IDLE or DONE within Options.IdleTimeout, or NOOP within CommandTimeout, is
// taken for dead: the connection is closed.
func (c *Conn) Wait(ctx context.Context) error {
	if err := c.need(StateAuthenticated); err != nil {
		return err
	}
	if c.call != nil {
		return c.call.refuse("IDLE")
	}
	for {
		if err := c.acquireToWait(ctx); err != nil {
			return err
		}
		heard, err := c.waitTurn(ctx)
		c.release()
		if err != nil || heard {
			return err
		}
	}
}

// Idle waits, as [Conn.Wait] does again and again, until ctx ends, and then ends IDLE, so that the
// next command is sent without delay. It returns nil when ctx has ended, and else what closed the
// connection. What the server says goes to the Handler.
func (c *Conn) Idle(ctx context.Context) error {
	for {
		err := c.Wait(ctx)
		switch {
		case err == nil:
			continue
		case ctx.Err() == nil || c.Err() != nil:
			return err
		}
		wctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*c.opts.IdleTimeout)
		defer cancel()
		return c.Settle(wctx)
	}
}

// Settle ends IDLE, if one is on, and reads the late answers to commands whose callers have gone. What the Observer is told
// of from then on is what the server says until and with the answer to the next command. It returns at once where there is
// neither. If ctx ends first, what is left is read before the next command, as always.
func (c *Conn) Settle(ctx context.Context) error {
	if err := c.begin(ctx); err != nil {
		return err
	}
	c.release()
	return nil
}

// waitTurn waits until something was heard. It also returns when another caller wants to drive.
func (c *Conn) waitTurn(ctx context.Context) (heard bool, err error) {
	defer c.intr.watch(ctx)()
	defer c.intr.giveGrace(waitGrace)()
	before := c.handled
	if c.wait.idle == nil {
		if err := c.quiesce(ctx); err != nil || c.handled != before {
			return true, err
		}
	}
	switch interval, err := c.noopInterval(); {
	case err != nil:
		return true, err
	case interval > 0:
		return c.pollTurn(ctx, before, interval)
	}
	switch {
	case c.wait.idle == nil:
		err = c.enterIdle(ctx)
	case !c.wait.idle.continued:
		err = c.idleContinued(ctx)
	}
	if err != nil || c.wait.idle == nil {
		return c.handled != before, err
	}
	heard, over, err := c.listen(ctx, c.wait.since.Add(c.idleRestart()), before)
	switch {
	case err != nil:
		return heard, err
	case c.wait.idle.done:
		c.idleEnded()
		return heard, nil
	case !over:
		return heard, nil
	}
	// The interval is over: a new IDLE proves that the server is there.
	if err := c.leaveIdle(ctx); err != nil {
		return heard, err
	}
	return true, c.enterIdle(ctx)
}

// noopInterval returns the time between two NOOPs, or zero where IDLE is used.
func (c *Conn) noopInterval() (time.Duration, error) {
	switch mode := c.notifyMode(); {
	case mode == notifyNone:
		return 0, ErrNotNotified
	case mode == notifyNow:
		// RFC 5465 section 4: IDLE is not needed, and without it the next command has no DONE to send first.
		return c.idleRestart(), nil
	case !c.canIdle():
		return c.pollInterval(), nil
	}
	return 0, nil
}

// nextPoll returns when the next NOOP is due.
func (c *Conn) nextPoll(interval time.Duration) time.Time {
	if c.wait.polled.IsZero() {
		c.wait.polled = time.Now()
	}
	return c.wait.polled.Add(interval)
}

func (c *Conn) canIdle() bool {
	return !c.wait.refused && !c.wait.how.NoIdle && c.Capabilities().Has(imap.CapIdle)
}

// listen reads until something was heard and nothing more is there to read, the server ended IDLE,
// another caller wants to drive, or, when it reports over, until the time by.
func (c *Conn) listen(ctx context.Context, by time.Time, before int) (heard, over bool, err error) {
	if !c.intr.startWaiting() {
		return c.handled != before, false, nil
	}
	for (c.wait.idle == nil || !c.wait.idle.done) && (c.handled == before || c.framer.Ready()) {
		if err = c.stepBy(by); err != nil {
			break
		}
	}
	yield := c.intr.stopWaiting()
	heard = c.handled != before
	switch {
	case err == nil:
		return heard, false, nil
	case !isTimeout(err):
		return heard, false, c.fail(c.causeOf(err))
	case context.Cause(ctx) != nil:
		return heard, false, context.Cause(ctx)
	}
	return heard, !yield, nil
}

// enterIdle sends IDLE and waits for its "+". Data that arrives before it goes to the Handler.
func (c *Conn) enterIdle(ctx context.Context) error {
	cmd := &command{name: "IDLE"}
	if err := c.send(ctx, cmd, nil); err != nil {
		return err
	}
	c.wait.idle, c.wait.since = cmd, time.Now()
	return c.idleContinued(ctx)
}

// idleContinued waits for the "+" of the IDLE under way.
func (c *Conn) idleContinued(ctx context.Context) error {
	cmd := c.wait.idle
	c.cont = cmd
	defer func() { c.cont = nil }()
	by := time.Now().Add(c.opts.IdleTimeout)
	for !cmd.continued && !cmd.done {
		if err := c.stepUntil(ctx, "IDLE", by, c.opts.IdleTimeout); err != nil {
			return err
		}
	}
	if cmd.done {
		c.idleEnded()
	}
	return nil
}

// idleEnded handles an IDLE that the server ended by itself. A server that refuses it, or answers
// OK without a "+", cannot do it: from now on it is polled (RFC 2177 section 3).
func (c *Conn) idleEnded() {
	cmd := c.wait.idle
	c.wait.idle = nil
	if !cmd.continued || cmd.status.Kind != imap.OK {
		c.wait.refused = true
		return
	}
	// It worked, and the server had enough of it. One that always has is polled.
	if time.Since(c.wait.since) < time.Second {
		c.wait.refusals++
	} else {
		c.wait.refusals = 0
	}
	c.wait.refused = c.wait.refusals >= 3
}

// leaveIdle ends an IDLE that is under way. A server that does not answer is dead.
func (c *Conn) leaveIdle(ctx context.Context) error {
	cmd := c.wait.idle
	if cmd == nil {
		return nil
	}
	if !cmd.continued && !cmd.done {
		if err := c.idleContinued(ctx); err != nil || c.wait.idle == nil {
			return err
		}
	}
	if !cmd.done {
		if err := c.sendDone(ctx); err != nil {
			return err
		}
	}
	c.wait.idle = nil
	by := time.Now().Add(c.opts.IdleTimeout)
	for !cmd.done {
		if err := c.stepUntil(ctx, "end of IDLE", by, c.opts.IdleTimeout); err != nil {
			return err
		}
	}
	return nil
}

// sendDone ends the IDLE under way. DONE is sent only once: from here the IDLE is a late answer.
func (c *Conn) sendDone(ctx context.Context) error {
	seg := imapwire.Segment{Data: []byte("DONE\r\n")}
	c.opts.Trace.client(seg)
	if err := c.write(seg); err != nil {
		return c.writeFailed(ctx, "DONE", err)
	}
	c.wait.idle = nil
	return nil
}

// pollTurn waits for the time of the next NOOP and sends it.
func (c *Conn) pollTurn(ctx context.Context, before int, interval time.Duration) (heard bool, err error) {
	heard, over, err := c.listen(ctx, c.nextPoll(interval), before)
	if err != nil || !over {
		return heard, err
	}
	c.wait.polled = time.Now()
	cmd := &command{name: "NOOP"}
	if err := c.send(ctx, cmd, nil); err != nil {
		return heard, err
	}
	return true, c.finish(ctx, cmd)
}

// acquireToWait is acquire for a caller that only waits: it does not push another one that waits aside.
func (c *Conn) acquireToWait(ctx context.Context) error {
	if err := c.Err(); err != nil {
		return err
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if !c.drive.try() {
		mine := c.drive.wait()
		select {
		case <-mine:
		case <-ctx.Done():
			c.drive.leave(mine)
			return context.Cause(ctx)
		case <-c.Done():
			c.drive.leave(mine)
			return c.Err()
		}
	}
	c.takeReader()
	return nil
}
