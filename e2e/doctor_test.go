package e2e

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/e2e/courier"
	"github.com/pushmail/pushmail/e2e/cyrus"
	"github.com/pushmail/pushmail/e2e/daemon"
	"github.com/pushmail/pushmail/e2e/dovecot"
	"github.com/pushmail/pushmail/e2e/pushmail"
)

// diagnosis is what "pushmail doctor --json" prints, read independently of the program.
type diagnosis struct {
	Level    string `json:"level"`
	Findings []struct {
		ID, Level, Text, Fix string
	} `json:"findings"`
	Facts struct {
		Login struct {
			Tried []string `json:"tried"`
		} `json:"login"`
		Push struct {
			Notify bool `json:"notify"`
			Works  bool `json:"idle_works"`
		} `json:"push"`
		Message struct {
			MessageID string `json:"message_id"`
			Removed   bool   `json:"removed"`
			Arrival   struct {
				Pushed bool    `json:"pushed"`
				After  float64 `json:"after_ms"`
			} `json:"arrival"`
			Removal struct {
				Pushed bool `json:"pushed"`
			} `json:"removal"`
		} `json:"test_message"`
		Idle struct {
			Outcome   string  `json:"outcome"`
			After     float64 `json:"after_ms"`
			StillHere int     `json:"still_here"`
		} `json:"idle"`
	} `json:"facts"`
	Trace []string `json:"trace"`
}

// doctor runs "pushmail doctor --json" with more arguments.
func (a *account) doctor(code int, args ...string) *diagnosis {
	a.t.Helper()
	return diagnose(a.t, code, a.server.CertPEM, dovecot.Password, a.url(a.server.IMAPS, "INBOX"), args...)
}

// diagnose runs "pushmail doctor --json" on a server.
func diagnose(t *testing.T, code int, cert, password, url string, args ...string) *diagnosis {
	t.Helper()
	all := append([]string{"doctor", "--json", "--trace", "--ca-file", cert}, args...)
	r := pushmail.Start(t, pushmail.Options{
		Args: append(all, url), Env: []string{"PUSHMAIL_PASSWORD=" + password}, Text: true,
	})
	if got := r.WaitExit(t, patience); got != code {
		t.Fatalf("exit code %d, want %d", got, code)
	}
	d := &diagnosis{}
	if err := json.Unmarshal([]byte(r.Stdout()), d); err != nil {
		t.Fatalf("%v in:\n%s", err, r.Stdout())
	}
	return d
}

// wantNoProblem fails the test if there is a problem, besides that the certificate is made for a day.
func (d *diagnosis) wantNoProblem(t *testing.T) {
	t.Helper()
	for _, f := range d.Findings {
		if f.Level == "problem" && f.ID != "certificate" {
			t.Errorf("a problem where there is none: %+v", f)
		}
	}
}

// wants fails the test unless there is a finding with this level whose text has these words.
func (d *diagnosis) wants(t *testing.T, id, level, words string) {
	t.Helper()
	for _, f := range d.Findings {
		if f.ID == id && f.Level == level && strings.Contains(f.Text, words) {
			return
		}
	}
	t.Errorf("no finding %s, %s, %q in %+v", id, level, words, d.Findings)
}

// On a good server the doctor finds nothing wrong, and leaves nothing behind.
func TestDoctorOnDovecot(t *testing.T) {
	t.Parallel()
	a := newAccount(t, shared.get(t))
	a.deliver("mine")
	other := a.session("INBOX")
	d := a.doctor(8, "--test-message")
	d.wantNoProblem(t)
	d.wants(t, "certificate", "problem", "hours")
	d.wants(t, "tls", "ok", "TLS 1.3")
	d.wants(t, "id", "ok", "Dovecot")
	d.wants(t, "idle", "ok", "works")
	d.wants(t, "notify", "ok", "NOTIFY")
	d.wants(t, "resync", "ok", "QRESYNC")
	d.wants(t, "test-message", "ok", "removed")
	m := d.Facts.Message
	if !m.Arrival.Pushed || !m.Removal.Pushed || !m.Removed {
		t.Errorf("the test message: %+v", m)
	}
	t.Logf("Dovecot told of the message after %.1f ms", m.Arrival.After)
	check(t, other.Close())
	if left, err := a.server.Doveadm("search", "-u", a.user, "mailbox", "INBOX"); err != nil || len(strings.Fields(left)) != 2 {
		t.Errorf("afterwards INBOX has %q, want the one message that was there: %v", left, err)
	}
	trace := strings.Join(d.Trace, "\n")
	secret := base64.StdEncoding.EncodeToString([]byte("\x00" + a.user + "\x00" + dovecot.Password))
	if !strings.Contains(trace, "EXAMINE") || strings.Contains(trace, secret) || strings.Contains(trace, `"`+dovecot.Password+`"`) {
		t.Errorf("the trace lacks the dialogue, or shows the password:\n%s", trace)
	}
}

// Without extensions the doctor says what that means.
func TestDoctorOnPoorDovecot(t *testing.T) {
	t.Parallel()
	dovecot.Require(t)
	server := dovecot.Start(t, dovecot.Options{Without: []string{"QRESYNC", "CONDSTORE", "IDLE", "NOTIFY", "UIDPLUS"}})
	a := newAccount(t, server)
	a.deliver("mine")
	d := a.doctor(8, "--test-message", "--measure-idle")
	d.wants(t, "idle", "problem", "no IDLE")
	d.wants(t, "resync", "note", "1 message")
	d.wants(t, "test-message", "note", "UIDPLUS")
	d.wants(t, "idle-time", "note", "there is none")
}

// The doctor hears what Dovecot says to keep an IDLE alive, and when it ends.
func TestDoctorMeasuresIdle(t *testing.T) {
	t.Parallel()
	dovecot.Require(t)
	server := dovecot.Start(t, dovecot.Options{IdleNotify: time.Second, Full: true})
	a := newAccount(t, server)
	a.deliver("mine")
	d := a.doctor(8, "--measure-idle", "--for", "3500ms")
	d.wantNoProblem(t)
	d.wants(t, "login", "ok", "SCRAM-SHA-256")
	d.wants(t, "special-use", "ok", `Sent is "Sent"`)
	d.wants(t, "quota", "ok", "of 1.1 GB used")
	d.wants(t, "idle-time", "ok", "still there")
	if i := d.Facts.Idle; i.Outcome != "alive" || i.StillHere < 2 {
		t.Errorf("%+v, want alive after at least 2 signs of life", i)
	}
	for _, f := range d.Findings {
		t.Log(f.Level, f.Text, f.Fix)
	}
}

// The doctor knows the other servers for what they are, finds nothing wrong that is not, and leaves nothing behind.
func TestDoctorOnOtherServers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		start func(*testing.T) (imaps, cert string, deliver func(string, []byte) error)
		wants [][3]string
	}{
		{
			"Cyrus",
			func(t *testing.T) (string, string, func(string, []byte) error) {
				s := cyrus.Start(t, "jo")
				return s.IMAPS, s.CertPEM, s.Deliver
			},
			[][3]string{
				{"id", "ok", "Cyrus"},
				{"provider", "ok", "Cyrus"},
				{"idle", "ok", "works"},
				{"resync", "ok", "QRESYNC"},
				{"test-message", "ok", "removed"},
				{"push-new", "ok", "told of a new message"},
			},
		},
		{
			"Courier",
			func(t *testing.T) (string, string, func(string, []byte) error) {
				s := courier.Start(t, courier.Options{IdlePoll: time.Second}, "jo")
				return s.IMAPS, s.CertPEM, s.Deliver
			},
			[][3]string{{"idle", "ok", "works"}, {"resync", "note", "1 message"}, {"test-message", "ok", "removed"}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			imaps, cert, deliver := tt.start(t)
			check(t, deliver("jo", []byte("From: Jo <jo@example.org>\r\nTo: jo@example.org\r\nSubject: mine\r\nMessage-ID: <mine@example.org>\r\n\r\nHello.\r\n")))
			d := diagnose(t, 8, cert, daemon.Password, "imaps://jo@"+imaps, "--test-message")
			d.wantNoProblem(t)
			for _, w := range tt.wants {
				d.wants(t, w[0], w[1], w[2])
			}
			if d.Facts.Message.MessageID != "" && !d.Facts.Message.Removed {
				t.Errorf("the test message: %+v", d.Facts.Message)
			}
			for _, f := range d.Findings {
				t.Log(f.ID, f.Level, f.Text, f.Fix)
			}
		})
	}
}
