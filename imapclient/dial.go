package imapclient

import (
	"context"
	"crypto/tls"
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
//
// Errors: an *[OptionError] before anything is done; a *[DialError] for a name that cannot be resolved, for
// addresses that do not answer, a proxy that does not serve, a TLS handshake that fails; a
// *[CertificateError] for a server that cannot prove who it is; a *[GreetingError] for one that does not
// speak IMAP; a *[SecurityError] where cleartext would be left or believed; an *imap.StatusError with
// the server's BYE. [Classify] sorts them. When ctx ends, Dial returns its cause at once, wrapped in one of
// these, and leaves nothing behind.
func Dial(ctx context.Context, o *Options) (*Conn, error) {
	opts := o.resolved()
	if opts.Addr == "" {
		return nil, &OptionError{"Addr", "it is empty: want host or host:port"}
	}
	if err := opts.check(); err != nil {
		return nil, err
	}
	nc, err := opts.transport(ctx)
	if err != nil {
		return nil, err
	}
	return New(ctx, nc, &opts)
}

// New makes a Conn of a transport that is connected already: the end of a pipe, a tunnel, a socket
// that somebody else opened. It does what [Dial] does after connecting, TLS included; a *tls.Conn is taken
// as it is, whatever Options.Security says. The transport must support deadlines. New owns nc from
// here on and closes it on failure. On Linux it also closes a *net.TCPConn when the connection waits in a [Poller],
// and goes on with another descriptor of the same socket.
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
	c.drive.try()
	defer c.release()
	defer func() { c.opening = nil }()
	if err := c.opening.check(); err != nil {
		return err
	}
	given, isTLS := c.nc.(*tls.Conn)
	security := c.opening.Security
	switch {
	case isTLS:
		security = ImplicitTLS
		if err := c.handshake(ctx, given); err != nil {
			return err
		}
	case security == ImplicitTLS:
		if err := c.startTLS(ctx); err != nil {
			return err
		}
	}
	c.setSecurity(security)
	c.beforeTLS = security.cleartextFirst()
	err := c.greeting(ctx)
	if err == nil && c.beforeTLS {
		err = c.upgrade(ctx)
	}
	if c.beforeTLS {
		return withoutCode(err)
	}
	return err
}

// withoutCode takes the response code out of an error that came before TLS. Anybody can have put it there,
// and one such as AUTHENTICATIONFAILED would end all further attempts.
func withoutCode(err error) error {
	var st *imap.StatusError
	if errors.As(err, &st) {
		st.Code = nil
	}
	return err
}

// greeting reads the first response (RFC 9051 section 7.1): OK, PREAUTH or BYE.
func (c *Conn) greeting(ctx context.Context) error {
	defer c.intr.watch(ctx)()
	var got *imap.Status
	what := []byte("something else")
	hello := &command{name: "greeting", take: func(r imap.Response) bool {
		switch r := r.(type) {
		case *imap.Status:
			got = r
		case *imap.Malformed:
			what = r.Raw
		case *imap.Unknown:
			what = []byte("* " + r.Name + " " + r.Data)
		}
		return true
	}}
	c.pending = []*command{hello}
	defer func() { c.pending = nil }()
	by := time.Now().Add(c.opening.GreetingTimeout)
	if err := c.stepUntil(ctx, "greeting", by, c.opening.GreetingTimeout); err != nil {
		return c.greetingFailed(err)
	}
	if got == nil {
		return notIMAP(what)
	}
	switch got.Kind {
	case imap.OK:
		return nil
	case imap.PREAUTH:
		return c.preauth()
	}
	return &imap.StatusError{Command: "greeting", Status: *got}
}

func (c *Conn) greetingFailed(err error) error {
	var limit *imapwire.LimitError
	var late *TimeoutError
	switch {
	case errors.As(err, &limit):
		return notIMAP([]byte(limit.Head))
	case errors.As(err, &late) && c.TLS() == nil:
		return &GreetingError{Reason: fmt.Sprintf("the server said nothing for %v: perhaps it expects TLS from the start (imaps://, port 993)", late.After), Err: late}
	case errors.As(err, &late):
		return &GreetingError{Reason: fmt.Sprintf("the server said nothing for %v", late.After), Err: late}
	case alertOf(err) != 0:
		// With TLS 1.3 a server looks at the client's certificate when the client thinks that all is well.
		return c.explainTLS(err)
	}
	return err
}

// notIMAP is the error for a server that begins with what no IMAP server says.
func notIMAP(head []byte) error {
	reason := "this is not an IMAP server"
	if who := speaker(head); who != "" {
		reason += ", but " + who
	}
	return &GreetingError{Got: excerpt(head), Reason: reason}
}

// preauth handles a session that is authenticated already. In cleartext it would stay in cleartext,
// since STARTTLS is only allowed before (RFC 9051 section 11.1).
func (c *Conn) preauth() error {
	if c.TLS() == nil && !(c.opening.AllowPreauth && c.opening.Security == InsecurePlaintext) {
		return &SecurityError{"the server greeted with PREAUTH before TLS: refused, since the session could never be encrypted"}
	}
	c.setState(StateAuthenticated)
	return nil
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
