package status_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushmail/pushmail/internal/status"
)

// mailboxes are tried as the only one of an account.
func TestStateAndWordsOfAMailbox(t *testing.T) {
	now := time.Now()
	for _, test := range []struct {
		name    string
		m       status.Mailbox
		err     string
		want    status.State
		level   status.Level
		summary string // part of it; "" for no trouble
	}{
		{"open", status.Mailbox{Up: true, VerifiedAt: now}, "", status.Up, status.Good, ""},
		{"not tried yet", status.Mailbox{}, "", status.Starting, status.Wait, ""},
		{"lost just now", status.Mailbox{Reason: "EOF", Class: "transient", Since: now.Add(-14 * time.Minute)}, "", status.Reconnecting, status.Warn, "connection to the server was lost"},
		{"lost long ago", status.Mailbox{Reason: "EOF", Class: "transient", Since: now.Add(-15 * time.Minute)}, "", status.Down, status.Bad, "connection to the server was lost"},
		{"wrong password", status.Mailbox{Reason: "LOGIN: NO [AUTHENTICATIONFAILED]", Class: "auth", Since: now}, "", status.Down, status.Bad, "refuses the password"},
		{"settings", status.Mailbox{Reason: "not an IMAP server", Class: "config", Since: now}, "", status.Down, status.Bad, "with these settings"},
		{"a certificate", status.Mailbox{Reason: "x509: expired", Class: "config", Since: now}, "", status.Down, status.Bad, "certificate"},
		{"a name", status.Mailbox{Reason: "lookup mail: no such host", Class: "transient", Since: now}, "", status.Reconnecting, status.Warn, "DNS"},
		{"refused mailbox", status.Mailbox{Reason: "NO", Class: "refused"}, "", status.Down, status.Bad, "refuses to open"},
		{"a certificate that a password names", status.Mailbox{Reason: "certificate", Class: "auth"}, "", status.Down, status.Bad, "refuses the password"},
		{"stale though connected", status.Mailbox{Up: true, Stale: true, VerifiedAt: now.Add(-time.Hour)}, "", status.Stale, status.Bad, "nobody could prove"},
		{"stale for a reason", status.Mailbox{Stale: true, Reason: "i/o timeout", Class: "transient", Since: now}, "", status.Stale, status.Bad, "does not answer in time"},
		{"deaf", status.Mailbox{Up: true, Deaf: true}, "", status.Deaf, status.Warn, "asked each minute"},
		{"a class from a newer watcher", status.Mailbox{Reason: "x", Class: "unheard-of"}, "", status.Reconnecting, status.Warn, "connection to the server was lost"},
		{"given up", status.Mailbox{Up: true}, "checkpoint is damaged", status.Failed, status.Bad, "given up"},
	} {
		b := status.NewBoard("")
		test.m.Name = "INBOX"
		b.Report(status.Sources{Accounts: func() []status.Account {
			return []status.Account{{Name: "jo", Err: test.err, Mailboxes: []status.Mailbox{test.m}}}
		}})
		got := b.Accounts()[0]
		if got.State != test.want || got.Level != test.level {
			t.Errorf("%s: %s (%s), want %s (%s)", test.name, got.State, got.Level, test.want, test.level)
		}
		switch {
		case test.summary == "" && got.Trouble == nil:
		case test.summary == "" || got.Trouble == nil:
			t.Errorf("%s: trouble %+v, want one with %q", test.name, got.Trouble, test.summary)
		case !strings.Contains(got.Trouble.Summary, test.summary) || got.Trouble.Advice == "":
			t.Errorf("%s: trouble %+v, want one with %q and advice", test.name, got.Trouble, test.summary)
		}
	}
}

func TestAnAccountIsAsItsWorstMailbox(t *testing.T) {
	now := time.Now().Round(0)
	b := status.NewBoard("")
	b.Report(status.Sources{Accounts: func() []status.Account {
		return []status.Account{{Name: "jo", Mailboxes: []status.Mailbox{
			{Name: "", Up: true, VerifiedAt: now, Push: ""},
			{Name: "Archive", Up: true, VerifiedAt: now.Add(-time.Minute), Push: "sweep"},
			{Name: "INBOX", Up: true, VerifiedAt: now, Push: "idle"},
			{Name: "Locked", Reason: "NO", Class: "refused", VerifiedAt: now, Push: "sweep"},
		}}}
	}})
	b.Event("jo", "INBOX", "mail.message.new", now.Add(-time.Hour))
	b.Event("jo", "Archive", "mail.message.new", now.Add(-time.Second))
	b.Event("jo", "Archive", "mail.message.new", now.Add(-2*time.Hour)) // a late one does not move it back
	a, ok := b.Account("jo")
	if !ok || a.State != status.Down || a.Trouble.Mailbox != "Locked" || a.Watched != 3 || a.WatchedUp != 2 || a.Method != "idle" {
		t.Errorf("account %+v, trouble %+v", a, a.Trouble)
	}
	if !a.VerifiedAt.Equal(now.Add(-time.Minute)) || a.LastEventAt.Sub(now.Add(-time.Second)).Abs() > time.Millisecond {
		t.Errorf("verified %v, last event %v; now is %v", a.VerifiedAt, a.LastEventAt, now)
	}
	b.Forget("jo")
	if a, _ := b.Account("jo"); !a.LastEventAt.IsZero() {
		t.Error("an account that was forgotten still has its last event")
	}
}

func TestAMailboxThatWasNeverVerifiedMakesTheAccountSo(t *testing.T) {
	b := status.NewBoard("")
	b.Report(status.Sources{Accounts: func() []status.Account {
		return []status.Account{{Name: "jo", Mailboxes: []status.Mailbox{{Name: "a"}, {Name: "b", Up: true, VerifiedAt: time.Now()}}}}
	}})
	if a, _ := b.Account("jo"); !a.VerifiedAt.IsZero() {
		t.Errorf("verified at %v, want never", a.VerifiedAt)
	}
}

func TestAccountsAreLookedAtOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		b := status.NewBoard("")
		b.Report(status.Sources{Accounts: func() []status.Account { asked++; return []status.Account{{Name: "jo"}} }})
		b.Accounts()
		time.Sleep(999 * time.Millisecond)
		b.Accounts()
		if asked != 1 {
			t.Errorf("asked %d times within a second", asked)
		}
		time.Sleep(time.Millisecond)
		b.Accounts()
		b.Changed()
		b.Accounts()
		if asked != 3 {
			t.Errorf("asked %d times, want 3", asked)
		}
	})
}

func TestReadyByFreshness(t *testing.T) {
	account := func(m status.Mailbox) status.Account {
		m.Name = "INBOX"
		return status.Account{Name: "a secret name", Mailboxes: []status.Mailbox{m}}
	}
	now := time.Now()
	up, wrong := account(status.Mailbox{Up: true, VerifiedAt: now}), account(status.Mailbox{Class: "auth", Reason: "NO", Since: now})
	lost := account(status.Mailbox{Class: "transient", Reason: "EOF", Since: now, VerifiedAt: now.Add(-time.Minute)})
	never := account(status.Mailbox{Class: "transient", Reason: "EOF", Since: now})
	stale, starting := account(status.Mailbox{Up: true, Stale: true}), account(status.Mailbox{})
	for _, test := range []struct {
		name     string
		accounts []status.Account
		journal  status.Journal
		ready    bool
		reason   string // in one of the reasons; "" for none at all
	}{
		{"no accounts", nil, status.Journal{}, true, ""},
		{"all well", []status.Account{up, up}, status.Journal{}, true, ""},
		{"one wrong password of two", []status.Account{up, wrong}, status.Journal{}, true, "1 of 2 accounts: The server refuses the password"},
		{"most stale", []status.Account{up, stale, stale}, status.Journal{}, false, "only 1 of 3"},
		{"lost a moment ago", []status.Account{lost}, status.Journal{}, true, ""},
		{"lost before it was ever verified", []status.Account{never}, status.Journal{}, false, "only 0 of 1"},
		{"starting", []status.Account{starting}, status.Journal{}, false, "only 0 of 1"},
		{"a full disk", []status.Account{up}, status.Journal{Err: "disk is full"}, false, "journal"},
	} {
		b := status.NewBoard("")
		b.Report(status.Sources{
			Accounts: func() []status.Account {
				var out []status.Account
				for _, a := range test.accounts {
					a.Mailboxes = append([]status.Mailbox(nil), a.Mailboxes...)
					out = append(out, a)
				}
				return out
			},
			Journal: func() status.Journal { return test.journal },
		})
		s := b.Summary()
		reasons := strings.Join(s.Reasons, "\n")
		if s.Ready != test.ready || test.reason == "" && reasons != "" || !strings.Contains(reasons, test.reason) {
			t.Errorf("%s: ready %v because %q, want %v with %q", test.name, s.Ready, reasons, test.ready, test.reason)
		}
		if strings.Contains(reasons, "secret") {
			t.Errorf("%s: the reasons tell a name: %q", test.name, reasons)
		}
	}
}

func TestStateOfASink(t *testing.T) {
	now := time.Now()
	for _, test := range []struct {
		name  string
		sink  status.Sink
		want  status.State
		class string
	}{
		{"well", status.Sink{Doing: status.SinkRunning, Backlog: 3, Err: "an old one"}, status.Up, ""},
		{"dead letters", status.Sink{Doing: status.SinkRunning, DeadLetters: 1}, status.Up, "sink_dead_letters"},
		{"resting", status.Sink{Doing: status.SinkResting, DoingSince: now}, status.Retrying, "sink_retrying"},
		{"resting for long", status.Sink{Doing: status.SinkResting, DoingSince: now.Add(-time.Hour)}, status.Down, "sink_failing"},
		{"one mailbox waits", status.Sink{Doing: status.SinkRunning, Failing: 1}, status.Retrying, "sink_mailbox_retrying"},
		{"hung", status.Sink{Doing: status.SinkHung, DoingSince: now}, status.Down, "sink_hung"},
		{"paused while failing", status.Sink{Doing: status.SinkPaused, Failing: 3}, status.Paused, "sink_paused"},
		{"gone", status.Sink{Doing: status.SinkDisabled, Err: "410 Gone"}, status.Disabled, "sink_disabled"},
	} {
		b := status.NewBoard("")
		b.Report(status.Sources{Sinks: func() []status.Sink { return []status.Sink{test.sink} }})
		got := b.Sinks()[0]
		class := ""
		if got.Trouble != nil {
			class = got.Trouble.Class
		}
		if got.State != test.want || class != test.class || got.Level != test.want.Level() {
			t.Errorf("%s: %s %q, want %s %q", test.name, got.State, class, test.want, test.class)
		}
	}
}
