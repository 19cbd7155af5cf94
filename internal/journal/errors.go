package journal

import (
	"errors"
	"fmt"
)

// Errors that a caller can decide on with errors.Is.
var (
	// ErrFull: there is no room on the disk. Writing works again when there is.
	ErrFull = errors.New("no room for the journal")
	// ErrLocked: another process has the journal.
	ErrLocked = errors.New("another process uses the journal")
	// ErrReadOnly: the journal was opened for reading alone.
	ErrReadOnly = errors.New("the journal was opened for reading only")
	// ErrClosed: the journal was closed.
	ErrClosed = errors.New("the journal is closed")
	// ErrNotFound: there is no such row.
	ErrNotFound = errors.New("not in the journal")
)

// VersionError says that a newer program has written the journal.
type VersionError struct {
	Path string
	// Has is the version of its schema, Knows the newest one that this program can use.
	Has, Knows int
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("schema version %d is newer than %d, which this program knows: use the newer program that wrote the journal, or restore a backup made before the upgrade",
		e.Has, e.Knows)
}
