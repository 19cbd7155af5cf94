package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pushmail/pushmail/internal/secret"
)

// Options are settings of [Load].
type Options struct {
	// Getenv looks up environment variables. Nil is os.Getenv.
	Getenv func(string) string
	// Compile checks the expression of a route. Nil accepts all. The error may have a method Offset() int, the byte of
	// the expression that it is about.
	Compile func(expression string) error
	// ForOthers is set by who only wants to know what another process does by this configuration, "pushmail status" say: secrets, certificates and
	// directories that the configuration refers to are not looked at. They are there for that process, which may be another user, with another environment.
	ForOthers bool
}

// loader reads one configuration.
type loader struct {
	o        Options
	resolver *secret.Resolver
	cfg      *Config
	files    []string
	found    []found
	refs     []foundRef
	bad      map[*node]bool // has been reported as wrong: what it is meant to be is not known

	// The tables that the elements of cfg came from.
	root                    *node
	accounts, sinks, routes []*node
}

// found is a problem whose place is not worked out yet.
type found struct {
	src    *source
	offset int
	Problem
}

// foundRef is a reference to be checked.
type foundRef struct {
	n    *node
	path string
	ref  *secret.Ref
}

// Load reads a configuration. It returns nil with problems of which at least one is no warning; otherwise the problems are
// warnings. It looks at files and the environment, runs nothing, and asks nothing of the network.
func Load(file string, o Options) (*Config, Problems) {
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	if abs, err := filepath.Abs(file); err == nil {
		file = abs
	}
	l := newLoader(file, o)
	if l.root = l.parse(file); l.root != nil {
		l.decodeRoot()
		l.check()
	}
	problems := l.problems()
	if problems.Err() != nil {
		return nil, problems
	}
	return l.cfg, problems
}

func newLoader(file string, o Options) *loader {
	return &loader{bad: map[*node]bool{}, o: o, cfg: defaults(file), resolver: &secret.Resolver{Getenv: o.Getenv}}
}

// defaults returns a configuration of which nothing is said.
func defaults(file string) *Config {
	return &Config{
		File:     file,
		Log:      Log{Format: "text"},
		Journal:  Journal{Retain: 30 * day},
		API:      API{Listen: "127.0.0.1:8025"},
		Limits:   Limits{LoginsPerSecond: 50, LoginBurst: 100}, // as watch.Hosts has it
		Defaults: Settings{Common: &Common{}},
	}
}

// mainTable is what only the main file can have.
type mainTable struct {
	State    string   `toml:"state"`
	Include  []string `toml:"include"`
	Log      Log      `toml:"log"`
	Journal  Journal  `toml:"journal"`
	Secrets  Secrets  `toml:"secrets"`
	API      API      `toml:"api"`
	Limits   Limits   `toml:"limits"`
	Defaults Settings `toml:"defaults"`
}

func (l *loader) decodeRoot() {
	var top mainTable
	top.Log, top.Journal, top.API, top.Limits, top.Defaults = l.cfg.Log, l.cfg.Journal, l.cfg.API, l.cfg.Limits, l.cfg.Defaults
	rest := l.takeLists(l.root)
	l.decodeTable(rest, "", explainRoot, &top)
	c := l.cfg
	c.State, c.Include, c.Log, c.Journal, c.Secrets, c.API, c.Limits, c.Defaults = top.State, top.Include, top.Log, top.Journal, top.Secrets, top.API, top.Limits, top.Defaults
	l.include()
	l.decodeAccounts()
	l.decodeSinks()
	l.decodeRoutes()
}

// explainRoot helps with keys that people write at the top.
func explainRoot(key string) string {
	switch key {
	case "accounts", "sinks", "routes":
		return "each has a table of its own: [[" + strings.TrimSuffix(key, "s") + "]]"
	case "name", "url", "password", "mailboxes":
		return "it belongs to an account: write [[account]] on a line before it"
	case "listen", "tokens", "tls_cert", "tls_key":
		return "it belongs to the API: write [api] on a line before it"
	}
	return ""
}

// lists are the keys that are lists of tables.
var lists = []string{"account", "sink", "route"}

// takeLists collects the accounts, sinks and routes of a file, and returns the table without them.
func (l *loader) takeLists(root *node) *node {
	rest := *root
	rest.table = map[string]*node{}
	for key, n := range root.table {
		rest.table[key] = n
	}
	for i, to := range []*[]*node{&l.accounts, &l.sinks, &l.routes} {
		key := lists[i]
		n := rest.table[key]
		delete(rest.table, key)
		switch {
		case n == nil:
		case n.list == nil:
			n.hide()
			l.report(n.src, n.key.start, Problem{Key: key, Message: "is a list", Hint: "write [[" + key + "]] instead of [" + key + "]"})
		default:
			for i, element := range n.list {
				if l.wantTable(element, index(key, i)) {
					*to = append(*to, element)
				}
			}
		}
	}
	return &rest
}

// include reads the files that the patterns name.
func (l *loader) include() {
	n := l.root.at("include")
	for i, pattern := range l.cfg.Include {
		at := n
		if n.list != nil {
			at = n.list[i]
		}
		names, err := filepath.Glob(l.absolute(pattern))
		if err != nil {
			l.wrong(at, "include", `not a valid pattern: want such as "accounts.d/*.toml"`)
			continue
		}
		if len(names) == 0 && !strings.ContainsAny(pattern, "*?[") {
			l.wrong(at, "include", "there is no file "+quoted(pattern))
		}
		for _, name := range names { // sorted
			l.includeFile(name)
		}
	}
}

func (l *loader) includeFile(name string) {
	if name == l.cfg.File {
		return
	}
	root := l.parse(name)
	if root == nil {
		return
	}
	rest := l.takeLists(root)
	for _, key := range rest.keys() {
		n := rest.table[key]
		n.hide()
		l.report(n.src, n.key.start, Problem{
			Key: key, Message: "does not belong into an included file", Hint: "it can have [[account]], [[sink]] and [[route]]; everything else stands in the main file",
		})
	}
}

// report notes a problem at an offset of a file.
func (l *loader) report(src *source, offset int, p Problem) {
	if src == nil {
		src = &source{}
	}
	l.found = append(l.found, found{src, offset, p})
}

// wrong reports what is wrong with a value, in one sentence.
func (l *loader) wrong(n *node, path, message string) {
	l.bad[n] = true
	l.report(n.src, n.place.start, Problem{Key: path, Message: message})
}

// missing reports a key that has to be there, at the head of its table.
func (l *loader) missing(n *node, path, key, example string) {
	l.report(n.src, n.key.start, Problem{Key: path, Message: key + " is missing", Hint: "such as " + key + " = " + example})
}

func (l *loader) warn(n *node, path, message, hint string) {
	l.report(n.src, n.place.start, Problem{Warning: true, Key: path, Message: message, Hint: hint})
}

// problems returns what was found, with places and lines: now it is known what must be masked.
func (l *loader) problems() Problems {
	var all Problems
	for _, f := range l.found {
		f.Place, f.Line = f.src.placeOf(f.offset)
		all = append(all, f.Problem)
	}
	all.sort(l.files)
	return all
}

// absolute makes a path absolute: it is meant from the directory of the main file.
func (l *loader) absolute(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(l.cfg.File), path)
}

var errNegative = errors.New("must be more than 0")

// positive reports a duration that is given and not more than zero, or more than most.
func (l *loader) positive(n *node, path, key string, d, most time.Duration) {
	if n.table[key] == nil || l.bad[n.table[key]] {
		return
	}
	switch {
	case d <= 0:
		l.wrong(n.at(key), join(path, key), errNegative.Error())
	case most > 0 && d > most:
		l.wrong(n.at(key), join(path, key), "is more than "+formatDuration(most))
	}
}
