package imapclient

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/pushmail/pushmail/imap"
)

// ErrNotAuthenticated says that a command needs a login first. Nothing was sent.
var ErrNotAuthenticated = errors.New("not authenticated: log in first")

// ErrNotSelected says that a command needs a selected mailbox. Nothing was sent.
var ErrNotSelected = errors.New("no mailbox selected: SELECT or EXAMINE one first")

// ErrLoggedOut is the cause of a connection that was closed by [Conn.Logout] or [Conn.Close].
var ErrLoggedOut = errors.New("closed by this side")

// ClosedError is returned by every call on a connection that is closed. It unwraps to net.ErrClosed
// and to what ended the connection.
type ClosedError struct{ Cause error }

func (e *ClosedError) Error() string   { return "connection closed: " + e.Cause.Error() }
func (e *ClosedError) Unwrap() []error { return []error{net.ErrClosed, e.Cause} }

// UnsupportedError says that the server does not offer an extension. Nothing was sent.
type UnsupportedError struct{ Capability imap.Capability }

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("the server does not offer %s", e.Capability)
}

// TimeoutError says that the peer was silent for too long. The connection is closed.
type TimeoutError struct {
	Op    string // what was waited for
	After time.Duration
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("%s: no answer for %v", e.Op, e.After)
}

// Timeout reports true, as net.Error wants it.
func (e *TimeoutError) Timeout() bool { return true }

// Temporary reports true: another connection may fare better.
func (e *TimeoutError) Temporary() bool { return true }

// GreetingError says that the peer does not greet like an IMAP server (RFC 9051 section 7.1), or
// that it greeted in a way that must not be trusted.
type GreetingError struct {
	Got    string // what it sent, printable and cut
	Reason string
	Err    error // a *TimeoutError, or nil
}

func (e *GreetingError) Error() string {
	if e.Got == "" {
		return e.Reason
	}
	return fmt.Sprintf("%s (it said %q)", e.Reason, e.Got)
}
func (e *GreetingError) Unwrap() error { return e.Err }

// SecurityError says that going on would break what the caller was promised: a cleartext connection
// where TLS was asked for, or data that was injected before TLS began. The connection is closed.
type SecurityError struct{ Reason string }

func (e *SecurityError) Error() string { return e.Reason }

// ResultsOverrunError ends a [Conn.Fetch] whose rows were not taken while other commands ran on the
// same connection. Fetch again what is missing.
type ResultsOverrunError struct{ Rows int }

func (e *ResultsOverrunError) Error() string {
	return fmt.Sprintf("more than %d rows were waiting to be taken while other commands ran", e.Rows)
}

// unsent marks an error of a command of which no byte was sent.
type unsent struct{ error }

func (e unsent) Unwrap() error { return e.error }

// notSent wraps err so that [SafeToRetry] knows that nothing was sent.
func notSent(err error) error {
	if err == nil {
		return nil
	}
	return unsent{err}
}
