package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/pushmail/pushmail/internal/journal"
)

// What Retain does at a time: others write in between.
const (
	removeAtOnce = 500 // events
	vacuumAtOnce = 500 // pages
)

// Retain implements [journal.Journal].
func (j *Journal) Retain(ctx context.Context, p journal.Policy) (done journal.Retained, err error) {
	before, err := j.Stats(ctx)
	if err != nil {
		return done, err
	}
	r, err := j.newRetention(ctx, p)
	if err != nil {
		return done, err
	}
	if err := j.do(ctx, r.dropDeadLetters); err != nil {
		return done, err
	}
	for r.removed = 1; r.removed > 0; done.Removed += r.removed {
		if err := j.do(ctx, r.removeSome); err != nil {
			return done, err
		}
	}
	done.HeldBy = r.heldBy
	if done.Removed > 0 {
		if err := j.do(ctx, r.dropOrphans); err != nil {
			return done, err
		}
	}
	if err := j.shrink(ctx, p.Bytes); err != nil {
		return done, err
	}
	after, err := j.Stats(ctx)
	done.Freed = before.Bytes - after.Bytes
	return done, err
}

// retention is one Retain.
type retention struct {
	journal.Policy
	live string // the names of the live sinks, as JSON

	removed int    // by the last removeSome
	heldBy  string // what kept it from removing more
}

func (j *Journal) newRetention(ctx context.Context, p journal.Policy) (*retention, error) {
	if p.Sinks == nil {
		all, err := j.Sinks(ctx)
		if err != nil {
			return nil, err
		}
		p.Sinks = []string{}
		for _, s := range all {
			p.Sinks = append(p.Sinks, s.Name)
		}
	}
	live, err := json.Marshal(p.Sinks)
	return &retention{Policy: p, live: string(live)}, err
}

// cutoff is the time before which nothing is kept, in milliseconds.
func (r *retention) cutoff(t *tx) int64 {
	if r.Age <= 0 {
		return math.MinInt64
	}
	return t.now - r.Age.Milliseconds()
}

func (r *retention) dropDeadLetters(t *tx) error {
	return t.exec("DELETE FROM dead_letter WHERE buried_at < ?", r.cutoff(t))
}

// dropOrphans removes rows of sinks that are not live, whose events are gone.
func (r *retention) dropOrphans(t *tx) error {
	for _, table := range []string{"pending", "dead_letter"} {
		if err := t.exec("DELETE FROM " + table + " WHERE NOT EXISTS (SELECT 1 FROM event WHERE event.position = " + table + ".position)"); err != nil {
			return err
		}
	}
	return nil
}

// floor is the last position that all live sinks have behind them, and the name of the one that is last. A sink that was
// never opened has no claim to what is old. From the first row with Rest on, events are needed that have no rows.
func (r *retention) floor(t *tx) (floor journal.Position, slowest string, err error) {
	err = t.get(`SELECT name, min(cursor, coalesce((SELECT min(position) - 1 FROM pending WHERE sink = name AND rest), cursor)) AS floor
		FROM sink WHERE name IN (SELECT value FROM json_each(?)) ORDER BY floor LIMIT 1`, []any{r.live}, &slowest, &floor)
	if errors.Is(err, sql.ErrNoRows) {
		return math.MaxInt64, "", nil
	}
	return floor, slowest, err
}

// removeSome removes the oldest events that are not to be kept: first those that are too old, then those that are too much.
func (r *retention) removeSome(t *tx) error {
	r.removed, r.heldBy = 0, ""
	floor, slowest, err := r.floor(t)
	if err != nil {
		return err
	}
	cutoff := r.cutoff(t)
	if r.removed, err = r.remove(t, floor, cutoff, removeAtOnce); err != nil || r.removed > 0 {
		return err
	}
	over, err := r.pagesOver(t)
	if err != nil {
		return err
	}
	if over > 0 {
		if r.removed, err = r.remove(t, floor, math.MaxInt64, min(over, removeAtOnce)); err != nil || r.removed > 0 {
			return err
		}
	}
	var held bool
	err = t.get("SELECT EXISTS (SELECT 1 FROM event WHERE (recorded_at < ? OR ?) AND position > ?)", []any{cutoff, over > 0, floor}, &held)
	if held {
		r.heldBy = slowest
	}
	return err
}

// remove removes up to most events that were recorded before the cutoff, and are neither after the floor nor in a row of
// a live sink.
func (r *retention) remove(t *tx, floor journal.Position, cutoff, most int64) (int, error) {
	if cutoff == math.MinInt64 {
		return 0, nil
	}
	n, err := t.change(`DELETE FROM event WHERE position IN (SELECT position FROM event WHERE position <= ?1 AND recorded_at < ?2
		AND NOT EXISTS (SELECT 1 FROM json_each(?3) live JOIN dead_letter d ON d.sink = live.value AND d.position = event.position)
		AND NOT EXISTS (SELECT 1 FROM json_each(?3) live JOIN pending p ON p.sink = live.value AND p.position = event.position)
		ORDER BY position LIMIT ?4)`, int64(floor), cutoff, r.live, most)
	return int(n), err
}

// pagesOver is by how many pages that are in use the journal is too big.
func (r *retention) pagesOver(t *tx) (int64, error) {
	if r.Bytes <= 0 {
		return 0, nil
	}
	var used, size int64
	err := t.get("SELECT page_count - freelist_count, page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size", nil, &used, &size)
	return used - r.Bytes/max(size, 1), err
}

// shrink gives pages that are not used back to the file system, bit by bit: all but a sixteenth, which the next events
// need, or as many as it takes to have at most so many bytes.
func (j *Journal) shrink(ctx context.Context, most int64) error {
	for {
		var n int64
		err := j.do(ctx, func(t *tx) error {
			var pages, free, size int64
			err := t.get("SELECT page_count, freelist_count, page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size", nil, &pages, &free, &size)
			if err != nil {
				return err
			}
			n = free - pages/16
			if most > 0 {
				n = max(n, min(free, pages-most/size))
			}
			if n = min(n, vacuumAtOnce); n <= 0 {
				return nil
			}
			return t.exec(fmt.Sprintf("PRAGMA incremental_vacuum(%d)", n))
		})
		if err != nil {
			return err
		}
		if n <= 0 {
			break
		}
	}
	// The file gets smaller when what the log has of it is written there.
	return j.write(ctx, &write{alone: func(ctx context.Context, c *sql.Conn) error {
		_, err := c.ExecContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)")
		return err
	}})
}
