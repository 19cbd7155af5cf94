package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/pushmail/pushmail/internal/journal"
)

// applicationID marks the file as a journal of this program (file(1) can be told of it): "PmJl".
const applicationID = 0x506d4a6c

// migrations make the schema, one version after the other. Those that were released are never changed.
//
// Times are milliseconds since 1970, so that datetime(time/1000, 'unixepoch') reads them in the sqlite3 shell.
var migrations = []string{`
-- Where events come from. Few, and referred to by many.
CREATE TABLE stream (
	id      INTEGER PRIMARY KEY,
	account TEXT NOT NULL,
	mailbox TEXT NOT NULL,
	source  TEXT NOT NULL,
	UNIQUE (account, mailbox, source)
) STRICT;
CREATE INDEX stream_source ON stream (source);

-- AUTOINCREMENT: a position is not used again after its event was removed.
CREATE TABLE event (
	position    INTEGER PRIMARY KEY AUTOINCREMENT,
	id          TEXT    NOT NULL UNIQUE,
	type        TEXT    NOT NULL,
	stream      INTEGER NOT NULL,
	time        INTEGER NOT NULL,
	recorded_at INTEGER NOT NULL,
	json        TEXT    NOT NULL
) STRICT;
CREATE INDEX event_stream ON event (stream);
CREATE INDEX event_type ON event (type);
CREATE INDEX event_recorded_at ON event (recorded_at);

CREATE TABLE checkpoint (
	account    TEXT    NOT NULL,
	mailbox    TEXT    NOT NULL,
	kind       TEXT    NOT NULL,
	value      BLOB    NOT NULL,
	updated_at INTEGER NOT NULL,
	PRIMARY KEY (account, mailbox, kind)
) STRICT;

-- Events that no checkpoint covers yet, so that they can be reported again, also after they were removed.
CREATE TABLE uncovered (
	account TEXT NOT NULL,
	mailbox TEXT NOT NULL,
	kind    TEXT NOT NULL,
	id      TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;
CREATE INDEX uncovered_key ON uncovered (account, mailbox, kind);

CREATE TABLE sink (
	name       TEXT    NOT NULL PRIMARY KEY,
	cursor     INTEGER NOT NULL,
	paused     INTEGER NOT NULL,
	reason     TEXT    NOT NULL,
	updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE pending (
	sink     TEXT    NOT NULL,
	position INTEGER NOT NULL,
	key      TEXT    NOT NULL,
	rest     INTEGER NOT NULL,
	attempts INTEGER NOT NULL,
	last_at  INTEGER NOT NULL,
	error    TEXT    NOT NULL,
	next_at  INTEGER NOT NULL,
	PRIMARY KEY (sink, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE dead_letter (
	sink      TEXT    NOT NULL,
	position  INTEGER NOT NULL,
	key       TEXT    NOT NULL,
	attempts  INTEGER NOT NULL,
	last_at   INTEGER NOT NULL,
	error     TEXT    NOT NULL,
	buried_at INTEGER NOT NULL,
	PRIMARY KEY (sink, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX dead_letter_position ON dead_letter (position);

CREATE TABLE account (
	name       TEXT    NOT NULL PRIMARY KEY,
	sealed     BLOB    NOT NULL,
	updated_at INTEGER NOT NULL
) STRICT;
`, `
ALTER TABLE pending ADD COLUMN skipped INTEGER NOT NULL DEFAULT 0;
`}

// schemaVersion returns the version of the database, 0 for an empty one. One that is newer than what the caller knows is
// an error.
func schemaVersion(ctx context.Context, c *sql.Conn, path string, knows int) (int, error) {
	var id, tables int
	if err := c.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return 0, err
	}
	if err := c.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
		return 0, err
	}
	switch {
	case id == applicationID:
	case tables == 0 && id == 0:
		return 0, nil
	default:
		return 0, errors.New("this is the database of another program: choose another directory for the state")
	}
	var has int
	if err := c.QueryRowContext(ctx, "SELECT max(version) FROM migration").Scan(&has); err != nil {
		return 0, err
	}
	if has > knows {
		return has, &journal.VersionError{Path: path, Has: has, Knows: knows}
	}
	return has, nil
}

// migrate brings the schema up to date, all in one transaction.
func migrate(ctx context.Context, c *sql.Conn, path string, migrations []string) error {
	has, err := schemaVersion(ctx, c, path, len(migrations))
	if err != nil || has == len(migrations) {
		return err
	}
	steps := []string{"BEGIN IMMEDIATE"}
	if has == 0 {
		steps = append(steps, fmt.Sprintf("PRAGMA application_id = %d", applicationID),
			"CREATE TABLE migration (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT")
	}
	for i := has; i < len(migrations); i++ {
		steps = append(steps, migrations[i], fmt.Sprintf("INSERT INTO migration VALUES (%d, %d)", i+1, time.Now().UnixMilli()))
	}
	for _, step := range append(steps, "COMMIT") {
		if _, err := c.ExecContext(ctx, step); err != nil {
			_, _ = c.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
			return fmt.Errorf("schema version %d to %d: %w", has, len(migrations), err)
		}
	}
	return nil
}
