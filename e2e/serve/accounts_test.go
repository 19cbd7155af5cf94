package serve

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	sealing    = "PUSHMAIL_TEST_KEY=a key of more than thirty-two characters"
	newSealing = "PUSHMAIL_TEST_NEW_KEY=another key of more than thirty-two characters"
	secrets    = "[secrets]\nkey = \"env:PUSHMAIL_TEST_KEY\"\n"
)

// newAPISite is a place with a user, whose account is not in the configuration, nor are the defaults for his password and for trusting the
// server: the test server's certificate is pinned.
func newAPISite(t *testing.T, users int) *site {
	s := newSite(t, users, "")
	for i := range users {
		s.change(s.account(i), "")
	}
	s.add(s.fileSink("file"))
	return s
}

// spec is the account of a user as the API wants it.
func (s *site) spec(i int, password string) map[string]any {
	return map[string]any{"name": user(i), "url": fmt.Sprintf("imaps://%s@%s", user(i), s.server.Addr()), "password": password, "from": "all"}
}

// stored reads all that is in the state directory.
func (s *site) stored() []byte {
	s.t.Helper()
	paths, err := filepath.Glob(filepath.Join(s.state(), "*"))
	if err != nil || len(paths) == 0 {
		s.t.Fatal(paths, err)
	}
	var all []byte
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, text...)
	}
	return all
}

// An account that is added by the API is watched at once, stays over a restart, sealed, can be changed, and is gone when it is removed.
func TestAccountByAPI(t *testing.T) {
	t.Parallel()
	s := newAPISite(t, 2)
	s.add(secrets)
	r := s.serve(sealing)
	s.awaitUp(r)

	var v struct {
		OK        bool
		Mailboxes []string
		Trouble   *trouble
	}
	s.ask(http.StatusOK, "POST", "/v1/verify", s.spec(0, password), &v)
	if !v.OK || !slices.Equal(v.Mailboxes, []string{"INBOX"}) {
		t.Errorf("verify: %+v", v)
	}
	s.ask(http.StatusOK, "POST", "/v1/verify", s.spec(0, "wrong"), &v)
	explained(t, "verify with a wrong password", v.Trouble, "auth", "password")
	if v.OK || len(s.accounts()) != 0 {
		t.Errorf("verify: %+v, accounts %+v", v, s.accounts())
	}

	s.ask(http.StatusCreated, "POST", "/v1/accounts", s.spec(0, password), nil)
	s.ask(http.StatusConflict, "POST", "/v1/accounts", s.spec(0, password), nil)
	s.awaitUp(r, "user0")
	all := s.flood("one", 3)
	mine := set("user0 one no 0", "user0 one no 1", "user0 one no 2")
	s.awaitAll(r, mine, map[string]func() log{"file": s.lines("file")})
	stored := s.stored()
	if !bytes.Contains(stored, []byte("user0 one no 1")) {
		t.Fatal("not even the events are in the state directory: what is looked at?")
	}
	if bytes.Contains(stored, []byte(password)) || strings.Contains(r.Stderr(), password) {
		t.Error("the password is in the state directory or in the log")
	}

	r.Stop(t)
	r = s.serve(sealing)
	s.awaitUp(r, "user0")
	s.ask(http.StatusOK, "POST", "/v1/accounts/user0/verify", nil, &v)
	if !v.OK {
		t.Errorf("verify after a restart: %+v", v)
	}
	answer := s.ask(http.StatusOK, "GET", "/v1/accounts/user0", nil, nil)
	if strings.Contains(answer, password) {
		t.Errorf("the password is in %s", answer)
	}

	changed := s.spec(0, "") // keeps the password
	changed["preview"] = true
	was := s.sessions(0)
	s.ask(http.StatusOK, "PUT", "/v1/accounts/user0", changed, nil)
	s.awaitUp(r, "user0")
	if now := s.sessions(0); slices.Equal(now, was) {
		t.Errorf("the account was changed and has the connections %v, as before", now)
	}
	s.ask(http.StatusCreated, "POST", "/v1/accounts", s.spec(1, password), nil)
	s.awaitUp(r, "user0", "user1")
	s.awaitAll(r, all, map[string]func() log{"file": s.lines("file")})
	s.ask(http.StatusNoContent, "DELETE", "/v1/accounts/user0", nil, nil)
	s.ask(http.StatusNotFound, "DELETE", "/v1/accounts/user0", nil, nil)
	s.awaitUp(r, "user1")
	if n := s.sessions(0); len(n) > 0 {
		t.Errorf("an account that was removed has the connections %v", n)
	}
	r.Stop(t)
	r = s.serve(sealing)
	s.awaitUp(r, "user1")
	r.Stop(t)
	if n := s.lines("file")().count(t, "user0"); n != 3 {
		t.Errorf("%d messages of user0, want 3", n)
	}
}

// Reloads leave accounts of the API alone, also when accounts of the file come and go.
func TestReloadLeavesAccountsOfTheAPIAlone(t *testing.T) {
	t.Parallel()
	s := newAPISite(t, 2)
	s.add(secrets + s.account(1))
	r := s.serve(sealing)
	s.awaitUp(r, "user1")
	s.ask(http.StatusConflict, "PUT", "/v1/accounts/user1", s.spec(1, password), nil)
	s.ask(http.StatusConflict, "DELETE", "/v1/accounts/user1", nil, nil)
	s.ask(http.StatusCreated, "POST", "/v1/accounts", s.spec(0, password), nil)
	s.awaitUp(r, "user0", "user1")
	was := s.sessions(0)
	s.change(s.account(1), "")
	s.ask(http.StatusNoContent, "POST", "/v1/reload", nil, nil)
	s.awaitUp(r, "user0")
	if now := s.sessions(0); !slices.Equal(now, was) {
		t.Errorf("connections were %v and are %v", was, now)
	}
	r.Stop(t)
}

// Without a key nothing secret is kept, and the error says what to do.
func TestAccountByAPIWantsAKey(t *testing.T) {
	t.Parallel()
	s := newAPISite(t, 1)
	r := s.serve()
	s.awaitUp(r)
	answer := s.ask(http.StatusConflict, "POST", "/v1/accounts", s.spec(0, password), nil)
	if !strings.Contains(answer, "[secrets]") || !strings.Contains(answer, "key") {
		t.Errorf("not a word of the key: %s", answer)
	}
	if n := len(s.accounts()); n != 0 {
		t.Errorf("%d accounts", n)
	}
	r.Stop(t)
}

// A key can be exchanged: what the old one has sealed is sealed anew, and then the old one is not needed. Without the key an account is
// there, red, and says which one it wants.
func TestKeyIsExchanged(t *testing.T) {
	t.Parallel()
	s := newAPISite(t, 1)
	s.add(secrets)
	r := s.serve(sealing)
	s.awaitUp(r)
	s.ask(http.StatusCreated, "POST", "/v1/accounts", s.spec(0, password), nil)
	s.awaitUp(r, "user0")
	r.Stop(t)

	s.change("PUSHMAIL_TEST_KEY", "PUSHMAIL_TEST_NEW_KEY")
	red := func(words ...string) {
		t.Helper()
		eventually(t, r, func() string {
			if _, _, err := s.try("GET", "/healthz", nil); err != nil {
				return err.Error()
			}
			if a := s.accountNamed("user0"); a.Level != "bad" {
				return fmt.Sprintf("the account is %+v", a)
			}
			return ""
		})
		explained(t, "an account without its key", s.accountNamed("user0").Trouble, "failed", words...)
		s.ask(http.StatusOK, "GET", "/v1/accounts/user0", nil, nil)
	}
	r = s.serve(sealing, newSealing)
	red("key", "old_keys")
	s.change("[secrets]\n", "[secrets]\nold_keys = [\"env:PUSHMAIL_TEST_KEY\"]\n")
	s.ask(http.StatusNoContent, "POST", "/v1/reload", nil, nil)
	s.awaitUp(r, "user0")
	r.Stop(t)

	s.change("old_keys = [\"env:PUSHMAIL_TEST_KEY\"]\n", "")
	r = s.serve(newSealing)
	s.awaitUp(r, "user0")
	r.Stop(t)

	s.change("[secrets]\nkey = \"env:PUSHMAIL_TEST_NEW_KEY\"\n", "")
	r = s.serve()
	red("[secrets] key")
	s.ask(http.StatusNoContent, "DELETE", "/v1/accounts/user0", nil, nil)
	s.awaitUp(r)
	r.Stop(t)
}

// A wrong password is seen within seconds, with what to do, and holds up no other account; the right one mends it.
func TestWrongPasswordIsSeenAndMended(t *testing.T) {
	t.Parallel()
	s := newAPISite(t, 2)
	s.add(secrets)
	r := s.serve(sealing)
	s.awaitUp(r)
	s.ask(http.StatusCreated, "POST", "/v1/accounts", s.spec(0, "wrong"), nil)
	s.ask(http.StatusCreated, "POST", "/v1/accounts", s.spec(1, password), nil)
	began := time.Now()
	eventually(t, r, func() string {
		if a, b := s.accountNamed("user0"), s.accountNamed("user1"); a.Level != "bad" || b.State != "up" {
			return fmt.Sprintf("%+v, %+v", a, b)
		}
		return ""
	})
	t.Logf("red after %v", time.Since(began).Round(time.Millisecond))
	explained(t, "the account", s.accountNamed("user0").Trouble, "auth", "password", "user name")
	if code, text, err := s.try("GET", "/readyz", nil); err != nil || code != http.StatusOK || strings.Contains(string(text), "user0") {
		t.Errorf("readyz, with half of the accounts fresh: %d %s %v", code, text, err)
	}
	stdout, _ := s.run(8, "status")
	for _, want := range []string{"user0", "password", "down"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("pushmail status says not a word of %s:\n%s", want, stdout)
		}
	}
	s.ask(http.StatusOK, "PUT", "/v1/accounts/user0", s.spec(0, password), nil)
	s.awaitUp(r, "user0", "user1")
	s.run(0, "status")

	s.users[1].SetPassword("changed at the server")
	for _, session := range s.server.Sessions() {
		if session.User() == s.users[1] {
			session.Bye("your password was changed")
		}
	}
	eventually(t, r, func() string {
		if a := s.accountNamed("user1"); a.Level != "bad" {
			return fmt.Sprintf("after the password was changed at the server: %+v", a)
		}
		return ""
	})
	s.ask(http.StatusOK, "PUT", "/v1/accounts/user1", s.spec(1, "changed at the server"), nil)
	s.awaitUp(r, "user0", "user1")
	r.Stop(t)
}
