package watch

import (
	"context"
	"crypto/tls"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/e2e/courier"
	"github.com/pushmail/pushmail/e2e/rawimap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/watch"
)

// TestUIDsThatCourierForgets: Courier writes down which UIDs it gave only in a session that may write, which that of a watcher is
// not. So when a message goes that nobody else has seen, the one behind it gets its UID in the next session, and the next its own.
func TestUIDsThatCourierForgets(t *testing.T) {
	const user = "jo"
	s := courier.Start(t, courier.Options{IdlePoll: time.Second}, user)
	roots, err := s.CertPool()
	check(t, err)
	deliver := func(subject string) {
		t.Helper()
		check(t, s.Deliver(user, []byte("From: Ann <ann@example.org>\r\nMessage-ID: <"+subject+"@example.org>\r\nSubject: "+subject+"\r\n\r\nHello.\r\n")))
	}
	var log buffer
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(log.String())
		}
	})
	o := watch.Options{
		Client: imapclient.Options{Addr: s.IMAPS, TLSConfig: &tls.Config{RootCAs: roots}, Trace: &imapclient.Trace{W: &log}},
		Login:  func(ctx context.Context, c *imapclient.Conn) error { return c.Login(ctx, user, courier.Password) },
		Logger: slog.New(slog.NewTextHandler(&log, nil)), Store: &watch.MemoryStore{},
	}
	deliver("old")
	other, err := rawimap.Dial(s.IMAPS, roots, user, courier.Password)
	check(t, err)
	check(t, other.Select("INBOX")) // the UIDVALIDITY has to be written down
	check(t, other.Close())
	first := start(t, watch.AccountOptions{Options: o, MaxConnections: 1})
	first.waitFor(t, "MailboxOpen INBOX")
	deliver("one")
	first.waitFor(t, "MessageNew INBOX one")
	deliver("two")
	first.waitFor(t, "MessageNew INBOX two")
	first.stop(t)

	check(t, s.Discard(user, "<one@example.org>"))
	deliver("three") // two has UID 2 now, and this one UID 3
	deliver("four")

	again := start(t, watch.AccountOptions{Options: o, MaxConnections: 1})
	again.waitFor(t, "MessageNew INBOX four")
	again.stop(t)
	if want := []string{"MessageExpunge INBOX one", "MessageExpunge INBOX two", "MessageNew INBOX two", "MessageNew INBOX three", "MessageNew INBOX four"}; !slices.Equal(mailOf(again.lines()), want) {
		t.Errorf("told %q, want %q", mailOf(again.lines()), want)
	}
	ids := map[string]string{}
	for _, ev := range slices.Concat(first.events, again.events) {
		if ev.UID == 0 {
			continue
		}
		if was, told := ids[ev.ID]; told {
			t.Errorf("%s has the id of %s", text(ev), was)
		}
		ids[ev.ID] = text(ev)
	}
}

// mailOf are the lines that are of messages.
func mailOf(lines []string) []string {
	return slices.DeleteFunc(lines, func(l string) bool { return !strings.HasPrefix(l, "Message") })
}
