// Package netfault is a TCP proxy on loopback that breaks connections in the ways networks do.
//
// A Proxy is transparent until told otherwise. Faults that a connection cannot recover from (Blackhole, Cut, HalfClose)
// strike the connections that exist at that moment; new ones pass, as after a change of networks. BlackholeNew and Refuse
// say what happens to the new ones. Delay and Throttle hold for all.
package netfault

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Direction is one half of a connection, or both.
type Direction int

const (
	ToServer Direction = 1 << iota
	ToClient
	Both = ToServer | ToClient
)

// Proxy forwards connections to one address.
type Proxy struct {
	listener net.Listener
	target   string
	running  sync.WaitGroup // the accept loop and both pumps of each link

	accepted             atomic.Int64
	toServer, fromServer atomic.Int64 // bytes forwarded

	mu      sync.Mutex // guards what follows
	links   map[*link]struct{}
	closed  bool
	refuse  bool
	newHole Direction     // black hole of links to come
	delay   time.Duration // before each forwarded piece
	rate    int           // bytes a second in each direction of each link; 0 is no limit
	changed chan struct{} // closed and replaced when a link comes or goes
}

// Start runs a proxy to target until the end of the test.
func Start(t testing.TB, target string) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listener: listener, target: target, links: map[*link]struct{}{}, changed: make(chan struct{})}
	p.running.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

// Addr is what clients connect to.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Accepted counts the connections so far.
func (p *Proxy) Accepted() int { return int(p.accepted.Load()) }

// Bytes counts what was forwarded in a direction (what a black hole swallowed is not in it).
func (p *Proxy) Bytes(d Direction) int64 {
	var n int64
	if d&ToServer != 0 {
		n += p.toServer.Load()
	}
	if d&ToClient != 0 {
		n += p.fromServer.Load()
	}
	return n
}

// Links counts the connections that are open now, black holes included.
func (p *Proxy) Links() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

// WaitLinks waits until exactly n connections are open and tells whether that came within timeout.
func (p *Proxy) WaitLinks(n int, timeout time.Duration) bool {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	for {
		p.mu.Lock()
		now, changed := len(p.links), p.changed
		p.mu.Unlock()
		if now == n {
			return true
		}
		select {
		case <-changed:
		case <-timer.C:
			return false
		}
	}
}

// Blackhole makes the links open now swallow all bytes of a direction, for good: both ends believe the connection lives.
func (p *Proxy) Blackhole(d Direction) { p.each(func(l *link) { l.swallow(d) }) }

// Cut resets the links open now: both ends get RST.
func (p *Proxy) Cut() { p.each((*link).cut) }

// HalfClose ends one direction of the links open now with FIN; the other direction goes on.
func (p *Proxy) HalfClose(d Direction) { p.each(func(l *link) { l.halfClose(d) }) }

// BlackholeNew sets whether later connections are accepted and then swallowed. Zero ends it.
func (p *Proxy) BlackholeNew(d Direction) { p.set(func() { p.newHole = d }) }

// Refuse sets whether later connections are reset right away.
func (p *Proxy) Refuse(on bool) { p.set(func() { p.refuse = on }) }

// Delay holds each piece of data back, in both directions of all links. Zero ends it.
func (p *Proxy) Delay(d time.Duration) { p.set(func() { p.delay = d }) }

// Throttle limits each direction of each link to so many bytes a second. Zero ends it.
func (p *Proxy) Throttle(bytesPerSecond int) { p.set(func() { p.rate = bytesPerSecond }) }

// Pass ends Refuse, BlackholeNew, Delay and Throttle. Links that were struck stay so.
func (p *Proxy) Pass() {
	p.set(func() { p.refuse, p.newHole, p.delay, p.rate = false, 0, 0, 0 })
}

func (p *Proxy) set(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

func (p *Proxy) each(f func(*link)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		f(l)
	}
}

func (p *Proxy) accept() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		p.accepted.Add(1)
		client := conn.(*net.TCPConn)
		if !p.open(client) {
			reset(client)
		}
	}
}

// open connects a client to the target and starts forwarding. It reports false when the client is to be reset.
func (p *Proxy) open(client *net.TCPConn) bool {
	p.mu.Lock()
	refuse := p.refuse || p.closed
	p.mu.Unlock()
	if refuse {
		return false
	}
	conn, err := net.DialTimeout("tcp", p.target, 5*time.Second)
	if err != nil {
		return false // the target is down: its clients are reset as if they had reached it
	}
	l := newLink(p, client, conn.(*net.TCPConn))

	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		l.cut()
		return true
	}
	l.swallow(p.newHole)
	p.links[l] = struct{}{}
	p.tellLocked()
	p.running.Go(l.run)
	return true
}

func (p *Proxy) drop(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
	p.tellLocked()
}

// tellLocked wakes those who wait for links. The caller holds mu.
func (p *Proxy) tellLocked() {
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *Proxy) pace() (delay time.Duration, rate int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.delay, p.rate
}

func (p *Proxy) close() {
	p.set(func() { p.closed = true })
	p.listener.Close()
	p.Cut()
	p.running.Wait()
}
