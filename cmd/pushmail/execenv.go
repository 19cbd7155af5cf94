package main

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/pushmail/pushmail/event"
	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/watch"
)

// passwordVariable is the environment variable that may hold the password.
const passwordVariable = "PUSHMAIL_PASSWORD"

// withoutSecrets returns env without the password.
func withoutSecrets(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(e string) bool { return strings.HasPrefix(e, passwordVariable+"=") })
}

// eventEnv describes ev in environment variables, for commands that do not read JSON. All of them are
// always there, so that none is inherited; what does not apply is empty.
func eventEnv(ev watch.Event) []string {
	cloud := ev.CloudEvent()
	vars := [][2]string{
		{"TYPE", string(cloud.Type())},
		{"ID", ev.ID},
		{"TIME", ev.Time.UTC().Format("2006-01-02T15:04:05.000Z")},
		{"SOURCE", cloud.Source},
		{"ACCOUNT", ev.Account},
		{"MAILBOX", ev.Mailbox},
		{"UIDVALIDITY", number(ev.UIDValidity)},
		{"UID", number(ev.UID)},
		{"FLAGS", flagText(ev.Flags)},
		{"ADDED", flagText(ev.Added)},
		{"REMOVED", flagText(ev.Removed)},
	}
	vars = append(vars, messageVars(ev.Message)...)
	vars = append(vars, linkVars(ev.Link)...)
	vars = append(vars, nameVars(ev.Name)...)
	env := make([]string, len(vars))
	for i, v := range vars {
		env[i] = "PUSHMAIL_" + v[0] + "=" + envText(v[1])
	}
	return env
}

// number is n in decimal, and empty for 0, which stands for none.
func number[N ~uint32 | int | int64](n N) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(int64(n), 10)
}

func messageVars(s *watch.Summary) [][2]string {
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

func linkVars(l *watch.LinkInfo) [][2]string {
	if l == nil {
		return [][2]string{{"UP", ""}, {"STALE", ""}, {"REASON", ""}}
	}
	return [][2]string{{"UP", strconv.FormatBool(l.Up)}, {"STALE", strconv.FormatBool(l.Stale)}, {"REASON", l.Reason}}
}

func nameVars(n *watch.NameInfo) [][2]string {
	if n == nil {
		n = &watch.NameInfo{}
	}
	return [][2]string{{"CHANGE", n.Change}, {"OLD_MAILBOX", n.OldMailbox}}
}

func flagText(flags []imap.Flag) string {
	words := make([]string, len(flags))
	for i, f := range flags {
		words[i] = string(f)
	}
	return strings.Join(words, " ")
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
