package sqlite

import (
	"context"
	"sync"

	"github.com/pushmail/pushmail/internal/journal"
)

// tally counts what the writer does.
type tally struct {
	mu sync.Mutex
	s  journal.Stats // guarded by mu
}

func (c *tally) committed(t *tx, writes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s.Events += t.events
	c.s.Repeated += t.repeated
	c.s.Writes += int64(writes)
	c.s.Commits++
	c.s.Failed, c.s.Err = 0, nil
}

func (c *tally) failed(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s.Failed++
	c.s.Err = err
}

// Stats implements [journal.Journal].
func (j *Journal) Stats(ctx context.Context) (journal.Stats, error) {
	j.tally.mu.Lock()
	s := j.tally.s
	j.tally.mu.Unlock()
	var err error
	if s.First, err = j.First(ctx); err != nil {
		return s, err
	}
	if s.Last, err = j.Last(ctx); err != nil {
		return s, err
	}
	var pages, free, size int64
	err = j.reads.QueryRowContext(ctx, "SELECT page_count, freelist_count, page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size").
		Scan(&pages, &free, &size)
	s.Bytes, s.Free = pages*size, free*size
	return s, j.failed(ctx, err)
}
