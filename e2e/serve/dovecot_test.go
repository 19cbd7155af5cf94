package serve

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pushmail/pushmail/e2e/dovecot"
)

// script appends what it is given to a file, and says what environment it has; one line of it at a time.
const script = `#!/bin/sh
# Several run at a time, each for another mailbox: one write of one line each.
event=$(cat)
printf '%s\n' "$event" >> "$1"
printf '%s %s %s\n' "$PUSHMAIL_ACCOUNT" "$PUSHMAIL_UID" "$PUSHMAIL_TYPE" >> "$1.env"
`

// Fifty accounts of a real server: all messages come to all sinks, in order, and the API says that all
// accounts are well.
func TestFiftyAccountsOfDovecot(t *testing.T) {
	t.Parallel()
	const users, each = 50, 4
	server := dovecot.Start(t, dovecot.Options{})
	hook := startReceiver(t)
	s := newSite(t, 0, "")
	var b strings.Builder
	fmt.Fprintf(&b, "state = %q\n[api]\nlisten = %q\n[defaults]\npassword = \"env:PUSHMAIL_TEST_DOVECOT\"\nca_file = %q\n", s.state(), s.api, server.CertPEM)
	var names []string
	for i := range users {
		names = append(names, user(i))
		fmt.Fprintf(&b, "[[account]]\nname = %q\nurl = \"imaps://%s@%s\"\n", user(i), user(i), server.IMAPS)
	}
	program := s.write("program", script)
	if err := os.Chmod(program, 0o700); err != nil {
		t.Fatal(err)
	}
	ran := filepath.Join(s.dir, "ran")
	fmt.Fprintf(&b, "[[sink]]\nname = \"run\"\ntype = \"exec\"\ncommand = [%q, %q]\nconcurrency = 8\n[[route]]\nto = [\"hook\", \"file\"]\n[[route]]\nwhere = 'type == \"mail.message.new\"'\nto = [\"run\"]\n", program, ran)
	s.config = s.write("pushmail.toml", b.String()+webhook("hook", hook, "")+s.fileSink("file"))
	r := s.serve("PUSHMAIL_TEST_DOVECOT=" + dovecot.Password)
	s.awaitUp(r, names...)
	for _, a := range s.accounts() {
		if a.Level != "good" || a.Trouble != nil || a.Mailboxes != 1 {
			t.Errorf("%+v", a)
		}
	}

	all := map[string]bool{}
	for i := range users {
		for n := range each {
			all[fmt.Sprintf("%s no %d", user(i), n)] = true
		}
	}
	var senders sync.WaitGroup
	for part := range 4 {
		senders.Go(func() {
			for i := part; i < users; i += 4 {
				for n := range each {
					if err := server.Deliver(user(i), mail(fmt.Sprintf("%s no %d", user(i), n))); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	senders.Wait()
	byProgram := func() log { return fileLog(t, ran) }
	s.awaitAll(r, all, map[string]func() log{"webhook": hook.has, "file": s.lines("file"), "program": byProgram})
	hook.has().check(t, "webhook", all)
	s.lines("file")().check(t, "file", all)
	byProgram().check(t, "program", all)
	env, err := os.ReadFile(ran + ".env")
	if err != nil || strings.Count(string(env), " mail.message.new\n") != len(all) || !strings.Contains(string(env), "user7 1 mail") {
		t.Errorf("the environment of the program: %v\n%s", err, env)
	}
	var summary struct {
		Ready    bool
		Accounts map[string]int
		Events   map[string]int
	}
	text := s.ask(200, "GET", "/v1/status", nil, &summary)
	if !summary.Ready || summary.Accounts["up"] != users || summary.Events["mail.message.new"] != len(all) {
		t.Errorf("status: %s", text)
	}
	r.Stop(t)
}
