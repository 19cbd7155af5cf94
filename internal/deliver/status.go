package deliver

import (
	"time"

	"github.com/pushmail/pushmail/internal/journal"
)

// Status is how a sink is doing.
type Status struct {
	Name string
	// State is one of the State constants. Reason says why, for people, for all but StateRunning.
	State  State
	Reason string
	// Since is when State began.
	Since time.Time
	// Cursor is how far the journal is done, except for what Behind counts; Last is the end of the journal.
	Cursor, Last journal.Position
	// InFlight is the number of events that are being sent now.
	InFlight int
	// Behind is the number of mailboxes with events that wait for their turn or for another try; Failing of
	// them are waiting for another try. NextTry is when the first of those comes, zero without one.
	Behind, Failing int
	NextTry         time.Time
	// Delivered, Failed and Buried count events since the program started. A try that fails counts as Failed.
	Delivered, Failed, Buried uint64
	// LastDelivered is when an event was delivered last, LastLag how long after it had been recorded in the journal.
	LastDelivered time.Time
	LastLag       time.Duration
	// LastError is the last failure and LastErrorAt when it was. It stays after a success.
	LastError   string
	LastErrorAt time.Time
	// Replaying is the number of events that wait to be sent again because a person asked for it.
	Replaying int
}

// State is what a sink is doing.
type State string

// The states.
const (
	StateRunning  State = "running"
	StateResting  State = "resting"  // it fails, or has asked for a rest: one event at a time is tried now and then
	StateHung     State = "hung"     // a call goes on though its time is over
	StatePaused   State = "paused"   // a person paused it
	StateDisabled State = "disabled" // it wants nothing any more, such as a webhook that answered 410
	StateStopped  State = "stopped"  // it was removed, or the program ends
)
