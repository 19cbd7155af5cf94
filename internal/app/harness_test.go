package app

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/internal/config"
	"github.com/pushmail/pushmail/internal/status"
)

const testPassword = "correct horse"

// site is a directory with a configuration, a mail server, and what the daemon says.
type site struct {
	t      *testing.T
	dir    string
	server *imaptest.Server
	stdout bytes.Buffer // of the sink of that type; a test may have another
	log    notes
}

// notes is a log that can be read while it is written.
type notes struct {
	mu   sync.Mutex
	text strings.Builder // guarded by mu
}

func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(p)
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), server: imaptest.NewServer(nil)}
	if err := s.server.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.server.Close() })
	s.write("ca.pem", string(s.server.CertPEM()))
	return s
}

func (s *site) write(name, text string) (path string) {
	s.t.Helper()
	path = filepath.Join(s.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// account is the part of a configuration for a user, who is there then.
func (s *site) account(name string) string {
	s.server.AddUser(name, testPassword)
	return fmt.Sprintf("[[account]]\nname = %q\nurl = \"imaps://%s@%s\"\npassword = \"literal:%s\"\nca_file = %q\nfrom = \"all\"\n",
		name, name, s.server.Addr(), testPassword, filepath.Join(s.dir, "ca.pem"))
}

// fileSink is the part of a configuration for a file, named after it.
func (s *site) fileSink(name string) string {
	return fmt.Sprintf("[[sink]]\nname = %q\ntype = \"file\"\npath = %q\n", name, filepath.Join(s.dir, name))
}

// config reads a configuration; without [api] there is none.
func (s *site) config(text string) *config.Config {
	s.t.Helper()
	if !strings.Contains(text, "[api]") {
		text = "[api]\nlisten = \"\"\n" + text
	}
	c, problems := config.Load(s.write("pushmail.toml", "state = \"state\"\n"+text), config.Options{ForOthers: true, Compile: CheckRoute})
	if err := problems.Err(); err != nil {
		s.t.Fatal(err)
	}
	return c
}

func (s *site) options(c *config.Config) Options {
	return Options{Config: c, Version: "test", Stdout: &s.stdout, Logger: slog.New(slog.NewTextHandler(&s.log, nil))}
}

// run runs the daemon until the test ends, or stop is called.
func (s *site) run(o Options) (a *App, stop func()) {
	s.t.Helper()
	started, ended := make(chan *App, 1), make(chan error, 1)
	o.Started = func(a *App) { started <- a }
	ctx, cancel := context.WithCancel(context.Background())
	go func() { ended <- Run(ctx, o) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			s.t.Errorf("the daemon has ended: %v", err)
		}
	})
	select {
	case a = <-started:
	case err := <-ended:
		s.t.Fatalf("the daemon does not start: %v\n%s", err, &s.log)
	}
	s.t.Cleanup(stop)
	return a, stop
}

// refuses starts the daemon and wants it to end by itself with an error that has the words in it.
func (s *site) refuses(o Options, words ...string) error {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	err := Run(ctx, o)
	if err == nil {
		s.t.Fatal("it ran")
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			s.t.Errorf("not a word of %q: %v", word, err)
		}
	}
	return err
}

// eventually waits until done returns nothing, and else fails with what it returns. The time bounds a failure, not a success.
func (s *site) eventually(done func() string) {
	s.t.Helper()
	var left string
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if left = done(); left == "" {
			return
		}
	}
	s.t.Fatalf("%s\n%s", left, &s.log)
}

// read is what a file has in it by now, "" if it is not there.
func (s *site) read(name string) string {
	text, _ := os.ReadFile(filepath.Join(s.dir, name)) // not there yet is nothing in it
	return string(text)
}

func sinkNamed(a *App, name string) status.Sink {
	for _, k := range a.board.Sinks() {
		if k.Name == name {
			return k
		}
	}
	return status.Sink{}
}

func message(subject string) []byte {
	return fmt.Appendf(nil, "From: Jo <jo@example.org>\r\nSubject: %s\r\nMessage-ID: <%s@example.org>\r\n\r\nHello\r\n", subject, strings.ReplaceAll(subject, " ", "-"))
}
