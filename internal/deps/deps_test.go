package deps

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/pushmail/pushmail/"

// anything stands for all of the standard library and all modules in go.mod.
const anything = "anything"

// layers is the table of ARCHITECTURE.md, bottom-up. A package may import those of ours that are listed, and of the others
// only the standard library and what starts with a listed prefix. A package without a row is an error: decide where it belongs.
var layers = []layer{
	{"imap", "", ""},
	{"imapwire", "imap", ""},
	{"imapsort", "imap", ""},
	{"imapauth", "imap", "github.com/emersion/go-sasl github.com/xdg-go/"},
	{"mailbox", "imap", ""},
	{"event", "", ""},
	{"provider", "imap internal/suggest", ""},
	{"imaptest", "imap imapwire", anything},
	{"imapclient", "imap imapwire imapsort imapauth", "github.com/emersion/go-sasl golang.org/x/"},
	{"watch", "imap imapauth imapclient mailbox event provider", "golang.org/x/ github.com/emersion/go-message"},
	{"internal/status", "", ""},
	{"internal/httpapi", "internal/journal internal/status", "github.com/danielgtaylor/huma/v2"},
	{"internal/metrics", "internal/status", "github.com/prometheus/client_golang"},
	{"internal/dashboard", "", ""},
	{"watch/storetest", "watch", ""},
	{"internal/dashboard/browser", "event watch internal/dashboard internal/httpapi internal/journal internal/journal/sqlite internal/status", ""},
	{"internal/deps", "", ""},
	{"internal/linear", "", "golang.org/x/sys"},
	{"internal/journal", "watch event", ""},
	{"internal/journal/sqlite", "internal/journal internal/journal/journaltest watch", "modernc.org/sqlite golang.org/x/sys"},
	{"internal/journal/journaltest", "internal/journal watch watch/storetest", anything},
	{"internal/account", "watch event internal/journal internal/status", ""},
	{"internal/hook", "event", ""},
	{"internal/sink", "", ""},
	{"internal/sink/stdoutsink", "internal/sink", ""},
	{"internal/sink/execsink", "internal/sink internal/hook event", ""},
	{"internal/sink/webhook", "internal/sink event", "github.com/standard-webhooks/standard-webhooks/libraries/go"},
	{"internal/sink/filesink", "internal/sink", ""},
	{"internal/sink/natssink", "internal/sink event", "github.com/nats-io/nats.go github.com/nats-io/nkeys"},
	{"internal/deliver", "internal/journal internal/sink internal/suggest internal/deliver/delivertest event", "github.com/expr-lang/expr"},
	{"internal/deliver/delivertest", "internal/deliver", ""},
	{"internal/suggest", "", ""},
	{"internal/tlsfiles", "", ""},
	{"internal/secret", "imap imapauth provider", "golang.org/x/oauth2 github.com/zalando/go-keyring"},
	{"internal/config", "imap imapauth imapclient provider internal/secret internal/suggest internal/tlsfiles", "github.com/pelletier/go-toml/v2 golang.org/x/net"},
	{"internal/app", "...", anything},
	{"cmd/...", "...", anything},
	{"examples/...", "imap imapclient imapauth watch event imaptest", anything},
	{"e2e", "", ""},
	{"e2e/...", "e2e/...", ""}, // an independent witness: nothing of what it tests
}

type layer struct {
	pkg   string
	may   string // packages of this module, separated by spaces; "..." at the end is a prefix
	other string // packages of others, separated by spaces; a prefix each, or anything
}

// testsMay is what the tests of every package may import besides what the package may.
const testsMay = "imap imapauth imapclient imaptest event provider watch internal/linear e2e/..."

type goPackage struct {
	ImportPath   string
	Name         string
	Doc          string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

func TestPackagesKeepTheRules(t *testing.T) {
	lookAtAll(t)
	seen := map[string]bool{}
	for _, system := range []string{"linux", "darwin", "windows"} { // files with build constraints count, too
		for _, p := range packages(t, system) {
			for _, complaint := range check(p, layers) {
				if !seen[complaint] {
					seen[complaint] = true
					t.Error(complaint)
				}
			}
		}
	}
}

// check returns what is wrong with a package.
func check(p goPackage, layers []layer) (complaints []string) {
	name := strings.TrimPrefix(p.ImportPath, module)
	complain := func(format string, args ...any) {
		complaints = append(complaints, fmt.Sprintf("package %s: ", name)+fmt.Sprintf(format, args...))
	}
	if p.Doc == "" {
		complain("no package comment: say in doc.go what it owns")
	}
	for element := range strings.SplitSeq(name+"/"+p.Name, "/") {
		if slices.Contains(emptyNames, element) {
			complain("%q says nothing: name it after what it owns", element)
		}
	}
	row := slices.IndexFunc(layers, func(l layer) bool { return matches(l.pkg, name) })
	if row < 0 {
		complain("no row in the table: decide what it may import, and write it into layers in internal/deps/deps_test.go")
		return complaints
	}
	may, other := layers[row].may, layers[row].other
	for _, imported := range p.Imports {
		if why := forbidden(imported, may, other); why != "" {
			complain("imports %s: %s (see layers in internal/deps/deps_test.go)", imported, why)
		}
	}
	for _, imported := range slices.Concat(p.TestImports, p.XTestImports) {
		if why := forbidden(imported, strings.Join([]string{may, testsMay, name}, " "), anything); why != "" {
			complain("a test imports %s: %s (see testsMay in internal/deps/deps_test.go)", imported, why)
		}
	}
	return complaints
}

// emptyNames are names of packages that nobody can find anything by.
var emptyNames = []string{"util", "utils", "common", "types", "helper", "helpers", "misc", "shared", "lib", "base", "core"}

func forbidden(imported, may, other string) string {
	if ours, ok := strings.CutPrefix(imported, module); ok {
		if slices.ContainsFunc(strings.Fields(may), func(pattern string) bool { return matches(pattern, ours) }) {
			return ""
		}
		return fmt.Sprintf("it may import of this module only: %q", may)
	}
	// The standard library has no dot in its first element.
	if first, _, _ := strings.Cut(imported, "/"); first != "C" && !strings.Contains(first, ".") || other == anything {
		return ""
	}
	if slices.ContainsFunc(strings.Fields(other), func(prefix string) bool { return strings.HasPrefix(imported, prefix) }) {
		return ""
	}
	if other == "" {
		return "it may use the standard library alone"
	}
	return fmt.Sprintf("besides the standard library it may use only: %q", other)
}

// matches tells whether a pattern like "imap", "e2e/..." or "..." covers a package.
func matches(pattern, pkg string) bool {
	prefix, isPrefix := strings.CutSuffix(pattern, "...")
	return pattern == pkg || isPrefix && strings.HasPrefix(pkg, prefix)
}

// lookAtAll reads all directories, so that go test knows what the result depends on: it does not see what go list reads, and would
// repeat from its cache that all is well.
func lookAtAll(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && strings.HasPrefix(d.Name(), ".") && d.Name() != ".." {
			return filepath.SkipDir
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func packages(t *testing.T, system string) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Name,Doc,Imports,TestImports,XTestImports", module+"...")
	cmd.Env = append(cmd.Environ(), "GOOS="+system, "CGO_ENABLED=0")
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
		{module + "imapauth", "imap", anything, true},
		{module + "internal/deps", "imap imapwire", anything, true},
		{module + "cmd/pushmail", "imap imapwire", anything, true},
		{"github.com/emersion/go-sasl", "", "github.com/emersion/go-sasl golang.org/x/", false},
		{"golang.org/x/text/width", "", "github.com/emersion/go-sasl golang.org/x/", false},
		{"github.com/emersion/go-message", "", "github.com/emersion/go-sasl golang.org/x/", true},
		{"C", "", "", true},
	} {
		if got := forbidden(test.imported, test.may, test.other) != ""; got != test.want {
			t.Errorf("%s for who may import %q and %q: forbidden is %v, want %v", test.imported, test.may, test.other, got, test.want)
		}
	}
}

// The check must find each kind of fault, or the test above proves nothing.
func TestCheckFindsFaults(t *testing.T) {
	table := []layer{{"low", "", ""}, {"high", "low", "github.com/emersion/go-sasl"}, {"cmd/...", "...", anything}}
	for name, test := range map[string]struct {
		pkg  goPackage
		want string // "" for nothing wrong
	}{
		"sound": {goPackage{
			ImportPath: module + "high", Name: "high", Doc: "x", Imports: []string{"fmt", module + "low", "github.com/emersion/go-sasl"},
			TestImports: []string{"pgregory.net/rapid", module + "imaptest"}, XTestImports: []string{module + "high"},
		}, ""},
		"the top":           {goPackage{ImportPath: module + "cmd/x", Name: "main", Doc: "x", Imports: []string{module + "high", "example.org/x"}}, ""},
		"upwards":           {goPackage{ImportPath: module + "low", Name: "low", Doc: "x", Imports: []string{module + "high"}}, "package low: imports " + module + "high"},
		"internal":          {goPackage{ImportPath: module + "high", Name: "high", Doc: "x", Imports: []string{module + "internal/x"}}, "imports " + module + "internal/x"},
		"the program":       {goPackage{ImportPath: module + "high", Name: "high", Doc: "x", Imports: []string{module + "cmd/x"}}, "imports " + module + "cmd/x"},
		"a module":          {goPackage{ImportPath: module + "low", Name: "low", Doc: "x", Imports: []string{"example.org/x"}}, "standard library alone"},
		"another module":    {goPackage{ImportPath: module + "high", Name: "high", Doc: "x", Imports: []string{"example.org/x"}}, "may use only: \"github.com/emersion/go-sasl\""},
		"a test":            {goPackage{ImportPath: module + "low", Name: "low", Doc: "x", TestImports: []string{module + "internal/x"}}, "a test imports"},
		"an external test":  {goPackage{ImportPath: module + "low", Name: "low", Doc: "x", XTestImports: []string{module + "cmd/x"}}, "a test imports"},
		"no comment":        {goPackage{ImportPath: module + "low", Name: "low"}, "no package comment"},
		"a name":            {goPackage{ImportPath: module + "cmd/x", Name: "util", Doc: "x"}, "\"util\" says nothing"},
		"a path":            {goPackage{ImportPath: module + "cmd/common/x", Name: "x", Doc: "x"}, "\"common\" says nothing"},
		"a package without": {goPackage{ImportPath: module + "new", Name: "new", Doc: "x"}, "write it into layers in internal/deps/deps_test.go"},
	} {
		got := strings.Join(check(test.pkg, table), "\n")
		if test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}
