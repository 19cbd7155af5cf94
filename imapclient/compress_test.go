package imapclient_test

import (
	"bufio"
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imapwire"
)

// squeezed is the server's side of a compressed connection, as other implementations have it: one
// compressor for all, flushed after each line or at the end.
type squeezed struct {
	net.Conn
	lines *bufio.Reader // of the client
	out   *flate.Writer
	buf   *bytes.Buffer // what is to be sent in one piece
}

// squeeze is called when both sides have agreed.
func squeeze(nc net.Conn, level int) *squeezed {
	var buf bytes.Buffer
	z, _ := flate.NewWriter(&buf, level)
	return &squeezed{nc, bufio.NewReader(flate.NewReader(nc)), z, &buf}
}

func (s *squeezed) line(t *testing.T) string {
	line, err := s.lines.ReadString('\n')
	if err != nil {
		t.Errorf("the server cannot read: %v", err)
	}
	return strings.TrimSuffix(line, "\r\n")
}

func (s *squeezed) say(text string, flush bool) {
	_, _ = io.WriteString(s.out, text)
	if flush {
		_ = s.out.Flush()
		s.send()
	}
}

func (s *squeezed) send() {
	_, _ = s.Conn.Write(s.buf.Bytes())
	s.buf.Reset()
}

// compressing runs a client with a selected mailbox of a server that has agreed to compress.
func compressing(t *testing.T, o *imapclient.Options, server func(s *squeezed), client func(ctx context.Context, c *imapclient.Conn)) {
	t.Helper()
	if o == nil {
		o = plain()
	}
	var h heard
	o.AllowPreauth, o.Handler = true, h.handle
	theirs, ours := net.Pipe()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer ours.Close()
		r := bufio.NewReader(ours)
		say := func(text string) string {
			_, _ = io.WriteString(ours, text)
			line, _ := r.ReadString('\n')
			tag, _, _ := strings.Cut(line, " ")
			return tag
		}
		tag := say("* PREAUTH [CAPABILITY IMAP4rev1 COMPRESS=DEFLATE LITERAL+ UNAUTHENTICATE] hello\r\n")
		tag = say("* 3 EXISTS\r\n" + tag + " OK selected\r\n")
		// The OK and the first compressed bytes come together.
		s := squeeze(ours, 6)
		s.buf.WriteString(tag + " OK compressing\r\n")
		s.say("* OK welcome to compression\r\n", true)
		server(s)
	}()
	c, err := imapclient.New(t.Context(), theirs, o)
	if err == nil {
		_, err = c.Select(t.Context(), "INBOX", nil)
	}
	if err == nil {
		err = c.Compress(t.Context())
	}
	if err != nil || !c.Compressed() {
		t.Fatal(err)
	}
	client(t.Context(), c)
	c.Close()
	<-ended
	if len(h) == 0 || h[0] != "OK welcome to compression" {
		t.Errorf("the first compressed response was lost: %v", h)
	}
}

func TestCompressedConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		text := strings.Repeat("Dear Jo, this is a line of a letter.\r\n", 3000)
		compressing(t, nil, func(s *squeezed) {
			tag, _, _ := strings.Cut(s.line(t), " ")
			s.say(fmt.Sprintf("* 1 FETCH (UID 5 BODY[] {%d}\r\n%s)\r\n%s OK done\r\n", len(text), text, tag), true)
			line := s.line(t)
			if want := fmt.Sprintf(`APPEND INBOX {%d}`, len(text)); !strings.HasSuffix(line, want) {
				t.Errorf("got %q, want %q", line, want)
			}
			s.say("+ go on\r\n", true)
			got := make([]byte, len(text)+2)
			_, _ = io.ReadFull(s.lines, got)
			if string(got) != text+"\r\n" {
				t.Error("the message is not what it was")
			}
			tag, _, _ = strings.Cut(line, " ")
			s.say(tag+" OK done\r\n", true)
		}, func(ctx context.Context, c *imapclient.Conn) {
			var got strings.Builder
			if _, err := c.FetchSection(ctx, 5, imap.SectionRequest{}, &got); err != nil || got.String() != text {
				t.Errorf("%d bytes, want %d: %v", got.Len(), len(text), err)
			}
			if _, err := c.Append(ctx, "INBOX", strings.NewReader(text), int64(len(text)), nil); err != nil {
				t.Error(err)
			}
			if err := c.Compress(ctx); err != nil {
				t.Error("again:", err)
			}
		})
	})
}

// A time-out in the middle of a compressed block costs the command, and not the connection.
func TestCompressedConnectionSurvivesCancellation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		compressing(t, nil, func(s *squeezed) {
			tag, _, _ := strings.Cut(s.line(t), " ")
			s.say("* 4 EXISTS\r\n"+tag+" OK done\r\n", false)
			_ = s.out.Flush()
			told := make(chan struct{})
			go func() {
				defer close(told)
				for _, b := range s.buf.Bytes() {
					time.Sleep(time.Minute)
					_, _ = s.Conn.Write([]byte{b})
				}
			}()
			for first := true; ; first = false {
				line, err := s.lines.ReadString('\n')
				if err != nil {
					return
				}
				if first {
					<-told
					s.buf.Reset()
				}
				tag, _, _ = strings.Cut(line, " ")
				s.say(tag+" OK done\r\n", true)
			}
		}, func(ctx context.Context, c *imapclient.Conn) {
			cancelled := 0
			for {
				cctx, cancel := context.WithTimeout(ctx, time.Minute+time.Second)
				err := c.Noop(cctx)
				cancel()
				if err == nil {
					break
				}
				if cancelled++; c.Err() != nil || cancelled > 1000 {
					t.Error(err)
					break
				}
			}
			if cancelled < 10 {
				t.Errorf("only %d commands were cancelled", cancelled)
			}
		})
	})
}

func TestCompressedDataThatIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		compressing(t, nil, func(s *squeezed) {
			s.line(t)
			_, _ = s.Write([]byte("* BAD what?\r\n"))
			_, _ = io.Copy(io.Discard, s.Conn)
		}, func(ctx context.Context, c *imapclient.Conn) {
			err := c.Noop(ctx)
			if err == nil || imapclient.Classify(err).Class != imapclient.ClassProtocol {
				t.Errorf("error %v of class %v", err, imapclient.Classify(err).Class)
			}
		})
	})
}

// What is inflated is bounded as everything is: a few KB of the wire must not become GBs of memory.
func TestDeflateBombIsBounded(t *testing.T) {
	for _, tt := range []struct{ name, head, flood string }{
		{"line without end", "* OK ", "x"},
		{"literal without end", "* 1 FETCH (ENVELOPE (NIL {4000000000}\r\n", "x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			compressing(t, nil, func(s *squeezed) {
				s.line(t)
				s.say(tt.head, false)
				chunk := strings.Repeat(tt.flood, 1<<20)
				for range 100 {
					s.say(chunk, true)
				}
				_, _ = io.Copy(io.Discard, s.Conn)
			}, func(ctx context.Context, c *imapclient.Conn) {
				if err := c.Noop(ctx); !errors.As(err, new(*imapwire.LimitError)) {
					t.Errorf("error %v", err)
				}
			})
			runtime.ReadMemStats(&after)
			if used := after.Sys - before.Sys; used > 48*mib {
				t.Errorf("%d MiB of memory were taken", used/mib)
			}
		})
	}
}

func TestCompressIsRefused(t *testing.T) {
	for _, tt := range []struct {
		name, caps, script string
		err                bool
	}{
		{"not offered", "", "", true},
		{"TLS compresses", "COMPRESS=DEFLATE", "C: {a} COMPRESS DEFLATE\nS: {a} NO [COMPRESSIONACTIVE] TLS compresses", false},
		{"NO", "COMPRESS=DEFLATE", "C: {a} COMPRESS DEFLATE\nS: {a} NO not now", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			preauth(t, tt.caps, tt.script+"\nC: {b} NOOP\nS: {b} OK done", nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
				if err := c.Compress(ctx); (err != nil) != tt.err || c.Compressed() {
					t.Errorf("error %v, compressed %v", err, c.Compressed())
				}
				if err := c.Noop(ctx); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// RFC 8437 section 4.1: compression ends with UNAUTHENTICATE.
func TestUnauthenticateEndsCompression(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		compressing(t, nil, func(s *squeezed) {
			tag, _, _ := strings.Cut(s.line(t), " ")
			s.say(tag+" OK bye\r\n", true)
			line, _ := bufio.NewReader(s.Conn).ReadString('\n')
			_ = s.out.Close() // ends the compressed data
			s.send()
			tag, name, _ := strings.Cut(line, " ")
			fmt.Fprintf(s.Conn, "* CAPABILITY IMAP4rev1\r\n%s OK %s", tag, name)
		}, func(ctx context.Context, c *imapclient.Conn) {
			if err := c.Unauthenticate(ctx); err != nil || c.State() != imapclient.StateNotAuthenticated || c.Compressed() || c.Selected() != nil {
				t.Errorf("%v, state %v, compressed %v", err, c.State(), c.Compressed())
			}
			if _, err := c.Capability(ctx); err != nil {
				t.Error(err)
			}
		})
	})
}
