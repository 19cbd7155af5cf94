package status

// State is how an account, a mailbox or a sink is.
type State string

// The states. An account has the worst one of its mailboxes.
const (
	// Up: all is well.
	Up State = "up"
	// Paused: somebody has stopped it on purpose (sinks).
	Paused State = "paused"
	// Starting: it has not been open yet, and nothing has gone wrong so far.
	Starting State = "starting"
	// Deaf: it is open, but the server did not tell of a change lately, so it is asked each minute.
	Deaf State = "deaf"
	// Reconnecting: it was lost not long ago, for a reason that passes by itself.
	Reconnecting State = "reconnecting"
	// Retrying: deliveries fail and are tried again (sinks).
	Retrying State = "retrying"
	// Stale: for too long nobody could prove that nothing is missing.
	Stale State = "stale"
	// Down: it does not work, and somebody has to change something, or it has not worked for a long time.
	Down State = "down"
	// Disabled: the receiver has said that it wants no more (sinks).
	Disabled State = "disabled"
	// Failed: it cannot go on and does not try again.
	Failed State = "failed"
)

// States returns all states, from good to bad.
func States() []State {
	return []State{Up, Paused, Starting, Deaf, Reconnecting, Retrying, Stale, Down, Disabled, Failed}
}

// Level is how much attention a state wants.
type Level string

// The levels.
const (
	Good Level = "good"
	Wait Level = "wait" // it goes on by itself, soon
	Warn Level = "warn" // worth a look
	Bad  Level = "bad"  // events are missing: somebody has to act
)

// Level returns how much attention the state wants.
func (s State) Level() Level {
	switch s {
	case Up:
		return Good
	case Starting, Paused:
		return Wait
	case Deaf, Reconnecting, Retrying:
		return Warn
	}
	return Bad
}

// Severity orders states: the bigger, the worse. A state that is not known is the worst.
func (s State) Severity() int {
	for i, known := range States() {
		if s == known {
			return i
		}
	}
	return len(States())
}
