package deliver

import (
	"strings"
	"sync"
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
	// Cursor: everything up to it is done, or waits in one of the Waiting mailboxes. Last is how far the journal has been read.
	Cursor, Last journal.Position
	// InFlight is the number of events that are being sent now.
	InFlight int
	// Waiting is the number of mailboxes with events that are under way, or wait for their turn or for another try. Failing of them
	// wait for another try, the first of them until NextTry, which is zero without one.
	Waiting, Failing int
	NextTry          time.Time
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

// status is what [loop.publish] has found, and what has happened. It is shared with those who ask.
type status struct {
	mu   sync.Mutex
	s    Status    // guarded by mu
	late time.Time // guarded by mu; when the first call under way should have returned
}

func (s *status) delivered(r journal.Record, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.s.Delivered++
	s.s.LastDelivered, s.s.LastLag = now, now.Sub(r.RecordedAt)
}

func (s *status) failed(what string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.s.Failed++
	s.s.LastError, s.s.LastErrorAt = what+": "+errorText(err), time.Now()
}

func (s *status) buried() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.s.Buried++
}

// publish notes how the loop is doing.
func (l *loop) publish() {
	var late time.Time
	inFlight := 0
	for c := range l.inFlight {
		inFlight += len(c.batch)
		if late.IsZero() || c.late.Before(late) {
			late = c.late
		}
	}
	state, reason := l.state()
	s := &l.status
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.s.State != state {
		s.s.State, s.s.Since = state, time.Now()
	}
	s.late = late
	s.s.Name, s.s.Reason, s.s.InFlight, s.s.Cursor, s.s.Last = l.name, reason, inFlight, l.cursor(), l.head
	s.s.Waiting, s.s.Failing, s.s.NextTry, s.s.Replaying = len(l.keys), len(l.waiting), l.waiting.first(), l.replaying
}

func (l *loop) state() (State, string) {
	switch {
	case l.ended:
		return StateStopped, "removed, or the program ends"
	case strings.HasPrefix(l.halted, disabledPrefix):
		return StateDisabled, strings.TrimPrefix(l.halted, disabledPrefix)
	case l.halted != "":
		return StatePaused, l.halted
	case l.rest.resting():
		return StateResting, "it fails, or has asked for a rest"
	}
	return StateRunning, ""
}

func (l *loop) statusNow() Status {
	l.status.mu.Lock()
	defer l.status.mu.Unlock()
	s := l.status.s
	if late := l.status.late; !late.IsZero() && time.Since(late) > hungAfter && s.State == StateRunning {
		s.State, s.Reason, s.Since = StateHung, "a call does not return though its time is over", late
	}
	return s
}

// hungAfter is how long after its time a call is called hung.
const hungAfter = 5 * time.Second
