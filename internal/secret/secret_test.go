package secret

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zalando/go-keyring"
)

const hunter2 = "hunter2!"

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"env:PASSWORD":                   "env:PASSWORD",
		"file:/etc/x":                    "file:/etc/x",
		"file:///etc/x":                  "file:/etc/x",
		"file:x y":                       "file:x y",
		"credential:mail":                "credential:mail",
		"keyring:pushmail/jo@x/y":        "keyring:pushmail/jo@x/y",
		"command:pass show mail":         "command:pass ***",
		`command:["pass", "show", "m"]`:  "command:pass ***",
		`command:["pass"]`:               "command:pass",
		"https://x.example/c?key=secret": "https://x.example/c?***",
		"http://127.0.0.1:1/c":           "http://127.0.0.1:1/c",
		"http://localhost/c":             "http://localhost/c",
		"hunter2":                        "literal:***",
		"a:b":                            "literal:***",
		"literal:env:x":                  "literal:***",
		" env:x":                         "literal:***",
		"":                               "",
		"env:":                           "",
		"env:$X":                         "",
		"file:":                          "",
		"file:~/x":                       "",
		"file://host/x":                  "",
		"credential:../x":                "",
		"credential:..":                  "",
		"keyring:x":                      "",
		"command:":                       "",
		"command:pass 'x'":               "",
		"command:[1]":                    "",
		"command:[]":                     "",
		"http://mail.example.org/c":      "",
		"https://u:p@mail.example.org/c": "",
		"https:///c":                     "",
		"literal:":                       "",
	} {
		r, err := Parse(text)
		if got := r.String(); got != want || (err == nil) != (want != "") {
			t.Errorf("Parse(%q) = %s, %v; want %s", text, got, err, want)
		}
		if rest := strings.TrimSpace(text[strings.Index(text, ":")+1:]); err != nil && len(rest) > 3 && strings.Contains(err.Error(), rest) {
			t.Errorf("Parse(%q): the error repeats it: %v", text, err)
		}
	}
}

func TestRefsShowNoSecret(t *testing.T) {
	type holder struct{ ref Ref }
	for _, text := range []string{hunter2, "literal:" + hunter2} {
		r, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "ref", r, "found", Found{Secret: r.literal})
		js, _ := json.Marshal(map[string]any{"a": r, "b": &r})
		out := log.String() + string(js)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			out += fmt.Sprintf(verb, r) + fmt.Sprintf(verb, holder{r}) + fmt.Sprintf(verb, &holder{r}) + fmt.Sprintf(verb, []Ref{r})
		}
		if strings.Contains(out, hunter2) || strings.Contains(out, fmt.Sprintf("%x", hunter2)) {
			t.Error(out)
		}
	}
}

func TestResolve(t *testing.T) {
	keyring.MockInit()
	if err := keyring.Set("pushmail", "jo", hunter2); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"plain": hunter2, "newline": hunter2 + "\n", "crlf": hunter2 + "\r\nmore", "comment": hunter2 + "\nuser: jo\n",
		"spaces": " " + hunter2 + " \n", "empty": "", "blank": "\n" + hunter2, "nul": "a\x00b", "long": strings.Repeat("x", maxSecret+1), "longest": strings.Repeat("x", maxSecret),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := map[string]string{"PW": hunter2, "EMPTY": "", "CREDENTIALS_DIRECTORY": dir}
	s := &Resolver{Getenv: func(name string) string { return env[name] }, CommandTimeout: 20 * time.Second}
	for _, test := range []struct{ ref, want, complaint string }{
		{"env:PW", hunter2, ""},
		{"env:EMPTY", "", "not set"},
		{"file:" + dir + "/plain", hunter2, ""},
		{"file:" + dir + "/newline", hunter2, ""},
		{"file:" + dir + "/crlf", hunter2, ""},
		{"file:" + dir + "/comment", hunter2, ""},
		{"file:" + dir + "/spaces", " " + hunter2 + " ", ""},
		{"file:" + dir + "/empty", "", "is empty"},
		{"file:" + dir + "/blank", "", "is empty"},
		{"file:" + dir + "/nul", "", "NUL"},
		{"file:" + dir + "/long", "", "longer than 65536"},
		{"file:" + dir + "/longest", strings.Repeat("x", maxSecret), ""},
		{"file:" + dir + "/none", "", "no such file"},
		{"file:" + dir, "", "directory"},
		{"credential:newline", hunter2, ""},
		{"credential:none", "", "LoadCredential=none:PATH"},
		{"keyring:pushmail/jo", hunter2, ""},
		{"keyring:pushmail/no", "", "secret-tool store"},
		{`command:["printf", "hunter2!\nx"]`, hunter2, ""},
		{`command:["sh", "-c", "echo hunter2!; exit 3"]`, "", "exit status 3"},
		{"command:/no/such", "", "no such file"},
		{`command:["true"]`, "", "is empty"},
		{hunter2, hunter2, ""},
	} {
		r, err := Parse(test.ref)
		if err != nil {
			t.Fatal(test.ref, err)
		}
		got, err := s.Secret(t.Context(), r)
		if got.Reveal() != test.want || (err == nil) != (test.complaint == "") {
			t.Errorf("%s: %q, %v", test.ref, got.Reveal(), err)
			continue
		}
		if err != nil && (!strings.Contains(err.Error(), test.complaint) || strings.Contains(err.Error(), hunter2)) {
			t.Errorf("%s: %v", test.ref, err)
		}
		if r.Kind() == Command || r.Kind() == Keyring {
			continue
		}
		if _, checked := s.Check(r); (checked == nil) != (err == nil) {
			t.Errorf("%s: Check says %v, Secret %v", test.ref, checked, err)
		}
	}
}

func TestCommandEndsWithItsTimeAndItsContext(t *testing.T) {
	r, _ := Parse(`command:["sleep", "600"]`)
	s := &Resolver{CommandTimeout: 50 * time.Millisecond}
	var own *Error
	if _, err := s.Secret(t.Context(), r); !errors.As(err, &own) || !strings.Contains(err.Error(), "no answer within 50ms") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	over := errors.New("over")
	time.AfterFunc(20*time.Millisecond, func() { cancel(over) })
	s.CommandTimeout = 0
	if _, err := s.Secret(ctx, r); !errors.Is(err, over) {
		t.Error(err)
	}
}

func TestCallback(t *testing.T) {
	var asked atomic.Int32
	var reply atomic.Value
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if q := r.URL.Query(); q.Get("account") != "jo" || q.Get("key") != "x" {
			t.Errorf("asked %s", r.URL)
		}
		text := reply.Load().(string)
		if strings.HasPrefix(text, "3") {
			http.Redirect(w, r, "https://elsewhere.example/", http.StatusFound)
			return
		}
		if text == "404" {
			http.Error(w, hunter2, http.StatusNotFound)
			return
		}
		io.WriteString(w, text)
	}))
	defer server.Close()
	ref, err := Parse(server.URL + "/c?key=x")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		reply, user, want, complaint string
		token                        bool
		asks                         int32 // for two questions
	}{
		{`{"password":"hunter2!"}`, "", hunter2, "", false, 2},
		{`{"username":"jo2","password":"hunter2!","expires_in":3600}`, "jo2", hunter2, "", false, 1},
		{`{"access_token":"hunter2!","expires_in":3600,"more":1}`, "", hunter2, "", true, 1},
		{`{"access_token":"hunter2!","expires_in":20}`, "", hunter2, "", true, 2},
		{`{"access_token":"hunter2!","password":"hunter2!"}`, "", "", "exactly one", false, 2},
		{`{"password":["hunter2!"]}`, "", "", "not the JSON", false, 2},
		{`{}`, "", "", "exactly one", false, 2},
		{strings.Repeat(" ", maxAnswer+1), "", "", "longer than", false, 2},
		{"404", "", "", "does it know the account", false, 2},
		{"302", "", "", "redirects are not followed", false, 2},
	} {
		s := &Resolver{}
		reply.Store(test.reply)
		asked.Store(0)
		for range 2 {
			f, err := s.Resolve(t.Context(), ref, For{Account: "jo"})
			if f.Secret.Reveal() != test.want || f.Username != test.user || f.IsToken != test.token {
				t.Errorf("%.40s: %q %+v", test.reply, f.Secret.Reveal(), f)
			}
			if (err == nil) != (test.complaint == "") || err != nil && (!strings.Contains(err.Error(), test.complaint) || strings.Contains(err.Error(), hunter2) || strings.Contains(err.Error(), "key=x")) {
				t.Errorf("%.40s: %v", test.reply, err)
			}
		}
		if asked.Load() != test.asks {
			t.Errorf("%.40s: asked %d times, want %d", test.reply, asked.Load(), test.asks)
		}
		if _, err := s.Resolve(t.Context(), ref, For{Account: "jo", Renew: true}); err == nil && asked.Load() != test.asks+1 {
			t.Errorf("%.40s: what was refused is used again", test.reply)
		}
	}
}

// newKey is what "openssl rand -base64 32" prints.
func newKey() Secret {
	key := make([]byte, 32)
	rand.Read(key) // never fails: crypto/rand
	return New(base64.StdEncoding.EncodeToString(key))
}

func TestBox(t *testing.T) {
	old, key, other := newKey(), newKey(), newKey()
	before, err := NewBox(old)
	if err != nil {
		t.Fatal(err)
	}
	sealed := before.Seal("jo", []byte(hunter2))
	if bytes.Contains(sealed, []byte(hunter2)) || bytes.Equal(sealed, before.Seal("jo", []byte(hunter2))) {
		t.Error("not sealed, or twice the same")
	}
	after, err := NewBox(key, old)
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := after.Open("jo", sealed); err != nil || string(plain) != hunter2 {
		t.Errorf("after the key was exchanged: %q, %v", plain, err)
	}
	if !after.Stale(sealed) || after.Stale(after.Seal("jo", nil)) {
		t.Error("Stale is wrong")
	}
	if _, err := after.Open("joe", sealed); !errors.Is(err, ErrSealed) {
		t.Errorf("for another account: %v", err)
	}
	stranger, _ := NewBox(other)
	var unknown *UnknownKeyError
	if _, err := stranger.Open("jo", sealed); !errors.As(err, &unknown) {
		t.Errorf("with another key: %v", err)
	}
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		if plain, err := after.Open("jo", bad); err == nil {
			t.Errorf("byte %d changed: %q", i, plain)
		}
		if _, err := after.Open("jo", sealed[:i]); err == nil {
			t.Errorf("cut off after %d bytes", i)
		}
	}
	if _, err := NewBox(New("short")); !errors.Is(err, ErrWeakKey) {
		t.Error(err)
	}
}

// oauthServer gives tokens that are numbered, and rotates refresh tokens.
type oauthServer struct {
	mu      sync.Mutex
	refresh string
	issued  int
	rotate  bool
	fail    string
}

func (o *oauthServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = r.ParseForm()
	if o.fail != "" || r.Form.Get("grant_type") == "refresh_token" && r.Form.Get("refresh_token") != o.refresh {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error":%q,"error_description":%q}`, "invalid_grant", hunter2)
		return
	}
	o.issued++
	answer := map[string]any{"access_token": fmt.Sprintf("token%d", o.issued), "token_type": "Bearer", "expires_in": 3600}
	if o.rotate {
		o.refresh = fmt.Sprintf("refresh%d", o.issued)
		answer["refresh_token"] = o.refresh
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// given is a reference to a secret that is at hand.
func given(secret string) Ref { return Ref{kind: Literal, literal: New(secret), explicit: true} }

func TestOAuth(t *testing.T) {
	handler := &oauthServer{refresh: "refresh0", rotate: true}
	server := httptest.NewServer(handler)
	defer server.Close()
	var kept []string
	s := &Resolver{}
	source := s.OAuth(Grant{
		TokenURL: server.URL, ClientID: "id", ClientSecret: given("s"), RefreshToken: given("refresh0"),
		Rotated: func(_ context.Context, refresh Secret) error { kept = append(kept, refresh.Reveal()); return nil },
	})
	for i, test := range []struct {
		force bool
		want  string
	}{{false, "token1"}, {false, "token1"}, {true, "token2"}, {false, "token2"}} {
		if got, err := source.Token(t.Context(), test.force); got != test.want || err != nil {
			t.Errorf("%d: %q, %v; want %s", i, got, err, test.want)
		}
	}
	if fmt.Sprint(kept) != "[refresh1 refresh2]" {
		t.Errorf("kept %v", kept)
	}
	handler.mu.Lock()
	handler.fail = "x"
	handler.mu.Unlock()
	var own *Error
	if _, err := source.Token(t.Context(), true); !errors.As(err, &own) || !strings.Contains(err.Error(), "consent again") || strings.Contains(err.Error(), hunter2) {
		t.Error(err)
	}
}

func TestOAuthForTheClientItself(t *testing.T) {
	server := httptest.NewServer(&oauthServer{})
	defer server.Close()
	source := (&Resolver{}).OAuth(Grant{TokenURL: server.URL, ClientID: "id", ClientSecret: given("s")})
	if got, err := source.Token(t.Context(), false); got != "token1" || err != nil {
		t.Error(got, err)
	}
}

// A hundred logins at a time, as after an outage, ask for one token.
func TestOAuthAsksOnceForMany(t *testing.T) {
	handler := &oauthServer{refresh: "r"}
	server := httptest.NewServer(handler)
	defer server.Close()
	source := (&Resolver{}).OAuth(Grant{TokenURL: server.URL, ClientID: "id", RefreshToken: given("r")})
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if got, err := source.Token(t.Context(), false); got != "token1" || err != nil {
				t.Error(got, err)
			}
		})
	}
	all.Wait()
	if handler.issued != 1 {
		t.Errorf("%d tokens were issued", handler.issued)
	}
}
