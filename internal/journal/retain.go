package journal

import "time"

// Policy says what the journal keeps.
type Policy struct {
	// Age is how long an event is kept after it was recorded, and a dead letter after it was buried. Zero means
	// for ever.
	Age time.Duration
	// Bytes is how big the journal may be on the disk; the oldest events go first. Zero means that there is no
	// bound.
	Bytes int64
	// Sinks are those that are live: what one of them has not had, or has as a dead letter, stays. Nil means all
	// that were ever opened and not dropped.
	Sinks []string
}

// Retained is what Retain did.
type Retained struct {
	// Removed is how many events were removed, Freed how many bytes the journal is smaller.
	Removed int
	Freed   int64
	// HeldBy is the sink that keeps more from being removed, "" if none does.
	HeldBy string
}

// Stats is how big the journal is and what it has done since it was opened.
type Stats struct {
	// First and Last are as in [Log].
	First, Last Position
	// Bytes is what the journal takes on the disk, Free what of it is unused.
	Bytes, Free int64
	// Events is how many were written since the journal was opened, Repeated how many were there already,
	// Writes how many calls wrote, and Commits how many transactions that took.
	Events, Repeated, Writes, Commits int64
	// Failed is how many commits failed in a row, the last one with Err; 0 when the last one succeeded.
	Failed int64
	Err    error
}
