package imapclient

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// Security says how a connection is protected.
type Security uint8

const (
	// ImplicitTLS speaks TLS from the first byte, as on port 993 (RFC 8314 section 3). The default.
	ImplicitTLS Security = iota
	// StartTLS begins in cleartext and must switch to TLS before anything else is said, or fail
	// (RFC 9051 section 6.2.1). What the server says before is not believed.
	StartTLS
	// InsecurePlaintext never encrypts: passwords and mail can be read and changed by anyone on the
	// way. For loopback and tests.
	InsecurePlaintext
)

// String names the mode.
func (s Security) String() string {
	switch s {
	case ImplicitTLS:
		return "TLS"
	case StartTLS:
		return "STARTTLS"
	}
	return "plaintext"
}

// Options are the settings of a connection. [Dial] and [New] copy them.
type Options struct {
	// Addr is "host" or "host:port". Without a port it is 993, or 143 unless Security is ImplicitTLS.
	Addr     string
	Security Security
	// TLSConfig is cloned. Nil means the system's roots and TLS 1.2 or newer. ServerName is taken
	// from Addr when empty.
	TLSConfig *tls.Config
	// DialContext opens the transport, for proxies and tests. Nil means a net.Dialer, which tries
	// the addresses of both families (RFC 8305), with TCP keepalive.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)

	// Handler is given what the server says by itself, in the order of the wire, on the goroutine
	// that drives the connection. It must not block and must not call the Conn. Nil drops the data.
	Handler func(imap.Response)
	// Observer is given every response in the order of the wire, results of commands and tagged ones
	// included, before anything else is done with it. It is for those who keep a model of the mailbox.
	// The rules of Handler hold. Nothing that comes before a login is given to it.
	Observer func(imap.Response)
	// Trace logs the protocol; nil does not.
	Trace *Trace
	// Wire has limits and quirks of the codec. Its UTF8 field is managed by the Conn.
	Wire imapwire.Options
	// MaxCommandLine is how long a line, in bytes and without literals, the server takes. A command for a UID
	// set that does not fit is sent as several. Zero means 8,000, which RFC 2683 section 3.2.1.5 asks of
	// servers. Yahoo and UW imapd are said to want 1,000.
	MaxCommandLine int

	// DialTimeout bounds name resolution and connecting. Zero means 30 seconds.
	DialTimeout time.Duration
	// TLSTimeout bounds a TLS handshake. Zero means 20 seconds.
	TLSTimeout time.Duration
	// GreetingTimeout bounds the wait for the greeting. Zero means 30 seconds.
	GreetingTimeout time.Duration
	// CommandTimeout bounds the silence of the server while a command is under way: each byte that
	// arrives starts it anew. It also bounds each write. Zero means 2 minutes.
	CommandTimeout time.Duration
	// IdleTimeout bounds the wait for the "+" of IDLE and for its end after DONE. Zero means 30 seconds.
	IdleTimeout time.Duration
	// IdleRestart is how long one IDLE lasts before it is ended and begun anew, which proves that the
	// server is there. Zero means 9 minutes: well below the 29 of RFC 2177 section 3, for some servers
	// forget a client after 10.
	IdleRestart time.Duration
	// PollInterval is the time between two NOOPs in [Conn.Wait] where the server has no IDLE. Zero
	// means 1 minute.
	PollInterval time.Duration

	// MaskCapabilities are not used even if the server offers them.
	MaskCapabilities []imap.Capability
	// AllowPreauth accepts a PREAUTH greeting (RFC 9051 section 7.1.4) of a connection that is not
	// protected by TLS, as over a pipe to a local server.
	AllowPreauth bool
}

func (o *Options) resolved() Options {
	var r Options
	if o != nil {
		r = *o
	}
	r.MaxCommandLine = cmp.Or(r.MaxCommandLine, 8000)
	r.DialTimeout = cmp.Or(r.DialTimeout, 30*time.Second)
	r.TLSTimeout = cmp.Or(r.TLSTimeout, 20*time.Second)
	r.GreetingTimeout = cmp.Or(r.GreetingTimeout, 30*time.Second)
	r.CommandTimeout = cmp.Or(r.CommandTimeout, 2*time.Minute)
	r.IdleTimeout = cmp.Or(r.IdleTimeout, 30*time.Second)
	r.IdleRestart = cmp.Or(r.IdleRestart, 9*time.Minute)
	r.PollInterval = cmp.Or(r.PollInterval, time.Minute)
	return r
}

// hostPort returns the host and the address to dial.
func (o *Options) hostPort() (host, addr string) {
	host, port, err := net.SplitHostPort(o.Addr)
	if err != nil {
		host, port = o.Addr, ""
	}
	if port == "" {
		port = "143"
		if o.Security == ImplicitTLS {
			port = "993"
		}
	}
	return host, net.JoinHostPort(host, port)
}

func (o *Options) tlsConfig() *tls.Config {
	cfg := &tls.Config{}
	if o.TLSConfig != nil {
		cfg = o.TLSConfig.Clone()
	}
	if cfg.MinVersion == 0 {
		cfg.MinVersion = tls.VersionTLS12
	}
	if cfg.ServerName == "" {
		cfg.ServerName, _ = o.hostPort()
	}
	return cfg
}
