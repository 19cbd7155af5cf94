package main

import (
	"bufio"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pushmail/pushmail/event"
	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imaptest"
)

// events reads what --json printed.
func (s *session) events() []event.Event {
	s.t.Helper()
	var out []event.Event
	for line := range strings.Lines(s.out.text()) {
		var ev event.Event
		if err := json.Unmarshal([]byte(line), &ev); err != nil {
			s.t.Fatalf("%v in %s", err, line)
		}
		out = append(out, ev)
	}
	return out
}

func TestWatchPrintsWhatHappens(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.inbox.Append(message("before"))
	s := w.start(t, w.args("watch", w.url("INBOX"))...)
	s.out.waitFor(t, "open     INBOX, 1 message: watching from now on   (the server pushes)\n")
	uid := w.inbox.Append(message("Lunch?\x1b[31m"))
	s.out.waitFor(t, "new      Ann <ann@example.net>           Lunch??[31m   (")
	w.inbox.AddFlags(uid, imap.FlagSeen)
	s.out.waitFor(t, `flags    +\Seen                          Lunch??[31m`+"\n")
	w.inbox.Expunge(uid)
	s.out.waitFor(t, "expunge  Ann <ann@example.net>           Lunch??[31m\n")
	s.interrupt()
	if text := s.out.text(); strings.Contains(text, "before") || strings.Contains(text, "\x1b") {
		t.Errorf("printed:\n%s", text)
	}
	if s.err.text() != "" {
		t.Errorf("said: %s", s.err.text())
	}
}

func TestWatchLogsOutOnInterrupt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	log := filepath.Join(w.dir, "protocol.log")
	s := w.start(t, w.args("watch", "--protocol-log", log, "--protocol-log-timestamps", w.url(""))...)
	s.out.waitFor(t, "open     INBOX")
	w.inbox.Append(message("x"))
	s.out.waitFor(t, "new ")
	s.interrupt()
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	done, logout := strings.Index(string(text), "C: DONE"), strings.LastIndex(string(text), " LOGOUT")
	if done < 0 || logout < done {
		t.Errorf("no DONE and LOGOUT at the end of the protocol:\n%s", text)
	}
	if strings.Contains(string(text), testPassword) || !strings.Contains(string(text), "********") {
		t.Errorf("the password is not masked in the protocol:\n%s", text)
	}
	info, err := os.Stat(log)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the protocol log: %v, %v", info.Mode(), err)
	}
}

func TestProtocolOnStandardErrorIsHarmless(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.inbox.Append(message("\x1b]0;owned\x07"))
	s := w.start(t, w.args("list", "--protocol-log", "-", w.url(""))...)
	if code := s.end(); code != exitOK {
		t.Fatalf("exit code %d", code)
	}
	text := s.err.text()
	if !strings.Contains(text, "\nC: ") || !strings.Contains(text, "?]0;owned?") || strings.ContainsAny(text, "\x1b\x07\r") || strings.Contains(text, testPassword) {
		t.Errorf("protocol on standard error:\n%q", text)
	}
}

// The second run begins with what has changed since the first.
func TestWatchResumes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	first := w.inbox.Append(message("first"))
	args := w.args("watch", "--json", "--account", "home", "--state", filepath.Join(w.dir, "state"), w.url("INBOX"))
	s := w.start(t, args...)
	s.out.waitFor(t, "mail.mailbox.open")
	second := w.inbox.Append(message("second"))
	s.out.waitFor(t, "mail.message.new")
	s.interrupt()

	w.inbox.Expunge(first)
	w.inbox.AddFlags(second, imap.FlagFlagged)
	w.inbox.Append(message("third"))
	s = w.start(t, args...)
	s.out.waitFor(t, "third")
	s.interrupt()
	var types []event.Type
	for _, ev := range s.events() {
		types = append(types, ev.Type())
		if !strings.Contains(s.out.text(), `"account":"home"`) || !strings.HasPrefix(ev.Source, "imap://jo%40example.org@127.0.0.1:") {
			t.Errorf("source %s", ev.Source)
		}
	}
	want := []event.Type{event.TypeMailboxOpen, event.TypeMessageExpunge, event.TypeFlagChange, event.TypeMessageNew}
	if len(types) != len(want) {
		t.Fatalf("events %v, want %v", types, want)
	}
	for i := range want {
		if types[i] != want[i] {
			t.Errorf("events %v, want %v", types, want)
		}
	}
	if open := s.events()[0].Data.(*event.MailboxOpen); !open.Resumed || open.Method != event.MethodQResync {
		t.Errorf("opened with %+v", open)
	}
}

// An event that could not be written is delivered again; the program ends well.
func TestWatchWithAReaderThatGoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	args := w.args("watch", "--json", w.url("INBOX"))
	s := w.start(t, args...)
	s.out.waitFor(t, "mail.mailbox.open")
	s.out.failWith(syscall.EPIPE)
	w.inbox.Append(message("lost?"))
	if code := s.end(); code != exitOK || s.err.text() != "" {
		t.Errorf("exit code %d, said %q", code, s.err.text())
	}
	s = w.start(t, args...)
	s.out.waitFor(t, "lost?")
	s.interrupt()
}

// "| head -1" ends the program although nothing more happens.
func TestWatchNoticesAClosedPipe(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	r, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	code := make(chan int, 1)
	go func() {
		code <- run(t.Context(), w.args("watch", w.url("INBOX")), stdio{in: strings.NewReader(""), out: out, err: newScreen(), env: w.env})
	}()
	if line, err := bufio.NewReader(r).ReadString('\n'); err != nil || !strings.Contains(line, "open") {
		t.Fatal(line, err)
	}
	r.Close()
	if got := (&session{t: t, out: newScreen(), err: newScreen(), code: code}).end(); got != exitOK {
		t.Errorf("exit code %d", got)
	}
}

func TestWatchRunsTheCommand(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.env = append(w.env, helperVariable+"=1")
	s := w.start(t, w.args("watch", "--quiet", w.url("INBOX"), "--exec", os.Args[0], "say", "you have mail")...)
	file := filepath.Join(w.dir, "record")
	r := w.start(t, w.args("watch", "--state", filepath.Join(w.dir, "other"), w.url("INBOX"), "--", os.Args[0], "record", file)...)
	r.out.waitFor(t, "open ")
	waitForSessions(t, w.server, 2)
	w.inbox.Append(message("Hi"))
	s.out.waitFor(t, "you have mail\n")
	r.out.waitFor(t, "new ")
	s.interrupt()
	r.interrupt()
	if text := s.out.text(); text != "you have mail\n" {
		t.Errorf("--quiet printed %q", text)
	}
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), "PUSHMAIL_SUBJECT=Hi\n") || strings.Contains(string(text), testPassword) {
		t.Errorf("the command got %s, %v", text, err)
	}
}

// waitForSessions waits until n sessions idle.
func waitForSessions(t *testing.T, server *imaptest.Server, n int) {
	t.Helper()
	waitUntil(t, func() bool {
		idle := 0
		for _, s := range server.Sessions() {
			if s.Idling() {
				idle++
			}
		}
		return idle >= n
	})
}

func TestWatchFailsOnceAndClearly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := closed.Addr().String()
	closed.Close()
	other := newWorld(t, nil)
	notADirectory := w.write(t, "file", "")
	disabled := newWorld(t, &imaptest.ServerOptions{StartTLS: true, LoginDisabled: true})
	echo := newWorld(t, &imaptest.ServerOptions{Without: imap.Capabilities{imap.CapSASLIR}, OnCommand: func(c imaptest.Command) imaptest.Verdict {
		if c.Name == "AUTHENTICATE" || c.Name == "LOGIN" {
			return imaptest.Refuse(imap.NO, imap.CodeAuthenticationFailed, "what do you mean by "+testPassword)
		}
		return imaptest.Pass
	}})
	full := newWorld(t, &imaptest.ServerOptions{OnCommand: func(c imaptest.Command) imaptest.Verdict {
		if c.Name == "AUTHENTICATE" || c.Name == "LOGIN" {
			return imaptest.Refuse(imap.NO, imap.CodeUnavailable, "Too many connections")
		}
		return imaptest.Pass
	}})
	wrong := strings.Replace(w.url("INBOX"), "%40example.org", "%40example.org:hunter2", 1)
	for _, test := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"wrong password", w.args("watch", wrong), exitAuth, "app password"},
		{"wrong password in list", w.args("list", wrong), exitAuth, "app password"},
		{"server repeats the password", echo.args("watch", echo.url("INBOX")), exitAuth, "what do you mean by ********"},
		{"too many connections", full.args("watch", full.url("INBOX")), exitConnect, "end other mail clients"},
		{"nobody listens", w.args("watch", "imaps://jo@"+nobody+"/INBOX"), exitConnect, "cannot connect to " + nobody},
		{"untrusted certificate", []string{"watch", w.url("INBOX")}, exitSecurity, "--ca-file FILE"},
		{"another CA", other.args("watch", w.url("INBOX")), exitSecurity, "--ca-file FILE"},
		{"TLS on a port without", disabled.args("watch", disabled.url("INBOX")), exitSecurity, "imap://"},
		{"no password without TLS", disabled.args("watch", "--plaintext", "imap"+strings.TrimPrefix(disabled.url("INBOX"), "imaps")), exitSecurity, "does not accept a password without TLS"},
		{"missing mailbox", w.args("watch", w.url("Nope")), exitMailbox, "list --mailboxes"},
		{"missing mailbox in list", w.args("list", w.url("Nope")), exitMailbox, "list --mailboxes"},
		{"state is a file", w.args("watch", "--state", notADirectory, w.url("INBOX")), exitState, "--state DIR"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			alone := world{env: append([]string{}, w.env...)}
			alone.env = append(alone.env, "HOME="+t.TempDir()) // the lock of the state would get in the way
			s := alone.start(t, test.args...)
			code := s.end()
			lines := strings.Split(strings.TrimSuffix(s.err.text(), "\n"), "\n")
			last := lines[len(lines)-1]
			if code != test.code || !strings.Contains(last, test.want) || !strings.HasPrefix(last, "pushmail: ") || s.out.text() != "" {
				t.Errorf("exit code %d, said %q; want %d and %q", code, s.err.text(), test.code, test.want)
			}
			for _, secret := range []string{testPassword, "hunter2"} {
				if strings.Contains(s.err.text(), secret) {
					t.Errorf("the password %s is shown: %s", secret, s.err.text())
				}
			}
		})
	}
}

func TestWatchRefusesADamagedCheckpoint(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	state := filepath.Join(w.dir, "state")
	args := w.args("watch", "--state", state, w.url("INBOX"))
	s := w.start(t, args...)
	s.out.waitFor(t, "open ")
	s.interrupt()
	files, err := filepath.Glob(filepath.Join(state, "*.checkpoint"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	if err := os.WriteFile(files[0], []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	s = w.start(t, args...)
	if code := s.end(); code != exitState || !strings.Contains(s.err.text(), files[0]) || strings.Count(s.err.text(), "\n") != 1 {
		t.Errorf("exit code %d, said %q", code, s.err.text())
	}
	if text, _ := os.ReadFile(files[0]); string(text) != "garbage" {
		t.Error("the checkpoint was touched")
	}
}

func TestWatchIsAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	args := w.args("watch", w.url("INBOX"))
	s := w.start(t, args...)
	s.out.waitFor(t, "open ")
	second := w.start(t, args...)
	if code := second.end(); code != exitState || !strings.Contains(second.err.text(), "another pushmail") {
		t.Errorf("exit code %d, said %q", code, second.err.text())
	}
	s.interrupt()
}

func TestWatchOverSTARTTLSWithTheLoginCommand(t *testing.T) {
	t.Parallel()
	w := newWorld(t, &imaptest.ServerOptions{StartTLS: true, LoginDisabled: true, Without: imap.Capabilities{imap.CapSASLIR}})
	w.inbox.Append(message("x"))
	s := w.start(t, w.args("watch", "--mask-capability", "auth=plain", "--mask-capability", "IDLE", "--poll-interval", "20ms",
		"imap"+strings.TrimPrefix(w.url("INBOX"), "imaps"))...)
	s.out.waitFor(t, "the server cannot push: asking it regularly")
	w.inbox.Append(message("polled"))
	s.out.waitFor(t, "polled")
	s.interrupt()
}

// A renumbered mailbox is said to be, and watched on.
func TestWatchAcrossAReset(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.inbox.Append(message("one"))
	s := w.start(t, w.args("watch", w.url("INBOX"))...)
	s.out.waitFor(t, "open ")
	w.inbox.ResetUIDValidity()
	s.out.waitFor(t, "reset    the server has renumbered the 1 message of INBOX")
	w.inbox.Append(message("two"))
	s.out.waitFor(t, "two")
	s.interrupt()
}

func TestWatchKeepsTrying(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	s := w.start(t, w.args("watch", "--keep-trying", "--log-level", "info", w.url("Later"))...)
	s.err.waitFor(t, "connection lost")
	s.out.waitFor(t, `mailbox "Later" cannot be opened`)
	w.server.AddUser(testUser, testPassword).Mailbox("Later").Append(message("there already"))
	s.out.waitFor(t, "open     Later")
	s.interrupt()
}
