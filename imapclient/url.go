package imapclient

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// URL is what an IMAP URL names (RFC 5092): imaps://USER[:PASSWORD]@HOST[:PORT]/MAILBOX.
type URL struct {
	Security Security // ImplicitTLS for imaps, StartTLS for imap
	User     string
	Password string // "" if not given; HasPassword tells them apart
	Addr     string // host or host:port
	// Mailbox is UTF-8, "" if not given.
	Mailbox     string
	HasPassword bool
}

// ParseURL reads an IMAP URL. Errors say what to write instead, and never repeat the password. The
// mailbox is percent-encoded UTF-8; a user name may contain "@".
func ParseURL(text string) (*URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		// url.Error repeats its input, which may hold a password.
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err
		}
		var esc url.EscapeError
		if errors.As(err, &esc) || strings.Contains(err.Error(), "userinfo") {
			return nil, errors.New("not a valid URL: write special characters in user, password and mailbox percent-encoded, such as %40 for @ and %25 for %")
		}
		if strings.Contains(err.Error(), "port") {
			return nil, errors.New("not a valid URL: the port after the host must be a number; a \":\" or \"/\" in the password is written %3A or %2F")
		}
		return nil, errors.New("not a valid URL: want imaps://USER@HOST[:PORT]/MAILBOX")
	}
	r := &URL{Addr: u.Host}
	switch strings.ToLower(u.Scheme) {
	case "imaps":
	case "imap":
		r.Security = StartTLS
	case "":
		return nil, errors.New("not a valid URL: it must start with imaps:// (TLS) or imap:// (STARTTLS)")
	default:
		return nil, fmt.Errorf("unknown scheme %q: use imaps:// (TLS) or imap:// (STARTTLS)", u.Scheme)
	}
	if u.Hostname() == "" {
		return nil, errors.New("the URL names no host: want imaps://USER@HOST[:PORT]/MAILBOX")
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("the URL has a \"?\" or \"#\" part, which is not supported: write %3F or %23 if they belong to a name")
	}
	if u.User != nil {
		r.User = u.User.Username()
		r.Password, r.HasPassword = u.User.Password()
	}
	r.Mailbox = strings.TrimPrefix(u.Path, "/")
	return r, nil
}

// String returns the URL without the password.
func (u *URL) String() string {
	v := url.URL{Scheme: "imaps", Host: u.Addr, Path: "/" + u.Mailbox}
	if u.Security != ImplicitTLS {
		v.Scheme = "imap"
	}
	if u.User != "" {
		v.User = url.User(u.User)
	}
	return v.String()
}

// GoString keeps the password out of %#v.
func (u *URL) GoString() string { return "imapclient.URL(" + u.String() + ")" }

// Options returns options to dial u.
func (u *URL) Options() *Options { return &Options{Addr: u.Addr, Security: u.Security} }
