package main

import (
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/watch"
)

func TestWatchAllMailboxes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	jo := w.server.AddUser(testUser, testPassword)
	jo.Mailbox("Work")
	s := w.start(t, w.args("watch", "--all-mailboxes", strings.TrimSuffix(w.url(""), "/"))...)
	s.out.waitFor(t, "INBOX  0 messages: watching from now on")
	s.out.waitFor(t, "Work  0 messages: watching from now on   (looked at by STATUS)")
	w.inbox.Append(message("hello"))
	s.out.waitFor(t, "hello")
	// The whole account is taken: neither it nor one of its mailboxes can be watched with the same state.
	for _, args := range [][]string{{"--all-mailboxes", w.url("")}, {w.url("Work")}} {
		other := w.start(t, w.args("watch", args...)...)
		code, errs := other.end(), other.err.text()
		if code != exitState || !strings.Contains(errs, "another pushmail watches") {
			t.Errorf("%q: exit code %d, said %q", args, code, errs)
		}
	}
	s.interrupt()

	jo.Mailbox("Fresh").Append(message("in a new one"))
	jo.Mailbox("Work").Append(message("meanwhile"))
	s = w.start(t, w.args("watch", "--all-mailboxes", w.url(""))...)
	s.out.waitFor(t, "name     Fresh  the mailbox Fresh was created")
	s.out.waitFor(t, "in a new one")
	s.out.waitFor(t, "meanwhile")
	s.interrupt()

	s = w.start(t, w.args("watch", "--mailbox", "*", "--exclude", "INBOX", w.url(""))...)
	jo.Mailbox("Work").Append(message("again"))
	s.out.waitFor(t, "again")
	s.interrupt()
	if strings.Contains(s.out.text(), "INBOX") {
		t.Errorf("what was excluded is watched: %q", s.out.text())
	}
}

func TestWatchSeveralURLs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.server.AddUser(testUser, testPassword).Mailbox("Work").Append(message("old"))
	s := w.start(t, w.args("watch", "--json", "--from", "all", w.url("INBOX"), w.url("Work"))...)
	s.out.waitFor(t, `"subject":"old"`)
	w.inbox.Append(message("one"))
	s.out.waitFor(t, `"subject":"one"`)
	// Others of the account may be watched meanwhile; all of them may not.
	other := w.start(t, w.args("watch", "--all-mailboxes", w.url(""))...)
	code, errs := other.end(), other.err.text()
	if code != exitState {
		t.Errorf("exit code %d, said %q", code, errs)
	}
	s.interrupt()
	for line := range strings.Lines(s.out.text()) {
		if !strings.HasPrefix(line, "{") || !strings.HasSuffix(line, "}\n") {
			t.Errorf("not a line of JSON: %q", line)
		}
	}
}

// One URL that cannot be watched ends them all, with its error.
func TestWatchSeveralURLsOneWrong(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	s := w.start(t, w.args("watch", w.url("INBOX"), w.url("Missing"))...)
	code, errs := s.end(), s.err.text()
	if code == 0 || !strings.Contains(errs, "Missing") {
		t.Errorf("exit code %d, said %q", code, errs)
	}
}

func TestWatchTellsWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	s := w.start(t, w.args("watch", "--json", "--header", "Message-ID", "--text", "100", "--preview", w.url("INBOX"))...)
	s.out.waitFor(t, "mail.mailbox.open")
	w.inbox.Append([]byte("Subject: x\r\nMessage-ID: <1@x>\r\n\r\nThe body.\r\n"))
	s.out.waitFor(t, `"headers":[{"name":"Message-ID","value":"<1@x>"}]`)
	s.out.waitFor(t, `"text":"The body.`)
	s.out.waitFor(t, `"preview":"The body."`)
	s.interrupt()
}

func TestFrom(t *testing.T) {
	for text, want := range map[string]string{
		"now": "now", "all": "all",
		"2026-01-31T08:00:00Z": "2026-01-31T08:00:00Z",
	} {
		var at time.Time
		v := (*fromValue)(&at)
		if err := v.Set(text); err != nil || v.String() != want {
			t.Errorf("%s: %s, %v", text, v.String(), err)
		}
	}
	var at time.Time
	if err := (*fromValue)(&at).Set("24h"); err != nil || time.Since(at).Round(time.Hour) != 24*time.Hour {
		t.Errorf("24h is %v, %v", at, err)
	}
	if !at.After(watch.Everything) {
		t.Error("24h means all")
	}
}

// Nothing was recorded since now, and without --since nothing is meant by it.
func TestSinceNowIsNow(t *testing.T) {
	var since timeValue
	if before := since.String(); before != "" {
		t.Errorf("before it is given it is %q, which help would call the default", before)
	}
	if err := since.Set("now"); err != nil || time.Since(time.Time(since)) > time.Hour {
		t.Errorf("now is %v, %v", time.Time(since), err)
	}
	if err := since.Set("all"); err != nil || !time.Time(since).Equal(watch.Everything) {
		t.Errorf("all is %v, %v", time.Time(since), err)
	}
}

func TestTokenCommandThatIsMissingIsSaid(t *testing.T) {
	t.Parallel()
	if _, _, errs := runHere(t, "watch", "--token-command", "/nonexistent/token", "imaps://jo@127.0.0.1:1/"); !strings.Contains(errs, "/nonexistent/token") {
		t.Errorf("said %q", errs)
	}
}
