package imapclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// Dial connects, protects the connection as Options.Security says, and reads the greeting. The
// connection is then in the state "not authenticated", or authenticated after a PREAUTH greeting.
// When ctx ends nothing is left behind.
func Dial(ctx context.Context, o *Options) (*Conn, error) {
	opts := o.resolved()
	_, addr := opts.hostPort()
	nc, err := dialTCP(ctx, &opts, addr)
	if err != nil {
		return nil, err
	}
	return New(ctx, nc, &opts)
}

func dialTCP(ctx context.Context, o *Options, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, o.DialTimeout, &TimeoutError{Op: "connect " + addr, After: o.DialTimeout})
	defer cancel()
	dial := o.DialContext
	if dial == nil {
		d := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 60 * time.Second, Interval: 15 * time.Second, Count: 4}}
		dial = d.DialContext
	}
	nc, err := dial(ctx, "tcp", addr)
	if err == nil {
		return nc, nil
	}
	if cause := context.Cause(ctx); cause != nil {
		return nil, &DialError{Addr: addr, Stage: "connect", Err: cause}
	}
	var dns *net.DNSError
	if errors.As(err, &dns) {
		hint := "check the spelling of the host and your network"
		return nil, &DialError{Addr: addr, Stage: "resolve", Hint: hint, Err: err}
	}
	return nil, &DialError{Addr: addr, Stage: "connect", Hint: "check host, port and firewall", Err: err}
}

// New makes a Conn of a transport that is connected already: the end of a pipe, a proxy's tunnel. It
// does what [Dial] does after connecting, TLS included; a *tls.Conn is taken as it is. New owns nc
// from here on and closes it on failure.
func New(ctx context.Context, nc net.Conn, o *Options) (*Conn, error) {
	opts := o.resolved()
	c := newConn(nc, opts)
	if err := c.open(ctx); err != nil {
		c.fail(err)
		return nil, err
	}
	return c, nil
}

func (c *Conn) open(ctx context.Context) error {
	c.drive <- struct{}{}
	defer c.release()
	if t, ok := c.nc.(*tls.Conn); ok {
		if err := c.handshake(ctx, t); err != nil {
			return err
		}
	} else if c.opts.Security == ImplicitTLS {
		if err := c.startTLS(ctx); err != nil {
			return err
		}
	}
	if err := c.greeting(ctx); err != nil {
		return err
	}
	if c.opts.Security == StartTLS && c.TLS() == nil {
		return c.upgrade(ctx)
	}
	return nil
}

// greeting reads the first response (RFC 9051 section 7.1): OK, PREAUTH or BYE.
func (c *Conn) greeting(ctx context.Context) error {
	defer c.intr.watch(ctx)()
	var got *imap.Status
	what := "something else"
	hello := &command{name: "greeting", take: func(r imap.Response) bool {
		switch r := r.(type) {
		case *imap.Status:
			got = r
		case *imap.Malformed:
			what = excerpt(r.Raw)
		case *imap.Unknown:
			what = excerpt([]byte("* " + r.Name + " " + r.Data))
		}
		return true
	}}
	c.pending = []*command{hello}
	defer func() { c.pending = nil }()
	by := time.Now().Add(c.opts.GreetingTimeout)
	if err := c.stepUntil(ctx, "greeting", by, c.opts.GreetingTimeout); err != nil {
		return c.greetingFailed(err)
	}
	if got == nil {
		return &GreetingError{Got: what, Reason: "this is not an IMAP server"}
	}
	switch got.Kind {
	case imap.OK:
		return nil
	case imap.PREAUTH:
		return c.preauth(got)
	}
	return &imap.StatusError{Command: "greeting", Status: *got}
}

func (c *Conn) greetingFailed(err error) error {
	var limit *imapwire.LimitError
	var late *TimeoutError
	switch {
	case errors.As(err, &limit):
		return &GreetingError{Got: excerpt([]byte(limit.Head)), Reason: "this is not an IMAP server"}
	case errors.As(err, &late) && c.opts.Security != ImplicitTLS:
		return &GreetingError{Reason: fmt.Sprintf("the server said nothing for %v: perhaps it expects TLS from the start (imaps://, port 993)", late.After)}
	case errors.As(err, &late):
		return &GreetingError{Reason: fmt.Sprintf("the server said nothing for %v", late.After)}
	}
	return err
}

// preauth handles a session that is authenticated already. In cleartext it would stay in cleartext,
// since STARTTLS is only allowed before (RFC 9051 section 11.1).
func (c *Conn) preauth(got *imap.Status) error {
	if c.TLS() == nil && !c.opts.AllowPreauth {
		return &SecurityError{"the server greeted with PREAUTH before TLS: refused, since the session could never be encrypted"}
	}
	c.setState(StateAuthenticated)
	return nil
}

// upgrade runs STARTTLS (RFC 9051 section 6.2.1). It does not ask whether the server offers it: what
// is said in cleartext is not to be believed, in either direction.
func (c *Conn) upgrade(ctx context.Context) error {
	cmd := &command{name: "STARTTLS"}
	if err := c.send(ctx, cmd, nil); err != nil {
		return err
	}
	if err := c.finish(ctx, cmd); err != nil {
		var refused *imap.StatusError
		if errors.As(err, &refused) {
			return &SecurityError{fmt.Sprintf("the server refused to switch to TLS (%s): not going on in cleartext", imap.Printable(refused.Text))}
		}
		return err
	}
	// Bytes behind the OK were sent in cleartext by the server or by somebody else. They must not
	// become part of the encrypted session (CVE-2011-0411 and its many kin).
	if c.framer.Buffered() > 0 {
		return &SecurityError{"the server sent data after it agreed to switch to TLS: refused, since anyone on the way can have put it there"}
	}
	c.forgetCapabilities()
	c.mu.Lock()
	c.bye = nil
	c.mu.Unlock()
	return c.startTLS(ctx)
}

// startTLS puts TLS on top of the transport.
func (c *Conn) startTLS(ctx context.Context) error {
	return c.handshake(ctx, tls.Client(c.nc, c.opts.tlsConfig()))
}

func (c *Conn) handshake(ctx context.Context, t *tls.Conn) error {
	late := &TimeoutError{Op: "TLS handshake", After: c.opts.TLSTimeout}
	hctx, cancel := context.WithTimeoutCause(ctx, c.opts.TLSTimeout, late)
	defer cancel()
	_ = c.intr.nc.SetDeadline(time.Time{})
	if err := t.HandshakeContext(hctx); err != nil {
		if cause := context.Cause(hctx); cause != nil {
			err = cause
		}
		return c.explainTLS(err)
	}
	state := t.ConnectionState()
	c.nc = t
	c.framer.Reset(source{c})
	c.mu.Lock()
	c.tlsState = &state
	c.mu.Unlock()
	c.opts.Trace.note("TLS " + tls.VersionName(state.Version))
	return nil
}

// CertificateError says that the server's certificate is not to be trusted. Hint says what to do.
type CertificateError struct {
	Addr string
	Hint string
	Err  error
}

func (e *CertificateError) Error() string {
	return fmt.Sprintf("the certificate of %s is not trusted: %v (%s)", e.Addr, e.Err, e.Hint)
}
func (e *CertificateError) Unwrap() error { return e.Err }

func (c *Conn) explainTLS(err error) error {
	_, addr := c.opts.hostPort()
	var record tls.RecordHeaderError
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &record):
		return &DialError{
			Addr: addr, Stage: "tls", Err: errors.New("the server does not speak TLS on this port"),
			Hint: "port 993 speaks TLS from the start (imaps://), port 143 switches with STARTTLS (imap://); got " + fmt.Sprintf("%q", record.RecordHeader[:]),
		}
	case errors.As(err, &unknown):
		return &CertificateError{Addr: addr, Err: err, Hint: "if it is your own server, trust the CA or certificate that it uses"}
	case errors.As(err, &host):
		return &CertificateError{Addr: addr, Err: err, Hint: "use the name that the certificate is made out for: " + certificateNames(host.Certificate)}
	case errors.As(err, &invalid):
		return &CertificateError{Addr: addr, Err: err, Hint: "check the clock of this machine and the certificate of the server"}
	}
	return &DialError{Addr: addr, Stage: "tls", Err: err}
}

func certificateNames(cert *x509.Certificate) string {
	names := append([]string(nil), cert.DNSNames...)
	for _, ip := range cert.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return "it has none"
	}
	return imap.Printable(strings.Join(names[:min(len(names), 8)], ", "))
}

// excerpt is what of a peer's bytes is shown to a person.
func excerpt(b []byte) string {
	const most = 60
	s := imap.Printable(strings.ToValidUTF8(string(b[:min(len(b), most)]), "?"))
	if len(b) > most {
		s += "…"
	}
	return s
}
