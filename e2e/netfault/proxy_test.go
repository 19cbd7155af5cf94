package netfault_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pushmail/pushmail/e2e/netfault"
)

// echo runs a server that sends back each line, and says "end" when the client has sent FIN.
func echo(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if _, err := io.Copy(conn, conn); err == nil {
					_, _ = io.WriteString(conn, "end\n")
				}
			}()
		}
	}()
	return l.Addr().String()
}

type client struct {
	*net.TCPConn
	r *bufio.Reader
	t *testing.T
}

func dial(t *testing.T, p *netfault.Proxy) *client {
	t.Helper()
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &client{TCPConn: conn.(*net.TCPConn), r: bufio.NewReader(conn), t: t}
}

func (c *client) send(line string) {
	c.t.Helper()
	if _, err := io.WriteString(c, line+"\n"); err != nil {
		c.t.Fatal(err)
	}
}

// read returns the next line, or what went wrong within the time given.
func (c *client) read(within time.Duration) (string, error) {
	_ = c.SetReadDeadline(time.Now().Add(within))
	line, err := c.r.ReadString('\n')
	return strings.TrimSuffix(line, "\n"), err
}

func (c *client) want(line string) {
	c.t.Helper()
	if got, err := c.read(10 * time.Second); got != line || err != nil {
		c.t.Fatalf("got %q, error %v; want %q", got, err, line)
	}
}

func (c *client) wantSilence() {
	c.t.Helper()
	if got, err := c.read(100 * time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatalf("got %q, error %v; want silence", got, err)
	}
}

func TestPassesAndCounts(t *testing.T) {
	p := netfault.Start(t, echo(t))
	c := dial(t, p)
	c.send("hello")
	c.want("hello")
	if up, down := p.Bytes(netfault.ToServer), p.Bytes(netfault.ToClient); up != 6 || down != 6 || p.Bytes(netfault.Both) != 12 {
		t.Errorf("counted %d up, %d down; want 6, 6", up, down)
	}
	if p.Accepted() != 1 || p.Links() != 1 {
		t.Errorf("accepted %d, open %d; want 1, 1", p.Accepted(), p.Links())
	}
	c.Close()
	if !p.WaitLinks(0, 10*time.Second) {
		t.Error("the link outlived its client")
	}
}

func TestCutResetsBothAndLetsNewOnesPass(t *testing.T) {
	p := netfault.Start(t, echo(t))
	c := dial(t, p)
	c.send("hello")
	c.want("hello")
	p.Cut()
	if got, err := c.read(10 * time.Second); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %q, error %v; want a reset", got, err)
	}
	c = dial(t, p)
	c.send("again")
	c.want("again")
}

func TestBlackholeSwallowsItsDirectionOnly(t *testing.T) {
	for _, test := range []struct {
		name      string
		direction netfault.Direction
		up        int64 // bytes that reach the server of the second line
	}{
		{"to server", netfault.ToServer, 0},
		{"to client", netfault.ToClient, 5},
		{"both", netfault.Both, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := netfault.Start(t, echo(t))
			c := dial(t, p)
			c.send("one")
			c.want("one")
			before := p.Bytes(netfault.ToServer)
			p.Blackhole(test.direction)
			c.send("lost")
			c.wantSilence()
			if up := p.Bytes(netfault.ToServer) - before; up != test.up {
				t.Errorf("%d bytes reached the server, want %d", up, test.up)
			}
			fresh := dial(t, p)
			fresh.send("new")
			fresh.want("new")
			c.wantSilence()
		})
	}
}

func TestBlackholeHidesTheEnd(t *testing.T) {
	p := netfault.Start(t, echo(t))
	c := dial(t, p)
	c.send("one")
	c.want("one")
	p.Blackhole(netfault.ToServer)
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	c.wantSilence() // the server never sees the FIN, so it does not say "end"
}

func TestHalfCloseEndsOneDirection(t *testing.T) {
	p := netfault.Start(t, echo(t))
	c := dial(t, p)
	c.send("one")
	c.want("one")
	p.HalfClose(netfault.ToServer)
	c.want("end") // the server saw the end and could still answer
}

func TestNewConnections(t *testing.T) {
	p := netfault.Start(t, echo(t))
	p.BlackholeNew(netfault.Both)
	hole := dial(t, p)
	hole.send("lost")
	hole.wantSilence()

	p.Refuse(true)
	wantReset(t, p)

	p.Pass()
	fine := dial(t, p)
	fine.send("hello")
	fine.want("hello")
}

func TestDelayAndThrottle(t *testing.T) {
	for _, test := range []struct {
		name  string
		slow  func(*netfault.Proxy)
		least time.Duration
	}{
		{"delay", func(p *netfault.Proxy) { p.Delay(60 * time.Millisecond) }, 120 * time.Millisecond}, // there and back
		{"throttle", func(p *netfault.Proxy) { p.Throttle(1000) }, 190 * time.Millisecond},            // 100 bytes there and back
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := netfault.Start(t, echo(t))
			c := dial(t, p)
			test.slow(p)
			before := time.Now()
			c.send(strings.Repeat("x", 99))
			c.want(strings.Repeat("x", 99))
			if took := time.Since(before); took < test.least {
				t.Errorf("took %v, want at least %v", took, test.least)
			}
			p.Pass()
			before = time.Now()
			c.send("fast")
			c.want("fast")
			if took := time.Since(before); took > test.least {
				t.Errorf("after Pass: took %v", took)
			}
		})
	}
}

func TestDeadTargetResets(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	target := l.Addr().String()
	l.Close()
	wantReset(t, netfault.Start(t, target))
}

// wantReset connects and wants the connection to be reset: while connecting or at the first read, whichever comes first.
func wantReset(t *testing.T, p *netfault.Proxy) {
	t.Helper()
	conn, err := net.Dial("tcp", p.Addr())
	if err == nil {
		defer conn.Close()
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		_, err = conn.Read(make([]byte, 1))
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("error %v, want a reset", err)
	}
}
