// Package daemon is what the real servers of the tests have in common: a directory and loopback addresses of their own, a
// certificate, processes that end with the test even when the test dies, and their log. The packages dovecot, cyrus, courier and
// goimap say how each is configured and started.
package daemon

import (
	"bufio"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pushmail/pushmail/e2e/process"
)

// Password opens every account of every server.
const Password = "pass"

// startTimeout bounds one start of a server: half a second usually.
const startTimeout = 2 * time.Minute

// Recipe says how one kind of server is made.
type Recipe struct {
	Name string
	// Configure writes what the server needs into s.Dir. Everything there is given to s.Owner afterwards.
	Configure func(s *Server) error
	// Commands returns the processes in the order in which they are started. Each stays in the foreground and runs as s.Owner.
	Commands func(s *Server) []*exec.Cmd
	// Logs is a pattern of files below s.Dir that the server logs into, besides what it writes to standard output and error; "" for none.
	Logs string
	// BeforeStop is what an administrator does before the processes get SIGTERM; nil for nothing.
	BeforeStop func(s *Server)
}

// Server is one running server.
type Server struct {
	IMAP    string // address for plain IMAP
	IMAPS   string // address for IMAP over TLS
	LMTP    string // address for deliveries, where the server has that
	CertPEM string // file with the certificate to trust
	KeyPEM  string // and its key
	Dir     string // holds the configuration, state and mail
	Owner   Owner

	recipe Recipe
	log    Log

	mu    sync.Mutex         // guards procs
	procs []*process.Process // nil between an end and the next start
}

// New runs a server until Close.
func New(r Recipe) (*Server, error) {
	var err error
	for range 3 { // someone else may take a port between looking and listening
		var s *Server
		if s, err = create(r); err != nil {
			return nil, err
		}
		if err = s.Restart(); err == nil {
			return s, nil
		}
		err = errors.Join(err, s.Close())
	}
	return nil, err
}

func create(r Recipe) (*Server, error) {
	who, err := CurrentOwner()
	if err != nil {
		return nil, err
	}
	addresses, err := FreeAddresses(3)
	if err != nil {
		return nil, err
	}
	dir, err := TempDir()
	if err != nil {
		return nil, err
	}
	s := &Server{
		IMAP: addresses[0], IMAPS: addresses[1], LMTP: addresses[2], Dir: dir,
		CertPEM: filepath.Join(dir, "cert.pem"), KeyPEM: filepath.Join(dir, "key.pem"), Owner: who, recipe: r,
	}
	err = WriteCertificate(s.CertPEM, s.KeyPEM)
	if err == nil {
		err = r.Configure(s)
	}
	if err == nil {
		err = who.Own(dir)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("set up %s: %w", r.Name, err), os.RemoveAll(dir))
	}
	return s, nil
}

// KeepUntilEnd closes the server at the end of the test, and shows its log when the test failed.
func (s *Server) KeepUntilEnd(t testing.TB) {
	t.Helper()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("end of %s's log:\n%s", s.recipe.Name, s.Log(""))
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// Restart starts the server again after Stop or Kill, on the same ports and with the same mail, and returns when it greets.
func (s *Server) Restart() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.procs != nil {
		return fmt.Errorf("%s is running already", s.recipe.Name)
	}
	for _, cmd := range s.recipe.Commands(s) {
		s.Owner.Apply(cmd)
		cmd.Stdout, cmd.Stderr = &s.log, &s.log
		cmd.Dir = s.Dir
		proc, err := process.StartFamily(cmd)
		if err != nil {
			return err
		}
		s.procs = append(s.procs, proc)
	}
	return s.waitForGreeting()
}

// waitForGreeting returns when the server answers like an IMAP server, and somebody listens on its other port.
func (s *Server) waitForGreeting() error {
	deadline := time.Now().Add(startTimeout)
	for {
		line, err := greeting(s.IMAP, deadline)
		if err == nil && strings.HasPrefix(line, "* OK ") && listens(s.IMAPS) {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s is not ready after %v: greeting %q (%w)\n%s", s.recipe.Name, startTimeout, line, err, s.Log(""))
		}
		for _, proc := range s.procs {
			if !proc.Running() {
				return fmt.Errorf("%s ended at once:\n%s", s.recipe.Name, s.Log(""))
			}
		}
		time.Sleep(2 * time.Millisecond) // a port that is listened on gives no other sign
	}
}

func greeting(address string, deadline time.Time) (string, error) {
	conn, err := net.DialTimeout("tcp", address, time.Until(deadline))
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(deadline); err != nil {
		return "", err
	}
	return bufio.NewReader(conn).ReadString('\n')
}

func listens(address string) bool {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// Kill ends all of the server's processes with SIGKILL, as a crash of the machine would. Restart brings it back.
func (s *Server) Kill() error {
	return s.end((*process.Process).Kill)
}

// Stop ends the server as an administrator would. Restart brings it back.
func (s *Server) Stop() error {
	if s.recipe.BeforeStop != nil {
		s.recipe.BeforeStop(s)
	}
	return s.end(func(p *process.Process) { p.Terminate(2 * time.Second) })
}

// end ends the processes in the way given and returns when the last of them is gone.
func (s *Server) end(how func(*process.Process)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.procs == nil {
		return nil
	}
	for _, p := range s.procs {
		how(p)
	}
	s.procs = nil
	return WaitUntilGone([]string{s.IMAP, s.IMAPS, s.LMTP}, s.Dir)
}

// Close ends the server and deletes all it had.
func (s *Server) Close() error {
	return errors.Join(s.Kill(), os.RemoveAll(s.Dir))
}

// Name is the server's name.
func (s *Server) Name() string { return s.recipe.Name }

// Log returns the last lines of the server's log that contain word (a user name, for example; empty means all). A server that logs
// into a file for each session shows the newest of those that have the word in their names.
func (s *Server) Log(word string) string {
	const lines = 80
	text := s.log.Tail(lines, word)
	for _, path := range s.newestLogs(word) {
		content, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		var l Log
		_, _ = l.Write(content)
		text += path + ":\n" + l.Tail(lines, "")
	}
	return text
}

// newestLogs are a few files that the server logs into, and that have word in their names.
func (s *Server) newestLogs(word string) []string {
	if s.recipe.Logs == "" {
		return nil
	}
	found, err := filepath.Glob(filepath.Join(s.Dir, s.recipe.Logs))
	if err != nil {
		return nil // the server may be gone already
	}
	found = slices.DeleteFunc(found, func(path string) bool { return !strings.Contains(path, word) })
	slices.SortFunc(found, func(a, b string) int { return changed(b).Compare(changed(a)) })
	return found[:min(4, len(found))]
}

func changed(path string) time.Time {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

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
