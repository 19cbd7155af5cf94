package imapclient

import (
	"cmp"
	"time"
)

// Waiting is how [Conn.Wait] waits. Zero fields leave what Options say.
type Waiting struct {
	IdleRestart  time.Duration // see Options.IdleRestart
	PollInterval time.Duration // see Options.PollInterval
	NoIdle       bool          // poll even if the server offers IDLE
}

// SetWaiting says how Wait waits from its next call on: what a server bears may turn out only after it was asked who
// it is. It must not be called while another goroutine uses the connection.
func (c *Conn) SetWaiting(w Waiting) { c.wait.how = w }

// Idling returns when the last IDLE was begun, zero without one, and whether it is on: its DONE is not sent yet. What
// the server says while it is on, it says by itself. It may be called where the Handler and the Observer are, and by
// whoever uses the connection alone.
func (c *Conn) Idling() (since time.Time, on bool) {
	return c.wait.since, c.wait.idle != nil || c.wait.resting != 0
}

func (c *Conn) idleRestart() time.Duration { return cmp.Or(c.wait.how.IdleRestart, c.opts.IdleRestart) }

func (c *Conn) pollInterval() time.Duration {
	return cmp.Or(c.wait.how.PollInterval, c.opts.PollInterval)
}
