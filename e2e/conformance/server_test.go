package conformance

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/e2e/daemon"
	"github.com/pushmail/pushmail/e2e/rawimap"
)

// The gear itself: mail that was delivered outlives a crash of each server that keeps mail, users do not see each other's, and two servers of a
// kind run side by side.
func TestServersSurviveKillAndRestart(t *testing.T) {
	for _, c := range columns {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.require(t)
			s, other := startServer(t, c), startServer(t, c)
			check(t, s.Deliver("jo", letter(1)))
			wantMail(t, s, "jo", 1)
			wantMail(t, s, "al")
			wantMail(t, other, "jo")

			check(t, s.Kill())
			if _, err := net.Dial("tcp", s.core().IMAPS); err == nil {
				t.Error("somebody still listens after the kill")
			}
			check(t, s.Restart())
			if c.volatile {
				wantMail(t, s, "jo")
				return
			}
			check(t, s.Deliver("jo", letter(2)))
			wantMail(t, s, "jo", 1, 2)
			check(t, s.Stop())
			check(t, s.Restart())
			wantMail(t, s, "jo", 1, 2)
		})
	}
}

func startServer(t *testing.T, c *column) server {
	t.Helper()
	s, err := c.start()
	check(t, err)
	s.core().KeepUntilEnd(t)
	check(t, s.AddUsers("jo"))
	check(t, s.AddUsers("al", "jo"))
	return s
}

// wantMail fails unless the user's INBOX has these UIDs and messages.
func wantMail(t *testing.T, s server, user string, uids ...uint32) {
	t.Helper()
	roots, err := s.CertPool()
	check(t, err)
	session, err := rawimap.Dial(s.core().IMAPS, roots, user, daemon.Password)
	check(t, err)
	defer session.Close()
	check(t, session.Select("INBOX"))
	got, err := session.UIDs()
	check(t, err)
	if !slices.Equal(got, uids) {
		t.Fatalf("%s has UIDs %v, want %v", user, got, uids)
	}
	for _, uid := range uids {
		lines, err := session.Do(fmt.Sprintf("UID FETCH %d BODY.PEEK[]", uid))
		check(t, err)
		if want := string(letter(int(uid))); !slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, want) }) {
			t.Errorf("message %d of %s is %q", uid, user, lines)
		}
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
