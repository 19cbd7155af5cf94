// Package goimap runs go-imap's in-memory server as a process: an IMAP4rev2 peer written by others. It is built from the module in
// directory bench, so that the library's own module does not depend on it.
package goimap

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/pushmail/pushmail/e2e/daemon"
	"github.com/pushmail/pushmail/e2e/rawimap"
)

// Server is one running server. Every user name logs in with daemon.Password; all mail is gone after Kill and Stop.
type Server struct{ *daemon.Server }

// Require ends the test with -short, and when the server cannot be built (its module is not there and cannot be downloaded): it skips, and fails when CI=true.
func Require(t testing.TB) {
	t.Helper()
	daemon.Require(t)
	if _, err := build(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("SKIPPED, NOTHING TESTED: %v", err)
	}
}

// build builds the server once and returns the program.
var build = sync.OnceValues(func() (string, error) {
	_, file, _, _ := runtime.Caller(0)
	dir, err := os.MkdirTemp("", "memserver")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "memserver")
	cmd := exec.Command("go", "build", "-o", binary, "./memserver")
	cmd.Dir = filepath.Join(filepath.Dir(file), "../../bench")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build bench/memserver: %w: %s", err, out)
	}
	text, err := os.ReadFile(binary)
	return string(text), err
})

// New runs a server until Close. Callers have asked Require before.
func New() (*Server, error) {
	s, err := daemon.New(daemon.Recipe{Name: "go-imap", Configure: configure, Commands: commands})
	return &Server{s}, err
}

func binary(s *daemon.Server) string { return filepath.Join(s.Dir, "memserver") }

func configure(s *daemon.Server) error {
	text, err := build()
	if err != nil {
		return err
	}
	return os.WriteFile(binary(s), []byte(text), 0o755)
}

func commands(s *daemon.Server) []*exec.Cmd {
	return []*exec.Cmd{exec.Command(binary(s), "-imap", s.IMAP, "-imaps", s.IMAPS, "-cert", s.CertPEM, "-key", s.KeyPEM, "-password", daemon.Password)}
}

// AddUsers does nothing: every name is a user.
func (s *Server) AddUsers(...string) error { return nil }

// Deliver puts a message into the user's INBOX by APPEND. The lines of message end in CRLF.
func (s *Server) Deliver(user string, message []byte) error {
	roots, err := s.CertPool()
	if err != nil {
		return err
	}
	session, err := rawimap.Dial(s.IMAPS, roots, user, daemon.Password)
	if err != nil {
		return err
	}
	_, err = session.Append("INBOX", message)
	return errors.Join(err, session.Close())
}
