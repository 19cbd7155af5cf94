package imapclient_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imaptest"
)

// stage is a way to a server on which somebody says no more at some point. A peer gets the other end of the
// transport; it reads all and says what it is told to.
type stage struct {
	name  string
	o     imapclient.Options
	peer  string        // what the peer says: "" for a DialContext that hangs
	limit time.Duration // when Dial gives up by itself
}

func stages(t *testing.T) []stage {
	const (
		s5    = "\x05\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50"
		http  = "HTTP/1.1 200 OK\r\n\r\n"
		hello = "* OK hello\r\n"
	)
	plain := imapclient.Options{Addr: "mail.example.org", Security: imapclient.InsecurePlaintext}
	all := []stage{
		{"connecting", plain, "", 30 * time.Second},
		{"TLS", imapclient.Options{Addr: "mail.example.org"}, " ", 20 * time.Second},
		{"half a TLS record", imapclient.Options{Addr: "mail.example.org"}, " \x16\x03\x03\x00", 20 * time.Second},
		{"greeting", plain, " ", 30 * time.Second},
		{"half a greeting", plain, " * OK", 30 * time.Second},
		{"STARTTLS", imapclient.Options{Addr: "mail.example.org", Security: imapclient.StartTLS}, " " + hello, 20 * time.Second},
		{"TLS after STARTTLS", imapclient.Options{Addr: "mail.example.org", Security: imapclient.StartTLS}, " " + hello + "|P1 OK go\r\n", 20 * time.Second},
	}
	for _, proxy := range []struct{ url, says string }{{"socks5://p", s5}, {"http://p", http}, {"https://p", "\x16\x03\x03\x00\x7a\x02"}} {
		last := len(proxy.says)
		for k := range last {
			o := plain
			o.Proxy = mustProxy(t, proxy.url)
			all = append(all, stage{proxy.url + ", after " + strings.Repeat("I", k), o, " " + proxy.says[:k], 30 * time.Second})
		}
	}
	for _, s := range []string{"socks5://p", "http://p"} {
		o := plain
		o.Proxy = mustProxy(t, s)
		says := s5
		if s == "http://p" {
			says = http
		}
		all = append(all, stage{s + ", greeting", o, " " + says, 30 * time.Second})
	}
	return all
}

// dial makes DialContext of a stage in a bubble. A "|" in what the peer says is where it waits for a line.
func (s *stage) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	if s.peer == "" {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	ours, theirs := net.Pipe()
	heard := make(chan struct{}, 100)
	go func() {
		defer theirs.Close()
		b := make([]byte, 4096)
		for {
			if _, err := theirs.Read(b); err != nil {
				close(heard)
				return
			}
			heard <- struct{}{}
		}
	}()
	go func() {
		for i, part := range strings.Split(s.peer[1:], "|") {
			if i > 0 {
				<-heard
			}
			if _, err := io.WriteString(theirs, part); err != nil {
				return
			}
		}
	}()
	return ours, nil
}

// Each step has its own deadline, and an error that says which. In a bubble, so nothing is left behind.
func TestSilenceEndsEachStep(t *testing.T) {
	for _, s := range stages(t) {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				s.o.DialContext = s.dial
				_, err := imapclient.Dial(context.Background(), &s.o)
				if took := time.Since(began); took != s.limit {
					t.Errorf("gave up after %v, want %v", took, s.limit)
				}
				var late *imapclient.TimeoutError
				if !errors.As(err, &late) || late.After != s.limit {
					t.Errorf("error %v, want a TimeoutError after %v", err, s.limit)
				}
				if class := imapclient.Classify(err).Class; class != imapclient.ClassTransient {
					t.Errorf("class %v", class)
				}
			})
		})
	}
}

// Whoever gives up gets his cause at once, and nothing is left behind: the bubble would not end.
func TestCancellingEndsEachStep(t *testing.T) {
	cause := errors.New("changed my mind")
	for _, s := range stages(t) {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(context.Background())
				go func() {
					time.Sleep(time.Second)
					cancel(cause)
				}()
				began := time.Now()
				s.o.DialContext = s.dial
				_, err := imapclient.Dial(ctx, &s.o)
				if took := time.Since(began); took != time.Second || !errors.Is(err, cause) {
					t.Errorf("after %v: error %v, want %v after a second", took, err, cause)
				}
			})
		})
	}
}

// A caller's own deadline and cancelling are the caller's, not the server's trouble.
func TestGivingUpIsNoTroubleOfTheServer(t *testing.T) {
	for _, s := range stages(t)[:6] {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s.o.DialContext = s.dial
				short, stop := context.WithTimeout(context.Background(), time.Second)
				defer stop()
				gone, leave := context.WithCancel(context.Background())
				leave()
				for _, ctx := range []context.Context{short, gone} {
					_, err := imapclient.Dial(ctx, &s.o)
					if !errors.Is(err, ctx.Err()) || imapclient.Classify(err).Class != imapclient.ClassCancelled {
						t.Errorf("error %v of class %v", err, imapclient.Classify(err).Class)
					}
				}
			})
		})
	}
}

// A server may not gain time by talking, or by a byte now and then.
func TestGreetingIsBoundedAsAWhole(t *testing.T) {
	script := strings.Repeat("S-raw: \"*\"\nwait 9s\n", 3) + "wait 2500ms\nC-close"
	imaptest.Transcript(t, script, func(t *testing.T, nc net.Conn) {
		_, err := imapclient.New(t.Context(), nc, plain())
		var late *imapclient.TimeoutError
		if !errors.As(err, &late) || late.After != 30*time.Second {
			t.Errorf("error %v", err)
		}
	})
}

// The silence within a command is bounded, not the command: a long answer may take its time.
func TestCommandTimeoutBoundsSilence(t *testing.T) {
	session(t, `
		C: {a} NOOP
		wait 119s
		S: * OK one moment
		wait 119s
		S-raw: "{a} OK do"
		wait 119s
		S-raw: "ne\r\n"
		C: {b} NOOP
		wait 119500ms
		C-close
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		if err := c.Noop(ctx); err != nil {
			t.Error(err)
		}
		err := c.Noop(ctx)
		var late *imapclient.TimeoutError
		if !errors.As(err, &late) || late.Op != "NOOP" || late.After != 2*time.Minute || !errors.Is(err, net.ErrClosed) {
			t.Errorf("error %v", err)
		}
	})
}

// A server that reads no more ends a write.
func TestCommandTimeoutBoundsWrites(t *testing.T) {
	session(t, "stall 3m", nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		began := time.Now()
		err := c.Noop(ctx)
		var late *imapclient.TimeoutError
		if !errors.As(err, &late) || !strings.Contains(late.Op, "write") || !errors.Is(err, net.ErrClosed) {
			t.Errorf("error %v", err)
		}
		if took := time.Since(began); took < 2*time.Minute || took > 2*time.Minute+2*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}
