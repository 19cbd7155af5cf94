package main

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/watch"
)

// explain says in one line what went wrong and what to do about it.
func explain(err error) string {
	text := oneLine(err)
	if hint := hintFor(err); hint != "" {
		text += ": " + hint
	}
	return text
}

// atURL says where an error happened, in the words of the user, who gave the URL. It is nil for a nil err.
func atURL(u *imapclient.URL, err error) error {
	if err == nil || errors.Is(err, errInterrupted) || errors.Is(err, errOutputClosed) {
		return err
	}
	return fmt.Errorf("%s: %w", u, reworded(err))
}

// reworded puts errors of packages that know nothing of flags into the words of this program.
func reworded(err error) error {
	var (
		cert    *imapclient.CertificateError
		unknown x509.UnknownAuthorityError
		refused *imap.StatusError
		box     *watch.MailboxError
		dial    *imapclient.DialError
	)
	switch {
	case errors.As(err, &box):
		return withText{fmt.Sprintf("the mailbox %q cannot be opened%s", clean(box.Mailbox), itSaid(box.Err)), err}
	case errors.As(err, &cert) && errors.As(cert.Err, &unknown):
		return withText{fmt.Sprintf("the certificate of %s is not trusted (%s): if it is your own server, trust its CA with --ca-file FILE", cert.Addr, clean(unknown.Error())), err}
	case errors.As(err, &refused) && imapclient.Classify(err).Class == imapclient.ClassAuth:
		return withText{"the server refuses the user or the password" + itSaid(err), err}
	case errors.As(err, &dial) && dial.Stage == "resolve":
		host, _, _ := net.SplitHostPort(dial.Addr)
		return withText{fmt.Sprintf("the host %s cannot be found (%s): %s", clean(host), innermost(err), dial.Hint), err}
	case errors.As(err, &dial) && dial.Stage == "tls" && hungUp(err):
		return withText{fmt.Sprintf("%s hung up before TLS was ready (%s): check that it is a mail server, and the port", clean(dial.Addr), innermost(err)), err}
	case errors.As(err, &dial) && dial.Stage == "connect":
		return withText{fmt.Sprintf("cannot connect to %s (%s): %s", clean(dial.Addr), innermost(err), cmp.Or(dial.Hint, "check host, port and firewall")), err}
	}
	return err
}

// innermost is the text of the cause, without where it happened.
func innermost(err error) string {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return clean(dns.Err)
	}
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(next) {
		err = next
	}
	return clean(err.Error())
}

// withText is an error with another text.
type withText struct {
	text string
	err  error
}

func (e withText) Error() string { return e.text }
func (e withText) Unwrap() error { return e.err }

// itSaid quotes the server.
func itSaid(err error) string {
	var st *imap.StatusError
	if !errors.As(err, &st) || st.Text == "" {
		return ""
	}
	return fmt.Sprintf(" (it said: %s)", strings.TrimRight(clean(st.Text), "."))
}

// hintFor says what to do about an error that does not say so itself.
func hintFor(err error) string {
	switch {
	case errors.As(err, new(*watch.MailboxError)):
		return "names are case-sensitive, and \"pushmail list --mailboxes URL\" shows those that are there"
	case errors.As(err, new(*imap.StatusError)) && exitCode(err) == exitAuth:
		return "many providers want an app password for IMAP, and IMAP to be switched on in their settings"
	case exitCode(err) == exitConnect && imapclient.Classify(err).Class == imapclient.ClassTooMany:
		return "end other mail clients, or wait some minutes"
	}
	return ""
}
