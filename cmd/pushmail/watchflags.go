package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/watch"
)

// mailboxFlags say which mailboxes are watched, and since when.
type mailboxFlags struct {
	all         bool
	patterns    []string
	exclude     []string
	connections int
	since       time.Time
}

func (f *mailboxFlags) register(fs *pflag.FlagSet) {
	fs.BoolVar(&f.all, "all-mailboxes", false, "watch all mailboxes of the account")
	fs.StringArrayVar(&f.patterns, "mailbox", nil, "watch the mailboxes whose names match `PATTERN` (repeatable)")
	fs.StringArrayVar(&f.exclude, "exclude", nil, "leave out mailboxes whose names match `PATTERN` (repeatable)")
	fs.IntVar(&f.connections, "max-connections", 0, "use at most `N` connections for an account of many mailboxes (default 4)")
	fs.Var((*fromValue)(&f.since), "from", "at the first run, report what is there already: now (nothing), all, or since a time: 24h, 2026-01-31, RFC 3339")
}

// registerChoice registers what chooses mailboxes for a plan.
func (f *mailboxFlags) registerChoice(fs *pflag.FlagSet) {
	fs.StringArrayVar(&f.patterns, "mailbox", nil, "plan for the mailboxes whose names match `PATTERN` (repeatable)")
	fs.StringArrayVar(&f.exclude, "exclude", nil, "without those whose names match `PATTERN` (repeatable)")
	fs.IntVar(&f.connections, "max-connections", 0, "plan with at most `N` connections for an account of many mailboxes (default 4)")
}

// wants reports whether a mailbox that can be opened is one of those to watch.
func (f *mailboxFlags) wants(m *imap.List) bool {
	matches := func(p string) bool { return imap.MatchMailbox(p, m.Mailbox, m.Delim) }
	return (len(f.patterns) == 0 || slices.ContainsFunc(f.patterns, matches)) && !slices.ContainsFunc(f.exclude, matches)
}

// many reports whether more than one mailbox of an account is watched.
func (f *mailboxFlags) many() bool { return f.all || len(f.patterns) > 0 }

// fromValue is the value of --from: zero for now.
type fromValue time.Time

// String implements pflag.Value.
func (v *fromValue) String() string {
	switch t := time.Time(*v); {
	case t.IsZero():
		return "now"
	case t.Equal(watch.Everything):
		return "all"
	default:
		return t.Format(time.RFC3339)
	}
}

// Type implements pflag.Value.
func (v *fromValue) Type() string { return "WHEN" }

// Set implements pflag.Value.
func (v *fromValue) Set(text string) error {
	switch text {
	case "now":
		*v = fromValue{}
		return nil
	case "all":
		*v = fromValue(watch.Everything)
		return nil
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		*v = fromValue(time.Now().Add(-d))
		return nil
	}
	for _, layout := range []string{time.RFC3339, time.DateTime, time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			*v = fromValue(t)
			return nil
		}
	}
	return errors.New("want now, all, a time back such as 24h, or a time such as 2026-01-31 or 2026-01-31T08:00:00Z")
}

// timeValue is the value of --since and --until: zero until it is given.
type timeValue time.Time

// String implements pflag.Value.
func (v *timeValue) String() string {
	if time.Time(*v).IsZero() {
		return ""
	}
	return (*fromValue)(v).String()
}

// Type implements pflag.Value.
func (v *timeValue) Type() string { return (*fromValue)(v).Type() }

// Set implements pflag.Value.
func (v *timeValue) Set(text string) error {
	if text == "now" {
		*v = timeValue(time.Now())
		return nil
	}
	return (*fromValue)(v).Set(text)
}

// contentFlags say what events tell of a message.
type contentFlags struct {
	brief   bool
	headers []string
	preview bool
	text    textSize
}

func (f *contentFlags) register(fs *pflag.FlagSet) {
	fs.BoolVar(&f.brief, "brief", false, "leave out the envelope and the attachments of messages")
	fs.StringArrayVar(&f.headers, "header", nil, "have the header field `NAME` in events, too (repeatable)")
	fs.BoolVar(&f.preview, "preview", false, "have the first words of the text in events also where the server does not give them")
	fs.Var(&f.text, "text", "have this much of the text of messages in events, at most 262144 `BYTES`")
}

func (f *contentFlags) content() watch.Content {
	return watch.Content{Brief: f.brief, Headers: f.headers, Preview: f.preview, Text: int(f.text)}
}

// textSize is the value of --text.
type textSize int

// String implements pflag.Value.
func (v *textSize) String() string { return strconv.Itoa(int(*v)) }

// Type implements pflag.Value.
func (v *textSize) Type() string { return "BYTES" }

// Set implements pflag.Value.
func (v *textSize) Set(text string) error {
	const most = 256 << 10
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > most {
		return fmt.Errorf("want a number of bytes from 0 to %d", most)
	}
	*v = textSize(n)
	return nil
}
