// Package clients does the same work with different IMAP clients: log in, select, fetch all rows of a recording. Each run is
// meant for a process of its own, so that its CPU time can be told from that of the server and of other clients.
package clients

import (
	"context"
	"hash/crc32"

	"github.com/pushmail/pushmail/bench/recording"
)

// Client is one way to do the work.
type Client struct {
	Name string
	// Does says what the client hands over, where that is not all of the rows as values.
	Does string
	// check compares what was seen with what was sent.
	check func(got, sent recording.Totals) bool
	run   func(ctx context.Context, addr string, sent recording.Totals) (*Result, error)
}

// The names that others refer to.
const (
	Floor    = "floor"
	Ours     = "pushmail"
	Each     = "pushmail each"
	Decoded  = "pushmail decoded"
	GoIMAPv2 = "go-imap v2"
)

// All are the clients, in the order of the table.
var All = []Client{
	{Name: Floor, Does: "reads the socket, 64 KiB at a time, and looks at nothing", check: sameBytes, run: measured(floor)},
	{Name: Ours, Does: "Fetch, row by row", check: sameRaw, run: measured(pushmailStream)},
	{Name: Each, Does: "FetchEach: each row is good until the next; its memory is used again", check: sameRaw, run: measured(pushmailEach)},
	{Name: Decoded, Does: "… and asks for what go-imap does unasked: encoded words of subjects, names, parameters; dates", check: sameDecoded, run: measured(pushmailDecoded)},
	{Name: "pushmail all", Does: "Fetch, all rows kept", check: sameRaw, run: measured(pushmailCollect)},
	{Name: GoIMAPv2, Does: "Fetch, Next and Collect message by message", check: sameDecoded, run: measured(goimap2Stream)},
	{Name: "go-imap v2 all", Does: "Fetch, Collect", check: sameDecoded, run: measured(goimap2Collect)},
	{Name: "go-imap v1", Does: "Fetch, message by message", check: sameDecoded, run: measured(goimap1Stream)},
	{Name: "imaplib", Does: "Python's own: rows as bytes, nothing is parsed", check: sameUIDs, run: script("fetch_imaplib.py")},
	{Name: "libetpan", Does: "C: mailimap_fetch, all rows as one list", check: sameRaw, run: script("fetch_libetpan.c")},
	{Name: "JavaMail", Does: "Java: Folder.fetch, all rows kept", check: sameDecoded, run: script("FetchJavaMail.java")},
	{Name: "ImapFlow", Does: "Node.js: fetch, message by message", check: sameDecoded, run: script("fetch_imapflow.mjs")},
}

// Find returns the client of that name, or nil.
func Find(name string) *Client {
	for i := range All {
		if All[i].Name == name {
			return &All[i]
		}
	}
	return nil
}

// Run does the work once, in this process.
func (c *Client) Run(ctx context.Context, addr string, sent recording.Totals) (*Result, error) {
	return c.run(ctx, addr, sent)
}

// Saw reports whether the client has really seen what was sent.
func (c *Client) Saw(got, sent recording.Totals) bool { return c.check(got, sent) }

func measured(run func(ctx context.Context, addr string, m *meter) error) func(context.Context, string, recording.Totals) (*Result, error) {
	return func(ctx context.Context, addr string, _ recording.Totals) (*Result, error) {
		m := &meter{}
		err := run(ctx, addr, m)
		return &m.r, err
	}
}

func sameBytes(got, sent recording.Totals) bool { return got.Bytes == sent.Bytes }

func sameUIDs(got, sent recording.Totals) bool {
	return got.Messages == sent.Messages && got.UIDs == sent.UIDs && got.Sizes == sent.Sizes
}

func sameRaw(got, sent recording.Totals) bool {
	return sameValues(got, sent) && got.Subjects == sent.Subjects
}

func sameDecoded(got, sent recording.Totals) bool {
	return sameValues(got, sent) && got.Decoded == sent.Decoded
}

func sameValues(got, sent recording.Totals) bool {
	return sameUIDs(got, sent) && got.Addresses == sent.Addresses && got.Leaves == sent.Leaves
}

// sumBuffer keeps sum from allocating, which would count as the client's.
var sumBuffer []byte

func sum(text string) uint64 {
	sumBuffer = append(sumBuffer[:0], text...)
	return uint64(crc32.ChecksumIEEE(sumBuffer))
}
