package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/pushmail/pushmail/internal/journal"
)

func noSink(name string) error { return fmt.Errorf("sink %q: %w", name, journal.ErrNotFound) }

// do writes in a transaction shared with others.
func (j *Journal) do(ctx context.Context, do func(t *tx) error) error {
	return j.write(ctx, &write{bytes: 512, do: do})
}

const sinkColumns = `SELECT name, cursor, paused, reason, updated_at,
	(SELECT count(*) FROM pending WHERE sink = name), (SELECT count(*) FROM dead_letter WHERE sink = name) FROM sink `

func (j *Journal) sinks(ctx context.Context, query string, args ...any) (out []journal.SinkState, err error) {
	err = j.query(ctx, func(rows *sql.Rows) error {
		var s journal.SinkState
		err := rows.Scan(&s.Name, &s.Cursor, &s.Paused, &s.Reason, when{&s.UpdatedAt}, &s.Pending, &s.Dead)
		out = append(out, s)
		return err
	}, sinkColumns+query, args...)
	return out, err
}

// Sinks implements [journal.Sinks].
func (j *Journal) Sinks(ctx context.Context) ([]journal.SinkState, error) {
	return j.sinks(ctx, "ORDER BY name")
}

// OpenSink implements [journal.Sinks].
func (j *Journal) OpenSink(ctx context.Context, sink string, from journal.Position) (journal.SinkState, error) {
	found, err := j.sinks(ctx, "WHERE name = ?", sink)
	if err == nil && len(found) == 0 {
		err = j.do(ctx, func(t *tx) error {
			return t.exec("INSERT INTO sink (name, cursor, paused, reason, updated_at) VALUES (?, ?, 0, '', ?) ON CONFLICT DO NOTHING", sink, from, t.now)
		})
		if err == nil {
			found, err = j.sinks(ctx, "WHERE name = ?", sink)
		}
	}
	if err == nil && len(found) == 0 {
		err = noSink(sink) // dropped in between
	}
	if err != nil {
		return journal.SinkState{}, err
	}
	return found[0], nil
}

// changeSink is exec for an UPDATE of one sink.
func (t *tx) changeSink(sink, query string, args ...any) error {
	n, err := t.change(query, args...)
	if err == nil && n == 0 {
		err = refusal{noSink(sink)}
	}
	return err
}

// UpdateSink implements [journal.Sinks].
func (j *Journal) UpdateSink(ctx context.Context, sink string, u journal.SinkUpdate) error {
	return j.do(ctx, func(t *tx) error {
		var cursor any
		if u.Cursor != nil {
			cursor = int64(*u.Cursor)
		}
		if err := t.changeSink(sink, "UPDATE sink SET cursor = coalesce(?, cursor), updated_at = ? WHERE name = ?", cursor, t.now, sink); err != nil {
			return err
		}
		for _, p := range u.Done {
			if err := t.exec("DELETE FROM pending WHERE sink = ? AND position = ?", sink, p); err != nil {
				return err
			}
		}
		for i := range u.Put {
			if err := t.putPending(sink, &u.Put[i]); err != nil {
				return err
			}
		}
		for i := range u.Bury {
			if err := t.bury(sink, &u.Bury[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *tx) putPending(sink string, r *journal.Retry) error {
	return t.exec("INSERT OR REPLACE INTO pending (sink, position, key, rest, attempts, last_at, error, next_at, skipped) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		sink, r.Position, r.Key, r.Rest, r.Attempts, millis(r.LastAt), r.Error, millis(r.NextAt), r.Skipped)
}

func (t *tx) bury(sink string, r *journal.Retry) error {
	if err := t.exec("DELETE FROM pending WHERE sink = ? AND position = ?", sink, r.Position); err != nil {
		return err
	}
	return t.exec("INSERT OR REPLACE INTO dead_letter (sink, position, key, attempts, last_at, error, buried_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
		sink, r.Position, r.Key, r.Attempts, millis(r.LastAt), r.Error, t.now)
}

// PauseSink implements [journal.Sinks].
func (j *Journal) PauseSink(ctx context.Context, sink string, paused bool, reason string) error {
	return j.do(ctx, func(t *tx) error {
		return t.changeSink(sink, "UPDATE sink SET paused = ?, reason = ?, updated_at = ? WHERE name = ?", paused, reason, t.now, sink)
	})
}

// DropSink implements [journal.Sinks].
func (j *Journal) DropSink(ctx context.Context, sink string) error {
	return j.do(ctx, func(t *tx) error {
		if err := t.changeSink(sink, "DELETE FROM sink WHERE name = ?", sink); err != nil {
			return err
		}
		if err := t.exec("DELETE FROM pending WHERE sink = ?", sink); err != nil {
			return err
		}
		return t.exec("DELETE FROM dead_letter WHERE sink = ?", sink)
	})
}

// Pending implements [journal.Sinks].
func (j *Journal) Pending(ctx context.Context, sink string, after journal.Position, limit int) (out []journal.Pending, err error) {
	err = j.query(ctx, func(rows *sql.Rows) error {
		var p journal.Pending
		own := []any{&p.Retry.Position, &p.Key, &p.Rest, &p.Attempts, when{&p.LastAt}, &p.Error, when{&p.NextAt}, &p.Skipped}
		err := rows.Scan(append(own, fields(&p.Record)...)...)
		out = append(out, p)
		return err
	}, `SELECT p.position, p.key, p.rest, p.attempts, p.last_at, p.error, p.next_at, p.skipped, `+columns+` FROM pending p
		JOIN event e ON e.position = p.position JOIN stream s ON s.id = e.stream
		WHERE p.sink = ? AND p.position > ? ORDER BY p.position LIMIT ?`, sink, after, max(limit, 0))
	return out, err
}

// DeadLetters implements [journal.Sinks].
func (j *Journal) DeadLetters(ctx context.Context, sink string, after journal.Position, limit int) (out []journal.DeadLetter, err error) {
	// Without a sink, all rows of the last position belong to the page.
	where, args := "d.sink = ? AND d.position > ? ORDER BY d.position LIMIT ?", []any{sink, after, max(limit, 0)}
	if sink == "" {
		where = `d.position > ?1 AND d.position <= (SELECT max(position) FROM (SELECT position FROM dead_letter WHERE position > ?1 ORDER BY position LIMIT ?2))
			ORDER BY d.position, d.sink`
		args = args[1:]
	}
	err = j.query(ctx, func(rows *sql.Rows) error {
		var d journal.DeadLetter
		own := []any{&d.Sink, &d.Retry.Position, &d.Key, &d.Attempts, when{&d.LastAt}, &d.Error, when{&d.BuriedAt}}
		err := rows.Scan(append(own, fields(&d.Record)...)...)
		out = append(out, d)
		return err
	}, `SELECT d.sink, d.position, d.key, d.attempts, d.last_at, d.error, d.buried_at, `+columns+` FROM dead_letter d
		JOIN event e ON e.position = d.position JOIN stream s ON s.id = e.stream WHERE `+where, args...)
	return out, err
}

// Revive implements [journal.Sinks].
func (j *Journal) Revive(ctx context.Context, sink string, positions ...journal.Position) (n int, err error) {
	return j.deadLetters(ctx, sink, positions, `INSERT OR IGNORE INTO pending (sink, position, key, rest, attempts, last_at, error, next_at)
		SELECT sink, position, key, 0, 0, 0, '', 0 FROM dead_letter WHERE sink = ?`)
}

// Drop implements [journal.Sinks].
func (j *Journal) Drop(ctx context.Context, sink string, positions ...journal.Position) (n int, err error) {
	return j.deadLetters(ctx, sink, positions, "")
}

// deadLetters removes dead letters of a sink, after something was done with them, and tells how many.
func (j *Journal) deadLetters(ctx context.Context, sink string, positions []journal.Position, before string) (n int, err error) {
	err = j.do(ctx, func(t *tx) error {
		n = 0
		for _, where := range wheres(positions) {
			args := append([]any{sink}, where...)
			only := ""
			if len(where) > 0 {
				only = " AND position = ?"
			}
			if before != "" {
				if err := t.exec(before+only, args...); err != nil {
					return err
				}
			}
			removed, err := t.change("DELETE FROM dead_letter WHERE sink = ?"+only, args...)
			if err != nil {
				return err
			}
			n += int(removed)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// wheres returns the arguments of one statement for each position, or of one for all.
func wheres(positions []journal.Position) [][]any {
	if len(positions) == 0 {
		return [][]any{nil}
	}
	var out [][]any
	for _, p := range positions {
		out = append(out, []any{int64(p)})
	}
	return out
}
