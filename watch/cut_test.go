package watch_test

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/watch"
)

var everyByte = flag.Bool("every-byte", false, "strike after each byte of each session: minutes instead of seconds")

// The ways in which a connection is struck.
const (
	cut        = "cut"
	stalled    = "stalled"     // what the server says is swallowed; it hears what the client says
	halfClosed = "half-closed" // the end of the stream, while the client can still write
	duplicated = "duplicated"  // the line is said twice
	forgetful  = "forgetful"   // the next EXISTS is not said
)

// TestStruckEverywhere strikes the first connection of a resumed session after byte k of what the server sends, for every k
// of a session of each kind. Nothing may be lost, and nothing invented.
func TestStruckEverywhere(t *testing.T) {
	kinds := []struct {
		way
		without imap.Capabilities
	}{
		{way{name: "qresync"}, rungs[0].without},
		{way{name: "condstore"}, rungs[1].without},
		{way{name: "uid-diff"}, rungs[2].without},
		{way{name: "poll"}, imap.Capabilities{imap.CapIdle}},
		{way{name: "account", connections: 2}, nil},
		{way{name: "account, one connection", connections: 1}, nil},
		{way{name: "account without CONDSTORE", connections: 1}, rungs[2].without},
		{way{name: "account, NOTIFY", connections: 1, notify: true}, nil},
		{way{name: "account, NOTIFY without CONDSTORE", connections: 1, notify: true}, rungs[2].without},
		{way{name: "manager", managed: true}, nil},
		{way{name: "manager without CONDSTORE", managed: true}, rungs[2].without},
		{way{name: "manager, account", connections: 2, managed: true}, nil},
	}
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			o := imaptest.ServerOptions{Without: kind.without}
			if kind.notify {
				o.Capabilities = withNotify()
			}
			stored := storedBefore(t, o, kind.way)
			total, _ := struckSession(t, o, kind.way, stored, "", 0, false)
			for _, how := range []string{cut, stalled, halfClosed, duplicated} {
				t.Run(how, func(t *testing.T) {
					if *everyByte {
						t.Parallel()
					}
					strikes := 0
					for k := int64(1); k <= total; {
						at, struck := struckSession(t, o, kind.way, stored, how, k, false)
						strikes++
						if t.Failed() {
							struckSession(t, o, kind.way, stored, how, k, true) // to see the protocol
							t.Fatalf("%s after byte %d of %d", how, k, total)
						}
						if how == duplicated && struck {
							k = at // that of the other bytes of the line is the same
						}
						k += strikeEvery()
					}
					t.Logf("%d bytes, struck %d times", total, strikes)
				})
			}
		})
	}
}

// strikeEvery is how many bytes lie between two that a session is struck after.
func strikeEvery() int64 {
	switch {
	case *everyByte:
		return 1
	case testing.Short():
		return 199
	}
	return 47
}

// storedBefore is what the Store has after a session in which there was one message: no fault can hide what comes after it.
func storedBefore(t *testing.T, o imaptest.ServerOptions, w way) map[watch.Key][]byte {
	store := &copyStore{m: map[watch.Key][]byte{}}
	inBubble(t, &o, func(b *bench) {
		b.struckWorld(w)
		b.opts.Store = store
		b.start()
		b.stop()
	})
	return store.m
}

// copyStore is a Store that begins with what another one had.
type copyStore struct {
	mu sync.Mutex
	m  map[watch.Key][]byte
}

func (s *copyStore) Load(_ context.Context, key watch.Key) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.m[key], nil
}

func (s *copyStore) Save(_ context.Context, key watch.Key, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.m[key] = bytes.Clone(value)
	return nil
}

// struckWorld makes mailboxes with a message, which are the same each time, UIDVALIDITY included.
func (b *bench) struckWorld(w way) (work *imaptest.Mailbox, uid imap.UID) {
	b.opts.KeepTrying = true
	w.use(b)
	if w.connections > 0 {
		b.account.SweepInterval = 5 * time.Minute
	}
	return b.user.Mailbox("Work"), b.box.Append(mail("old"))
}

// struckSession runs a history in which the first connection is struck after k bytes. It returns how many bytes came on it until all had
// happened, or, if it was struck, until it was.
func struckSession(t *testing.T, o imaptest.ServerOptions, w way, stored map[watch.Key][]byte, how string, k int64, traced bool) (came int64, was bool) {
	inBubble(t, &o, func(b *bench) {
		work, uid := b.struckWorld(w)
		b.opts.Store = &copyStore{m: maps.Clone(stored)}
		if !traced {
			b.opts.Client.Trace, b.opts.Logger = nil, nil
		}
		b.box.Append(mail("while away"))
		var first *struck
		b.opts.Dial = func(ctx context.Context, o *imapclient.Options) (*imapclient.Conn, error) {
			client, server := net.Pipe()
			go b.server.ServeConn(server)
			if first == nil {
				first = &struck{Conn: client, r: bufio.NewReader(client), how: how, at: k}
				client = first
			}
			return imapclient.New(ctx, client, o)
		}
		b.start()
		b.box.Append(mail("one"))
		work.Append(mail("elsewhere"))
		b.wait(time.Minute)
		b.box.AddFlags(uid, imap.FlagSeen)
		b.wait(time.Minute)
		b.box.Append(mail("two"))
		b.box.Expunge(uid)
		b.wait(11 * time.Minute) // with a truth check
		b.box.Append(mail("three"))
		b.wait(time.Minute)
		came, was = first.came.Load(), first.done()
		b.wait(14 * time.Minute)
		want := []string{"INBOX expunge 1", "INBOX new 2 while away", "INBOX new 3 one", "INBOX new 4 two", "INBOX new 5 three"}
		if w.connections > 0 {
			want = append(want, "Work new 1 elsewhere")
		}
		// Flags that were set while nobody was connected, on a message that is gone by then, are no event.
		got := slices.DeleteFunc(b.happenings(), func(l string) bool { return l == fmt.Sprintf(`INBOX flags %d [+\Seen]`, uid) })
		if !slices.Equal(got, want) {
			t.Errorf("events %q, want %q", got, want)
		}
		if at := first.struckAt.Load(); at > 0 {
			came = at
		}
	})
	return came, was
}

// happenings are the events about messages since the last call, sorted: each id once, and always for the same.
func (b *bench) happenings() (lines []string) {
	ids := map[string]string{}
	for _, ev := range b.take() {
		if ev.Type == watch.MailboxOpen || ev.Type == watch.Link {
			continue
		}
		l := ev.Mailbox + " " + line(ev)
		if before, twice := ids[ev.ID]; twice && before != l {
			b.t.Errorf("id %s is %s and %s", ev.ID, before, l)
		} else if !twice {
			ids[ev.ID] = l
			lines = append(lines, l)
		}
	}
	slices.Sort(lines)
	return lines
}

// struck is the client's end of a connection on which something happens after byte at of what the server says.
type struck struct {
	net.Conn
	r        *bufio.Reader
	how      string
	at       int64
	came     atomic.Int64 // bytes of the server so far
	line     []byte       // the beginning of the current line
	rest     []byte       // to be read before more is
	struckAt atomic.Int64 // came, when it was struck; 0 before
	mayBe    func() bool  // nil: it may be struck whenever it is time
}

// done reports whether it was struck.
func (c *struck) done() bool { return c.struckAt.Load() > 0 }

// due reports whether it is to be struck now.
func (c *struck) due() bool {
	return c.came.Load() >= c.at && !c.done() && (c.mayBe == nil || c.mayBe())
}

func (c *struck) Read(p []byte) (int, error) {
	switch {
	case len(c.rest) > 0:
		n := copy(p, c.rest)
		c.rest = c.rest[n:]
		return n, nil
	case c.how == forgetful:
		return c.forget(p)
	case c.how == "" || c.how == duplicated && c.done():
		n, err := c.r.Read(p)
		c.came.Add(int64(n))
		return n, err
	case c.how != duplicated && (c.done() || c.due()):
		c.strike()
		return c.end()
	}
	if left := c.at - c.came.Load(); left > 1 {
		p = p[:min(int64(len(p)), left)]
	} else {
		p = p[:1]
	}
	n, err := c.r.Read(p)
	c.came.Add(int64(n))
	c.line = append(c.line, p[:n]...)
	if i := bytes.LastIndexByte(c.line, '\n'); i >= 0 {
		// An EXPUNGE that is said twice is two: nobody can tell. A line that ends in a literal is not all of a response.
		if l := c.line; c.how == duplicated && i == len(l)-1 && c.due() && l[0] == '*' && !bytes.Contains(l, []byte(" EXPUNGE")) && !bytes.HasSuffix(l, []byte("}\r\n")) {
			c.strike()
			c.rest = bytes.Clone(l)
		}
		c.line = append(c.line[:0], c.line[i+1:]...)
	}
	return n, err
}

func (c *struck) strike() {
	c.struckAt.CompareAndSwap(0, c.came.Load())
}

// forget reads a line, and not the first EXISTS after the byte.
func (c *struck) forget(p []byte) (int, error) {
	for {
		l, err := c.r.ReadBytes('\n')
		c.came.Add(int64(len(l)))
		if c.due() && bytes.HasSuffix(l, []byte(" EXISTS\r\n")) {
			c.strike()
			continue
		}
		n := copy(p, l)
		if c.rest = l[n:]; n > 0 {
			err = nil
		}
		return n, err
	}
}

func (c *struck) end() (int, error) {
	switch c.how {
	case cut:
		_ = c.Close()
	case stalled:
		_, err := io.Copy(io.Discard, c.r)
		if err == nil {
			err = io.EOF
		}
		return 0, err
	}
	return 0, io.EOF
}
