package sqlite

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/internal/journal"
	"github.com/pushmail/pushmail/watch"
)

// childEnv has the test binary be a program that writes a journal: see TestMain.
const childEnv = "PUSHMAIL_TEST_JOURNAL"

func TestMain(m *testing.M) {
	if job := os.Getenv(childEnv); job != "" {
		what, path, _ := strings.Cut(job, " ")
		if err := map[string]func(string) error{"write": writeForEver, "limit": writeToTheLimit}[what](path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child starts a program that does a job with the journal at path.
func child(t *testing.T, job, path string) (cmd *exec.Cmd, stdout io.Reader, stderr *bytes.Buffer) {
	t.Helper()
	cmd, stderr = exec.CommandContext(t.Context(), os.Args[0]), &bytes.Buffer{}
	cmd.Env = append(os.Environ(), childEnv+"="+job+" "+path)
	cmd.Stderr = stderr
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return cmd, stdout, stderr
}

const crashWriters = 6

func boxOf(w int) watch.Key { return watch.Key{Account: "jo", Mailbox: fmt.Sprint("box", w)} }

// numbered is the nth event of a writer.
func numbered(w, n int) journal.Record {
	box := boxOf(w).Mailbox
	return journal.Record{
		ID: fmt.Sprint(box, "-", n), Type: "new", Account: "jo", Mailbox: box, Source: "imap://h/" + box,
		Time: time.Now(), JSON: fmt.Appendf(nil, "%*d", 200+n%3000, n),
	}
}

// writeForEver has writers go on where they were. A line on stdout says what is confirmed. Meanwhile old events are removed,
// and a sink is moved on.
func writeForEver(path string) error {
	ctx := context.Background()
	j, err := Open(ctx, path)
	if err != nil {
		return err
	}
	failed := make(chan error)
	for w := range crashWriters {
		go func() { failed <- writeOn(ctx, j, w) }()
	}
	go func() {
		for {
			last, _ := j.Last(ctx)
			if _, err := j.OpenSink(ctx, "sink", 0); err != nil {
				failed <- err
			}
			if err := j.UpdateSink(ctx, "sink", journal.SinkUpdate{Cursor: &last}); err != nil {
				failed <- err
			}
			if _, err := j.Retain(ctx, journal.Policy{Bytes: 600 << 10}); err != nil {
				failed <- err
			}
		}
	}()
	return <-failed
}

func writeOn(ctx context.Context, j *Journal, w int) error {
	n := 0
	if value, err := j.Load(ctx, boxOf(w)); err != nil {
		return err
	} else if value != nil {
		if _, err := fmt.Sscan(string(value), &n); err != nil {
			return err
		}
	}
	for {
		var events []journal.Record
		for range 1 + rand.N(4) {
			n++
			events = append(events, numbered(w, n))
		}
		if err := j.Append(ctx, boxOf(w), events, fmt.Append(nil, n)); err != nil {
			return err
		}
		fmt.Println(w, n)
	}
}

// proveWhole checks that each writer's events are there in order up to its checkpoint, which is at least confirmed.
func proveWhole(t *testing.T, path string, confirmed []int) (sum int) {
	t.Helper()
	j, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	}()
	var verdict string
	if err := j.reads.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		t.Fatalf("integrity: %s, %v", verdict, err)
	}
	got, err := j.Read(t.Context(), 0, 1<<30, journal.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	newest := make([]int, crashWriters)
	for i, r := range got {
		if i > 0 && r.Position != got[i-1].Position+1 {
			t.Fatalf("position %d after %d", r.Position, got[i-1].Position)
		}
		var w, n int
		if _, err := fmt.Sscanf(r.ID, "box%d-%d", &w, &n); err != nil {
			t.Fatal(err)
		}
		if newest[w] != 0 && n != newest[w]+1 {
			t.Fatalf("box%d: event %d after %d", w, n, newest[w])
		}
		newest[w] = n
	}
	for w := range crashWriters {
		value, err := j.Load(t.Context(), boxOf(w))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		_, _ = fmt.Sscan(string(value), &n)
		if newest[w] != 0 && n != newest[w] {
			t.Fatalf("box%d: the checkpoint is %d, the newest event %d", w, n, newest[w])
		}
		if n < confirmed[w] {
			t.Fatalf("box%d: %d was confirmed, the checkpoint is %d", w, confirmed[w], n)
		}
		sum += n
	}
	return sum
}

// A program that is killed at any moment leaves a prefix of what it wrote, with all that was confirmed.
func TestKilledAtAnyMoment(t *testing.T) {
	times := 40
	if testing.Short() {
		times = 5
	}
	path := filepath.Join(t.TempDir(), "journal")
	confirmed := make([]int, crashWriters)
	before := 0
	for range times {
		cmd, stdout, stderr := child(t, "write", path)
		var timer *time.Timer
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			if timer == nil {
				timer = time.AfterFunc(rand.N(60*time.Millisecond), func() { _ = cmd.Process.Kill() })
			}
			var w, n int
			if _, err := fmt.Sscan(lines.Text(), &w, &n); err != nil {
				break // torn
			}
			confirmed[w] = n
		}
		_ = cmd.Wait()
		if timer == nil || stderr.Len() > 0 {
			t.Fatalf("the program failed by itself: %s", stderr)
		}
		sum := proveWhole(t, path, confirmed)
		if sum <= before {
			t.Errorf("nothing was written: %d events before, %d after", before, sum)
		}
		before = sum
	}
	t.Logf("%d events survived %d deaths", before, times)
}

// snapshot returns the files of a journal as they are.
func snapshot(t *testing.T, path string) (db, wal []byte) {
	t.Helper()
	db, err := os.ReadFile(path)
	if err == nil {
		wal, err = os.ReadFile(path + "-wal")
	}
	if err != nil {
		t.Fatal(err)
	}
	return db, wal
}

// proveFiles is proveWhole of files.
func proveFiles(t *testing.T, db, wal []byte, confirmed int) int {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal")
	for name, content := range map[string][]byte{path: db, path + "-wal": wal} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all := make([]int, crashWriters)
	all[0] = confirmed
	return proveWhole(t, path, all)
}

// The write-ahead log is all that a commit writes. Cut off at any place, or with a byte that is wrong, it leaves what was
// committed before.
func TestWriteAheadLogThatIsTorn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := mustOpen(t, path)
	db, wal := snapshot(t, path)
	begin := len(wal)
	sizes := []int{begin} // of the log after n events
	events := 8
	if testing.Short() {
		events = 3
	}
	for n := 1; n <= events; n++ {
		if err := j.Append(t.Context(), boxOf(0), []journal.Record{numbered(0, n)}, fmt.Append(nil, n)); err != nil {
			t.Fatal(err)
		}
		now, log := snapshot(t, path)
		if !bytes.Equal(now, db) {
			t.Fatal("the database has changed without a checkpoint of the log: this test needs another")
		}
		wal, sizes = log, append(sizes, len(log))
	}
	const header, frame = 32, 24 + 4096
	var cuts []int
	for at := begin; at <= len(wal); at += frame {
		cuts = append(cuts, at, at-1, at+1, at+24, at+24+rand.N(4096))
	}
	if (begin-header)%frame != 0 || len(cuts) < 15*events {
		t.Fatalf("the log has %d bytes, %d before", len(wal), begin)
	}
	atLeast := func(size int) (n int) {
		for n+1 < len(sizes) && sizes[n+1] <= size {
			n++
		}
		return n
	}
	for _, cut := range cuts {
		if cut > len(wal) || cut < begin {
			continue
		}
		if got, want := proveFiles(t, db, wal[:cut], 0), atLeast(cut); got != want {
			t.Errorf("cut at %d: %d events, want %d", cut, got, want)
		}
		if cut == len(wal) {
			continue
		}
		bad := bytes.Clone(wal)
		bad[cut] ^= 0x10
		if got, want := proveFiles(t, db, bad, 0), atLeast(cut); got != want {
			t.Errorf("a wrong byte at %d: %d events, want %d", cut, got, want)
		}
	}
}

// When the log goes into the database and power is lost, any of the pages may be there.
func TestDatabaseThatIsTorn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := mustOpen(t, path)
	const events = 200
	for n := 1; n <= events; n++ {
		if err := j.Append(t.Context(), boxOf(0), []journal.Record{numbered(0, n)}, fmt.Append(nil, n)); err != nil {
			t.Fatal(err)
		}
	}
	before, wal := snapshot(t, path)
	if err := j.shrink(t.Context(), 0); err != nil { // writes the log into the database
		t.Fatal(err)
	}
	after, _ := snapshot(t, path)
	if len(after) <= len(before) {
		t.Fatal("the log did not go into the database")
	}
	const page = 4096
	for range 30 {
		torn := bytes.Clone(after)[:page*(1+rand.N(len(after)/page))]
		for at := 0; at+page <= min(len(torn), len(before)); at += page {
			if rand.N(2) == 0 {
				copy(torn[at:at+page/2], before[at:]) // half a page, too
			}
		}
		if got := proveFiles(t, torn, wal, events); got != events {
			t.Errorf("%d events, want %d", got, events)
		}
	}
}
