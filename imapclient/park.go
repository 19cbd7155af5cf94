package imapclient

import (
	"context"
	"errors"
	"time"
)

// parked is the place of a connection in a [Poller]: what Conn.Wait keeps on a stack. It is also the context of
// what is sent meanwhile. That one has no channel: the Poller itself says when it ends.
type parked struct {
	p *Poller
	c *Conn

	// Guarded by Poller.mu:
	done  func(error)             // nil: it does not wait
	until time.Duration           // after Poller.start; zero: no limit
	cause error                   // why the wait is to end
	alone context.CancelCauseFunc // ends the goroutine that waits instead of the Poller
	at    time.Duration           // when it is due
	timer int32                   // index into Poller.timers, or -1
	slot  int32                   // index into Poller.waits
	turns uint32                  // waits so far
	busy  bool                    // in the queue, or worked on
	again bool                    // something has happened since the work began

	// Guarded by Conn.drive. There is one of these for each idle connection, so times are short here, too.
	renewed    bool // this wait has ended an IDLE to begin another
	heard      bool // something went to the Handler in an earlier turn of this wait
	turnsSeen  uint32
	registered *sockets      // that know it
	noop       *command      // sent by this wait
	awaited    *command      // whose answer is waited for
	awaitedAt  time.Duration // since when, after Poller.start
}

// maxResponses bounds how many responses a turn reads, so that a server that never stops shares the workers.
const maxResponses = 256

// errNotPolled says that a connection has to wait on a goroutine.
var errNotPolled = errors.New("the system does not poll the connection")

// Deadline is for context.Context, as are the next three.
func (k *parked) Deadline() (t time.Time, ok bool) { return t, false }

// Done returns nil: [interrupter.hurry] takes its place.
func (k *parked) Done() <-chan struct{} { return nil }

// Value returns nil.
func (k *parked) Value(any) any { return nil }

// Err returns why the wait is to end, or nil.
func (k *parked) Err() error {
	k.p.mu.Lock()
	defer k.p.mu.Unlock()
	return k.errLocked()
}

func (k *parked) errLocked() error {
	if k.cause == nil && k.until != 0 && k.p.now() >= k.until {
		return context.DeadlineExceeded
	}
	return k.cause
}

func (k *parked) waits() bool {
	k.p.mu.Lock()
	defer k.p.mu.Unlock()
	return k.done != nil
}

// turn does what can be done without waiting. It returns over with what the wait came to, or else by when the
// next turn is due if nothing happens before; then the Poller is set to wake up for the socket.
func (k *parked) turn() (over bool, by time.Time, err error) {
	c := k.c
	if err := c.Err(); err != nil {
		return true, by, err
	}
	if !c.drive.try() {
		return k.Err() != nil, k.limit(), k.Err() // who drives will poke when it has finished
	}
	defer c.drive.release()
	c.takeReader()
	defer c.intr.giveGrace(waitGrace)() // first, or an end that comes now would hurry nobody
	if err := k.begin(); err != nil {
		return true, by, err
	}
	over, by, err = k.advance()
	if over {
		return true, by, err
	}
	if c.leaveReader(); c.wait.resting != 0 {
		k.awaited = nil // its "+" has come
	}
	if until := k.limit(); !until.IsZero() && until.Before(by) {
		by = until
	}
	if err := k.p.watch(k); err != nil {
		if c.Err() != nil {
			return true, by, c.Err()
		}
		return false, by, errNotPolled
	}
	return false, by, nil
}

// limit returns when the wait ends at the latest, zero for never.
func (k *parked) limit() time.Time {
	k.p.mu.Lock()
	defer k.p.mu.Unlock()
	return k.p.timeOf(k.until)
}

// begin makes the fields that the driver guards those of this wait.
func (k *parked) begin() error {
	k.p.mu.Lock()
	defer k.p.mu.Unlock()
	if k.turnsSeen != k.turns {
		k.turnsSeen, k.noop, k.renewed, k.awaited, k.heard = k.turns, nil, false, nil, false
	}
	return k.errLocked()
}

// advance moves the connection on until it would have to wait for the server.
func (k *parked) advance() (over bool, by time.Time, err error) {
	c := k.c
	before := c.handled // and not that of an earlier turn: others may have driven since
	if k.heard {
		before--
	}
	defer func() { c.cont, k.heard = nil, c.handled != before }()
	for n := 0; ; n++ {
		over, want, err := k.next(before)
		if over || err != nil {
			return true, by, err
		}
		if n > 0 && want.late() {
			return true, by, c.fail(want.err())
		}
		if n == maxResponses {
			return false, time.Now(), nil // there is more to read than one turn may
		}
		switch err := k.read(); {
		case err == nil:
		case !isTimeout(err):
			return true, by, c.fail(c.causeOf(err))
		case want.late():
			return true, by, c.fail(want.err())
		case time.Now().Before(want.by):
			return false, want.by, nil
		}
	}
}

// awaited is what the server is to say next.
type awaited struct {
	by    time.Time
	op    string // "" if it need not say anything
	limit time.Duration
}

func (a awaited) late() bool { return a.op != "" && !time.Now().Before(a.by) }

func (a awaited) err() error { return &TimeoutError{Op: a.op, After: a.limit} }

// next sends what is to be sent now and returns what to read for. It follows waitTurn step by step.
func (k *parked) next(before int) (over bool, want awaited, err error) {
	c := k.c
	for {
		if err := c.need(StateAuthenticated); err != nil {
			return true, want, err
		}
		heard := c.handled != before
		if idle := c.wait.idle; idle != nil {
			over, want, err := k.nextInIdle(idle, heard)
			if over || err != nil || want.by != (time.Time{}) {
				return over, want, err
			}
			continue
		}
		if len(c.pending) > 0 {
			return false, k.answerTo(c.pending[0]), nil
		}
		if cmd := k.noop; cmd != nil {
			k.noop = nil
			return true, want, cmd.result()
		}
		if heard && !k.renewed {
			return !c.framer.Ready(), want, nil
		}
		interval, err := c.noopInterval()
		if err != nil {
			return true, want, err
		}
		if interval == 0 {
			err = k.sendIdle()
		} else if by := c.nextPoll(interval); time.Now().Before(by) {
			return k.renewed, awaited{by: by}, nil
		} else {
			c.wait.polled = time.Now()
			k.noop = &command{name: "NOOP"}
			err = c.send(k, k.noop, nil)
		}
		if err != nil {
			return true, want, err
		}
	}
}

func (k *parked) sendIdle() error {
	c := k.c
	cmd := &command{name: "IDLE"}
	if err := c.send(k, cmd, nil); err != nil {
		return err
	}
	c.wait.idle, c.wait.since = cmd, time.Now()
	return nil
}

// nextInIdle is next while an IDLE is under way. Without a time to wait for, next has to look again.
func (k *parked) nextInIdle(idle *command, heard bool) (over bool, want awaited, err error) {
	c := k.c
	switch due := c.wait.since.Add(c.idleRestart()); {
	case idle.done:
		c.idleEnded()
		return heard, want, nil
	case !idle.continued:
		c.cont = idle
		return false, k.await(idle, "IDLE", c.opts.IdleTimeout), nil
	case k.renewed:
		return true, want, nil
	case heard && !c.framer.Ready():
		return true, want, nil
	case time.Now().Before(due):
		return false, awaited{by: due}, nil
	}
	// The interval is over: a new IDLE proves that the server is there.
	k.renewed = true
	return false, want, c.sendDone(k)
}

// answerTo returns the wait for the late answer to cmd.
func (k *parked) answerTo(cmd *command) awaited {
	c := k.c
	if cmd == c.wait.ending {
		return awaited{c.wait.endBy, "end of IDLE", c.opts.IdleTimeout}
	}
	if cmd.name == "IDLE" {
		return k.await(cmd, "end of IDLE", c.opts.IdleTimeout)
	}
	op := cmd.name
	if cmd != k.noop {
		op = "late answer to " + op
	}
	want := k.await(cmd, op, c.opts.CommandTimeout)
	if by := c.LastRead().Add(want.limit); by.After(want.by) { // silence is measured from the last byte
		want.by = by
	}
	return want
}

// await returns the wait for something about cmd, from when it was asked for first.
func (k *parked) await(cmd *command, op string, limit time.Duration) awaited {
	if k.awaited != cmd {
		k.awaited, k.awaitedAt = cmd, k.p.now()
	}
	return awaited{k.p.start.Add(k.awaitedAt + limit), op, limit}
}

// read reads one response if it is there. A time-out says that it is not, or not as a whole.
func (k *parked) read() error {
	c := k.c
	c.gate.setPolling(true)
	defer c.gate.setPolling(false)
	c.reader.silence = 0
	return c.stepBy(time.Time{})
}

// unpark has the Poller look at the connection, if it waits in one.
func (c *Conn) unpark() {
	if k := c.parked.Load(); k != nil {
		k.p.poke(k)
	}
}

// errNotNow is the error of a read that would have to wait.
var errNotNow error = &TimeoutError{Op: "read"}
