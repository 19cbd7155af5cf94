package imapclient

import (
	"errors"
	"regexp"

	"github.com/emersion/go-sasl"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapauth"
)

// AuthError says that the server refused a login. It unwraps to the *imap.StatusError and to what the
// mechanism knows of the reason: an *imapauth.OAuthError, an *imapauth.SCRAMError.
type AuthError struct {
	Mechanism imapauth.Mechanism
	Refusal   Refusal
	Err       error
	// Before are the refusals of the mechanisms that were tried before this one.
	Before []*AuthError
}

// Error returns what the server said, to all mechanisms that were tried.
func (e *AuthError) Error() string {
	text := e.Err.Error()
	for _, before := range e.Before {
		text += "; before that, " + before.Err.Error()
	}
	return text
}
func (e *AuthError) Unwrap() error { return e.Err }

// Refusal says why a login was refused, as far as the server tells: by response codes (RFC 5530), by
// what it says in the exchange, and by texts of servers that have neither.
type Refusal uint8

// Reasons for a refusal.
const (
	// RefusedCredentials: user or password, or the access token, are wrong, or the server does not say.
	RefusedCredentials Refusal = iota
	// RefusedMechanism: the server does not take this mechanism, here or for this user. The password
	// was not judged.
	RefusedMechanism
	// RefusedIdentity: they are right, but not good for the mailbox that is meant (AUTHORIZATIONFAILED).
	RefusedIdentity
	// RefusedExpired: they were right (EXPIRED).
	RefusedExpired
	// RefusedAppPassword: the account has two factors and wants an app password, made for a program.
	RefusedAppPassword
	// RefusedWebLogin: somebody has to log in with a browser first (WEBALERT).
	RefusedWebLogin
	// RefusedPrivacy: not without TLS (PRIVACYREQUIRED).
	RefusedPrivacy
	// RefusedByAdmin: ask the server's administrator (CONTACTADMIN).
	RefusedByAdmin
	// RefusedIntercepted: the server sees signs of somebody in the middle of the connection.
	RefusedIntercepted
	// RefusedForNow: the server is busy, or has had enough of us: see [Classify].
	RefusedForNow
)

// String returns a word for logs and metrics.
func (r Refusal) String() string {
	return [...]string{
		"credentials", "mechanism", "identity", "expired", "app_password", "web_login", "privacy", "admin", "intercepted", "for_now",
	}[r]
}

// newAuthError makes an *AuthError of a refusal by the server; other errors stay what they are. shown
// says that the server was given something of the mechanism, which is nil for the LOGIN command.
func newAuthError(m imapauth.Mechanism, err error, mech sasl.Client, shown bool) error {
	var st *imap.StatusError
	switch {
	case errors.As(err, new(*imapauth.ExchangeError)), errors.As(err, new(unsent)):
		return err
	case !errors.As(err, &st), st.Kind == imap.BYE:
		return imapauth.Explain(mech, err)
	}
	if j, ok := mech.(imapauth.Judged); ok {
		shown = j.Judged()
	}
	err = imapauth.Explain(mech, err)
	return &AuthError{Mechanism: m, Refusal: refusal(st, err, shown), Err: err}
}

// Texts of servers that say with words what others say with a response code.
var (
	appPasswordText = regexp.MustCompile(`(?i)app(lication)?[- ]?(specific )?password`)
	webLoginText    = regexp.MustCompile(`(?i)(via|in|with) (your|a) (web )?browser|web login required`)
	noMechanismText = regexp.MustCompile(`(?i)(un|not )supported|unknown (auth\w* )?mechanism|unrecogni[sz]ed auth|bad protocol / cancel|mechanism (is )?(invalid|disabled|not (available|enabled|allowed|permitted))`)
)

func refusal(st *imap.StatusError, err error, shown bool) Refusal {
	var s *imapauth.SCRAMError
	isSCRAM := errors.As(err, &s)
	switch Classify(err).Class {
	case ClassTransient, ClassTooMany, ClassThrottled:
		if !st.HasCode(imap.CodeContactAdmin) {
			return RefusedForNow
		}
	}
	switch {
	case isSCRAM && s.Intercepted():
		return RefusedIntercepted
	case isSCRAM && s.Unsupported():
		return RefusedMechanism
	case isSCRAM && s.Temporary():
		return RefusedForNow
	case appPasswordText.MatchString(st.Text):
		return RefusedAppPassword
	case st.HasCode(imap.CodeWebAlert), webLoginText.MatchString(st.Text):
		return RefusedWebLogin
	case st.HasCode(imap.CodeContactAdmin):
		return RefusedByAdmin
	case st.HasCode(imap.CodeAuthorizationFailed):
		return RefusedIdentity
	case st.HasCode(imap.CodeExpired):
		return RefusedExpired
	case st.HasCode(imap.CodePrivacyRequired):
		return RefusedPrivacy
	case !shown:
		return RefusedMechanism
	case st.HasCode(imap.CodeAuthenticationFailed):
		return RefusedCredentials
	case st.HasCode(imap.CodeCannot), st.Kind == imap.BAD, noMechanismText.MatchString(st.Text):
		return RefusedMechanism
	}
	return RefusedCredentials
}
