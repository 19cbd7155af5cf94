//go:build unix

package execsink_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pushmail/pushmail/internal/sink"
	"github.com/pushmail/pushmail/internal/sink/execsink"
)

const line = `{"specversion":"1.0","id":"id1","type":"mail.message.new","source":"imap://jo@mail.example.org/INBOX","subject":"42","time":"2026-11-22T10:00:00.000Z",` +
	`"data":{"account":"jo","mailbox":"INBOX","uidvalidity":17,"uid":42,"flags":["\\Seen"],"size":2301,"envelope":{"subject":"$(touch x); Hi","from":[{"name":"Jo","address":"jo@example.org"}]}}}`

var event = sink.Delivery{ID: "id1", JSON: []byte(line)}

// shell is a sink that runs a script; scripts are in files, so that no argument is read by a shell.
func shell(t *testing.T, script string, change ...func(*execsink.Options)) *execsink.Sink {
	t.Helper()
	file := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	o := execsink.Options{Argv: []string{"/bin/sh", file, "$HOME `id`"}, Env: []string{"PATH=" + os.Getenv("PATH"), "MINE=1"}, Grace: 100 * time.Millisecond, Timeout: 20 * time.Second}
	for _, f := range change {
		f(&o)
	}
	s, err := execsink.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func run(t *testing.T, s *execsink.Sink) sink.Result {
	t.Helper()
	results := s.Send(t.Context(), []sink.Delivery{event})
	if len(results) != 1 {
		t.Fatalf("%+v", results)
	}
	return results[0]
}

func TestCommandGetsTheEvent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := shell(t, `cat >stdin; echo "$1" >args; env >env`, func(o *execsink.Options) { o.Dir = dir })
	if r := run(t, s); r.Outcome != sink.OK {
		t.Fatalf("%+v", r)
	}
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if read("stdin") != line+"\n" || read("args") != "$HOME `id`\n" {
		t.Errorf("standard input %s, argument %s", read("stdin"), read("args"))
	}
	for _, want := range []string{"PUSHMAIL_ID=id1", "PUSHMAIL_UID=42", "PUSHMAIL_ACCOUNT=jo", `PUSHMAIL_FLAGS=\Seen`, "PUSHMAIL_SUBJECT=$(touch x); Hi", "PUSHMAIL_FROM=jo@example.org", "PUSHMAIL_REASON=", "MINE=1"} {
		if !strings.Contains(read("env"), want+"\n") {
			t.Errorf("no %s in:\n%s", want, read("env"))
		}
	}
	if strings.Contains(read("env"), "HOME=") {
		t.Error("the environment of the program is handed on")
	}
}

func TestStatusesMeanWhatTheyShould(t *testing.T) {
	t.Parallel()
	for script, test := range map[string]struct {
		want sink.Outcome
		says string
	}{
		"exit 0":                   {sink.OK, ""},
		"exit 75":                  {sink.Retry, "status 75"},
		"exit 1":                   {sink.Never, "status 1"},
		"echo no luck >&2; exit 3": {sink.Never, "status 3: no luck"},
		"kill -9 $$":               {sink.Retry, "killed"},
	} {
		r := run(t, shell(t, script))
		if r.Outcome != test.want || r.Err != nil && !strings.Contains(r.Err.Error(), test.says) || (r.Err == nil) != (test.want == sink.OK) {
			t.Errorf("%s: %v, %v", script, r.Outcome, r.Err)
		}
	}
}

func TestCommandThatTakesTooLongIsKilledWithItsChildren(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "pids")
	s := shell(t, "trap '' TERM; sleep 60 & echo $$ $! >"+file+"; wait; sleep 60", func(o *execsink.Options) { o.Timeout = time.Second })
	if r := run(t, s); r.Outcome != sink.Retry || !strings.Contains(r.Err.Error(), "no end within 1s") {
		t.Errorf("%+v", r)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range strings.Fields(string(text)) {
		var pid int
		fmt.Sscan(word, &pid)
		for end := time.Now().Add(10 * time.Second); alive(pid); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Errorf("process %d still runs", pid)
				break
			}
		}
	}
}

// alive reports whether a process is there that is no zombie.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return syscall.Kill(pid, 0) == nil && !os.IsNotExist(err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}

func TestEndOfTheContextEndsTheCommand(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r := shell(t, "sleep 60").Send(ctx, []sink.Delivery{event}); len(r) != 1 || r[0].Outcome != sink.Retry {
		t.Errorf("%+v", r)
	}
}

func TestOutputIsLoggedWithinABound(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := shell(t, `i=0; while [ $i -lt 2000 ]; do echo "line $i of the output"; i=$((i+1)); done; printf 'the \033[31mend\n'; exit 1`,
		func(o *execsink.Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	r := run(t, s)
	if r.Err == nil || !strings.HasSuffix(r.Err.Error(), ": the [31mend") {
		t.Errorf("%v", r.Err)
	}
	if text := log.String(); len(text) > 8<<10 || !strings.Contains(text, "line 1999") || strings.Contains(text, "line 17 ") {
		t.Errorf("%d bytes were logged: %.300s", len(text), text)
	}
}

func TestCommandsThatCannotRun(t *testing.T) {
	t.Parallel()
	for _, argv := range [][]string{nil, {""}, {"/no/such/program"}, {"no-such-program-anywhere"}} {
		if _, err := execsink.New(execsink.Options{Argv: argv}); err == nil {
			t.Errorf("%q was accepted", argv)
		}
	}
	file := filepath.Join(t.TempDir(), "gone")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := execsink.New(execsink.Options{Argv: []string{file}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if r := run(t, s); r.Outcome != sink.Retry {
		t.Errorf("a program that is gone: %+v", r)
	}
}
