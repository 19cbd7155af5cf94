// Package sink is what an event leaves the program by: the interface between package deliver, which
// decides what is sent when, and the ways out, one small package each below this one.
//
// A sink sends and says what became of it. It keeps no queue and does not try again: order, retries,
// dead letters and the cursor are deliver's. See docs/sinks.md for how to add one.
package sink

import (
	"context"
	"fmt"
	"time"
)

// Sink is one way out. Its methods are called by package deliver alone.
type Sink interface {
	// Send delivers the events of batch, in this order, and returns one Result for each. The batch is
	// never empty; it may hold events of several mailboxes. Of one mailbox no two batches are under
	// way at the same time, but batches of different mailboxes are, up to Limits.Concurrency.
	//
	// After an event that has not been delivered Send must not deliver a later one with the same
	// Source: their Results are not looked at, and they come again. A missing Result counts as Retry.
	//
	// Send returns soon after ctx ends, which it does after Limits.Timeout. What it does not
	// know to be delivered is not OK. A panic is contained and counts as Retry.
	Send(ctx context.Context, batch []Delivery) []Result
	// Limits says how the sink wants to be called. It always returns the same.
	Limits() Limits
	// Close gives back what the sink holds. Nothing is under way then, unless Send did not return in time.
	Close() error
}

// Limits are how a [Sink] wants to be called.
type Limits struct {
	// Batch is the greatest number of events in one call of Send. Zero means 1.
	Batch int
	// Concurrency is the greatest number of calls of Send at the same time. Zero means 1.
	Concurrency int
	// Timeout is after how long the context of a call of Send ends. Zero means 30 s.
	Timeout time.Duration
}

// Or returns the limits with zeros replaced by what they stand for.
func (l Limits) Or() Limits {
	if l.Batch <= 0 {
		l.Batch = 1
	}
	if l.Concurrency <= 0 {
		l.Concurrency = 1
	}
	if l.Timeout <= 0 {
		l.Timeout = 30 * time.Second
	}
	return l
}

// Delivery is one event on its way to a sink. It is shared with other sinks: do not change JSON.
type Delivery struct {
	// ID is that of the event: the same whenever the event is sent, by which receivers recognise a repetition.
	ID string
	// Type, Account and Mailbox are those of the event; Mailbox is empty for what concerns a whole account.
	Type, Account, Mailbox string
	// Source is that of the event, the URL of the mailbox. Events with the same Source are sent in order.
	Source string
	// Position is the place of the event in the journal.
	Position int64
	// Attempt counts the tries of this event at this sink, beginning with 1.
	Attempt int
	// JSON is the event as a CloudEvents 1.0 object, in one line without the line end.
	JSON []byte
}

// Outcome is what became of a Delivery.
type Outcome uint8

// The outcomes.
const (
	// Retry: it was not delivered, or that is not known. Another try can help.
	Retry Outcome = iota
	// OK: it was delivered.
	OK
	// Busy is Retry, and nothing else can be delivered now, either: the sink as a whole is given a rest.
	Busy
	// Never: it was not delivered, and no other try can help.
	Never
	// Disable: it was not delivered, and the sink wants nothing any more, until a person says otherwise.
	Disable
)

// String returns the name of the outcome.
func (o Outcome) String() string {
	if int(o) < len(outcomes) {
		return outcomes[o]
	}
	return fmt.Sprintf("Outcome(%d)", o)
}

var outcomes = [...]string{"retry", "ok", "busy", "never", "disable"}

// Result says what became of a Delivery.
type Result struct {
	Outcome Outcome
	// After is when to try again, if the receiver has said so, for Retry and Busy. Zero leaves it to the schedule.
	After time.Duration
	// Err is why, for all but OK. People read it: what was tried, what was answered, no secrets.
	Err error
}

// All returns the result r for each of n events.
func All(n int, r Result) []Result {
	out := make([]Result, n)
	for i := range out {
		out[i] = r
	}
	return out
}
