package main

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/pushmail/pushmail/event"
	"github.com/pushmail/pushmail/watch"
)

// printer writes events for people, a line each.
type printer struct {
	w    io.Writer
	look look
	zone *time.Location
	day  string             // of the last line
	open map[watch.Key]bool // the mailbox was open before: an open is the end of a loss
	// account and mailbox: say which one, for there are several.
	account, mailbox bool
}

// print writes one event. [errOutputClosed] says that nobody reads any more.
func (p *printer) print(ev watch.Event) error {
	at := ev.Time.In(p.zone)
	text := ""
	if day := at.Format("Monday, 2 January 2006"); day != p.day {
		if p.day != "" {
			text = p.look.render(span{"-- " + day, dim}) + "\n"
		}
		p.day = day
	}
	kind, shade, rest := p.describe(ev)
	line := []span{{at.Format("15:04:05") + "  ", dim}, {pad(kind, 7), shade}, {"  ", plain}}
	if where := p.where(ev); where != "" {
		line = append(line, span{where + "  ", cyan})
	}
	return write(p.w, text+p.look.render(append(line, rest...)...)+"\n")
}

// where names the mailbox, and the account, if there are several.
func (p *printer) where(ev watch.Event) string {
	switch box := clean(ev.Mailbox); {
	case p.account && box == "":
		return clean(ev.Account)
	case p.account:
		return clean(ev.Account) + "/" + box
	case p.mailbox:
		return box
	}
	return ""
}

// write is one Write, so that lines of several writers do not mix.
func write(w io.Writer, text string) error {
	_, err := io.WriteString(w, text)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) {
		return errOutputClosed
	}
	if err != nil {
		return fmt.Errorf("write the output: %w", err)
	}
	return nil
}

func (p *printer) describe(ev watch.Event) (kind string, shade colour, rest []span) {
	switch ev.Type {
	case watch.MessageNew:
		return "new", green, p.message(ev)
	case watch.MessageExpunge:
		return "expunge", red, p.message(ev)
	case watch.FlagChange:
		return "flags", cyan, p.flags(ev)
	case watch.MailboxOpen:
		return "open", bold, p.openText(ev)
	case watch.MailboxReset:
		return "reset", yellow, []span{{fmt.Sprintf(
			"the server has renumbered the %s of %s (UIDVALIDITY %d, was %d): UIDs from before mean nothing now",
			count(ev.Reset.Exists, "message"), clean(ev.Mailbox), ev.UIDValidity, ev.Reset.OldUIDValidity,
		), plain}}
	case watch.Link:
		return p.link(ev.Link)
	case watch.MailboxName:
		text := "the mailbox " + clean(ev.Mailbox) + " was " + clean(ev.Name.Change)
		if ev.Name.OldMailbox != "" {
			text += ": it was " + clean(ev.Name.OldMailbox)
		}
		return "name", yellow, []span{{text, plain}}
	}
	return clean(ev.Type.String()), plain, nil
}

// column is how wide the second column is: who a message is from, or which flags changed.
func (p *printer) column() int {
	columns := p.look.columns()
	if columns == 0 {
		return 30
	}
	return max(14, min(34, (columns-20)*2/5))
}

// field fills the second column. Only a terminal cuts what is too long.
func (p *printer) field(text string) string {
	width := p.column()
	if p.look.width != nil {
		text = cut(text, width)
	}
	return pad(text, width) + "  "
}

func (p *printer) message(ev watch.Event) []span {
	if ev.Message == nil || ev.Message.Envelope == nil {
		return []span{{p.field(fmt.Sprintf("UID %d", ev.UID)), plain}, {"(not known what it was)", dim}}
	}
	spans := []span{{p.field(sender(ev.Message)), plain}, {subject(ev.Message), bold}}
	if ev.Type == watch.MessageExpunge {
		spans[1].colour = plain
		return spans
	}
	if text := details(ev.Message); text != "" {
		spans = append(spans, span{"   (" + text + ")", dim})
	}
	return spans
}

func (p *printer) flags(ev watch.Event) []span {
	var changes []string
	for _, f := range ev.Added {
		changes = append(changes, "+"+clean(string(f)))
	}
	for _, f := range ev.Removed {
		changes = append(changes, "-"+clean(string(f)))
	}
	what := span{subject(ev.Message), plain}
	if ev.Message == nil || ev.Message.Envelope == nil {
		what = span{fmt.Sprintf("UID %d", ev.UID), dim}
	}
	return []span{{p.field(strings.Join(changes, " ")), plain}, what}
}

func (p *printer) openText(ev watch.Event) []span {
	o := ev.Open
	if p.open == nil {
		p.open = map[watch.Key]bool{}
	}
	key := watch.Key{Account: ev.Account, Mailbox: ev.Mailbox}
	known := "watching from now on"
	switch {
	case p.open[key] && o.Resumed:
		known = "what changed meanwhile follows"
	case o.Resumed:
		known = "what changed since the last run follows"
	}
	p.open[key] = true
	how := "the server pushes"
	switch o.Push {
	case "sweep":
		how = "looked at by STATUS"
	case "poll":
		how = "the server cannot push: asking it regularly"
	}
	if o.Resumed {
		how = "compared by " + methodName(o.Method) + ", " + how
	}
	name := clean(ev.Mailbox) + ", "
	if p.mailbox {
		name = "" // it is in front
	}
	return []span{
		{fmt.Sprintf("%s%s: %s", name, count(o.Exists, "message"), known), plain},
		{"   (" + how + ")", dim},
	}
}

// methodName is how a mailbox was compared with the checkpoint, for people.
func methodName(method string) string {
	switch method {
	case event.MethodQResync:
		return "QRESYNC"
	case event.MethodCondStore:
		return "CONDSTORE"
	case event.MethodSearch:
		return "UIDs and searches for flags"
	case event.MethodUIDDiff:
		return "UIDs and flags"
	}
	return clean(method)
}

func (p *printer) link(l *watch.LinkInfo) (kind string, shade colour, rest []span) {
	switch {
	case l.Stale:
		text := "stale: not verified"
		if !l.VerifiedAt.IsZero() {
			text += " since " + l.VerifiedAt.In(p.zone).Format("15:04:05")
		}
		return "link", yellow, []span{{text, yellow}, {reasonText(l.Reason), plain}}
	case l.Up && l.Reason == "":
		return "link", green, []span{{"up", plain}}
	case l.Up:
		return "link", yellow, []span{{"up", yellow}, {reasonText(l.Reason), plain}}
	}
	spans := []span{{"down", yellow}, {reasonText(l.Reason), plain}}
	if l.RetryIn > 0 {
		when := "in " + pause(l.RetryIn)
		if l.RetryIn < 50*time.Millisecond {
			when = "now"
		}
		spans = append(spans, span{"   (next attempt " + when + ")", dim})
	}
	return "link", yellow, spans
}

func reasonText(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + clean(socketNoise.ReplaceAllString(reason, ""))
}

// socketNoise is what package net puts before the reason: the operation and both addresses.
var socketNoise = regexp.MustCompile(`^(read|write) tcp \S+->\S+: ((read|write): )?`)

// pause is a time to wait, for people: "0.4 s", "3 s", "2m5s".
func pause(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}
