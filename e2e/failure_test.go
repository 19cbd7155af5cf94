package e2e

import (
	"crypto/tls"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/e2e/dovecot"
	"github.com/pushmail/pushmail/e2e/pushmail"
)

// The exit codes that scripts rely on.
const (
	exitUsage    = 2
	exitAuth     = 3
	exitConnect  = 4
	exitSecurity = 5
	exitMailbox  = 6
)

// TestFailuresAtStartAreSaidClearly: what cannot get better by trying again ends the program within seconds, with one clear
// line and an exit code of its own.
func TestFailuresAtStartAreSaidClearly(t *testing.T) {
	t.Parallel()
	server := shared.get(t)
	trusted := []string{"--ca-file", server.CertPEM}
	for _, test := range []struct {
		name string
		args []string
		url  string
		env  string // PUSHMAIL_PASSWORD, "pass" when empty
		code int
		says string // somewhere on stderr, in any case
	}{
		{name: "no argument", code: exitUsage, says: "which mailbox"},
		{name: "unknown flag", args: []string{"--jsno"}, url: "imaps://jo@" + server.IMAPS + "/INBOX", code: exitUsage, says: "--jsno"},
		{name: "not a URL", url: "hello", code: exitUsage, says: "imaps://"},
		{name: "a wrong scheme", url: "https://jo@example.org/", code: exitUsage, says: "https"},
		{name: "wrong password", args: trusted, url: "imaps://jo@" + server.IMAPS + "/INBOX", env: "wrong", code: exitAuth, says: "jo"},
		{name: "unknown host", url: "imaps://jo@no-such-host.invalid/INBOX", code: exitConnect, says: "no-such-host.invalid"},
		{name: "nobody listens", url: "imaps://jo@" + closedPort(t) + "/INBOX", code: exitConnect, says: "refused"},
		{name: "untrusted certificate", url: "imaps://jo@" + server.IMAPS + "/INBOX", code: exitSecurity, says: "certificate"},
		{name: "missing mailbox", args: trusted, url: "imaps://jo@" + server.IMAPS + "/NoSuchBox", code: exitMailbox, says: "NoSuchBox"},
		{name: "web server behind TLS", args: trusted, url: "imaps://jo@" + talker(t, tlsOf(t, server), "HTTP/1.1 400 Bad Request\r\n\r\n") + "/", code: exitConnect},
		{name: "plain web server", url: "imaps://jo@" + talker(t, nil, "HTTP/1.1 400 Bad Request\r\n\r\n") + "/", code: exitSecurity, says: "does not speak TLS"},
		{name: "silent server", url: "imaps://jo@" + silent(t, nil) + "/", args: []string{"--connect-timeout", "2s"}, code: exitConnect},
		{name: "silent server behind TLS", url: "imaps://jo@" + silent(t, tlsOf(t, server)) + "/", args: append(trusted, "--connect-timeout", "2s"), code: exitConnect},
		{name: "server that hangs up", url: "imaps://jo@" + talker(t, nil, "") + "/", code: exitConnect},
		{name: "server that hangs up behind TLS", args: trusted, url: "imaps://jo@" + talker(t, tlsOf(t, server), "") + "/", code: exitConnect},
		{name: "server that is busy", args: trusted, url: "imaps://jo@" + talker(t, tlsOf(t, server), "* BYE too many connections, come back later\r\n") + "/", code: exitConnect, says: "too many connections"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			password := test.env
			if password == "" {
				password = dovecot.Password
			}
			args := append([]string{"watch", "--json", "--state", t.TempDir()}, test.args...)
			if test.url != "" {
				args = append(args, test.url)
			}
			r := pushmail.Start(t, pushmail.Options{Args: args, Env: []string{"PUSHMAIL_PASSWORD=" + password}})
			before := time.Now()
			code := r.WaitExit(t, patience)
			took := time.Since(before).Round(time.Millisecond)
			said := strings.TrimSpace(r.Stderr())
			t.Logf("exit code %d after %v: %s", code, took, said)
			if code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			if took > 10*time.Second {
				t.Errorf("took %v", took)
			}
			if said == "" || !strings.Contains(strings.ToLower(said), strings.ToLower(test.says)) {
				t.Errorf("stderr does not mention %q:\n%s", test.says, said)
			}
			if test.code != exitUsage && strings.Count(said, "\n") > 0 {
				t.Errorf("stderr has more than one line:\n%s", said)
			}
			if strings.Contains(said, password) && test.env != "" {
				t.Errorf("stderr shows the password:\n%s", said)
			}
			if out := r.Stdout(); out != "" {
				t.Errorf("stdout is not empty: %s", out)
			}
		})
	}
}

// listen runs serve for each connection to a loopback port until the end of the test.
func listen(t *testing.T, secure *tls.Config, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	address := l.Addr().String()
	if secure != nil {
		l = tls.NewListener(l, secure)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(2 * patience))
				serve(conn)
			}()
		}
	}()
	return address
}

// talker is a server that says its line and hangs up.
func talker(t *testing.T, secure *tls.Config, line string) string {
	return listen(t, secure, func(c net.Conn) { _, _ = io.WriteString(c, line) })
}

// silent is a server that listens for ever and never says a word.
func silent(t *testing.T, secure *tls.Config) string {
	return listen(t, secure, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
}

// closedPort is an address where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer l.Close()
	return l.Addr().String()
}

// tlsOf lets a fake server use Dovecot's certificate.
func tlsOf(t *testing.T, s *dovecot.Server) *tls.Config {
	t.Helper()
	cert, err := tls.LoadX509KeyPair(s.CertPEM, filepath.Join(s.Dir, "key.pem"))
	check(t, err)
	return &tls.Config{Certificates: []tls.Certificate{cert}}
}
