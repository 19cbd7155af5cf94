package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
)

// idleFacts are what --measure-idle found.
type idleFacts struct {
	// Outcome is how it ended.
	Outcome idleOutcome  `json:"outcome"`
	After   milliseconds `json:"after_ms"`
	Said    string       `json:"said,omitempty"` // what the server or the system said at the end
	// StillHere is how many signs of life the server sent by itself, and Gap the longest time between two.
	StillHere int          `json:"still_here"`
	Gap       milliseconds `json:"longest_gap_ms,omitempty"`
}

type idleOutcome string

const (
	idleAlive   idleOutcome = "alive"   // at the end it answered
	idleClosed  idleOutcome = "closed"  // the connection was closed
	idleEnded   idleOutcome = "ended"   // the server ended the IDLE and kept the connection
	idleSilent  idleOutcome = "silent"  // at the end it did not answer: the connection was dead, nobody knows since when
	idleMissing idleOutcome = "missing" // it does not do IDLE
)

// measure does what takes time or changes something, and was asked for.
func (d *examination) measure(ctx context.Context, warn func(string, ...any)) {
	if d.f.testMessage && ctx.Err() == nil {
		d.facts.Message = d.testMessage(ctx)
	}
	if !d.f.measureIdle || ctx.Err() != nil {
		return
	}
	if d.facts.Push != nil && d.facts.Push.Idles {
		warn("in IDLE for up to %v; Ctrl-C ends it", d.f.idleFor)
	}
	d.facts.Idle = d.idleTime(ctx)
}

// errIdleOver is the end of the time for an IDLE.
var errIdleOver = errors.New("the time is over")

// idleTime stays in one IDLE as long as it lasts.
func (d *examination) idleTime(ctx context.Context) *idleFacts {
	if !d.facts.Push.Idles {
		return &idleFacts{Outcome: idleMissing}
	}
	began := time.Now()
	last := began
	facts := &idleFacts{}
	wctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer time.AfterFunc(d.f.idleFor, func() { cancel(errIdleOver) }).Stop()
	over := errors.New("the server ended IDLE")
	d.ears.on(func(s sound) {
		switch s.kind {
		case soundEnd:
			cancel(over)
		case soundStillHere:
			facts.StillHere++
			facts.Gap = max(facts.Gap, inMilliseconds(s.at.Sub(last)))
			last = s.at
		}
	})
	var err error
	for err == nil && wctx.Err() == nil {
		err = d.conn.Wait(wctx)
	}
	facts.After = inMilliseconds(time.Since(began))
	d.ears.on(nil)
	switch {
	case d.conn.Err() != nil:
		facts.Outcome, facts.Said = idleClosed, endOf(d.conn.Err())
	case errors.Is(context.Cause(wctx), over):
		facts.Outcome = idleEnded
	default:
		facts.Outcome = d.aliveAfterIdle(facts)
	}
	return facts
}

// aliveAfterIdle asks whether the server is there.
func (d *examination) aliveAfterIdle(facts *idleFacts) idleOutcome {
	// Ctrl-C has ended the IDLE perhaps; the answer is still wanted.
	ctx, cancel := context.WithTimeout(context.Background(), d.f.conn.connectTimeout)
	defer cancel()
	if err := d.conn.Noop(ctx); err != nil {
		facts.Said = endOf(err)
		d.conn.Close() // nobody would hear a LOGOUT
		return idleSilent
	}
	return idleAlive
}

// endOf says what ended a connection.
func endOf(err error) string {
	var st *imap.StatusError
	var late *imapclient.TimeoutError
	switch {
	case errors.As(err, &st):
		return clean(fmt.Sprintf("%s %s", st.Kind, st.Text))
	case errors.As(err, &late), errors.Is(err, context.DeadlineExceeded):
		return "no answer"
	}
	return innermost(err)
}
