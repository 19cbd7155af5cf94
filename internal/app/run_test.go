package app

import (
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pushmail/pushmail/internal/deliver"
	"github.com/pushmail/pushmail/internal/journal"
	"github.com/pushmail/pushmail/internal/journal/sqlite"
	"github.com/pushmail/pushmail/internal/status"
)

// breakable is a standard output that panics.
type breakable struct {
	mu     sync.Mutex
	healed bool            // guarded by mu
	text   strings.Builder // guarded by mu
}

func (b *breakable) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.healed {
		panic("index out of range in somebody's code")
	}
	return b.text.Write(p)
}

func (b *breakable) heal() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.healed = true
}

func (b *breakable) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// A sink that panics harms nobody else, its state says what happened, and what it did not take comes when it is put right.
func TestASinkThatPanics(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	o := s.options(s.config(s.account("jo") + "[[sink]]\ntype = \"stdout\"\nretry = [\"1h\", \"1h\"]\n" + s.fileSink("file")))
	broken := &breakable{}
	o.Stdout = broken
	a, stop := s.run(o)
	inbox := s.server.AddUser("jo", testPassword).Mailbox("INBOX")
	inbox.Append(message("one"))
	inbox.Append(message("two"))
	s.eventually(func() string {
		if text := s.read("file"); !strings.Contains(text, `"one"`) || !strings.Contains(text, `"two"`) {
			return "the other sink has " + text
		}
		if k := sinkNamed(a, "stdout"); k.Failing == 0 {
			return "the sink does not fail"
		}
		return ""
	})
	k := sinkNamed(a, "stdout")
	if k.State != status.Retrying || k.Trouble == nil || !strings.Contains(k.Trouble.Reason, "panicked: index out of range") || k.Trouble.RetryAt.IsZero() {
		t.Errorf("the state is %+v, %+v", k, k.Trouble)
	}
	if text := s.log.String(); !strings.Contains(text, "a sink panicked") || !strings.Contains(text, "breakable") {
		t.Errorf("the log does not say where:\n%s", text)
	}
	broken.heal()
	if err := a.out.Resume(t.Context(), "stdout"); err != nil {
		t.Fatal(err)
	}
	s.eventually(func() string {
		if text := broken.String(); strings.Index(text, `"two"`) < strings.Index(text, `"one"`) || !strings.Contains(text, `"two"`) {
			return "the sink that panicked has " + text
		}
		return ""
	})
	s.eventually(func() string {
		if k := sinkNamed(a, "stdout"); k.State != status.Up || k.Failing > 0 {
			return fmt.Sprintf("in the end %+v", k)
		}
		return ""
	})
	stop()
}

// The state of a sink says how many events wait to be sent once more.
func TestReplaysThatWaitAreTold(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a, stop := s.run(s.options(s.config(s.account("jo") + s.fileSink("file"))))
	s.server.AddUser("jo", testPassword).Mailbox("INBOX").Append(message("one"))
	waits := func(replaying int) {
		t.Helper()
		s.eventually(func() string {
			if k := sinkNamed(a, "file"); k.Backlog > 0 || k.Replaying != replaying || !strings.Contains(s.read("file"), `"one"`) {
				return fmt.Sprintf("want %d: %+v", replaying, k)
			}
			return ""
		})
	}
	waits(0)
	if err := a.out.Pause(t.Context(), "file", "maintenance"); err != nil {
		t.Fatal(err)
	}
	n, err := a.out.Replay(t.Context(), "file", deliver.Selection{From: 1})
	if n == 0 || err != nil {
		t.Fatal(n, err)
	}
	waits(n)
	if err := a.out.Resume(t.Context(), "file"); err != nil {
		t.Fatal(err)
	}
	waits(0)
	stop()
}

// What cannot be started says what to do, and leaves nothing behind that would keep the next from starting.
func TestWhatCannotBeStarted(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	for name, test := range map[string]struct {
		config string
		before func(s *site)
		words  []string
	}{
		"port in use":         {config: "[api]\nlisten = \"" + l.Addr().String() + "\"\n", words: []string{l.Addr().String(), "is pushmail running already?", "[api]"}},
		"open to all":         {config: "[api]\nlisten = \"127.0.0.1:0\"\n", words: []string{"[api]", "token"}},
		"token not there":     {config: "[api]\ntokens = [{ name = \"ops\", token = \"file:/nowhere/token\", scopes = [\"read\"] }]\n", words: []string{"ops", "/nowhere/token"}},
		"certificate not one": {config: "[api]\nlisten = \"127.0.0.1:0\"\ntls_cert = \"ca.pem\"\ntls_key = \"ca.pem\"\n", words: []string{"tls_cert"}},
		"key not there":       {config: "[secrets]\nkey = \"file:/nowhere/key\"\n", words: []string{"[secrets]", "/nowhere/key"}},
		"key too short":       {config: "[secrets]\nkey = \"literal:short\"\n", words: []string{"[secrets]"}},
		"state is a file":     {before: func(s *site) { s.write("state", "") }, words: []string{"state", "pushmail.toml"}},
		"journal is no database": {before: func(s *site) {
			if err := os.Mkdir(filepath.Join(s.dir, "state"), 0o700); err != nil {
				s.t.Fatal(err)
			}
			s.write("state/journal.db", strings.Repeat("this is no database ", 100))
		}, words: []string{"journal.db"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			if test.before != nil {
				test.before(s)
			}
			text := test.config
			if name == "open to all" { // the configuration would not be read
				text = "[api]\nlisten = \"127.0.0.1:0\"\n"
			}
			c := s.config(text + s.fileSink("file"))
			if name == "open to all" {
				c.API.Listen = "0.0.0.0:0"
			}
			err := s.refuses(s.options(c), test.words...)
			var state *StateError
			if isState := errors.As(err, &state); isState != (test.before != nil) {
				t.Errorf("a StateError: %v", isState)
			}
			if test.before == nil {
				_, stop := s.run(s.options(s.config(s.fileSink("file"))))
				stop()
			}
		})
	}
}

// A journal that another daemon has, and one that a newer program has written, are named with what is to be done.
func TestJournalsThatAreNotForUs(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	o := s.options(s.config(s.fileSink("file")))
	if err := os.Mkdir(o.Config.State, 0o700); err != nil {
		t.Fatal(err)
	}
	j, err := sqlite.Open(t.Context(), JournalFile(o.Config.State))
	if err != nil {
		t.Fatal(err)
	}
	s.refuses(o, "another process")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	makeNewer(t, JournalFile(o.Config.State))
	var version *journal.VersionError
	if err := s.refuses(o, "newer program"); !errors.As(err, &version) {
		t.Errorf("%T: %v", err, err)
	}
}

// makeNewer has a journal look as if a newer program had written it.
func makeNewer(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("INSERT INTO migration VALUES (1000, 0)"); err != nil {
		t.Fatal(err)
	}
}
