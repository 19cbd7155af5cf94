package imapclient_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
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

// crowd is a server that has everybody logged in, and connections to it, each with the server's end.
type crowd struct {
	conns []*imapclient.Conn
	ours  []net.Conn // the sockets of conns until they wait
	ends  []net.Conn
	heard []atomic.Int64 // EXISTS that came, by connection
	idles atomic.Int64   // IDLEs that have begun
}

// newCrowd makes n connections. Handle is called when one hears.
func newCrowd(t *testing.T, n int, handle func(i int)) *crowd { return newCrowdOf(t, n, handle, nil) }

// newCrowdOf is newCrowd with a server that does something else than to answer with OK.
func newCrowdOf(t *testing.T, n int, handle func(i int), serve func(c *crowd, i int, nc net.Conn)) *crowd {
	t.Helper()
	var serving sync.WaitGroup
	c := &crowd{conns: make([]*imapclient.Conn, n), ours: make([]net.Conn, n), ends: make([]net.Conn, n), heard: make([]atomic.Int64, n)}
	if serve == nil {
		serve = func(c *crowd, _ int, nc net.Conn) { c.serve(nc) }
	}
	t.Cleanup(func() {
		for i := range c.conns {
			if c.conns[i] != nil {
				_ = c.conns[i].Close()
			}
		}
		serving.Wait()
	})
	for i := range n {
		ours, theirs, err := socketPair()
		if err != nil {
			t.Fatal(err)
		}
		c.ours[i], c.ends[i] = ours, theirs
		serving.Go(func() { serve(c, i, theirs) })
		o := plain()
		o.AllowPreauth = true
		o.Handler = func(r imap.Response) {
			if _, ok := r.(imap.Exists); ok {
				c.heard[i].Add(1)
				handle(i)
			}
		}
		if c.conns[i], err = imapclient.New(t.Context(), ours, o); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// socketPair returns the ends of a TCP connection.
func socketPair() (ours, theirs net.Conn, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	if ours, err = net.Dial("tcp", l.Addr().String()); err != nil {
		return nil, nil, err
	}
	theirs, err = l.Accept()
	return ours, theirs, err
}

// onceMore returns another descriptor of a socket, for the connection that is made of it exchanges its own.
func onceMore(t *testing.T, nc net.Conn) net.Conn {
	t.Helper()
	f, err := nc.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	again, err := net.FileConn(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = again.Close() })
	return again
}

// serve answers every command with OK. In the middle of a STATUS a message comes.
func (c *crowd) serve(nc net.Conn) {
	defer nc.Close()
	_, _ = io.WriteString(nc, "* PREAUTH [CAPABILITY IMAP4rev1 IDLE] hello\r\n")
	lines := bufio.NewScanner(nc)
	idle := ""
	for lines.Scan() {
		tag, command, _ := strings.Cut(lines.Text(), " ")
		switch {
		case tag == "DONE":
			fmt.Fprintf(nc, "%s OK done\r\n", idle)
		case command == "IDLE":
			idle = tag
			_, _ = io.WriteString(nc, "+ idling\r\n")
			c.idles.Add(1)
		case strings.HasPrefix(command, "STATUS"):
			fmt.Fprintf(nc, "* 4 EXISTS\r\n* STATUS slow (MESSAGES 4)\r\n%s OK done\r\n", tag)
		default:
			fmt.Fprintf(nc, "%s OK done\r\n", tag)
		}
	}
}

func (c *crowd) push(i int) error {
	_, err := io.WriteString(c.ends[i], "* 4 EXISTS\r\n")
	return err
}

// waitOn has connection i wait again and again, until its first error, which is given to over.
func (c *crowd) waitOn(p *imapclient.Poller, i int, over func(error)) {
	p.Wait(c.conns[i], time.Time{}, func(err error) {
		if err != nil {
			over(err)
			return
		}
		c.waitOn(p, i, over)
	})
}

// all pushes to everybody until each has heard so often.
func (c *crowd) all(t *testing.T, what string, times int64) {
	t.Helper()
	for i := range c.ends {
		if err := c.push(i); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, what, func() bool {
		for i := range c.heard {
			if c.heard[i].Load() < times {
				return false
			}
		}
		return true
	})
}

func nobody(int) {}

// Whatever happens to whom, done is called once for each Wait, and what is said to the others is heard.
func TestParkedConnectionsUnderRandomCuts(t *testing.T) {
	n := 2000
	if testing.Short() {
		n = 200
	}
	c := newCrowd(t, n, nobody)
	p := newPoller(t)
	waits, dones, said := make([]atomic.Int64, n), make([]atomic.Int64, n), make([]atomic.Int64, n)
	stops := make([]atomic.Pointer[func(error)], n)
	over := make([]atomic.Bool, n)
	var wait func(i int)
	wait = func(i int) {
		waits[i].Add(1)
		stop := p.Wait(c.conns[i], time.Time{}, func(err error) {
			if dones[i].Add(1) > waits[i].Load() {
				t.Errorf("connection %d: done was called twice", i)
			}
			switch {
			case err == nil, errors.Is(err, context.Canceled):
				wait(i)
			default:
				over[i].Store(true)
			}
		})
		stops[i].Store(&stop)
	}
	cut := make([]atomic.Bool, n)
	for i := range n {
		wait(i)
	}
	var acting sync.WaitGroup
	for seed := range uint64(4) {
		acting.Go(func() {
			rnd := rand.New(rand.NewPCG(seed, 1))
			for range n {
				i := rnd.IntN(n)
				switch rnd.IntN(8) {
				case 0:
					cut[i].Store(true)
					_ = c.conns[i].Close()
				case 1:
					cut[i].Store(true)
					_ = c.ends[i].Close()
				case 2:
					if err := c.conns[i].Noop(t.Context()); err != nil && !cut[i].Load() {
						t.Errorf("connection %d: %v", i, err)
					}
				case 3:
					if stop := stops[i].Load(); stop != nil {
						(*stop)(nil)
					}
				default:
					if c.push(i) == nil {
						said[i].Add(1)
					}
				}
			}
		})
	}
	acting.Wait()
	eventually(t, "some are not told that their connection was cut, or of what was said", func() bool {
		for i := range n {
			if isCut := cut[i].Load(); isCut && !over[i].Load() || !isCut && c.heard[i].Load() != said[i].Load() {
				return false
			}
		}
		return true
	})
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	for i := range n {
		if waits[i].Load() != dones[i].Load() {
			t.Errorf("connection %d: %d waits, done was called %d times", i, waits[i].Load(), dones[i].Load())
		}
		if !cut[i].Load() && c.conns[i].Noop(t.Context()) != nil {
			t.Errorf("connection %d, which nobody has cut: %v", i, c.conns[i].Err())
		}
	}
}

// Those whose Handler blocks keep a worker each. The others go on, with one worker left, and nothing is lost.
func TestAStuckHandlerHoldsUpItselfAlone(t *testing.T) {
	p, err := imapclient.NewPoller(&imapclient.PollerOptions{Workers: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	free := make(chan struct{})
	c := newCrowd(t, 10, func(i int) {
		if i < 3 {
			<-free
		}
	})
	for i := range c.conns {
		c.waitOn(p, i, func(error) {})
	}
	push := func(i int) {
		if err := c.push(i); err != nil {
			t.Error(err)
		}
	}
	hears := func(what string, from int, times int64) {
		t.Helper()
		eventually(t, what, func() bool {
			for i := from; i < len(c.heard); i++ {
				if c.heard[i].Load() < times {
					return false
				}
			}
			return true
		})
	}
	push(0)
	push(1)
	hears("a Handler is stuck, and others do not hear", 10, 0)
	eventually(t, "the first two are not stuck", func() bool { return c.heard[0].Load() == 1 && c.heard[1].Load() == 1 })
	for i := 3; i < 10; i++ {
		push(i)
	}
	hears("two are stuck, and others do not hear", 3, 1)
	push(2)
	eventually(t, "the third is not stuck", func() bool { return c.heard[2].Load() == 1 })
	for i := 3; i < 10; i++ { // nobody is there for these
		push(i)
	}
	close(free)
	hears("after all were stuck some was lost", 3, 2)
}

// One that never stops talking shares the only worker.
func TestAFloodHoldsUpNobodyElse(t *testing.T) {
	p, err := imapclient.NewPoller(&imapclient.PollerOptions{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	c := newCrowd(t, 3, nobody)
	for i := range c.conns {
		c.waitOn(p, i, func(error) {})
	}
	var flood sync.WaitGroup
	many := strings.Repeat("* 4 EXISTS\r\n", 5000)
	flood.Go(func() {
		for {
			if _, err := io.WriteString(c.ends[0], many); err != nil {
				return
			}
		}
	})
	eventually(t, "the flood is not heard", func() bool { return c.heard[0].Load() > 10_000 })
	for times := range int64(20) {
		before := c.heard[0].Load()
		for i := 1; i < 3; i++ {
			if err := c.push(i); err != nil {
				t.Error(err)
			}
		}
		eventually(t, "next to a flood others are not heard", func() bool { return c.heard[1].Load() > times && c.heard[2].Load() > times })
		eventually(t, "the flood is not heard any more", func() bool { return c.heard[0].Load() > before })
	}
	_ = c.conns[0].Close()
	flood.Wait()
}

// One that talks without end instead of answering IDLE, so that there is always more to read, shares the only worker, too.
func TestAFloodInsteadOfAnAnswerHoldsUpNobodyElse(t *testing.T) {
	p, err := imapclient.NewPoller(&imapclient.PollerOptions{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var c *crowd
	c = newCrowdOf(t, 3, func(i int) {
		if i == 0 {
			_ = c.push(0)
		}
	}, func(c *crowd, i int, nc net.Conn) {
		if i > 0 {
			c.serve(nc)
			return
		}
		defer nc.Close()
		_, _ = io.WriteString(nc, "* PREAUTH [CAPABILITY IMAP4rev1 IDLE] hello\r\n")
		_, _ = io.Copy(io.Discard, nc)
	})
	for i := range c.conns {
		c.waitOn(p, i, func(error) {})
	}
	eventually(t, "the others are not in IDLE", func() bool { return c.idles.Load() == 2 })
	for i := range c.conns {
		if err := c.push(i); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "next to a flood others are not heard", func() bool {
		return c.heard[0].Load() > 1000 && c.heard[1].Load() == 1 && c.heard[2].Load() == 1
	})
	if err := c.conns[0].Err(); err != nil {
		t.Errorf("the flood has ended: %v", err)
	}
}

// A server that sends a byte now and then takes up no worker in between, and is understood in the end.
func TestASlowServerTakesNoWorker(t *testing.T) {
	p, err := imapclient.NewPoller(&imapclient.PollerOptions{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	c := newCrowd(t, 21, nobody)
	for i := range c.conns {
		c.waitOn(p, i, func(error) {})
	}
	eventually(t, "not all are in IDLE", func() bool { return c.idles.Load() == int64(len(c.conns)) })
	for k, b := range []byte("* 4 EXISTS\r\n") {
		for i := 1; i < len(c.ends); i++ {
			if _, err := c.ends[i].Write([]byte{b}); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.push(0); err != nil {
			t.Fatal(err)
		}
		eventually(t, "next to slow servers another is not heard", func() bool { return c.heard[0].Load() == int64(k+1) })
		if b == '\n' {
			break
		}
		for i := 1; i < len(c.heard); i++ {
			if c.heard[i].Load() != 0 {
				t.Fatalf("connection %d has heard something after %d bytes", i, k+1)
			}
		}
	}
	eventually(t, "a slow server is not heard", func() bool {
		for i := range c.heard {
			if c.heard[i].Load() == 0 {
				return false
			}
		}
		return true
	})
}

// halves writes everything in two parts, with time in between.
type halves struct{ net.Conn }

func (h halves) Write(b []byte) (int, error) {
	n, err := h.Conn.Write(b[:len(b)/2])
	if err == nil {
		time.Sleep(2 * time.Millisecond) // most likely the client is parked again
		var m int
		m, err = h.Conn.Write(b[len(b)/2:])
		n += m
	}
	return n, err
}

// TLS records come in two halves, with the connection parked in between.
func TestParkedWithHalfARecord(t *testing.T) {
	server := imaptest.NewServer(nil) // for its certificate
	defer server.Close()
	config := server.TLSConfig()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	const pushes = 50
	var heard atomic.Int64
	o := &imapclient.Options{Addr: l.Addr().String(), TLSConfig: config, Handler: func(imap.Response) { heard.Add(1) }}
	crowd := &crowd{}
	accepted := make(chan net.Conn, 1)
	go func() {
		if nc, err := l.Accept(); err == nil {
			secure := tls.Server(halves{nc}, server.ServerTLSConfig())
			accepted <- secure
			crowd.serve(secure)
		}
	}()
	c, err := imapclient.Dial(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	p := newPoller(t)
	crowd.conns = []*imapclient.Conn{c}
	var over atomic.Bool
	crowd.waitOn(p, 0, func(error) { over.Store(true) })
	secure := <-accepted
	for range pushes {
		if _, err := io.WriteString(secure, "* 4 EXISTS\r\n"); err != nil {
			t.Error(err)
		}
	}
	eventually(t, "not all is heard", func() bool { return heard.Load() == pushes || over.Load() })
	if err := c.Err(); err != nil {
		t.Error(err)
	}
}

// What happens while a worker is busy with a connection is looked at when it has finished.
func TestAStopWhileAWorkerIsBusy(t *testing.T) {
	reading, goOn := make(chan struct{}), make(chan struct{})
	server := newCrowd(t, 0, nobody)
	ours, theirs, err := socketPair()
	if err != nil {
		t.Fatal(err)
	}
	go server.serve(theirs)
	o := plain()
	o.AllowPreauth = true
	o.Observer = func(r imap.Response) {
		if _, ok := r.(*imap.Continuation); ok {
			close(reading)
			<-goOn
		}
	}
	c, err := imapclient.New(t.Context(), ours, o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	p := newPoller(t)
	done := make(chan error, 2)
	stop := p.Wait(c, time.Time{}, func(err error) { done <- err })
	<-reading
	why := errors.New("enough")
	stop(why)
	close(goOn)
	select {
	case err := <-done:
		if !errors.Is(err, why) {
			t.Errorf("got %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("done was not called")
	}
}

// Connections that are told the same keep it once.
func TestConnectionsShareCapabilities(t *testing.T) {
	c := newCrowd(t, 2, nobody)
	one, other := c.conns[0].Capabilities(), c.conns[1].Capabilities()
	if len(one) != 2 || &one[0] != &other[0] {
		t.Errorf("%v and %v are not the same list", one, other)
	}
}

// fill writes into the socket of a connection until it takes no more.
func fill(t *testing.T, nc net.Conn) {
	t.Helper()
	if err := nc.(*net.TCPConn).SetWriteBuffer(4 << 10); err != nil { // which also ends that it grows
		t.Fatal(err)
	}
	for idle := 0; idle < 10; idle++ {
		_ = nc.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
		if n, _ := nc.Write(make([]byte, 1<<20)); n > 0 {
			idle = 0
		}
	}
	_ = nc.SetWriteDeadline(time.Time{})
}

func TestAnEndDoesNotWaitForABlockedWrite(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("on a goroutine it is the end of its context")
	}
	for _, how := range []string{"stop", "until"} {
		t.Run(how, func(t *testing.T) {
			end := make(chan struct{})
			defer close(end)
			c := newCrowdOf(t, 1, nobody, func(_ *crowd, _ int, nc net.Conn) {
				_, _ = io.WriteString(nc, "* PREAUTH [CAPABILITY IMAP4rev1 IDLE] hello\r\n")
				<-end // and does not read
				_ = nc.Close()
			})
			p := newPoller(t)
			why := errors.New("enough")
			done := make(chan error, 2)
			fill(t, c.ours[0])
			var until time.Time
			if how == "until" {
				until, why = time.Now().Add(50*time.Millisecond), context.DeadlineExceeded
			}
			stop := p.Wait(c.conns[0], until, func(err error) { done <- err })
			if how == "stop" {
				time.AfterFunc(50*time.Millisecond, func() { stop(why) })
			}
			select {
			case err := <-done:
				if !errors.Is(err, why) || c.conns[0].Err() == nil {
					t.Errorf("got %v, the connection: %v", err, c.conns[0].Err())
				}
			case <-time.After(20 * time.Second):
				t.Error("it waits for the write")
				_ = c.conns[0].Close()
			}
		})
	}
}
