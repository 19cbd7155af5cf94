package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/provider"
)

// day is when the facts of these tests are judged.
var day = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// healthy are the facts of a server with which all is well.
func healthy() *facts {
	caps := imap.ParseCapabilities("IMAP4rev1 IDLE NOTIFY CONDSTORE QRESYNC UIDPLUS")
	return &facts{
		Connection: &connectionFacts{
			Address: "192.0.2.1:993", Security: "TLS", Took: 40, Greeting: "ready",
			TLS: &tlsFacts{Version: "TLS 1.3", Names: []string{"mail.example.org"}, NotAfter: day.AddDate(0, 2, 0)},
		},
		Login:   &loginFacts{Tried: []string{"SCRAM-SHA-256"}, Possible: []string{"SCRAM-SHA-256", "PLAIN"}},
		Server:  &serverFacts{RoundTrip: 20, caps: caps},
		Names:   &namesFacts{Count: 3, Chosen: 3, InboxChosen: true},
		Mailbox: &mailboxFacts{Name: "INBOX", Messages: 10, UIDValidity: 1, UIDNext: 11, HighestModSeq: 5, QResync: true},
		Push:    &pushFacts{Notify: true, Idle: true, Idles: true},
		Limits:  &limitFacts{},
	}
}

func TestHealthyServerHasNothingToMend(t *testing.T) {
	t.Parallel()
	for _, f := range judgeFirst(healthy(), day) {
		if f.Level != levelOK || f.Fix != "" {
			t.Errorf("%+v", f)
		}
	}
}

// Each thing that can be wrong or worth knowing is found, has the right level, and says what to do where one can.
func TestDoctorJudges(t *testing.T) {
	t.Parallel()
	ends := func(d time.Duration) func(*facts) {
		return func(f *facts) { f.Connection.TLS.NotAfter = day.Add(d) }
	}
	without := func(caps ...imap.Capability) func(*facts) {
		return func(f *facts) {
			f.Server.caps = imap.ParseCapabilities("IMAP4rev1")
			for _, c := range caps {
				f.Server.caps = append(f.Server.caps, c)
			}
			f.Mailbox.QResync = false
		}
	}
	quota := func(usage int64) func(*facts) {
		return func(f *facts) { f.Limits.Quotas = []quotaFacts{{"q", "STORAGE", usage, 1000}} }
	}
	idle := func(outcome idleOutcome, after time.Duration) func(*facts) {
		return func(f *facts) { f.Idle = &idleFacts{Outcome: outcome, After: inMilliseconds(after)} }
	}
	known := func(host string) func(*facts) {
		return func(f *facts) { f.provider = provider.Lookup(host, nil, nil) }
	}
	for name, test := range map[string]struct {
		change func(*facts)
		id     string
		level  level
		text   string
		fix    string
	}{
		"plaintext over the net": {func(f *facts) { f.Connection.Security, f.Connection.TLS = "plaintext", nil }, "plaintext", levelProblem, "anyone", "imaps://"},
		"plaintext on this machine": {func(f *facts) {
			f.Connection.Security, f.Connection.TLS, f.Connection.Loopback = "plaintext", nil, true
		}, "plaintext", levelNote, "this machine", ""},
		"STARTTLS":                   {func(f *facts) { f.Connection.Security = "STARTTLS" }, "starttls", levelNote, "STARTTLS", "993"},
		"TLS 1.2":                    {func(f *facts) { f.Connection.TLS.Version = "TLS 1.2" }, "tls", levelOK, "sound", ""},
		"TLS 1.0":                    {func(f *facts) { f.Connection.TLS.Version = "TLS 1.0" }, "tls", levelProblem, "broken", "1.2"},
		"certificate has ended":      {ends(-time.Hour), "certificate", levelProblem, "has ended on 22 November 2026", "renew"},
		"certificate ends in hours":  {ends(5 * time.Hour), "certificate", levelProblem, "in 5 hours", "renew"},
		"certificate ends in a week": {ends(8 * 24 * time.Hour), "certificate", levelNote, "in 8 days", "renewed"},
		"certificate in three weeks": {ends(21 * 24 * time.Hour), "certificate", levelOK, "good until", ""},
		"a mechanism is refused":     {func(f *facts) { f.Login.Tried = []string{"SCRAM-SHA-256", "PLAIN"} }, "login", levelNote, "by PLAIN", "SCRAM-SHA-256"},
		"slow":                       {func(f *facts) { f.Server.RoundTrip = 1500 }, "round-trip", levelNote, "1.5s", "network"},
		"LIST is refused":            {func(f *facts) { f.Names.Refused = "NO no" }, "list", levelProblem, "NO no", "URL"},
		"no mailbox":                 {func(f *facts) { f.Names.Count = 0 }, "list", levelProblem, "no mailbox", "URL"},
		"quota full":                 {quota(1000), "quota", levelProblem, "refused", "delete"},
		"quota nearly full":          {quota(900), "quota", levelNote, "922 KB of 1.0 MB", "room"},
		"quota fine":                 {quota(899), "quota", levelOK, "921 KB", ""},
		"no IDLE":                    {func(f *facts) { f.Push.Idle, f.Push.Idles = false, false }, "idle", levelProblem, "no IDLE", "--poll-interval"},
		"IDLE is a lie":              {func(f *facts) { f.Push.Idles = false }, "idle", levelProblem, "does not do it", "--mask-capability IDLE"},
		"no NOTIFY":                  {func(f *facts) { f.Push.Notify = false }, "notify", levelNote, "2 minutes", ""},
		"CONDSTORE only":             {without(imap.CapCondStore), "resync", levelOK, "CONDSTORE", ""},
		"QRESYNC is not enabled":     {without(imap.CapQResync), "resync", levelNote, "does not enable it", ""},
		"neither":                    {without(), "resync", levelNote, "neither", ""},
		"no modification sequences":  {func(f *facts) { f.Mailbox.NoModSeq = true }, "resync", levelNote, "keeps no modification", ""},
		"no UIDVALIDITY":             {func(f *facts) { f.Mailbox.UIDValidity = 0 }, "uidvalidity", levelProblem, "UIDVALIDITY", "update"},
		"UIDNOTSTICKY":               {func(f *facts) { f.Mailbox.UIDNotSticky = true }, "uidnotsticky", levelProblem, "does not keep UIDs", "format"},
		"IDLE ends early":            {idle(idleClosed, 4*time.Minute), "idle-time", levelProblem, "4m0s", "--idle-restart 3m0s"},
		"IDLE ends late":             {idle(idleClosed, 29*time.Minute), "idle-time", levelOK, "29m0s", ""},
		"IDLE is dead":               {idle(idleSilent, 10*time.Minute), "idle-time", levelProblem, "router", "--idle-restart"},
		"a known service":            {known("imap.gmail.com"), "provider", levelOK, "Gmail", ""},
		"it wants short IDLEs":       {known("imap.mail.yahoo.com"), "plan-mailbox", levelOK, "anew every 4m", ""},
		"IDLE is known not to work":  {func(f *facts) { f.Push.IdleMasked, f.Push.Idle, f.Push.Idles = true, false, false }, "idle", levelNote, "known not to work", "--poll-interval"},
		"a mask":                     {func(f *facts) { f.provider = &provider.Provider{ID: "x", Mask: []imap.Capability{imap.CapIdle}} }, "provider-mask", levelNote, "IDLE does not work there", ""},
		"plan with NOTIFY":           {func(*facts) {}, "plan-account", levelOK, "all 3 mailboxes: 1 connection, by NOTIFY", ""},
		"plan without NOTIFY":        {func(f *facts) { f.Push.Notify = false }, "plan-account", levelOK, "all 3 mailboxes: 2 connections: one for INBOX", ""},
		"plan for some": {func(f *facts) {
			f.Push.Notify, f.Names.chosen, f.Names.Chosen = false, true, 2
		}, "plan-account", levelOK, "2 of 3 mailboxes: 2 connections: one for INBOX, and one that looks at the others every 2 minutes by 2 commands", ""},
		"plan without INBOX": {func(f *facts) {
			f.Push.Notify, f.Names.chosen, f.Names.Chosen, f.Names.InboxChosen = false, true, 2, false
		}, "plan-account", levelOK, "2 of 3 mailboxes: 1 connection, that looks at them", ""},
		"plan for none": {func(f *facts) { f.Names.chosen, f.Names.Chosen = true, 0 }, "plan-account", levelProblem, "no mailbox is chosen", "pushmail list"},
		"plan within the provider's budget": {func(f *facts) {
			f.Push.Notify, f.provider = false, &provider.Provider{ID: "x", Name: "X", Connections: 2}
		}, "plan-account", levelOK, "1 connection, which is all that may be used: it has INBOX open", ""},
		"plan within --max-connections": {func(f *facts) { f.Push.Notify, f.Names.connections = false, 1 }, "plan-account", levelOK, "1 connection, which is all", ""},
		"it bears few connections":      {known("imap.mail.yahoo.com"), "provider-connections", levelOK, "10 connections", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := healthy()
			test.change(f)
			got := findingNamed(t, append(judgeFirst(f, day), judgeMeasured(f)...), test.id)
			if got.Level != test.level || !strings.Contains(got.Text, test.text) || !strings.Contains(got.Fix, test.fix) || test.fix == "" && got.Fix != "" {
				t.Errorf("%+v, want %s, %q, fix %q", got, test.level, test.text, test.fix)
			}
		})
	}
}

func TestLoginAdviceNamesThePassword(t *testing.T) {
	t.Parallel()
	if got := loginAdvice(provider.Lookup("imap.gmail.com", nil, nil)); !strings.Contains(got, "app password") || !strings.Contains(got, "--oauth") {
		t.Errorf("%q", got)
	}
	if got := loginAdvice(nil); got != "" {
		t.Errorf("%q", got)
	}
}

// Lines fit into the terminal, and no word is lost.
func TestReportIsWrapped(t *testing.T) {
	t.Parallel()
	const text = "all that changed, also what is gone, comes in one short answer that is long enough for three lines"
	r := &report{look: look{width: func() int { return 50 }}}
	lines := r.wrap(text)
	if len(lines) < 3 || strings.Join(lines, " ") != text {
		t.Errorf("%q", lines)
	}
	for _, line := range lines {
		if len(line) > 50-findingIndent {
			t.Errorf("too long: %q", line)
		}
	}
}

// docs/doctor.md promises the names of all findings.
func TestFindingsAreDocumented(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/doctor.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("doctor_*.go")
	if err != nil {
		t.Fatal(err)
	}
	call := regexp.MustCompile(`\bo\.(?:ok|note|problem|add)\("([a-z-]+[a-z])"`)
	names := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range call.FindAllSubmatch(text, -1) {
			names++
			if !strings.Contains(string(doc), "`"+string(found[1])+"`") {
				t.Errorf("%s: %s is not in docs/doctor.md", file, found[1])
			}
		}
	}
	if names < 30 {
		t.Errorf("only %d findings were looked at", names)
	}
}
