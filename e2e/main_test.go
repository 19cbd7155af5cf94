package e2e

import (
	"flag"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/pushmail/pushmail/e2e/dovecot"
	"github.com/pushmail/pushmail/e2e/pushmail"
)

// patience is how long a test waits for what should come within a second or two: it bounds a failure, not a success.
const patience = 40 * time.Second

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		fmt.Println("e2e: not run with -short")
		return
	}
	if err := waitMoreInParallel(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		os.Exit(1)
	}
	code := m.Run()
	if err := shared.close(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	if err := pushmail.Cleanup(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

// waitMoreInParallel raises the number of parallel tests unless -parallel says it: these tests wait more than they compute.
func waitMoreInParallel() error {
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if given {
		return nil
	}
	return flag.Set("test.parallel", "8")
}

// shared is one ordinary Dovecot for all tests that do not break it: each has a user of its own.
var shared sharedServer

type sharedServer struct {
	once   sync.Once
	server *dovecot.Server
	err    error
}

func (s *sharedServer) get(t *testing.T) *dovecot.Server {
	t.Helper()
	dovecot.Require(t)
	s.once.Do(func() { s.server, s.err = dovecot.New(dovecot.Options{}) })
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s.server
}

func (s *sharedServer) close() error {
	if s.server == nil {
		return nil
	}
	return s.server.Close()
}
