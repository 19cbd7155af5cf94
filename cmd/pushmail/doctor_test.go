package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imaptest"
)

// volatile is what differs from run to run.
var volatile = regexp.MustCompile(`127\.0\.0\.1:\d+|(in|takes) (less than 1ms|[\d.]+(µs|ms|s))\b`)

func steady(text string) string {
	return volatile.ReplaceAllStringFunc(text, func(found string) string {
		if verb, _, timed := strings.Cut(found, " "); timed {
			return verb + " TIME"
		}
		return "127.0.0.1:PORT"
	})
}

// What is said about servers of different abilities.
func TestDoctorExplains(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		server imaptest.ServerOptions
		code   int
	}{
		"full":      {imaptest.ServerOptions{}, exitOK},
		"condstore": {imaptest.ServerOptions{Without: imap.Capabilities{imap.CapQResync, imap.CapListStatus}, QuietCapabilities: true, Greeting: "Hello"}, exitOK},
		"old":       {imaptest.ServerOptions{Capabilities: imap.Capabilities{imap.CapIMAP4rev1}}, exitProblems},
		"limits":    {imaptest.ServerOptions{Capabilities: append(imaptest.DefaultCapabilities(), "APPENDLIMIT=35651584", "MESSAGELIMIT=1000")}, exitOK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, &test.server)
			u := w.server.AddUser(testUser, testPassword)
			u.Mailbox("Gesendet")
			if name == "full" {
				u.SetSpecialUse("Gesendet", imap.AttrSent)
			}
			w.inbox.Append(message("one"))
			s := w.start(t, w.args("doctor", w.url("INBOX"))...)
			if code := s.end(); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			golden(t, "doctor-"+name+".txt", steady(s.out.text()))
			if got := len(w.inbox.Snapshot().Messages); got != 1 {
				t.Errorf("%d messages afterwards, want the 1 that was there", got)
			}
		})
	}
}

// findingNamed returns the finding with this ID.
func findingNamed(t *testing.T, list []finding, id string) finding {
	t.Helper()
	i := slices.IndexFunc(list, func(f finding) bool { return f.ID == id })
	if i < 0 {
		t.Fatalf("no finding %q in %+v", id, list)
	}
	return list[i]
}

// What goes wrong has the exit code of watch, and is in the report with all that was found before.
func TestDoctorReportsHowFarItCame(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for name, test := range map[string]struct {
		args    []string
		env     string
		code    int
		finding string
		has     string // another finding that is there
	}{
		"wrong password":        {w.args("doctor", "--json", w.url("INBOX")), passwordVariable + "=wrong", exitAuth, "failed-login", "tls"},
		"no such mailbox":       {w.args("doctor", "--json", w.url("Nowhere")), "", exitMailbox, "failed-mailbox", "login"},
		"untrusted certificate": {[]string{"doctor", "--json", w.url("INBOX")}, "", exitSecurity, "failed-connect", "certificate"},
		"nobody there":          {w.args("doctor", "--json", "imaps://jo@127.0.0.1:1/"), "", exitConnect, "failed-connect", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := *w
			v.env = append(slices.Clone(w.env), test.env)
			s := v.start(t, test.args...)
			if code := s.end(); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			var got struct {
				Level    level
				Findings []finding
				Facts    facts
			}
			if err := json.Unmarshal([]byte(s.out.text()), &got); err != nil {
				t.Fatal(err)
			}
			if f := findingNamed(t, got.Findings, test.finding); f.Level != levelProblem || f.Text == "" || got.Level != levelProblem {
				t.Errorf("finding %+v, level %s", f, got.Level)
			}
			if got.Facts.Failure == nil || got.Facts.Failure.ExitCode != test.code {
				t.Errorf("failure %+v", got.Facts.Failure)
			}
			if test.has != "" {
				findingNamed(t, got.Findings, test.has)
			}
		})
	}
}

func TestDoctorTraceHasNoSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	s := w.start(t, w.args("doctor", "--trace", "--protocol-log", "-", w.url("INBOX"))...)
	s.end()
	for _, text := range []string{s.out.text(), s.err.text()} {
		if !strings.Contains(text, "AUTHENTICATE PLAIN ********") || !strings.Contains(text, "EXAMINE INBOX") {
			t.Errorf("the trace lacks something:\n%s", text)
		}
		if strings.Contains(text, testPassword) || strings.Contains(text, "czNrcjF0") {
			t.Errorf("the trace shows the password:\n%s", text)
		}
	}
}

func TestDoctorUsage(t *testing.T) {
	t.Parallel()
	const url = " imaps://jo:hunter2@mail.invalid/INBOX"
	for args, want := range map[string]string{
		"doctor":                                 "which mailbox?",
		"doctor --for 5m" + url:                  "--measure-idle",
		"doctor --measure-idle --for 0s" + url:   "more than 0",
		"doctor --measure-idle --for 25h" + url:  "at most 24h",
		"doctor --measure-idel" + url:            "did you mean --measure-idle?",
		"doctor --measure-idle --for soon" + url: "soon",
		"docter" + url:                           "did you mean doctor?",
	} {
		code, out, errs := runHere(t, strings.Fields(args)...)
		if code != exitUsage || !strings.Contains(errs, want) || out != "" {
			t.Errorf("pushmail %s: exit code %d, output %q, said %q; want %q", args, code, out, errs, want)
		}
		if strings.Contains(errs, "hunter2") {
			t.Errorf("pushmail %s shows the password: %s", args, errs)
		}
	}
}

// examined looks at a server with less patience than usual.
func (w *world) examined(t *testing.T, change func(*doctorFlags)) *examination {
	t.Helper()
	f := &doctorFlags{}
	f.conn.caFile = w.dir + "/ca.pem"
	f.conn.connectTimeout, f.conn.logLevel = 10*time.Second, "warn"
	change(f)
	a := &app{stdio: stdio{in: strings.NewReader(""), out: newScreen(), err: newScreen(), env: w.env}}
	c, err := f.conn.resolve(a, w.url("INBOX"))
	if err != nil {
		t.Fatal(err)
	}
	d := newExamination(c, f)
	d.patience = 300 * time.Millisecond
	t.Cleanup(func() {
		d.close()
		if t.Failed() {
			t.Log(strings.Join(d.script.all(), "\n"))
		}
	})
	if err := d.examine(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d
}

func quiet(string, ...any) {}

func TestTestMessage(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		server imaptest.ServerOptions
		hook   func(imaptest.Command) imaptest.Verdict
		id     string
		level  level
		text   string
		left   int // of the test message
	}{
		"pushed":             {id: "push-new", level: levelOK, text: "told of a new message"},
		"removed":            {id: "test-message", level: levelOK, text: "removed again"},
		"deaf":               {server: imaptest.ServerOptions{DeafIdle: true}, id: "push-new", level: levelProblem, text: "deaf"},
		"deaf to the end":    {server: imaptest.ServerOptions{DeafIdle: true}, id: "push-gone", level: levelProblem, text: "deaf"},
		"polled":             {server: imaptest.ServerOptions{Without: imap.Capabilities{imap.CapIdle}}, id: "push-new", level: levelOK, text: "when it was asked"},
		"no UIDPLUS":         {server: imaptest.ServerOptions{Without: imap.Capabilities{imap.CapUIDPlus}}, id: "test-message", level: levelNote, text: "UIDPLUS"},
		"APPEND is refused":  {hook: refuse("APPEND", "no room"), id: "test-message", level: levelProblem, text: "no room"},
		"EXPUNGE is refused": {hook: refuse("UID EXPUNGE", "never"), id: "test-message", level: levelProblem, text: "never", left: 1},
		"not told the UID":   {hook: replyTo("APPEND", "{tag} OK done\r\n"), id: "test-message", level: levelProblem, text: "not to be found"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.server.OnCommand = test.hook
			w := newWorld(t, &test.server)
			mine := w.inbox.Append(message("mine"))
			deleted := w.inbox.Append(message("to be deleted, but not by us"), imap.FlagDeleted)
			d := w.examined(t, func(f *doctorFlags) { f.testMessage = true })
			d.measure(t.Context(), quiet)
			if f := findingNamed(t, judgeMeasured(&d.facts), test.id); f.Level != test.level || !strings.Contains(f.Text, test.text) {
				t.Errorf("finding %+v, want %s, %q", f, test.level, test.text)
			}
			box := w.inbox.Snapshot()
			if uids := box.UIDs(); !uids.Contains(mine) || !uids.Contains(deleted) || uids.Len() != 2+uint64(test.left) {
				t.Errorf("afterwards there are %v", uids)
			}
		})
	}
}

func refuse(name, text string) func(imaptest.Command) imaptest.Verdict {
	return func(c imaptest.Command) imaptest.Verdict {
		if c.Name == name {
			return imaptest.Refuse(imap.NO, "", text)
		}
		return imaptest.Pass
	}
}

func replyTo(name, raw string) func(imaptest.Command) imaptest.Verdict {
	return func(c imaptest.Command) imaptest.Verdict {
		if c.Name == name {
			return imaptest.Reply(raw)
		}
		return imaptest.Pass
	}
}

func TestMeasureIdle(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		server  imaptest.ServerOptions
		then    func(*imaptest.Session)
		outcome idleOutcome
		level   level
		text    string
	}{
		"alive":    {outcome: idleAlive, level: levelOK, text: "still there"},
		"BYE":      {then: func(s *imaptest.Session) { s.Bye("Too idle") }, outcome: idleClosed, level: levelProblem, text: "BYE Too idle"},
		"hangs up": {then: (*imaptest.Session).Hangup, outcome: idleClosed, level: levelProblem, text: "closed after"},
		"cut":      {then: (*imaptest.Session).Cut, outcome: idleClosed, level: levelProblem, text: "closed after"},
		"silent":   {then: (*imaptest.Session).Stall, outcome: idleSilent, level: levelProblem, text: "dead"},
		"none":     {server: imaptest.ServerOptions{Without: imap.Capabilities{imap.CapIdle}}, outcome: idleMissing, level: levelNote, text: "there is none"},
		"ends it":  {server: imaptest.ServerOptions{OnCommand: replyTo("IDLE", "+ idling\r\n{tag} OK enough\r\n")}, outcome: idleEnded, level: levelProblem, text: "ended IDLE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, &test.server)
			d := w.examined(t, func(f *doctorFlags) {
				f.measureIdle, f.idleFor, f.conn.connectTimeout = true, 300*time.Millisecond, 500*time.Millisecond
				if test.outcome == idleClosed {
					f.idleFor = 20 * time.Second
				}
			})
			if test.then != nil {
				session := w.server.Sessions()[0]
				go func() {
					waitUntil(t, session.Idling)
					test.then(session)
				}()
			}
			d.measure(t.Context(), quiet)
			f := findingNamed(t, judgeMeasured(&d.facts), "idle-time")
			if d.facts.Idle.Outcome != test.outcome || f.Level != test.level || !strings.Contains(f.Text, test.text) {
				t.Errorf("%+v, finding %+v; want %s, %s, %q", d.facts.Idle, f, test.outcome, test.level, test.text)
			}
		})
	}
}

func TestMeasureIdleHearsSignsOfLife(t *testing.T) {
	t.Parallel()
	w := newWorld(t, &imaptest.ServerOptions{StillHere: 20 * time.Millisecond})
	d := w.examined(t, func(f *doctorFlags) { f.measureIdle, f.idleFor = true, 300*time.Millisecond })
	d.measure(t.Context(), quiet)
	if f := findingNamed(t, judgeMeasured(&d.facts), "still-here"); d.facts.Idle.StillHere < 2 || f.Level != levelOK {
		t.Errorf("%+v", d.facts.Idle)
	}
}

func TestInterruptedMeasurementIsReported(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	s := w.start(t, w.args("doctor", "--measure-idle", "--for", "1h", w.url("INBOX"))...)
	s.err.waitFor(t, "in IDLE for up to 1h")
	waitUntil(t, func() bool { all := w.server.Sessions(); return len(all) == 1 && all[0].Idling() })
	s.interrupt()
	if !strings.Contains(s.out.text(), "in IDLE the server was still there") {
		t.Error("what was known is not told")
	}
}

// What the provider's data mask is not used: IDLE is not even tried. The plan keeps to its budget and to what is chosen.
func TestDoctorGoesByTheProvidersData(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, name := range []string{"Lists/go", "Lists/c", "Work"} {
		w.server.AddUser(testUser, testPassword).Mailbox(name)
	}
	file := w.write(t, "providers.json", `[{"id": "ours", "hosts": ["127.0.0.1"], "connections": 2, "mask": ["IDLE", "NOTIFY", "QRESYNC"], "poll_interval": "45s"}]`)
	s := w.start(t, w.args("doctor", "--json", "--trace", "--providers", file, "--mailbox", "INBOX", "--mailbox", "Lists/*", "--exclude", "*/c", w.url(""))...)
	s.end()
	var got struct {
		Findings []finding
		Facts    facts
		Trace    []string
	}
	if err := json.Unmarshal([]byte(s.out.text()), &got); err != nil {
		t.Fatalf("%v: %s%s", err, s.out.text(), s.err.text())
	}
	for id, want := range map[string]string{
		"idle": "every 45s", "resync": "CONDSTORE", "plan-account": "2 of 4 mailboxes: 1 connection, which is all", "plan-mailbox": "asking every 45s", "provider-mask": "does not use it",
	} {
		if f := findingNamed(t, got.Findings, id); !strings.Contains(f.Text, want) {
			t.Errorf("%s: %q, want %q", id, f.Text, want)
		}
	}
	if trace := strings.Join(got.Trace, "\n"); strings.Contains(trace, " IDLE") && strings.Contains(trace, "C: P") && strings.Contains(trace, "+ idling") || strings.Contains(trace, "ENABLE QRESYNC") {
		t.Errorf("what is masked was used:\n%s", trace)
	}
}

// Which ways to log in there are depends on the flags as well as on the server.
func TestDoctorWaysToLogInRespectTheFlags(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, tt := range []struct {
		name string
		set  func(*doctorFlags, *connection)
		want string
	}{
		{"a password", func(*doctorFlags, *connection) {}, "[PLAIN LOGIN command]"},
		{"--auth", func(f *doctorFlags, _ *connection) { f.conn.auth = []string{"plain"} }, "[PLAIN]"},
		{"a mechanism that the server lacks", func(f *doctorFlags, _ *connection) { f.conn.auth = []string{"SCRAM-SHA-256"} }, "[]"},
		{"a token", func(f *doctorFlags, _ *connection) { f.conn.tokenCommand = "x" }, "[]"},
		{"a certificate alone", func(f *doctorFlags, c *connection) { f.conn.clientCert, c.certificateAlone = "x", true }, "[]"},
	} {
		d := w.examined(t, func(*doctorFlags) {})
		d.close()
		if err := d.connect(t.Context()); err != nil {
			t.Fatal(err)
		}
		tt.set(d.f, d.c)
		if got := fmt.Sprint(d.waysToLogIn()); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
