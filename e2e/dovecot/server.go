// Package dovecot runs real Dovecot servers for tests: on loopback ports of their own (Server) or without any port (Portless).
//
// A server is a child of the test, keeps everything in a temporary directory and needs no root: root's servers run as nobody.
// Every user name logs in with the password Password and has mailboxes of its own, so that parallel tests share one server.
package dovecot

import (
	"bytes"
	_ "embed"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"text/template"

	"github.com/pushmail/pushmail/e2e/daemon"
)

// Password opens every account.
const Password = daemon.Password

// Server is one running Dovecot.
type Server struct{ *daemon.Server }

// Start runs a server until the end of the test, and shows its log when the test failed.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	Require(t)
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	s.KeepUntilEnd(t)
	return s
}

// New runs a server until Close: for a server that many tests share. Callers have asked Require before.
func New(o Options) (*Server, error) {
	s, err := daemon.New(daemon.Recipe{
		Name:       "Dovecot",
		Configure:  func(s *daemon.Server) error { return configure(s, o) },
		Commands:   commands,
		BeforeStop: kickAll,
	})
	return &Server{s}, err
}

//go:embed dovecot.conf.tmpl
var confTemplate string

var conf = template.Must(template.New("dovecot.conf").Parse(confTemplate))

func confFile(s *daemon.Server) string { return filepath.Join(s.Dir, "dovecot.conf") }

func configure(s *daemon.Server, o Options) error {
	var text bytes.Buffer
	err := conf.Execute(&text, map[string]any{
		"Server": s, "Password": Password, "Options": o,
		"IMAPPort": port(s.IMAP), "IMAPSPort": port(s.IMAPS), "LMTPPort": port(s.LMTP),
	})
	if err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(s.Dir, "mail"), 0o700); err != nil {
		return err
	}
	if err := writeOAuth(s.Dir); err != nil {
		return err
	}
	return os.WriteFile(confFile(s), text.Bytes(), 0o644)
}

func port(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

func commands(s *daemon.Server) []*exec.Cmd {
	cmd := exec.Command("/usr/sbin/dovecot", "-F", "-c", confFile(s))
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	return []*exec.Cmd{cmd}
}

// kickAll ends the sessions: Dovecot alone would let them live on for minutes. It fails when there is none.
func kickAll(s *daemon.Server) { _, _ = (&Server{s}).Doveadm("kick", "*") }

// Deliver hands a message to the user's INBOX the way a mail server does, and returns when Dovecot has stored it.
// It may be called from several goroutines. The lines of message end in CRLF.
func (s *Server) Deliver(user string, message []byte) error {
	return daemon.Deliver(s.LMTP, user+"@localhost", message)
}

// AddUsers does nothing: every name is a user.
func (s *Server) AddUsers(...string) error { return nil }
