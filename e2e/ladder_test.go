package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pushmail/pushmail/e2e/dovecot"
	"github.com/pushmail/pushmail/e2e/pushmail"
)

// TestEveryRungTellsTheSame plays one history to servers with and without QRESYNC and CONDSTORE while pushmail is down:
// only the cost of finding out may differ.
func TestEveryRungTellsTheSame(t *testing.T) {
	t.Parallel()
	rungs := []struct {
		name    string // as the open event calls it
		without []string
	}{
		{"qresync", nil},
		{"condstore", dovecot.WithoutQResync},
		{"uid-diff", dovecot.WithoutCondStore},
	}
	told := make([][]string, len(rungs))
	var all sync.WaitGroup
	all.Add(len(rungs))
	for i, rung := range rungs {
		t.Run(rung.name, func(t *testing.T) {
			t.Parallel()
			defer all.Done()
			told[i] = offlineHistory(t, rung.name, rung.without)
		})
	}
	t.Cleanup(func() { // after the parallel subtests
		want := []string{
			"expunge 2", "expunge 5", "flags 3 +[\\Seen] -[]", "flags 4 +[\\Flagged] -[\\Seen]", "new 11 history 11", "new 13 history 13", "new 14 history 14",
		}
		for i, rung := range rungs {
			got := slices.Sorted(slices.Values(told[i]))
			if !t.Failed() && !slices.Equal(got, want) {
				t.Errorf("%s tells\n%q, want\n%q", rung.name, got, want)
			}
			if !t.Failed() && !slices.Equal(told[i], told[0]) {
				t.Errorf("%s tells in another order:\n%q, %s:\n%q", rung.name, told[i], rungs[0].name, told[0])
			}
		}
	})
}

// offlineHistory changes a mailbox of ten messages while nobody watches and returns what pushmail makes of it.
func offlineHistory(t *testing.T, rung string, without []string) []string {
	a := newAccount(t, dovecot.Start(t, dovecot.Options{Without: without}))
	session := a.session("INBOX")
	add := func(n int, flags ...string) {
		t.Helper()
		_, err := session.Append("INBOX", mail(fmt.Sprintf("history %d", n)), flags...)
		check(t, err)
	}
	for n := 1; n <= 10; n++ {
		add(n)
	}
	check(t, session.Store("+FLAGS", `\Seen`, 4))
	log := filepath.Join(t.TempDir(), "protocol")
	a.watch("--protocol-log", log).Stop(t)

	check(t, session.Expunge(2, 5))
	check(t, session.Store("+FLAGS", `\Seen`, 3))
	check(t, session.Store("FLAGS", `\Flagged`, 4))
	check(t, session.Store("+FLAGS", `\Answered`, 6))
	check(t, session.Store("-FLAGS", `\Answered`, 6)) // no net change
	for n := 11; n <= 14; n++ {
		add(n)
	}
	check(t, session.Expunge(12)) // came and went: no net change

	r := a.watch("--protocol-log", log)
	if method := r.Events()[0].Data.Method; method != rung {
		t.Errorf("the mailbox was compared by %s, want %s", method, rung)
	}
	add(15)
	a.waitNew(r, "history 15")
	r.Stop(t)
	wantOnlyAnnounced(t, log, without)

	var told []string
	for _, e := range r.Events() {
		switch {
		case pushmail.NewMessage("history 15")(e):
			return told
		case e.Type == pushmail.New:
			told = append(told, fmt.Sprintf("new %s %s", e.Subject, e.MessageSubject()))
		case e.Type == pushmail.Expunge:
			told = append(told, "expunge "+e.Subject)
		case e.Type == pushmail.Flags:
			told = append(told, fmt.Sprintf("flags %s +%v -%v", e.Subject, e.Data.Added, e.Data.Removed))
		}
	}
	return told
}

// wantOnlyAnnounced looks into the protocol log for words of extensions that the server did not announce.
func wantOnlyAnnounced(t *testing.T, log string, without []string) {
	t.Helper()
	text, err := os.ReadFile(log)
	check(t, err)
	used := strings.Contains(string(text), "QRESYNC")
	if want := len(without) == 0; used != want {
		t.Errorf("QRESYNC is in the protocol log: %v, want %v", used, want)
	}
	if slices.Contains(without, "CONDSTORE") && strings.Contains(string(text), "CHANGEDSINCE") {
		t.Error("CHANGEDSINCE was sent to a server that does not know it")
	}
}

func TestServerWithoutIdleIsPolled(t *testing.T) {
	t.Parallel()
	a := newAccount(t, dovecot.Start(t, dovecot.Options{Without: []string{"IDLE", "NOTIFY"}}))
	log := filepath.Join(t.TempDir(), "protocol")
	r := a.watch("--poll-interval", "500ms", "--protocol-log", log)
	a.deliver("found by polling")
	uid := a.waitNew(r, "found by polling").Data.UID
	check(t, a.session("INBOX").Expunge(uid))
	r.WaitFor(t, patience, "expunge event", pushmail.About(pushmail.Expunge, uid))
	r.Stop(t)
	text, err := os.ReadFile(log)
	check(t, err)
	if strings.Contains(string(text), " IDLE") || !strings.Contains(string(text), " NOOP") {
		t.Errorf("the protocol log shows no polling by NOOP:\n%s", text)
	}
}

func TestServerThatKeepsTalkingWhileIdle(t *testing.T) {
	t.Parallel()
	a := newAccount(t, dovecot.Start(t, dovecot.Options{IdleNotify: 1e9}))
	r := a.watch()
	a.deliver("between the chatter")
	a.waitNew(r, "between the chatter")
	r.Stop(t)
}
