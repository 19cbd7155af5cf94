package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pushmail/pushmail/internal/journal"
)

// columns are those of a record, for scan.
const columns = "e.position, e.id, e.type, s.account, s.mailbox, s.source, e.time, e.recorded_at, e.json"

// fields are where the columns of a record go.
func fields(r *journal.Record) []any {
	return []any{&r.Position, &r.ID, &r.Type, &r.Account, &r.Mailbox, &r.Source, when{&r.Time}, when{&r.RecordedAt}, &r.JSON}
}

// when reads a time; 0 is the zero time.
type when struct{ t *time.Time }

// Scan implements [sql.Scanner].
func (w when) Scan(v any) error {
	ms, ok := v.(int64)
	if !ok {
		return fmt.Errorf("%T is no time", v)
	}
	*w.t = time.Time{}
	if ms != 0 {
		*w.t = time.UnixMilli(ms).UTC()
	}
	return nil
}

// millis is the other direction.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// failed has an error of a read say what to do. The error of a context stays what it is.
func (j *Journal) failed(ctx context.Context, err error) error {
	if err == nil || errors.Is(err, journal.ErrNotFound) {
		return err
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	select {
	case <-j.closed:
		return fmt.Errorf("journal %s: %w", j.path, journal.ErrClosed)
	default:
		return fmt.Errorf("journal %s: %w", j.path, plain(err))
	}
}

// query calls row for each row that a query gives.
func (j *Journal) query(ctx context.Context, row func(*sql.Rows) error, query string, args ...any) error {
	rows, err := j.reads.QueryContext(ctx, query, args...)
	if err != nil {
		return j.failed(ctx, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows); err != nil {
			return j.failed(ctx, err)
		}
	}
	return j.failed(ctx, rows.Err())
}

// records returns the records that a query gives.
func (j *Journal) records(ctx context.Context, query string, args ...any) ([]journal.Record, error) {
	var out []journal.Record
	err := j.query(ctx, func(rows *sql.Rows) error {
		var r journal.Record
		err := rows.Scan(fields(&r)...)
		out = append(out, r)
		return err
	}, "SELECT "+columns+" FROM event e JOIN stream s ON s.id = e.stream "+query, args...)
	return out, err
}

// Read implements [journal.Log].
func (j *Journal) Read(ctx context.Context, after journal.Position, limit int, f journal.Filter) ([]journal.Record, error) {
	if limit <= 0 {
		return nil, context.Cause(ctx)
	}
	if !f.Since.IsZero() {
		since, err := j.since(ctx, f.Since)
		if err != nil {
			return nil, err
		}
		after = max(after, since-1)
	}
	if f.Account == "" && f.Mailbox == "" && f.Source == "" && len(f.Types) == 0 {
		return j.records(ctx, "WHERE e.position > ? ORDER BY e.position LIMIT ?", after, limit)
	}
	found, err := j.find(ctx, after, limit, f)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return j.records(ctx, "WHERE e.position IN ("+numbers(found)+") ORDER BY e.position")
}

// since is the first position that was recorded at or after a time.
func (j *Journal) since(ctx context.Context, t time.Time) (p journal.Position, err error) {
	err = j.reads.QueryRowContext(ctx, "SELECT coalesce(min(position), 1 + (SELECT coalesce(max(seq), 0) FROM sqlite_sequence)) FROM event INDEXED BY event_recorded_at WHERE recorded_at >= ?",
		millis(t)).Scan(&p)
	return p, j.failed(ctx, err)
}

// find returns the positions of up to limit records that pass a filter. Each stream is looked at by itself, by its index,
// so that a few records of one account are found among millions.
func (j *Journal) find(ctx context.Context, after journal.Position, limit int, f journal.Filter) ([]journal.Position, error) {
	var found []journal.Position
	collect := func(rows *sql.Rows) error {
		var p journal.Position
		err := rows.Scan(&p)
		found = append(found, p)
		return err
	}
	var err error
	if f.Account == "" && f.Mailbox == "" && f.Source == "" {
		for _, t := range slices.Compact(slices.Sorted(slices.Values(f.Types))) {
			if err = j.query(ctx, collect, "SELECT position FROM event WHERE type = ? AND position > ? ORDER BY position LIMIT ?", t, after, limit); err != nil {
				return nil, err
			}
		}
		return first(found, limit), nil
	}
	streams, err := j.streams(ctx, f)
	if err != nil {
		return nil, err
	}
	types := ""
	if len(f.Types) > 0 {
		types = "AND type IN (?" + strings.Repeat(", ?", len(f.Types)-1) + ") "
	}
	for _, id := range streams {
		args := []any{id, after}
		for _, t := range f.Types {
			args = append(args, t)
		}
		err := j.query(ctx, collect, "SELECT position FROM event INDEXED BY event_stream WHERE stream = ? AND position > ? "+types+"ORDER BY position LIMIT ?", append(args, limit)...)
		if err != nil {
			return nil, err
		}
		if len(found) > 4*limit {
			found = first(found, limit)
		}
	}
	return first(found, limit), nil
}

// streams returns those that pass a filter.
func (j *Journal) streams(ctx context.Context, f journal.Filter) (ids []int64, err error) {
	var where []string
	var args []any
	for _, c := range []struct{ column, value string }{{"source", f.Source}, {"account", f.Account}, {"mailbox", f.Mailbox}} {
		if c.value != "" {
			where, args = append(where, c.column+" = ?"), append(args, c.value)
		}
	}
	err = j.query(ctx, func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	}, "SELECT id FROM stream WHERE "+strings.Join(where, " AND "), args...)
	return ids, err
}

// first returns the lowest ones.
func first(found []journal.Position, limit int) []journal.Position {
	slices.Sort(found)
	return found[:min(len(found), limit)]
}

// numbers writes positions with commas.
func numbers(list []journal.Position) string {
	var b []byte
	for i, p := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, "%d", p)
	}
	return string(b)
}

// Find implements [journal.Log].
func (j *Journal) Find(ctx context.Context, id string) (journal.Record, error) {
	found, err := j.records(ctx, "WHERE e.id = ?", id)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("event %q: %w", id, journal.ErrNotFound)
	}
	if err != nil {
		return journal.Record{}, err
	}
	return found[0], nil
}

// First implements [journal.Log].
func (j *Journal) First(ctx context.Context) (journal.Position, error) {
	var p sql.Null[journal.Position]
	if err := j.reads.QueryRowContext(ctx, "SELECT min(position) FROM event").Scan(&p); err != nil {
		return 0, j.failed(ctx, err)
	}
	if p.Valid {
		return p.V, nil
	}
	last, err := j.Last(ctx)
	if last > 0 {
		last++
	}
	return last, err
}

// Last implements [journal.Log].
func (j *Journal) Last(ctx context.Context) (journal.Position, error) {
	if j.w != nil {
		return journal.Position(j.last.Load()), context.Cause(ctx)
	}
	last, err := lastPosition(ctx, j.reads)
	return last, j.failed(ctx, err)
}

// followEvery is how often a reader looks whether the process that writes has written.
const followEvery = 200 * time.Millisecond

// Wait implements [journal.Log].
func (j *Journal) Wait(ctx context.Context, after journal.Position) error {
	for {
		news := j.nextNews()
		last, err := j.Last(ctx)
		if err != nil || last > after {
			return err
		}
		var tick <-chan time.Time
		if j.w == nil {
			tick = time.After(followEvery)
		}
		select {
		case <-news:
		case <-tick:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-j.closed:
			return fmt.Errorf("journal %s: %w", j.path, journal.ErrClosed)
		}
	}
}

func (j *Journal) nextNews() <-chan struct{} {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.news
}

// advance tells those who wait how far the journal is now.
func (j *Journal) advance(last journal.Position) {
	if last = max(last, 0); cmp.Compare(int64(last), j.last.Load()) <= 0 {
		return
	}
	j.last.Store(int64(last))
	j.mu.Lock()
	defer j.mu.Unlock()
	close(j.news)
	j.news = make(chan struct{})
}
