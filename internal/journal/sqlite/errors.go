package sqlite

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/pushmail/pushmail/internal/journal"
)

// code is the primary result code of SQLite, 0 if the error is not of it.
func code(err error) int {
	var e *driver.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

// isLocal reports whether an error is of what was to be written, not of the database or the disk.
func isLocal(err error) bool {
	switch code(err) {
	case lib.SQLITE_ERROR, lib.SQLITE_CONSTRAINT, lib.SQLITE_TOOBIG, lib.SQLITE_MISMATCH, lib.SQLITE_RANGE:
		return true
	}
	return false
}

// plain has errors of the database say what to do.
func plain(err error) error {
	switch code(err) {
	case lib.SQLITE_FULL:
		return fmt.Errorf("%w: it goes on when there is room: free some on its disk, or keep fewer events (%w)", journal.ErrFull, err)
	case lib.SQLITE_IOERR:
		return fmt.Errorf("the disk failed: see the log of the system (%w)", err)
	case lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB:
		return fmt.Errorf("the file is damaged, or no journal: restore a backup, or save what can be with sqlite3's .recover (%w)", err)
	case lib.SQLITE_READONLY, lib.SQLITE_PERM, lib.SQLITE_CANTOPEN:
		return fmt.Errorf("it cannot be opened or written: see who owns the file and its directory (%w)", err)
	}
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("%w (%w)", journal.ErrFull, err)
	}
	return err
}

// explain is plain, with the name of the journal. A limit on the size of files (EFBIG) reaches SQLite as a failed write.
func (w *writer) explain(err error) error {
	if err == nil {
		return nil
	}
	var refused refusal
	if errors.As(err, &refused) {
		return refused.error
	}
	if code(err) == lib.SQLITE_IOERR && w.atLimit() {
		err = fmt.Errorf("%w: the file has reached the limit on the size of files (ulimit -f) (%w)", journal.ErrFull, err)
		return fmt.Errorf("journal %s: %w", w.path, err)
	}
	return fmt.Errorf("journal %s: %w", w.path, plain(err))
}

// atLimit reports whether the database or its log cannot grow by a page.
func (w *writer) atLimit() bool {
	limit, ok := fileSizeLimit()
	if !ok {
		return false
	}
	for _, name := range []string{w.path, w.path + "-wal"} {
		if st, err := os.Stat(name); err == nil && st.Size()+8192 > limit {
			return true
		}
	}
	return false
}
