package e2e

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/e2e/dovecot"
	"github.com/pushmail/pushmail/e2e/pushmail"
)

func TestInterruptSaysGoodbye(t *testing.T) {
	t.Parallel()
	a := newAccount(t, shared.get(t))
	file := filepath.Join(t.TempDir(), "protocol")
	r := a.watch("--protocol-log", file)
	a.deliver("one") // reported while idling, so DONE is needed
	a.waitNew(r, "one")
	r.Stop(t)

	text, err := os.ReadFile(file)
	check(t, err)
	idle, done, logout := strings.LastIndex(string(text), "IDLE\n"), strings.LastIndex(string(text), "DONE"), strings.LastIndex(string(text), "LOGOUT")
	if idle < 0 || idle > done || done > logout {
		t.Errorf("the protocol log does not end in IDLE, DONE, LOGOUT:\n%s", text)
	}
	secrets := []string{
		`"` + dovecot.Password + `"`, " " + dovecot.Password + "\n",
		base64.StdEncoding.EncodeToString([]byte("\x00" + a.user + "\x00" + dovecot.Password)),
	}
	if i := slices.IndexFunc(secrets, func(s string) bool { return strings.Contains(string(text), s) }); i >= 0 {
		t.Errorf("the protocol log shows the password as %q:\n%s", secrets[i], text)
	}
}

func TestExecRunsACommandForEachEvent(t *testing.T) {
	t.Parallel()
	a := newAccount(t, shared.get(t))
	dir := t.TempDir()
	// The command keeps its standard input, environment and arguments in files named after the event's type and UID.
	script := filepath.Join(dir, "on-event")
	check(t, os.WriteFile(script, []byte(`#!/bin/sh
cat > "$1/$PUSHMAIL_TYPE.$PUSHMAIL_UID.json"
env | grep '^PUSHMAIL_' > "$1/$PUSHMAIL_TYPE.$PUSHMAIL_UID.env"
printf '%s\n' "$@" > "$1/$PUSHMAIL_TYPE.$PUSHMAIL_UID.args"
`), 0o755))
	r := pushmail.Start(t, pushmail.Options{
		Args: append(a.args(a.url(a.server.IMAPS, "INBOX")), "--exec", script, dir, "$HOME; echo no shell"),
		Env:  []string{"PUSHMAIL_PASSWORD=" + dovecot.Password},
	})
	r.WaitFor(t, patience, "open event", pushmail.Is(pushmail.Open))
	a.deliver("for a command")
	event := a.waitNew(r, "for a command")
	a.deliver("another") // once it is reported, the command of the one before has ended
	a.waitNew(r, "another")
	r.Stop(t)

	read := func(ending string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, pushmail.New+"."+event.Subject+"."+ending))
		check(t, err)
		return string(text)
	}
	if stdin := strings.TrimSpace(read("json")); stdin != event.Raw {
		t.Errorf("the command's input is\n%s\nwant\n%s", stdin, event.Raw)
	}
	env := strings.Split(strings.TrimSpace(read("env")), "\n")
	for _, want := range []string{
		"PUSHMAIL_ID=" + event.ID, "PUSHMAIL_TYPE=" + event.Type, "PUSHMAIL_UID=" + event.Subject,
		"PUSHMAIL_SUBJECT=for a command", "PUSHMAIL_FROM=ann@example.org", "PUSHMAIL_MAILBOX=INBOX",
	} {
		if !slices.Contains(env, want) {
			t.Errorf("the command's environment lacks %s:\n%s", want, strings.Join(env, "\n"))
		}
	}
	if strings.Contains(read("env"), "PUSHMAIL_PASSWORD") {
		t.Error("the command inherited the password")
	}
	if got, want := read("args"), dir+"\n$HOME; echo no shell\n"; got != want {
		t.Errorf("the command's arguments are %q, want %q", got, want)
	}
}
