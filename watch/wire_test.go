package watch_test

import (
	"context"
	"fmt"
	"math/rand/v2"
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
	commands int
}

func (c *counted) Write(p []byte) (int, error) {
	c.on = c.on || strings.Contains(string(p), "EXAMINE")
	c.done = c.done || c.on && strings.Contains(string(p), " IDLE\r\n")
	n, err := c.Conn.Write(p)
	c.add(n)
	if c.on && !c.done {
		c.commands++
	}
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
		t.Skip("mailboxes of 100,000 messages")
	}
	qresync := imap.Capabilities{imap.CapQResync}
	modSeqs := imap.Capabilities{imap.CapQResync, imap.CapCondStore}
	without := func(more ...imap.Capability) imap.Capabilities { return append(modSeqs[:2:2], more...) }
	const kb = 1 << 10
	for _, rung := range []struct {
		method  string
		without imap.Capabilities
		read    string
		limit   int
	}{
		{"qresync", nil, "in runs", 2 * kb},
		{"qresync", nil, "at random", 2 * kb},
		{"condstore", qresync, "in runs", 4 * kb},
		{"condstore", qresync, "at random", 4 * kb},
		{"condstore", append(qresync[:1:1], imap.CapESearch), "in runs", 600 * kb},
		{"search", modSeqs, "in runs", 4 * kb},
		{"search", modSeqs, "at random", 400 * kb}, // 14 bytes for each run of messages that have been read
		{"uid-diff", without(imap.CapESearch), "in runs", 6000 * kb},
	} {
		t.Run(fmt.Sprintf("%s without %v, read %s", rung.method, rung.without, rung.read), func(t *testing.T) {
			inBubble(t, &imaptest.ServerOptions{Without: rung.without}, func(b *bench) {
				fill(b.box, 100_000, seenBy[rung.read])
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
					{"expunge", func() { b.box.Expunge(77_777) }},
				} {
					change.make()
					b.start()
					got := b.take()
					b.stop()
					if len(got) != 2 || !strings.Contains(line(got[0]), rung.method) || !strings.HasPrefix(line(got[1]), change.name) {
						t.Fatalf("%s: %d events, first %s", change.name, len(got), line(got[0]))
					}
					t.Logf("%s: %d bytes, %d commands", change.name, conn.bytes, conn.commands)
					if conn.bytes > rung.limit || conn.bytes == 0 || !conn.done {
						t.Errorf("%s: %d bytes, limit %d", change.name, conn.bytes, rung.limit)
					}
				}
			})
		})
	}
}

// seenBy is which 70 % of the messages have been read.
var seenBy = map[string]func(rng *rand.Rand, i int) bool{
	"in runs":   func(_ *rand.Rand, i int) bool { return i%2500 < 1750 },
	"at random": func(rng *rand.Rand, _ int) bool { return rng.IntN(10) < 7 },
}

// fill puts n messages into a mailbox of which one of a thousand is gone, and every 5,000th is flagged, junk or
// answered.
func fill(box *imaptest.Mailbox, n int, seen func(rng *rand.Rand, i int) bool) {
	rng := rand.New(rand.NewPCG(1, 1))
	raw := []byte("Subject: x\r\n\r\n")
	var holes []imap.UID
	rare := map[int]imap.Flag{1000: imap.FlagFlagged, 2000: imap.FlagAnswered, 3000: imap.FlagJunk}
	for i := range n + n/1000 {
		var flags []imap.Flag
		if seen(rng, i) {
			flags = append(flags, imap.FlagSeen)
		}
		if f, ok := rare[i%5000]; ok {
			flags = append(flags, f)
		}
		if uid := box.Append(raw, flags...); i%1000 == 500 {
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
