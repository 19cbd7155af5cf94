package config

import (
	"log/slog"
	"net/netip"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/internal/secret"
)

const manual = "../../docs/configuration.md"

// sections are the headings of the manual and the structs that they describe, with defaults.
func sections() map[string]any {
	top := defaults("")
	sink := func(t SinkType) any { s := Sink{Type: t}; return s.prepare() }
	return map[string]any{
		"At the top": mainTable{},
		"[log]":      top.Log, "[journal]": top.Journal, "[secrets]": top.Secrets, "[api]": top.API, "[limits]": top.Limits, "[[api.tokens]]": Token{},
		"[[account]]": Account{}, "[account.oauth]": OAuth{}, "[[sink]]": Sink{}, "[[route]]": Route{},
		"exec": sink(Exec), "webhook": sink(Webhook), "nats": sink(NATS), "file": sink(File),
	}
}

// typeName is what the manual calls a type.
func typeName(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "time"
	case reflect.TypeFor[Size]():
		return "size"
	case reflect.TypeFor[secret.Ref]():
		return "secret"
	case reflect.TypeFor[*imapclient.URL]():
		return "URL"
	case reflect.TypeFor[imapclient.Pin]():
		return "pin"
	case reflect.TypeFor[netip.Prefix]():
		return "network"
	case reflect.TypeFor[From]():
		return "text or date"
	case reflect.TypeFor[slog.Level]():
		return "text"
	}
	switch t.Kind() {
	case reflect.Slice:
		return "list of " + typeName(t.Elem()) + "s"
	case reflect.Map:
		return "table of " + typeName(t.Elem()) + "s"
	case reflect.Struct, reflect.Pointer:
		return "table"
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "number"
	}
	return "text"
}

var row = regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| ([^|]*) \\| ([^|]*)\\|")

// The manual has each key, with its type and its default, and no others.
func TestManualDescribesEveryKey(t *testing.T) {
	text, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	described := map[string]map[string][]string{}
	for part := range strings.SplitSeq("\n"+string(text), "\n#") {
		head, body, _ := strings.Cut(strings.TrimLeft(part, "# "), "\n")
		for _, m := range row.FindAllStringSubmatch(body, -1) {
			if described[head] == nil {
				described[head] = map[string][]string{}
			}
			described[head][m[1]] = m[2:]
		}
	}
	for head, s := range sections() {
		fields := map[string]reflect.Value{}
		v := reflect.New(reflect.Indirect(reflect.ValueOf(s)).Type()).Elem()
		v.Set(reflect.Indirect(reflect.ValueOf(s)))
		addFields(fields, v)
		for key, field := range fields {
			got, ok := described[head][key]
			switch {
			case !ok:
				t.Errorf("%s: %s is not in %s", head, key, manual)
			case got[0] != typeName(field.Type()):
				t.Errorf("%s: the type of %s is %q, and %q in %s", head, key, typeName(field.Type()), got[0], manual)
			case !field.IsZero() && !strings.Contains(got[1], tomlValue(field)):
				t.Errorf("%s: the default of %s is %s, and %q in %s", head, key, tomlValue(field), got[1], manual)
			}
			delete(described[head], key)
		}
		for key := range described[head] {
			t.Errorf("%s: %s has %s, which there is not", head, manual, key)
		}
		delete(described, head)
	}
	for head := range described {
		t.Errorf("%s describes %s, which there is not", manual, head)
	}
}

// Every key can be given.
func TestEveryKeyIsRead(t *testing.T) {
	for head, s := range sections() {
		v := reflect.New(reflect.Indirect(reflect.ValueOf(s)).Type()).Elem()
		fields := map[string]reflect.Value{}
		addFields(fields, v)
		for key, field := range fields {
			if example := exampleOf(field.Type()); example != nil {
				l := newLoader("/nonexistent/x.toml", testOptions())
				l.decodeTable(grow(nil, map[string]any{key: example}), "", nil, v.Addr().Interface())
				if len(l.found) > 0 && words[field.Type()] == nil || field.IsZero() && words[field.Type()] == nil {
					t.Errorf("%s: %s = %v is not read: %v", head, key, example, l.found)
				}
			}
		}
	}
}

// exampleOf returns a value that the manual says can be given.
func exampleOf(t reflect.Type) any {
	switch typeName(t) {
	case "time":
		return "2d"
	case "size":
		return "2GiB"
	case "secret":
		return "env:X"
	case "URL":
		return "imaps://jo@mail.example.org"
	case "pin":
		return "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	case "network":
		return "10.0.0.0/8"
	case "text or date":
		return "all"
	case "true or false":
		return true
	case "number":
		return int64(7)
	case "table":
		return nil // its keys are asked for themselves
	case "text":
		return map[bool]string{true: "PLAIN", false: "warn"}[t.Name() == "Mechanism"]
	}
	switch t.Kind() {
	case reflect.Slice:
		if words[t.Elem()] != nil || t.Elem().Kind() == reflect.Struct && exampleOf(t.Elem()) == nil {
			return nil
		}
		return []any{exampleOf(t.Elem())}
	case reflect.Map:
		return map[string]any{"X": exampleOf(t.Elem())}
	}
	return nil
}

// The configurations in the manual hold.
func TestManualExamplesHold(t *testing.T) {
	text, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	environment["WEBHOOK_SECRET"] = "whsec_aHVudGVyMg=="
	examples := regexp.MustCompile("(?s)```toml\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(examples) == 0 {
		t.Fatal("none found")
	}
	for _, e := range examples {
		if c, problems := load(t, e[1]); c == nil || len(problems) > 0 {
			t.Errorf("%v\n%s", problems, e[1])
		}
	}
}
