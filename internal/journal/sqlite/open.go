package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/pushmail/pushmail/internal/journal"
)

// Journal is a [journal.Journal] in a SQLite database.
type Journal struct {
	path  string
	lock  *os.File // nil for reading
	reads *sql.DB
	w     *writer // nil for reading
	now   func() time.Time

	// last is the last position, as far as it is committed and known.
	last atomic.Int64
	mu   sync.Mutex
	news chan struct{} // guarded by mu: closed when last has moved
	// recovered is told that it can be written again. Guarded by mu; it may be nil.
	recovered func()

	closing sync.Once
	closed  chan struct{}
	tally   tally
}

var _ journal.Journal = (*Journal)(nil)

// readers is how many reads go on at the same time; the others wait.
const readers = 4

// Open opens the journal at path for writing, and makes it if there is none. It is a [journal.ErrLocked] while
// another process has it, and a [journal.VersionError] if it was written by a newer program.
func Open(ctx context.Context, path string) (*Journal, error) {
	j, err := open(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("journal %s: %w", path, err)
	}
	return j, nil
}

func open(ctx context.Context, path string) (j *Journal, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	if err := private(path); err != nil {
		return nil, err
	}
	lock, err := takeLock(path + ".lock")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			lock.Close()
		}
	}()
	w := &writer{
		path: path, queue: make(chan *write, 256), closed: make(chan struct{}), stopped: make(chan struct{}), probeAfter: probeAfter,
	}
	if err := w.open(ctx); err != nil {
		return nil, plain(err)
	}
	if err := migrate(ctx, w.conn, path, migrations); err != nil {
		return nil, errors.Join(plain(err), w.shut())
	}
	j = &Journal{path: path, lock: lock, w: w, now: time.Now, news: make(chan struct{}), closed: make(chan struct{})}
	w.j = j
	if j.reads, err = openReads(path); err == nil {
		err = j.load(ctx)
	}
	if err != nil {
		return nil, errors.Join(plain(err), w.shut())
	}
	go w.run()
	return j, nil
}

// private makes the file before SQLite does, so that only its owner can read it: it tells what mail somebody gets.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// OpenReader opens the journal at path for reading, also while another process writes it. What writes is a
// [journal.ErrReadOnly]. Without a file the error is fs.ErrNotExist.
func OpenReader(ctx context.Context, path string) (*Journal, error) {
	j, err := openReader(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("journal %s: %w", path, err)
	}
	return j, nil
}

func openReader(ctx context.Context, path string) (*Journal, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is none: %w", fs.ErrNotExist)
	} else if err != nil {
		return nil, err
	}
	reads, err := openReads(path)
	if err != nil {
		return nil, err
	}
	j := &Journal{path: path, reads: reads, now: time.Now, news: make(chan struct{}), closed: make(chan struct{})}
	if err := j.load(ctx); err != nil {
		return nil, errors.Join(plain(err), reads.Close())
	}
	return j, nil
}

// load checks the version and reads how far the journal is.
func (j *Journal) load(ctx context.Context) error {
	c, err := j.reads.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	has, err := schemaVersion(ctx, c, j.path, len(migrations))
	if err == nil && has < len(migrations) {
		err = fmt.Errorf("it has schema version %d, this program needs %d: start pushmail serve once, which brings it up to date", has, len(migrations))
	}
	if err != nil {
		return err
	}
	last, err := lastPosition(ctx, c)
	if err == nil {
		j.last.Store(int64(last))
		if j.w != nil {
			j.w.next = last + 1
		}
	}
	return err
}

func lastPosition(ctx context.Context, c interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
},
) (last journal.Position, err error) {
	err = c.QueryRowContext(ctx, "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'event'").Scan(&last)
	return last, err
}

// dsn is the name of the database for the driver, with what is set on every connection.
func dsn(path, mode string, pragmas ...string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // a drive of Windows
	}
	q := url.Values{"mode": {mode}, "_pragma": append([]string{"busy_timeout(10000)", "trusted_schema(0)"}, pragmas...)}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String()
}

func openReads(path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn(path, "ro", "cache_size(-4000)"))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(readers)
	db.SetMaxIdleConns(readers)
	return db, nil
}

// Close implements [journal.Journal].
func (j *Journal) Close() error {
	var err error
	j.closing.Do(func() {
		close(j.closed)
		if j.w == nil {
			err = j.reads.Close()
			return
		}
		j.w.stop()
		// The writer's connection is the last one, which removes the write-ahead log.
		err = errors.Join(j.reads.Close(), j.w.shut(), j.lock.Close())
	})
	return err
}
