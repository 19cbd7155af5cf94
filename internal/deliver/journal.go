package deliver

import (
	"context"

	"github.com/pushmail/pushmail/internal/journal"
)

// Journal is what this package needs of the [journal.Journal], which see.
//
// Its pending rows are of two kinds. One with Rest is a lane: a mailbox that the cursor has left behind. One
// without is a replay of that event alone.
type Journal interface {
	Read(ctx context.Context, after journal.Position, limit int, f journal.Filter) ([]journal.Record, error)
	Find(ctx context.Context, id string) (journal.Record, error)
	Last(ctx context.Context) (journal.Position, error)
	Wait(ctx context.Context, after journal.Position) error
	OpenSink(ctx context.Context, sink string, from journal.Position) (journal.SinkState, error)
	UpdateSink(ctx context.Context, sink string, u journal.SinkUpdate) error
	PauseSink(ctx context.Context, sink string, paused bool, reason string) error
	Pending(ctx context.Context, sink string, after journal.Position, limit int) ([]journal.Pending, error)
	DeadLetters(ctx context.Context, sink string, after journal.Position, limit int) ([]journal.DeadLetter, error)
	Revive(ctx context.Context, sink string, positions ...journal.Position) (int, error)
}
