package imapclient

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"time"
)

const (
	// attemptDelay is the Connection Attempt Delay (RFC 8305 section 8).
	attemptDelay = 250 * time.Millisecond
	// maxAddresses bounds how many of the addresses of a host are tried.
	maxAddresses = 16
)

// errFamily is the text of the error for a host that has no address like the local one.
const errFamily = "the host has no address of the family of the local address"

// dialHost connects to the first address of a host that answers. net.Dialer does nearly the same, but it
// tries the addresses of one family one after the other, and one that swallows packets costs many seconds.
func dialHost(ctx context.Context, d *net.Dialer, addr string) (net.Conn, error) {
	host, service, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	port, err := d.Resolver.LookupPort(ctx, "tcp", service)
	if err != nil {
		return nil, err
	}
	ips := []netip.Addr{}
	if ip, err := netip.ParseAddr(host); err == nil {
		ips = append(ips, ip)
	} else if ips, err = d.Resolver.LookupNetIP(ctx, "ip", host); err != nil {
		return nil, err
	}
	ips = reachableFrom(d.LocalAddr, ips)
	if len(ips) == 0 {
		return nil, &net.AddrError{Err: errFamily, Addr: host}
	}
	addrs := interleave(ips)
	delay := attemptDelay
	if d.FallbackDelay != 0 {
		delay = d.FallbackDelay
	}
	return race(ctx, addrs[:min(len(addrs), maxAddresses)], delay, func(ctx context.Context, ip netip.Addr) (net.Conn, error) {
		return d.DialContext(ctx, "tcp", net.JoinHostPort(ip.String(), strconv.Itoa(port)))
	})
}

// reachableFrom returns the addresses that can be reached from a local address, if there is one.
func reachableFrom(local net.Addr, ips []netip.Addr) []netip.Addr {
	tcp, ok := local.(*net.TCPAddr)
	if !ok || tcp == nil || tcp.IP == nil {
		return ips
	}
	var fit []netip.Addr
	for _, ip := range ips {
		if ip.Unmap().Is4() == (tcp.IP.To4() != nil) {
			fit = append(fit, ip)
		}
	}
	return fit
}

// interleave takes the two families in turn, beginning with that of the address which the system
// would take first (RFC 8305 section 4).
func interleave(ips []netip.Addr) []netip.Addr {
	var first, second []netip.Addr
	for _, ip := range ips {
		if ip = ip.Unmap(); ip.Is4() == ips[0].Unmap().Is4() {
			first = append(first, ip)
		} else {
			second = append(second, ip)
		}
	}
	var all []netip.Addr
	for i := range max(len(first), len(second)) {
		all = append(all, first[min(i, len(first)):min(i+1, len(first))]...)
		all = append(all, second[min(i, len(second)):min(i+1, len(second))]...)
	}
	return all
}

// attempt is how one try ended.
type attempt struct {
	of  int // the index of the address
	nc  net.Conn
	err error
}

// race tries addresses until one answers (RFC 8305 section 5): the next one begins when the one before has
// failed, or after delay if that is not negative. It returns when all attempts have ended.
func race(ctx context.Context, addrs []netip.Addr, delay time.Duration, dial func(context.Context, netip.Addr) (net.Conn, error)) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan attempt)
	started, running := 0, 0
	defer func() {
		cancel()
		for ; running > 0; running-- {
			if late := <-ended; late.nc != nil {
				_ = late.nc.Close()
			}
		}
	}()
	errs := make([]error, len(addrs)) // in the order of the addresses
	for {
		var next <-chan time.Time
		if started < len(addrs) && ctx.Err() == nil {
			of := started
			go func() {
				nc, err := dial(ctx, addrs[of])
				ended <- attempt{of, nc, err}
			}()
			started, running = started+1, running+1
			if delay >= 0 && started < len(addrs) {
				next = time.After(delay)
			}
		}
		if running == 0 {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			return nil, joined(errs)
		}
		select {
		case a := <-ended:
			running--
			if a.err == nil {
				return a.nc, nil
			}
			errs[a.of] = a.err
		case <-next:
		}
	}
}
