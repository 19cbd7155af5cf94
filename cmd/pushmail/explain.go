package main

import (
	"crypto/x509"
	"errors"
	"fmt"
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

// reworded puts some errors of packages that know nothing of flags into the words of this program.
func reworded(err error) error {
	var cert *imapclient.CertificateError
	var unknown x509.UnknownAuthorityError
	var refused *imap.StatusError
	var box *watch.MailboxError
	switch {
	case errors.As(err, &box):
		return err
	case errors.As(err, &cert) && errors.As(cert.Err, &unknown):
		return &imapclient.CertificateError{
			Addr: cert.Addr, Err: unknown,
			Hint: "if it is your own server, trust its CA with --ca-file FILE",
		}
	case errors.As(err, &refused) && imapclient.Classify(err).Class == imapclient.ClassAuth:
		return withText{fmt.Sprintf("the server refuses the user or the password%s", itSaid(refused)), err}
	}
	return err
}

// withText is an error with another text.
type withText struct {
	text string
	err  error
}

func (e withText) Error() string { return e.text }
func (e withText) Unwrap() error { return e.err }

func itSaid(st *imap.StatusError) string {
	if st.Text == "" {
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
