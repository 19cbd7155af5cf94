package imapclient

import (
	"net"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/idna"
)

// check returns an *OptionError for what cannot be used. It is for options that are resolved.
func (o *Options) check() error {
	if err := o.checkAddr(); err != nil {
		return err
	}
	if o.Security > InsecureOpportunisticTLS {
		return &OptionError{"Security", "unknown value " + strconv.Itoa(int(o.Security))}
	}
	for name, d := range map[string]time.Duration{
		"DialTimeout": o.DialTimeout, "TLSTimeout": o.TLSTimeout, "GreetingTimeout": o.GreetingTimeout,
		"CommandTimeout": o.CommandTimeout, "IdleTimeout": o.IdleTimeout, "IdleRestart": o.IdleRestart,
		"PollInterval": o.PollInterval, "UserTimeout": o.UserTimeout,
	} {
		if d < 0 {
			return &OptionError{name, "it is negative"}
		}
	}
	if o.Dialer == nil || o.Dialer.LocalAddr == nil {
		return nil
	}
	if _, ok := o.Dialer.LocalAddr.(*net.TCPAddr); !ok {
		return &OptionError{"Dialer", "LocalAddr must be a *net.TCPAddr"}
	}
	return nil
}

// checkAddr keeps what is not a host and a port out of names to resolve, requests to proxies and
// errors. No address at all is fine.
func (o *Options) checkAddr() error {
	if o.Addr == "" {
		return nil
	}
	host, addr := o.hostPort()
	_, port, err := net.SplitHostPort(addr)
	switch {
	case strings.Contains(o.Addr, "://"):
		return &OptionError{"Addr", "it is a URL: want host or host:port (ParseURL makes options of a URL)"}
	case err != nil || strings.ContainsAny(host, "/[]@") || strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return &OptionError{"Addr", "not a host: want host or host:port, such as mail.example.org:993 or [2001:db8::1]:993"}
	case host == "":
		return &OptionError{"Addr", "it names no host: want host or host:port"}
	case !validPort(port):
		return &OptionError{"Addr", "the port must be a number from 1 to 65535"}
	}
	return nil
}

func validPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

// hostPort returns the host and the address to dial. A name beyond ASCII is in its form for DNS (RFC 5891), if
// it has one.
func (o *Options) hostPort() (host, addr string) {
	host, port, err := net.SplitHostPort(o.Addr)
	if err != nil {
		host, port = o.Addr, ""
		if inner, ok := strings.CutPrefix(host, "["); ok && strings.HasSuffix(inner, "]") {
			host = strings.TrimSuffix(inner, "]")
		}
	}
	if port == "" {
		port = "143"
		if o.Security == ImplicitTLS {
			port = "993"
		}
	}
	if strings.ContainsFunc(host, func(r rune) bool { return r >= 0x80 }) {
		if ascii, err := idna.Lookup.ToASCII(host); err == nil {
			host = ascii
		}
	}
	return host, net.JoinHostPort(host, port)
}
