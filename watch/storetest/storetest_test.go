package storetest_test

import (
	"testing"

	"github.com/pushmail/pushmail/watch"
	"github.com/pushmail/pushmail/watch/storetest"
)

func TestMemoryStore(t *testing.T) {
	s := &watch.MemoryStore{}
	storetest.Exercise(t, func(*testing.T) watch.Store { return s })
}

func TestFileStore(t *testing.T) {
	dir := t.TempDir()
	storetest.Exercise(t, func(*testing.T) watch.Store { return watch.FileStore{Dir: dir} })
}
