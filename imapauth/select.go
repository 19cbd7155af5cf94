package imapauth

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/emersion/go-sasl"

	"github.com/pushmail/pushmail/imap"
)

// Mechanism is the name of a way to log in: a SASL mechanism, or [LoginCommand].
type Mechanism string

// The ways to log in that this package knows.
const (
	EXTERNAL    Mechanism = sasl.External
	OAUTHBEARER Mechanism = sasl.OAuthBearer
	XOAUTH2     Mechanism = "XOAUTH2"
	PLAIN       Mechanism = sasl.Plain
	LOGIN       Mechanism = sasl.Login
	ANONYMOUS   Mechanism = sasl.Anonymous
	// LoginCommand is no mechanism but the LOGIN command (RFC 9051 section 6.2.3), which servers
	// have unless they say LOGINDISABLED.
	LoginCommand Mechanism = "LOGIN command"
)

// Credentials are what we have to log in with. The zero value has nothing.
type Credentials struct {
	Username string
	// Identity is whose mailbox is meant, if not that of Username: a shared mailbox, or that of
	// another user for an administrator.
	Identity string
	// Password lets PLAIN, LOGIN and the LOGIN command work.
	Password Secret
	// Tokens lets OAUTHBEARER and XOAUTH2 work.
	Tokens TokenSource
	// External says that the TLS connection has a client certificate which the server knows.
	External bool
	// Anonymous allows to log in as nobody, with Trace for the server's log.
	Anonymous bool
	Trace     string
	// Host and Port are where we are connected to, for OAUTHBEARER; "" and 0 to leave them out.
	Host string
	Port int
	// Mechanisms, if not empty, are the only ones to use, in this order.
	Mechanisms []Mechanism
}

// Able returns the ways to log in that c has what is needed for, the best first: a certificate, then a
// token, then the password, then nobody. The order among equals is that of the better standard.
func (c *Credentials) Able() []Mechanism {
	var able []Mechanism
	add := func(have bool, m ...Mechanism) {
		if have {
			able = append(able, m...)
		}
	}
	// XOAUTH2 and LOGIN cannot say that another's mailbox is meant.
	own := c.Identity == ""
	add(c.External, EXTERNAL)
	add(c.Tokens != nil, OAUTHBEARER)
	add(c.Tokens != nil && own, XOAUTH2)
	add(!c.Password.IsZero(), PLAIN)
	add(!c.Password.IsZero() && own, LOGIN, LoginCommand)
	add(c.Anonymous, ANONYMOUS)
	if len(c.Mechanisms) == 0 {
		return able
	}
	var chosen []Mechanism
	for _, m := range c.Mechanisms {
		if slices.Contains(able, m) {
			chosen = append(chosen, m)
		}
	}
	return chosen
}

// Select returns the best way to log in that the server offers and that c has what is needed for. The
// error is a *[NoMechanismError].
func Select(caps imap.Capabilities, c *Credentials) (Mechanism, error) {
	able := c.Able()
	for _, m := range able {
		if offered(caps, m) {
			return m, nil
		}
	}
	return "", &NoMechanismError{Offered: caps.Auth(), LoginDisabled: caps.Has(imap.CapLoginDisabled), Able: able}
}

func offered(caps imap.Capabilities, m Mechanism) bool {
	if m == LoginCommand {
		return !caps.Has(imap.CapLoginDisabled)
	}
	return caps.HasAuth(string(m))
}

// Client returns the mechanism m ready for one login. For OAuth it asks for a token, with force as in
// [TokenSource]. For [LoginCommand] it returns nil: that needs no mechanism but
// imapclient.Conn.Login with Username and Password.
func (c *Credentials) Client(ctx context.Context, m Mechanism, force bool) (sasl.Client, error) {
	switch m {
	case LoginCommand:
		return nil, nil
	case EXTERNAL:
		return External(c.Identity), nil
	case ANONYMOUS:
		return Anonymous(c.Trace), nil
	case PLAIN:
		return Plain(c.Identity, c.Username, c.Password), nil
	case LOGIN:
		return Login(c.Username, c.Password), nil
	case OAUTHBEARER, XOAUTH2:
		return c.oauthClient(ctx, m, force)
	}
	return nil, fmt.Errorf("imapauth: unknown mechanism %q", string(m))
}

func (c *Credentials) oauthClient(ctx context.Context, m Mechanism, force bool) (sasl.Client, error) {
	if c.Tokens == nil {
		return nil, fmt.Errorf("imapauth: %s needs a source of tokens", m)
	}
	text, err := c.Tokens.Token(ctx, force)
	if err != nil {
		return nil, fmt.Errorf("access token for %s: %w", c.Username, err)
	}
	token := NewSecret(text)
	if m == XOAUTH2 {
		return XOAuth2(c.Username, token), nil
	}
	username := c.Username
	if c.Identity != "" {
		username = c.Identity
	}
	return OAuthBearer(username, token, c.Host, c.Port), nil
}

// NoMechanismError says that there is no way to log in that both sides can.
type NoMechanismError struct {
	// Offered are the server's SASL mechanisms.
	Offered []string
	// LoginDisabled says that the server refuses the LOGIN command, too.
	LoginDisabled bool
	// Able is what we could do: see [Credentials.Able].
	Able []Mechanism
}

// Error lists what the server offers and what we can do.
func (e *NoMechanismError) Error() string {
	var server []string
	for _, m := range e.Offered {
		server = append(server, imap.Printable(m))
	}
	if !e.LoginDisabled {
		server = append(server, string(LoginCommand))
	}
	var ours []string
	for _, m := range e.Able {
		ours = append(ours, string(m))
	}
	list := func(words []string) string {
		if len(words) == 0 {
			return "nothing"
		}
		return strings.Join(words, ", ")
	}
	text := fmt.Sprintf("no way to log in: the server offers %s; with these credentials we can do %s", list(server), list(ours))
	if len(server) == 0 {
		text += " (a server that offers nothing wants TLS first)"
	}
	return text
}
