package imapauth

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"

	"github.com/emersion/go-sasl"

	"github.com/pushmail/pushmail/imap"
)

// Peer is what is known of the server before a login.
type Peer struct {
	// Capabilities are what it offers now.
	Capabilities imap.Capabilities
	// TLS is the state of TLS as a tls.Conn gives it, nil without TLS.
	TLS *tls.ConnectionState
}

// Way is one way to log in, of which both sides are capable.
type Way struct {
	Mechanism Mechanism
	// Binding binds a mechanism of the SCRAM family to the TLS connection, or does not.
	Binding Binding

	cred  *Credentials
	offer string
}

// String returns the mechanism, with the type of channel binding if it has one.
func (w Way) String() string {
	if t := w.Binding.Type(); t != "" {
		return string(w.Mechanism) + " (" + t + ")"
	}
	return string(w.Mechanism)
}

// Select returns the ways to log in that the server offers and that c has what is needed for, the best
// first, or that which [Credentials.Memory] has. c must not change while they are used. The error is a *[NoMechanismError].
func Select(p Peer, c *Credentials) ([]Way, error) {
	able, offer := c.able(p), offerOf(p)
	var ways []Way
	var exposed []Mechanism
	for _, m := range able {
		switch {
		case !offered(p.Capabilities, m):
		case c.exposes(m, p):
			exposed = append(exposed, m)
		case m.isPlus():
			for _, b := range bindings(p.TLS) {
				ways = append(ways, Way{m, Binding{channel: b}, c, offer})
			}
		case m.IsSCRAM():
			ways = append(ways, Way{m, c.bindingFlag(m, p), c, offer})
		default:
			ways = append(ways, Way{m, NoBinding, c, offer})
		}
	}
	if len(ways) == 0 {
		return nil, &NoMechanismError{
			Offered: p.Capabilities.Auth(), LoginDisabled: p.Capabilities.Has(imap.CapLoginDisabled), Able: able, Exposed: exposed,
		}
	}
	return c.Memory.favourite(offer, ways), nil
}

// Client returns the mechanism ready for one login. For OAuth it asks the token source, whose failure
// is a *[TokenError]. For [LoginCommand] it returns nil: that needs no mechanism but
// imapclient.Conn.Login with Username and Password.
func (w Way) Client(ctx context.Context) (sasl.Client, error) {
	c := w.cred
	switch m := w.Mechanism; m {
	case LoginCommand:
		return nil, nil
	case EXTERNAL:
		return External(c.Identity), nil
	case ANONYMOUS:
		return Anonymous(c.Trace), nil
	case CRAMMD5:
		return CRAMMD5Client(c.Username, c.Password), nil
	case PLAIN:
		return Plain(c.Identity, c.Username, c.Password), nil
	case LOGIN:
		return Login(c.Username, c.Password), nil
	case OAUTHBEARER, XOAUTH2:
		return w.oauthClient(ctx, false)
	}
	return SCRAM(w.Mechanism, c.Identity, c.Username, c.Password, w.Binding), nil
}

// Renew returns the mechanism of an OAuth way with a new token, after the server has refused the one of
// client. The error is a *[TokenError]: around [ErrStaticToken] if the source has no other token.
func (w Way) Renew(ctx context.Context, client sasl.Client) (sasl.Client, error) {
	renewed, err := w.oauthClient(ctx, true)
	if err != nil {
		return nil, err
	}
	refused, ok := client.(*oauth)
	if ok && refused.token.Equal(renewed.token) {
		return nil, &TokenError{Username: w.cred.Username, Err: ErrStaticToken}
	}
	return renewed, nil
}

func (w Way) oauthClient(ctx context.Context, force bool) (*oauth, error) {
	c := w.cred
	text, err := c.Tokens.Token(ctx, force)
	if err != nil {
		return nil, &TokenError{Username: c.Username, Err: err}
	}
	// Both have one name only, that of the mailbox: the token itself says who asks.
	username := c.Username
	if c.Identity != "" {
		username = c.Identity
	}
	if w.Mechanism == XOAUTH2 {
		return xoauth2(username, NewSecret(text)), nil
	}
	return oauthBearer(username, NewSecret(text), c.Host, c.Port), nil
}

// NoMechanismError says that there is no way to log in that both sides can.
type NoMechanismError struct {
	// Offered are the server's SASL mechanisms.
	Offered []string
	// LoginDisabled says that the server refuses the LOGIN command, too.
	LoginDisabled bool
	// Able is what the credentials are good for.
	Able []Mechanism
	// Exposed are mechanisms that both sides can, but that would show a secret to anyone on the way,
	// since there is no TLS: see [Credentials.AllowCleartext].
	Exposed []Mechanism
}

// Error lists what the server offers and what we can do.
func (e *NoMechanismError) Error() string {
	if len(e.Exposed) > 0 {
		return fmt.Sprintf("no way to log in: without TLS anyone on the way could read what %s would send: use TLS, or allow it by name", list(e.Exposed))
	}
	var server []string
	for _, m := range e.Offered {
		server = append(server, imap.Printable(m))
	}
	if !e.LoginDisabled {
		server = append(server, string(LoginCommand))
	}
	text := fmt.Sprintf("no way to log in: the server offers %s; with these credentials we can do %s", list(server), list(e.Able))
	if len(server) == 0 {
		text += " (a server that offers nothing wants TLS first)"
	}
	return text
}

func list[T ~string](words []T) string {
	if len(words) == 0 {
		return "nothing"
	}
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = string(w)
	}
	return strings.Join(texts, ", ")
}

// TokenError says that no access token could be had.
type TokenError struct {
	Username string
	// Refused is why a token was needed anew: what the server said about the last one. Nil if none
	// was refused.
	Refused error
	// Err is what the token source said.
	Err error
}

// Error says whose token it is, and why there is none.
func (e *TokenError) Error() string {
	text := fmt.Sprintf("access token for %s: %v", e.Username, e.Err)
	if e.Refused != nil {
		text += fmt.Sprintf(" (a new one was needed: %v)", e.Refused)
	}
	return text
}

// Unwrap returns Err alone: that an old token was refused does not say what to do about a source that
// fails.
func (e *TokenError) Unwrap() error { return e.Err }
