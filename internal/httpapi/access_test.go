package httpapi_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/internal/httpapi"
)

func TestWhoMayDoWhat(t *testing.T) {
	w := newWorld(t, nil)
	for _, test := range []struct {
		name, token, method, path string
		want                      int
	}{
		{"no token", "", "GET", "/v1/status", 401},
		{"a wrong token", "all-of-i", "GET", "/v1/status", 401},
		{"a longer token", "all-of-it-", "GET", "/v1/status", 401},
		{"a reader reads", "only-look", "GET", "/v1/status", 200},
		{"a reader may not write", "only-look", "POST", "/v1/sinks/hook/resume", 403},
		{"a reader may not administer", "only-look", "POST", "/v1/reload", 403},
		{"a reader sees metrics", "only-look", "GET", "/metrics", 404},
		{"nobody sees metrics", "", "GET", "/metrics", 401},
		{"ops may write", "all-of-it", "POST", "/v1/sinks/hook/resume", 204},
		{"ops may administer", "all-of-it", "POST", "/v1/reload", 204},
		{"health is open", "", "GET", "/healthz", 200},
		{"readiness is open", "", "GET", "/readyz", 200},
		{"the document is open", "", "GET", "/openapi.json", 200},
		{"streams are not", "", "GET", "/v1/events/stream", 401},
	} {
		w.token = test.token
		got := w.ask(test.method, test.path, nil)
		if got.code != test.want {
			t.Errorf("%s: %d %s, want %d", test.name, got.code, got.body, test.want)
		}
		if test.want == 401 && !strings.HasPrefix(got.header.Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("%s: no challenge: %v", test.name, got.header)
		}
		if test.want >= 400 && test.path != "/metrics" && got.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: the problem is %s", test.name, got.header.Get("Content-Type"))
		}
	}
}

// Every operation of the document must ask for a token, but for those that are meant to be open.
func TestNothingIsOpenByOversight(t *testing.T) {
	w := newWorld(t, nil)
	w.token = ""
	open := map[string]bool{"/healthz": true, "/readyz": true, "/openapi.json": true}
	for path, methods := range document(t, w).Paths {
		for method := range methods {
			path := strings.NewReplacer("{name}", "x", "{id}", "x").Replace(path)
			if got := w.ask(strings.ToUpper(method), path, nil); got.code != 401 && !open[path] {
				t.Errorf("%s %s: %d without a token", method, path, got.code)
			}
		}
	}
}

func TestATokenThatIsTakenAwayIsNotValid(t *testing.T) {
	w := newWorld(t, nil)
	w.api.SetTokens(tokens[1:])
	if got := w.ask("GET", "/v1/status", nil); got.code != 401 {
		t.Errorf("%d", got.code)
	}
}

func TestRequestsFromElsewhereAreRefused(t *testing.T) {
	open := newWorld(t, func(o *httpapi.Options) { o.Tokens, o.Hosts = nil, []string{"Mail.Example.org"} })
	open.token = ""
	guarded := newWorld(t, nil)
	for _, test := range []struct {
		name   string
		w      *world
		method string
		header []string
		want   int
	}{
		{"by address", open, "GET", nil, 200},
		{"by name", open, "GET", []string{"Host", "localhost:8025"}, 200},
		{"by IPv6", open, "GET", []string{"Host", "[::1]:8025"}, 200},
		{"by a name that is configured", open, "GET", []string{"Host", "mail.example.org"}, 200},
		{"by another name: DNS rebinding", open, "GET", []string{"Host", "evil.example:8025"}, 421},
		{"by a name that looks like an address", open, "GET", []string{"Host", "127.0.0.1.evil.example"}, 421},
		{"by another name with a token", guarded, "GET", []string{"Host", "evil.example:8025"}, 200},
		{"a form on another page", open, "POST", []string{"Origin", "https://evil.example", "Content-Type", "text/plain"}, 403},
		{"a script on another page", open, "POST", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"a page of another port", open, "POST", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"our own page", open, "POST", []string{"Sec-Fetch-Site", "same-origin"}, 204},
		{"no page", open, "POST", nil, 204},
	} {
		path := "/v1/status"
		if test.method == "POST" {
			path = "/v1/reload"
		}
		got := test.w.ask(test.method, path, nil, test.header...)
		if got.code != test.want {
			t.Errorf("%s: %d %s, want %d", test.name, got.code, got.body, test.want)
		}
		for name := range got.header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s: %s: CORS is on", test.name, name)
			}
		}
	}
}

func TestListeningForOthersNeedsAToken(t *testing.T) {
	for _, test := range []struct {
		addr   string
		tokens int
		ok     bool
	}{
		{"127.0.0.1:8025", 0, true},
		{"localhost:8025", 0, true},
		{"[::1]:8025", 0, true},
		{"127.1.2.3:0", 0, true},
		{":8025", 0, false},
		{"0.0.0.0:8025", 0, false},
		{"[::]:8025", 0, false},
		{"192.0.2.1:8025", 0, false},
		{"mail.example.org:8025", 0, false},
		{"0.0.0.0:8025", 1, true},
		{"8025", 1, false},
	} {
		if err := httpapi.CheckListen(test.addr, test.tokens); (err == nil) != test.ok {
			t.Errorf("%s with %d tokens: %v", test.addr, test.tokens, err)
		}
	}
}

func TestBadRequests(t *testing.T) {
	w := newWorld(t, nil)
	for _, test := range []struct {
		name, method, path string
		body               any
		want               int
		says               string
	}{
		{"no such place", "GET", "/v1/nothing", nil, 404, "openapi.json"},
		{"another method", "DELETE", "/v1/status", nil, 405, "GET"},
		{"broken JSON", "POST", "/v1/accounts", `{"name":`, 400, ""},
		{"a body without end", "POST", "/v1/accounts", strings.Repeat(" ", 2<<20), 413, ""},
		{"an unknown parameter", "GET", "/v1/accounts?stat=down", nil, 422, "query.stat"},
		{"an unknown state", "GET", "/v1/accounts?state=dwon", nil, 422, "reconnecting"},
		{"a cursor of somebody else", "GET", "/v1/accounts?cursor=xyz!", nil, 422, "query.cursor"},
		{"a limit beyond the bound", "GET", "/v1/events?limit=1001", nil, 422, "query.limit"},
		{"a position that is none", "GET", "/v1/events/stream?after=x", nil, 422, "query.after"},
		{"an unknown event", "GET", "/v1/events/nothing", nil, 404, "nothing"},
		{"a replay of everything by oversight", "POST", "/v1/sinks/hook/replay", map[string]any{}, 422, "body.from"},
		{"a replay backwards", "POST", "/v1/sinks/hook/replay", map[string]any{"from": 9, "to": 3}, 422, "body.to"},
		{"dead letters by oversight", "POST", "/v1/deadletters/drop", map[string]any{"sink": "hook"}, 422, "body.positions"},
		{"an unknown sink", "POST", "/v1/sinks/nothing/pause", nil, 404, "nothing"},
	} {
		got := w.ask(test.method, test.path, test.body)
		if got.code != test.want || !strings.Contains(string(got.body), test.says) {
			t.Errorf("%s: %d %s, want %d with %q", test.name, got.code, got.body, test.want, test.says)
		}
		var problem struct {
			Status int
			Title  string
		}
		if err := json.Unmarshal(got.body, &problem); err != nil || problem.Status != test.want || problem.Title == "" || got.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: not a problem: %s %s", test.name, got.header.Get("Content-Type"), got.body)
		}
	}
	if len(w.sinks.told) > 0 {
		t.Errorf("something was done: %q", w.sinks.told)
	}
}

func TestDashboardIsServedBesideTheAPI(t *testing.T) {
	w := newWorld(t, func(o *httpapi.Options) {
		o.Dashboard = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "page "+r.URL.Path) })
	})
	w.token = ""
	if got := w.ask("GET", "/", nil); string(got.body) != "page /" {
		t.Errorf("%d %s", got.code, got.body)
	}
	w.token = tokens[0].Secret
	if got := w.ask("GET", "/v1/nothing", nil); got.code != 404 {
		t.Errorf("%d %s", got.code, got.body)
	}
}
