package serve

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/e2e/pushmail"
	"github.com/pushmail/pushmail/imaptest"
)

const password = "correct horse"

// site is a place where pushmail is run as a daemon: a mail server in this process, and a directory.
type site struct {
	t      *testing.T
	dir    string
	token  string // for the API, if it wants one
	server *imaptest.Server
	users  []*imaptest.User
	config string // the path of the configuration
	api    string // where it listens
}

// newSite starts a mail server. sinks is the rest of the configuration.
func newSite(t *testing.T, users int, sinks string) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), server: imaptest.NewServer(nil), api: freePort(t)}
	if err := s.server.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.server.Close() })
	s.write("ca.pem", string(s.server.CertPEM()))
	var b strings.Builder
	b.WriteString(s.head())
	for i := range users {
		s.users = append(s.users, s.server.AddUser(user(i), password))
		b.WriteString(s.account(i))
	}
	s.config = s.write("pushmail.toml", b.String()+sinks)
	return s
}

// head is what configurations begin with.
func (s *site) head() string {
	return fmt.Sprintf("state = %q\n[api]\nlisten = %q\n[defaults]\npassword = \"env:PUSHMAIL_TEST_PASSWORD\"\nca_file = %q\nfrom = \"all\"\n",
		s.state(), s.api, filepath.Join(s.dir, "ca.pem"))
}

// state is the state directory.
func (s *site) state() string { return filepath.Join(s.dir, "state") }

// account is the part of the configuration for a user.
func (s *site) account(i int) string {
	return fmt.Sprintf("[[account]]\nname = %q\nurl = \"imaps://%s@%s/INBOX\"\n", user(i), user(i), s.server.Addr())
}

// fileSink is the part of the configuration for a file, named after it.
func (s *site) fileSink(name string) string {
	return fmt.Sprintf("[[sink]]\nname = %q\ntype = \"file\"\npath = %q\n", name, s.file(name))
}

// file is what the sink of that name writes.
func (s *site) file(name string) string { return filepath.Join(s.dir, name+".jsonl") }

// webhook is the part of the configuration for a webhook; more are further lines of it.
func webhook(name string, r *receiver, more string) string {
	return fmt.Sprintf("[[sink]]\nname = %q\ntype = \"webhook\"\nurl = %q\nsecret = \"env:PUSHMAIL_TEST_SECRET\"\nallow = \"loopback\"\n%s\n", name, r.URL, more)
}

// change changes the configuration.
func (s *site) change(old, new string) {
	s.t.Helper()
	text, err := os.ReadFile(s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		s.t.Fatalf("%q is not in %s:\n%s", old, s.config, text)
	}
	s.write("pushmail.toml", strings.Replace(string(text), old, new, 1))
}

// add appends to the configuration.
func (s *site) add(text string) {
	s.t.Helper()
	was, err := os.ReadFile(s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	s.write("pushmail.toml", string(was)+text)
}

func user(i int) string { return fmt.Sprintf("user%d", i) }

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (s *site) write(name, text string) (path string) {
	s.t.Helper()
	path = filepath.Join(s.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// serve starts the daemon, with more environment.
func (s *site) serve(env ...string) *pushmail.Run {
	s.t.Helper()
	env = append([]string{"PUSHMAIL_TEST_PASSWORD=" + password, "PUSHMAIL_TEST_SECRET=" + signingSecret}, env...)
	return pushmail.Start(s.t, pushmail.Options{Args: []string{"serve", s.config}, Env: env, Text: true})
}

// refuses starts the daemon and wants it to end by itself, with a word about why.
func (s *site) refuses(code int, words ...string) {
	s.t.Helper()
	r := s.serve()
	if got := r.WaitExit(s.t, patience); got != code {
		s.t.Errorf("exit code %d, want %d", got, code)
	}
	for _, word := range words {
		if !strings.Contains(r.Stderr(), word) {
			s.t.Errorf("not a word of %q:\n%s", word, r.Stderr())
		}
	}
}

// run runs a command of the program with this configuration, and wants it to end with the code.
func (s *site) run(code int, args ...string) (stdout, stderr string) {
	s.t.Helper()
	r := pushmail.Start(s.t, pushmail.Options{Args: append(args, "--config", s.config), Text: true})
	if got := r.WaitExit(s.t, patience); got != code {
		s.t.Fatalf("pushmail %s: exit code %d, want %d\n%s\n%s", strings.Join(args, " "), got, code, r.Stdout(), r.Stderr())
	}
	return r.Stdout(), r.Stderr()
}

// inbox is the INBOX of a user.
func (s *site) inbox(i int) *imaptest.Mailbox { return s.users[i].Mailbox("INBOX") }

// mail is a message with a subject.
func mail(subject string) []byte {
	return fmt.Appendf(nil, "From: Jo <jo@example.org>\r\nTo: al@example.org\r\nSubject: %s\r\nMessage-ID: <%s@example.org>\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n\r\nHello\r\n",
		subject, strings.ReplaceAll(subject, " ", "-"))
}

// fileLog reads what the file sink wrote, all rotated files included. A last line without its end is not one.
func fileLog(t *testing.T, pattern string) (l log) {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // rotated meanwhile
		}
		if err != nil {
			t.Fatal(err)
		}
		text = text[:bytes.LastIndexByte(text, '\n')+1]
		lines := bufio.NewScanner(bytes.NewReader(text))
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var ev event
			if err := json.Unmarshal(lines.Bytes(), &ev); err != nil {
				t.Fatalf("%s: %v: %q", path, err, lines.Text())
			}
			l.add(ev)
		}
	}
	return l
}

// eventually waits until done returns nothing, and else fails with what it returns.
func eventually(t *testing.T, r *pushmail.Run, done func() string) {
	t.Helper()
	var left string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if left = done(); left == "" {
			return
		}
		if !r.Running() {
			t.Fatalf("pushmail has ended: %s", r.Stderr())
		}
	}
	t.Fatalf("after %v: %s", patience, left)
}
