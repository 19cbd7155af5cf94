package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/internal/journal"
)

// fillUp appends until that fails, and returns how many events are confirmed.
func fillUp(ctx context.Context, j *Journal, from int) (n int, err error) {
	for n = from; n < 100_000; n++ {
		r := numbered(0, n+1)
		if err = j.Append(ctx, boxOf(0), []journal.Record{r}, fmt.Append(nil, n+1)); err != nil {
			return n, err
		}
	}
	return n, errors.New("it never becomes full")
}

// full checks what a journal without room says, and that it has what was confirmed and nothing else.
func full(ctx context.Context, j *Journal, n int, err error) error {
	if !errors.Is(err, journal.ErrFull) || !strings.Contains(err.Error(), j.path) {
		return fmt.Errorf("after %d events: %w", n, err)
	}
	st, err := j.Stats(ctx)
	if err != nil || st.Failed == 0 || !errors.Is(st.Err, journal.ErrFull) || int(st.Last) != n {
		return fmt.Errorf("after %d events: %+v, %w", n, st, err)
	}
	if got, err := j.Load(ctx, boxOf(0)); err != nil || string(got) != fmt.Sprint(n) {
		return fmt.Errorf("after %d events the checkpoint is %q, %w", n, got, err)
	}
	return nil
}

// goesOn checks that there is room again.
func goesOn(ctx context.Context, j *Journal, n int) error {
	if err := j.Append(ctx, boxOf(0), []journal.Record{numbered(0, n+1)}, fmt.Append(nil, n+1)); err != nil {
		return err
	}
	if st, err := j.Stats(ctx); err != nil || st.Failed != 0 || st.Err != nil || int(st.Last) != n+1 {
		return fmt.Errorf("with room again: %+v, %w", st, err)
	}
	return nil
}

func TestDatabaseThatIsFull(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := mustOpen(t, path)
	limit := func(pages int) {
		t.Helper()
		if err := j.write(t.Context(), &write{alone: func(ctx context.Context, c *sql.Conn) error {
			_, err := c.ExecContext(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", pages))
			return err
		}}); err != nil {
			t.Fatal(err)
		}
	}
	limit(200)
	n, err := fillUp(t.Context(), j, 0)
	if err := full(t.Context(), j, n, err); err != nil {
		t.Fatal(err)
	}
	limit(1 << 30)
	if err := goesOn(t.Context(), j, n); err != nil {
		t.Fatal(err)
	}
}

// A journal that failed tries by itself whether it can be written again, and says so, whoever waits for that.
func TestAJournalThatFailedSaysWhenItCanBeWrittenAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := mustOpen(t, path)
	again := make(chan struct{}, 10)
	j.OnRecovery(func() { again <- struct{}{} })
	j.w.probeAfter = time.Millisecond // before anything was written
	broken := errors.New("the disk failed")
	size := func() int64 {
		t.Helper()
		info, err := os.Stat(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	before := size()
	for range 2 {
		if err := j.do(t.Context(), func(*tx) error { return broken }); !errors.Is(err, broken) {
			t.Fatal(err)
		}
		<-again
		if st, err := j.Stats(t.Context()); err != nil || st.Err != nil || st.Failed != 0 {
			t.Errorf("afterwards: %+v, %v", st, err)
		}
	}
	if size() <= before {
		t.Error("nothing was written to find that out")
	}
	if err := j.Append(t.Context(), boxOf(0), []journal.Record{numbered(0, 1)}, nil); err != nil {
		t.Fatal(err)
	}
	if len(again) != 0 {
		t.Error("told of a recovery without a failure before")
	}
}

// A limit on the size of files is met by another program: it holds for all of a process.
func TestFileSizeLimit(t *testing.T) {
	if _, ok := fileSizeLimit(); ok {
		t.Skip("there is a limit already")
	}
	path := filepath.Join(t.TempDir(), "journal")
	cmd, _, stderr := child(t, "limit", path)
	if err := cmd.Wait(); err != nil {
		if strings.Contains(stderr.String(), errors.ErrUnsupported.Error()) {
			t.Skip(stderr)
		}
		t.Fatalf("%v: %s", err, stderr)
	}
	proveWhole(t, path, make([]int, crashWriters))
}

// A file system that is full.
func TestDiskThatIsFull(t *testing.T) {
	dir := t.TempDir()
	unmount, err := mountSmall(dir, 2<<20)
	if err != nil {
		t.Skipf("mounting a small file system: %v (be root to run this)", err)
	}
	defer unmount()
	j, err := Open(t.Context(), filepath.Join(dir, "journal"))
	if err != nil {
		t.Fatal(err)
	}
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 512<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	n, err := fillUp(t.Context(), j, 0)
	if err := full(t.Context(), j, n, err); err != nil {
		t.Error(err)
	}
	for range 20 {
		if err := j.Append(t.Context(), boxOf(0), []journal.Record{numbered(0, n+1)}, fmt.Append(nil, n+1)); err == nil {
			n++ // a smaller one may fit
		}
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := goesOn(t.Context(), j, n); err != nil {
		t.Error(err)
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
	proveWhole(t, filepath.Join(dir, "journal"), append([]int{n + 1}, make([]int, crashWriters)...))
}
