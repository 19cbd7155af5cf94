package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/pushmail/pushmail/internal/journal"
	"github.com/pushmail/pushmail/internal/journal/journaltest"
)

func TestJournal(t *testing.T) {
	dir := t.TempDir()
	last := map[string]*Journal{}
	journaltest.Exercise(t, func(t *testing.T, name string) journal.Journal {
		if j := last[name]; j != nil {
			if err := j.Close(); err != nil {
				t.Error(err)
			}
		}
		j := mustOpen(t, filepath.Join(dir, name))
		last[name] = j
		return j
	})
}

func mustOpen(t testing.TB, path string) *Journal {
	t.Helper()
	j, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}
