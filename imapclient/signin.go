package imapclient

import (
	"context"
	"errors"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapauth"
)

// SignIn logs in by the best way that the server offers and that cred has what is needed for: see
// [imapauth.Select]. An access token that is refused is asked for once more, forced, and tried again
// (RFC 7628 section 3.2.3). Nothing is sent if there is no way; the error then lists what there is.
func (c *Conn) SignIn(ctx context.Context, cred *imapauth.Credentials) error {
	if err := c.ensureCapabilities(ctx); err != nil {
		return err
	}
	m, err := imapauth.Select(c.Capabilities(), cred)
	if err != nil {
		return notSent(err)
	}
	err = c.signInWith(ctx, cred, m, false)
	var st *imap.StatusError
	if cred.Tokens != nil && errors.As(err, &st) && c.Err() == nil && Classify(err).Class == ClassAuth &&
		(m == imapauth.OAUTHBEARER || m == imapauth.XOAUTH2) {
		return c.signInWith(ctx, cred, m, true)
	}
	return err
}

func (c *Conn) signInWith(ctx context.Context, cred *imapauth.Credentials, m imapauth.Mechanism, force bool) error {
	mech, err := cred.Client(ctx, m, force)
	if err != nil {
		return notSent(err)
	}
	if mech == nil {
		return c.Login(ctx, cred.Username, cred.Password.Reveal())
	}
	return imapauth.Explain(mech, c.Authenticate(ctx, mech))
}
