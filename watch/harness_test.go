package watch_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/watch"
)

// bench is a watcher of jo's INBOX on an in-memory server, over net.Pipe in a synctest bubble: time
// stands still until everybody waits.
type bench struct {
	t      *testing.T
	server *imaptest.Server
	box    *imaptest.Mailbox
	user   *imaptest.User
	opts   watch.Options
	// account, if not nil, has the whole account be watched, with opts for what both have.
	account *watch.AccountOptions
	notify  bool // the server has NOTIFY
	managed bool // a watch.Manager watches
	trace   *lockedBuffer

	mu      sync.Mutex
	refuse  error        // what dialing comes to
	fault   func() error // what it comes to else; may be nil
	dials   int
	stopped chan struct{}
	cancel  context.CancelFunc
	seen    []watch.Event
	err     error
	stopAt  func(watch.Event) bool // leaves the loop at this event
}

// inBubble runs a test with a watcher that is not started yet.
func inBubble(t *testing.T, o *imaptest.ServerOptions, test func(b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{t: t, server: imaptest.NewServer(o), trace: &lockedBuffer{}}
		b.user = b.server.AddUser("jo", "secret")
		b.box = b.user.Mailbox("INBOX")
		b.opts = watch.Options{
			Client: imapclient.Options{
				Addr: "mail.example.org", Security: imapclient.InsecurePlaintext,
				Trace: &imapclient.Trace{W: b.trace, Timestamps: true},
			},
			Dial:   b.dial,
			Login:  loginAs("jo"),
			Hosts:  &watch.Hosts{},
			Store:  &watch.MemoryStore{},
			Logger: slog.New(slog.NewTextHandler(b.trace, &slog.HandlerOptions{Level: slog.LevelDebug})),
		}
		test(b)
		b.stop()
		b.server.Close()
		if t.Failed() {
			t.Logf("protocol:\n%s", b.trace.String())
		}
	})
}

// withNotify are the capabilities of a server that has NOTIFY, too.
func withNotify() imap.Capabilities { return append(imaptest.DefaultCapabilities(), imap.CapNotify) }

func loginAs(user string) func(context.Context, *imapclient.Conn) error {
	return func(ctx context.Context, c *imapclient.Conn) error { return c.Login(ctx, user, "secret") }
}

func (b *bench) dial(ctx context.Context, o *imapclient.Options) (*imapclient.Conn, error) {
	b.mu.Lock()
	err := b.refuse
	b.dials++
	if err == nil && b.fault != nil {
		err = b.fault()
	}
	b.mu.Unlock()
	if err != nil {
		return nil, err
	}
	client, server := net.Pipe()
	go b.server.ServeConn(server)
	return imapclient.New(ctx, client, o)
}

// dialed returns how often a connection was tried.
func (b *bench) dialed() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.dials
}

// setDown makes dialing fail, or work again.
func (b *bench) setDown(down bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refuse = nil
	if down {
		b.refuse = &imapclient.DialError{Addr: "mail.example.org:993", Stage: "connect", Err: errors.New("connection refused")}
	}
}

// start runs the watcher until stop and waits until it waits.
func (b *bench) start() {
	ctx, cancel := context.WithCancel(context.Background())
	b.cancel, b.stopped = cancel, make(chan struct{})
	go func() {
		defer close(b.stopped)
		for ev, err := range b.sequence(ctx) {
			b.mu.Lock()
			if err != nil {
				b.err = err
				b.mu.Unlock()
				continue
			}
			b.seen = append(b.seen, ev)
			leave := b.stopAt != nil && b.stopAt(ev)
			b.mu.Unlock()
			if leave {
				return
			}
		}
	}()
	synctest.Wait()
}

// stop ends the watcher and returns its final error.
func (b *bench) stop() error {
	if b.cancel == nil {
		return nil
	}
	b.cancel()
	<-b.stopped
	b.cancel = nil
	return b.err
}

// take returns the events since the last call, when all is quiet.
func (b *bench) take() []watch.Event {
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	seen := b.seen
	b.seen = nil
	return seen
}

// expect compares the events since the last call with lines such as "new 3 Lunch?".
func (b *bench) expect(want ...string) []watch.Event {
	b.t.Helper()
	got := b.take()
	var lines []string
	for _, ev := range got {
		lines = append(lines, line(ev))
	}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") {
		b.t.Errorf("events:\n\t%s\nwant:\n\t%s", strings.Join(lines, "\n\t"), strings.Join(want, "\n\t"))
	}
	return got
}

// line writes an event in a few words.
func line(ev watch.Event) string {
	subject := ""
	if ev.Message != nil && ev.Message.Envelope != nil {
		subject = " " + ev.Message.Envelope.Subject
	}
	switch ev.Type {
	case watch.MessageNew:
		return fmt.Sprintf("new %d%s", ev.UID, subject)
	case watch.MessageExpunge:
		return fmt.Sprintf("expunge %d%s", ev.UID, subject)
	case watch.FlagChange:
		return fmt.Sprintf("flags %d %v", ev.UID, flags(ev))
	case watch.MailboxOpen:
		return fmt.Sprintf("open %d %s %s", ev.Open.Exists, ev.Open.Method, ev.Open.Push)
	case watch.MailboxReset:
		return fmt.Sprintf("reset %d -> %d", ev.Reset.OldUIDValidity, ev.UIDValidity)
	}
	if ev.Type == watch.MailboxName {
		return strings.TrimSpace(fmt.Sprintf("%s %s %s", ev.Name.Change, ev.Mailbox, ev.Name.OldMailbox))
	}
	return fmt.Sprintf("link up=%v stale=%v", ev.Link.Up, ev.Link.Stale)
}

func flags(ev watch.Event) []string {
	var out []string
	for _, f := range ev.Added {
		out = append(out, "+"+string(f))
	}
	for _, f := range ev.Removed {
		out = append(out, "-"+string(f))
	}
	return out
}

// mail is a message with a subject.
func mail(subject string) []byte {
	return []byte("From: Jo <jo@example.org>\r\nTo: al@example.org\r\nSubject: " + subject +
		"\r\nMessage-ID: <" + subject + "@example.org>\r\n\r\nHello.\r\n")
}

func (b *bench) session() *imaptest.Session {
	b.t.Helper()
	synctest.Wait()
	all := b.server.Sessions()
	if len(all) != 1 {
		b.t.Fatalf("%d sessions, want 1", len(all))
	}
	return all[0]
}

// count counts the commands of a name that the server sees from now on.
func (b *bench) count(name string) func() int {
	var mu sync.Mutex
	n := 0
	b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
		mu.Lock()
		defer mu.Unlock()
		if c.Name == name {
			n++
		}
		return imaptest.Pass
	})
	return func() int {
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		return n
	}
}

// on does something else with every command of a name.
func (b *bench) on(name string, verdict imaptest.Verdict) {
	b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
		if c.Name == name {
			return verdict
		}
		return imaptest.Pass
	})
}

// once does something else with the first command of a name.
func (b *bench) once(name string, verdict imaptest.Verdict) {
	var done atomic.Bool
	b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
		if c.Name == name && done.CompareAndSwap(false, true) {
			return verdict
		}
		return imaptest.Pass
	})
}

// wait lets fake time pass.
func (b *bench) wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
