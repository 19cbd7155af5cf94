package imapclient

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/emersion/go-sasl"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapauth"
)

// SignIn logs in by the best way that the server offers and that cred has what is needed for: see
// [imapauth.Select]. Mechanisms that Options.MaskCapabilities names ("AUTH=PLAIN") are not used. Nothing
// is sent if there is no way; the error is then an *[imapauth.NoMechanismError], which lists what there is.
//
// If the server does not take a mechanism, the next one is tried on the same connection; if it says
// that the password is wrong, none is, for servers lock accounts after a few attempts. What a server took
// in the end is kept in Credentials.Memory. An access token
// that is refused is asked for once more, forced, and tried again (RFC 7628 section 3.2.3); if the server
// hangs up meanwhile the error is a *[TokenRenewedError].
//
// Other errors are those of [Conn.Authenticate] and *[imapauth.TokenError]. Where ctx ends on the way
// the connection is closed.
func (c *Conn) SignIn(ctx context.Context, cred *imapauth.Credentials) error {
	if err := c.ensureCapabilities(ctx); err != nil {
		return err
	}
	ways, err := imapauth.Select(imapauth.Peer{Capabilities: c.Capabilities(), TLS: c.TLS()}, c.unmasked(cred))
	if err != nil {
		return notSent(err)
	}
	var before []*AuthError
	for len(ways) > 0 {
		err = c.signInWith(ctx, cred, ways[0])
		var refused *AuthError
		if err == nil && len(before) > 0 {
			ways[0].Remember()
		}
		if !errors.As(err, &refused) {
			return err
		}
		ways[0].Forget()
		refused.Before = before
		if refused.Refusal != RefusedMechanism || c.Err() != nil {
			return err
		}
		before = append(before, refused)
		ways = waysAfter(ways, refused)
	}
	return err
}

// unmasked returns cred without the mechanisms that the options mask. Those must not just be missing
// from the capabilities: SCRAM tells the server what it has seen of its offer.
func (c *Conn) unmasked(cred *imapauth.Credentials) *imapauth.Credentials {
	masked := *cred
	masked.Forbidden = slices.Clone(cred.Forbidden)
	for _, w := range c.opts.MaskCapabilities {
		if name, ok := strings.CutPrefix(strings.ToUpper(string(w)), "AUTH="); ok {
			masked.Forbidden = append(masked.Forbidden, imapauth.Mechanism(name))
		}
	}
	return &masked
}

// waysAfter returns what is left after the first way was refused.
func waysAfter(ways []imapauth.Way, refused *AuthError) []imapauth.Way {
	first, rest := ways[0], ways[1:]
	var why *imapauth.SCRAMError
	var st *imap.StatusError
	switch {
	case !first.Mechanism.IsSCRAM(), !errors.As(refused, &st):
	case first.Binding.Type() != "" && !st.HasCode(imap.CodeAuthenticationFailed), errors.As(refused, &why) && why.Unsupported():
		// It is no better with another hash.
		rest, _ = split(rest, func(w imapauth.Way) bool { return w.Binding.Type() == "" || w.Binding.Type() != first.Binding.Type() })
	case st.HasCode(imap.CodeAuthenticationFailed):
		// A server that refuses SCRAM for a user, and not in general, most likely has no SCRAM keys of
		// that user: what can do without keys comes before the rest of the family.
		shown, others := split(rest, func(w imapauth.Way) bool { return w.Mechanism.Cleartext() })
		rest = append(shown, others...)
	}
	return rest
}

func split(ways []imapauth.Way, in func(imapauth.Way) bool) (yes, no []imapauth.Way) {
	for _, w := range ways {
		if in(w) {
			yes = append(yes, w)
		} else {
			no = append(no, w)
		}
	}
	return yes, no
}

func (c *Conn) signInWith(ctx context.Context, cred *imapauth.Credentials, w imapauth.Way) error {
	password := cred.Password.Reveal()
	mech, err := w.Client(ctx)
	switch {
	case err != nil:
		return notSent(err)
	case mech == nil:
		return c.Login(ctx, cred.Username, password)
	}
	err = c.authenticateHiding(ctx, mech, password)
	suspect(w, mech, err)
	if w.Mechanism.IsOAuth() && tokenIsStale(mech, err) {
		return c.signInAnew(ctx, w, mech, err)
	}
	return err
}

// suspect changes a refusal that only looks like one of the mechanism: a server that offers -PLUS knows
// tls-unique (RFC 5802 section 6.1), so if it refuses our proof for another reason than the password, it
// sees another connection than we do. The Cyrus SASL library calls that "bad protocol".
func suspect(w imapauth.Way, mech sasl.Client, err error) {
	var refused *AuthError
	if w.Binding.Type() == "tls-unique" && errors.As(err, &refused) && refused.Refusal == RefusedMechanism && mech.(imapauth.Judged).Judged() {
		refused.Refusal = RefusedIntercepted
	}
}

// tokenIsStale reports whether another token may help after a login that failed with err.
func tokenIsStale(mech sasl.Client, err error) bool {
	var refused *AuthError
	switch {
	case err == nil, errors.As(err, new(*imapauth.ExchangeError)):
		return false
	case errors.As(err, &refused):
		return refused.Refusal == RefusedCredentials || refused.Refusal == RefusedExpired
	}
	// The server hung up instead of saying NO.
	said, ok := mech.(imapauth.Failer)
	return ok && said.Failure() != nil || Classify(err).Class == ClassAuth
}

// signInAnew asks for a new token after refused, and tries again.
func (c *Conn) signInAnew(ctx context.Context, w imapauth.Way, mech sasl.Client, refused error) error {
	renewed, err := w.Renew(ctx, mech)
	if errors.Is(err, imapauth.ErrStaticToken) {
		return refused
	}
	var failed *imapauth.TokenError
	if errors.As(err, &failed) {
		failed.Refused = refused
	}
	if err != nil {
		return err
	}
	if c.Err() != nil {
		return &TokenRenewedError{Refused: refused}
	}
	return c.Authenticate(ctx, renewed)
}

// TokenRenewedError says that the server refused an access token and hung up, and that the token source
// has fetched a new one since: connect again.
type TokenRenewedError struct{ Refused error }

func (e *TokenRenewedError) Error() string {
	return fmt.Sprintf("the access token was renewed, but the server has hung up: %v", e.Refused)
}
