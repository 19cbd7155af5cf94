package main

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imaptest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestMain lets this binary stand in for the commands that --exec and --password-command run.
func TestMain(m *testing.M) {
	if os.Getenv(helperVariable) != "" {
		os.Exit(helper(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// golden compares got with a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (go test -update writes it anew):\ngot:\n%s\nwant:\n%s", file, got, want)
	}
}

const (
	testUser     = "jo@example.org"
	testPassword = "s3kr1t & ünïcode"
)

// world is a server, and a place for the files of the program.
type world struct {
	server *imaptest.Server
	inbox  *imaptest.Mailbox
	dir    string
	env    []string
}

func newWorld(t *testing.T, o *imaptest.ServerOptions) *world {
	t.Helper()
	w := &world{server: imaptest.NewServer(o), dir: t.TempDir()}
	w.inbox = w.server.AddUser(testUser, testPassword).Mailbox("INBOX")
	if err := w.server.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.server.Close() })
	w.write(t, "ca.pem", string(w.server.CertPEM()))
	w.env = []string{"HOME=" + w.dir, "PATH=" + os.Getenv("PATH"), passwordVariable + "=" + testPassword}
	return w
}

func (w *world) write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(w.dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// url is the URL of a mailbox, without a password.
func (w *world) url(mailbox string) string {
	return "imaps://" + strings.ReplaceAll(testUser, "@", "%40") + "@" + w.server.Addr().String() + "/" + mailbox
}

// args puts the flags for the server before those given.
func (w *world) args(command string, args ...string) []string {
	return append([]string{command, "--ca-file", filepath.Join(w.dir, "ca.pem")}, args...)
}

// session is a run of the program.
type session struct {
	t        *testing.T
	out, err *screen
	cancel   context.CancelCauseFunc
	code     chan int
}

// start runs the program until it ends by itself, or the test does.
func (w *world) start(t *testing.T, args ...string) *session {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	s := &session{t: t, out: newScreen(), err: newScreen(), cancel: cancel, code: make(chan int, 1)}
	go func() {
		s.code <- run(ctx, args, stdio{in: strings.NewReader(""), out: s.out, err: s.err, env: w.env})
	}()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("pushmail %q\nstdout:\n%s\nstderr:\n%s", args, s.out.text(), s.err.text())
		}
	})
	return s
}

// end waits for the exit code.
func (s *session) end() int {
	s.t.Helper()
	select {
	case code := <-s.code:
		return code
	case <-time.After(20 * time.Second):
		s.t.Fatalf("still running; stdout:\n%s\nstderr:\n%s", s.out.text(), s.err.text())
		return -1
	}
}

// interrupt is Ctrl-C, which has to end the program well.
func (s *session) interrupt() {
	s.t.Helper()
	s.cancel(errInterrupted)
	if code := s.end(); code != exitOK {
		s.t.Fatalf("exit code %d after an interrupt, want 0", code)
	}
}

// screen is what the program writes to, and can be waited on.
type screen struct {
	mu      sync.Mutex
	buf     bytes.Buffer  // guarded by mu
	changed chan struct{} // closed and replaced with each Write; guarded by mu
	fail    error         // what Write returns, if not nil; guarded by mu
}

func newScreen() *screen { return &screen{changed: make(chan struct{})} }

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return 0, s.fail
	}
	s.buf.Write(p)
	close(s.changed)
	s.changed = make(chan struct{})
	return len(p), nil
}

func (s *screen) failWith(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

// waitFor waits until the text holds what.
func (s *screen) waitFor(t *testing.T, what string) {
	t.Helper()
	late := time.After(20 * time.Second)
	for {
		s.mu.Lock()
		text, changed := s.buf.String(), s.changed
		s.mu.Unlock()
		if strings.Contains(text, what) {
			return
		}
		select {
		case <-changed:
		case <-late:
			t.Fatalf("no %q in:\n%s", what, text)
		}
	}
}

// message is a small message.
func message(subject string) []byte {
	return []byte("From: Ann <ann@example.net>\r\nTo: jo@example.org\r\nSubject: " + subject +
		"\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@example.net>\r\n\r\nHello\r\n")
}

// waitUntil waits until a condition holds that nothing tells of.
func waitUntil(t *testing.T, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !cond(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain")
		}
	}
}
