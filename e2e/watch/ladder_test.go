package watch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/e2e/cyrus"
	"github.com/pushmail/pushmail/e2e/dovecot"
	"github.com/pushmail/pushmail/e2e/rawimap"
	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/watch"
)

// rungs are the ways to compare a mailbox with what was known, by what is not made use of.
var rungs = []struct {
	method string
	mask   []imap.Capability
}{
	{"qresync", nil},
	{"condstore", []imap.Capability{imap.CapQResync}},
	{"condstore", []imap.Capability{imap.CapQResync, imap.CapESearch, imap.CapIMAP4rev2}},
	{"search", []imap.Capability{imap.CapQResync, imap.CapCondStore}},
	{"search", []imap.Capability{imap.CapQResync, imap.CapCondStore, imap.CapObjectID}},
	{"uid-diff", []imap.Capability{imap.CapQResync, imap.CapCondStore, imap.CapESearch, imap.CapIMAP4rev2}},
}

// TestEveryRungTellsTheSameOnRealServers changes a mailbox of some hundred messages while nobody watches, twice. Each way to find out must
// tell the same in the same order, and nothing of messages that only look odd.
func TestEveryRungTellsTheSameOnRealServers(t *testing.T) {
	const user = "ladder"
	for _, server := range []struct {
		name  string
		start func(t *testing.T) (address string, roots func() (*x509.CertPool, error))
	}{
		{"Dovecot", func(t *testing.T) (string, func() (*x509.CertPool, error)) {
			s := dovecot.Start(t, dovecot.Options{})
			return s.IMAPS, s.CertPool
		}},
		{"Cyrus", func(t *testing.T) (string, func() (*x509.CertPool, error)) {
			s := cyrus.Start(t, user)
			return s.IMAPS, s.CertPool
		}},
	} {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			address, pool := server.start(t)
			roots, err := pool()
			check(t, err)
			h := newHistory(t, address, roots, user)
			stores := make([]watch.Store, len(rungs))
			for i := range rungs {
				stores[i] = &watch.MemoryStore{}
				h.watch(t, i, stores[i], func(ev watch.Event) bool { return ev.Type == watch.MailboxOpen })
			}
			for round, change := range []func(*testing.T){h.first, h.second} {
				change(t)
				last := fmt.Sprint("last of round ", round)
				h.add(t, last)
				var want []string
				for i, rung := range rungs {
					told := h.watch(t, i, stores[i], func(ev watch.Event) bool {
						return ev.Message != nil && ev.Message.Envelope.Subject == last && ev.Type == watch.MessageNew
					})
					if told[0] != "open "+rung.method {
						t.Errorf("without %v: %s, want %s", rung.mask, told[0], rung.method)
					}
					if told = told[1:]; i == 0 {
						want = told
					}
					if !slices.Equal(told, want) {
						t.Errorf("round %d: without %v told\n%q, want\n%q", round, rung.mask, told, want)
					}
				}
				if len(want) < 10 {
					t.Errorf("round %d: told %q", round, want)
				}
				t.Logf("round %d: %d changes", round, len(want))
			}
		})
	}
}

// history is a mailbox that somebody else changes.
type history struct {
	address string
	roots   *x509.CertPool
	user    string
	other   *rawimap.Session
}

const before = 400 // messages; fewer are cheaper to compare one by one

func newHistory(t *testing.T, address string, roots *x509.CertPool, user string) *history {
	other, err := rawimap.Dial(address, roots, user, dovecot.Password)
	check(t, err)
	t.Cleanup(func() { other.Close() })
	h := &history{address, roots, user, other}
	check(t, other.Select("INBOX"))
	var all [][]byte
	for i := range before {
		all = append(all, odd(fmt.Sprint("m", i)))
	}
	_, err = other.AppendMany("INBOX", all)
	check(t, err)
	h.do(t, `UID STORE 1:300 +FLAGS.SILENT (\Seen)`, `UID STORE 50:60,200 +FLAGS.SILENT (\Flagged)`, `UID STORE 7,9,300:303 +FLAGS.SILENT ($Work)`)
	return h
}

// odd is a message with one of the Message-IDs that mail has.
func odd(subject string) []byte {
	ids := [...]string{
		"Message-ID: <" + subject + "@example.org>\r\n", "", "Message-ID:\r\n <" + subject + "@example.org> (folded)\r\n", "Message-ID: no brackets " + subject + "\r\n",
		"Message-ID: <>\r\n", "Message-ID: <a@b>\r\nMessage-Id: <" + subject + "@example.org>\r\n", "Message-ID: <\"" + subject + " x\"@[127.0.0.1]>\r\n",
		"Message-ID: =?utf-8?q?=3C" + subject + "@example.org=3E?=\r\n", "Message-ID: <\xe9" + subject + "@example.org>\r\n",
	}
	return []byte("From: Ann <ann@example.org>\r\n" + ids[int(subject[len(subject)-1])%len(ids)] + "Subject: " + subject + "\r\n\r\nHello.\r\n")
}

func (h *history) do(t *testing.T, commands ...string) {
	t.Helper()
	for _, c := range commands {
		_, err := h.other.Do(c)
		check(t, err)
	}
}

func (h *history) add(t *testing.T, subject string) uint32 {
	t.Helper()
	uid, err := h.other.Append("INBOX", odd(subject))
	check(t, err)
	return uid
}

func (h *history) first(t *testing.T) {
	check(t, h.other.Expunge(3, 4, 5, 100, 399))
	h.do(
		t, `UID STORE 310,311,400 +FLAGS.SILENT (\Seen)`, `UID STORE 20:22 -FLAGS.SILENT (\Seen)`, `UID STORE 50 FLAGS.SILENT (\Answered)`,
		`UID STORE 7 -FLAGS.SILENT ($Work)`, `UID STORE 8 +FLAGS.SILENT ($Work)`, // as many have it as before
		`UID STORE 12 +FLAGS.SILENT ($Fresh)`,                                              // nobody had it
		`UID STORE 398 +FLAGS.SILENT (\Flagged)`, `UID STORE 398 -FLAGS.SILENT (\Flagged)`, // no net change
	)
	for i := range 5 {
		h.add(t, fmt.Sprint("first", i))
	}
	check(t, h.other.Expunge(h.add(t, "came and went")))
	h.add(t, "first5")
}

func (h *history) second(t *testing.T) {
	check(t, h.other.Expunge(1, 401, 398))
	h.do(t, `UID STORE 12 FLAGS.SILENT ()`, `UID STORE 402 +FLAGS.SILENT (\Seen $Fresh)`, `UID STORE 30:35 +FLAGS.SILENT (\Deleted)`)
	for i := range 3 {
		h.add(t, fmt.Sprint("second", i))
	}
}

// watch watches the mailbox until an event and returns what it was told.
func (h *history) watch(t *testing.T, rung int, store watch.Store, until func(watch.Event) bool) (told []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var log buffer
	done := false
	for ev, err := range watch.Mailbox(ctx, watch.Options{
		Client: imapclient.Options{
			Addr: h.address, TLSConfig: &tls.Config{RootCAs: h.roots}, MaskCapabilities: rungs[rung].mask, Trace: &imapclient.Trace{W: &log},
		},
		Login: func(ctx context.Context, c *imapclient.Conn) error { return c.Login(ctx, h.user, dovecot.Password) },
		Store: store, Logger: slog.New(slog.NewTextHandler(&log, nil)),
	}) {
		if done && err != nil {
			break
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, log.String())
		}
		subject := ""
		if ev.Message != nil && ev.Message.Envelope != nil {
			subject = " " + ev.Message.Envelope.Subject
		}
		switch ev.Type {
		case watch.MailboxOpen:
			told = append(told, "open "+ev.Open.Method)
		case watch.FlagChange:
			told = append(told, strings.ToLower(fmt.Sprintf("flags %d +%v -%v", ev.UID, ev.Added, ev.Removed)))
		case watch.MessageNew, watch.MessageExpunge:
			told = append(told, fmt.Sprintf("%v %d%s%s", ev.Type, ev.UID, subject, ev.Reuse))
		}
		if done = done || until(ev); done {
			cancel() // asking for the next one acknowledges this one
		}
	}
	return told
}
