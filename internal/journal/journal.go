package journal

import (
	"context"
	"time"

	"github.com/pushmail/pushmail/watch"
)

// Journal keeps events, checkpoints, and how far the sinks are. Its methods may be called from many goroutines.
//
// What writes returns nil when it is on the disk and survives a loss of power. After an error it has not happened,
// except when the context ended meanwhile: then it may have. Writing again is harmless in both cases. What is handed
// over must not be changed afterwards, even when the call has returned early. Writes that come at the same time share
// one commit.
//
// Errors: [ErrFull] when there is no room, [ErrClosed] after Close, [ErrReadOnly]; context errors as they are.
type Journal interface {
	watch.Store
	Log
	Sinks
	Accounts

	// Retain removes what is older or more than the policy allows, bit by bit, while others write. It never
	// removes what one of the policy's sinks has not had yet.
	Retain(ctx context.Context, p Policy) (Retained, error)
	// Backup writes a copy of the journal, as it is at one moment, into a new file. It is an error if there is
	// one at path. Others write meanwhile. When ctx ends, nothing is left at path.
	Backup(ctx context.Context, path string) error
	Stats(ctx context.Context) (Stats, error)
	// Close waits for the writes that have begun and gives up the journal.
	Close() error
}

// Log is the events of a [Journal].
type Log interface {
	// Append writes events and the checkpoint that covers them, both or neither. The key is that of the
	// checkpoint. With a nil checkpoint the events come before the one that will cover them; with the zero key,
	// too, there never will be one. An event whose ID is in the journal is not written again; neither is one
	// that was, and was removed by Retain, as long as no checkpoint covers it, since that is how long an event
	// can be reported again.
	Append(ctx context.Context, key watch.Key, events []Record, checkpoint []byte) error
	// Read returns up to limit records after a position that pass the filter, by position. None is no error.
	Read(ctx context.Context, after Position, limit int, f Filter) ([]Record, error)
	// Find returns the record of an event, or [ErrNotFound].
	Find(ctx context.Context, id string) (Record, error)
	// First is the position of the oldest record that is still there, Last that of the newest one there ever
	// was; 0 when there was none. First is Last+1 when all were removed.
	First(ctx context.Context) (Position, error)
	Last(ctx context.Context) (Position, error)
	// Wait returns when there is a record after a position, or with the error of ctx.
	Wait(ctx context.Context, after Position) error
}

// Sinks is the part of a [Journal] that delivery needs: for each sink a cursor, and rows for the events before the
// cursor that it has not had yet, or will not have.
type Sinks interface {
	// OpenSink returns the state of a sink. One that is new begins after the position from.
	OpenSink(ctx context.Context, sink string, from Position) (SinkState, error)
	// Sinks returns the state of all that were opened once, by name.
	Sinks(ctx context.Context) ([]SinkState, error)
	// UpdateSink does all that u says, or nothing. It is ErrNotFound when the sink was never opened.
	UpdateSink(ctx context.Context, sink string, u SinkUpdate) error
	// PauseSink sets or ends a pause. The reason is for people.
	PauseSink(ctx context.Context, sink string, paused bool, reason string) error
	// DropSink forgets a sink with all its rows.
	DropSink(ctx context.Context, sink string) error

	// Pending returns up to limit rows after a position, by position, with their events.
	Pending(ctx context.Context, sink string, after Position, limit int) ([]Pending, error)
	// DeadLetters returns up to limit dead letters after a position, by position, with their events. An empty
	// sink stands for all: then rows of the same position come by sink, and none is cut off from the others.
	DeadLetters(ctx context.Context, sink string, after Position, limit int) ([]DeadLetter, error)
	// Revive makes pending rows of dead letters, due at once, with no attempt made and without Rest. It returns how many there
	// were; without positions it is all of them.
	Revive(ctx context.Context, sink string, positions ...Position) (int, error)
	// Drop removes dead letters, without positions all of the sink. It returns how many there were.
	Drop(ctx context.Context, sink string, positions ...Position) (int, error)
}

// SinkState is how far a sink is.
type SinkState struct {
	Name string
	// Cursor: what is not after it is delivered, pending, or a dead letter.
	Cursor Position
	// Paused: nothing is to be delivered, for the reason.
	Paused bool
	Reason string
	// UpdatedAt is when one of these changed last.
	UpdatedAt time.Time
	// Pending and Dead are the numbers of rows.
	Pending, Dead int
}

// SinkUpdate is a step in the work of a sink.
type SinkUpdate struct {
	// Cursor moves the cursor, back too; nil leaves it.
	Cursor *Position
	// Put adds pending rows, or replaces those of the same position.
	Put []Retry
	// Done are delivered: their pending rows are removed.
	Done []Position
	// Bury are given up: their pending rows become dead letters. There need not be one.
	Bury []Retry
}

// Retry is an event that a sink has not taken yet.
type Retry struct {
	Position Position
	// Key is what is delivered in order: later events of the same Key wait for this one.
	Key string
	// Rest: not this event alone, but all of the same Key after it, up to the cursor, which have no rows of their
	// own. Key is their Source then. Retain keeps them, as it keeps everything from the first pending row on.
	Rest bool
	// Attempts is how many were made, the last one at LastAt with Error.
	Attempts int
	LastAt   time.Time
	Error    string
	// NextAt is when to try again; zero means at once.
	NextAt time.Time
	// Skipped: it is to be given up if it fails once more.
	Skipped bool
}

// Pending is a [Retry] with its event.
type Pending struct {
	Retry
	Record Record
}

// DeadLetter is an event that a sink was given in vain.
type DeadLetter struct {
	Sink string
	Retry
	BuriedAt time.Time
	Record   Record
}

// Accounts is the part of a [Journal] that keeps accounts that are not in the configuration.
type Accounts interface {
	// PutAccount keeps what describes an account, in place of what was kept. It is sealed by the caller: the
	// journal does not look into it.
	PutAccount(ctx context.Context, name string, sealed []byte) error
	// Accounts returns those that are kept, by name.
	Accounts(ctx context.Context) ([]Account, error)
	// DeleteAccount forgets one, or is ErrNotFound. Its checkpoints stay.
	DeleteAccount(ctx context.Context, name string) error
	// ForgetCheckpoints removes the checkpoints of an account: when it is watched again it starts anew. Its
	// events stay.
	ForgetCheckpoints(ctx context.Context, account string) error
}

// Account is one that is kept in the journal.
type Account struct {
	Name   string
	Sealed []byte
	// UpdatedAt is when it was put.
	UpdatedAt time.Time
}
