// Package dovecot runs real Dovecot servers for tests: on loopback ports of their own (Server) or without any port (Portless).
//
// A server is a child of the test, keeps everything in a temporary directory and needs no root: root's servers run as nobody.
// Every user name logs in with the password Password and has mailboxes of its own, so that parallel tests share one server.
package dovecot

import (
	"bufio"
	"bytes"
	"crypto/x509"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"text/template"
	"time"

	"github.com/pushmail/pushmail/e2e/process"
)

// Password opens every account.
const Password = "pass"

// startTimeout bounds one start of the server: half a second usually.
const startTimeout = 30 * time.Second

// Server is one running Dovecot.
type Server struct {
	IMAP    string // address for plain IMAP with STARTTLS
	IMAPS   string // address for IMAP over TLS
	LMTP    string // address for deliveries
	CertPEM string // file with the certificate to trust
	Dir     string // holds the configuration, state and mail

	conf  string
	owner owner
	log   *log

	mu   sync.Mutex       // guards proc
	proc *process.Process // nil between an end and the next start
}

// Start runs a server until the end of the test, and shows its log when the test failed.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	Require(t)
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("end of Dovecot's log:\n%s", s.Log(""))
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// New runs a server until Close: for a server that many tests share. Callers have asked Require before.
func New(o Options) (*Server, error) {
	var err error
	for range 3 { // someone else may take a port between looking and listening
		var s *Server
		if s, err = create(o); err != nil {
			return nil, err
		}
		if err = s.Restart(); err == nil {
			return s, nil
		}
		err = errors.Join(err, s.Close())
	}
	return nil, err
}

//go:embed dovecot.conf.tmpl
var confTemplate string

var conf = template.Must(template.New("dovecot.conf").Parse(confTemplate))

func create(o Options) (*Server, error) {
	who, err := currentOwner()
	if err != nil {
		return nil, err
	}
	dir, err := who.tempDir()
	if err != nil {
		return nil, err
	}
	ports, err := freePorts(3)
	if err != nil {
		return nil, err
	}
	address := func(i int) string { return fmt.Sprintf("127.0.0.1:%d", ports[i]) }
	s := &Server{
		IMAP: address(0), IMAPS: address(1), LMTP: address(2), Dir: dir,
		CertPEM: filepath.Join(dir, "cert.pem"), conf: filepath.Join(dir, "dovecot.conf"), owner: who, log: newLog(),
	}

	var text bytes.Buffer
	err = conf.Execute(&text, map[string]any{
		"Dir": dir, "Password": Password, "MailLocation": o.mailLocation(), "IdleNotify": o.idleNotify(), "Capabilities": o.capabilityOverride(),
		"User": who.User, "Group": who.Group, "UID": who.UID, "GID": who.GID,
		"IMAPPort": ports[0], "IMAPSPort": ports[1], "LMTPPort": ports[2],
	})
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(s.conf, text.Bytes(), 0o644); err != nil {
		return nil, err
	}
	if err := WriteCertificate(s.CertPEM, filepath.Join(dir, "key.pem")); err != nil {
		return nil, err
	}
	return s, who.own(dir)
}

// Restart starts the server again after Stop or Kill, on the same ports and with the same mail, and returns when it accepts logins.
func (s *Server) Restart() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc != nil {
		return errors.New("dovecot is running already")
	}
	s.log.expectStart()
	cmd := exec.Command("/usr/sbin/dovecot", "-F", "-c", s.conf)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	cmd.Stdout, cmd.Stderr = s.log, s.log
	s.owner.apply(cmd)
	proc, err := process.Start(cmd)
	if err != nil {
		return err
	}
	s.proc = proc

	timeout := time.NewTimer(startTimeout)
	defer timeout.Stop()
	select {
	case <-s.log.started():
		return s.greet()
	case <-proc.Done():
		return fmt.Errorf("dovecot ended at once:\n%s", s.Log(""))
	case <-timeout.C:
		return fmt.Errorf("dovecot is not ready after %v:\n%s", startTimeout, s.Log(""))
	}
}

// greet proves that the login process answers.
func (s *Server) greet() error {
	conn, err := net.DialTimeout("tcp", s.IMAP, startTimeout)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(startTimeout)); err != nil {
		return err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "* OK ") {
		return fmt.Errorf("dovecot's greeting is %q (%w)", line, err)
	}
	return nil
}

// Kill ends all of Dovecot's processes with SIGKILL, as a crash of the machine would. Restart brings it back.
func (s *Server) Kill() error {
	return s.end((*process.Process).Kill)
}

// Stop ends Dovecot as an administrator would: clients get BYE. Restart brings it back.
func (s *Server) Stop() error {
	return s.end(func(p *process.Process) {
		_, _ = s.Doveadm("kick", "*") // Dovecot alone would let its sessions live on for minutes; fails when there is none
		p.Terminate(2 * time.Second)
	})
}

// end ends the processes in the way given and returns when the last of them is gone.
func (s *Server) end(how func(*process.Process)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil {
		return nil
	}
	how(s.proc)
	s.proc = nil
	return waitUntilGone([]string{s.IMAP, s.IMAPS, s.LMTP}, filepath.Join(s.Dir, "run"))
}

// Close ends the server and deletes all it had.
func (s *Server) Close() error {
	return errors.Join(s.Kill(), os.RemoveAll(s.Dir))
}

// Log returns the last lines of Dovecot's log that contain word (a user name, for example; empty means all).
func (s *Server) Log(word string) string { return s.log.tail(80, word) }

// CertPool trusts this server alone.
func (s *Server) CertPool() (*x509.CertPool, error) {
	text, err := os.ReadFile(s.CertPEM)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("no certificate in %s", s.CertPEM)
	}
	return pool, nil
}
