package httpapi_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/internal/httpapi"
	"github.com/pushmail/pushmail/internal/status"
)

func TestAccountsAreAddedChangedAndRemoved(t *testing.T) {
	w := newWorld(t, nil)
	spec := map[string]any{"name": "jo/work", "url": "imaps://jo@mail.example.org", "password": "s3cret"}
	if got := w.ask("POST", "/v1/accounts", spec); got.code != 201 {
		t.Fatalf("%d %s", got.code, got.body)
	}
	if got := w.accounts.all["jo/work"]; got.Password != "s3cret" || got.URL != spec["url"] {
		t.Errorf("added %+v", got)
	}
	// The same server again, without the password: it is kept.
	delete(spec, "password")
	spec["mailboxes"] = []string{"Work"}
	if got := w.ask("PUT", "/v1/accounts/jo%2Fwork", spec); got.code != 200 {
		t.Errorf("%d %s", got.code, got.body)
	}
	if got := w.accounts.all["jo/work"]; !slices.Equal(got.Mailboxes, []string{"Work"}) {
		t.Errorf("changed to %+v", got)
	}
	if got := w.ask("DELETE", "/v1/accounts/jo%2Fwork", nil); got.code != 204 || len(w.accounts.all) != 0 {
		t.Errorf("%d %s", got.code, got.body)
	}
	if got := w.ask("DELETE", "/v1/accounts/of-the-file", nil); got.code != 409 || !strings.Contains(string(got.body), "configuration file") {
		t.Errorf("%d %s", got.code, got.body)
	}
}

func TestProblemsPointAtTheField(t *testing.T) {
	w := newWorld(t, nil)
	good := func() map[string]any {
		return map[string]any{"name": "jo", "url": "imaps://jo@mail.example.org", "password": "s3cret"}
	}
	for _, test := range []struct {
		name   string
		change func(map[string]any)
		field  string
	}{
		{"no name", func(m map[string]any) { delete(m, "name") }, "name"},
		{"an empty name", func(m map[string]any) { m["name"] = "" }, "body.name"},
		{"a name of two lines", func(m map[string]any) { m["name"] = "a\nb" }, "body.name"},
		{"no scheme", func(m map[string]any) { m["url"] = "mail.example.org" }, "body.url"},
		{"no user", func(m map[string]any) { m["url"] = "imaps://mail.example.org" }, "body.url"},
		{"no host", func(m map[string]any) { m["url"] = "imaps://jo@" }, "body.url"},
		{"a password in the URL", func(m map[string]any) { m["url"] = "imaps://jo:s3cret@mail.example.org" }, "body.url"},
		{"no password", func(m map[string]any) { delete(m, "password") }, "body.password"},
		{"two ways to log in", func(m map[string]any) { m["token_from"] = "https://tokens.example" }, "body.password"},
		{"a file", func(m map[string]any) { delete(m, "password"); m["password_from"] = "file:/etc/shadow" }, "body.password_from"},
		{"a command", func(m map[string]any) { delete(m, "password"); m["password_from"] = "command:id" }, "body.password_from"},
		{"a number for a password", func(m map[string]any) { m["password"] = []string{"s3cret"} }, "body.password"},
		{"an unknown field", func(m map[string]any) { m["mailboxs"] = "s3cret" }, "body.mailboxs"},
		{"mailboxes and all", func(m map[string]any) { m["mailboxes"] = []string{"A"}; m["all_mailboxes"] = true }, "body.mailboxes"},
		{"one mailbox that is a number", func(m map[string]any) { m["mailboxes"] = []any{"A", 3} }, "body.mailboxes[1]"},
	} {
		spec := good()
		test.change(spec)
		got := w.ask("POST", "/v1/accounts", spec)
		if got.code != 422 || !strings.Contains(string(got.body), test.field) {
			t.Errorf("%s: %d %s, want 422 with %s", test.name, got.code, got.body, test.field)
		}
		if strings.Contains(string(got.body), "s3cret") {
			t.Errorf("%s: the answer repeats a secret: %s", test.name, got.body)
		}
	}
	w.accounts.err = fmt.Errorf("checking: %w", httpapi.FieldErrors{{Field: "from", Message: "want now, all or a time"}})
	if got := w.ask("POST", "/v1/accounts", good()); got.code != 422 || !strings.Contains(string(got.body), "body.from") {
		t.Errorf("what the service finds: %d %s", got.code, got.body)
	}
	w.accounts.err = httpapi.ErrNoKey
	if got := w.ask("POST", "/v1/accounts", good()); got.code != 409 || !strings.Contains(string(got.body), "[secrets] key") {
		t.Errorf("without a key: %d %s", got.code, got.body)
	}
	w.accounts.err = errors.New("/var/lib/pushmail/journal.db: I/O error")
	if got := w.ask("POST", "/v1/accounts", good()); got.code != 500 || strings.Contains(string(got.body), "/var/lib") {
		t.Errorf("what clients need not know: %d %s", got.code, got.body)
	}
}

// Who may change an account, but does not know its password, must not have it sent somewhere else.
func TestAPasswordDoesNotFollowToAnotherServer(t *testing.T) {
	w := newWorld(t, nil)
	base := func() map[string]any { return map[string]any{"name": "jo", "url": "imaps://jo@mail.example.org"} }
	first := base()
	first["password"] = "s3cret"
	if got := w.ask("POST", "/v1/accounts", first); got.code != 201 {
		t.Fatalf("%d %s", got.code, got.body)
	}
	for _, test := range []struct {
		name   string
		change func(map[string]any)
		want   int
	}{
		{"another host", func(m map[string]any) { m["url"] = "imaps://jo@evil.example" }, 422},
		{"no encryption", func(m map[string]any) { m["insecure_plaintext"] = true }, 422},
		{"another proxy", func(m map[string]any) { m["proxy"] = "socks5://evil.example" }, 422},
		{"another key", func(m map[string]any) { m["pin"] = []string{"sha256//x"} }, 422},
		{"another mechanism", func(m map[string]any) { m["auth"] = []string{"PLAIN"} }, 422},
		{"another mailbox", func(m map[string]any) { m["mailboxes"] = []string{"Sent"} }, 200},
		{"another host with a password", func(m map[string]any) { m["url"], m["password"] = "imaps://jo@new.example", "other" }, 200},
	} {
		spec := base()
		test.change(spec)
		if got := w.ask("PUT", "/v1/accounts/jo", spec); got.code != test.want {
			t.Errorf("%s: %d %s, want %d", test.name, got.code, got.body, test.want)
		}
	}
	if got := w.ask("PUT", "/v1/accounts/jo", map[string]any{"name": "joe", "url": "imaps://jo@new.example"}); got.code != 422 || !strings.Contains(string(got.body), "body.name") {
		t.Errorf("another name: %d %s", got.code, got.body)
	}
}

func TestSecretsAreNotReturned(t *testing.T) {
	w := newWorld(t, nil)
	w.board.Report(status.Sources{Accounts: func() []status.Account {
		return []status.Account{{Name: "jo", Origin: status.OriginAPI}}
	}})
	spec := map[string]any{
		"name": "jo", "url": "imaps://jo@mail.example.org",
		"oauth": map[string]any{"client_id": "me", "client_secret": "s3cret", "refresh_token": "s3cret2"},
	}
	for _, got := range []answer{w.ask("POST", "/v1/accounts", spec), w.ask("PUT", "/v1/accounts/jo", spec), w.ask("GET", "/v1/accounts/jo", nil), w.ask("GET", "/v1/accounts", nil)} {
		if got.code >= 300 || strings.Contains(string(got.body), "s3cret") {
			t.Errorf("%d %s", got.code, got.body)
		}
	}
	if got := w.accounts.all["jo"].OAuth.ClientSecret; got != "s3cret" {
		t.Errorf("the service was given the secret %q: hiding it changed what is kept", got)
	}
}

// manyAccounts are n, of which every tenth has a wrong password.
func manyAccounts(n int) []status.Account {
	now := time.Now()
	all := make([]status.Account, n)
	for i := range all {
		m := status.Mailbox{Name: "INBOX", Up: true, VerifiedAt: now.Add(-time.Duration(i%97) * time.Second), Push: "idle"}
		if i%10 == 3 {
			m = status.Mailbox{Name: "INBOX", Class: "auth", Reason: "NO", Since: now}
		}
		all[i] = status.Account{Name: fmt.Sprintf("user%05d", i), User: fmt.Sprintf("u%d@example.org", i), Host: "mail.example.org:993", Mailboxes: []status.Mailbox{m}}
	}
	return all
}

func TestPagesOfManyAccounts(t *testing.T) {
	w := newWorld(t, nil)
	many := manyAccounts(2000)
	w.board.Report(status.Sources{Accounts: func() []status.Account {
		out := slices.Clone(many)
		for i := range out {
			out[i].Mailboxes = slices.Clone(out[i].Mailboxes)
		}
		return out
	}})
	for _, test := range []struct {
		query string
		want  int
	}{
		{"", 2000},
		{"&state=down", 200},
		{"&state=bad", 200},
		{"&state=good", 1800},
		{"&state=up,down&sort=-state", 2000},
		{"&sort=verified_at", 2000},
		{"&sort=-verified_at&state=up", 1800},
		{"&q=USER0012", 10},
		{"&q=u77@", 1},
		{"&q=nobody", 0},
	} {
		seen, cursor, before := map[string]bool{}, "", ""
		for range 12 {
			var out struct {
				Items  []status.Account
				Next   string
				Total  int
				States map[string]int
			}
			w.ask("GET", "/v1/accounts?limit=300"+test.query+"&cursor="+cursor, nil).into(t, &out)
			for _, a := range out.Items {
				if seen[a.Name] {
					t.Fatalf("%s: %s came twice", test.query, a.Name)
				}
				seen[a.Name] = true
				if !strings.Contains(test.query, "sort") && a.Name < before {
					t.Fatalf("%s: %s after %s", test.query, a.Name, before)
				}
				before = a.Name
			}
			if out.Total != test.want {
				t.Errorf("%s: total %d, want %d", test.query, out.Total, test.want)
			}
			if strings.Contains(test.query, "state=") && out.States["down"] != 200 {
				t.Errorf("%s: states %v", test.query, out.States)
			}
			if cursor = out.Next; cursor == "" {
				break
			}
		}
		if len(seen) != test.want || cursor != "" {
			t.Errorf("%s: %d accounts, want %d; cursor %q", test.query, len(seen), test.want, cursor)
		}
	}
	var worst struct{ Items []status.Account }
	w.ask("GET", "/v1/accounts?limit=1&sort=-state", nil).into(t, &worst)
	if worst.Items[0].State != status.Down {
		t.Errorf("the worst is %+v", worst.Items[0])
	}
}

func BenchmarkPageOfManyAccounts(b *testing.B) {
	board := status.NewBoard("")
	all := manyAccounts(10000)
	board.Report(status.Sources{Accounts: func() []status.Account { return all }})
	api, err := httpapi.New(httpapi.Options{Board: board, Journal: newLog()})
	if err != nil {
		b.Fatal(err)
	}
	handler := api.Handler()
	b.ReportAllocs()
	for b.Loop() {
		serve(b, handler, "/v1/accounts?limit=50&sort=-state")
	}
}
