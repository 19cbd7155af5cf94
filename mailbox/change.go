package mailbox

import (
	"fmt"

	"github.com/pushmail/pushmail/imap"
)

// Kind is the kind of a [Change].
type Kind uint8

// The kinds of changes.
const (
	Expunge Kind = iota + 1 // the message is gone
	Flags                   // its flags are not what they were
	New                     // a message that was not there before
)

// String returns "expunge", "flags" or "new".
func (k Kind) String() string {
	switch k {
	case Expunge:
		return "expunge"
	case Flags:
		return "flags"
	case New:
		return "new"
	}
	return "?"
}

// Change is one net change of a mailbox. A message that came and went unseen is no change, nor are
// flags that were set and taken back unseen. The slices are shared with the State: read only.
type Change struct {
	Kind Kind
	UID  imap.UID
	// ModSeq is that of the row that told of the flags or of the new message; 0 if it had none, and
	// for an expunge.
	ModSeq imap.ModSeq
	// Flags are those after the change, without \Recent, sorted; of an expunged message the last
	// that were known.
	Flags []imap.Flag
	// Added and Removed are the difference to the flags before, for [Flags] alone.
	Added, Removed []imap.Flag
	// Reused: the server gave the UID to another message before, so UIDVALIDITY and UID do not name it. Print tells
	// the two apart, as far as it was given to [Ledger.Remember]; of a New one it is not known yet. The number of a
	// message that a server counts, but returns only later, counts as used, too.
	Reused bool
	Print  Print
	// Rev counts the flag changes of this UID, from 1, as far as they came without a mod-sequence. It
	// takes the place of ModSeq in ids: it is part of the State, so a replay repeats it. 0 when
	// ModSeq is known, and for other kinds.
	Rev uint32
}

// String is for logs and tests: "flags 7 +\Seen (modseq 12)".
func (c Change) String() string {
	s := fmt.Sprintf("%v %d", c.Kind, c.UID)
	if c.Kind == Flags {
		for _, f := range c.Added {
			s += " +" + imap.Printable(string(f))
		}
		for _, f := range c.Removed {
			s += " -" + imap.Printable(string(f))
		}
	}
	if c.ModSeq != 0 {
		s += fmt.Sprintf(" (modseq %d)", c.ModSeq)
	}
	if c.Rev != 0 {
		s += fmt.Sprintf(" (rev %d)", c.Rev)
	}
	return s
}
