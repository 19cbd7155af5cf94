package imap

import (
	"fmt"
	"strings"
)

// StatusError says that the server refused a command (NO), did not understand it (BAD), or ended
// the connection (BYE). Find it with errors.AsType[*imap.StatusError].
type StatusError struct {
	// Command is the name of the command without its arguments: "LOGIN", "UID FETCH"; "" when the
	// server spoke up by itself.
	Command string
	Status
}

// Error returns the command and the server's words, without control characters.
func (e *StatusError) Error() string {
	var b strings.Builder
	if e.Command != "" {
		b.WriteString(e.Command)
		b.WriteString(": ")
	}
	fmt.Fprintf(&b, "server said %s", e.Kind)
	if e.Code != nil {
		fmt.Fprintf(&b, " [%s]", Printable(e.Code.String()))
	}
	if e.Text != "" {
		b.WriteByte(' ')
		b.WriteString(Printable(e.Text))
	}
	return b.String()
}

// Printable returns text with control characters, among them those of terminals, replaced by "?".
// Whatever a server or a sender wrote goes through it before a person reads it.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < ' ', r >= 0x7f && r < 0xa0, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
			return '?'
		}
		return r
	}, text)
}
