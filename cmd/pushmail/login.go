package main

import (
	"context"
	"errors"
	"strings"

	"github.com/pushmail/pushmail/imapauth"
	"github.com/pushmail/pushmail/imapclient"
)

type loginFunc = func(context.Context, *imapclient.Conn) error

// loginFrom returns a function that logs in with what the flags, the URL and the environment bring, by the best way
// that the server offers.
func (f *connFlags) loginFrom(a *app, u *imapclient.URL) (loginFunc, error) {
	cred := f.credentials(u)
	if f.tokenCommand != "" {
		if f.passwordFile != "" || f.passwordCommand != "" || f.oauth || u.HasPassword {
			return nil, usageError{errors.New("--token-command brings all that is needed: leave out --oauth and the password")}
		}
		source, err := commandSource(f.tokenCommand, a)
		if err != nil {
			return nil, err
		}
		cred.Tokens = tokens{source}
		return signIn(cred), nil
	}
	if f.certificateAlone(a, u) {
		return signIn(cred), nil // the certificate says who it is
	}
	source, err := f.passwordFrom(a, u.User, u.Password, u.HasPassword)
	if err != nil {
		return nil, err
	}
	if f.oauth {
		cred.Tokens = tokens{source}
		return signIn(cred), nil
	}
	return func(ctx context.Context, c *imapclient.Conn) error {
		secret, err := source(ctx)
		if err != nil {
			return err
		}
		with := cred
		with.Password = imapauth.NewSecret(secret)
		return signIn(with)(ctx, c)
	}, nil
}

// credentials are what the flags and the URL say of the login, without the secret.
func (f *connFlags) credentials(u *imapclient.URL) imapauth.Credentials {
	cred := imapauth.Credentials{
		Username: u.User, Identity: f.identity, External: f.clientCert != "",
		AllowCleartext: f.plaintext, Memory: &imapauth.Memory{},
	}
	for _, name := range f.auth {
		cred.Mechanisms = append(cred.Mechanisms, imapauth.Mechanism(strings.ToUpper(name)))
	}
	return cred
}

// certificateAlone reports whether the login is by the client's certificate, without a password.
func (f *connFlags) certificateAlone(a *app, u *imapclient.URL) bool {
	return f.clientCert != "" && !u.HasPassword && f.passwordFile == "" && f.passwordCommand == "" && a.getenv(passwordVariable) == ""
}

// signIn logs in with what cred has.
func signIn(cred imapauth.Credentials) loginFunc {
	return func(ctx context.Context, c *imapclient.Conn) error {
		err := c.SignIn(ctx, &cred)
		var none *imapauth.NoMechanismError
		if errors.As(err, &none) && none.LoginDisabled && c.TLS() == nil {
			return &imapclient.SecurityError{Reason: "the server does not accept a password without TLS: use imaps://, or imap:// without --plaintext"}
		}
		return err
	}
}

// tokens asks a source for an access token at each login, and once more if it is refused.
type tokens struct{ source passwordSource }

// Token implements imapauth.TokenSource.
func (t tokens) Token(ctx context.Context, _ bool) (string, error) { return t.source(ctx) }
