package provider_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/provider"
)

func TestEveryRowIsComplete(t *testing.T) {
	fields := jsonNames(t)
	for _, p := range provider.Standard() {
		if len(p.Sources) == 0 {
			t.Errorf("%s has no source", p.ID)
		}
		var of []string
		for _, s := range p.Sources {
			of = append(of, strings.Fields(s.Of)...)
			if _, err := time.Parse(time.DateOnly, s.Read); err != nil {
				t.Errorf("%s: source %q: %v", p.ID, s.Where, err)
			}
			if s.Where == "" || !slices.Contains([]provider.Kind{provider.Vendor, provider.Client, provider.Report, provider.Choice}, s.Kind) {
				t.Errorf("%s: source %+v is not complete", p.ID, s)
			}
		}
		for _, f := range of {
			if !slices.Contains(fields, f) {
				t.Errorf("%s: a source of %q, which is no field", p.ID, f)
			}
		}
		// What decides how a connection is kept has a source each.
		for field, set := range map[string]bool{
			"idle_restart": true, "drops": p.Drops != 0, "keep_alive": p.KeepAlive != 0, "session_life": p.SessionLife != 0, "token_session": p.TokenSession != 0,
			"connections": p.Connections != 0, "id_first": p.IDFirst, "poll": p.Poll != provider.PollNoop, "mask": len(p.Mask) > 0, "oauth": p.OAuth != nil,
		} {
			if set && !slices.Contains(of, field) {
				t.Errorf("%s: %s has no source", p.ID, field)
			}
		}
		for _, list := range [][]imap.Capability{p.Marks, p.Mask, p.Has, p.Lacks} {
			for _, c := range list {
				if string(c) != strings.ToUpper(string(c)) {
					t.Errorf("%s: capability %q is not in upper case", p.ID, c)
				}
			}
		}
		for _, c := range p.Has {
			if slices.Contains(p.Lacks, c) {
				t.Errorf("%s has and lacks %s", p.ID, c)
			}
		}
	}
	if n := len(provider.Standard()); n < 25 {
		t.Errorf("%d rows only", n)
	}
}

// jsonNames are the names of the fields of a row.
func jsonNames(t *testing.T) []string {
	text, err := json.Marshal(&provider.Provider{
		IdleRestart: 1, Drops: 1, KeepAlive: 1, SessionLife: 1, TokenSession: 1, PollInterval: 1, Connections: 1, IDFirst: true, AlwaysPoll: true,
		Mask: []imap.Capability{"X"}, Has: []imap.Capability{"X"}, Lacks: []imap.Capability{"X"}, OAuth: &provider.OAuth{},
		Password: "x", Throttling: "x", Notes: []string{"x"}, Watch: "x",
	})
	var fields map[string]any
	if err == nil {
		err = json.Unmarshal(text, &fields)
	}
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for name := range fields {
		names = append(names, name)
	}
	return names
}

func TestLookup(t *testing.T) {
	called := func(name string) *imap.ID { return &imap.ID{Pairs: []imap.Attribute{{Name: "Name", Value: name}}} }
	for _, tt := range []struct {
		host string
		caps string
		id   *imap.ID
		want string
	}{
		{"imap.gmail.com", "", nil, "gmail"},
		{"IMAP.Gmail.com.", "", nil, "gmail"},
		{"imap.gmail.com", "IDLE", called("Dovecot"), "gmail"}, // the host decides first
		{"notimap.gmail.com", "", nil, "other"},
		{"p42.imap.mail.me.com", "", nil, "icloud"},
		{"evilimap.mail.me.com", "", nil, "other"},
		{"imap.vip.163.com", "", nil, "netease"},
		{"mail.example.org", "", nil, "other"},
		{"mail.example.org", "IDLE", called("dovecot"), "dovecot"},
		{"mail.example.org", "IDLE", called("Cyrus IMAPD"), "cyrus"},
		{"mail.example.org", "IDLE", called("Undovecot"), "other"},
		{"mail.example.org", "IMAP4REV1 X-GM-EXT-1", called("proxy"), "gmail"},
		{"", "", called(""), "other"},
	} {
		if got := provider.Lookup(tt.host, imap.ParseCapabilities(tt.caps), tt.id); got.ID != tt.want {
			t.Errorf("%q %q %v: %s, want %s", tt.host, tt.caps, tt.id, got.ID, tt.want)
		}
	}
}

func TestForDomain(t *testing.T) {
	for _, tt := range []struct {
		domain string
		mx     []string
		want   string
	}{
		{"gmail.com", nil, "gmail"},
		{"GMX.de", nil, "gmx"},
		{"example.org", []string{"aspmx.l.google.com."}, "gmail"},
		{"example.org", []string{"example-org.mail.protection.outlook.com"}, "outlook"},
		{"example.org", []string{"in1-smtp.messagingengine.com"}, "fastmail"},
		{"example.org", []string{"mx.notgoogle.com", "mail.example.org"}, ""},
		{"example.org", nil, ""},
	} {
		got := ""
		if p := provider.Standard().ForDomain(tt.domain, tt.mx...); p != nil {
			got = p.ID
		}
		if got != tt.want {
			t.Errorf("%s %v: %q, want %q", tt.domain, tt.mx, got, tt.want)
		}
	}
}

func TestExtendChangesWhatItNamesAndNothingElse(t *testing.T) {
	before := fmt.Sprintf("%+v", *provider.Standard().Get("gmail"))
	table, err := provider.Standard().Extend(strings.NewReader(`[
		{"id": "gmail", "connections": 7, "hosts": ["imap.gmail.com", "imap.example.org"], "idle_restart": "5m", "oauth": {"scopes": ["x"]}},
		{"id": "ours", "hosts": ["*.ours.example"], "drops": "20m"}]`))
	if err != nil {
		t.Fatal(err)
	}
	g := table.Lookup("imap.example.org", nil, nil)
	if g.ID != "gmail" || g.Connections != 7 || g.IdleRestart != 5*time.Minute || g.SessionLife != 24*time.Hour || g.Budget() != 3 {
		t.Errorf("gmail is %+v", g)
	}
	if g.OAuth.Token == "" || g.OAuth.Scopes[0] != "x" {
		t.Errorf("OAuth is %+v", g.OAuth)
	}
	ours := table.Lookup("a.ours.example", nil, nil)
	if ours.ID != "ours" || ours.IdleRestart != 9*time.Minute || ours.Poll != provider.PollNoop || ours.Drops != 20*time.Minute {
		t.Errorf("the new row is %+v", ours)
	}
	if after := fmt.Sprintf("%+v", *provider.Standard().Get("gmail")); after != before {
		t.Errorf("the standard table has changed:\n%s\n%s", before, after)
	}
	if table.Lookup("imap.web.de", nil, nil).ID != "webde" {
		t.Error("other rows are gone")
	}
}

func TestFilesWithFaultsAreRefused(t *testing.T) {
	for _, tt := range []struct{ name, file, want string }{
		{"not JSON", `hello`, "a list of objects is wanted"},
		{"no list", `{"id": "x"}`, "a list of objects is wanted"},
		{"no id", `[{"name": "x"}]`, `"id" is missing`},
		{"unknown field", `[{"id": "gmail", "idle": "4m"}]`, `line 1: gmail: there is no field "idle"`},
		{"field with a slip", "[\n {\"id\": \"x\", \"hosts\": [\"x.example\"]},\n {\"id\": \"gmail\",\n\n  \"conections\": 3}\n]", `line 5: gmail: there is no field "conections": did you mean "connections"?`},
		{"field of another form", "[\n {\"id\": \"gmail\",\n  \"connections\": \"three\"}]", `line 3: gmail: "connections": a string is wrong here, want a number`},
		{"value out of bounds", "[\n {\"id\": \"x\", \"hosts\": [\"x.example\"]},\n {\"id\": \"gmail\",\n  \"connections\": -1}]", `line 3: gmail: "connections" is -1`},
		{"comma too many", "[\n {\"id\": \"gmail\"},\n]", "line 2: "},
		{"cut off", "[\n {\"id\": \"gmail\"}\n", "line 2: the list has no end"},
		{"more than the list", "[]\n[]", "line 2: something follows"},
		{"no object", "[\n\n 7]", "line 3: "},
		{"too long", strings.Repeat(" ", 1<<20+1), "more than 1048576 bytes"},
		{"interval too long", `[{"id": "gmail", "idle_restart": "29m"}]`, "gmail: idle_restart is 29m0s, not between 30s and 28m0s"},
		{"interval too short", `[{"id": "gmail", "idle_restart": "29s"}]`, "idle_restart is 29s"},
		{"interval without unit", `[{"id": "gmail", "idle_restart": "4"}]`, "missing unit"},
		{"restart after the drop", `[{"id": "gmail", "drops": "9m"}]`, "drops is 9m0s"},
		{"poll too often", `[{"id": "gmail", "poll_interval": "1s"}]`, "poll_interval is 1s"},
		{"unknown poll", `[{"id": "gmail", "poll": "xyz"}]`, `"poll" is "xyz"`},
		{"connections", `[{"id": "gmail", "connections": -1}]`, `"connections" is -1`},
		{"host of another", `[{"id": "x", "hosts": ["imap.gmail.com"]}]`, `x: "imap.gmail.com" is of gmail already`},
		{"host with a port", `[{"id": "x", "hosts": ["imap.example.org:993"]}]`, "without a port"},
		{"host in capitals", `[{"id": "x", "hosts": ["Imap.example.org"]}]`, "lower case"},
		{"applies never", `[{"id": "x"}]`, "nothing says when it applies"},
		{"token in the clear", `[{"id": "gmail", "oauth": {"token": "http://x/"}}]`, "not an https URL"},
	} {
		_, err := provider.Standard().Extend(strings.NewReader(tt.file))
		var e *provider.Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want an *Error with %q", tt.name, err, tt.want)
		}
	}
}

func TestJSONHasAll(t *testing.T) {
	standard := provider.Standard()
	text, err := json.Marshal(standard)
	if err != nil {
		t.Fatal(err)
	}
	again, err := provider.Table(nil).Extend(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(again, standard) {
		t.Error("what was written is not what was read")
	}
}

func ExampleLookup() {
	p := provider.Lookup("imap.163.com", nil, nil)
	fmt.Println(p.Name, p.IDFirst, p.Poll, p.PollInterval)
	// Output: NetEase 163, 126, yeah.net true status 55s
}

func ExampleTable_Extend() {
	table, err := provider.Standard().Extend(strings.NewReader(`[{"id": "gmail", "connections": 8}]`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(table.Get("gmail").Budget())
	// Output: 4
}
