// Package cyrus runs real Cyrus IMAP servers for tests, from Debian's packages unpacked by e2e/install-servers: on loopback ports of their
// own, everything in a temporary directory, as a child of the test, without root (root's servers run as nobody).
package cyrus

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"text/template"

	"github.com/pushmail/pushmail/e2e/daemon"
)

// Password opens every account.
const Password = daemon.Password

// Admin is the user who may do anything to every mailbox. AddUsers makes it.
const Admin = "admin"

// Server is one running Cyrus. Its users are made by AddUsers; mailboxes are made at the first login or delivery.
type Server struct {
	*daemon.Server
	users sync.Mutex // one writer of the password file
}

var (
	root     = daemon.Unpacked("cyrus")
	bin      = filepath.Join(root, "usr/lib/cyrus/bin")
	password = filepath.Join(root, "usr/sbin/saslpasswd2")
)

// Require ends the test when this machine has no Cyrus: see daemon.Require.
func Require(t testing.TB) {
	t.Helper()
	daemon.Require(t, filepath.Join(bin, "master"), filepath.Join(bin, "imapd"), filepath.Join(bin, "lmtpd"), password)
}

// Start runs a server with users until the end of the test, and shows its log when the test failed.
func Start(t testing.TB, users ...string) *Server {
	t.Helper()
	Require(t)
	s, err := New()
	if err != nil {
		t.Fatal(err)
	}
	s.KeepUntilEnd(t)
	if err := s.AddUsers(users...); err != nil {
		t.Fatal(err)
	}
	return s
}

// New runs a server until Close: for a server that many tests share. Callers have asked Require before.
func New() (*Server, error) {
	s, err := daemon.New(daemon.Recipe{Name: "Cyrus", Configure: configure, Commands: commands, Logs: "conf/log/*/*"})
	return &Server{Server: s}, err
}

//go:embed imapd.conf.tmpl cyrus.conf.tmpl
var files embed.FS

var templates = template.Must(template.ParseFS(files, "*.tmpl"))

func imapdConf(s *daemon.Server) string { return filepath.Join(s.Dir, "imapd.conf") }
func cyrusConf(s *daemon.Server) string { return filepath.Join(s.Dir, "cyrus.conf") }

func configure(s *daemon.Server) error {
	// Without conf/socket, where idled and those who idle meet, IDLE looks once a minute.
	for _, dir := range []string{"conf", "conf/log", "conf/socket", "spool", "run"} {
		if err := os.Mkdir(filepath.Join(s.Dir, dir), 0o700); err != nil {
			return err
		}
	}
	data := struct {
		*daemon.Server
		Bin, Conf string
	}{s, bin, imapdConf(s)}
	for _, path := range []string{imapdConf(s), cyrusConf(s)} {
		var text bytes.Buffer
		if err := templates.ExecuteTemplate(&text, filepath.Base(path)+".tmpl", data); err != nil {
			return err
		}
		if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func commands(s *daemon.Server) []*exec.Cmd {
	cmd := exec.Command(filepath.Join(bin, "master"), "-C", imapdConf(s), "-M", cyrusConf(s), "-p", filepath.Join(s.Dir, "run/master.pid"))
	cmd.Env = environment(s)
	return []*exec.Cmd{cmd}
}

// environment has the unpacked programs find their libraries, and Cyrus run as whoever runs it: else it insists on a user "cyrus".
func environment(s *daemon.Server) []string {
	lib := filepath.Join(root, "usr/lib/x86_64-linux-gnu")
	return []string{
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
		"LD_LIBRARY_PATH=" + lib + ":" + filepath.Join(root, "lib/x86_64-linux-gnu"),
		"SASL_PATH=" + filepath.Join(lib, "sasl2"),
		"CYRUS_USER=" + s.Owner.User,
		"CYRUS_GROUP=" + s.Owner.Group,
	}
}

// AddUsers makes accounts. What is said in their sessions is logged: Cyrus writes else to syslog only.
func (s *Server) AddUsers(names ...string) error {
	s.users.Lock()
	defer s.users.Unlock()
	for _, name := range names {
		cmd := exec.Command(password, "-p", "-c", "-f", filepath.Join(s.Dir, "sasldb2"), "-u", "localhost", name)
		cmd.Env = environment(s.Server)
		cmd.Stdin = strings.NewReader(Password + "\n")
		s.Owner.Apply(cmd)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("make user %s: %w: %s", name, err, out)
		}
		sessions := filepath.Join(s.Dir, "conf/log", name)
		if err := errors.Join(os.MkdirAll(sessions, 0o700), s.Owner.Own(sessions)); err != nil {
			return err
		}
	}
	return nil
}

// Deliver hands a message to the user's INBOX the way a mail server does, and returns when Cyrus has stored it.
// It may be called from several goroutines. The lines of message end in CRLF.
func (s *Server) Deliver(user string, message []byte) error {
	return daemon.Deliver(s.LMTP, user+"@localhost", message)
}
