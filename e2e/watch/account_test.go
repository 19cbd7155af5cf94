package watch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pushmail/pushmail/e2e/dovecot"
	"github.com/pushmail/pushmail/e2e/rawimap"
	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/watch"
)

const patience = 20 * time.Second

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestAccount watches all mailboxes of an account by NOTIFY, by a connection for INBOX and STATUS for the others, and with
// one connection for everything: the same happens, and the same is reported.
func TestAccount(t *testing.T) {
	s := dovecot.Start(t, dovecot.Options{})
	for i, way := range []struct {
		name  string
		mask  []imap.Capability
		conns int
		push  string
	}{
		{"NOTIFY", nil, 0, "notify"},
		{"sweeps", []imap.Capability{imap.CapNotify}, 0, "sweep"},
		{"one connection", []imap.Capability{imap.CapNotify}, 1, "sweep"},
		{"without LIST-STATUS and CONDSTORE", []imap.Capability{imap.CapNotify, imap.CapListStatus, imap.CapListExtended, imap.CapCondStore, imap.CapQResync}, 0, "sweep"},
	} {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			user := fmt.Sprint("account", i)
			roots, err := s.CertPool()
			check(t, err)
			other, err := rawimap.Dial(s.IMAPS, roots, user, dovecot.Password)
			check(t, err)
			defer other.Close()
			do := func(command string) {
				t.Helper()
				_, err := other.Do(command)
				check(t, err)
			}
			appendTo := func(mailbox, subject string) {
				t.Helper()
				_, err := other.Append(mailbox, message(subject))
				check(t, err)
			}
			do("CREATE Work")
			appendTo("Work", "old")
			var log buffer
			a := start(t, watch.AccountOptions{
				MaxConnections: way.conns, SweepInterval: time.Second,
				Options: watch.Options{
					Client: imapclient.Options{
						Addr: s.IMAPS, TLSConfig: &tls.Config{RootCAs: roots}, MaskCapabilities: way.mask,
						Trace: &imapclient.Trace{W: &log},
					},
					Login:  func(ctx context.Context, c *imapclient.Conn) error { return c.Login(ctx, user, dovecot.Password) },
					Logger: slog.New(slog.NewTextHandler(&log, nil)),
				},
			})
			t.Cleanup(func() {
				if t.Failed() {
					t.Log(log.String())
				}
			})
			ev := a.waitFor(t, "MailboxOpen Work")
			if ev.Open.Push != way.push {
				t.Errorf("push %q, want %q", ev.Open.Push, way.push)
			}
			a.waitFor(t, "MailboxOpen INBOX")
			appendTo("INBOX", "one")
			a.waitFor(t, "MessageNew INBOX one")
			appendTo("Work", "two")
			a.waitFor(t, "MessageNew Work two")
			do("SELECT Work")
			do(`STORE 1 +FLAGS.SILENT (\Seen \Deleted)`)
			a.waitFor(t, "FlagChange Work")
			do("EXPUNGE")
			a.waitFor(t, "MessageExpunge Work")
			do("CREATE Fresh")
			appendTo("Fresh", "three")
			a.waitFor(t, "MailboxName created Fresh")
			a.waitFor(t, "MessageNew Fresh three")
			do("RENAME Fresh Ripe")
			a.waitFor(t, "MailboxName renamed Ripe Fresh")
			appendTo("Ripe", "four")
			a.waitFor(t, "MessageNew Ripe four")
			do("DELETE Ripe")
			a.waitFor(t, "MailboxName deleted Ripe")
			appendTo("INBOX", "five")
			a.waitFor(t, "MessageNew INBOX five")
			a.stop(t)
			seen := map[string]bool{}
			for _, line := range a.lines() {
				if strings.HasPrefix(line, "MessageNew") && seen[line] {
					t.Errorf("%s was reported twice", line)
				}
				seen[line] = true
			}
			if seen["MessageNew Work old"] {
				t.Error("what was there before was reported as new")
			}
		})
	}
}

func message(subject string) []byte {
	return []byte("From: Ann <ann@example.org>\r\nTo: Jo <jo@example.org>\r\nSubject: " + subject + "\r\n\r\nHello.\r\n")
}

// running is a watcher whose events are collected.
type running struct {
	cancel context.CancelFunc
	done   chan struct{}

	mu     sync.Mutex
	events []watch.Event
	err    error
	more   chan struct{}
}

func start(t *testing.T, o watch.AccountOptions) *running {
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{cancel: cancel, done: make(chan struct{}), more: make(chan struct{}, 1)}
	t.Cleanup(func() { cancel(); <-r.done })
	go func() {
		defer close(r.done)
		for ev, err := range watch.Account(ctx, o) {
			r.mu.Lock()
			if err != nil {
				r.err = err
			} else {
				r.events = append(r.events, ev)
			}
			r.mu.Unlock()
			select {
			case r.more <- struct{}{}:
			default:
			}
		}
	}()
	return r
}

// text writes an event in a few words.
func text(ev watch.Event) string {
	words := []string{ev.Type.String()}
	if ev.Name != nil {
		words = append(words, ev.Name.Change)
	}
	words = append(words, ev.Mailbox)
	if ev.Name != nil && ev.Name.OldMailbox != "" {
		words = append(words, ev.Name.OldMailbox)
	}
	if ev.Message != nil && ev.Message.Envelope != nil {
		words = append(words, ev.Message.Envelope.Subject)
	}
	return strings.Join(words, " ")
}

func (r *running) lines() (lines []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, ev := range r.events {
		lines = append(lines, text(ev))
	}
	return lines
}

// waitFor waits for an event, and takes it: another one like it would be a new one.
func (r *running) waitFor(t *testing.T, line string) watch.Event {
	t.Helper()
	late := time.After(patience)
	for {
		r.mu.Lock()
		for i := range r.events {
			// What was not expected has no account and counts as taken.
			if text(r.events[i]) == line || strings.HasPrefix(text(r.events[i]), line+" ") {
				ev := r.events[i]
				r.mu.Unlock()
				return ev
			}
		}
		err := r.err
		r.mu.Unlock()
		if err != nil {
			t.Fatalf("no %q: %v; events: %q", line, err, r.lines())
		}
		select {
		case <-r.more:
		case <-r.done:
		case <-late:
			t.Fatalf("no %q within %v; events: %q", line, patience, r.lines())
		}
	}
}

func (r *running) stop(t *testing.T) {
	t.Helper()
	r.cancel()
	<-r.done
	if !errors.Is(r.err, context.Canceled) {
		t.Errorf("ended with %v", r.err)
	}
}

type buffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
