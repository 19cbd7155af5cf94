// Package deps holds who may import whom. It has no code, only this test.
package deps

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/pushmail/pushmail/"

// anything stands for all of the standard library and all modules in go.mod.
const anything = "anything"

// layers is the table of ARCHITECTURE.md, bottom-up. A package may import those of ours that are listed, and of the others
// only the standard library unless it says anything. A package without a row is an error: decide where it belongs.
var layers = []struct {
	pkg   string
	may   string // packages of this module, separated by spaces; "..." at the end is a prefix
	other string // modules of others; a prefix each
}{
	{"imap", "", ""},
	{"imapwire", "imap", ""},
	{"imapauth", "imap", anything},
	{"mailbox", "imap", ""},
	{"event", "", ""},
	{"imaptest", "imap imapwire", anything},
	{"imapclient", "imap imapwire imapauth", anything},
	{"watch", "imap imapclient mailbox event", anything},
	{"internal/deps", "", ""},
	{"cmd/...", "...", anything},
	{"examples/...", "imap imapclient imapauth watch event imaptest", anything},
	{"e2e", "", ""},
	{"e2e/...", "e2e/...", ""}, // an independent witness: nothing of what it tests
}

type goPackage struct {
	ImportPath string
	Imports    []string
}

func TestImportsRunDownwards(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		row := slices.IndexFunc(layers, func(l struct{ pkg, may, other string }) bool { return matches(l.pkg, name) })
		if row < 0 {
			t.Errorf("package %s has no row in the table of %s: decide what it may import", name, t.Name())
			continue
		}
		for _, imported := range p.Imports {
			if complaint := forbidden(imported, layers[row].may, layers[row].other); complaint != "" {
				t.Errorf("%s imports %s: %s", name, imported, complaint)
			}
		}
	}
}

func forbidden(imported, may, other string) string {
	if ours, ok := strings.CutPrefix(imported, module); ok {
		if slices.ContainsFunc(strings.Fields(may), func(pattern string) bool { return matches(pattern, ours) }) {
			return ""
		}
		return "it may import of this module only: " + may
	}
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") || other == anything {
		return "" // the standard library has no dot in its first element
	}
	return "it may use the standard library alone"
}

// matches tells whether a pattern like "imap", "e2e/..." or "..." covers a package.
func matches(pattern, pkg string) bool {
	prefix, isPrefix := strings.CutSuffix(pattern, "...")
	return pattern == pkg || isPrefix && strings.HasPrefix(pkg, prefix)
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var all []goPackage
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 5 {
		t.Fatalf("go list found only %d packages", len(all))
	}
	return all
}

func TestForbidden(t *testing.T) {
	for _, test := range []struct {
		imported, may, other string
		want                 bool
	}{
		{"fmt", "", "", false},
		{"encoding/json", "", "", false},
		{"golang.org/x/text/width", "", "", true},
		{"golang.org/x/text/width", "", anything, false},
		{module + "imap", "imap", "", false},
		{module + "imapwire", "imap", "", true},
		{module + "watch", "", anything, true},
		{module + "e2e/dovecot", "e2e/...", "", false},
		{module + "event", "...", "", false},
	} {
		if got := forbidden(test.imported, test.may, test.other) != ""; got != test.want {
			t.Errorf("%s for who may import %q and %q: forbidden is %v, want %v", test.imported, test.may, test.other, got, test.want)
		}
	}
}
