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
	s, deliver, other, o := forgetful(t)
	check(t, other.Close())
	first := start(t, watch.AccountOptions{Options: o, MaxConnections: 1})
	first.waitFor(t, "MailboxOpen INBOX")
	deliver("one")
	first.waitFor(t, "MessageNew INBOX one")
	deliver("two")
	first.waitFor(t, "MessageNew INBOX two")
	first.stop(t)

	check(t, s.Discard(forgetfulUser, "<one@example.org>"))
	deliver("three") // two has UID 2 now, and this one UID 3
	deliver("four")

	again := start(t, watch.AccountOptions{Options: o, MaxConnections: 1})
	again.waitFor(t, "MessageNew INBOX four")
	again.stop(t)
	if want := []string{"MessageExpunge INBOX one", "MessageExpunge INBOX two", "MessageNew INBOX two", "MessageNew INBOX three", "MessageNew INBOX four"}; !slices.Equal(mailOf(again.lines()), want) {
		t.Errorf("told %q, want %q", mailOf(again.lines()), want)
	}
	differentIDs(t, slices.Concat(first.events, again.events))
}

// TestMessageThatCourierPutsBeforeOthers: one that is appended gets the UID of one that was delivered and told, if nobody has written
// that down; and so on up to the last. The session of the watcher goes on, and hears of flags that have not changed.
func TestMessageThatCourierPutsBeforeOthers(t *testing.T) {
	for _, flags := range [][]string{nil, {`\Seen`}} {
		t.Run(strings.Join(flags, ""), func(t *testing.T) {
			_, deliver, other, o := forgetful(t)
			defer other.Close()
			w := start(t, watch.AccountOptions{Options: o, MaxConnections: 1})
			w.waitFor(t, "MailboxOpen INBOX")
			want := []string{"MessageNew INBOX one", "MessageNew INBOX two"}
			deliver("one")
			w.waitFor(t, want[0])
			deliver("two")
			w.waitFor(t, want[1])
			if flags != nil { // so that the flags of one are others now, and those of none are what they were
				check(t, other.Select("INBOX"))
				want = append(want, "MessageNew INBOX three")
				deliver("three")
				w.waitFor(t, want[2])
			}
			uid, err := other.Append("INBOX", message("first"), flags...)
			check(t, err)
			w.waitFor(t, "MessageNew INBOX first")
			shifted := want[2*len(flags):]
			for _, line := range shifted {
				want = append(want, strings.Replace(line, "New", "Expunge", 1))
			}
			want = append(want, "MessageNew INBOX first")
			want = append(want, shifted...)
			deliver("last")
			w.waitFor(t, "MessageNew INBOX last")
			w.stop(t)
			if got, want := mailOf(w.lines()), append(want, "MessageNew INBOX last"); !slices.Equal(got, want) {
				t.Errorf("told %q, want %q; the first is UID %d", got, want, uid)
			}
			differentIDs(t, w.events)
		})
	}
}

const forgetfulUser = "jo"

// forgetful is a Courier with an old message in INBOX, whose UIDVALIDITY is written down; how to deliver another one; another
// client; and how to watch it.
func forgetful(t *testing.T) (s *courier.Server, deliver func(subject string), other *rawimap.Session, o watch.Options) {
	t.Helper()
	const user = forgetfulUser
	s = courier.Start(t, courier.Options{IdlePoll: time.Second}, user)
	roots, err := s.CertPool()
	check(t, err)
	deliver = func(subject string) {
		t.Helper()
		check(t, s.Deliver(user, []byte("From: Ann <ann@example.org>\r\nMessage-ID: <"+subject+"@example.org>\r\nSubject: "+subject+"\r\n\r\nHello.\r\n")))
	}
	var log buffer
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(log.String())
		}
	})
	deliver("old")
	other, err = rawimap.Dial(s.IMAPS, roots, user, courier.Password)
	check(t, err)
	check(t, other.Select("INBOX")) // the UIDVALIDITY has to be written down
	return s, deliver, other, watch.Options{
		Client: imapclient.Options{Addr: s.IMAPS, TLSConfig: &tls.Config{RootCAs: roots}, Trace: &imapclient.Trace{W: &log}},
		Login:  func(ctx context.Context, c *imapclient.Conn) error { return c.Login(ctx, user, courier.Password) },
		Logger: slog.New(slog.NewTextHandler(&log, nil)), Store: &watch.MemoryStore{},
	}
}

func differentIDs(t *testing.T, events []watch.Event) {
	t.Helper()
	ids := map[string]string{}
	for _, ev := range events {
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
