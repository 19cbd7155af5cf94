package imapauth

import (
	"errors"
	"strings"

	"github.com/emersion/go-sasl"
)

var errNUL = errors.New("imapauth: a NUL in the user name or the password")

func hasNUL(texts ...string) bool { return strings.Contains(strings.Join(texts, ""), "\x00") }

// Plain returns the PLAIN mechanism (RFC 4616). identity is whose mailbox is meant, "" for that of
// username.
func Plain(identity, username string, password Secret) sasl.Client {
	return &plain{identity: identity, username: username, password: password}
}

type plain struct {
	identity, username string
	password           Secret
}

func (p *plain) Start() (string, []byte, error) {
	if hasNUL(p.identity, p.username, p.password.Reveal()) {
		return "", nil, errNUL
	}
	return sasl.NewPlainClient(p.identity, p.username, p.password.Reveal()).Start()
}

func (p *plain) Next([]byte) ([]byte, error) { return nil, sasl.ErrUnexpectedServerChallenge }

// Login returns the LOGIN mechanism, which has no RFC: the server asks twice, the first answer is the
// user name and the second the password. What it asks does not matter, for servers say "Username:",
// "User Name\0" or nothing. There is no initial response, since not all servers take one.
func Login(username string, password Secret) sasl.Client {
	return &login{username: username, password: password}
}

type login struct {
	username string
	password Secret
	asked    int
}

func (l *login) Start() (string, []byte, error) {
	if hasNUL(l.username, l.password.Reveal()) {
		return "", nil, errNUL
	}
	l.asked = 0
	return sasl.Login, nil, nil
}

func (l *login) Next([]byte) ([]byte, error) {
	l.asked++
	switch l.asked {
	case 1:
		return []byte(l.username), nil
	case 2:
		return []byte(l.password.Reveal()), nil
	}
	return nil, sasl.ErrUnexpectedServerChallenge
}

func (l *login) Judged() bool { return l.asked >= 2 }

func (l *login) Finished() error {
	if l.asked < 2 {
		return unfinished(LOGIN)
	}
	return nil
}

// External returns the EXTERNAL mechanism (RFC 4422 appendix A): the server knows who we are from the
// TLS certificate. identity is whose mailbox is meant, "" for that of the certificate.
func External(identity string) sasl.Client { return sasl.NewExternalClient(identity) }

// Anonymous returns the ANONYMOUS mechanism (RFC 4505). trace is for the server's log: an address, or
// nothing.
func Anonymous(trace string) sasl.Client { return sasl.NewAnonymousClient(trace) }
