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

// Options are the settings of a connection. [Dial] and [New] copy them.
type Options struct {
	// Addr is "host" or "host:port"; an IPv6 address with a port stands in brackets. Without a port it
	// is 993, or 143 unless Security is ImplicitTLS. [New] uses it only for the name in the certificate
	// and in errors.
	Addr     string
	Security Security
	// TLSConfig is cloned. Nil means the system's roots and TLS 1.2 or newer. ServerName is taken
	// from Addr when empty. Certificates or GetClientCertificate are shown to a server that asks for a
	// certificate of the client. VerifyConnection is called after the usual verification, for
	// resumed sessions too (VerifyPeerCertificate is not), and its error ends the handshake;
	// InsecureSkipVerify turns the usual verification off and leaves VerifyConnection and Pins.
	// Revocation is not checked unless VerifyConnection does it.
	//
	// Sessions are resumed, which spares the server's certificate and, with TLS 1.2, a round trip.
	// Unless ClientSessionCache is set, connections of this process to the same Addr share sessions
	// if [Dial] makes them without Proxy and DialContext, and TLSConfig has neither client certificates
	// nor VerifyPeerCertificate nor EncryptedClientHelloConfigList. Who resumes can be recognised: the
	// server can tell that two accounts belong to one process, and with TLS 1.2 so can anyone on the way
	// (RFC 8446 appendix C.4). To avoid that give each account a cache of its own, or set
	// SessionTicketsDisabled.
	TLSConfig *tls.Config
	// Pins, if any, are the keys of which the server must have one, besides what TLSConfig demands: any
	// certificate of the verified chain may have it (RFC 7469 section 2.6). With
	// TLSConfig.InsecureSkipVerify no chain is verified, and the server's own certificate must have it:
	// its names, dates and issuer then do not matter. That is the safe way to a server with a
	// self-signed certificate. Pin a second key that is kept in reserve, or renewing the first one
	// locks everybody out.
	Pins []Pin

	// Proxy is what connections are made through: see [ParseProxy] and [ProxyFromEnvironment]. Nil
	// means none, whatever the environment says.
	Proxy *Proxy
	// Dialer has settings of TCP: LocalAddr (a *net.TCPAddr) to bind to, KeepAliveConfig, Resolver,
	// ControlContext, FallbackDelay. Nil is the zero Dialer. Unless it says something of keepalive, a
	// connection is probed after 60 s of silence, each 15 s, and given up after 4 probes.
	//
	// The addresses of the host are tried as RFC 8305 sections 4 and 5 say: both families in turn, and after
	// each FallbackDelay (zero means 250 ms, negative never) or failure the next one, until one answers. At
	// most 16 are tried. Its Timeout and Deadline hold for each address, DialTimeout for all together.
	Dialer *net.Dialer
	// UserTimeout is how long data that was sent may stay without an answer of the peer's TCP before the
	// system gives the connection up (TCP_USER_TIMEOUT, RFC 5482); it also bounds keepalive. Zero
	// means the system's choice, which can be a quarter of an hour: the timeouts below are shorter.
	// Only Linux can do it; elsewhere it has no effect. Less than a millisecond counts as one.
	UserTimeout time.Duration
	// DialContext opens the TCP connection, to the server or to the Proxy, in place of Dialer. Nil uses
	// Dialer. The connection it returns must support deadlines.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)

	// Handler is given what the server says by itself, in the order of the wire, on the goroutine
	// that drives the connection. It must not block and must not call the Conn. Nil drops the data.
	Handler func(imap.Response)
	// Observer is given every response in the order of the wire, results of commands and tagged ones
	// included, before anything else is done with it. It is for those who keep a model of the mailbox.
	// The rules of Handler hold. Nothing that comes before a login is given to it.
	Observer func(imap.Response)
	// Progress, if not nil, is told how far the server is with a command (RFC 9585). The rules of Handler
	// hold. The response goes to the Handler, too.
	Progress func(Progress)
	// Trace logs the protocol; nil does not.
	Trace *Trace
	// Wire has limits and quirks of the codec. Its UTF8 field is managed by the Conn.
	Wire imapwire.Options
	// MaxCommandLine is how long a line, in bytes and without literals, the server takes. A command for a UID
	// set that does not fit is sent as several. Zero means 8,000, which RFC 2683 section 3.2.1.5 asks of
	// servers. Yahoo and UW imapd are said to want 1,000.
	MaxCommandLine int

	// DialTimeout bounds name resolution, connecting, and what is said to a Proxy. Zero means 30
	// seconds. This and the timeouts below must not be negative. When one is over, the connection is
	// closed and the error has a *[TimeoutError].
	DialTimeout time.Duration
	// TLSTimeout bounds a TLS handshake, and before it the answer to STARTTLS. Zero means 20 seconds.
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
	// AllowPreauth accepts a PREAUTH greeting (RFC 9051 section 7.1.4) of a connection with
	// InsecurePlaintext, as over a pipe to a local server. With StartTLS and InsecureOpportunisticTLS
	// PREAUTH is always refused: such a session could never be encrypted.
	AllowPreauth bool

	// direct says that Dial made the connection without a proxy or DialContext.
	direct bool
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
