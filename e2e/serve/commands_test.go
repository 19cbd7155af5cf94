package serve

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/e2e/pushmail"
)

// parse reads lines of JSON.
func parse(t *testing.T, text string) (l log) {
	t.Helper()
	for line := range strings.Lines(text) {
		var ev event
		if err := json.Unmarshal([]byte(line), &ev); err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		l.add(ev)
	}
	return l
}

// The commands that look into a daemon's journal and ask it see what sinks have got, while it runs.
func TestEventsStatusAndReplay(t *testing.T) {
	t.Parallel()
	s := newSite(t, 2, "")
	s.add(s.fileSink("file") + s.fileSink("other"))
	if _, stderr := s.run(7, "events"); !strings.Contains(stderr, "pushmail serve") {
		t.Errorf("events before there is a journal: %s", stderr)
	}
	r := s.serve()
	s.awaitUp(r, "user0", "user1")
	all := s.flood("one", 3)
	s.awaitAll(r, all, map[string]func() log{"file": s.lines("file"), "other": s.lines("other")})
	had := s.lines("file")()

	stdout, _ := s.run(0, "events", "--since", "all", "--json")
	if got := parse(t, stdout); fmt.Sprint(got) != fmt.Sprint(had) {
		t.Errorf("pushmail events has\n%v\nthe sink has\n%v", got, had)
	}
	stdout, _ = s.run(0, "events", "--json", "--since", "1h", "--type", "mail.message.new", "--account", "user1")
	got := parse(t, stdout)
	got.check(t, "events", set("user1 one no 0", "user1 one no 1", "user1 one no 2"))
	if len(got) != 3 {
		t.Errorf("%d events of an account and a type, want 3", len(got))
	}
	if stdout, _ = s.run(0, "events", "--limit", "1", "--type", "mail.message.new"); strings.Count(stdout, "\n") != 1 || !strings.Contains(stdout, "one no 2") {
		t.Errorf("the last event is %q", stdout)
	}

	if stdout, _ = s.run(0, "events", "--since", "now"); stdout != "" {
		t.Errorf("since now there is %q", stdout)
	}

	follow := pushmail.Start(t, pushmail.Options{Args: []string{"events", "--follow", "--json", "--config", s.config}})
	s.run(0, "events") // by the time that this is done the other has begun, or finds the events all the same
	two := s.flood("two", 2)
	for subject := range two {
		follow.WaitFor(t, patience, subject, func(e pushmail.Event) bool { return e.Data.Envelope.Subject == subject })
	}
	follow.Stop(t)

	stdout, _ = s.run(0, "status", "--all")
	for _, want := range []string{"user0", "user1", "file", "other", "2 (2 up)"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("pushmail status says not a word of %s:\n%s", want, stdout)
		}
	}
	stdout, _ = s.run(0, "status", "--json")
	var overview struct {
		Summary struct{ Ready bool }
		Sinks   []sink
	}
	if err := json.Unmarshal([]byte(stdout), &overview); err != nil || !overview.Summary.Ready || len(overview.Sinks) != 2 {
		t.Errorf("pushmail status --json: %v: %s", err, stdout)
	}

	s.awaitAll(r, two, map[string]func() log{"file": s.lines("file"), "other": s.lines("other")})
	id := had[len(had)-1].ID
	before := len(s.lines("other")())
	s.run(0, "replay", "file", "--id", id)
	eventually(t, r, func() string {
		if n, k := times(s.lines("file")(), id), s.sinkNamed("file"); n != 2 || k.Replaying > 0 {
			return fmt.Sprintf("the event came %d times, %d are to come once more", n, k.Replaying)
		}
		return ""
	})
	stdout, _ = s.run(0, "replay", "file", "--since", "1h", "--type", "mail.message.new")
	if !strings.Contains(stdout, "10 events") {
		t.Errorf("pushmail replay: %s", stdout)
	}
	eventually(t, r, func() string {
		for _, ev := range had {
			if want := 2; ev.Type == "mail.message.new" && ev.ID != id && times(s.lines("file")(), ev.ID) != want {
				return fmt.Sprintf("%q came %d times, want %d", ev.Data.Envelope.Subject, times(s.lines("file")(), ev.ID), want)
			}
		}
		return ""
	})
	if n := len(s.lines("other")()); n != before {
		t.Errorf("the other sink got %d events more", n-before)
	}
	if _, stderr := s.run(1, "replay", "nobody", "--since", "1h"); !strings.Contains(stderr, "nobody") {
		t.Errorf("replay to a sink that is not there: %s", stderr)
	}
	if _, stderr := s.run(2, "replay", "file"); !strings.Contains(stderr, "--since") {
		t.Errorf("replay of nothing: %s", stderr)
	}

	// and so does the shell of SQLite
	if n := s.sqlite3("SELECT count(*) FROM event JOIN stream ON stream.id = event.stream WHERE type = 'mail.message.new' AND account = 'user1' AND json_extract(json, '$.data.envelope.subject') LIKE 'user1 %'"); n != "5" {
		t.Errorf("SQLite counts %s messages of user1, want 5", n)
	}
	if text := s.sqlite3("PRAGMA integrity_check; SELECT name FROM sink ORDER BY name"); text != "ok\nfile\nother" {
		t.Errorf("SQLite says %q", text)
	}
	r.Stop(t)

	// the journal can be read when nobody writes it, and nobody answers
	if stdout, _ = s.run(0, "events", "--since", "all", "--type", "mail.message.new"); strings.Count(stdout, "\n") != len(all)+len(two) {
		t.Errorf("after the end pushmail events has %q", stdout)
	}
	if _, stderr := s.run(1, "status"); !strings.Contains(stderr, "serve") || !strings.Contains(stderr, s.api) {
		t.Errorf("status of a daemon that does not run: %s", stderr)
	}
}

// times is how often an event is in the log.
func times(l log, id string) (n int) {
	for _, ev := range l {
		if ev.ID == id {
			n++
		}
	}
	return n
}
