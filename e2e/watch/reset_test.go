package watch

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/e2e/dovecot"
	"github.com/pushmail/pushmail/e2e/rawimap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/watch"
)

// TestMailThatComesWhileUIDValidityChanges has Dovecot renumber INBOX while nobody watches: what came meanwhile is
// reported, and what was there is not, whether it was seen as a whole or by its header alone.
func TestMailThatComesWhileUIDValidityChanges(t *testing.T) {
	for _, way := range []struct {
		name   string
		change func(s *dovecot.Server, user string) error
	}{
		{"by doveadm", func(s *dovecot.Server, user string) error {
			_, err := s.ChangeUIDValidity(user, "INBOX")
			return err
		}},
		{"by the loss of its lists", loseLists},
	} {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			s := dovecot.Start(t, dovecot.Options{MailLocation: "maildir:~/Maildir"})
			roots, err := s.CertPool()
			check(t, err)
			const user = "reset"
			add := func(headers ...string) {
				t.Helper()
				other, err := rawimap.Dial(s.IMAPS, roots, user, dovecot.Password)
				check(t, err)
				defer other.Close()
				for _, h := range headers {
					_, err := other.Append("INBOX", []byte(h+"From: Ann <ann@example.org>\r\n\r\nHello.\r\n"))
					check(t, err)
				}
			}
			odd := func(name string) []string {
				return []string{
					fmt.Sprintf("Subject: %s1\r\nMessage-ID: <%s1@example.org>\r\n", name, name),
					fmt.Sprintf("Subject: %s2\r\nMessage-ID:\r\n <%s2@example.org> (folded)\r\n", name, name),
					fmt.Sprintf("Subject: %s3\r\n", name), // none
					fmt.Sprintf("Subject: %s4\r\nMessage-ID: no brackets %s4\r\n", name, name),
					fmt.Sprintf("Subject: %s5\r\nMessage-ID: <>\r\n", name),
					fmt.Sprintf("Subject: %s6\r\nMessage-ID: <a@b>\r\nMessage-Id: <%s6@example.org>\r\n", name, name),
					fmt.Sprintf("Subject: %s7\r\nMessage-ID: <\"%s quoted\"@[127.0.0.1]>\r\n", name, name),
				}
			}
			o := watch.Options{
				Client: imapclient.Options{Addr: s.IMAPS, TLSConfig: &tls.Config{RootCAs: roots}},
				Login:  func(ctx context.Context, c *imapclient.Conn) error { return c.Login(ctx, user, dovecot.Password) },
				Logger: slog.New(slog.NewTextHandler(&buffer{}, nil)),
				Store:  &watch.MemoryStore{},
			}
			add(odd("base")...)
			first := start(t, watch.AccountOptions{Options: o, MaxConnections: 1})
			first.waitFor(t, "MailboxOpen INBOX")
			add(odd("live")...)
			first.waitFor(t, "MessageNew INBOX live7")
			first.stop(t)
			add(odd("gap")...)
			check(t, way.change(s, user))
			add("Subject: after\r\n")
			again := start(t, watch.AccountOptions{Options: o, MaxConnections: 1})
			again.waitFor(t, "MessageNew INBOX after")
			again.stop(t)
			var news []string
			for _, line := range again.lines() {
				if subject, ok := strings.CutPrefix(line, "MessageNew INBOX "); ok {
					news = append(news, subject)
				}
			}
			slices.Sort(news)
			if want := "after gap1 gap2 gap3 gap4 gap5 gap6 gap7"; strings.Join(news, " ") != want {
				t.Errorf("new: %v, want %s; events: %q", news, want, again.lines())
			}
		})
	}
}

// loseLists takes away what Dovecot knows of UIDs, as a disk that was restored in part.
func loseLists(s *dovecot.Server, user string) error {
	lost := 0
	err := filepath.WalkDir(s.Dir, func(path string, _ os.DirEntry, err error) error {
		name := filepath.Base(path)
		if err == nil && strings.Contains(path, string(filepath.Separator)+user+string(filepath.Separator)) && (name == "dovecot-uidlist" || strings.HasPrefix(name, "dovecot.index")) {
			lost++
			return os.Remove(path)
		}
		return nil
	})
	if err == nil && lost < 2 {
		err = fmt.Errorf("no lists found below %s", s.Dir)
	}
	return err
}
