package imapclient_test

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imapwire"
)

// flooded runs a client against a server that says head and then repeats flood until it has sent size
// bytes or the client hangs up, and end after that. It returns the most memory that was in use.
func flooded(t *testing.T, head, flood string, size int, end string, client func(ctx context.Context, nc net.Conn)) uint64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		nc, err := l.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		go io.Copy(io.Discard, nc)
		chunk := []byte(strings.Repeat(flood, 1+(64<<10)/len(flood)))
		_, err = io.WriteString(nc, head)
		for sent := 0; err == nil && sent < size; sent += len(chunk) {
			_, err = nc.Write(chunk)
		}
		if err == nil {
			_, _ = io.WriteString(nc, end)
			<-ctx.Done()
		}
	}()
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	client(ctx, nc)
	var after runtime.MemStats
	runtime.ReadMemStats(&after)
	cancel()
	<-ended
	return after.Sys - before.Sys
}

const mib = 1 << 20

// A server that sends 100 MB in ways that a client might keep must find one that does not.
func TestFloodsAreBounded(t *testing.T) {
	const hello = "* OK [CAPABILITY IMAP4rev1] hello\r\nP1 OK [CAPABILITY IMAP4rev1] welcome\r\n"
	for _, tt := range []struct {
		name, head, flood, end string
		size                   int
		fatal                  bool
	}{
		{"greeting without end", "* OK ", "x", "", 100 * mib, true},
		{"line without end", hello + "* OK ", "x", "", 100 * mib, true},
		{"line beyond the limit", hello + "* OK ", "x", "\r\n* 3 EXISTS\r\nP2 OK done\r\n", 30 * mib, false},
		{"literal of 30 MB in an envelope", hello + "* 1 FETCH (ENVELOPE (NIL {31457280}\r\n", "x", "", 30*mib - 1, true},
		{"small responses", hello, "* 3 EXISTS\r\n", "P2 OK done\r\n", 100 * mib, false},
		{"unknown responses", hello, "* XNEW (a (b {3}\r\nabc) NIL)\r\n", "P2 OK done\r\n", 100 * mib, false},
		{"capabilities", hello, "* CAPABILITY " + strings.Repeat("X=Y ", 1000) + "\r\n", "P2 OK done\r\n", 100 * mib, false},
		{"nesting without end", hello + "* 1 FETCH (BODYSTRUCTURE ", "(", "", 100 * mib, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if testing.Short() && !tt.fatal {
				tt.size /= 10
			}
			used := flooded(t, tt.head, tt.flood, tt.size, tt.end, func(ctx context.Context, nc net.Conn) {
				o := plain()
				o.CommandTimeout = 5 * time.Second
				c, err := imapclient.New(ctx, nc, o)
				if err == nil {
					defer c.Close()
					if err = c.Login(ctx, "jo", "secret"); err == nil {
						err = c.Noop(ctx)
					}
				}
				if tt.fatal != (err != nil) {
					t.Errorf("error %v", err)
				}
				if err != nil && !errors.As(err, new(*imapwire.LimitError)) && !errors.As(err, new(*imapclient.GreetingError)) && !errors.As(err, new(*imapclient.TimeoutError)) {
					t.Errorf("error %v does not name the limit", err)
				}
			})
			if used > 64*mib { // of 100, and what the collector has not come to yet
				t.Errorf("%d MiB of memory were taken", used/mib)
			}
		})
	}
}

// A body of 100 MB flows to a writer in constant memory, at whatever size it is announced.
func TestLongBodyIsStreamed(t *testing.T) {
	const hello = "* OK [CAPABILITY IMAP4rev1] hello\r\nP1 OK [CAPABILITY IMAP4rev1] welcome\r\n* 1 EXISTS\r\nP2 OK done\r\n"
	const size = 1600 * 64 << 10
	chunk := strings.Repeat("0123456789abcdef", 4096)
	var n int64
	used := flooded(t, hello+"* 1 FETCH (UID 7 BODY[] {104857600}\r\n", chunk, size, " FLAGS ())\r\nP3 OK done\r\nP4 OK done\r\n", func(ctx context.Context, nc net.Conn) {
		c, err := imapclient.New(ctx, nc, plain())
		if err == nil {
			err = c.Login(ctx, "jo", "secret")
		}
		if err == nil {
			_, err = c.Select(ctx, "INBOX", nil)
		}
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		if n, err = c.FetchSection(ctx, 7, imap.SectionRequest{}, discard{}); err != nil {
			t.Error(err)
		}
		if err := c.Noop(ctx); err != nil {
			t.Error(err)
		}
	})
	if n != 104857600 {
		t.Errorf("%d bytes", n)
	}
	if used > 16*mib {
		t.Errorf("%d MiB of memory were taken", used/mib)
	}
}

// A writer that fails costs the rest of the body, and nothing else.
func TestBodyWriterThatFails(t *testing.T) {
	const hello = "* OK [CAPABILITY IMAP4rev1] hello\r\nP1 OK [CAPABILITY IMAP4rev1] welcome\r\n* 1 EXISTS\r\nP2 OK done\r\n"
	chunk := strings.Repeat("0123456789abcdef", 4096)
	flooded(t, hello+"* 1 FETCH (UID 7 BODY[] {10485760}\r\n", chunk, 10485760, ")\r\nP3 OK done\r\nP4 OK done\r\n", func(ctx context.Context, nc net.Conn) {
		c, err := imapclient.New(ctx, nc, plain())
		if err == nil {
			err = c.Login(ctx, "jo", "secret")
		}
		if err == nil {
			_, err = c.Select(ctx, "INBOX", nil)
		}
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		full := errors.New("disk full")
		if _, err := c.FetchSection(ctx, 7, imap.SectionRequest{}, failing{full}); !errors.Is(err, full) {
			t.Errorf("error %v", err)
		}
		if err := c.Noop(ctx); err != nil {
			t.Error(err)
		}
	})
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
