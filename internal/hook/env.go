package hook

import (
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/pushmail/pushmail/event"
)

// Env describes an event in environment variables, for commands that do not read JSON. All of them are
// always there, so that none is inherited; what does not apply is empty. known is what is known of the message
// besides what the event says; it may be nil.
func Env(ev *event.Event, known *event.Summary) []string {
	f := factsOf(ev.Data)
	if known == nil {
		known = f.summary
	}
	vars := [][2]string{
		{"TYPE", string(ev.Type())},
		{"ID", ev.ID},
		{"TIME", ev.Time.UTC().Format("2006-01-02T15:04:05.000Z")},
		{"SOURCE", ev.Source},
		{"ACCOUNT", f.Account},
		{"MAILBOX", f.Mailbox},
		{"UIDVALIDITY", number(f.UIDValidity)},
		{"UID", number(f.uid)},
		{"FLAGS", strings.Join(f.flags, " ")},
		{"ADDED", strings.Join(f.added, " ")},
		{"REMOVED", strings.Join(f.removed, " ")},
	}
	vars = append(vars, messageVars(known)...)
	vars = append(vars, linkVars(f.link)...)
	vars = append(vars, nameVars(f.name)...)
	env := make([]string, len(vars))
	for i, v := range vars {
		env[i] = "PUSHMAIL_" + v[0] + "=" + envText(v[1])
	}
	return env
}

// facts are what events of all types have to say.
type facts struct {
	event.Ref
	uid                   uint32
	flags, added, removed []string
	summary               *event.Summary
	link                  *event.Link
	name                  *event.MailboxName
}

func factsOf(data event.Data) facts {
	switch d := data.(type) {
	case *event.MessageNew:
		return facts{Ref: d.Ref, uid: d.UID, flags: d.Flags, summary: &d.Summary}
	case *event.MessageExpunge:
		return facts{Ref: d.Ref, uid: d.UID, flags: d.Flags, summary: &d.Summary}
	case *event.FlagChange:
		return facts{Ref: d.Ref, uid: d.UID, flags: d.Flags, added: d.Added, removed: d.Removed}
	case *event.MailboxOpen:
		return facts{Ref: event.Ref{Account: d.Account, Mailbox: d.Mailbox, UIDValidity: d.UIDValidity}}
	case *event.MailboxReset:
		return facts{Ref: d.Ref}
	case *event.MailboxName:
		return facts{Ref: event.Ref{Account: d.Account, Mailbox: d.Mailbox}, name: d}
	case *event.Link:
		return facts{Ref: event.Ref{Account: d.Account, Mailbox: d.Mailbox}, link: d}
	}
	return facts{}
}

// number is n in decimal, and empty for 0, which stands for none.
func number[N ~uint32 | int64](n N) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(int64(n), 10)
}

func messageVars(s *event.Summary) [][2]string {
	var from event.Address
	var date, size, attachments string
	e := &event.Envelope{}
	if s != nil && s.Envelope != nil {
		e = s.Envelope
		size, attachments = number(s.Size), strconv.Itoa(len(s.Attachments))
	}
	if len(e.From) > 0 {
		from = e.From[0]
	}
	if !e.Date.IsZero() {
		date = e.Date.Format(time.RFC3339)
	}
	return [][2]string{
		{"SUBJECT", e.Subject},
		{"FROM", from.Address},
		{"FROM_NAME", from.Name},
		{"DATE", date},
		{"MESSAGE_ID", e.MessageID},
		{"SIZE", size},
		{"ATTACHMENTS", attachments},
	}
}

func linkVars(l *event.Link) [][2]string {
	if l == nil {
		return [][2]string{{"UP", ""}, {"STALE", ""}, {"REASON", ""}}
	}
	return [][2]string{{"UP", strconv.FormatBool(l.Up)}, {"STALE", strconv.FormatBool(l.Stale)}, {"REASON", l.Reason}}
}

func nameVars(n *event.MailboxName) [][2]string {
	if n == nil {
		n = &event.MailboxName{}
	}
	return [][2]string{{"CHANGE", n.Change}, {"OLD_MAILBOX", n.OldMailbox}}
}

// maxEnvText bounds, in bytes, one variable: the sender of a mail decides on what is in it, and
// systems bound the environment.
const maxEnvText = 1000

// envText bounds text and takes control characters out of it; white space becomes a space.
func envText(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if len(text) > maxEnvText {
		text = strings.ToValidUTF8(text[:maxEnvText], "")
	}
	return text
}
