package imapclient

import (
	"cmp"
	"context"
	"errors"
	"net"
	"time"
)

// keepAlive is what a connection gets whose Dialer says nothing about it: a peer that is gone is
// noticed after two minutes, and the probes keep what is between alive.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 60 * time.Second, Interval: 15 * time.Second, Count: 4}

// transport connects to the server, through the proxy if there is one, within DialTimeout.
func (o *Options) transport(ctx context.Context) (net.Conn, error) {
	_, addr := o.hostPort()
	proxy, err := o.Proxy.forAddr(addr)
	if err != nil {
		return nil, err
	}
	late := &TimeoutError{Op: "connecting", After: o.DialTimeout}
	ctx, cancel := context.WithTimeoutCause(ctx, o.DialTimeout, late)
	defer cancel()
	ctx = onlyDone{ctx}
	if proxy != nil {
		o.Trace.note("through the proxy " + proxy.String())
		return proxy.dial(ctx, o, addr)
	}
	o.direct = o.DialContext == nil
	return o.dialTCP(ctx, addr)
}

// onlyDone hides the deadline of a context, so that nothing fails for it before the context itself has
// ended and can tell why.
type onlyDone struct{ context.Context }

func (onlyDone) Deadline() (time.Time, bool) { return time.Time{}, false }

// dialTCP connects to addr without a proxy.
func (o *Options) dialTCP(ctx context.Context, addr string) (net.Conn, error) {
	dial := o.DialContext
	if dial == nil {
		dial = func(ctx context.Context, _, addr string) (net.Conn, error) { return dialHost(ctx, o.dialer(), addr) }
	}
	nc, err := dial(ctx, "tcp", addr)
	if err == nil {
		err = o.setUserTimeout(nc)
	}
	if err != nil {
		if nc != nil {
			_ = nc.Close()
		}
		return nil, dialFailed(ctx, addr, err)
	}
	return nc, nil
}

// dialer returns a copy of Options.Dialer with what it leaves open.
func (o *Options) dialer() *net.Dialer {
	var d net.Dialer
	if o.Dialer != nil {
		d = *o.Dialer
	}
	if d.KeepAlive == 0 && d.KeepAliveConfig == (net.KeepAliveConfig{}) {
		d.KeepAliveConfig = keepAlive
	}
	d.Resolver = cmp.Or(d.Resolver, net.DefaultResolver)
	return &d
}

// setUserTimeout does so on a TCP connection; others have no such thing.
func (o *Options) setUserTimeout(nc net.Conn) error {
	tcp, ok := nc.(*net.TCPConn)
	if !ok || o.UserTimeout == 0 {
		return nil
	}
	return setUserTimeout(tcp, max(o.UserTimeout, time.Millisecond))
}

// dialFailed says where connecting to addr ended, and why.
func dialFailed(ctx context.Context, addr string, err error) error {
	stage, hint := "connect", "check host, port and firewall"
	var dns *net.DNSError
	var address *net.AddrError
	if errors.As(err, &dns) || errors.As(err, &address) {
		stage, hint = "resolve", "check the spelling of the host and your network"
	}
	if address != nil && address.Err == errFamily {
		hint = "the address in Dialer.LocalAddr is of the other family"
	}
	cause := context.Cause(ctx)
	if cause == nil {
		return &DialError{Addr: addr, Stage: stage, Hint: hint, Err: err}
	}
	if !errors.As(cause, new(*TimeoutError)) {
		hint = "" // the caller gave up
	}
	return &DialError{Addr: addr, Stage: stage, Hint: hint, Err: cause}
}
