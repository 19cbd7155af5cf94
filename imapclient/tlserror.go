package imapclient

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"strings"
	"time"

	"github.com/pushmail/pushmail/imap"
)

// CertificateError says that the server's certificate is not to be trusted. Hint says what to do.
type CertificateError struct {
	Addr string
	Hint string
	// Err is what is wrong: an error of crypto/x509 such as x509.UnknownAuthorityError, a *[PinError], or
	// that of TLSConfig.VerifyConnection.
	Err error
	// Chain is what the server sent, its own certificate first. Nobody vouches for it. Nil if it is not known.
	Chain []*x509.Certificate
}

func (e *CertificateError) Error() string {
	s := fmt.Sprintf("the certificate of %s is not trusted: %v", e.Addr, e.Err)
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}
func (e *CertificateError) Unwrap() error { return e.Err }

// Details describes the certificates that the server sent, a few lines each, for people: subject, names,
// issuer, dates, pin. It is "" if there is no Chain.
func (e *CertificateError) Details() string {
	var b strings.Builder
	for i, cert := range e.Chain[:min(len(e.Chain), 8)] {
		fmt.Fprintf(&b, "certificate %d: %s\n", i+1, subjectOf(cert))
		if names := certificateNames(cert); names != "" {
			fmt.Fprintf(&b, "  for     %s\n", names)
		}
		issuer := nameOf(cert.Issuer.String())
		if selfSigned(cert) {
			issuer = "itself"
		}
		fmt.Fprintf(&b, "  issuer  %s\n", issuer)
		fmt.Fprintf(&b, "  valid   %s to %s\n", cert.NotBefore.UTC().Format(time.DateOnly), cert.NotAfter.UTC().Format(time.DateOnly))
		fmt.Fprintf(&b, "  pin     %v\n", PinOf(cert))
	}
	return b.String()
}

func (c *Conn) explainTLS(err error) error {
	_, addr := c.opening.hostPort()
	if c.opening.Addr == "" {
		addr = "the server"
	}
	return explainTLS(addr, err)
}

// explainTLS makes a *CertificateError or a *DialError of the error of a handshake with addr.
func explainTLS(addr string, err error) error {
	var verify *tls.CertificateVerificationError
	var pin *PinError
	var record tls.RecordHeaderError
	failed := &DialError{Addr: addr, Stage: "tls", Err: err}
	switch {
	case errors.As(err, &pin):
		return &CertificateError{
			Addr: addr, Err: pin, Chain: pin.Seen,
			Hint: "if the server has a new key, compare it with what its operator says and pin it; else somebody is between you and the server",
		}
	case errors.As(err, &verify):
		return explainCertificate(addr, verify.Err, verify.UnverifiedCertificates)
	case errors.As(err, &record):
		failed.Err = notTLS{record}
		failed.Hint = "port 993 speaks TLS from the start (imaps://), port 143 switches with STARTTLS (imap://)"
	case alertOf(err) != 0:
		failed.Hint = alertHints[alertOf(err)]
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		failed.Hint = "the server hung up: check the port; perhaps it allows only other versions of TLS, or not this machine"
	case errors.As(err, new(*TimeoutError)):
		failed.Hint = "check that the port is one for TLS (imaps://, port 993); one for STARTTLS is imap://, port 143"
	}
	return failed
}

// alertHints are for alerts that a server ends a handshake with (RFC 8446 section 6.2).
var alertHints = map[tls.AlertError]string{
	40:  "the server finds nothing in common: it may be too old for TLS 1.2, or want a client certificate (TLSConfig.Certificates)",
	42:  "the server does not take the client certificate",
	44:  "the server says that the client certificate is revoked",
	45:  "the server says that the client certificate has expired",
	46:  "the server does not take the client certificate",
	48:  "the server does not know who issued the client certificate",
	70:  "the server is too old for TLS 1.2, or too new: see TLSConfig.MinVersion and MaxVersion",
	112: "the server does not know the name it was called by: see TLSConfig.ServerName",
	116: "the server wants a client certificate: see TLSConfig.Certificates",
	120: "the server does not speak a protocol in TLSConfig.NextProtos",
}

// alertOf returns the alert that the server ended TLS with, or 0. crypto/tls has no exported type for it
// except for QUIC.
func alertOf(err error) tls.AlertError {
	var remote *net.OpError
	if errors.As(err, &remote) && remote.Op == "remote error" {
		if number := reflect.ValueOf(remote.Err); number.Kind() == reflect.Uint8 {
			return tls.AlertError(number.Uint())
		}
	}
	return 0
}

// notTLS is a server that answers in cleartext.
type notTLS struct{ record tls.RecordHeaderError }

func (e notTLS) Error() string {
	head := e.record.RecordHeader[:]
	switch who := speaker(head); {
	case string(head) == "* OK " || string(head) == "* PRE":
		return "the server speaks IMAP without TLS on this port"
	case who != "":
		return fmt.Sprintf("the server does not speak TLS on this port: it is %s (it said %q)", who, head)
	}
	return fmt.Sprintf("the server does not speak TLS on this port (it said %q)", head)
}

func (e notTLS) Unwrap() error { return e.record }

// explainCertificate says what is wrong with a certificate and what to do about it.
func explainCertificate(addr string, err error, chain []*x509.Certificate) error {
	e := &CertificateError{Addr: addr, Err: err, Chain: chain, Hint: "see what TLSConfig demands"}
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var roots x509.SystemRootsError
	switch {
	case errors.As(err, &unknown):
		e.Hint = unknownHint(chain)
	case errors.As(err, &host):
		e.Hint = "it is made out for no name: it needs a new one"
		if names := certificateNames(host.Certificate); names != "" {
			e.Hint = "use a name that it is made out for: " + names
		}
	case errors.As(err, &invalid):
		e.Hint = invalidHint(invalid)
	case errors.As(err, &roots):
		e.Hint = "this system has no certificates of authorities: install them (ca-certificates) or set TLSConfig.RootCAs"
	}
	return e
}

func unknownHint(chain []*x509.Certificate) string {
	const trust = "if it is your own server, trust the CA or certificate that it uses"
	if len(chain) == 0 {
		return trust
	}
	last := chain[len(chain)-1]
	switch {
	case len(chain) == 1 && selfSigned(last):
		return fmt.Sprintf("it is self-signed: if it is your own server, trust it, or pin it: %v", PinOf(last))
	case selfSigned(last):
		return fmt.Sprintf("it was issued by %s, which this machine does not trust: %s", subjectOf(last), trust)
	}
	return fmt.Sprintf("it was issued by %s, which this machine does not know: %s; or the server does not send its intermediate certificates", nameOf(last.Issuer.String()), trust)
}

func invalidHint(e x509.CertificateInvalidError) string {
	if e.Reason != x509.Expired || e.Cert == nil {
		return "the certificate of the server has to be made anew"
	}
	const clock = "check the clock of this machine and the certificate of the server"
	whose := "it is"
	if e.Cert.IsCA {
		whose = subjectOf(e.Cert) + " is"
	}
	return fmt.Sprintf("%s valid from %s to %s: %s", whose, e.Cert.NotBefore.UTC().Format(time.DateOnly), e.Cert.NotAfter.UTC().Format(time.DateOnly), clock)
}

// selfSigned reports whether a certificate names itself as its issuer; the signature is not looked at.
func selfSigned(cert *x509.Certificate) bool {
	return string(cert.RawSubject) == string(cert.RawIssuer)
}

// subjectOf names a certificate, printable.
func subjectOf(cert *x509.Certificate) string {
	return nameOf(cmp.Or(cert.Subject.String(), strings.Join(cert.DNSNames[:min(len(cert.DNSNames), 1)], "")))
}

func nameOf(text string) string { return cmp.Or(excerpt([]byte(text)), "a certificate without name") }

// certificateNames are the names that a certificate is for, printable, at most 8 of them.
func certificateNames(cert *x509.Certificate) string {
	names := append([]string(nil), cert.DNSNames...)
	for _, ip := range cert.IPAddresses {
		names = append(names, ip.String())
	}
	const most = 8
	text := imap.Printable(strings.Join(names[:min(len(names), most)], ", "))
	if len(names) > most {
		text += fmt.Sprintf(" and %d more", len(names)-most)
	}
	return text
}
