package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func testApp(in string, env ...string) (*app, *screen) {
	errs := newScreen()
	return &app{stdio: stdio{in: strings.NewReader(in), out: newScreen(), err: errs, env: env}}, errs
}

// helperWords is a --password-command that runs this binary as a helper.
func helperWords(args ...string) string {
	text := "env " + helperVariable + "=1"
	for _, word := range append([]string{os.Args[0]}, args...) {
		text += " '" + word + "'"
	}
	return text
}

func TestPasswordSources(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "password")
	if err := os.WriteFile(file, []byte("from the file \r\nmore\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := "PATH=" + os.Getenv("PATH")
	for _, test := range []struct {
		name  string
		flags connFlags
		url   string
		in    string
		env   []string
		want  string
		code  int
	}{
		{name: "file", flags: connFlags{passwordFile: file}, want: "from the file "},
		{name: "standard input", flags: connFlags{passwordFile: "-"}, in: "typed\n", want: "typed"},
		{name: "standard input without end of line", flags: connFlags{passwordFile: "-"}, in: "typed", want: "typed"},
		{name: "command", flags: connFlags{passwordCommand: helperWords("say", "two  words")}, env: []string{path}, want: "two  words"},
		{name: "URL", url: "in the URL", want: "in the URL"},
		{name: "environment", env: []string{"PUSHMAIL_PASSWORD=from there"}, want: "from there"},
		{name: "a flag before the environment", flags: connFlags{passwordFile: file}, env: []string{"PUSHMAIL_PASSWORD=x"}, want: "from the file "},
		{name: "the URL before the environment", url: "u", env: []string{"PUSHMAIL_PASSWORD=x"}, want: "u"},
		{name: "nothing", code: exitUsage},
		{name: "file and command", flags: connFlags{passwordFile: file, passwordCommand: "x"}, code: exitUsage},
		{name: "file and URL", flags: connFlags{passwordFile: file}, url: "u", code: exitUsage},
		{name: "command and URL", flags: connFlags{passwordCommand: "x"}, url: "u", code: exitUsage},
		{name: "no file", flags: connFlags{passwordFile: filepath.Join(dir, "none")}, code: exitAuth},
		{name: "empty line", flags: connFlags{passwordFile: "-"}, in: "\nsecond", code: exitAuth},
		{name: "NUL", flags: connFlags{passwordFile: "-"}, in: "a\x00b\n", code: exitAuth},
		{name: "as long as can be", flags: connFlags{passwordFile: "-"}, in: strings.Repeat("x", maxPassword), want: strings.Repeat("x", maxPassword)},
		{name: "too long", flags: connFlags{passwordFile: "-"}, in: strings.Repeat("x", maxPassword+1), code: exitAuth},
		{name: "command that is none", flags: connFlags{passwordCommand: "no-such-command-here"}, code: exitUsage},
		{name: "command of nothing", flags: connFlags{passwordCommand: "  "}, code: exitUsage},
		{name: "command with an open quote", flags: connFlags{passwordCommand: "pass 'x"}, code: exitUsage},
		{name: "command that fails", flags: connFlags{passwordCommand: helperWords("complain", "locked")}, env: []string{path}, code: exitAuth},
		{name: "command that prints nothing", flags: connFlags{passwordCommand: "true"}, env: []string{path}, code: exitAuth},
	} {
		a, _ := testApp(test.in, test.env...)
		source, err := test.flags.passwordFrom(a, "jo", test.url, test.url != "")
		var got string
		if err == nil {
			got, err = source(t.Context())
		}
		if got != test.want || exitCode(err) != test.code {
			t.Errorf("%s: %.40q, %v with exit code %d; want %.40q and %d", test.name, got, err, exitCode(err), test.want, test.code)
		}
	}
}

// A command is run and a file is read for each connection; standard input is read once.
func TestPasswordIsFreshOnEachConnect(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, _ := testApp("typed\n", "PATH="+os.Getenv("PATH"))
	ask := func(f connFlags) passwordSource {
		source, err := f.passwordFrom(a, "jo", "", false)
		if err != nil {
			t.Fatal(err)
		}
		return source
	}
	expect := func(source passwordSource, want string) {
		t.Helper()
		if got, err := source(t.Context()); err != nil || got != want {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
	command := ask(connFlags{passwordCommand: helperWords("count", filepath.Join(dir, "calls"))})
	expect(command, "password-1")
	expect(command, "password-2")
	file := filepath.Join(dir, "password")
	if err := os.WriteFile(file, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	fromFile := ask(connFlags{passwordFile: file})
	expect(fromFile, "old")
	if err := os.WriteFile(file, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	expect(fromFile, "new")
	in := ask(connFlags{passwordFile: "-"})
	expect(in, "typed")
	expect(in, "typed")
}

func TestPasswordWarnings(t *testing.T) {
	t.Parallel()
	a, errs := testApp("")
	f := connFlags{}
	if _, err := f.passwordFrom(a, "jo", "hunter2", true); err != nil {
		t.Fatal(err)
	}
	if text := errs.text(); !strings.Contains(text, "can be seen by other users") || strings.Contains(text, "hunter2") {
		t.Errorf("warning about the URL: %q", text)
	}

	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("hunter2"), 0o644); err != nil {
		t.Fatal(err)
	}
	a, errs = testApp("")
	source := fileSource(file, a.warn)
	for range 2 {
		if _, err := source(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if text := errs.text(); strings.Count(text, "chmod 600") != 1 || strings.Contains(text, "hunter2") {
		t.Errorf("warning about a file that all can read: %q", text)
	}
}

func TestPasswordCommandEndsWithTheProgram(t *testing.T) {
	t.Parallel()
	a, _ := testApp("", "PATH="+os.Getenv("PATH"))
	source, err := commandSource(helperWords("sleep"), a)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(50*time.Millisecond, func() { cancel(errInterrupted) })
	began := time.Now()
	if _, err := source(ctx); !errors.Is(err, errInterrupted) {
		t.Errorf("got %v", err)
	}
	if d := time.Since(began); d > 10*time.Second {
		t.Errorf("took %v", d)
	}
}
