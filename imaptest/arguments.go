package imaptest

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// arguments reads the arguments of a command one by one. The first thing that does not fit is kept in
// err, and everything after it is zero: handlers check once.
type arguments struct {
	left []imapwire.Arg
	err  error
}

func (a *arguments) fail(text string) {
	if a.err == nil {
		a.err = errors.New(text)
	}
}

// next returns the next argument.
func (a *arguments) next() imapwire.Arg {
	if a.err != nil {
		return imapwire.Arg{}
	}
	if len(a.left) == 0 {
		a.fail("Missing argument")
		return imapwire.Arg{}
	}
	arg := a.left[0]
	a.left = a.left[1:]
	return arg
}

// more reports whether there is another argument.
func (a *arguments) more() bool { return a.err == nil && len(a.left) > 0 }

// peekList reports whether the next argument is a list.
func (a *arguments) peekList() bool { return a.more() && a.left[0].Kind == imapwire.ArgList }

// end checks that nothing is left, and returns BAD with the first mistake or nil.
func (a *arguments) end() *imap.Status {
	if a.err == nil && len(a.left) > 0 {
		a.fail("Too many arguments")
	}
	if a.err == nil {
		return nil
	}
	s := bad(a.err.Error())
	return &s
}

func (a *arguments) atom() string {
	arg := a.next()
	if a.err == nil && arg.Kind != imapwire.ArgAtom {
		a.fail("Expected an atom")
	}
	return arg.Text
}

func (a *arguments) astring() string {
	text, ok := a.next().AString()
	if !ok {
		a.fail("Expected a string")
	}
	return text
}

// mailbox reads a mailbox name, as UTF-8.
func (a *arguments) mailbox() string {
	return imapwire.MailboxFromWire(a.astring(), false)
}

func (a *arguments) list() []imapwire.Arg {
	arg := a.next()
	if a.err == nil && arg.Kind != imapwire.ArgList {
		a.fail("Expected a list")
	}
	return arg.List
}

func (a *arguments) modSeq(min uint64) imap.ModSeq {
	n, err := strconv.ParseUint(a.atom(), 10, 63)
	if err != nil || n < min {
		a.fail("Invalid mod-sequence")
	}
	return imap.ModSeq(n)
}

// parseFlags reads a flag list.
func parseFlags(args []imapwire.Arg) ([]imap.Flag, error) {
	flags := make([]imap.Flag, 0, len(args))
	for _, arg := range args {
		if arg.Kind != imapwire.ArgAtom || strings.ContainsAny(arg.Text, `]*%`) || strings.Contains(strings.TrimPrefix(arg.Text, `\`), `\`) {
			return nil, errors.New("invalid flag")
		}
		flag := imap.CanonicalFlag(arg.Text)
		if strings.HasPrefix(arg.Text, `\`) && !imap.HasFlag(systemFlags, flag) {
			return nil, errors.New("invalid system flag " + imap.Printable(arg.Text))
		}
		flags = append(flags, flag)
	}
	return flags, nil
}

// systemFlags are the flags that every mailbox has.
var systemFlags = []imap.Flag{imap.FlagAnswered, imap.FlagFlagged, imap.FlagDeleted, imap.FlagSeen, imap.FlagDraft}

// parseDate reads a date of SEARCH, such as 1-Feb-1994.
func parseDate(text string) (time.Time, error) { return time.Parse("_2-Jan-2006", text) }

// parseDateTime reads the date-time of APPEND, such as " 1-Feb-1994 21:52:25 -0800".
func parseDateTime(text string) (time.Time, error) {
	return time.Parse("_2-Jan-2006 15:04:05 -0700", text)
}
