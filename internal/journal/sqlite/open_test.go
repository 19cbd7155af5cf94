package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/internal/journal"
	"github.com/pushmail/pushmail/watch"
)

// on runs a statement on the connection that writes.
func (j *Journal) on(t *testing.T, query string, into ...any) {
	t.Helper()
	if err := j.write(t.Context(), &write{alone: func(ctx context.Context, c *sql.Conn) error {
		if len(into) > 0 {
			return c.QueryRowContext(ctx, query).Scan(into...)
		}
		_, err := c.ExecContext(ctx, query)
		return err
	}}); err != nil {
		t.Fatal(err)
	}
}

// What no crash of a process can show: that a commit is on the disk when it returns.
func TestCommitsAreSynced(t *testing.T) {
	j := mustOpen(t, filepath.Join(t.TempDir(), "journal"))
	var synchronous, vacuum int
	var mode string
	check := func() {
		t.Helper()
		j.on(t, "SELECT synchronous, journal_mode, auto_vacuum FROM pragma_synchronous, pragma_journal_mode, pragma_auto_vacuum", &synchronous, &mode, &vacuum)
		if synchronous != 2 || mode != "wal" || vacuum != 2 {
			t.Errorf("synchronous %d, journal_mode %s, auto_vacuum %d; want 2 (FULL), wal, 2 (INCREMENTAL)", synchronous, mode, vacuum)
		}
	}
	check()
	// A connection that failed is replaced by one like it.
	_ = j.write(t.Context(), &write{do: func(t *tx) error { return errors.New("the disk failed") }})
	check()
}

func TestOneProcessWritesAndOthersRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "made when needed", "journal")
	j := mustOpen(t, path)
	_, err := Open(t.Context(), path)
	if !errors.Is(err, journal.ErrLocked) || !strings.Contains(err.Error(), fmt.Sprint("process ", os.Getpid())) || !strings.Contains(err.Error(), path) {
		t.Errorf("opening it twice: %v", err)
	}
	r, err := OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	waited := make(chan error)
	go func() { waited <- r.Wait(t.Context(), 0) }()
	if err := j.Append(t.Context(), boxOf(0), []journal.Record{numbered(0, 1)}, []byte("1")); err != nil {
		t.Fatal(err)
	}
	if err := <-waited; err != nil {
		t.Error(err)
	}
	if got, err := r.Read(t.Context(), 0, 9, journal.Filter{}); err != nil || len(got) != 1 {
		t.Errorf("read %d, %v", len(got), err)
	}
	if err := r.Save(t.Context(), watch.Key{}, nil); !errors.Is(err, journal.ErrReadOnly) {
		t.Errorf("writing: %v", err)
	}
	// A reader in the middle of a read holds up nobody, and sees one moment.
	err = r.query(t.Context(), func(*sql.Rows) error {
		return j.Append(t.Context(), boxOf(0), []journal.Record{numbered(0, 2), numbered(0, 3)}, nil)
	}, "SELECT position FROM event")
	if err != nil {
		t.Error(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if last, err := r.Last(t.Context()); err != nil || last != 3 {
		t.Errorf("after the writer has ended: %d, %v", last, err)
	}
	again := mustOpen(t, path)
	if last, err := again.Last(t.Context()); err != nil || last != 3 {
		t.Errorf("opened again: %d, %v", last, err)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("others may read it: %v, %v", info.Mode(), err)
	}
}

func TestFilesThatAreNoJournal(t *testing.T) {
	dir := t.TempDir()
	newer, other, text, missing := filepath.Join(dir, "newer"), filepath.Join(dir, "other"), filepath.Join(dir, "text"), filepath.Join(dir, "missing")
	j := mustOpen(t, newer)
	j.on(t, fmt.Sprintf("INSERT INTO migration VALUES (%d, 0)", len(migrations)+1))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", other)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("CREATE TABLE event (x)"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	if err := os.WriteFile(text, []byte(strings.Repeat("Dear Jo, this is no database. ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func(context.Context, string) (*Journal, error){"Open": Open, "OpenReader": OpenReader} {
		_, err := open(t.Context(), newer)
		var version *journal.VersionError
		if !errors.As(err, &version) || version.Has != len(migrations)+1 || version.Knows != len(migrations) || !strings.Contains(err.Error(), "newer program") {
			t.Errorf("%s of a newer one: %v", name, err)
		}
		if _, err := open(t.Context(), other); err == nil || !strings.Contains(err.Error(), "another program") {
			t.Errorf("%s of the database of another program: %v", name, err)
		}
		if _, err := open(t.Context(), text); err == nil || !strings.Contains(err.Error(), "no journal") {
			t.Errorf("%s of a text: %v", name, err)
		}
	}
	if _, err := OpenReader(t.Context(), missing); err == nil || !strings.Contains(err.Error(), "there is none") {
		t.Errorf("reading a journal that is not there: %v", err)
	}
	if got, err := os.ReadFile(text); err != nil || !strings.HasPrefix(string(got), "Dear Jo") {
		t.Errorf("the text was changed: %v", err)
	}
}

// A step of the schema that fails leaves all as it was; one that works is made once.
func TestSchemaIsBroughtUpToDate(t *testing.T) {
	j := mustOpen(t, filepath.Join(t.TempDir(), "journal"))
	if err := j.Append(t.Context(), boxOf(0), []journal.Record{numbered(0, 1)}, []byte("1")); err != nil {
		t.Fatal(err)
	}
	step := func(steps ...string) error {
		return j.write(t.Context(), &write{alone: func(ctx context.Context, c *sql.Conn) error {
			return migrate(ctx, c, j.path, append(append([]string(nil), migrations...), steps...))
		}})
	}
	add := "CREATE TABLE later (x INTEGER) STRICT; INSERT INTO later SELECT count(*) FROM event"
	if err := step(add, "CREATE TABLE event (x)"); err == nil || !strings.Contains(err.Error(), "schema version") {
		t.Errorf("a step that fails: %v", err)
	}
	for range 2 {
		if err := step(add); err != nil {
			t.Error(err)
		}
	}
	var rows, version int
	j.on(t, "SELECT (SELECT sum(x) FROM later), (SELECT max(version) FROM migration)", &rows, &version)
	if rows != 1 || version != len(migrations)+1 {
		t.Errorf("%d rows, version %d", rows, version)
	}
	j.on(t, fmt.Sprint("DELETE FROM migration WHERE version > ", len(migrations)))
}

// What waits in a journal of the first version waits in the next.
func TestPendingRowsOutliveAnUpgrade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	db, err := sql.Open("sqlite", dsn(path, "rwc"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	c, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := migrate(t.Context(), c, path, migrations[:1]); err != nil {
		t.Fatal(err)
	}
	_, err = c.ExecContext(t.Context(), `INSERT INTO stream VALUES (1, 'jo', 'INBOX', 'imap://h/INBOX');
		INSERT INTO event VALUES (1, 'e1', 'new', 1, 0, 0, '{}');
		INSERT INTO sink VALUES ('s', 1, 0, '', 0);
		INSERT INTO pending VALUES ('s', 1, 'imap://h/INBOX', 1, 2, 0, '500', 0)`)
	if err := errors.Join(err, c.Close(), db.Close()); err != nil {
		t.Fatal(err)
	}
	got, err := mustOpen(t, path).Pending(t.Context(), "s", 0, 9)
	if err != nil || len(got) != 1 || got[0].Attempts != 2 || got[0].Skipped {
		t.Errorf("pending %+v, %v", got, err)
	}
}

func TestBackupWhileOthersWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := mustOpen(t, path)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		for n := 1; ; n++ {
			if err := j.Append(ctx, boxOf(0), []journal.Record{numbered(0, n)}, fmt.Append(nil, n)); err != nil {
				ended <- err
				return
			}
		}
	}()
	var least int
	for i := range 3 {
		if err := j.Wait(ctx, 50*journal.Position(i+1)); err != nil {
			t.Fatal(err)
		}
		least = 50 * (i + 1)
		copied := filepath.Join(t.TempDir(), "copy")
		if err := j.Backup(ctx, copied); err != nil {
			t.Fatal(err)
		}
		if err := j.Backup(ctx, copied); err == nil || !strings.Contains(err.Error(), "there already") {
			t.Errorf("a second backup of that name: %v", err)
		}
		if got := proveWhole(t, copied, append([]int{least}, make([]int, crashWriters)...)); got < least {
			t.Errorf("%d events in the copy, %d were there", got, least)
		}
	}
	stop()
	<-ended
	copied := filepath.Join(t.TempDir(), "copy")
	if err := j.Backup(ctx, copied); !errors.Is(err, context.Canceled) {
		t.Errorf("a backup without time: %v", err)
	}
	if left, err := filepath.Glob(copied + "*"); err != nil || len(left) > 0 {
		t.Errorf("it left %q, %v", left, err)
	}
}

// What is wrong with one write is not the fault of those that share its transaction.
func TestWriteThatFailsHarmsNoOther(t *testing.T) {
	j := mustOpen(t, filepath.Join(t.TempDir(), "journal"))
	begun, goOn := make(chan bool), make(chan bool)
	done := make(chan error, 10)
	go func() {
		done <- j.write(t.Context(), &write{do: func(*tx) error { begun <- true; <-goOn; return nil }})
	}()
	<-begun
	wrong := func(tx *tx) error { return tx.exec("INSERT INTO sink (name) VALUES ('x')") }
	for i := range 4 {
		x := &write{ctx: t.Context(), done: done, do: func(tx *tx) error { return tx.append(boxOf(i), []journal.Record{numbered(i, 1)}, []byte("1")) }}
		if i == 2 {
			x.do = wrong
		}
		j.w.queue <- x
	}
	close(goOn)
	failed := 0
	for range 5 {
		if err := <-done; err != nil {
			failed++
		}
	}
	if last, err := j.Last(t.Context()); failed != 1 || last != 3 || err != nil {
		t.Errorf("%d failed, %d events, %v", failed, last, err)
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, appenders := range []int{1, 16, 256} {
		b.Run(fmt.Sprint(appenders), func(b *testing.B) {
			j := mustOpen(b, filepath.Join(b.TempDir(), "journal"))
			b.ReportAllocs()
			next := make(chan int)
			done := make(chan error)
			for w := range appenders {
				go func() {
					key := watch.Key{Account: fmt.Sprint("user", w), Mailbox: "INBOX"}
					for n := range next {
						r := numbered(w, n)
						r.Account, r.JSON = key.Account, append([]byte(nil), fmt.Sprintf("%1000d", n)...)
						if err := j.Append(context.Background(), key, []journal.Record{r}, make([]byte, 200)); err != nil {
							b.Error(err)
						}
					}
					done <- nil
				}()
			}
			for n := 0; b.Loop(); n++ {
				next <- n
			}
			close(next)
			for range appenders {
				<-done
			}
			st, err := j.Stats(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(st.Events)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(st.Writes)/float64(st.Commits), "writes/commit")
		})
	}
}

// What a transaction that failed has made is not remembered.
func TestStreamOfATransactionThatFailed(t *testing.T) {
	j := mustOpen(t, filepath.Join(t.TempDir(), "journal"))
	if err := j.do(t.Context(), func(tx *tx) error {
		if err := tx.append(boxOf(0), []journal.Record{numbered(0, 1)}, []byte("1")); err != nil {
			return err
		}
		return tx.exec("INSERT INTO sink (name) VALUES ('x')")
	}); err == nil {
		t.Error("what is wrong was written")
	}
	if err := j.Append(t.Context(), boxOf(1), []journal.Record{numbered(1, 1), numbered(0, 1)}, []byte("1")); err != nil {
		t.Fatal(err)
	}
	got, err := j.Read(t.Context(), 0, 9, journal.Filter{})
	if err != nil || len(got) != 2 || got[0].Mailbox != "box1" || got[1].Mailbox != "box0" || got[1].Position != 2 {
		t.Errorf("records %+v, %v", got, err)
	}
}
