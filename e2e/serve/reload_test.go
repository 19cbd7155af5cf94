package serve

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/pushmail/pushmail/e2e/pushmail"
)

// sessions are the connections of a user, by number.
func (s *site) sessions(i int) []uint64 {
	var ids []uint64
	for _, session := range s.server.Sessions() {
		if session.User() == s.users[i] {
			ids = append(ids, session.ID())
		}
	}
	return ids
}

// reloads are the ways to have the configuration read again.
var reloads = map[string]func(s *site, r *pushmail.Run){
	"SIGHUP": func(s *site, r *pushmail.Run) {
		before := strings.Count(r.Stderr(), "the configuration was read again")
		r.Signal(s.t, syscall.SIGHUP)
		eventually(s.t, r, func() string {
			if strings.Count(r.Stderr(), "the configuration was read again") == before {
				return "it does not say that the configuration was read again"
			}
			return ""
		})
	},
	"API": func(s *site, _ *pushmail.Run) { s.ask(http.StatusNoContent, "POST", "/v1/reload", nil, nil) },
}

// A reload changes what has changed in the configuration; everything else keeps its connection and its place.
func TestReloadChangesOnlyWhatHasChanged(t *testing.T) {
	t.Parallel()
	for how, reload := range reloads {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, 3, "")
			third := s.account(2)
			s.change(third, "")
			s.add(s.fileSink("first"))
			r := s.serve()
			s.awaitUp(r, "user0", "user1")
			kept := s.sessions(0)
			all := s.flood("one", 2)
			for subject := range all {
				if strings.HasPrefix(subject, "user2") {
					delete(all, subject)
				}
			}
			s.awaitAll(r, all, map[string]func() log{"first": s.lines("first")})

			// an account and a sink more; the sink gets what happens from now on
			s.add(third + s.fileSink("second"))
			reload(s, r)
			s.awaitUp(r, "user0", "user1", "user2")
			all = s.flood("two", 2)
			s.awaitAll(r, all, map[string]func() log{"first": s.lines("first"), "second": s.lines("second")})
			if again := s.lines("second")().missing(set("user0 one no 0")); again == 0 {
				t.Error("a sink that was added got what was there before")
			}

			// an account fewer, another changed, a route
			s.change(s.account(1), "")
			s.change(third, strings.Replace(third, "[[account]]", "[[account]]\npreview = true", 1))
			s.add("[[route]]\nto = [\"first\"]\n[[route]]\nwhere = 'account == \"user0\"'\nto = [\"second\"]\n")
			old := s.sessions(2)
			reload(s, r)
			s.awaitUp(r, "user0", "user2")
			eventually(t, r, func() string {
				if n := s.sessions(1); len(n) > 0 {
					return fmt.Sprintf("the account that was removed has the connections %v", n)
				}
				return ""
			})
			if now := s.sessions(2); slices.Equal(now, old) {
				t.Errorf("the account that was changed has the connections %v, as before", now)
			}
			all = s.flood("three", 2)
			mine := map[string]bool{}
			for subject := range all {
				switch subject[:5] {
				case "user0":
					mine[subject] = true
				case "user1":
					delete(all, subject)
				}
			}
			s.awaitAll(r, all, map[string]func() log{"first": s.lines("first")})
			s.awaitAll(r, mine, map[string]func() log{"second": s.lines("second")})

			// a sink that writes elsewhere goes on where it was, and one that is gone is gone
			s.change(s.file("first"), s.file("moved"))
			s.change(s.fileSink("second"), "")
			s.change(`to = ["second"]`, `to = ["first"]`)
			reload(s, r)
			last := s.flood("four", 1)
			delete(last, "user1 four no 0")
			s.awaitAll(r, last, map[string]func() log{"moved": s.lines("moved")})
			if sinks := items[sink](s, "/v1/sinks"); len(sinks) != 1 {
				t.Errorf("sinks are %+v", sinks)
			}
			if now := s.sessions(0); !slices.Equal(now, kept) {
				t.Errorf("an account that was never changed had the connections %v, and has %v", kept, now)
			}
			r.Stop(t)
			whole := append(s.lines("first")(), s.lines("moved")()...)
			if n := whole.count(t, "user2"); n != 7 { // its first two came when it was added
				t.Errorf("%d messages of an account that was changed, want 7", n)
			}
			for _, ev := range s.lines("second")() {
				if strings.Contains(ev.Data.Envelope.Subject, "three") && ev.Data.Account != "user0" {
					t.Errorf("the route let %+v pass", ev)
				}
			}
		})
	}
}

// count is how many messages of an account are in the log. None may be there twice.
func (l log) count(t *testing.T, account string) int {
	t.Helper()
	ids := map[string]bool{}
	for _, ev := range l {
		if ev.Type != "mail.message.new" || ev.Data.Account != account {
			continue
		}
		if ids[ev.ID] {
			t.Errorf("%q came twice", ev.Data.Envelope.Subject)
		}
		ids[ev.ID] = true
	}
	return len(ids)
}

// A configuration that is wrong changes nothing, and the error says what is wrong: a text that cannot be read, a secret that is
// not there, a file that is not there.
func TestWrongConfigurationChangesNothing(t *testing.T) {
	t.Parallel()
	for name, wrong := range map[string]struct {
		old, new string
		add      string
		words    []string
	}{
		"unknown key":       {add: "[[sink]]\ntype = \"file\"\npahth = \"x\"\n", words: []string{"pushmail.toml:", "pahth", "path"}},
		"route":             {add: "[[route]]\nwhere = 'acount == 1'\nto = [\"file\"]\n", words: []string{"pushmail.toml:", "acount"}},
		"duplicate account": {add: "[[account]]\nname = \"user0\"\nurl = \"imaps://x@127.0.0.1\"\n", words: []string{"pushmail.toml:", "user0"}},
		"secret that is not there": {
			add:   "[[sink]]\nname = \"new\"\ntype = \"webhook\"\nurl = \"https://hooks.example.org\"\nsecret = \"env:PUSHMAIL_TEST_NOT_THERE\"\n",
			words: []string{"pushmail.toml:", "PUSHMAIL_TEST_NOT_THERE"},
		},
		"secret of a new sink": { // the file is right, what it refers to is not
			add:   "[[sink]]\nname = \"new\"\ntype = \"webhook\"\nurl = \"https://hooks.example.org\"\nsecret = \"env:PUSHMAIL_TEST_BAD\"\n",
			words: []string{"new", "secret"},
		},
		"secret of a sink":  {old: `"env:PUSHMAIL_TEST_SECRET"`, new: `"env:PUSHMAIL_TEST_BAD"`, words: []string{"hook", "secret"}},
		"command of a sink": {old: `"env:PUSHMAIL_TEST_SECRET"`, new: `'command:["false"]'`, words: []string{"hook", "secret", "false"}},
		"key":               {add: "[secrets]\nkey = \"env:PUSHMAIL_TEST_BAD\"\n", words: []string{"secrets", "32"}},
		"token":             {add: "[[api.tokens]]\nname = \"ops\"\ntoken = 'command:[\"false\"]'\nscopes = [\"read\"]\n", words: []string{"ops", "false"}},
		"certificate":       {old: "[[account]]\n", new: "[[account]]\nclient_cert = \"pushmail.toml\"\n", words: []string{"account[1].client_cert", "pushmail.toml"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hook := startReceiver(t)
			s := newSite(t, 2, "")
			s.add(s.fileSink("file") + webhook("hook", hook, ""))
			r := s.serve("PUSHMAIL_TEST_BAD=bad")
			s.awaitUp(r, "user0", "user1")
			was := [][]uint64{s.sessions(0), s.sessions(1)}
			good := s.account(1)
			s.change(good, "") // would be done if the rest were right
			s.change(wrong.old, wrong.new)
			s.add(wrong.add)
			for range 2 { // that it was tried before makes it no better
				answer := s.ask(http.StatusConflict, "POST", "/v1/reload", nil, nil)
				for _, word := range wrong.words {
					if !strings.Contains(answer, word) {
						t.Errorf("not a word of %s: %s", word, answer)
					}
				}
			}
			logged := len(r.Stderr())
			r.Signal(t, syscall.SIGHUP)
			eventually(t, r, func() string {
				for _, word := range wrong.words {
					if !strings.Contains(r.Stderr()[logged:], word) {
						return fmt.Sprintf("after SIGHUP not a word of %s in the log", word)
					}
				}
				return ""
			})
			all := s.flood("still", 2)
			s.awaitAll(r, all, map[string]func() log{"file": s.lines("file"), "hook": hook.has})
			if now := [][]uint64{s.sessions(0), s.sessions(1)}; !slices.EqualFunc(was, now, slices.Equal) {
				t.Errorf("connections were %v and are %v", was, now)
			}
			if n := len(items[sink](s, "/v1/sinks")); n != 2 {
				t.Errorf("%d sinks", n)
			}
			r.Stop(t)
		})
	}
}

// Tokens change with a reload: who had the old one is out at once.
func TestReloadOfTokens(t *testing.T) {
	t.Parallel()
	const tokens = "[[api.tokens]]\nname = \"ops\"\ntoken = \"env:PUSHMAIL_TEST_OPS\"\nscopes = [\"read\", \"write\", \"admin\"]\n"
	s := newSite(t, 1, "")
	s.add(s.fileSink("file"))
	r := s.serve("PUSHMAIL_TEST_OPS=first-token-of-ops", "PUSHMAIL_TEST_NEXT=second-token-of-ops", "PUSHMAIL_TEST_LOOK=token-of-one-who-looks")
	s.awaitUp(r, "user0")
	s.add(tokens)
	s.ask(http.StatusNoContent, "POST", "/v1/reload", nil, nil)
	s.ask(http.StatusUnauthorized, "GET", "/v1/accounts", nil, nil)
	s.ask(http.StatusOK, "GET", "/healthz", nil, nil)
	s.token = "first-token-of-ops"
	s.ask(http.StatusOK, "GET", "/v1/accounts", nil, nil)
	s.change("PUSHMAIL_TEST_OPS", "PUSHMAIL_TEST_NEXT")
	s.add("[[api.tokens]]\nname = \"look\"\ntoken = \"env:PUSHMAIL_TEST_LOOK\"\nscopes = [\"read\"]\n")
	s.ask(http.StatusNoContent, "POST", "/v1/reload", nil, nil)
	s.ask(http.StatusUnauthorized, "GET", "/v1/accounts", nil, nil)
	s.token = "token-of-one-who-looks"
	s.ask(http.StatusOK, "GET", "/v1/accounts", nil, nil)
	s.ask(http.StatusForbidden, "POST", "/v1/reload", nil, nil)
	s.token = "second-token-of-ops"
	s.ask(http.StatusNoContent, "POST", "/v1/reload", nil, nil)
	r.Stop(t)
}
