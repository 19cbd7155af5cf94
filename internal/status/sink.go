package status

import (
	"time"
)

// What a sink is doing, for [Sink.Doing]; the words of package deliver.
const (
	SinkRunning  = "running"
	SinkResting  = "resting"  // it fails, or has asked for a rest: one event at a time is tried now and then
	SinkHung     = "hung"     // a delivery goes on though its time is over
	SinkPaused   = "paused"   // a person paused it
	SinkDisabled = "disabled" // it wants nothing any more, such as a webhook that answered 410
	SinkStopped  = "stopped"  // it was removed, or the program ends
)

// Sink is the state of a way out. The fields down to Replaying come from those who deliver; [Board.Sinks] adds the others.
type Sink struct {
	Name string `json:"name" doc:"Name of the sink, unique"`
	Type string `json:"type" doc:"Kind of sink, such as webhook or exec"`
	// Doing is one of the constants above, for the reason Why, which is for people, since DoingSince.
	Doing      string    `json:"-"`
	Why        string    `json:"-"`
	DoingSince time.Time `json:"-"`
	// Cursor is the position before which everything is done, except for what Behind counts.
	Cursor  int64 `json:"cursor" doc:"Position in the journal before which everything is done with, but for mailboxes that wait"`
	Backlog int64 `json:"backlog" doc:"Events in the journal after the cursor"`
	// Behind is the number of mailboxes with events that wait for their turn or another try, Failing those of them that wait
	// for another try, the first of which comes at RetryAt.
	Behind      int       `json:"behind" doc:"Mailboxes with events that wait for their turn or for another try"`
	Failing     int       `json:"failing" doc:"Those of them that wait for another try"`
	RetryAt     time.Time `json:"retry_at,omitzero" doc:"When the next of those tries comes"`
	InFlight    int       `json:"in_flight" doc:"Events that are being sent now"`
	DeadLetters int       `json:"dead_letters" doc:"Events that were given up after the last attempt"`
	// Delivered, Failed and Buried count since the program started.
	Delivered   uint64    `json:"delivered" doc:"Events delivered since the program started"`
	Failed      uint64    `json:"failed" doc:"Attempts that failed since the program started"`
	Buried      uint64    `json:"buried" doc:"Events given up since the program started"`
	DeliveredAt time.Time `json:"delivered_at,omitzero" doc:"When an event was last delivered"`
	Err         string    `json:"last_error,omitempty" doc:"The last failure; it stays after a success"`
	ErrAt       time.Time `json:"last_error_at,omitzero" doc:"When that was"`
	Replaying   int       `json:"replaying" doc:"Events that wait to be sent once more because somebody asked for that"`

	State   State    `json:"state"`
	Level   Level    `json:"level" enum:"good,wait,warn,bad"`
	Trouble *Trouble `json:"trouble,omitempty" doc:"What is wrong and what to do; absent if all is well"`
}

func (s *Sink) judge(now time.Time) {
	s.State, s.Trouble = Up, nil
	switch s.Doing {
	case SinkDisabled:
		s.fail(Disabled, "sink_disabled")
	case SinkPaused:
		s.fail(Paused, "sink_paused")
	case SinkStopped:
		s.fail(Paused, "sink_stopped")
	case SinkHung:
		s.fail(Down, "sink_hung")
	case SinkResting:
		if now.Sub(s.DoingSince) >= patience {
			s.fail(Down, "sink_failing")
		} else {
			s.fail(Retrying, "sink_retrying")
		}
	default:
		switch {
		case s.Failing > 0:
			s.fail(Retrying, "sink_mailbox_retrying")
		case s.DeadLetters > 0:
			s.fail(Up, "sink_dead_letters")
		}
	}
	s.Level = s.State.Level()
}

func (s *Sink) fail(to State, class string) {
	why := s.Why
	if why == "" && to != Up && to != Paused {
		why = s.Err
	}
	s.State, s.Trouble = to, explain(class, why, "")
	s.Trouble.RetryAt = s.RetryAt
	if to != Up && s.Doing != SinkRunning {
		s.Trouble.Since = s.DoingSince
	}
}
