package imapclient

import (
	"context"
	"net"
	"strings"

	"golang.org/x/net/proxy"

	"github.com/pushmail/pushmail/imap"
)

// socks asks a SOCKS5 proxy (RFC 1928) for a tunnel to addr.
func (p *Proxy) socks(ctx context.Context, nc net.Conn, addr string) (net.Conn, error) {
	var auth *proxy.Auth
	if !p.user.IsZero() {
		auth = &proxy.Auth{User: p.user.Reveal(), Password: p.password.Reveal()}
	}
	dialer, err := proxy.SOCKS5("tcp", p.addr, auth, connected{nc})
	if err != nil {
		return nil, err
	}
	if _, err := dialer.(proxy.ContextDialer).DialContext(ctx, "tcp", addr); err != nil {
		return nil, p.socksFailed(err)
	}
	// What DialContext returned is nc with an address that nobody needs.
	return nc, nil
}

// connected is a dialer for one connection that is there already.
type connected struct{ nc net.Conn }

func (c connected) Dial(string, string) (net.Conn, error) { return c.nc, nil }

func (c connected) DialContext(context.Context, string, string) (net.Conn, error) { return c.nc, nil }

// socksFailed explains an error of package proxy, which has only texts.
func (p *Proxy) socksFailed(err error) error {
	text := err.Error()
	for _, known := range []struct{ part, hint string }{
		{"no acceptable authentication methods", p.credentialsHint()},
		{"username/password authentication failed", p.credentialsHint()},
		{"not allowed by ruleset", "it does not let anybody, or not this user, connect to that host and port"},
	} {
		if strings.Contains(text, known.part) {
			return &ProxyError{Reason: known.part, Refused: true, hint: known.hint}
		}
	}
	if strings.Contains(text, "unexpected protocol version") {
		return &ProxyError{Reason: "it does not answer like a SOCKS5 proxy", hint: "for an HTTP proxy write http://"}
	}
	// "socks connect tcp proxy:1080->host:993: unknown error host unreachable"
	if _, reply, ok := strings.Cut(text, "unknown error "); ok {
		return &ProxyError{Reason: "it cannot connect to the mail server: " + imap.Printable(reply), hint: "check host and port of the mail server"}
	}
	return err
}

func (p *Proxy) credentialsHint() string {
	if p.user.IsZero() {
		return "write user and password into its URL: " + p.scheme + "://USER:PASSWORD@" + p.addr
	}
	return "check user and password in its URL"
}
