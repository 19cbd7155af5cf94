package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/internal/config"
	"github.com/pushmail/pushmail/internal/status"
)

func TestRerouted(t *testing.T) {
	routes := func(r ...config.Route) *config.Config { return &config.Config{Routes: r} }
	all, mine := config.Route{To: []string{"a", "b"}}, config.Route{Where: "size > 1", To: []string{"a"}}
	for name, test := range map[string]struct {
		old, next *config.Config
		want      bool
	}{
		"no routes":                       {routes(), routes(), false},
		"the first, which says the same":  {routes(), routes(all), false},
		"the first, which leaves out":     {routes(), routes(mine), true},
		"one more":                        {routes(all), routes(all, mine), true},
		"one for others":                  {routes(all), routes(all, config.Route{Where: "size > 2", To: []string{"b"}}), false},
		"another filter":                  {routes(mine), routes(config.Route{Where: "size > 2", To: []string{"a"}}), true},
		"the last is gone, which was all": {routes(all), routes(), false},
		"no longer reached":               {routes(all), routes(config.Route{To: []string{"b"}}), true},
	} {
		if got := rerouted(test.old, test.next, "a"); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestSummaryOfAReload(t *testing.T) {
	for want, c := range map[string]config.Change{
		"accounts added: a, b": {AccountsAdded: []string{"a", "b"}},
		"6 accounts removed:; sinks changed: s; routes; settings: log": {
			AccountsRemoved: []string{"1", "2", "3", "4", "5", "6"}, SinksChanged: []string{"s"}, Routes: true, Other: []string{"log"},
		},
	} {
		if got := summary(c); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// What a reload cannot use is all said at once, and nothing is changed: neither what runs nor what is known.
func TestAReloadThatCannotBeUsedChangesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	first := s.config(s.account("jo") + s.fileSink("file"))
	o := s.options(first)
	next := func() (*config.Config, config.Problems) { return first, nil }
	o.Load = func() (*config.Config, config.Problems) { return next() }
	a, _ := s.run(o)
	if err := a.Reload(t.Context()); err != nil {
		t.Errorf("nothing has changed: %v", err)
	}
	wrong := s.config(s.account("jo") + strings.Replace(s.account("al"), "ca.pem", "no.pem", 1) + s.fileSink("file") + s.fileSink("more") +
		"[secrets]\nkey = \"file:/nowhere/key\"\n[[sink]]\nname = \"hook\"\ntype = \"webhook\"\nurl = \"https://hooks.example.org\"\nsecret = \"file:/nowhere/secret\"\n")
	next = func() (*config.Config, config.Problems) { return wrong, nil }
	err := a.Reload(t.Context())
	if err == nil {
		t.Fatal("it was taken")
	}
	for _, word := range []string{"was not changed", "/nowhere/key", "/nowhere/secret", "hook", "no.pem", `"al"`} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("not a word of %q: %v", word, err)
		}
	}
	if sinks := a.out.Status(); len(sinks) != 1 || len(a.accounts.Names()) != 1 || a.cfg.Load() != first {
		t.Errorf("sinks %+v, accounts %v", sinks, a.accounts.Names())
	}
	next = func() (*config.Config, config.Problems) { return nil, config.Problems{{Message: "no such key"}} }
	if err := a.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "no such key") {
		t.Errorf("a configuration that cannot be read: %v", err)
	}
	if (&App{}).Reload(t.Context()) == nil {
		t.Error("without a way to read it again it was reloaded")
	}
}

// A sink that the journal does not take at the moment of a reload comes with the next one.
func TestAReloadThatFailsHalfwayIsCompletedByTheNext(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	first := s.config(s.fileSink("file"))
	next := s.config(s.fileSink("file") + s.fileSink("more"))
	o := s.options(first)
	o.Load = func() (*config.Config, config.Problems) { return next, nil }
	a, _ := s.run(o)
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the disk is slow"))
	p, err := a.prepare(t.Context(), next, config.Diff(first, next))
	if err != nil {
		t.Fatal(err)
	}
	if err := a.apply(ended, p, config.Diff(first, next)); err == nil {
		t.Fatal("the journal took a sink in no time")
	}
	if n := len(a.cfg.Load().Sinks); n != 1 {
		t.Errorf("%d sinks are known", n)
	}
	if err := a.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(a.out.Status()); n != 2 || len(a.cfg.Load().Sinks) != 2 {
		t.Errorf("%d sinks run after the next", n)
	}
}

// The settings of sinks that cannot be used are named, with the key.
func TestSinksThatCannotBeOpened(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	hook := "type = \"webhook\"\nurl = \"https://hooks.example.org\"\n"
	for name, test := range map[string]struct {
		sink  string
		words []string
	}{
		"secret not there":    {hook + `secret = "file:/nowhere/x"`, []string{"secret: ", "/nowhere/x"}},
		"secret that is none": {hook + `secret = "literal:whsec_x"`, []string{"secret 1", "base64"}},
		"second secret":       {hook + `secret = ["literal:whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "env:NOT_THERE"]`, []string{"secret: ", "NOT_THERE"}},
		"token not there":     {hook + `token = "env:NOT_THERE"`, []string{"token: ", "NOT_THERE"}},
		"authority not there": {hook + `ca_file = "/nowhere/ca.pem"`, []string{"/nowhere/ca.pem"}},
		"environment":         {"type = \"exec\"\ncommand = [\"/bin/cat\"]\nenv = { KEY = \"file:/nowhere/key\" }", []string{"env.KEY", "/nowhere/key"}},
		"nkey":                {"type = \"nats\"\nurl = \"nats://127.0.0.1:1\"\nnkey = \"env:NOT_THERE\"", []string{"nkey: ", "NOT_THERE"}},
		"password":            {"type = \"nats\"\nurl = \"nats://127.0.0.1:1\"\nuser = \"u\"\npassword = \"env:NOT_THERE\"", []string{"password: ", "NOT_THERE"}},
		"directory not there": {"type = \"file\"\npath = \"/nowhere/events\"", []string{"/nowhere"}},
	} {
		c := s.config("[[sink]]\nname = \"it\"\n" + test.sink + "\n")
		a, err := open(t.Context(), s.options(c))
		if err == nil {
			t.Errorf("%s: it was opened", name)
			_ = a.journal.Close()
			continue
		}
		for _, word := range append(test.words, `"it"`) {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: not a word of %q: %v", name, word, err)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(s.dir, "state", "journal.db")); err != nil {
		t.Error(err)
	}
}

// up waits until all accounts are.
func (s *site) up(a *App) {
	s.t.Helper()
	s.eventually(func() string {
		for _, st := range a.accounts.Status() {
			if len(st.Mailboxes) != 1 || !st.Mailboxes[0].Up {
				return fmt.Sprintf("account %+v", st)
			}
		}
		return ""
	})
}

// An account that could not be watched is watched with the next reload, though nothing has changed.
func TestAReloadWatchesWhatIsNotWatched(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := s.config(s.account("jo") + s.fileSink("file"))
	o := s.options(c)
	o.Load = func() (*config.Config, config.Problems) { return c, nil }
	ca := s.read("ca.pem")
	s.write("ca.pem", "it is being written")
	a, _ := s.run(o)
	if st := a.accountStatus(); len(st) != 1 || !strings.Contains(st[0].Err, "ca.pem") || len(a.accounts.Names()) != 0 {
		t.Fatalf("without a certificate: %+v", st)
	}
	s.write("ca.pem", ca)
	if err := a.Reload(t.Context()); err != nil {
		t.Error(err)
	}
	if st := a.accountStatus(); len(st) != 1 || st[0].Err != "" || len(a.accounts.Names()) != 1 {
		t.Errorf("after a reload: %+v", st)
	}
	s.up(a)
}

// An account whose certificates were renewed in their files is watched with the new ones, though its configuration says the same.
func TestAReloadNoticesCertificatesThatWereRenewed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	other := s.write("other.pem", s.read("ca.pem"))
	c := s.config(s.account("jo") + strings.Replace(s.account("al"), filepath.Join(s.dir, "ca.pem"), other, 1) + s.fileSink("file"))
	o := s.options(c)
	o.Load = func() (*config.Config, config.Problems) { return c, nil }
	a, _ := s.run(o)
	s.up(a)
	reload := func(want string) {
		t.Helper()
		before := len(s.log.String())
		if err := a.Reload(t.Context()); err != nil {
			t.Error(err)
		}
		if got := s.log.String()[before:]; !strings.Contains(got, want) {
			t.Errorf("not a word of %q: %s", want, got)
		}
		s.up(a)
	}
	reload("nothing has changed")
	s.write("other.pem", s.read("ca.pem")+string(imaptest.NewServer(nil).CertPEM()))
	reload(`change="accounts changed: al"`)
	reload("nothing has changed")
	s.write("ca.pem", "it is being written")
	if err := a.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), `account "jo"`) || !strings.Contains(err.Error(), "was not changed") {
		t.Errorf("with a file that has no certificate: %v", err)
	}
	s.up(a)
}

// An account that has not logged out when the time of a reload is over is watched when it has, without another one.
func TestAnAccountIsWatchedAgainWhenItHasLoggedOut(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := s.config(s.account("jo") + s.fileSink("file"))
	o := s.options(c)
	o.Load = func() (*config.Config, config.Problems) { return c, nil }
	a, _ := s.run(o)
	s.up(a)
	logout, asked := make(chan struct{}), make(chan struct{})
	ask := sync.OnceFunc(func() { close(asked) })
	s.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
		if c.Name == "LOGOUT" {
			ask()
			return imaptest.DelayUntil(logout)
		}
		return imaptest.Pass
	})
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the server takes its time"))
	if err := a.watch(ended, &c.Accounts[0], status.OriginFile); err != nil {
		t.Errorf("it was not put off: %v", err)
	}
	a.board.Changed()
	if st, _ := a.board.Account("jo"); st.Trouble == nil || st.Trouble.Class != "ending" || st.User != "jo" {
		t.Errorf("meanwhile: %+v", st)
	}
	<-asked
	if err := a.Reload(t.Context()); err != nil || !strings.Contains(s.log.String(), "nothing has changed") {
		t.Errorf("a reload has something to do: %v", err)
	}
	close(logout)
	s.up(a)
	a.board.Changed()
	if st, _ := a.board.Account("jo"); st.Trouble != nil {
		t.Errorf("afterwards: %+v", st.Trouble)
	}
}

// Accounts that change log out side by side: one after the other thousands of them would not be done in time.
func TestAccountsThatChangeLogOutSideBySide(t *testing.T) {
	t.Parallel()
	const n = 30
	s := newSite(t)
	text := s.fileSink("file")
	for i := range n {
		text += s.account(fmt.Sprint("user", i))
	}
	next := s.config("[defaults]\npreview = true\n" + text)
	o := s.options(s.config(text))
	o.Load = func() (*config.Config, config.Problems) { return next, nil }
	a, _ := s.run(o)
	s.up(a)
	var logouts atomic.Int32
	all := make(chan struct{})
	s.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
		if c.Name == "LOGOUT" {
			logouts.Add(1)
			return imaptest.DelayUntil(all)
		}
		return imaptest.Pass
	})
	reloaded := make(chan error, 1)
	go func() { reloaded <- a.Reload(t.Context()) }()
	s.eventually(func() string {
		if have := logouts.Load(); have < n {
			return fmt.Sprintf("%d of %d log out", have, n)
		}
		return ""
	})
	close(all)
	if err := <-reloaded; err != nil {
		t.Error(err)
	}
	s.up(a)
	if names := a.accounts.Names(); len(names) != n {
		t.Errorf("%d accounts are watched, want %d", len(names), n)
	}
}
