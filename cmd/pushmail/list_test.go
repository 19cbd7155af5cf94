package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/event"
	"github.com/pushmail/pushmail/imap"
)

func TestListPrintsTheLastMessages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for i := range 60 {
		w.inbox.Append(message(fmt.Sprintf("number %d", i+1)))
	}
	for _, test := range []struct {
		args        []string
		first, rows int
	}{
		{nil, 11, 50},
		{[]string{"-n", "3"}, 58, 3},
		{[]string{"--limit", "60"}, 1, 60},
		{[]string{"--limit", "1000"}, 1, 60},
		{[]string{"--limit", "0"}, 1, 60},
	} {
		s := w.start(t, w.args("list", append(test.args, w.url("INBOX"))...)...)
		if code := s.end(); code != exitOK {
			t.Fatalf("exit code %d", code)
		}
		lines := strings.Split(strings.TrimSuffix(s.out.text(), "\n"), "\n")
		if len(lines) != test.rows || !strings.Contains(lines[0], fmt.Sprintf("number %d ", test.first)) || !strings.Contains(lines[len(lines)-1], "number 60 ") {
			t.Errorf("%v: %d rows from %s", test.args, len(lines), lines[0])
		}
	}
}

func TestListJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.inbox.Append(message("=?utf-8?q?T=C3=BCr?="), imap.FlagSeen, "$Work")
	s := w.start(t, w.args("list", "--json", w.url("INBOX"))...)
	if code := s.end(); code != exitOK {
		t.Fatalf("exit code %d", code)
	}
	var row struct {
		UID      uint32
		Flags    []string
		Size     int64
		Envelope event.Envelope
	}
	if err := json.Unmarshal([]byte(s.out.text()), &row); err != nil {
		t.Fatal(err)
	}
	if row.UID != 1 || row.Size == 0 || row.Envelope.Subject != "Tür" || !strings.Contains(fmt.Sprint(row.Flags), `\Seen`) || !strings.Contains(fmt.Sprint(row.Flags), `$Work`) {
		t.Errorf("row %s", s.out.text())
	}
}

func TestListOfNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	s := w.start(t, w.args("list", w.url("INBOX"))...)
	if code := s.end(); code != exitOK || s.out.text() != "" || s.err.text() != "" {
		t.Errorf("exit code %d, %q, %q", code, s.out.text(), s.err.text())
	}
}

func TestListMailboxes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.server.AddUser(testUser, testPassword).Mailbox("Entwürfe/alt")
	s := w.start(t, w.args("list", "--mailboxes", w.url(""))...)
	if code := s.end(); code != exitOK || !strings.Contains(s.out.text(), "INBOX\n") || !strings.Contains(s.out.text(), "Entwürfe/alt\n") {
		t.Errorf("exit code %d: %s", code, s.out.text())
	}
	s = w.start(t, w.args("list", "--mailboxes", "--json", w.url(""))...)
	if code := s.end(); code != exitOK || !strings.Contains(s.out.text(), `{"mailbox":"Entwürfe/alt","attributes":[`) {
		t.Errorf("exit code %d: %s", code, s.out.text())
	}
}

func TestRows(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	p := &printer{zone: time.UTC}
	var b strings.Builder
	for _, m := range []*imap.Message{
		{UID: 7, InternalDate: now.Add(-time.Hour), Size: 2301, Envelope: &imap.Envelope{Subject: "Lunch?", From: []imap.Address{{Name: "Jo", Mailbox: "jo", Host: "example.org"}}}},
		{UID: 4294967295, InternalDate: now.AddDate(-2, 0, 0), Flags: []imap.Flag{imap.FlagSeen, imap.FlagAnswered, imap.FlagFlagged, imap.FlagDeleted, imap.FlagDraft}, Size: 12, Envelope: &imap.Envelope{Subject: "\x1b[2J"}},
		{UID: 9, Flags: []imap.Flag{imap.FlagSeen}},
		{UID: 10, InternalDate: now.AddDate(1, 0, 0), Envelope: &imap.Envelope{}},
	} {
		b.WriteString(p.row(m, now) + "\n")
	}
	golden(t, "list.txt", b.String())
}
