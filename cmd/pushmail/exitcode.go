package main

import (
	"context"
	"errors"
	"io"
	"syscall"

	"github.com/pushmail/pushmail/imapauth"
	"github.com/pushmail/pushmail/imapclient"
	pushmail "github.com/pushmail/pushmail/internal/app"
	"github.com/pushmail/pushmail/watch"
)

// Exit codes. They are a promise: see exitCodesHelp.
const (
	exitOK = iota
	exitOther
	exitUsage
	exitAuth
	exitConnect
	exitSecurity
	exitMailbox
	exitState
	exitProblems
)

const exitCodesHelp = `Exit codes of pushmail:

  0  it did what it was asked to, which includes being ended by Ctrl-C or SIGTERM
     and a reader of its output that has gone away (| head -1)
  1  anything that has no code of its own
  2  wrong usage: an unknown flag, a bad URL, no password given
  3  the server refuses the user or the password, or the password cannot be read
  4  no connection: unknown host, refused, no answer, not an IMAP server, too busy
  5  no secure connection: certificate not trusted, no TLS, cleartext refused
  6  the mailbox cannot be opened
  7  the checkpoint or the state directory cannot be used
  8  "pushmail doctor" or "pushmail status" has looked at everything and found a problem

Codes 3 to 6 are about the first connection. Once a mailbox was open, "pushmail watch"
mends the connection for ever and says so; with --keep-trying also before.

130 means that a second Ctrl-C ended it at once.`

// usageError says that the program was called in a way that cannot work.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// credentialsError says that there is no password to log in with.
type credentialsError struct{ error }

func (e credentialsError) Unwrap() error { return e.error }

// errOutputClosed says that whoever read our output has gone. It is a good end.
var errOutputClosed = errors.New("the reader of the output has gone")

// exitCode returns the exit code for the error that a command ended with.
func exitCode(err error) int {
	var (
		mailbox  *watch.MailboxError
		state    *watch.CheckpointError
		cert     *imapclient.CertificateError
		security *imapclient.SecurityError
	)
	switch {
	case err == nil, errors.Is(err, errInterrupted), errors.Is(err, errOutputClosed):
		return exitOK
	case errors.As(err, new(usageError)):
		return exitUsage
	case errors.As(err, new(credentialsError)), errors.As(err, new(*imapauth.NoMechanismError)):
		return exitAuth
	case errors.As(err, &mailbox):
		return exitMailbox
	case errors.Is(err, errProblems):
		return exitProblems
	case errors.As(err, &state), errors.As(err, new(*pushmail.StateError)):
		return exitState
	case errors.As(err, &cert), errors.As(err, &security):
		return exitSecurity
	}
	return connectionCode(err)
}

// connectionCode is for errors of a connection that could not be made or used.
func connectionCode(err error) int {
	var (
		dial  *imapclient.DialError
		greet *imapclient.GreetingError
		late  *imapclient.TimeoutError
	)
	switch {
	case errors.As(err, &greet), errors.As(err, &late), errors.Is(err, context.DeadlineExceeded), hungUp(err):
		return exitConnect
	case errors.As(err, &dial) && dial.Stage == "tls":
		return exitSecurity
	case errors.As(err, &dial):
		return exitConnect
	}
	switch imapclient.Classify(err).Class {
	case imapclient.ClassAuth:
		return exitAuth
	case imapclient.ClassTooMany, imapclient.ClassThrottled:
		return exitConnect
	case imapclient.ClassConfig:
		return exitSecurity
	}
	if errors.As(err, new(*imapclient.ClosedError)) {
		return exitConnect
	}
	return exitOther
}

// hungUp reports whether the other side has just closed the connection.
func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
