package conformance

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/imapclient"
)

// silent are the methods that send no command: they need no server.
const silent = "Capabilities Close Compressed Done Enabled Err Idling LastRead RemoteAddr Security Selected SetWaiting Settle State Supported TLS ThreadAlgorithms"

// A method of Conn that sends a command has a row: who adds one adds how it is seen to work on real servers.
func TestEveryMethodHasARow(t *testing.T) {
	covered := map[string]bool{}
	for _, g := range table {
		for _, r := range g.rows {
			for method := range strings.FieldsSeq(r.covers) {
				covered[method] = true
			}
		}
	}
	methods := map[string]bool{}
	conn := reflect.TypeFor[*imapclient.Conn]()
	for i := range conn.NumMethod() {
		name := conn.Method(i).Name
		methods[name] = true
		if !covered[name] && !slices.Contains(strings.Fields(silent), name) {
			t.Errorf("Conn.%s has no row: add one to the table, or to silent if it sends none", name)
		}
	}
	for name := range covered {
		if !methods[name] {
			t.Errorf("a row covers Conn.%s, which does not exist", name)
		}
	}
	for name := range strings.FieldsSeq(silent) {
		if !methods[name] || covered[name] {
			t.Errorf("%s is on the list of silent methods, but does not exist or has a row", name)
		}
	}
}

// Cells are found by their names, and a deviation is of a server that there is.
func TestTableIsSound(t *testing.T) {
	seen := map[string]bool{}
	for _, g := range table {
		for _, r := range g.rows {
			if seen[r.name] {
				t.Errorf("two rows are called %q", r.name)
			}
			seen[r.name] = true
			for name, o := range r.odd {
				if !slices.ContainsFunc(columns, func(c *column) bool { return c.name == name }) || o.failure == "" || o.note == "" {
					t.Errorf("%s: deviation of %q has no failure, no note, or is of no server", r.name, name)
				}
			}
		}
	}
}
