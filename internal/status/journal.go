package status

import "time"

// Journal is the state of the journal.
type Journal struct {
	Bytes int64 `json:"bytes" doc:"Size on disk"`
	// First and Last are positions; 0 in a journal that never had an event.
	First int64 `json:"first" doc:"Position of the oldest event kept"`
	Last  int64 `json:"last" doc:"Position of the newest event"`
	// Writes that come at the same time share a commit, and so the disk's time.
	Writes  int64 `json:"writes" doc:"Writes since the program started: events with a checkpoint, and what sinks note"`
	Commits int64 `json:"commits" doc:"Transactions that they took; each is on the disk"`
	// Err is why it cannot be written now, since ErrAt; "" if it can.
	Err     string    `json:"-"`
	ErrAt   time.Time `json:"-"`
	Trouble *Trouble  `json:"trouble,omitempty" doc:"Why it cannot be written, and what to do; absent if it can"`
}

func (j *Journal) judge() {
	j.Trouble = nil
	if j.Err != "" {
		j.Trouble = explain("journal", j.Err, "")
		j.Trouble.Since = j.ErrAt
	}
}
