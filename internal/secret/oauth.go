package secret

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/pushmail/pushmail/imapauth"
)

// Tokens returns access tokens that r refers to. It is resolved at each login, and once more, as something to be renewed, if the
// token is refused.
func (s *Resolver) Tokens(r Ref, what For) imapauth.TokenSource {
	return imapauth.TokenFunc(func(ctx context.Context, force bool) (string, error) {
		what := what
		what.Renew = force
		f, err := s.Resolve(ctx, r, what)
		return f.Secret.Reveal(), err
	})
}

// Grant says how to get access tokens from an OAuth 2.0 server.
type Grant struct {
	TokenURL     string
	ClientID     string
	ClientSecret Ref // may be zero: a public client (RFC 6749 section 2.1)
	// RefreshToken stands for a user (RFC 6749 section 6). The zero Ref means that the client acts for itself
	// (section 4.4).
	RefreshToken Ref
	Scopes       []string
	// Rotated is given a refresh token that the server wants to be used from now on, before it is. If it fails, so does the
	// login: the old one may be worth nothing any more. Nil keeps it in memory.
	Rotated func(ctx context.Context, refresh Secret) error
}

// OAuth returns access tokens of a Grant, each for as long as it is valid. Several logins at a time ask for one token. An error
// of the server that says that the user has to consent anew is an *[Error] that says so.
func (s *Resolver) OAuth(g Grant) imapauth.TokenSource {
	return &granted{resolver: s, grant: g, turn: make(chan struct{}, 1)}
}

// granted is the token source of one Grant.
type granted struct {
	resolver *Resolver
	grant    Grant
	turn     chan struct{} // held by who fetches

	mu      sync.Mutex // guards what follows
	token   *oauth2.Token
	refresh Secret // what the last answer rotated to
	origin  Secret // what the reference said then: when it says something else, that is newer
}

// Token implements imapauth.TokenSource.
func (g *granted) Token(ctx context.Context, force bool) (string, error) {
	refused := g.valid()
	if refused != nil && !force {
		return refused.AccessToken, nil
	}
	select {
	case g.turn <- struct{}{}:
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	defer func() { <-g.turn }()
	// Somebody else may have fetched one while we waited.
	if t := g.valid(); t != nil && (!force || t != refused) {
		return t.AccessToken, nil
	}
	t, err := g.fetch(ctx)
	if err != nil {
		return "", err
	}
	return t.AccessToken, nil
}

func (g *granted) valid() *oauth2.Token {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.token.Valid() {
		return g.token
	}
	return nil
}

// fetch asks the server. Its answer may take 30 seconds.
func (g *granted) fetch(ctx context.Context) (*oauth2.Token, error) {
	var secret Secret
	var err error
	if !g.grant.ClientSecret.IsZero() {
		if secret, err = g.resolver.Secret(ctx, g.grant.ClientSecret); err != nil {
			return nil, err
		}
	}
	asking, cancel := context.WithTimeout(ctx, callbackTimeout)
	defer cancel()
	asking = context.WithValue(asking, oauth2.HTTPClient, g.client())
	var token *oauth2.Token
	if g.grant.RefreshToken.IsZero() {
		c := clientcredentials.Config{ClientID: g.grant.ClientID, ClientSecret: secret.Reveal(), TokenURL: g.grant.TokenURL, Scopes: g.grant.Scopes}
		token, err = c.Token(asking)
	} else {
		token, err = g.renew(ctx, asking, secret)
	}
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return nil, cause
		}
		return nil, g.explain(err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.token = token
	return token, nil
}

// renew trades the refresh token for an access token.
func (g *granted) renew(ctx, asking context.Context, secret Secret) (*oauth2.Token, error) {
	origin, err := g.resolver.Secret(ctx, g.grant.RefreshToken)
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	refresh := origin
	if !g.refresh.IsZero() && g.origin.Equal(origin) {
		refresh = g.refresh
	}
	g.mu.Unlock()
	c := oauth2.Config{ClientID: g.grant.ClientID, ClientSecret: secret.Reveal(), Endpoint: oauth2.Endpoint{TokenURL: g.grant.TokenURL}}
	token, err := c.TokenSource(asking, &oauth2.Token{RefreshToken: refresh.Reveal()}).Token()
	if err != nil {
		return nil, err
	}
	if next := New(token.RefreshToken); !next.IsZero() && !next.Equal(refresh) {
		if g.grant.Rotated != nil {
			if err := g.grant.Rotated(ctx, next); err != nil {
				return nil, fmt.Errorf("keep the new refresh token: %w", err)
			}
		}
		g.mu.Lock()
		g.refresh, g.origin = next, origin
		g.mu.Unlock()
	}
	return token, nil
}

func (g *granted) client() *http.Client {
	if g.resolver.Client != nil {
		return g.resolver.Client
	}
	return direct
}

// explain says what to do, without the answer of the server: that can have a token.
func (g *granted) explain(err error) error {
	var said *oauth2.RetrieveError
	if !errors.As(err, &said) {
		var own *Error
		if errors.As(err, &own) {
			return own
		}
		return &Error{Ref: g.ref(), What: "no access token from " + g.grant.TokenURL, Err: withoutURL(err)}
	}
	what := fmt.Sprintf("%s gives no access token: status %d", g.grant.TokenURL, said.Response.StatusCode)
	if slices.Contains(oauthErrors, said.ErrorCode) {
		what += ", " + said.ErrorCode
	}
	return &Error{Ref: g.ref(), What: what, Hint: oauthHints[said.ErrorCode]}
}

// ref is the reference that an error is about.
func (g *granted) ref() Ref {
	if g.grant.RefreshToken.IsZero() {
		return g.grant.ClientSecret
	}
	return g.grant.RefreshToken
}

// oauthErrors are those of RFC 6749 section 5.2, and of Google and Microsoft.
var oauthErrors = []string{"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope", "interaction_required", "temporarily_unavailable", "server_error"}

var oauthHints = map[string]string{
	"invalid_grant":        "the refresh token has expired or was revoked: the user has to consent again, and the new one be put in its place",
	"interaction_required": "the user has to sign in again: a policy of the organisation asks for it",
	"invalid_client":       "client_id and client_secret do not belong together, or the secret has expired",
	"unauthorized_client":  "the application is not allowed this: see its settings with the provider",
	"invalid_scope":        "the application has no leave for these scopes: see its settings with the provider",
}

// withoutURL keeps the cause of an error of package http, which repeats the URL.
func withoutURL(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil || !strings.Contains(err.Error(), "://") {
			return err
		}
		err = inner
	}
}
