package imapclient

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// URL is what an IMAP URL names: a server, and perhaps a user and a mailbox.
type URL struct {
	Security Security // ImplicitTLS for imaps, StartTLS for imap unless the URL says otherwise
	User     string
	Password string // "" if not given; HasPassword tells them apart
	// Auth is the SASL mechanism that the URL asks for (RFC 5092 section 3.2), "*" for any; "" if it
	// does not say.
	Auth string
	Addr string // host or host:port
	// Mailbox is UTF-8, "" if not given.
	Mailbox     string
	HasPassword bool
}

// ParseURL reads an IMAP URL (RFC 5092):
//
//	imaps://[USER[;AUTH=MECHANISM][:PASSWORD]@]HOST[:PORT][/MAILBOX]
//	imap://…
//
// imaps speaks TLS from the start, on port 993 unless given. It is in no RFC, but everybody's. imap begins
// in cleartext on port 143 and must switch to TLS, unless it ends with one of
//
//	?security=insecure-opportunistic-tls
//	?security=insecure-plaintext
//
// which are [InsecureOpportunisticTLS] and [InsecurePlaintext]. The password is an extension, too: RFC 5092
// section 3.2 leaves it to the user to be asked for it.
//
// User, password and mailbox are percent-encoded UTF-8; a user may contain "@". URLs that name a message
// (;UID=) or a search are errors. Errors say what to write instead, and never repeat the password.
func ParseURL(text string) (*URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, explainURL(err)
	}
	r := &URL{Addr: u.Host}
	if r.Security, err = urlSecurity(strings.ToLower(u.Scheme), u); err != nil {
		return nil, err
	}
	if u.Hostname() == "" {
		return nil, errors.New("the URL names no host: want imaps://USER@HOST[:PORT]/MAILBOX")
	}
	if p := u.Port(); p != "" && !validPort(p) || strings.HasSuffix(u.Host, ":") {
		return nil, errors.New("not a valid URL: the port after the host must be a number from 1 to 65535")
	}
	if u.User != nil {
		r.Password, r.HasPassword = u.User.Password()
		r.User, r.Auth = splitAuth(text)
	}
	r.Mailbox = strings.TrimPrefix(u.Path, "/")
	return r, aMailbox(u.EscapedPath())
}

// explainURL says what to do about an error of package url, which repeats its input and so a password.
func explainURL(err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	var esc url.EscapeError
	switch {
	case errors.As(err, &esc) || strings.Contains(err.Error(), "userinfo"):
		return errors.New("not a valid URL: write special characters in user, password and mailbox percent-encoded, such as %40 for @ and %25 for %")
	case strings.Contains(err.Error(), "port"):
		return errors.New("not a valid URL: the port after the host must be a number; a \":\" or \"/\" in the password is written %3A or %2F")
	}
	return errors.New("not a valid URL: want imaps://USER@HOST[:PORT]/MAILBOX")
}

// insecureURLs are the values of "security" in the query of an imap URL.
var insecureURLs = map[string]Security{
	"insecure-opportunistic-tls": InsecureOpportunisticTLS,
	"insecure-plaintext":         InsecurePlaintext,
}

func urlSecurity(scheme string, u *url.URL) (Security, error) {
	switch scheme {
	case "imaps", "imap":
	case "":
		return 0, errors.New("not a valid URL: it must start with imaps:// (TLS) or imap:// (STARTTLS)")
	default:
		return 0, fmt.Errorf("unknown scheme %q: use imaps:// (TLS) or imap:// (STARTTLS)", u.Scheme)
	}
	if name, value, ok := strings.Cut(u.RawQuery, "="); scheme == "imap" && u.Fragment == "" && ok && name == "security" {
		if s, ok := insecureURLs[value]; ok {
			return s, nil
		}
		return 0, errors.New("unknown security in the URL: it can be insecure-opportunistic-tls or insecure-plaintext; without any, TLS is switched on by STARTTLS")
	}
	switch {
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return 0, errors.New("the URL has a \"?\" or \"#\" part, which is not supported: write %3F or %23 if they belong to a name")
	case scheme == "imap":
		return StartTLS, nil
	}
	return ImplicitTLS, nil
}

// splitAuth takes user and mechanism out of a URL, before percent-decoding: an encoded ";" is one of the
// user's name.
func splitAuth(text string) (user, auth string) {
	_, rest, _ := strings.Cut(text, "://")
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	rest = rest[:max(strings.LastIndex(rest, "@"), 0)]
	rest, _, _ = strings.Cut(rest, ":")
	if i := strings.Index(strings.ToUpper(rest), ";AUTH="); i >= 0 {
		rest, auth = rest[:i], rest[i+len(";AUTH="):]
	}
	return unescaped(rest), strings.ToUpper(unescaped(auth))
}

// unescaped undoes percent-encoding that is known to be valid.
func unescaped(text string) string {
	plain, err := url.PathUnescape(text)
	if err != nil {
		return text
	}
	return plain
}

// aMailbox returns an error for the path of a URL that names something in a mailbox (RFC 5092 section 11).
func aMailbox(path string) error {
	for _, part := range []string{";UIDVALIDITY=", ";UID=", ";SECTION=", ";PARTIAL=", ";EXPIRE=", ";URLAUTH="} {
		if strings.Contains(strings.ToUpper(path), part) {
			return fmt.Errorf("the URL names more than a mailbox (%s): leave that out; a \";\" in the name of a mailbox is written %%3B", strings.Trim(part, "="))
		}
	}
	return nil
}

// String returns the URL without the password. Parsed again it names the same.
func (u *URL) String() string {
	var b strings.Builder
	scheme, query := "imap", ""
	switch u.Security {
	case ImplicitTLS:
		scheme = "imaps"
	case StartTLS:
	default:
		for name, s := range insecureURLs {
			if s == u.Security {
				query = "?security=" + name
			}
		}
	}
	b.WriteString(scheme + "://")
	if u.User != "" || u.Auth != "" {
		b.WriteString(escaped(u.User))
		if u.Auth != "" {
			b.WriteString(";AUTH=" + escaped(u.Auth))
		}
		b.WriteByte('@')
	}
	// A host needs the escapes of url.URL, if only for the zone of an IPv6 address.
	b.WriteString(strings.TrimPrefix((&url.URL{Host: u.Addr}).String(), "//"))
	levels := strings.Split(u.Mailbox, "/")
	for _, level := range levels {
		b.WriteString("/" + url.PathEscape(level))
	}
	return b.String() + query
}

// escaped encodes all but letters, digits and a few signs.
func escaped(text string) string {
	text = strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
	return strings.ReplaceAll(text, "%2A", "*") // AUTH=*
}

// GoString keeps the password out of %#v.
func (u *URL) GoString() string { return "imapclient.URL(" + u.String() + ")" }

// Options returns options to dial u.
func (u *URL) Options() *Options { return &Options{Addr: u.Addr, Security: u.Security} }
