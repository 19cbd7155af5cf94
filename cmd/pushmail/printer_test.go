package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rivo/uniseg"

	"github.com/pushmail/pushmail/event"
	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/watch"
)

func newMessageEvent(subject string) watch.Event {
	return watch.Event{
		ID: "id1", Type: watch.MessageNew, Time: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC),
		Account: "jo", User: "jo", Host: "mail.example.org", Mailbox: "INBOX", UIDValidity: 17, UID: 42, ModSeq: 7,
		Flags: []imap.Flag{imap.FlagFlagged, "$Work"},
		Message: &watch.Summary{
			Size: 2301,
			Envelope: &event.Envelope{
				Subject: subject, MessageID: "<1@x>", Date: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC),
				From: []event.Address{{Name: "Jo", Address: "jo@example.org"}},
			},
			Attachments: []event.Attachment{{Filename: "a.pdf", Type: "application/pdf", Size: 1}},
		},
	}
}

// aDay has every kind of event, with what strangers write into them.
func aDay() []watch.Event {
	base := newMessageEvent("Lunch?")
	at := func(ev watch.Event, clock string) watch.Event {
		day, err := time.Parse(time.DateTime, "2026-11-22 "+clock)
		if err != nil {
			panic(err)
		}
		ev.Time = day
		return ev
	}
	kind := func(t watch.Type, change func(*watch.Event)) watch.Event {
		ev := base
		ev.Type = t
		change(&ev)
		return ev
	}
	subject := func(text string, from ...event.Address) watch.Event {
		return kind(watch.MessageNew, func(ev *watch.Event) {
			ev.Message = &watch.Summary{Size: 999_999, Envelope: &event.Envelope{Subject: text, From: from}}
		})
	}
	open := func(o watch.OpenInfo) watch.Event {
		return kind(watch.MailboxOpen, func(ev *watch.Event) { ev.UID, ev.Message, ev.Open = 0, nil, &o })
	}
	link := func(l watch.LinkInfo) watch.Event {
		return kind(watch.Link, func(ev *watch.Event) { ev.UID, ev.Message, ev.Link = 0, nil, &l })
	}
	next := at(base, "00:00:01")
	next.Time = next.Time.AddDate(0, 0, 1)
	return []watch.Event{
		at(open(watch.OpenInfo{Exists: 12, Method: "initial", Push: "idle"}), "10:02:10"),
		at(base, "10:02:13"),
		at(kind(watch.FlagChange, func(ev *watch.Event) { ev.Added, ev.Removed = []imap.Flag{`\Seen`}, []imap.Flag{"$Junk"} }), "10:02:20"),
		at(kind(watch.FlagChange, func(ev *watch.Event) { ev.Added, ev.Message = []imap.Flag{`\Deleted`}, nil }), "10:02:21"),
		at(kind(watch.MessageExpunge, func(*watch.Event) {}), "10:03:00"),
		at(kind(watch.MessageExpunge, func(ev *watch.Event) { ev.Message = nil }), "10:03:01"),
		at(kind(watch.MessageNew, func(ev *watch.Event) { ev.Message = nil }), "10:03:02"),
		at(subject("", event.Address{Address: "robot@example.org"}), "10:04:00"),
		at(subject("\x1b]0;owned\x07\x1b[2J\x1b[31mHi\r\n10:04:02  new      The Boss", event.Address{Name: "A\x1b[8m", Address: "a@b\u202e"}), "10:04:01"),
		at(subject("来週の打ち合わせについて 👨‍👩‍👧 और", event.Address{Name: "佐藤 美咲", Address: "misaki@sakura.example"}), "10:04:02"),
		at(link(watch.LinkInfo{Reason: "read tcp 10.0.0.2:51034->192.0.2.7:993: read: connection reset by peer", RetryIn: 2300 * time.Millisecond}), "10:05:00"),
		at(link(watch.LinkInfo{Reason: "server said BYE shutting down", RetryIn: time.Millisecond}), "10:06:00"),
		at(link(watch.LinkInfo{Stale: true, Reason: "i/o timeout", VerifiedAt: base.Time.Add(4 * time.Minute)}), "10:35:00"),
		at(link(watch.LinkInfo{Up: true}), "10:40:00"),
		at(open(watch.OpenInfo{Exists: 1, Method: "qresync", Push: "poll", Resumed: true}), "10:40:00"),
		at(link(watch.LinkInfo{Up: true, Reason: "the server did not push: 3 messages, not 2", Class: "deaf"}), "10:50:00"),
		at(kind(watch.MailboxReset, func(ev *watch.Event) {
			ev.UID, ev.Message, ev.Reset = 0, nil, &watch.ResetInfo{OldUIDValidity: 16, Exists: 3}
		}), "10:55:00"),
		next,
	}
}

func printDay(t *testing.T, l look) string {
	t.Helper()
	var b strings.Builder
	p := &printer{w: &b, look: l, zone: time.UTC}
	for _, ev := range aDay() {
		if err := p.print(ev); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func TestPrinterInAPipe(t *testing.T) {
	t.Parallel()
	golden(t, "watch.txt", printDay(t, look{}))
}

func TestPrinterOnATerminal(t *testing.T) {
	t.Parallel()
	text := printDay(t, look{colour: true, width: func() int { return 80 }})
	golden(t, "watch-80.txt", strings.ReplaceAll(text, "\x1b", "^["))
}

func TestPrinterFitsTheTerminal(t *testing.T) {
	t.Parallel()
	for width := 20; width < 140; width++ {
		for line := range strings.Lines(printDay(t, look{width: func() int { return width }})) {
			line = strings.TrimSuffix(line, "\n")
			if got := uniseg.StringWidth(line); got > width {
				t.Errorf("%d columns on a terminal of %d: %s", got, width, line)
			}
		}
	}
}

// What strangers wrote makes one line an event and no escape sequences, whatever it is.
func TestPrinterIsNotFooled(t *testing.T) {
	t.Parallel()
	text := printDay(t, look{})
	if n := strings.Count(text, "\n"); n != len(aDay())+1 {
		t.Errorf("%d lines for %d events and a new day", n, len(aDay()))
	}
	if strings.ContainsAny(text, "\x1b\x07\r\u009b\u202e") {
		t.Errorf("control characters in %q", text)
	}
}

func TestJSONLines(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	j := &jsonLines{w: &b}
	for _, ev := range aDay() {
		if err := j.print(ev); err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "watch.jsonl", b.String())
}

func TestClosedOutputIsAGoodEnd(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]int{
		syscall.EPIPE: exitOK,
		fmt.Errorf("write: %w", io.ErrClosedPipe): exitOK,
		syscall.ENOSPC: exitOther,
	} {
		out := newScreen()
		out.failWith(err)
		p := &printer{w: out, zone: time.UTC}
		if got := p.print(newMessageEvent("x")); got == nil || exitCode(got) != want || errors.Is(got, errOutputClosed) != (want == exitOK) {
			t.Errorf("%v becomes %v with exit code %d, want %d", err, got, exitCode(got), want)
		}
	}
}
