package conformance

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	update = flag.Bool("update", false, "write the matrix into docs/servers.md")
	only   = flag.String("row", "", "run only the rows whose names match this regular expression; the matrix is left alone")
)

const (
	docFile = "../../docs/servers.md"
	begin   = "<!-- matrix: written by go test ./e2e/conformance -update -->\n"
	end     = "<!-- end of matrix -->\n"
	// rowTimeout bounds one row on one server: a second at most, usually.
	rowTimeout = 30 * time.Second
)

// matrix is by server, then by row.
type matrix map[string]map[string]cell

func TestMain(m *testing.M) {
	flag.Parse()
	if flag.Lookup("test.parallel").Value.String() == flag.Lookup("test.parallel").DefValue {
		if err := flag.Set("test.parallel", "12"); err != nil { // these tests wait more than they compute
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// Every command does on every server what it says, or is not offered, or fails in the way that is known; and docs/servers.md says so.
func TestCommands(t *testing.T) {
	if testing.Short() {
		t.Skip("not with -short: needs real servers")
	}
	selected := regexp.MustCompile("^(?:" + *only + ")")
	found := &findings{matrix: matrix{}}
	t.Cleanup(func() { // when all rows have been played on all servers
		if !t.Failed() && *only == "" {
			compare(t, found.matrix)
		}
	})
	for _, column := range columns {
		t.Run(column.name, func(t *testing.T) {
			t.Parallel()
			column.require(t)
			column.play(t, selected, found)
		})
	}
}

// findings collects cells from tests that run in parallel.
type findings struct {
	mu     sync.Mutex // guards matrix
	matrix matrix
}

func (f *findings) add(server, row string, c cell) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.matrix[server] == nil {
		f.matrix[server] = map[string]cell{}
	}
	f.matrix[server][row] = c
}

// play plays all rows on one server, each with a user of its own.
func (c *column) play(t *testing.T, selected *regexp.Regexp, found *findings) {
	t.Helper()
	s, err := c.start()
	if err != nil {
		t.Fatal(err)
	}
	s.core().KeepUntilEnd(t)
	rows := map[string]*row{} // by user
	for _, g := range table {
		for i := range g.rows {
			if selected.MatchString(g.rows[i].name) {
				rows[fmt.Sprintf("user%d", len(rows))] = &g.rows[i]
			}
		}
	}
	if err := s.AddUsers(append(slices.Collect(maps.Keys(rows)), "admin", "al")...); err != nil {
		t.Fatal(err)
	}
	for user, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), rowTimeout)
			defer cancel()
			p := &probe{column: c, server: s, user: user, ctx: ctx}
			got, err := r.play(p)
			if err != nil {
				t.Errorf("%v\n%s", err, p.trace.String())
			}
			found.add(c.name, r.name, got)
		})
	}
}

// compare holds what was found against docs/servers.md, column by column, for a server may be missing on this machine.
func compare(t *testing.T, found matrix) {
	t.Helper()
	text, err := os.ReadFile(docFile)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := bytes.Cut(text, []byte(begin))
	committed, after, ok2 := bytes.Cut(rest, []byte(end))
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the matrix", docFile)
	}
	if *update {
		if len(found) != len(columns) {
			t.Fatalf("only %d of %d servers are there: the matrix would lose columns", len(found), len(columns))
		}
		text = bytes.Join([][]byte{before, []byte(begin), []byte(found.markdown()), []byte(end), after}, nil)
		if err := os.WriteFile(docFile, text, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, c := range columns {
		cells, ok := found[c.name]
		if !ok {
			continue // skipped, and said so
		}
		for name, was := range readColumn(string(committed), c.name) {
			if _, ok := cells[name]; !ok {
				t.Errorf("%s: %s says %q of %q, which is no row any more", c.name, docFile, was, name)
			}
		}
		documented := readColumn(string(committed), c.name)
		for name, is := range cells {
			if was := documented[name]; !is.is(was) {
				t.Errorf("%s: %s is %q now and %q in %s; if that is right: go test ./e2e/conformance -update", c.name, name, is, was, docFile)
			}
		}
	}
}

// is tells whether a cell of the document says so: there, what is odd has the number of its note.
func (c cell) is(documented string) bool {
	word, _, _ := strings.Cut(documented, " (")
	return word != "" && word == string(c)
}

// markdown writes the matrix and its notes.
func (m matrix) markdown() string {
	var out, notes strings.Builder
	n := 0
	for _, g := range table {
		fmt.Fprintf(&out, "\n| %s |", g.title)
		for _, c := range columns {
			out.WriteString(" " + c.name + " |")
		}
		out.WriteString("\n| --- |" + strings.Repeat(" --- |", len(columns)) + "\n")
		for _, r := range g.rows {
			fmt.Fprintf(&out, "| %s |", escape(r.name))
			for _, c := range columns {
				is := m[c.name][r.name]
				if is == deviates {
					n++
					fmt.Fprintf(&notes, "%d. %s, %s: %s.\n", n, c.name, r.name, r.odd[c.name].note)
					is = cell(fmt.Sprintf("%s (%d)", is, n))
				}
				fmt.Fprintf(&out, " %s |", is)
			}
			out.WriteByte('\n')
		}
	}
	if n > 0 {
		out.WriteString("\nWhat is odd:\n\n" + notes.String())
	}
	return out.String() + "\n"
}

func escape(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// readColumn reads a server's cells back from the tables.
func readColumn(text, server string) map[string]string {
	cells := map[string]string{}
	at := -1
	for line := range strings.Lines(text) {
		line = strings.ReplaceAll(strings.TrimSpace(line), `\|`, "\x00")
		if !strings.HasPrefix(line, "| ") {
			at = -1
			continue
		}
		fields := strings.Split(strings.Trim(line, "|"), "|")
		for i := range fields {
			fields[i] = strings.ReplaceAll(strings.TrimSpace(fields[i]), "\x00", "|")
		}
		switch {
		case at < 0:
			for i, f := range fields {
				if f == server {
					at = i
				}
			}
		case fields[0] != "---" && at < len(fields):
			cells[fields[0]] = fields[at]
		}
	}
	return cells
}
