package courier

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pushmail/pushmail/e2e/daemon"
)

// AddUsers makes accounts, each with an empty maildir. Those that are there stay as they are.
func (s *Server) AddUsers(names ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		if slices.Contains(s.users, name) {
			continue
		}
		for _, sub := range []string{"cur", "new", "tmp"} {
			if err := os.MkdirAll(filepath.Join(maildir(s.Server, name), sub), 0o700); err != nil {
				return err
			}
		}
		// A quota of 1 GiB; what is used is nothing yet.
		if err := os.WriteFile(filepath.Join(maildir(s.Server, name), "maildirsize"), []byte("1073741824S\n0 0\n"), 0o644); err != nil {
			return err
		}
		if err := s.Owner.Own(filepath.Join(s.Dir, "mail", name)); err != nil {
			return err
		}
		s.users = append(s.users, name)
	}
	return writeUsers(s.Server, s.users)
}

func maildir(s *daemon.Server, user string) string {
	return filepath.Join(s.Dir, "mail", user, "Maildir")
}

// secrets is the password as the secret database has it: a hash for each way to log in.
var secrets = sync.OnceValues(func() (string, error) {
	var fields []string
	for field, how := range map[string]string{"systempw": "-md5", "hmac-md5pw": "-hmac-md5", "hmac-sha1pw": "-hmac-sha1", "hmac-sha256pw": "-hmac-sha256"} {
		cmd := exec.Command(filepath.Join(root, "usr/sbin/userdbpw"), how)
		cmd.Env = []string{"LD_LIBRARY_PATH=" + filepath.Join(root, "usr/lib")}
		cmd.Stdin = strings.NewReader(Password + "\n")
		out, err := cmd.Output()
		if err != nil {
			return "", fmt.Errorf("userdbpw %s: %w", how, err)
		}
		fields = append(fields, field+"="+strings.TrimSpace(string(out)))
	}
	return strings.Join(fields, "|"), nil
})

// writeUsers writes the databases that authdaemond looks into.
func writeUsers(s *daemon.Server, users []string) error {
	password, err := secrets()
	if err != nil {
		return err
	}
	var public, secret bytes.Buffer
	for _, name := range users {
		fmt.Fprintf(&public, "%s\thome=%s|mail=%s|uid=%d|gid=%d\n", name, filepath.Join(s.Dir, "mail", name), maildir(s, name), s.Owner.UID, s.Owner.GID)
		fmt.Fprintf(&secret, "%s\t%s\n", name, password)
	}
	for name, text := range map[string]*bytes.Buffer{"userdb": &public, "userdbshadow": &secret} {
		text.WriteString(".\n") // the end: without it nothing is written
		path := filepath.Join(s.Dir, name)
		cmd := exec.Command(filepath.Join(s.Dir, "bin/makedatprog"), "-", path+".tmp", path+".dat")
		cmd.Env = environment(s, Options{})
		cmd.Stdin = text
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("makedatprog %s: %w: %s", name, err, out)
		}
		if err := os.Chmod(path+".dat", 0o600); err != nil {
			return err
		}
		if err := s.Owner.Own(path + ".dat"); err != nil {
			return err
		}
	}
	return nil
}

var delivered atomic.Uint64

// Deliver puts a message into the user's maildir the way a mail server does: complete under tmp, then renamed into new. The lines of message
// end in CRLF. Courier gives UIDs to messages that came in the same second in the order of their names: here that is the one in which they came.
func (s *Server) Deliver(user string, message []byte) error {
	now := time.Now()
	name := fmt.Sprintf("%d.M%06dP%dQ%d.localhost", now.Unix(), now.Nanosecond()/1000, os.Getpid(), delivered.Add(1))
	tmp := filepath.Join(maildir(s.Server, user), "tmp", name)
	text := strings.ReplaceAll(string(message), "\r\n", "\n") // as maildirs keep it
	if err := os.WriteFile(tmp, []byte(text), 0o600); err != nil {
		return err
	}
	if err := s.Owner.Own(tmp); err != nil {
		return err
	}
	return os.Rename(tmp, filepath.Join(maildir(s.Server, user), "new", name))
}

// Discard deletes the user's messages that contain a word, as a POP3 server does.
func (s *Server) Discard(user, word string) error {
	var found []string
	for _, sub := range []string{"new", "cur"} {
		files, err := filepath.Glob(filepath.Join(maildir(s.Server, user), sub, "*"))
		if err != nil {
			return err
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			if bytes.Contains(text, []byte(word)) {
				found = append(found, file)
			}
		}
	}
	if len(found) == 0 {
		return fmt.Errorf("%s has no message with %q", user, word)
	}
	for _, file := range found {
		if err := os.Remove(file); err != nil {
			return err
		}
	}
	return nil
}
