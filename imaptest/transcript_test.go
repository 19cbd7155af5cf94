package imaptest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func say(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
}

func TestTranscriptBindsAndRepeats(t *testing.T) {
	Transcript(t, `
		# a comment
		S: * OK ready
		C: {tag} LOGIN {user} {5}
		S: + go on
		C-raw: "pa ss\r\n"
		S: {tag} OK hello {user}
		C: {*} NOOP
		S-raw: "* 1 FETCH (BODY[] {2}\r\nx"
		S-raw: "y)\r\n"
		C-close
	`, func(t *testing.T, conn net.Conn) {
		r := bufio.NewReader(conn)
		hear := func(want string) {
			t.Helper()
			if got, err := r.ReadString('\n'); got != want+"\r\n" {
				t.Fatalf("got %q (%v), want %q", got, err, want)
			}
		}
		hear("* OK ready")
		say(t, conn, "A1 LOGIN jo {5}\r\n")
		hear("+ go on")
		say(t, conn, "pa ss\r\n")
		hear("A1 OK hello jo")
		say(t, conn, "A2 NOOP\r\n")
		hear("* 1 FETCH (BODY[] {2}")
		hear("xy)")
	})
}

func TestTranscriptTimeCostsNothing(t *testing.T) {
	started := time.Now()
	Transcript(t, `
		wait 29m
		C: DONE
		wait 1m 3m
		C: LATE
		C?: NEVER
		stall 1h
		close
	`, func(t *testing.T, conn net.Conn) {
		time.Sleep(29 * time.Minute)
		say(t, conn, "DONE\r\n")
		time.Sleep(2 * time.Minute)
		say(t, conn, "LATE\r\n")
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("after close: %v, want EOF", err)
		}
	})
	if took := time.Since(started); took > 10*time.Second {
		t.Errorf("took %v of real time", took)
	}
}

// reporter keeps what a script would say of a client.
type reporter struct {
	testing.TB
	text string
}

func (r *reporter) Errorf(format string, args ...any) { r.text += fmt.Sprintf(format, args...) }

func TestTranscriptSaysWhatWasWrong(t *testing.T) {
	tests := []struct {
		name, script, client string
		delay                time.Duration
		want                 []string
	}{
		{"other line", "S: * OK\nC: {tag} IDLE", "a NOOP\r\n", 0, []string{"script line 2: C: {tag} IDLE", "want {tag} IDLE", `got  a NOOP`}},
		{"nothing", "C: {tag} IDLE", "", 0, []string{"script line 1", "got  nothing"}},
		{"half a line", "C: {tag} IDLE", "a ID", 0, []string{"got  a ID and then nothing"}},
		{"too early", "wait 9m\nC: DONE", "DONE\r\n", 8 * time.Minute, []string{"script line 1: wait 9m", `got  DONE\r\n after 8m0s`}},
		{"too late", "wait 9m\nC: DONE", "DONE\r\n", 10 * time.Minute, []string{"script line 2: C: DONE", "got  nothing"}},
		{"later than the range", "wait 9m 11m\nC: DONE", "DONE\r\n", 12 * time.Minute, []string{"script line 2", "got  nothing"}},
		{"more than the script", "C: a", "a\r\nb\r\n", 0, []string{"after the script", `got  b\r\n`}},
		{"wrong bytes", `C-raw: "abc"`, "abd", 0, []string{`want "abc"`, `got  "abd"`}},
		{"still open", "C-close", "", 0, []string{"script line 1: C-close", "got  nothing"}},
		{"no such line", "D: x", "", 0, []string{"this is no line of a script"}},
		{"bad quotes", "S-raw: x", "", 0, []string{"not in Go's quotes"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				theirs, ours := net.Pipe()
				go io.Copy(io.Discard, theirs)
				var wg sync.WaitGroup
				defer wg.Wait()
				wg.Go(func() {
					time.Sleep(test.delay)
					io.WriteString(theirs, test.client)
				})
				report := &reporter{TB: t}
				if Play(report, ours, test.script) {
					t.Error("Play is content")
				}
				for _, want := range test.want {
					if !strings.Contains(report.text, want) {
						t.Errorf("report:\n%s\nlacks %q", report.text, want)
					}
				}
				theirs.Close()
			})
		})
	}
}

func TestMatchLine(t *testing.T) {
	tests := []struct {
		pattern, line string
		vars          string // "" with ok false: no match
		ok            bool
	}{
		{"abc", "abc", "map[]", true},
		{"abc", "abcd", "", false},
		{"{tag} NOOP", "A1 NOOP", "map[tag:A1]", true},
		{"{tag} NOOP", " NOOP", "", false},
		{"{tag} NOOP", "A 1 NOOP", "", false},
		{"{*} NOOP", "A 1 NOOP", "map[]", true},
		{"a {*}", "a ", "map[]", true},
		{"x {5}", "x {5}", "map[]", true},
		{"x {5+} {tag}", "x {5+} y", "map[tag:y]", true},
		{"{a}-{b}", "1-2-3", "map[a:1 b:2-3]", true},
		{"SEARCH {*} {n}", "SEARCH 1 2 3", "map[n:3]", true},
		{"{", "{", "map[]", true},
		{"{}", "{}", "map[]", true},
	}
	for _, test := range tests {
		vars, ok := matchLine(test.pattern, test.line)
		if ok != test.ok || ok && fmt.Sprint(vars) != test.vars {
			t.Errorf("matchLine(%q, %q) = %v, %v; want %s, %v", test.pattern, test.line, vars, ok, test.vars, test.ok)
		}
	}
}
