package imapclient

import (
	"context"
	"crypto/tls"
	"errors"
	"regexp"
	"slices"
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
	// ClassRefused: the server answered NO or BAD to a command for a reason of that command, or this
	// package refused to send it.
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
// that is busy must not be mistaken for one that refuses a password. Nil is ClassTransient, and so is the
// cause of a context that ended with one of its own.
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
	case errors.As(err, &limit), errors.Is(err, errInflate):
		return Verdict{Class: ClassProtocol}
	case errors.As(err, new(*UnsupportedError)), errors.As(err, new(*imapwire.ArgumentError)), errors.As(err, new(*PipelineError)),
		errors.Is(err, ErrNotAuthenticated), errors.Is(err, ErrNotSelected), errors.Is(err, ErrNotNotified):
		return Verdict{Class: ClassRefused}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, ErrLoggedOut):
		return Verdict{Class: ClassCancelled}
	}
	return Verdict{Class: ClassTransient}
}

// Texts of servers that say with words what others say with a response code. TestRefusalsOfRealServers has
// whose they are.
var (
	tooManyText   = regexp.MustCompile(`(?i)too many (simultaneous |concurrent |open )?(connections|sessions|logins)|(number of|simultaneous) connections|connection limit|sessions? limit|too many open`)
	throttledText = regexp.MustCompile(`(?i)throttl|rate limit|suggested backoff|exceeded command or bandwidth|bandwidth limits?|too many ([a-z]+ ){0,3}(attempts|requests|commands)|too frequent`)
	transientText = regexp.MustCompile(`(?i)temporar(y|ily)|try again later|(server|service|system|mailbox|account) (is )?(currently )?(unavailable|not available|busy|overloaded)|internal (server )?error|system error|server error|maintenance|timed? ?out|shutting down|i/o error`)
	backoffText   = regexp.MustCompile(`(?i)(suggested backoff time|retry[- ]after|try again (?:in|after)|retry in|wait(?: for)?):? *(\d{1,9}) *(milliseconds?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|h)?\b`)
	noSession     = regexp.MustCompile(`(?i)authenticated but not connected`)
	unsafeLogin   = regexp.MustCompile(`(?i)unsafe login`)
)

func classifyStatus(st *imap.StatusError) Verdict {
	delay := suggestedDelay(st.Text)
	if class, ok := classOfCode(st); ok {
		return Verdict{class, delay}
	}
	return Verdict{classOfText(st, delay > 0), delay}
}

// classOfCode sorts by response codes (RFC 5530), where one decides.
func classOfCode(st *imap.StatusError) (class Class, ok bool) {
	if st.Code == nil {
		return 0, false
	}
	switch st.Code.Name {
	case imap.CodeUnavailable, imap.CodeInUse, imap.CodeServerBug, imap.CodeContactAdmin:
		if tooManyText.MatchString(st.Text) {
			return ClassTooMany, true
		}
		return ClassTransient, true
	case imap.CodeLimit:
		switch {
		case throttledText.MatchString(st.Text): // Yahoo
			return ClassThrottled, true
		case isLogin(st) || st.Kind == imap.BYE || tooManyText.MatchString(st.Text):
			return ClassTooMany, true
		}
		return ClassRefused, true // of mailboxes, keywords: RFC 5530 section 3
	case imap.CodeThrottled:
		return ClassThrottled, true
	case imap.CodeAuthenticationFailed, imap.CodeAuthorizationFailed, imap.CodeExpired, imap.CodePrivacyRequired, imap.CodeWebAlert:
		return ClassAuth, true
	}
	return 0, false
}

func classOfText(st *imap.StatusError, delayed bool) Class {
	switch text := st.Text; {
	case tooManyText.MatchString(text):
		return ClassTooMany
	case delayed, throttledText.MatchString(text):
		return ClassThrottled
	case noSession.MatchString(text):
		// Exchange says this to the first command after a login that it only pretended to accept.
		return ClassTransient
	case unsafeLogin.MatchString(text):
		return ClassConfig // NetEase wants an ID first
	case st.Kind == imap.BYE, transientText.MatchString(text):
		return ClassTransient
	case isLogin(st):
		return ClassAuth
	}
	return ClassRefused
}

func isLogin(st *imap.StatusError) bool {
	return strings.HasPrefix(st.Command, "LOGIN") || strings.HasPrefix(st.Command, "AUTHENTICATE")
}

// maxSuggestedDelay bounds what a server can make us wait.
const maxSuggestedDelay = time.Hour

// suggestedDelay reads "Suggested Backoff Time: 20000 milliseconds", which Microsoft 365 sends, and the like.
func suggestedDelay(text string) time.Duration {
	m := backoffText.FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(m[2])
	if err != nil {
		return 0
	}
	unit := time.Second
	switch u := strings.ToLower(m[3]); {
	case strings.HasPrefix(u, "ms"), strings.HasPrefix(u, "mil"), u == "" && strings.EqualFold(m[1], "suggested backoff time"):
		unit = time.Millisecond
	case strings.HasPrefix(u, "m"):
		unit = time.Minute
	case strings.HasPrefix(u, "h"):
		unit = time.Hour
	}
	if time.Duration(n) > maxSuggestedDelay/unit {
		return maxSuggestedDelay
	}
	return time.Duration(n) * unit
}

// SafeToRetry reports whether the command that failed with err has surely had no effect, since no
// byte of it was sent. Of an error that joins several it wants that of all of them.
func SafeToRetry(err error) bool {
	switch e := err.(type) {
	case nil:
		return false
	case unsent:
		return true
	case *callsError:
		if e.done {
			return false
		}
	}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		return SafeToRetry(e.Unwrap())
	case interface{ Unwrap() []error }:
		parts := e.Unwrap()
		return len(parts) > 0 && !slices.ContainsFunc(parts, func(p error) bool { return !SafeToRetry(p) })
	}
	return false
}
