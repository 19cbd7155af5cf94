package imaptest

import (
	"slices"
	"time"

	"github.com/pushmail/pushmail/imap"
)

// message is one message in one mailbox. The mailbox's mu guards flags and modSeq; the rest never
// changes.
type message struct {
	*content
	uid      imap.UID
	date     time.Time
	emailID  string // the same for all copies (RFC 8474 section 5.1)
	threadID string

	flags  []imap.Flag // replaced, never changed in place
	modSeq imap.ModSeq
}

// flagOp says what STORE does with the flags that it is given.
type flagOp uint8

const (
	replaceFlags flagOp = iota
	addFlags
	removeFlags
)

// apply returns the flags after op, and whether they differ from old. RFC 7162 section 3.1: setting a
// flag that is set, or clearing one that is not, is no change.
func (op flagOp) apply(old, flags []imap.Flag) ([]imap.Flag, bool) {
	var out []imap.Flag
	switch op {
	case replaceFlags:
		out = uniqueFlags(nil, flags)
	case addFlags:
		out = uniqueFlags(slices.Clone(old), flags)
	case removeFlags:
		out = slices.DeleteFunc(slices.Clone(old), func(f imap.Flag) bool { return imap.HasFlag(flags, f) })
	}
	return out, !sameFlags(old, out)
}

// uniqueFlags appends to dst the flags that it does not have yet. \Recent is session state, which no
// client can set (RFC 3501 section 2.3.2).
func uniqueFlags(dst, flags []imap.Flag) []imap.Flag {
	for _, f := range flags {
		if f = imap.CanonicalFlag(string(f)); f != imap.FlagRecent && !imap.HasFlag(dst, f) {
			dst = append(dst, f)
		}
	}
	return dst
}

func sameFlags(a, b []imap.Flag) bool {
	if len(a) != len(b) {
		return false
	}
	for _, f := range a {
		if !imap.HasFlag(b, f) {
			return false
		}
	}
	return true
}
