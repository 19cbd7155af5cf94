package imapclient_test

import (
	"context"
	"net"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imaptest"
)

// What the kernel says of a socket after Dial.
func TestSocketOptions(t *testing.T) {
	s := listening(t, &imaptest.ServerOptions{Plain: true})
	p := startProxy(t, "socks5", s.Addr().String(), certify(t, nil, nil))
	for _, tt := range []struct {
		name   string
		change func(*imapclient.Options)
		want   [4]int // keepalive: seconds of silence, between probes, probes; user timeout in ms
	}{
		{"by itself", func(*imapclient.Options) {}, [4]int{60, 15, 4, 0}},
		{"keepalive of one's own", func(o *imapclient.Options) {
			o.Dialer = &net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 7 * time.Second, Count: 3}}
		}, [4]int{30, 7, 3, 0}},
		{"no keepalive", func(o *imapclient.Options) { o.Dialer = &net.Dialer{KeepAlive: -1} }, [4]int{-1, 0, 0, 0}},
		{"user timeout", func(o *imapclient.Options) { o.UserTimeout = 90 * time.Second }, [4]int{60, 15, 4, 90000}},
		{"the shortest user timeout", func(o *imapclient.Options) { o.UserTimeout = time.Microsecond }, [4]int{60, 15, 4, 1}},
		{"an endless user timeout", func(o *imapclient.Options) { o.UserTimeout = 1 << 62 }, [4]int{60, 15, 4, 1<<31 - 1}},
		{"through a proxy", func(o *imapclient.Options) {
			o.Addr, o.UserTimeout, o.Proxy = "mail.nowhere.invalid", 90*time.Second, mustProxy(t, "socks5://"+proxyInfo+p.addr)
		}, [4]int{60, 15, 4, 90000}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := &imapclient.Options{Addr: s.Addr().String(), Security: imapclient.InsecurePlaintext}
			tt.change(o)
			var socket syscall.RawConn
			d := net.Dialer{}
			if o.Dialer != nil {
				d = *o.Dialer
			}
			d.ControlContext = func(_ context.Context, _, _ string, raw syscall.RawConn) error {
				socket = raw
				return nil
			}
			o.Dialer = &d
			c, err := imapclient.Dial(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			get := func(level, option int) (value int) {
				if err := socket.Control(func(fd uintptr) { value, err = unix.GetsockoptInt(int(fd), level, option) }); err != nil {
					t.Fatal(err)
				}
				return value
			}
			got := [4]int{-1, 0, 0, get(unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT)}
			if get(unix.SOL_SOCKET, unix.SO_KEEPALIVE) != 0 {
				got[0], got[1], got[2] = get(unix.IPPROTO_TCP, unix.TCP_KEEPIDLE), get(unix.IPPROTO_TCP, unix.TCP_KEEPINTVL), get(unix.IPPROTO_TCP, unix.TCP_KEEPCNT)
			}
			if got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}
