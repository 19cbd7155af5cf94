package mailbox

import (
	"fmt"

	"github.com/pushmail/pushmail/imap"
)

// DesyncError says that a response can't follow from what the View knows: the map of sequence
// numbers is no longer to be trusted. The View must be thrown away and the mailbox be selected and
// resynchronised again. Nothing is lost by it.
type DesyncError struct {
	Reason string
	// Reset: the server changed UIDVALIDITY to this value while the mailbox was selected. 0 otherwise.
	Reset uint32
}

// Error says what contradicted what.
func (e *DesyncError) Error() string { return "mailbox out of step with the server: " + e.Reason }

func desync(format string, args ...any) error {
	return &DesyncError{Reason: fmt.Sprintf(format, args...)}
}

// LimitError says that a mailbox is larger than this package is willing to track.
type LimitError struct {
	What  string
	Limit uint64
}

// Error says which bound was reached.
func (e *LimitError) Error() string {
	return fmt.Sprintf("mailbox has too many %s to be tracked: the limit is %d", e.What, e.Limit)
}

// CorruptError says that bytes are not a checkpoint, or not all of one.
type CorruptError struct {
	Offset int // where in the bytes it was noticed
	Reason string
}

// Error says what is wrong and where.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("checkpoint is damaged at byte %d: %s", e.Offset, e.Reason)
}

// VersionError says that a checkpoint was written by a newer program than this one.
type VersionError struct{ Version, Supported uint64 }

// Error says what to do.
func (e *VersionError) Error() string {
	return fmt.Sprintf("checkpoint has format %d, written by a newer version of this program, which knows formats up to %d: run the newer version",
		e.Version, e.Supported)
}

func errReset(was, now uint32) error {
	return &DesyncError{Reason: fmt.Sprintf("UIDVALIDITY changed from %d to %d", was, now), Reset: now}
}

func errSeq(what string, seq imap.SeqNum, count uint32) error {
	return desync("%s of message %d, but there are %d", what, seq, count)
}
