package dovecot_test

import (
	"bufio"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/e2e/dovecot"
	"github.com/pushmail/pushmail/e2e/rawimap"
)

func message(subject string) []byte {
	return []byte("From: jo@example.org\r\nSubject: " + subject + "\r\n\r\nhello\r\n")
}

func login(t *testing.T, s *dovecot.Server, user string) *rawimap.Session {
	t.Helper()
	roots, err := s.CertPool()
	if err != nil {
		t.Fatal(err)
	}
	session, err := rawimap.Dial(s.IMAPS, roots, user, dovecot.Password)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.Close() })
	return session
}

func wantUIDs(t *testing.T, s *rawimap.Session, want ...uint32) {
	t.Helper()
	if got, err := s.UIDs(); err != nil || !slices.Equal(got, want) {
		t.Fatalf("UIDs %v, error %v; want %v", got, err, want)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestMailSurvivesKillAndRestart(t *testing.T) {
	t.Parallel()
	for _, location := range []string{"maildir:~/Maildir", "mdbox:~/mdbox"} {
		t.Run(location[:5], func(t *testing.T) {
			t.Parallel()
			s := dovecot.Start(t, dovecot.Options{MailLocation: location})
			check(t, s.Deliver("jo", message("by LMTP")))
			before := login(t, s, "jo")
			if _, err := before.Append("INBOX", message("by APPEND")); err != nil {
				t.Fatal(err)
			}

			check(t, s.Kill())
			if _, err := before.Do("NOOP"); err == nil {
				t.Error("a session survived the kill")
			}
			if _, err := net.Dial("tcp", s.IMAPS); err == nil {
				t.Error("somebody still listens after the kill")
			}
			check(t, s.Restart())

			after := login(t, s, "jo")
			check(t, after.Select("INBOX"))
			wantUIDs(t, after, 1, 2)
			check(t, after.Store("+FLAGS", `\Seen`, 1))
			check(t, after.Expunge(2))
			wantUIDs(t, after, 1)
		})
	}
}

func TestUsersHaveMailboxesOfTheirOwn(t *testing.T) {
	t.Parallel()
	s := dovecot.Start(t, dovecot.Options{})
	check(t, s.Deliver("jo", message("for jo")))
	for user, want := range map[string][]uint32{"jo": {1}, "sam": nil} {
		session := login(t, s, user)
		check(t, session.Select("INBOX"))
		wantUIDs(t, session, want...)
	}
}

func TestWithoutMasksCapabilities(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		without []string
		want    string // among the words below, what is still announced
	}{
		{nil, "IDLE CONDSTORE QRESYNC"},
		{dovecot.WithoutQResync, "IDLE CONDSTORE"},
		{dovecot.WithoutCondStore, "IDLE"},
		{[]string{"IDLE"}, "CONDSTORE QRESYNC"},
	} {
		t.Run(strings.Join(test.without, "+"), func(t *testing.T) {
			t.Parallel()
			s := dovecot.Start(t, dovecot.Options{Without: test.without})
			lines, err := login(t, s, "jo").Do("CAPABILITY")
			check(t, err)
			if got := among(lines[0], "IDLE", "CONDSTORE", "QRESYNC"); got != test.want {
				t.Errorf("announced after login: %q, want %q (%s)", got, test.want, lines[0])
			}
			if greeting := greeting(t, s); strings.Contains(greeting, "IDLE") != strings.Contains(test.want, "IDLE") {
				t.Errorf("announced before login: %s", greeting)
			}
		})
	}
}

func among(line string, words ...string) string {
	announced := strings.Fields(line)
	return strings.Join(slices.DeleteFunc(words, func(w string) bool { return !slices.Contains(announced, w) }), " ")
}

func greeting(t *testing.T, s *dovecot.Server) string {
	t.Helper()
	conn, err := net.Dial("tcp", s.IMAP)
	check(t, err)
	defer conn.Close()
	check(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	line, err := bufio.NewReader(conn).ReadString('\n')
	check(t, err)
	return line
}

func TestChangeUIDValidity(t *testing.T) {
	t.Parallel()
	for _, location := range []string{"maildir:~/Maildir", "mdbox:~/mdbox"} {
		t.Run(location[:5], func(t *testing.T) {
			t.Parallel()
			s := dovecot.Start(t, dovecot.Options{MailLocation: location})
			check(t, s.Deliver("jo", message("first")))
			old, err := s.UIDValidity("jo", "INBOX")
			check(t, err)
			changed, err := s.ChangeUIDValidity("jo", "INBOX")
			check(t, err)
			if changed == old {
				t.Errorf("UIDVALIDITY is still %d", old)
			}
			session := login(t, s, "jo")
			lines, err := session.Do("SELECT INBOX")
			check(t, err)
			if want := fmt.Sprintf("[UIDVALIDITY %d]", changed); !strings.Contains(strings.Join(lines, "\n"), want) {
				t.Errorf("SELECT does not say %s: %q", want, lines)
			}
			wantUIDs(t, session, 1)
		})
	}
}

func TestIdleNotifyInterval(t *testing.T) {
	t.Parallel()
	s := dovecot.Start(t, dovecot.Options{IdleNotify: time.Second})
	session := login(t, s, "jo")
	check(t, session.Select("INBOX"))
	lines, err := session.Idle(1)
	check(t, err)
	if want := "* OK Still here"; lines[0] != want {
		t.Errorf("while idling: %q, want %q", lines, want)
	}
}

func TestPortlessSessionsSeeEachOther(t *testing.T) {
	t.Parallel()
	p := dovecot.NewPortless(t, dovecot.Options{Without: []string{"QRESYNC"}})
	var sessions [2]*rawimap.Session
	for i := range sessions {
		s, err := rawimap.New(p.Conn(t))
		check(t, err)
		check(t, s.Select("INBOX"))
		sessions[i] = s
	}
	uid, err := sessions[0].Append("INBOX", message("through a pipe"))
	check(t, err)
	lines, err := sessions[1].Idle(1)
	check(t, err)
	if want := "* 1 EXISTS"; lines[0] != want {
		t.Errorf("the other session was told %q, want %q", lines, want)
	}
	wantUIDs(t, sessions[1], uid)
	lines, err = sessions[1].Do("CAPABILITY")
	check(t, err)
	if strings.Contains(lines[0], "QRESYNC") || !strings.Contains(lines[0], "CONDSTORE") {
		t.Errorf("capabilities are not masked: %s", lines[0])
	}
}

func TestPortlessConnHasDeadlines(t *testing.T) {
	t.Parallel()
	conn := dovecot.NewPortless(t, dovecot.Options{}).Conn(t)
	r := bufio.NewReader(conn)
	if line, err := r.ReadString('\n'); err != nil || !strings.HasPrefix(line, "* PREAUTH ") {
		t.Fatalf("greeting %q, error %v", line, err)
	}
	check(t, conn.SetReadDeadline(time.Now().Add(10*time.Millisecond)))
	_, err := r.ReadString('\n')
	if timeout, ok := err.(net.Error); !ok || !timeout.Timeout() {
		t.Errorf("error %v, want a time-out", err)
	}
}
