package imapclient

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/net/http/httpproxy"

	"github.com/pushmail/pushmail/imapauth"
)

// Proxy is a server that connections are made through. [ParseProxy] and [ProxyFromEnvironment] make one.
// Its String has neither user nor password, and no error or trace has them. [Conn.RemoteAddr] is the
// address of the proxy.
type Proxy struct {
	// TLSConfig is for a proxy that is itself spoken to over TLS (https://). It is cloned. Nil means the
	// system's roots and TLS 1.2 or newer. ServerName is the host of the proxy when empty.
	TLSConfig *tls.Config

	scheme   string
	addr     string // host:port
	user     imapauth.Secret
	password imapauth.Secret
	environ  bool
}

// defaultProxyPort is the port of a proxy by the scheme of its URL.
var defaultProxyPort = map[string]string{"socks5": "1080", "socks5h": "1080", "http": "80", "https": "443"}

// ParseProxy reads the URL of a proxy, SCHEME://[USER:PASSWORD@]HOST[:PORT]. Errors say what to write, and
// never repeat the password.
//
//   - socks5 (RFC 1928), port 1080 unless given, with user and password (RFC 1929) if given. The proxy
//     resolves the name of the mail server; socks5h, as curl calls that, is the same.
//   - http, port 80 unless given: an HTTP proxy that does CONNECT (RFC 9110 section 9.3.6), with Basic
//     authentication (RFC 7617) if user and password are given. Many allow port 443 alone.
//   - https, port 443 unless given: the same, but what is said to the proxy is encrypted, too.
//
// With socks5 and http, user and password travel in cleartext as far as the proxy. What is said to the mail
// server is protected by Options.Security as it is without a proxy.
func ParseProxy(text string) (*Proxy, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("not a valid proxy URL: want socks5://HOST:PORT or http://HOST:PORT; special characters in user and password are written percent-encoded, such as %40 for @")
	}
	p := &Proxy{scheme: strings.ToLower(u.Scheme)}
	port, known := defaultProxyPort[p.scheme]
	switch {
	case strings.HasPrefix(p.scheme, "socks") && !known:
		return nil, errors.New("of the SOCKS proxies only version 5 is supported: write socks5://HOST:PORT")
	case !known:
		return nil, errors.New("not a valid proxy URL: it must start with socks5://, http:// or https://")
	case u.Hostname() == "":
		return nil, errors.New("the proxy URL names no host: want " + p.scheme + "://HOST:PORT")
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the proxy URL must end after the port: want " + p.scheme + "://HOST:PORT")
	}
	if u.Port() != "" {
		port = u.Port()
	}
	if !validPort(port) {
		return nil, errors.New("the port of the proxy must be a number from 1 to 65535")
	}
	p.addr = net.JoinHostPort(u.Hostname(), port)
	if u.User == nil {
		return p, nil
	}
	password, _ := u.User.Password()
	p.user, p.password = imapauth.NewSecret(u.User.Username()), imapauth.NewSecret(password)
	return p, p.checkUser()
}

func (p *Proxy) checkUser() error {
	user, password := p.user.Reveal(), p.password.Reveal()
	switch {
	case p.isSOCKS() && user == "":
		return errors.New("the proxy URL has a password but no user")
	case p.isSOCKS() && (len(user) > 255 || len(password) > 255): // RFC 1929 section 2
		return errors.New("user and password of a SOCKS5 proxy can have 255 bytes each")
	case !p.isSOCKS() && strings.Contains(user, ":"): // RFC 7617 section 2
		return errors.New("the user of an HTTP proxy cannot contain \":\"")
	}
	return nil
}

func (p *Proxy) isSOCKS() bool { return strings.HasPrefix(p.scheme, "socks5") }

// ProxyFromEnvironment is the proxy that the environment names when a connection is made: in ALL_PROXY, else
// in HTTPS_PROXY, as ParseProxy takes it or as HOST:PORT for an HTTP proxy. There is none for a host in
// NO_PROXY (names with their subdomains, ".name" for subdomains alone, IP addresses, networks such as 10.0.0.0/8,
// each with :PORT if wanted, "*" for all) and for this machine. Lower-case names of the variables go first.
func ProxyFromEnvironment() *Proxy { return &Proxy{environ: true} }

// String returns the URL without user and password.
func (p *Proxy) String() string {
	switch {
	case p == nil:
		return "none"
	case p.environ:
		return "from the environment"
	}
	return p.scheme + "://" + p.addr
}

// GoString keeps user and password out of %#v.
func (p *Proxy) GoString() string { return "imapclient.Proxy(" + p.String() + ")" }

// forAddr returns the proxy for connections to addr, nil for none.
func (p *Proxy) forAddr(addr string) (*Proxy, error) {
	if p == nil {
		return nil, nil
	}
	if !p.environ {
		if p.scheme == "" {
			return nil, &OptionError{"Proxy", "it is empty: make one with ParseProxy or ProxyFromEnvironment"}
		}
		return p, nil
	}
	name, text := environment("all_proxy", "ALL_PROXY", "https_proxy", "HTTPS_PROXY")
	_, except := environment("no_proxy", "NO_PROXY")
	if text == "" || exempt(addr, except) {
		return nil, nil
	}
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	q, err := ParseProxy(text)
	if err != nil {
		return nil, &OptionError{"Proxy", "the environment variable " + name + ": " + err.Error()}
	}
	q.TLSConfig = p.TLSConfig
	return q, nil
}

// environment returns the first of some variables that is not empty.
func environment(names ...string) (name, value string) {
	for _, name := range names {
		if value := os.Getenv(name); value != "" {
			return name, value
		}
	}
	return "", ""
}

// exempt reports whether NO_PROXY covers an address. It asks with a proxy of no meaning, for errors about the
// real one would repeat its password.
func exempt(addr, noProxy string) bool {
	config := &httpproxy.Config{HTTPSProxy: "http://proxy.invalid", NoProxy: noProxy}
	u, err := config.ProxyFunc()(&url.URL{Scheme: "https", Host: addr})
	return err == nil && u == nil
}

// dial connects to addr through the proxy. Whatever goes wrong is a *DialError with the stage "proxy".
func (p *Proxy) dial(ctx context.Context, o *Options, addr string) (net.Conn, error) {
	nc, err := o.dialTCP(ctx, p.addr)
	if err != nil {
		return nil, p.failed(ctx, err)
	}
	if p.scheme == "https" {
		if nc, err = p.secure(ctx, nc); err != nil {
			return nil, p.failed(ctx, err)
		}
	}
	open := p.connect
	if p.isSOCKS() {
		open = p.socks
	}
	tunnel, err := open(ctx, nc, addr)
	if err != nil {
		_ = nc.Close()
		return nil, p.failed(ctx, err)
	}
	return throughProxy{tunnel}, nil
}

// throughProxy keeps TLS with the proxy from being taken for TLS with the mail server.
type throughProxy struct{ net.Conn }

// secure speaks TLS with the proxy.
func (p *Proxy) secure(ctx context.Context, nc net.Conn) (net.Conn, error) {
	o := &Options{Addr: p.addr, TLSConfig: p.TLSConfig}
	t := tls.Client(nc, o.tlsConfig())
	if err := t.HandshakeContext(ctx); err != nil {
		_ = nc.Close()
		return nil, explainTLS(p.addr, err)
	}
	return t, nil
}

// failed tells about an error that it came from the way to or through the proxy.
func (p *Proxy) failed(ctx context.Context, err error) error {
	e := &DialError{Addr: p.String(), Stage: "proxy", Err: err}
	var said *ProxyError
	if errors.As(err, &said) {
		e.Hint = said.hint
	}
	if cause := context.Cause(ctx); cause != nil {
		e.Err, e.Hint = cause, ""
	}
	return e
}

// ProxyError says what a proxy answered instead of opening the way to the server. It is in a
// *[DialError] with the stage "proxy".
type ProxyError struct {
	// Status is that of an HTTP proxy, such as 407; 0 if there was none, and with SOCKS5.
	Status int
	// Reason is what it said, printable.
	Reason string
	// Refused says that trying again will not help: the proxy does not let this user pass, or nobody to that
	// address.
	Refused bool

	hint string
}

func (e *ProxyError) Error() string { return e.Reason }

// untilDone lets ctx end what is read and written on nc by the time that stop returns.
func untilDone(ctx context.Context, nc net.Conn) (stop func()) {
	fired := make(chan struct{})
	undo := context.AfterFunc(ctx, func() {
		defer close(fired)
		_ = nc.SetDeadline(aLongTimeAgo)
	})
	return func() {
		if !undo() {
			<-fired
		}
		_ = nc.SetDeadline(time.Time{})
	}
}
