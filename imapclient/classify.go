package imapclient

import (
	"compress/flate"
	"context"
	"crypto/tls"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapauth"
	"github.com/pushmail/pushmail/imapwire"
)

// Class says what a caller can do about an error.
type Class uint8

// Classes of errors.
const (
	// ClassTransient: the network or the server has trouble. Another connection may fare better: back off.
	ClassTransient Class = iota
	// ClassAuth: the credentials are refused. Trying again with the same ones does not help, and
	// may lock the account.
	ClassAuth
	// ClassTooMany: the account has too many connections. Close some, or wait.
	ClassTooMany
	// ClassThrottled: the server wants to be left alone for a while: see Verdict.Delay.
	ClassThrottled
	// ClassConfig: wrong host name, untrusted certificate, not an IMAP server, cleartext refused.
	// Somebody has to change something.
	ClassConfig
	// ClassRefused: the server answered NO or BAD to a command for a reason of that command.
	ClassRefused
	// ClassProtocol: the peer broke the rules of IMAP.
	ClassProtocol
	// ClassCancelled: the caller gave up.
	ClassCancelled
)

// String returns a word for logs and metrics.
func (c Class) String() string {
	return [...]string{"transient", "auth", "too_many_connections", "throttled", "config", "refused", "protocol", "cancelled"}[c]
}

// Verdict is what [Classify] finds.
type Verdict struct {
	Class Class
	// Delay is how long the server asked to be left alone; 0 if it did not say.
	Delay time.Duration
}

// Classify sorts an error of this package. Response codes (RFC 5530) decide before texts: a server
// that is busy must not be mistaken for one that refuses a password. Nil is ClassTransient.
func Classify(err error) Verdict {
	var st *imap.StatusError
	var cert *CertificateError
	var dial *DialError
	var greet *GreetingError
	var sec *SecurityError
	var limit *imapwire.LimitError
	var alert tls.AlertError
	var noWay *imapauth.NoMechanismError
	if errors.As(err, new(*imapauth.ExchangeError)) {
		return Verdict{Class: ClassConfig}
	}
	switch {
	case errors.As(err, &st):
		return classifyStatus(st)
	case errors.As(err, &sec), errors.As(err, &cert), errors.As(err, new(*OptionError)), errors.As(err, &noWay), errors.Is(err, ErrLoginDisabled):
		return Verdict{Class: ClassConfig}
	case errors.As(err, &greet):
		if greet.Got == "" {
			return Verdict{Class: ClassTransient}
		}
		return Verdict{Class: ClassConfig}
	case errors.As(err, &dial):
		return Verdict{Class: dial.class()}
	case errors.As(err, &alert):
		return Verdict{Class: ClassTransient}
	case errors.As(err, &limit), errors.As(err, new(flate.CorruptInputError)):
		return Verdict{Class: ClassProtocol}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, ErrLoggedOut):
		return Verdict{Class: ClassCancelled}
	}
	return Verdict{Class: ClassTransient}
}

// Texts of servers that say with words what others say with a response code.
var (
	tooManyText   = regexp.MustCompile(`(?i)too many (simultaneous |concurrent )?(connections|sessions|logins)|maximum number of connections|connection limit|sessions? limit|too many open`)
	throttledText = regexp.MustCompile(`(?i)throttl|rate limit|try again later|temporar(y|ily)|suggested backoff|overloaded|server busy|exceeded command or bandwidth`)
	backoffText   = regexp.MustCompile(`(?i)suggested backoff time:? *(\d{1,9}) *(milliseconds|seconds)?`)
	noSession     = regexp.MustCompile(`(?i)authenticated but not connected`)
)

func classifyStatus(st *imap.StatusError) Verdict {
	text := st.Text
	login := strings.HasPrefix(st.Command, "LOGIN") || strings.HasPrefix(st.Command, "AUTHENTICATE")
	delay := suggestedDelay(text)
	if st.Code != nil {
		switch st.Code.Name {
		case imap.CodeUnavailable, imap.CodeInUse, imap.CodeServerBug, imap.CodeContactAdmin:
			if tooManyText.MatchString(text) {
				return Verdict{ClassTooMany, delay}
			}
			return Verdict{ClassTransient, delay}
		case imap.CodeLimit:
			return Verdict{ClassTooMany, delay}
		case imap.CodeThrottled:
			return Verdict{ClassThrottled, delay}
		case imap.CodeAuthenticationFailed, imap.CodeAuthorizationFailed, imap.CodeExpired, imap.CodePrivacyRequired, imap.CodeWebAlert:
			return Verdict{ClassAuth, delay}
		}
	}
	switch {
	case tooManyText.MatchString(text):
		return Verdict{ClassTooMany, delay}
	case delay > 0, throttledText.MatchString(text):
		return Verdict{ClassThrottled, delay}
	case noSession.MatchString(text):
		// Exchange says this to the first command after a login that it only pretended to accept.
		return Verdict{ClassTransient, 0}
	case st.Kind == imap.BYE:
		return Verdict{ClassTransient, 0}
	case login:
		return Verdict{ClassAuth, 0}
	}
	return Verdict{ClassRefused, 0}
}

// maxSuggestedDelay bounds what a server can make us wait.
const maxSuggestedDelay = time.Hour

// suggestedDelay reads "Suggested Backoff Time: 20000 milliseconds", which Microsoft 365 sends.
func suggestedDelay(text string) time.Duration {
	m := backoffText.FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return 0
	}
	unit := time.Millisecond
	if strings.EqualFold(m[2], "seconds") {
		unit = time.Second
	}
	return min(time.Duration(n)*unit, maxSuggestedDelay)
}

// SafeToRetry reports whether the command that failed with err has surely had no effect, since no
// byte of it was sent.
func SafeToRetry(err error) bool {
	var u unsent
	return errors.As(err, &u)
}
