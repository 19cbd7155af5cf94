// Package filesink appends events to a file, as lines of JSON, and sets the file aside when it is big or old enough.
package filesink

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pushmail/pushmail/internal/sink"
)

// Options are what [New] needs. Path must be there.
type Options struct {
	Path string
	// MaxSize, in bytes, and MaxAge are when the file is set aside, between two batches of events: when it would become bigger, and when its first event is
	// older. Zero is never.
	MaxSize int64
	MaxAge  time.Duration
	// Keep is how many files that were set aside are kept. Zero is all.
	Keep int
}

// Sink appends to one file. The file can be moved away by others: a new one is begun.
type Sink struct {
	o     Options
	f     *os.File // nil when it has to be opened
	size  int64    // of what is whole
	began time.Time
}

// New opens the file, or makes it, readable by its owner alone. What a crash has left of a line is cut off: its event was not
// acknowledged and comes again.
func New(o Options) (*Sink, error) {
	s := &Sink{o: o}
	return s, s.open()
}

// Limits implements [sink.Sink].
func (s *Sink) Limits() sink.Limits { return sink.Limits{Batch: 256} }

// Send implements [sink.Sink]. All of the batch is on the disk, or nothing of it stays in the file.
func (s *Sink) Send(_ context.Context, batch []sink.Delivery) []sink.Result {
	var lines bytes.Buffer
	for _, d := range batch {
		lines.Write(d.JSON)
		lines.WriteByte('\n')
	}
	if err := s.append(lines.Bytes()); err != nil {
		return sink.All(len(batch), sink.Result{Outcome: sink.Busy, Err: err})
	}
	return sink.All(len(batch), sink.Result{Outcome: sink.OK})
}

// Close implements [sink.Sink].
func (s *Sink) Close() error {
	if s.f == nil {
		return nil
	}
	err := s.f.Close()
	s.f = nil
	return err
}

func (s *Sink) append(text []byte) error {
	if s.moved() {
		_ = s.Close()
	}
	if s.f == nil {
		if err := s.open(); err != nil {
			return err
		}
	}
	if s.due(int64(len(text))) {
		if err := s.rotate(); err != nil {
			return err
		}
	}
	if s.size == 0 {
		s.began = time.Now()
	}
	_, err := s.f.Write(text)
	if err == nil {
		err = s.f.Sync()
	}
	if err != nil {
		// What was written of it must not stay before what comes. After a failed sync nothing is known of the file: open it anew.
		err = errors.Join(err, s.f.Truncate(s.size), s.Close())
		return err
	}
	s.size += int64(len(text))
	return nil
}

// moved says whether the path no longer leads to the open file.
func (s *Sink) moved() bool {
	if s.f == nil {
		return false
	}
	there, err := os.Stat(s.o.Path)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	ours, err := s.f.Stat()
	return err == nil && !os.SameFile(there, ours)
}

func (s *Sink) open() (err error) {
	f, err := os.OpenFile(s.o.Path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
		}
	}()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", s.o.Path)
	}
	whole, err := wholeLines(f, info.Size())
	if err != nil {
		return err
	}
	if whole != info.Size() {
		if err := f.Truncate(whole); err != nil {
			return err
		}
	}
	if err := syncDir(filepath.Dir(s.o.Path)); err != nil {
		return err
	}
	s.f, s.size, s.began = f, whole, info.ModTime()
	return nil
}

// wholeLines returns where the last line ends that has an end.
func wholeLines(f io.ReaderAt, size int64) (int64, error) {
	buf := make([]byte, 64<<10)
	for end := size; end > 0; {
		from := max(0, end-int64(len(buf)))
		part := buf[:end-from]
		if _, err := f.ReadAt(part, from); err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		if i := bytes.LastIndexByte(part, '\n'); i >= 0 {
			return from + int64(i) + 1, nil
		}
		end = from
	}
	return 0, nil
}

// due says whether the file has to be set aside before n bytes are appended.
func (s *Sink) due(n int64) bool {
	return s.size > 0 && (s.o.MaxSize > 0 && s.size+n > s.o.MaxSize || s.o.MaxAge > 0 && time.Since(s.began) >= s.o.MaxAge)
}

// rotate sets the file aside and begins a new one.
func (s *Sink) rotate() error {
	if err := s.Close(); err != nil {
		return err
	}
	to, err := s.free(time.Now())
	if err != nil {
		return err
	}
	if err := os.Rename(s.o.Path, to); err != nil {
		return err
	}
	if err := s.open(); err != nil {
		return err
	}
	return s.prune()
}

// asideLayout is the time in the name of a file that was set aside: events-20261122T100000.000Z.jsonl.
const asideLayout = "20060102T150405.000Z"

// free returns a name for the file when it is set aside.
func (s *Sink) free(now time.Time) (string, error) {
	ext := filepath.Ext(s.o.Path)
	for range 1000 {
		name := strings.TrimSuffix(s.o.Path, ext) + "-" + now.UTC().Format(asideLayout) + ext
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			return name, nil
		}
		now = now.Add(time.Millisecond)
	}
	return "", fmt.Errorf("no free name to set %s aside", s.o.Path)
}

// prune removes the oldest files that were set aside, except for those to keep.
func (s *Sink) prune() error {
	if s.o.Keep <= 0 {
		return nil
	}
	aside, err := s.aside()
	if err != nil {
		return err
	}
	for _, name := range aside[:max(0, len(aside)-s.o.Keep)] {
		if err := os.Remove(filepath.Join(filepath.Dir(s.o.Path), name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// aside returns the names of the files that were set aside, oldest first.
func (s *Sink) aside() ([]string, error) {
	entries, err := os.ReadDir(filepath.Dir(s.o.Path))
	if err != nil {
		return nil, err
	}
	ext := filepath.Ext(s.o.Path)
	prefix := strings.TrimSuffix(filepath.Base(s.o.Path), ext) + "-"
	var names []string
	for _, e := range entries {
		middle, ok := strings.CutPrefix(strings.TrimSuffix(e.Name(), ext), prefix)
		if _, err := time.Parse(asideLayout, middle); ok && err == nil && strings.HasSuffix(e.Name(), ext) {
			names = append(names, e.Name())
		}
	}
	slices.SortFunc(names, cmp.Compare[string])
	return names, nil
}
