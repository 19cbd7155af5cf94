package imapclient_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imaptest"
)

func newPoller(t *testing.T) *imapclient.Poller {
	t.Helper()
	p, err := imapclient.NewPoller(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// waitIn waits in a poller as Conn.Wait does without one.
func waitIn(p *imapclient.Poller, c *imapclient.Conn, d time.Duration) error {
	done := make(chan error, 2)
	var until time.Time
	if d > 0 {
		until = time.Now().Add(d)
	}
	p.Wait(c, until, func(err error) { done <- err })
	select {
	case err := <-done:
		return err
	case <-time.After(10 * time.Second):
		return errors.New("done was not called")
	}
}

// overTCP plays a script over a socket against a client that has selected a mailbox.
func overTCP(t *testing.T, script string, o *imapclient.Options, client func(c *imapclient.Conn)) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		if nc, err := l.Accept(); err == nil {
			imaptest.Play(t, nc, selected+script)
		}
	})
	o.Addr = l.Addr().String()
	c, err := imapclient.Dial(t.Context(), o)
	if err == nil {
		defer c.Close()
		err = c.Login(t.Context(), "jo", "secret")
	}
	if err == nil {
		_, err = c.Select(t.Context(), "INBOX", &imap.SelectOptions{ReadOnly: true})
	}
	if err != nil {
		t.Error(err)
		return
	}
	client(c)
}

// Both forms of waiting say and hear the same. Between two waits there is a NOOP.
func TestPollerWaitsAsConnDoes(t *testing.T) {
	const noop = `
			C: DONE
			S: {c} OK done
			C: {noop} NOOP
			S: {noop} OK done`
	for _, tt := range []struct {
		name, script string
		want         string // what two waits come to, and what the handler got
	}{
		{"pushed in IDLE", `
			C: {c} IDLE
			S: + idling
			S: * 4 EXISTS` + noop + `
			C: {d} IDLE
			S: + idling
			wait 20ms
			S: * 5 EXISTS
		`, "<nil> <nil> [imap.Exists 4 imap.Exists 5]"},
		{"before the +", `
			C: {c} IDLE
			S: * 4 EXISTS
			S: + idling` + noop + `
			C: {d} IDLE
			S: * 5 EXISTS
			wait 20ms
			S: + idling
		`, "<nil> <nil> [imap.Exists 4 imap.Exists 5]"},
		{"in pieces", `
			C: {c} IDLE
			S-raw: "+ idl"
			wait 20ms
			S-raw: "ing\r\n* 4 EX"
			wait 20ms
			S-raw: "ISTS\r\n* 5"
			C: DONE
			S-raw: " EXISTS\r\n"
			S: {c} OK done
			C: {noop} NOOP
			S: {noop} OK done
			C: {d} IDLE
			S-raw: "+ idling\r\n* 6"
			wait 20ms
			S-raw: " EXISTS\r\n"
		`, "<nil> <nil> [imap.Exists 4 imap.Exists 5 imap.Exists 6]"},
		{"begun anew", `
			C: {b} IDLE
			S: + idling
			wait 100ms 9s
			C: DONE
			S: {b} OK done
			C: {c} IDLE
			S: + idling` + noop + `
			C: {d} IDLE
			S: + idling
			wait 20ms
			S: * 4 EXISTS
		`, "<nil> <nil> [imap.Exists 4]"},
		{"IDLE refused: polled", `
			C: {b} IDLE
			S: {b} NO not today
			wait 100ms 9s
			C: {c} NOOP
			S: * 4 EXISTS
			S: {c} OK done
			C: {noop} NOOP
			S: {noop} OK done
			wait 1ms 9s
			C: {e} NOOP
			S: {e} OK done
		`, "<nil> <nil> [imap.Exists 4]"},
		{"ended by the server", `
			C: {b} IDLE
			S: + idling
			S: {b} OK enough
			C: {c} IDLE
			S: + idling
			S: * 4 EXISTS` + noop + `
			C: {d} IDLE
			S: + idling
			wait 20ms
			S: * 5 EXISTS
		`, "<nil> <nil> [imap.Exists 4 imap.Exists 5]"},
		{"told by NOTIFY", `
			C: {a} CAPABILITY
			S: * CAPABILITY IMAP4rev1 IDLE NOTIFY
			S: {a} OK done
			C: {b} NOTIFY SET (PERSONAL (MessageNew MessageExpunge))
			S: {b} OK done
			wait 10ms
			S: * STATUS work (MESSAGES 4)
			C: {noop} NOOP
			S: {noop} OK done
			wait 1ms 9s
			C: {c} NOOP
			S: {c} OK done
		`, "<nil> <nil> [*imap.MailboxStatus &{work 1 4 0 0 0 0 0 0 0 0 0  []}]"},
	} {
		for _, form := range []string{"Conn", "Poller"} {
			t.Run(tt.name+", "+form, func(t *testing.T) {
				t.Parallel()
				var h heard
				o := plain()
				o.Handler = h.handle
				if strings.Contains(tt.script, "9s") {
					o.IdleRestart, o.PollInterval = time.Second, time.Second
				}
				p := newPoller(t)
				overTCP(t, tt.script, o, func(c *imapclient.Conn) {
					h = nil
					if strings.Contains(tt.script, "NOTIFY") {
						if _, err := c.Capability(t.Context()); err != nil {
							t.Error(err)
						}
						if err := c.Notify(t.Context(), notify(imap.NotifyGroup{Mailboxes: ofAll, Events: newAndGone})); err != nil {
							t.Error(err)
						}
					}
					wait := func() error { return c.Wait(t.Context()) }
					if form == "Poller" {
						wait = func() error { return waitIn(p, c, 0) }
					}
					first := wait()
					if !strings.Contains(tt.script, "NOTIFY") {
						c.SetWaiting(imapclient.Waiting{IdleRestart: time.Hour})
					}
					if err := c.Noop(t.Context()); err != nil {
						t.Error(err)
					}
					second := wait()
					if got := fmt.Sprintf("%v %v %s", first, second, h); got != tt.want {
						t.Errorf("got %s, want %s", got, tt.want)
					}
				})
			})
		}
	}
}

// What has no file descriptor waits on a goroutine, and just the same.
func TestPollerWaitsOnAPipe(t *testing.T) {
	session(t, `
		C: {c} IDLE
		S: + idling
		wait 9m
		C: DONE
		S: {c} OK done
		C: {d} IDLE
		S: + idling
		wait 1m
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		p := newPoller(t)
		done := make(chan error, 2)
		start := time.Now()
		p.Wait(c, time.Time{}, func(err error) { done <- err })
		if err := <-done; err != nil || time.Since(start) != 9*time.Minute {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		p.Wait(c, start.Add(10*time.Minute), func(err error) { done <- err })
		if err := <-done; !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 10*time.Minute {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		p.Wait(c, time.Time{}, func(err error) { done <- err })
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, imapclient.ErrPollerClosed) {
			t.Error(err)
		}
	})
}

func TestPollerTakesASilentServerForDead(t *testing.T) {
	for _, tt := range []struct{ name, script, want string }{
		{"no +", "C: {c} IDLE\nC-close", "IDLE"},
		{"no answer to DONE", "C: {c} IDLE\nS: + idling\nwait 100ms 9s\nC: DONE\nC-close", "end of IDLE"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := plain()
			o.IdleRestart, o.IdleTimeout = time.Second, 500*time.Millisecond
			p := newPoller(t)
			overTCP(t, tt.script, o, func(c *imapclient.Conn) {
				err := waitIn(p, c, 0)
				if late, ok := errors.AsType[*imapclient.TimeoutError](err); !ok || late.Op != tt.want || !errors.Is(err, net.ErrClosed) {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

// parkedServer has a mailbox and connections to it over TCP, each in IDLE.
func parkedServer(t *testing.T, secure bool, n int, handler func(i int, r imap.Response)) (*imaptest.Server, []*imapclient.Conn) {
	t.Helper()
	s := imaptest.NewServer(&imaptest.ServerOptions{Plain: !secure})
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	s.AddUser("jo", "secret")
	conns := make([]*imapclient.Conn, n)
	for i := range conns {
		o := &imapclient.Options{Addr: s.Addr().String(), Security: imapclient.InsecurePlaintext}
		if secure {
			o.Security, o.TLSConfig = imapclient.ImplicitTLS, s.TLSConfig()
		}
		o.Handler = func(r imap.Response) { handler(i, r) }
		c, err := imapclient.Dial(t.Context(), o)
		if err == nil {
			err = c.Login(t.Context(), "jo", "secret")
		}
		if err == nil {
			_, err = c.Select(t.Context(), "INBOX", nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		conns[i] = c
	}
	return s, conns
}

// countIdles counts the IDLE commands from now on.
func countIdles(s *imaptest.Server) *atomic.Int64 {
	var n atomic.Int64
	s.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
		if c.Name == "IDLE" {
			n.Add(1)
		}
		return imaptest.Pass
	})
	return &n
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(what)
		}
	}
}

func TestParkedConnectionsOwnNoGoroutine(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("a goroutine for each, here")
	}
	const n = 50
	p := newPoller(t)
	var ends atomic.Int64
	s, conns := parkedServer(t, true, n, func(int, imap.Response) {})
	idles := countIdles(s)
	before := runtime.NumGoroutine()
	for _, c := range conns {
		p.Wait(c, time.Time{}, func(error) { ends.Add(1) })
	}
	eventually(t, "not all are in IDLE", func() bool { return idles.Load() == n })
	eventually(t, "there are goroutines", func() bool { return runtime.NumGoroutine() <= before+1 })
	if ends.Load() != 0 {
		t.Errorf("%d waits have ended", ends.Load())
	}
	if err := p.Close(); err != nil || ends.Load() != n {
		t.Errorf("closed: %v, %d waits have ended, want %d", err, ends.Load(), n)
	}
	if err := waitIn(p, conns[0], 0); !errors.Is(err, imapclient.ErrPollerClosed) {
		t.Errorf("after Close: %v", err)
	}
	if err := conns[0].Noop(t.Context()); err != nil {
		t.Errorf("a connection after that: %v", err)
	}
}

func TestCommandsRunOnAParkedConnection(t *testing.T) {
	p := newPoller(t)
	for _, secure := range []bool{false, true} {
		var ends atomic.Int64
		s, conns := parkedServer(t, secure, 1, func(int, imap.Response) {})
		idles := countIdles(s)
		stop := p.Wait(conns[0], time.Time{}, func(err error) {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("ended with %v", err)
			}
			ends.Add(1)
		})
		for range 20 {
			if err := conns[0].Noop(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := waitIn(p, conns[0], 0); !errors.Is(err, imapclient.ErrWaiting) {
			t.Errorf("a second wait: %v", err)
		}
		eventually(t, "IDLE is not on again", func() bool { return idles.Load() > 0 })
		stop(nil)
		stop(nil)
		eventually(t, "done was not called", func() bool { return ends.Load() == 1 })
		start := time.Now()
		if err := waitIn(p, conns[0], 50*time.Millisecond); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) < 50*time.Millisecond {
			t.Errorf("until: %v after %v", err, time.Since(start))
		}
	}
}
