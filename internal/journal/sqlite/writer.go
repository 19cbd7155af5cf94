package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pushmail/pushmail/internal/journal"
)

// What a transaction may hold, so that who waits for it does not wait for long.
const (
	maxGroup      = 1024    // writes
	maxGroupBytes = 8 << 20 // of events and checkpoints
)

// write is something to be written, and where its caller waits.
type write struct {
	ctx   context.Context
	bytes int
	// do makes the changes. A refusal is an error that has changed nothing; any other fails the transaction.
	do func(tx *tx) error
	// alone is done outside of a transaction.
	alone func(ctx context.Context, c *sql.Conn) error
	err   error
	done  chan error
}

// refusal is an error of what was asked for, not of the database.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// writer owns the one connection that writes.
type writer struct {
	path       string
	j          *Journal
	queue      chan *write
	stopped    chan struct{}
	probeAfter time.Duration

	mu     sync.RWMutex
	halted bool          // guarded by mu: nothing is put into queue any more
	closed chan struct{} // no more writes are accepted

	// The rest belongs to the goroutine of run.
	db      *sql.DB
	conn    *sql.Conn
	stmts   map[string]*sql.Stmt
	next    journal.Position
	streams map[stream]int64
	probe   *time.Timer // nil while the last transaction did not fail
}

// stream is where an event comes from, as the table of that name has it.
type stream struct{ account, mailbox, source string }

// maxStreams bounds how many streams are remembered.
const maxStreams = 100_000

// walPages is how much is written before it goes from the log into the database, and what is kept of the log's file.
const walPages = 4000

func (w *writer) open(ctx context.Context) (err error) {
	// auto_vacuum must come before the database is made. synchronous(FULL) has every commit on the disk.
	w.db, err = sql.Open("sqlite", dsn(w.path, "rwc", "auto_vacuum(INCREMENTAL)", "journal_mode(WAL)", "synchronous(FULL)",
		"fullfsync(1)", "checkpoint_fullfsync(1)", fmt.Sprintf("wal_autocheckpoint(%d)", walPages),
		fmt.Sprintf("journal_size_limit(%d)", walPages*4096), "cache_size(-16000)"))
	if err != nil {
		return err
	}
	w.db.SetMaxOpenConns(1)
	w.stmts, w.streams = map[string]*sql.Stmt{}, map[stream]int64{}
	if w.conn, err = w.db.Conn(ctx); err != nil {
		_ = w.db.Close()
		w.db = nil
	}
	return err
}

// shut closes the connection.
func (w *writer) shut() error {
	if w.db == nil {
		return nil
	}
	for _, st := range w.stmts {
		_ = st.Close()
	}
	err := errors.Join(w.conn.Close(), w.db.Close())
	w.db, w.conn = nil, nil
	return err
}

// write has something written and returns when it is on the disk, or when ctx ends.
func (j *Journal) write(ctx context.Context, x *write) error {
	if j.w == nil {
		return fmt.Errorf("journal %s: %w", j.path, journal.ErrReadOnly)
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	x.ctx, x.done = ctx, make(chan error, 1)
	if err := j.w.put(ctx, x); err != nil {
		return err
	}
	select {
	case err := <-x.done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (w *writer) put(ctx context.Context, x *write) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.halted {
		return fmt.Errorf("journal %s: %w", w.path, journal.ErrClosed)
	}
	select {
	case w.queue <- x:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-w.closed:
		return fmt.Errorf("journal %s: %w", w.path, journal.ErrClosed)
	}
}

// stop has no more writes accepted, and returns when those that were are done.
func (w *writer) stop() {
	close(w.closed)
	w.mu.Lock()
	w.halted = true
	w.mu.Unlock()
	close(w.queue)
	<-w.stopped
	if w.probe != nil {
		w.probe.Stop()
	}
}

func (w *writer) run() {
	defer close(w.stopped)
	for first := range w.queue {
		if first.alone != nil {
			w.runAlone(first)
			continue
		}
		group, last := w.gather(first)
		w.commitAll(group)
		if last != nil {
			w.runAlone(last)
		}
	}
}

// gather takes what waits besides the first write. What is to be done alone ends the group and is returned, too.
func (w *writer) gather(first *write) (group []*write, alone *write) {
	group = append(group, first)
	for bytes := first.bytes; len(group) < maxGroup && bytes < maxGroupBytes; {
		select {
		case x, ok := <-w.queue:
			if !ok {
				return group, nil
			}
			if x.alone != nil {
				return group, x
			}
			group = append(group, x)
			bytes += x.bytes
		default:
			return group, nil
		}
	}
	return group, nil
}

func (w *writer) runAlone(x *write) {
	err := context.Cause(x.ctx)
	if err == nil {
		err = w.ready()
	}
	if err == nil {
		err = x.alone(x.ctx, w.conn)
	}
	x.done <- w.explain(err)
}

// commitAll writes a group, and tells each of it what became of it. When something in it is wrong, the others are
// written without it.
func (w *writer) commitAll(group []*write) {
	live := group[:0]
	for _, x := range group {
		if err := context.Cause(x.ctx); err != nil {
			x.done <- err
		} else {
			live = append(live, x)
		}
	}
	if len(live) == 0 {
		return
	}
	err := w.commit(live)
	if err != nil && len(live) > 1 && isLocal(err) {
		for _, x := range live {
			if x.err = w.commit([]*write{x}); x.err != nil {
				x.err = w.explain(x.err)
			}
			x.done <- x.err
		}
		return
	}
	err = w.explain(err)
	for _, x := range live {
		if err != nil {
			x.err = err
		}
		x.done <- x.err
	}
}

// commit makes one transaction. A refusal is noted in the write; an error is one of the whole transaction.
func (w *writer) commit(group []*write) error {
	if err := w.ready(); err != nil {
		w.failed(err)
		return err
	}
	tx := &tx{w: w, ctx: context.Background(), now: w.j.now().UnixMilli(), next: w.next}
	err := tx.exec("BEGIN IMMEDIATE")
	for i := 0; i < len(group) && err == nil; i++ {
		x := group[i]
		x.err = nil
		err = x.do(tx)
		var refused refusal
		if errors.As(err, &refused) {
			x.err, err = refused.error, nil
		}
	}
	if err == nil {
		err = tx.exec("COMMIT")
	}
	if err != nil {
		w.abandon(err)
		w.failed(w.explain(err))
		return err
	}
	w.next = tx.next
	w.j.advance(tx.next - 1)
	w.committed(tx, len(group))
	return nil
}

// abandon ends a transaction that failed. What SQLite says about the state of a connection after an error of the file
// system is careful, and a new one is cheap.
func (w *writer) abandon(cause error) {
	clear(w.streams)
	if _, err := w.conn.ExecContext(context.Background(), "ROLLBACK"); err != nil || !isLocal(cause) {
		_ = w.shut()
	}
}

// ready makes sure that there is a connection.
func (w *writer) ready() error {
	if w.db != nil {
		return nil
	}
	return w.open(context.Background())
}

// tx is a transaction that is being made.
type tx struct {
	w    *writer
	ctx  context.Context
	now  int64 // milliseconds
	next journal.Position

	events, repeated int64
}

// stmt returns a prepared statement.
func (t *tx) stmt(query string) (*sql.Stmt, error) {
	if st := t.w.stmts[query]; st != nil {
		return st, nil
	}
	st, err := t.w.conn.PrepareContext(t.ctx, query)
	if err == nil {
		t.w.stmts[query] = st
	}
	return st, err
}

func (t *tx) exec(query string, args ...any) error {
	_, err := t.change(query, args...)
	return err
}

// change is exec that tells how many rows were changed.
func (t *tx) change(query string, args ...any) (int64, error) {
	st, err := t.stmt(query)
	if err != nil {
		return 0, err
	}
	res, err := st.ExecContext(t.ctx, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// get reads one row.
func (t *tx) get(query string, args []any, into ...any) error {
	st, err := t.stmt(query)
	if err != nil {
		return err
	}
	return st.QueryRowContext(t.ctx, args...).Scan(into...)
}
