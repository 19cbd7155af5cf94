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
	fmt.Fprintf(&b, "state = %q\n[api]\nlisten = %q\n[defaults]\npassword = \"env:PUSHMAIL_TEST_PASSWORD\"\nca_file = %q\nfrom = \"all\"\n",
		filepath.Join(s.dir, "state"), s.api, filepath.Join(s.dir, "ca.pem"))
	for i := range users {
		s.users = append(s.users, s.server.AddUser(user(i), password))
		fmt.Fprintf(&b, "[[account]]\nname = %q\nurl = \"imaps://%s@%s/INBOX\"\n", user(i), user(i), s.server.Addr())
	}
	s.config = s.write("pushmail.toml", b.String()+sinks)
	return s
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

// serve starts the daemon.
func (s *site) serve() *pushmail.Run {
	s.t.Helper()
	return pushmail.Start(s.t, pushmail.Options{Args: []string{"serve", s.config}, Env: []string{"PUSHMAIL_TEST_PASSWORD=" + password, "PUSHMAIL_TEST_SECRET=" + signingSecret}, Text: true})
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
