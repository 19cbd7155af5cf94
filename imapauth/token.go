package imapauth

import (
	"context"
	"errors"
)

// TokenSource gives OAuth 2.0 access tokens. It is asked before each login, so it should keep a token
// for as long as it is valid. It must be safe for concurrent use, and return soon after ctx ends.
type TokenSource interface {
	// Token returns an access token, without "Bearer". With force the server refused the last one:
	// a new one must be fetched even if the old one has not expired.
	Token(ctx context.Context, force bool) (string, error)
}

// TokenFunc is a function as a [TokenSource].
type TokenFunc func(ctx context.Context, force bool) (string, error)

// Token calls f.
func (f TokenFunc) Token(ctx context.Context, force bool) (string, error) { return f(ctx, force) }

// ErrStaticToken says that a token was refused that nobody can renew.
var ErrStaticToken = errors.New("imapauth: the access token was refused and cannot be renewed")

// StaticToken is a [TokenSource] of one token. When it is refused the answer is [ErrStaticToken].
func StaticToken(token Secret) TokenSource {
	return TokenFunc(func(ctx context.Context, force bool) (string, error) {
		if force {
			return "", ErrStaticToken
		}
		return token.Reveal(), nil
	})
}
