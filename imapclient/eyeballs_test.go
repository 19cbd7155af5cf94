package imapclient

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

func addrs(text string) (list []netip.Addr) {
	for _, a := range strings.Fields(text) {
		list = append(list, netip.MustParseAddr(a))
	}
	return list
}

func TestFamiliesAreTriedInTurn(t *testing.T) {
	for _, tt := range []struct{ resolved, want string }{
		{"2001:db8::1 2001:db8::2 192.0.2.1 192.0.2.2", "2001:db8::1 192.0.2.1 2001:db8::2 192.0.2.2"},
		{"192.0.2.1 192.0.2.2 2001:db8::1", "192.0.2.1 2001:db8::1 192.0.2.2"},
		{"2001:db8::1 192.0.2.1 192.0.2.2 192.0.2.3", "2001:db8::1 192.0.2.1 192.0.2.2 192.0.2.3"},
		{"192.0.2.1", "192.0.2.1"},
		{"::ffff:192.0.2.1 2001:db8::1", "192.0.2.1 2001:db8::1"},
	} {
		if got := strings.Trim(fmt.Sprint(interleave(addrs(tt.resolved))), "[]"); got != tt.want {
			t.Errorf("%s: tried %s, want %s", tt.resolved, got, tt.want)
		}
	}
}

func TestOnlyAddressesThatTheLocalOneCanReach(t *testing.T) {
	const all = "2001:db8::1 192.0.2.1 ::ffff:192.0.2.2"
	for _, tt := range []struct {
		local net.Addr
		want  string
	}{
		{nil, all},
		{&net.TCPAddr{Port: 7}, all},
		{&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, "192.0.2.1 ::ffff:192.0.2.2"},
		{&net.TCPAddr{IP: net.IPv6loopback}, "2001:db8::1"},
	} {
		if got := strings.Trim(fmt.Sprint(reachableFrom(tt.local, addrs(all))), "[]"); got != tt.want {
			t.Errorf("from %v: %s, want %s", tt.local, got, tt.want)
		}
	}
}

// fate is what becomes of an attempt to connect to an address.
type fate struct {
	after time.Duration // 0 for one that swallows packets
	fails bool
}

// fakeNet plays the fates of addresses and notes when each was tried.
type fakeNet struct {
	began time.Time
	fates map[string]fate

	mu    sync.Mutex // guards what follows
	tried []string
	open  int // connections made and not closed
}

func (n *fakeNet) dial(ctx context.Context, ip netip.Addr) (net.Conn, error) {
	n.mu.Lock()
	n.tried = append(n.tried, fmt.Sprintf("%v at %v", ip, time.Since(n.began)))
	n.mu.Unlock()
	f := n.fates[ip.String()]
	if f.after == 0 {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	time.Sleep(f.after) // an answer is on its way, whoever still waits for it
	if f.fails {
		return nil, fmt.Errorf("%v refused", ip)
	}
	n.mu.Lock()
	n.open++
	n.mu.Unlock()
	return &fakeConn{n: n, ip: ip}, nil
}

type fakeConn struct {
	net.Conn
	n  *fakeNet
	ip netip.Addr
}

func (c *fakeConn) Close() error {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	c.n.open--
	return nil
}

// What RFC 8305 section 5 asks for. In a bubble, so no goroutine is left behind either.
func TestAddressesRace(t *testing.T) {
	const ms = time.Millisecond
	for _, tt := range []struct {
		name  string
		addrs string
		fates map[string]fate
		delay time.Duration
		limit time.Duration
		tried string
		want  string // the address, or the error
		after time.Duration
	}{
		{
			"the first answers", "192.0.2.1 192.0.2.2",
			map[string]fate{"192.0.2.1": {after: 20 * ms}},
			attemptDelay, time.Minute,
			"192.0.2.1 at 0s", "192.0.2.1", 20 * ms,
		},
		{
			"the first swallows packets", "2001:db8::1 192.0.2.1",
			map[string]fate{"192.0.2.1": {after: 20 * ms}},
			attemptDelay, time.Minute,
			"2001:db8::1 at 0s, 192.0.2.1 at 250ms", "192.0.2.1", 270 * ms,
		},
		{
			"three of one family swallow packets", "192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4",
			map[string]fate{"192.0.2.4": {after: 20 * ms}},
			attemptDelay, time.Minute,
			"192.0.2.1 at 0s, 192.0.2.2 at 250ms, 192.0.2.3 at 500ms, 192.0.2.4 at 750ms", "192.0.2.4", 770 * ms,
		},
		{
			"a failure begins the next at once", "2001:db8::1 192.0.2.1",
			map[string]fate{"2001:db8::1": {after: 5 * ms, fails: true}, "192.0.2.1": {after: 20 * ms}},
			attemptDelay, time.Minute,
			"2001:db8::1 at 0s, 192.0.2.1 at 5ms", "192.0.2.1", 25 * ms,
		},
		{
			"a slow one wins over its successor", "192.0.2.1 192.0.2.2",
			map[string]fate{"192.0.2.1": {after: 260 * ms}, "192.0.2.2": {after: 30 * ms}},
			attemptDelay, time.Minute,
			"192.0.2.1 at 0s, 192.0.2.2 at 250ms", "192.0.2.1", 280 * ms, // the loser's answer is waited for and closed
		},
		{
			"all refuse", "2001:db8::1 192.0.2.1",
			map[string]fate{"2001:db8::1": {after: 5 * ms, fails: true}, "192.0.2.1": {after: 5 * ms, fails: true}},
			attemptDelay, time.Minute,
			"2001:db8::1 at 0s, 192.0.2.1 at 5ms", "2001:db8::1 refused; 192.0.2.1 refused", 10 * ms,
		},
		{
			"all swallow packets", "192.0.2.1 192.0.2.2",
			nil, attemptDelay, 30 * time.Second,
			"192.0.2.1 at 0s, 192.0.2.2 at 250ms", "context deadline exceeded", 30 * time.Second,
		},
		{
			"one after the other", "192.0.2.1 192.0.2.2",
			map[string]fate{"192.0.2.1": {after: time.Second, fails: true}, "192.0.2.2": {after: 20 * ms}},
			-1, time.Minute,
			"192.0.2.1 at 0s, 192.0.2.2 at 1s", "192.0.2.2", 1020 * ms,
		},
		{
			"another delay", "192.0.2.1 192.0.2.2",
			map[string]fate{"192.0.2.2": {after: 20 * ms}},
			50 * ms, time.Minute,
			"192.0.2.1 at 0s, 192.0.2.2 at 50ms", "192.0.2.2", 70 * ms,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), tt.limit)
				defer cancel()
				n := &fakeNet{began: time.Now(), fates: tt.fates}
				nc, err := race(ctx, addrs(tt.addrs), tt.delay, n.dial)
				got, open := "", 0
				if err != nil {
					got = err.Error()
				} else {
					got, open = nc.(*fakeConn).ip.String(), 1
				}
				if got != tt.want || time.Since(n.began) != tt.after {
					t.Errorf("got %s after %v, want %s after %v", got, time.Since(n.began), tt.want, tt.after)
				}
				if tried := strings.Join(n.tried, ", "); tried != tt.tried {
					t.Errorf("tried %s\nwant  %s", tried, tt.tried)
				}
				if n.open != open {
					t.Errorf("%d connections are left open, want %d", n.open, open)
				}
			})
		})
	}
}

// A real socket that swallows packets does not keep a host with a second address from being reached.
func TestBlackHoledAddressCostsAQuarterOfASecond(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	blackHole(t, [4]byte{127, 0, 0, 2}, port)
	d := (&Options{Dialer: &net.Dialer{Resolver: fakeDNS(t, map[string]string{"mail.example.org.": "127.0.0.2 127.0.0.1"})}}).dialer()
	const limit = 2 * time.Minute // of which the first address would get a half, if they were tried in turn
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	began := time.Now()
	nc, err := dialHost(ctx, d, fmt.Sprintf("mail.example.org:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if got := nc.RemoteAddr().String(); got != l.Addr().String() {
		t.Errorf("connected to %s, want %v", got, l.Addr())
	}
	if took := time.Since(began); took < attemptDelay || took > limit/4 {
		t.Errorf("it took %v, want little more than %v", took, attemptDelay)
	}
}

// blackHole makes an address of this machine swallow the packets of new connections: its queue is full.
func blackHole(t *testing.T, ip [4]byte, port int) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(os.NewSyscallError("socket", err))
	}
	t.Cleanup(func() { syscall.Close(fd) })
	addr := &syscall.SockaddrInet4{Port: port, Addr: ip}
	if err := errors.Join(syscall.Bind(fd, addr), syscall.Listen(fd, 0)); err != nil {
		t.Skip("this system has no second loopback address: ", err)
	}
	target := net.TCPAddr{IP: ip[:], Port: port}
	for range 8 {
		nc, err := net.DialTimeout("tcp", target.String(), 100*time.Millisecond)
		if err != nil {
			return
		}
		t.Cleanup(func() { nc.Close() })
	}
	t.Skip("this system does not swallow packets for a full queue")
}

// fakeDNS answers questions for addresses from a table of names with a dot at the end.
func fakeDNS(t *testing.T, hosts map[string]string) *net.Resolver {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { server.Close(); <-done })
	go func() {
		defer close(done)
		b := make([]byte, 4096)
		for {
			n, from, err := server.ReadFrom(b)
			if err != nil {
				return
			}
			if reply, err := answerDNS(b[:n], hosts); err == nil {
				_, _ = server.WriteTo(reply, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, StrictErrors: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

func answerDNS(query []byte, hosts map[string]string) ([]byte, error) {
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil {
		return nil, err
	}
	q := m.Questions[0]
	m.Header = dnsmessage.Header{ID: m.ID, Response: true, RecursionAvailable: true}
	m.Additionals = nil
	if _, ok := hosts[q.Name.String()]; !ok {
		m.RCode = dnsmessage.RCodeNameError
	}
	for _, ip := range addrs(hosts[q.Name.String()]) {
		header := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1}
		switch {
		case q.Type == dnsmessage.TypeA && ip.Is4():
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: ip.As4()}})
		case q.Type == dnsmessage.TypeAAAA && ip.Is6():
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: ip.As16()}})
		}
	}
	return m.Pack()
}
