package imapwire

import (
	"fmt"

	"github.com/pushmail/pushmail/imap"
)

// SyntaxError says that a response, or one item of it, does not follow the grammar. It cost that
// response or item and nothing else.
type SyntaxError struct {
	// Item is the FETCH item that could not be read, or "" for a whole response.
	Item string
	// Offset is where in the response it was noticed.
	Offset int
	// Reason says what was expected.
	Reason string
	// Near is a piece of the response around Offset, at most 64 bytes. It may hold what a server or a
	// sender wrote; [SyntaxError.Error] prints it quoted.
	Near string
}

// Error returns one line of printable text of bounded length.
func (e *SyntaxError) Error() string {
	item := ""
	if e.Item != "" {
		item = " in " + imap.Printable(e.Item)
	}
	return fmt.Sprintf("imap syntax error%s at byte %d: %s, near %q", item, e.Offset, e.Reason, e.Near)
}

// nearBytes is how much of a response a SyntaxError shows.
const nearBytes = 64

// near cuts the piece of text to show for an error at offset: a bit of what comes before, more of
// what follows. It is a copy, so that an error does not keep a response in memory.
func near(text string, offset int) string {
	offset = min(max(offset, 0), len(text))
	start := max(0, offset-nearBytes/4)
	end := min(len(text), start+nearBytes)
	return string(append([]byte(nil), text[start:end]...))
}

// LimitError says that a response is beyond one of the [Limits].
type LimitError struct {
	// Limit is the name of the field of [Limits].
	Limit string
	// Max is its value.
	Max int64
	// Size is what was seen or announced; it may be less than the true size.
	Size int64
	// Skipped says that the response was thrown away and that the next one is sound. If it is false,
	// the connection cannot be used any more.
	Skipped bool
	// Head is the start of the response, at most 64 bytes.
	Head string
}

// Error returns one line of printable text of bounded length.
func (e *LimitError) Error() string {
	what := "the connection cannot be used any more"
	if e.Skipped {
		what = "skipped"
	}
	return fmt.Sprintf("imap response is beyond the limit %s of %d (%d): %s, it starts with %q", e.Limit, e.Max, e.Size, what, e.Head)
}
