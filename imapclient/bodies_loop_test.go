package imapclient_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imaptest"
)

// streaming are options with which a content of more than 8 bytes is streamed.
func streaming() *imapclient.Options {
	o := plain()
	o.Wire.Limits.Inline = 8
	return o
}

// What is not read of a body, or of the rest of the loop, costs nobody anything.
func TestBodiesAreLeftAtAnyPoint(t *testing.T) {
	const script = `
		C: {c} UID FETCH 7:9 (UID BODY.PEEK[])
		S-raw: "* 1 FETCH (UID 7 BODY[] {12}\r\nhello world!)\r\n* 2 FETCH (UID 8 BODY[] {11}\r\nsecond one.)\r\n* 3 FETCH (FLAGS ())\r\n"
		S: {c} OK done
		C: {d} NOOP
		S: {d} OK done
	`
	set := imap.SetOfRange[imap.UID](7, 9)
	for name, use := range map[string]func(c *imapclient.Conn, ctx context.Context) string{
		"none read": func(c *imapclient.Conn, ctx context.Context) (got string) {
			for b, err := range c.FetchBodies(ctx, set, whole) {
				got += fmt.Sprint(b.Message.UID, b.Size, err, ";")
			}
			return strings.TrimPrefix(got, "7 12 <nil>;8 11 <nil>;")
		},
		"a part read": func(c *imapclient.Conn, ctx context.Context) (got string) {
			for b := range c.FetchBodies(ctx, set, whole) {
				p := make([]byte, 3)
				_, _ = io.ReadFull(b, p)
				got += string(p)
			}
			return strings.TrimPrefix(got, "helsec")
		},
		"loop left before reading": func(c *imapclient.Conn, ctx context.Context) string {
			for range c.FetchBodies(ctx, set, whole) {
				break
			}
			return ""
		},
		"loop left in the middle": func(c *imapclient.Conn, ctx context.Context) string {
			for b := range c.FetchBodies(ctx, set, whole) {
				_, _ = b.Read(make([]byte, 3))
				break
			}
			return ""
		},
		"panic in the loop": func(c *imapclient.Conn, ctx context.Context) (got string) {
			var last *imapclient.Body
			defer func() {
				got = strings.TrimPrefix(fmt.Sprint(recover()), "mine")
				if _, err := last.Read(make([]byte, 3)); !errors.Is(err, imapclient.ErrBodyOver) {
					got += fmt.Sprint("after the panic: ", err)
				}
			}()
			for b := range c.FetchBodies(ctx, set, whole) {
				_, _ = b.Read(make([]byte, 3))
				last = b
				panic("mine")
			}
			return ""
		},
		"read in the next turn": func(c *imapclient.Conn, ctx context.Context) (got string) {
			var last *imapclient.Body
			for b := range c.FetchBodies(ctx, set, whole) {
				if last != nil {
					_, err := last.Read(make([]byte, 3))
					_, err2 := last.WriteTo(io.Discard)
					if !errors.Is(err, imapclient.ErrBodyOver) || !errors.Is(err2, imapclient.ErrBodyOver) {
						got += fmt.Sprint(err, err2)
					}
				}
				last = b
			}
			return got
		},
		"a writer that fails": func(c *imapclient.Conn, ctx context.Context) (got string) {
			full := errors.New("disk full")
			for b := range c.FetchBodies(ctx, set, whole) {
				if _, err := b.WriteTo(failing{full}); !errors.Is(err, full) {
					got += fmt.Sprint(err)
				}
				if _, err := b.Read(make([]byte, 3)); !errors.Is(err, full) {
					got += fmt.Sprint(err)
				}
			}
			return got
		},
	} {
		t.Run(name, func(t *testing.T) {
			var news heard
			o := streaming()
			o.Handler = news.handle
			sessionWith(t, "", script, o, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
				if got := use(c, ctx); got != "" {
					t.Error(got)
				}
				if err := c.Noop(ctx); err != nil {
					t.Error(err)
				}
				news.expect(t, "message 3 []")
			})
		})
	}
}

// A content whose UID comes after it, and that is too long to be kept until then, is fetched again.
func TestBodyWithItsUIDBehind(t *testing.T) {
	o := streaming()
	o.Wire.Limits.Literal = 10
	sessionWith(t, "", `
		C: {c} UID FETCH 7:8 (UID BODY.PEEK[1] BODY.PEEK[2])
		S-raw: "* 1 FETCH (BODY[1] {12}\r\nhello world! BODY[2] {2}\r\nhi UID 7)\r\n* 2 FETCH (UID 8 BODY[1] {2}\r\nho BODY[2] {2}\r\nhu)\r\n"
		S: {c} OK done
		C: {d} UID FETCH 7 (UID BODY.PEEK[1])
		S-raw: "* 1 FETCH (BODY[1] {12}\r\nhello world! UID 7)\r\n"
		S: {d} OK done
	`, o, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		var got []string
		sections := &imap.FetchOptions{Sections: []imap.SectionRequest{{Part: []uint32{1}}, {Part: []uint32{2}}}}
		for b, err := range c.FetchBodies(ctx, imap.UIDs(7, 8), sections) {
			if err != nil {
				t.Error(err)
				return
			}
			got = append(got, bodyText(b))
		}
		if got := strings.Join(got, "|"); got != "7/1=hi|8/0=ho|8/1=hu|7/0=hello world!" {
			t.Errorf("got %q", got)
		}
	})
}

func TestContextEndsWithinABody(t *testing.T) {
	sessionWith(t, "", `
		C: {c} UID FETCH 7:9 (UID BODY.PEEK[])
		S-raw: "* 1 FETCH (UID 7 BODY[] {12}\r\nhello "
		wait 1m
		S-raw: "world!)\r\n"
		S: {c} OK done
		wait 1s 1m
		C: {d} NOOP
		S: {d} OK done
	`, streaming(), func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		short, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		turns := 0
		for b, err := range c.FetchBodies(short, imap.SetOfRange[imap.UID](7, 9), whole) {
			if turns++; turns == 2 {
				if b != nil || !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("last turn: %v, %v", b, err)
				}
				continue
			}
			text, err := io.ReadAll(b)
			if string(text) != "hello " || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%q, %v", text, err)
			}
		}
		if turns != 2 {
			t.Errorf("%d turns", turns)
		}
		time.Sleep(time.Minute) // fake time
		if err := c.Noop(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestConnectionEndsWithinABody(t *testing.T) {
	sessionWith(t, "", `
		C: {c} UID FETCH 7:9 (UID BODY.PEEK[])
		S-raw: "* 1 FETCH (UID 7 BODY[] {12}\r\nhello "
		close
	`, streaming(), func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		var errs []error
		for b, err := range c.FetchBodies(ctx, imap.SetOfRange[imap.UID](7, 9), whole) {
			if err == nil {
				_, err = b.WriteTo(io.Discard)
			}
			errs = append(errs, err)
		}
		if len(errs) != 2 || !errors.Is(errs[0], net.ErrClosed) || !errors.Is(errs[1], net.ErrClosed) || imapclient.SafeToRetry(errs[0]) {
			t.Errorf("errors %v", errs)
		}
	})
}

// A command within the loop, which would wait for its own end, is told so in the end.
func TestCommandWithinTheLoop(t *testing.T) {
	sessionWith(t, "", `
		C: {c} UID FETCH 7 (UID BODY.PEEK[])
		S-raw: "* 1 FETCH (UID 7 BODY[] {12}\r\nhello world!)\r\n"
		S: {c} OK done
		wait 1m 30m
		C: {d} NOOP
		S: {d} OK done
	`, streaming(), func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		for b, err := range c.FetchBodies(ctx, imap.UIDs(7), whole) {
			if err != nil {
				t.Error(err)
				return
			}
			began := time.Now()
			err := c.Noop(ctx)
			if took := time.Since(began); !errors.Is(err, imapclient.ErrInBodies) || !imapclient.SafeToRetry(err) || took < time.Minute || took > 3*time.Minute {
				t.Errorf("%v after %v", err, took)
			}
			if got := bodyText(b); got != "7/0=hello world!" {
				t.Errorf("got %q", got)
			}
		}
		if err := c.Noop(ctx); err != nil {
			t.Error(err)
		}
	})
}

// Another goroutine waits for the loop as long as that goes on, however slowly.
func TestOthersWaitForASlowReader(t *testing.T) {
	sessionWith(t, "", `
		C: {c} UID FETCH 7 (UID BODY.PEEK[])
		S-raw: "* 1 FETCH (UID 7 BODY[] {12}\r\nhello world!)\r\n"
		S: {c} OK done
		wait 1m 30m
		C: {d} NOOP
		S: {d} OK done
	`, streaming(), func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		other := make(chan error, 1)
		for b, err := range c.FetchBodies(ctx, imap.UIDs(7), whole) {
			if err != nil {
				t.Error(err)
				return
			}
			go func() { other <- c.Noop(ctx) }()
			for range 12 {
				time.Sleep(90 * time.Second) // fake time; less than CommandTimeout
				if _, err := b.Read(make([]byte, 1)); err != nil {
					t.Error(err)
				}
			}
		}
		if err := <-other; err != nil {
			t.Error(err)
		}
	})
}

func TestBodiesNeedSections(t *testing.T) {
	sessionWith(t, "BINARY", "", nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		for _, o := range []*imap.FetchOptions{nil, {Items: imap.ItemFlags}, {Sections: []imap.SectionRequest{{Item: imap.SectionItemBinarySize}}}, {Sections: []imap.SectionRequest{{Offset: 3}}}} {
			for b, err := range c.FetchBodies(ctx, imap.UIDs(7), o) {
				if b != nil || err == nil || !imapclient.SafeToRetry(err) {
					t.Errorf("%+v: %v", o, err)
				}
			}
		}
		for range c.FetchBodies(ctx, imap.UIDSet{}, whole) {
			t.Error("a body of no message")
		}
		for range c.FetchBodies(ctx, nil, whole) {
			t.Error("a body of no message")
		}
	})
}

// Whatever a server sends in whatever pieces, and however it is read, what is read is what was sent.
func TestBodiesReadAtRandom(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		contents := rapid.SliceOfN(rapid.SliceOfN(rapid.Map(rapid.IntRange(0, 40), func(n int) string {
			return strings.Repeat("abcdefghij)\r\n{4}\r\n* 1 FETCH", 2)[:n]
		}), 2, 2), 1, 6).Draw(rt, "contents")
		var answer strings.Builder
		for i, m := range contents {
			fmt.Fprintf(&answer, "* %d FETCH (UID %d BODY[1] {%d}\r\n%s BODY[2] {%d}\r\n%s)\r\n", i+1, i+1, len(m[0]), m[0], len(m[1]), m[1])
		}
		answer.WriteString("P3 OK done\r\nP4 OK done\r\n")
		seed := rapid.Uint64().Draw(rt, "seed")
		synctest.Test(t, func(t *testing.T) {
			random, pieces := rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 2))
			theirs, ours := net.Pipe()
			done := make(chan struct{})
			go func() {
				defer close(done)
				go io.Copy(io.Discard, ours)
				_, _ = io.WriteString(ours, "* OK [CAPABILITY IMAP4rev1] hello\r\nP1 OK [CAPABILITY IMAP4rev1] welcome\r\n* 1 EXISTS\r\nP2 OK done\r\n")
				for rest := []byte(answer.String()); len(rest) > 0; {
					n := 1 + pieces.IntN(len(rest))
					_, _ = ours.Write(rest[:n])
					rest = rest[n:]
				}
			}()
			c := openOver(t, theirs, streaming())
			turn := 0
			o := &imap.FetchOptions{Sections: []imap.SectionRequest{{Part: []uint32{1}}, {Part: []uint32{2}}}}
			seen := map[string]int{}
			for b, err := range c.FetchBodies(t.Context(), imap.SetOfRange[imap.UID](1, 0), o) {
				if err != nil {
					t.Error(err)
					break
				}
				turn++
				want := contents[b.Message.UID-1][b.Section]
				seen[fmt.Sprint(b.Message.UID, "/", b.Section)]++
				got, all := readAtRandom(b, random)
				if b.Size != int64(len(want)) || !strings.HasPrefix(want, got) || all && got != want {
					t.Errorf("body %d of %d: %q, want %q", b.Section, b.Message.UID, got, want)
				}
			}
			if turn != 2*len(contents) || len(seen) != turn {
				t.Errorf("%d turns for %d messages: %v", turn, len(contents), seen)
			}
			if err := c.Noop(t.Context()); err != nil {
				t.Error(err)
			}
			c.Close()
			ours.Close()
			<-done
		})
	})
}

// readAtRandom reads nothing, a part or all.
func readAtRandom(b *imapclient.Body, random *rand.Rand) (got string, all bool) {
	var out bytes.Buffer
	switch random.IntN(4) {
	case 0:
		return "", false
	case 1:
		_, _ = io.CopyN(struct{ io.Writer }{&out}, b, random.Int64N(b.Size+1))
		return out.String(), false
	case 2:
		_, _ = io.CopyN(struct{ io.Writer }{&out}, b, random.Int64N(b.Size+1))
		_, _ = b.WriteTo(&out)
	default:
		_, _ = out.ReadFrom(struct{ io.Reader }{b})
	}
	return out.String(), true
}

func openOver(t *testing.T, nc net.Conn, o *imapclient.Options) *imapclient.Conn {
	t.Helper()
	c, err := imapclient.New(t.Context(), nc, o)
	if err == nil {
		err = c.Login(t.Context(), "jo", "secret")
	}
	if err == nil {
		_, err = c.Select(t.Context(), "INBOX", nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Long bodies of many messages take the memory of one.
func TestManyLongBodiesInConstantMemory(t *testing.T) {
	const hello = "* OK [CAPABILITY IMAP4rev1] hello\r\nP1 OK [CAPABILITY IMAP4rev1] welcome\r\n* 1 EXISTS\r\nP2 OK done\r\n"
	const size = 300_000
	row := fmt.Sprintf("* 1 FETCH (UID 7 BODY[] {%d}\r\n%s)\r\n", size, strings.Repeat("0123456789", size/10))
	n, total := 0, int64(0)
	used := flooded(t, hello, row, 100<<20, "P3 OK done\r\n", func(ctx context.Context, nc net.Conn) {
		c := openOver(t, nc, plain())
		defer c.Close()
		for b, err := range c.FetchBodies(ctx, imap.SetOfRange[imap.UID](1, 1000), whole) {
			if err != nil {
				t.Error(err)
				return
			}
			if n++; n%2 == 0 {
				continue
			}
			m, err := io.Copy(io.Discard, struct{ io.Reader }{b})
			if total += m; m != size || err != nil {
				t.Errorf("%d bytes, %v", m, err)
			}
		}
	})
	if n < 300 || total < 50<<20-size {
		t.Errorf("%d bodies, %d bytes", n, total)
	}
	if used > 16*mib {
		t.Errorf("%d MiB of memory were taken", used/mib)
	}
	runtime.KeepAlive(row)
}

// A reader that stops reading stops the server, too, and takes no memory for it; Close ends it all.
func TestReaderThatStalls(t *testing.T) {
	srv := imaptest.NewServer(&imaptest.ServerOptions{Plain: true})
	defer srv.Close()
	srv.AddUser("jo", "secret").Mailbox("INBOX").Append(bytes.Repeat([]byte("0123456789abcde\r\n"), 1<<18))
	c := openOver(t, srv.Pipe(), plain())
	for b, err := range c.FetchBodies(t.Context(), imap.UIDs(1), whole) {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Read(make([]byte, 10)); err != nil {
			t.Error(err)
		}
		go c.Close()
		<-c.Done()
		if _, err := io.Copy(io.Discard, b); !errors.Is(err, net.ErrClosed) {
			t.Errorf("error %v", err)
		}
		break
	}
}

// The connection ends, or the context does, after each byte of an answer: what was read is right as far as it
// goes, the loop ends with the reason, and after the end of the context the connection goes on.
func TestBodiesCutAfterEachByte(t *testing.T) {
	contents := map[imap.UID]string{7: "hello, long world", 8: "short", 9: "the last and long one"}
	var answer strings.Builder
	for i, uid := range []imap.UID{7, 8, 9} {
		fmt.Fprintf(&answer, "* %d FETCH (UID %d BODY[] {%d}\r\n%s)\r\n", i+1, uid, len(contents[uid]), contents[uid])
	}
	answer.WriteString("P3 OK done\r\n")
	text := answer.String()
	for cut := range len(text) {
		for _, cancelled := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				mine := errors.New("cancelled by the test")
				theirs, ours := net.Pipe()
				var wg sync.WaitGroup
				asked := make(chan struct{})
				wg.Go(func() {
					for lines := bufio.NewScanner(ours); lines.Scan(); {
						if strings.HasPrefix(lines.Text(), "P3 ") {
							close(asked)
						}
					}
				})
				wg.Go(func() {
					_, _ = io.WriteString(ours, "* OK [CAPABILITY IMAP4rev1] hello\r\nP1 OK [CAPABILITY IMAP4rev1] welcome\r\n* 1 EXISTS\r\nP2 OK done\r\n")
					<-asked
					_, _ = io.WriteString(ours, text[:cut])
					if !cancelled {
						ours.Close()
						return
					}
					time.Sleep(time.Second) // fake time: all is read by now
					cancel(mine)
					time.Sleep(time.Second)
					_, _ = io.WriteString(ours, text[cut:]+"P4 OK done\r\n")
				})
				c := openOver(t, theirs, streaming())
				var last error
				for b, err := range c.FetchBodies(ctx, imap.SetOfRange[imap.UID](7, 9), whole) {
					if last = err; err != nil {
						break
					}
					got, err := io.ReadAll(b)
					if want := contents[b.Message.UID]; !strings.HasPrefix(want, string(got)) || err == nil && want != string(got) {
						t.Errorf("cut after %d: body %d is %q, %v", cut, b.Message.UID, got, err)
					}
				}
				switch {
				case cancelled && !errors.Is(last, mine), !cancelled && !errors.Is(last, net.ErrClosed):
					t.Errorf("cut after %d, cancelled %v: %v", cut, cancelled, last)
				case cancelled:
					if err := c.Noop(t.Context()); err != nil {
						t.Errorf("cut after %d: %v", cut, err)
					}
				}
				c.Close()
				ours.Close()
				wg.Wait()
				cancel(nil)
			})
		}
	}
}
