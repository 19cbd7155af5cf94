// Package natsserver runs nats-server with JetStream as a process: the server that its authors make, built from the module proxy, so that the library's own
// module does not depend on it.
package natsserver

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/pushmail/pushmail/e2e/daemon"
	"github.com/pushmail/pushmail/e2e/process"
)

const (
	version = "v2.15.2"
	module  = "github.com/nats-io/nats-server/v2@" + version
)

// Server is one server. What its streams have stays over Kill and Start.
type Server struct {
	// Address is HOST:PORT.
	Address string

	t       testing.TB
	program string
	dir     string
	log     daemon.Log
	process *process.Process
}

// build builds the server once and returns the program.
var build = sync.OnceValues(func() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	dir := filepath.Join(cache, "pushmail-e2e", "nats-server-"+version)
	program := filepath.Join(dir, "nats-server")
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	cmd := exec.Command("go", "install", module)
	cmd.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=-mod=mod")
	cmd.Dir = os.TempDir() // outside of any module
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go install %s: %w: %s", module, err, out)
	}
	return program, nil
})

// New starts a server that ends with the test. It skips with -short, and when the server cannot be built, and fails then when CI=true.
func New(t testing.TB) *Server {
	t.Helper()
	daemon.Require(t)
	program, err := build()
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("SKIPPED, NOTHING TESTED: %v", err)
	}
	addresses, err := daemon.FreeAddresses(1)
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Address: addresses[0], t: t, program: program, dir: t.TempDir()}
	t.Cleanup(s.Kill)
	s.Start()
	return s
}

// URL is what clients connect to.
func (s *Server) URL() string { return "nats://" + s.Address }

// Start starts the server, again if it was killed, and waits until it answers.
func (s *Server) Start() {
	s.t.Helper()
	host, port, err := net.SplitHostPort(s.Address)
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(s.program, "-a", host, "-p", port, "-js", "-sd", s.dir)
	cmd.Stdout, cmd.Stderr = &s.log, &s.log
	if s.process, err = process.Start(cmd); err != nil {
		s.t.Fatal(err)
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", s.Address)
		if err == nil {
			conn.Close()
			return
		}
		if time.Now().After(end) || !s.process.Running() {
			s.t.Fatalf("nats-server does not answer: %v\n%s", err, s.log.Tail(20, ""))
		}
	}
}

// Kill ends the server without warning.
func (s *Server) Kill() {
	if s.process != nil {
		s.process.Kill()
	}
}
