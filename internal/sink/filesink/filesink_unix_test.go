//go:build unix

package filesink_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushmail/pushmail/internal/sink"
	"github.com/pushmail/pushmail/internal/sink/filesink"
)

func events(texts ...string) (out []sink.Delivery) {
	for _, t := range texts {
		out = append(out, sink.Delivery{JSON: []byte(t)})
	}
	return out
}

func open(t *testing.T, o filesink.Options) *filesink.Sink {
	t.Helper()
	s, err := filesink.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func send(t *testing.T, s *filesink.Sink, texts ...string) {
	t.Helper()
	results := s.Send(t.Context(), events(texts...))
	for _, r := range results {
		if r.Outcome != sink.OK || len(results) != len(texts) {
			t.Fatalf("%+v", results)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestEventsAreLines(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "events.jsonl")
	s := open(t, filesink.Options{Path: path})
	send(t, s, "a", "b")
	send(t, s, "c")
	if got := read(t, path); got != "a\nb\nc\n" {
		t.Errorf("%q", got)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}

func TestWhatACrashLeavesOfALineIsCutOff(t *testing.T) {
	t.Parallel()
	for torn, want := range map[string]string{
		"": "", "a\n": "a\n", "a\nb": "a\n", `{"id"`: "", strings.Repeat("x", 200_000): "",
		"a\n" + strings.Repeat("x", 200_000): "a\n", strings.Repeat("x", 65535) + "\n" + "y": strings.Repeat("x", 65535) + "\n",
	} {
		path := filepath.Join(t.TempDir(), "events.jsonl")
		if err := os.WriteFile(path, []byte(torn), 0o600); err != nil {
			t.Fatal(err)
		}
		send(t, open(t, filesink.Options{Path: path}), "new")
		if got := read(t, path); got != want+"new\n" {
			t.Errorf("%.20q… became %.40q", torn, got)
		}
	}
}

func aside(t *testing.T, path string) []string {
	t.Helper()
	names, err := filepath.Glob(strings.TrimSuffix(path, ".jsonl") + "-*.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestFileIsSetAsideBySize(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "events.jsonl")
	other := filepath.Join(filepath.Dir(path), "events-mine.jsonl")
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, filesink.Options{Path: path, MaxSize: 10, Keep: 2})
	for i := range 9 {
		send(t, s, fmt.Sprintf("ev%d.", i)) // five bytes with the line end: two fit, to the byte
	}
	names := aside(t, path)
	if len(names) != 3 || names[2] != other || read(t, names[0]) != "ev4.\nev5.\n" || read(t, names[1]) != "ev6.\nev7.\n" || read(t, path) != "ev8.\n" {
		t.Errorf("%v, now %q", names, read(t, path))
	}
	send(t, s, strings.Repeat("x", 100))
	if got := read(t, path); len(got) != 101 {
		t.Errorf("an event that is bigger than a file: %q", got)
	}
}

func TestFileIsSetAsideByAge(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "events.jsonl")
	synctest.Test(t, func(t *testing.T) {
		s := open(t, filesink.Options{Path: path, MaxAge: time.Hour})
		send(t, s, "a")
		time.Sleep(59 * time.Minute)
		send(t, s, "b")
		time.Sleep(time.Minute)
		send(t, s, "c")
		if names := aside(t, path); len(names) != 1 || read(t, names[0]) != "a\nb\n" || read(t, path) != "c\n" {
			t.Errorf("%v, now %q", names, read(t, path))
		}
	})
}

func TestFileThatOthersMoveIsBegunAnew(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "events.jsonl")
	s := open(t, filesink.Options{Path: path})
	send(t, s, "a")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	send(t, s, "b")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	send(t, s, "c")
	if read(t, path+".1") != "a\n" || read(t, path) != "c\n" {
		t.Errorf("%q, %q", read(t, path+".1"), read(t, path))
	}
}

// A limit of the process on the size of files fails writes in the middle, as a full disk does.
func TestWriteThatFailsLeavesWholeLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl")
	s := open(t, filesink.Options{Path: path})
	send(t, s, "a")
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Skip(err)
	}
	limit := was
	limit.Cur = 10
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Skip(err)
	}
	results := s.Send(t.Context(), events("bbbbb", "ccccc"))
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	if len(results) != 2 || results[0].Outcome != sink.Busy || !errors.Is(results[0].Err, syscall.EFBIG) {
		t.Fatalf("%+v", results)
	}
	if got := read(t, path); got != "a\n" {
		t.Errorf("left is %q", got)
	}
	send(t, s, "bbbbb")
	if got := read(t, path); got != "a\nbbbbb\n" {
		t.Errorf("then it is %q", got)
	}
}

func TestPathThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, path := range []string{t.TempDir(), "/dev/null", filepath.Join(t.TempDir(), "no", "x")} {
		if _, err := filesink.New(filesink.Options{Path: path}); err == nil {
			t.Errorf("%s was accepted", path)
		}
	}
}
