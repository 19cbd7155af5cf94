package imapclient

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// onMailbox sends a command whose first argument is the name of a mailbox.
func (c *Conn) onMailbox(ctx context.Context, verb, mailbox string, build func(*imapwire.Command), take func(imap.Response) bool) (*command, error) {
	if err := c.need(StateAuthenticated); err != nil {
		return nil, err
	}
	if err := checkMailbox(verb, mailbox); err != nil {
		return nil, err
	}
	return c.exec(ctx, verb, func(e *imapwire.Command) {
		e.Mailbox(mailbox)
		if build != nil {
			build(e)
		}
	}, take)
}

// askAbout sends a command about one mailbox and returns the response of type R that names it, nil for
// none. Others go to the Handler. One that names it in another way, as servers do that are lenient with
// names, is taken if there is no better one.
func askAbout[R imap.Response](ctx context.Context, c *Conn, verb, mailbox string, nameOf func(R) string, build func(*imapwire.Command)) (R, error) {
	var found, similar R
	var exact, near bool
	_, err := c.onMailbox(ctx, verb, mailbox, build, func(r imap.Response) bool {
		got, ok := r.(R)
		switch {
		case !ok:
		case imap.SameMailbox(nameOf(got), mailbox):
			found, exact = got, true
			return true
		case !near && alike(nameOf(got), mailbox):
			similar, near = got, true
		}
		return false
	})
	var none R
	switch {
	case err != nil:
		return none, err
	case exact:
		return found, nil
	case near:
		return similar, nil
	}
	return none, noData(verb, mailbox)
}

// NoDataError says that the server answered OK without the data that the command asks for.
type NoDataError struct{ Command, Mailbox string }

func (e *NoDataError) Error() string {
	return fmt.Sprintf("%s %q: the server said OK but sent no data", e.Command, imap.Printable(e.Mailbox))
}

func noData(verb, mailbox string) error { return &NoDataError{verb, mailbox} }

func checkMailbox(verb, mailbox string) error {
	if mailbox != "" {
		return nil
	}
	return badName(verb, "is empty")
}

// checkNewName refuses names that the standard does not allow and that nobody could type (RFC 6855
// section 3, RFC 9051 section 5.1).
func checkNewName(verb, mailbox string) error {
	for _, r := range mailbox {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' {
			return badName(verb, "has control characters")
		}
	}
	return checkMailbox(verb, mailbox)
}

func badName(verb, reason string) error {
	return notSent(&imapwire.ArgumentError{Command: verb, Argument: "mailbox name", Position: 1, Reason: reason})
}

// alike reports whether two names differ only in what servers take liberties with: case, the form of
// composed characters, and the encoding.
func alike(a, b string) bool { return loose(a) == loose(b) }

func loose(name string) string {
	name = imapwire.MailboxToWire(name, true) // without the mark of a name that could not be decoded
	if decoded, err := imapwire.DecodeMailbox(name); err == nil {
		name = decoded
	}
	return norm.NFC.String(strings.ToLower(name))
}
