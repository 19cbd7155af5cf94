package serve

import (
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/pushmail/pushmail/e2e/daemon"
	"github.com/pushmail/pushmail/imaptest"
)

// sqlite3 runs a statement in the journal by the shell of SQLite, as an operator would.
func (s *site) sqlite3(statement string) string {
	s.t.Helper()
	daemon.Require(s.t, "/usr/bin/sqlite3")
	out, err := exec.Command("/usr/bin/sqlite3", "-batch", filepath.Join(s.state(), "journal.db"), statement).CombinedOutput()
	if err != nil {
		s.t.Fatalf("sqlite3: %v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// A second daemon on the same state directory ends at once and says who has it; the first goes on.
func TestTwoDaemonsOnOneState(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1, "")
	s.add(s.fileSink("file"))
	r := s.serve()
	s.awaitUp(r, "user0")
	first := s.api
	s.change(first, freePort(t))
	s.refuses(7, "another process uses the journal", fmt.Sprint(r.PID()), "journal.db")
	s.awaitAll(r, s.flood("still", 2), map[string]func() log{"file": s.lines("file")})
	r.Stop(t)
	s.change(`listen = "`, `listen = "127.0.0.1:0" # "`) // when the first has gone there is no trace of it
	second := s.serve()
	eventually(t, second, func() string {
		if !strings.Contains(second.Stderr(), "pushmail runs") {
			return "it does not run"
		}
		return ""
	})
	second.Stop(t)
}

// A port that another has is an error that names it, and nothing was touched at the server.
func TestPortInUse(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1, "")
	l, err := net.Listen("tcp", s.api)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s.refuses(1, s.api, "in use", "listen")
	if n := len(s.server.Sessions()); n != 0 {
		t.Errorf("%d connections to the mail server", n)
	}
}

// A database that a newer program has written is left alone.
func TestNewerDatabase(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1, "")
	r := s.serve()
	s.awaitUp(r, "user0")
	r.Stop(t)
	s.sqlite3("INSERT INTO migration VALUES (1000, 0)")
	before := s.sqlite3(".dump")
	s.refuses(7, "journal.db", "1000", "newer")
	_, stderr := s.run(7, "events")
	if !strings.Contains(stderr, "newer") {
		t.Errorf("pushmail events: %s", stderr)
	}
	if after := s.sqlite3(".dump"); after != before {
		t.Errorf("the database was changed:\n%s\n%s", before, after)
	}
}

// What is wrong with a configuration is all said at once, with places, before anything starts.
func TestWrongConfigurationStartsNothing(t *testing.T) {
	t.Parallel()
	for name, wrong := range map[string]struct {
		add   string
		words []string
	}{
		"duplicate account":     {"[[account]]\nname = \"user0\"\nurl = \"imaps://x@127.0.0.1\"\n", []string{"pushmail.toml:", "user0", "password"}},
		"secret in a file":      {"[[account]]\nname = \"x\"\nurl = \"imaps://x@127.0.0.1\"\npassword = \"file:/nowhere/password\"\n", []string{"pushmail.toml:", "/nowhere/password"}},
		"secret of nobody":      {"[[sink]]\ntype = \"webhook\"\nurl = \"https://hooks.example.org\"\nsecret = \"env:PUSHMAIL_TEST_NOT_THERE\"\n", []string{"pushmail.toml:", "PUSHMAIL_TEST_NOT_THERE"}},
		"secret that is none":   {"[[sink]]\nname = \"hook\"\ntype = \"webhook\"\nurl = \"https://hooks.example.org\"\nsecret = \"whsec_x\"\n", []string{"hook", "secret"}},
		"command of a secret":   {"[secrets]\nkey = 'command:[\"false\"]'\n", []string{"[secrets]", "false"}},
		"filter":                {"[[route]]\nwhere = 'size >'\nto = [\"file\"]\n", []string{"pushmail.toml:", "where"}},
		"command that is not":   {"[[sink]]\nname = \"run\"\ntype = \"exec\"\ncommand = [\"/nowhere/program\"]\n", []string{"run", "/nowhere/program"}},
		"listening to everyone": {"", []string{"0.0.0.0", "token"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, 1, "")
			s.add(s.fileSink("file") + wrong.add)
			if wrong.add == "" {
				s.change(s.api, strings.Replace(s.api, "127.0.0.1", "0.0.0.0", 1))
			}
			if name == "duplicate account" {
				s.change("env:PUSHMAIL_TEST_PASSWORD", "env:PUSHMAIL_TEST_NO_password")
			}
			s.refuses(1, wrong.words...)
			if n := len(s.server.Sessions()); n != 0 {
				t.Errorf("%d connections to the mail server", n)
			}
		})
	}
}

// SIGTERM ends it in order: what is under way is finished, every session says LOGOUT, the exit code is 0.
func TestSIGTERMDrainsAndLogsOut(t *testing.T) {
	t.Parallel()
	slow := startReceiver(t)
	s := newSite(t, 3, "")
	s.add(s.fileSink("file") + webhook("slow", slow, ""))
	var mu sync.Mutex
	logouts := map[*imaptest.User]int{}
	s.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
		if c.Name == "LOGOUT" {
			mu.Lock()
			defer mu.Unlock()
			logouts[c.Session.User()]++
		}
		return imaptest.Pass
	})
	r := s.serve()
	s.awaitUp(r, "user0", "user1", "user2")
	answer := make(chan struct{})
	asked := make(chan struct{}, 100)
	slow.be(func() mood { asked <- struct{}{}; return takes })
	slow.after(answer)
	all := s.flood("last", 1)
	<-asked // a delivery is under way
	r.Signal(t, syscall.SIGTERM)
	eventually(t, r, func() string {
		mu.Lock()
		defer mu.Unlock()
		if len(logouts) != 3 {
			return fmt.Sprintf("%d of 3 accounts have logged out", len(logouts))
		}
		return ""
	})
	close(answer)
	if code := r.WaitExit(t, patience); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
	if n := s.lines("file")().missing(all); n > 0 {
		t.Errorf("the file lacks %d messages that had been reported", n)
	}
	had := slow.requests()
	slow.after(nil)
	r = s.serve()
	s.awaitUp(r, "user0", "user1", "user2")
	eventually(t, r, func() string {
		if k := s.sinkNamed("slow"); k.Backlog > 0 || slow.has().missing(all) > 0 {
			return fmt.Sprintf("the webhook lacks %d of %d messages: %+v", slow.has().missing(all), len(all), k)
		}
		return ""
	})
	if again := slow.has().check(t, "slow", all); again > 0 {
		t.Errorf("%d of %d deliveries that were under way, and were answered, came again", again, had)
	}
	r.Stop(t)
}

// Who does not want to wait says so twice.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	hook := startReceiver(t)
	hook.be(always(hangs))
	s := newSite(t, 1, "")
	s.add(webhook("hook", hook, ""))
	r := s.serve()
	s.awaitUp(r, "user0")
	s.flood("one", 1)
	eventually(t, r, func() string {
		if hook.requests() == 0 {
			return "the webhook was not asked"
		}
		return ""
	})
	r.Signal(t, syscall.SIGTERM)
	eventually(t, r, func() string {
		if !strings.Contains(r.Stderr(), "pushmail ends") {
			return "it does not say that it ends"
		}
		return ""
	})
	r.Signal(t, syscall.SIGTERM)
	if code := r.WaitExit(t, patience); code != 130 {
		t.Errorf("exit code %d, want 130", code)
	}
}
