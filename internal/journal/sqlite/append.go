package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/pushmail/pushmail/internal/journal"
	"github.com/pushmail/pushmail/watch"
)

// Append implements [journal.Log].
func (j *Journal) Append(ctx context.Context, key watch.Key, events []journal.Record, checkpoint []byte) error {
	bytes := len(checkpoint)
	for i := range events {
		if err := valid(&events[i]); err != nil {
			return err
		}
		bytes += len(events[i].JSON) + 200
	}
	if len(events) == 0 && checkpoint == nil {
		return context.Cause(ctx)
	}
	return j.write(ctx, &write{bytes: bytes, do: func(t *tx) error { return t.append(key, events, checkpoint) }})
}

func valid(r *journal.Record) error {
	switch {
	case r.ID == "" || r.Type == "" || r.Source == "" || len(r.JSON) == 0:
		return fmt.Errorf("journal: an event needs an id, a type, a source and its JSON, but has %q, %q, %q and %d bytes", r.ID, r.Type, r.Source, len(r.JSON))
	case len(r.JSON) > journal.MaxJSON:
		return fmt.Errorf("journal: event %s has %d bytes, %d are the most", r.ID, len(r.JSON), journal.MaxJSON)
	}
	return nil
}

func (t *tx) append(key watch.Key, events []journal.Record, checkpoint []byte) error {
	for i := range events {
		isNew, err := t.insert(&events[i])
		if err != nil {
			return err
		}
		if isNew && checkpoint == nil && key != (watch.Key{}) {
			err = t.exec("INSERT OR IGNORE INTO uncovered (account, mailbox, kind, id) VALUES (?, ?, ?, ?)",
				key.Account, key.Mailbox, string(key.Kind), events[i].ID)
		}
		if err != nil {
			return err
		}
	}
	if checkpoint == nil {
		return nil
	}
	return t.save(key, checkpoint)
}

// insert writes an event unless it is, or was, there.
func (t *tx) insert(r *journal.Record) (isNew bool, err error) {
	from, err := t.stream(stream{r.Account, r.Mailbox, r.Source})
	if err != nil {
		return false, err
	}
	n, err := t.change(`INSERT INTO event (position, id, type, stream, time, recorded_at, json) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7
		WHERE NOT EXISTS (SELECT 1 FROM uncovered WHERE id = ?2) ON CONFLICT (id) DO NOTHING`,
		int64(t.next), r.ID, r.Type, from, millis(r.Time), t.now, string(r.JSON))
	if err != nil {
		return false, err
	}
	if n == 0 {
		t.repeated++
		return false, nil
	}
	t.events++
	t.next++
	return true, nil
}

// stream returns the number of a stream, and gives it one if it has none.
func (t *tx) stream(s stream) (int64, error) {
	id, ok := t.w.streams[s]
	if ok {
		return id, nil
	}
	err := t.get("SELECT id FROM stream WHERE account = ? AND mailbox = ? AND source = ?", []any{s.account, s.mailbox, s.source}, &id)
	if errors.Is(err, sql.ErrNoRows) {
		err = t.get("INSERT INTO stream (account, mailbox, source) VALUES (?, ?, ?) RETURNING id", []any{s.account, s.mailbox, s.source}, &id)
	}
	if err != nil {
		return 0, err
	}
	if len(t.w.streams) >= maxStreams {
		clear(t.w.streams)
	}
	// The strings may be parts of something bigger.
	t.w.streams[stream{strings.Clone(s.account), strings.Clone(s.mailbox), strings.Clone(s.source)}] = id
	return id, nil
}

func (t *tx) save(key watch.Key, checkpoint []byte) error {
	err := t.exec(`INSERT INTO checkpoint (account, mailbox, kind, value, updated_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at`,
		key.Account, key.Mailbox, string(key.Kind), checkpoint, t.now)
	if err != nil {
		return err
	}
	return t.exec("DELETE FROM uncovered WHERE account = ? AND mailbox = ? AND kind = ?", key.Account, key.Mailbox, string(key.Kind))
}

// Save implements [watch.Store].
func (j *Journal) Save(ctx context.Context, key watch.Key, value []byte) error {
	if value == nil {
		value = []byte{}
	}
	return j.Append(ctx, key, nil, value)
}

// Load implements [watch.Store].
func (j *Journal) Load(ctx context.Context, key watch.Key) (value []byte, err error) {
	err = j.reads.QueryRowContext(ctx, "SELECT value FROM checkpoint WHERE account = ? AND mailbox = ? AND kind = ?",
		key.Account, key.Mailbox, string(key.Kind)).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return value, j.failed(ctx, err)
}
