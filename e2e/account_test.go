package e2e

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pushmail/pushmail/e2e/dovecot"
	"github.com/pushmail/pushmail/e2e/pushmail"
	"github.com/pushmail/pushmail/e2e/rawimap"
)

// account is one test's user on a Dovecot, and the state directory of the pushmail that watches it.
type account struct {
	t      *testing.T
	server *dovecot.Server
	user   string
	state  string
}

var users atomic.Int64

// newAccount makes a user with an empty INBOX. When the test fails, the server's log about this user is shown.
func newAccount(t *testing.T, server *dovecot.Server) *account {
	t.Helper()
	a := &account{t: t, server: server, user: fmt.Sprintf("user%d", users.Add(1)), state: t.TempDir()}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("Dovecot's log about %s:\n%s", a.user, server.Log(a.user))
		}
	})
	return a
}

// mail makes a message with this subject line.
func mail(subject string) []byte {
	return []byte("From: Ann <ann@example.org>\r\nTo: Jo <jo@example.org>\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n" +
		"Message-ID: <" + strings.ReplaceAll(subject, " ", ".") + "@example.org>\r\nSubject: " + subject + "\r\n\r\nHello Jo.\r\n")
}

// deliver stores a message through LMTP.
func (a *account) deliver(subject string) {
	a.t.Helper()
	check(a.t, a.server.Deliver(a.user, mail(subject)))
}

// session logs in a second client and selects the mailbox.
func (a *account) session(mailbox string) *rawimap.Session {
	a.t.Helper()
	s, err := a.login()
	check(a.t, err)
	a.t.Cleanup(func() { s.Close() })
	check(a.t, s.Select(mailbox))
	return s
}

func (a *account) login() (*rawimap.Session, error) {
	roots, err := a.server.CertPool()
	if err != nil {
		return nil, err
	}
	return rawimap.Dial(a.server.IMAPS, roots, a.user, dovecot.Password)
}

// url addresses a mailbox through some address: the server's or a proxy's.
func (a *account) url(address, mailbox string) string {
	return "imaps://" + a.user + "@" + address + "/" + mailbox
}

// watch runs "pushmail watch" on INBOX with more arguments, and returns when it says that it is ready.
func (a *account) watch(args ...string) *pushmail.Run {
	a.t.Helper()
	return a.watchURL(a.url(a.server.IMAPS, "INBOX"), args...)
}

func (a *account) watchURL(url string, args ...string) *pushmail.Run {
	a.t.Helper()
	r := a.start(url, args...)
	r.WaitFor(a.t, patience, "open event", pushmail.Is(pushmail.Open))
	return r
}

// start runs "pushmail watch" and does not wait.
func (a *account) start(url string, args ...string) *pushmail.Run {
	a.t.Helper()
	return pushmail.Start(a.t, pushmail.Options{Args: a.args(url, args...), Env: []string{"PUSHMAIL_PASSWORD=" + dovecot.Password}})
}

func (a *account) args(url string, args ...string) []string {
	all := []string{"watch", "--json", "--ca-file", a.server.CertPEM, "--state", a.state}
	return append(append(all, args...), url)
}

// waitNew waits for the arrival of the message with this subject line.
func (a *account) waitNew(r *pushmail.Run, subject string) pushmail.Event {
	a.t.Helper()
	return r.WaitFor(a.t, patience, fmt.Sprintf("new message %q", subject), pushmail.NewMessage(subject))
}

// latency is for messages that should come at once: it logs how long f took.
func latency(t *testing.T, what string, f func()) {
	t.Helper()
	before := time.Now()
	f()
	t.Logf("%s after %v", what, time.Since(before).Round(time.Millisecond))
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
