package imap

import "strings"

// Flag is a message flag, such as `\Seen`, or a keyword, such as `$Junk` (RFC 9051 section 2.3.2).
// Flags compare without regard to case; values that this module makes have the case of the constants
// below for those, and the server's own for the rest.
type Flag string

// System flags (RFC 9051 section 2.3.2) and registered keywords (RFC 5788).
const (
	FlagSeen           Flag = `\Seen`
	FlagAnswered       Flag = `\Answered`
	FlagFlagged        Flag = `\Flagged`
	FlagDeleted        Flag = `\Deleted`
	FlagDraft          Flag = `\Draft`
	FlagRecent         Flag = `\Recent`    // RFC 3501 only; set by the server
	FlagWildcard       Flag = `\*`         // in PERMANENTFLAGS: keywords may be created
	FlagGmailImportant Flag = `\Important` // a Gmail label

	FlagForwarded Flag = "$Forwarded"
	FlagMDNSent   Flag = "$MDNSent"
	FlagJunk      Flag = "$Junk"
	FlagNotJunk   Flag = "$NotJunk"
	FlagPhishing  Flag = "$Phishing"
	FlagImportant Flag = "$Important"
)

var wellKnownFlags = [...]Flag{
	FlagSeen, FlagAnswered, FlagFlagged, FlagDeleted, FlagDraft, FlagRecent, FlagWildcard, FlagGmailImportant,
	FlagForwarded, FlagMDNSent, FlagJunk, FlagNotJunk, FlagPhishing, FlagImportant,
}

// CanonicalFlag returns text as a Flag, in the case of the constants if it is one of them. The
// result shares no memory with text in that case.
func CanonicalFlag(text string) Flag {
	for _, f := range wellKnownFlags {
		if len(f) == len(text) && (string(f) == text || strings.EqualFold(string(f), text)) {
			return f
		}
	}
	return Flag(text)
}

// EqualFlag reports whether a and b are the same flag.
func EqualFlag(a, b Flag) bool { return strings.EqualFold(string(a), string(b)) }

// HasFlag reports whether flags holds f.
func HasFlag(flags []Flag, f Flag) bool {
	for _, g := range flags {
		if EqualFlag(f, g) {
			return true
		}
	}
	return false
}
