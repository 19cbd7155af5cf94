package imapauth

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/emersion/go-sasl"

	"github.com/pushmail/pushmail/imap"
)

// OAuthBearer returns the OAUTHBEARER mechanism (RFC 7628). username is whose mailbox is meant; host
// and port are where we are connected to, "" and 0 to leave them out.
func OAuthBearer(username string, token Secret, host string, port int) sasl.Client {
	return oauthBearer(username, token, host, port)
}

func oauthBearer(username string, token Secret, host string, port int) *oauth {
	return &oauth{
		name: sasl.OAuthBearer, username: username, token: token,
		// RFC 7628 section 3.2.3.
		dummy: []byte{1},
		initial: func() ([]byte, error) {
			_, ir, err := sasl.NewOAuthBearerClient(&sasl.OAuthBearerOptions{
				Username: gs2Name(username), Token: token.Reveal(), Host: host, Port: port,
			}).Start()
			return ir, err
		},
	}
}

// gs2Name writes a name in a GS2 header (RFC 5801 section 4: saslname).
func gs2Name(name string) string { return strings.NewReplacer("=", "=3D", ",", "=2C").Replace(name) }

// XOAuth2 returns the XOAUTH2 mechanism of Google and Microsoft, the precursor of OAUTHBEARER.
// username is whose mailbox is meant, which may be a shared one.
func XOAuth2(username string, token Secret) sasl.Client { return xoauth2(username, token) }

func xoauth2(username string, token Secret) *oauth {
	return &oauth{
		name: string(XOAUTH2), username: username, token: token,
		dummy: []byte{},
		initial: func() ([]byte, error) {
			return []byte("user=" + username + "\x01auth=Bearer " + token.Reveal() + "\x01\x01"), nil
		},
	}
}

// oauth is a mechanism that sends a token at once. A challenge means that the server refuses it and
// says why; it ends the exchange after a dummy response.
type oauth struct {
	name     string
	username string
	token    Secret
	dummy    []byte
	initial  func() ([]byte, error)
	failure  *OAuthError
}

func (o *oauth) Start() (string, []byte, error) {
	o.failure = nil
	if err := checkToken(o.token.Reveal()); err != nil {
		return "", nil, err
	}
	if strings.ContainsAny(o.username, "\x00\x01\r\n") {
		return "", nil, errors.New("imapauth: a control character in the user name")
	}
	ir, err := o.initial()
	return o.name, ir, err
}

// checkToken holds back what would break out of its field; RFC 6750 section 2.1 allows even less.
// The token of a file with a line end is the usual case.
func checkToken(token string) error {
	if token == "" {
		return errors.New("imapauth: the access token is empty")
	}
	for i := range len(token) {
		if c := token[i]; c <= ' ' || c >= 0x7f {
			return errors.New("imapauth: white space or a control character in the access token")
		}
	}
	return nil
}

func (o *oauth) Next(challenge []byte) ([]byte, error) {
	if o.failure != nil {
		return nil, sasl.ErrUnexpectedServerChallenge
	}
	o.failure = newOAuthError(o.name, challenge)
	return o.dummy, nil
}

// Failure returns why the server refused the token: an *[OAuthError], or nil.
func (o *oauth) Failure() error {
	if o.failure == nil {
		return nil
	}
	return o.failure
}

// Finished refuses an OK that follows the refusal of the token.
func (o *oauth) Finished() error {
	if o.failure != nil {
		return broken(Mechanism(o.name), "the server says that we are logged in, but refused the token before")
	}
	return nil
}

// OAuthError is what a server says about a token that it refuses (RFC 7628 section 3.2.2). A fresh
// token helps if the old one has expired; see Scope if it does not.
type OAuthError struct {
	// Mechanism is OAUTHBEARER or XOAUTH2.
	Mechanism string
	// Status is an error code of OAuth, such as "invalid_token", or of HTTP, such as "401".
	Status string
	// Scope is what a token must be good for, "" if the server does not say.
	Scope string
	// Schemes is "bearer" as far as anybody knows.
	Schemes string
	// Configuration is the URL of the provider's OpenID configuration.
	Configuration string
	// Raw is all that the server said, up to 1,024 bytes.
	Raw string
}

const maxRaw = 1024

func newOAuthError(mechanism string, challenge []byte) *OAuthError {
	e := &OAuthError{Mechanism: mechanism, Raw: string(challenge[:min(len(challenge), maxRaw)])}
	var fields map[string]any
	if json.Unmarshal(challenge, &fields) != nil {
		return e
	}
	get := func(name string) string {
		switch v := fields[name].(type) {
		case string:
			return v
		case float64:
			return fmt.Sprint(v)
		}
		return ""
	}
	e.Status, e.Scope, e.Schemes, e.Configuration = get("status"), get("scope"), get("schemes"), get("openid-configuration")
	return e
}

// Error returns the status and the scope, without control characters.
func (e *OAuthError) Error() string {
	var b strings.Builder
	b.WriteString(e.Mechanism + ": the server refused the access token")
	switch {
	case e.Status != "":
		b.WriteString(": " + imap.Printable(e.Status))
	case e.Raw != "":
		b.WriteString(": " + imap.Printable(e.Raw))
	}
	if e.Scope != "" {
		b.WriteString(" (it must be good for " + imap.Printable(e.Scope) + ")")
	}
	return b.String()
}
