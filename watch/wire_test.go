package watch_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imaptest"
)

// counted counts what goes over a connection in both directions, from the first EXAMINE to the IDLE after it.
type counted struct {
	net.Conn
	on, done bool
	bytes    int
}

func (c *counted) Write(p []byte) (int, error) {
	c.on = c.on || strings.Contains(string(p), "EXAMINE")
	c.done = c.done || c.on && strings.Contains(string(p), " IDLE\r\n")
	n, err := c.Conn.Write(p)
	c.add(n)
	return n, err
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.add(n)
	return n, err
}

func (c *counted) add(n int) {
	if c.on && !c.done {
		c.bytes += n
	}
}

// TestOneChangeInAHundredThousandMessagesCostsKilobytes counts all that a reconnect needs to find and report it.
func TestOneChangeInAHundredThousandMessagesCostsKilobytes(t *testing.T) {
	if testing.Short() {
		t.Skip("a mailbox of 100,000 messages")
	}
	condstore := imap.Capabilities{imap.CapQResync}
	for _, rung := range []struct {
		name    string
		without imap.Capabilities
		limit   int
		expunge bool
	}{
		{"qresync", nil, 2 << 10, true},
		{"condstore", condstore, 4 << 10, true},
		{"condstore", append(condstore, imap.CapESearch), 4 << 10, false}, // SEARCH names every UID
	} {
		t.Run(fmt.Sprintf("%s without %v", rung.name, rung.without), func(t *testing.T) {
			inBubble(t, &imaptest.ServerOptions{Without: rung.without}, func(b *bench) {
				fillWithHoles(b.box, 100_000)
				var conn *counted
				b.opts.Dial = b.counting(&conn)
				b.opts.Client.Trace = nil
				b.start()
				b.stop()
				b.take()
				for _, change := range []struct {
					name string
					make func()
				}{
					{"new", func() { b.box.Append(mail("Lunch?")) }},
					{"flags", func() { b.box.AddFlags(700, imap.FlagFlagged) }},
					{"expunge", func() { b.box.Expunge(777) }},
				} {
					if change.name == "expunge" && !rung.expunge {
						continue
					}
					change.make()
					b.start()
					got := b.take()
					b.stop()
					if len(got) != 2 || !strings.Contains(line(got[0]), rung.name) || !strings.HasPrefix(line(got[1]), change.name) {
						t.Fatalf("%s: %d events", change.name, len(got))
					}
					t.Logf("%s: %d bytes", change.name, conn.bytes)
					if conn.bytes > rung.limit || conn.bytes == 0 || !conn.done {
						t.Errorf("%s: %d bytes, limit %d", change.name, conn.bytes, rung.limit)
					}
				}
			})
		})
	}
}

// fillWithHoles puts n messages into a mailbox in which one of a thousand is gone.
func fillWithHoles(box *imaptest.Mailbox, n int) {
	raw := []byte("Subject: x\r\n\r\n")
	var holes []imap.UID
	for i := range n + n/1000 {
		if uid := box.Append(raw, imap.FlagSeen); i%1000 == 500 {
			holes = append(holes, uid)
		}
	}
	box.Expunge(holes...)
}

// counting dials the server and counts.
func (b *bench) counting(conn **counted) func(context.Context, *imapclient.Options) (*imapclient.Conn, error) {
	return func(ctx context.Context, o *imapclient.Options) (*imapclient.Conn, error) {
		client, server := net.Pipe()
		go b.server.ServeConn(server)
		*conn = &counted{Conn: client}
		return imapclient.New(ctx, *conn, o)
	}
}
