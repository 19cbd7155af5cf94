package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/pushmail/pushmail/event"
	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/watch"
)

// rowPrinter returns what prints one message of a list.
func (a *app) rowPrinter(asJSON bool) func(*imap.Message) error {
	if asJSON {
		return func(m *imap.Message) error {
			line, err := rowJSON(m)
			if err != nil {
				return err
			}
			return write(a.out, line)
		}
	}
	p := &printer{look: a.look(a.out), zone: time.Local}
	return func(m *imap.Message) error { return write(a.out, p.row(m, time.Now())+"\n") }
}

// row is a message in one line.
func (p *printer) row(m *imap.Message, now time.Time) string {
	sum := watch.Summarize(m)
	spans := []span{
		{fmt.Sprintf("%7d  %s  ", m.UID, p.date(m.InternalDate, now)), dim},
		{marks(m.Flags) + "  ", yellow},
		{p.field(sender(sum)), plain},
		{subject(sum), plain},
	}
	if !imap.HasFlag(m.Flags, imap.FlagSeen) {
		spans[3].colour = bold
	}
	if text := details(sum); text != "" {
		spans = append(spans, span{"   (" + text + ")", dim})
	}
	return p.look.render(spans...)
}

// date is short for this year and has the year for others, as ls has it.
func (p *printer) date(at, now time.Time) string {
	const width = len("22 Nov 15:04")
	if at.IsZero() {
		return fmt.Sprintf("%*s", width, "?")
	}
	at = at.In(p.zone)
	if age := now.Sub(at); age > 180*24*time.Hour || age < -24*time.Hour {
		return at.Format("_2 Jan  2006")
	}
	return at.Format("_2 Jan 15:04")
}

// marks are the flags that people know, a column each.
func marks(flags []imap.Flag) string {
	text := []byte("     ")
	if !imap.HasFlag(flags, imap.FlagSeen) {
		text[0] = 'N'
	}
	for i, f := range []imap.Flag{imap.FlagAnswered, imap.FlagFlagged, imap.FlagDeleted, imap.FlagDraft} {
		if imap.HasFlag(flags, f) {
			text[i+1] = "AFDT"[i]
		}
	}
	return string(text)
}

// listed is a message in JSON. Its fields are those of the events.
type listed struct {
	UID   uint32   `json:"uid"`
	Flags []string `json:"flags"`
	event.Summary
}

func rowJSON(m *imap.Message) (string, error) {
	row := listed{UID: uint32(m.UID), Flags: []string{}, Summary: *watch.Summarize(m)}
	for _, f := range m.Flags {
		row.Flags = append(row.Flags, string(f))
	}
	return jsonLine(row)
}

func jsonLine(v any) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return b.String(), err
}

// mailboxJSON is a mailbox in JSON.
func mailboxJSON(box *imap.List) (string, error) {
	row := struct {
		Mailbox    string   `json:"mailbox"`
		Attributes []string `json:"attributes"`
	}{box.Mailbox, []string{}}
	for _, attr := range box.Attrs {
		row.Attributes = append(row.Attributes, string(attr))
	}
	return jsonLine(row)
}
