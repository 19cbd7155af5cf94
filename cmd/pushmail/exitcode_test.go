package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapauth"
	"github.com/pushmail/pushmail/imapclient"
	pushmail "github.com/pushmail/pushmail/internal/app"
	"github.com/pushmail/pushmail/watch"
)

func refusal(command string, kind imap.Kind, code imap.CodeName, text string) error {
	st := &imap.StatusError{Command: command, Status: imap.Status{Kind: kind, Text: text}}
	if code != "" {
		st.Code = &imap.Code{Name: code}
	}
	return st
}

// Each error has its exit code and says what to do, in one line.
func TestErrorsAreExplained(t *testing.T) {
	t.Parallel()
	url, err := imapclient.ParseURL("imaps://jo:hunter2@mail.example.org/INBOX")
	if err != nil {
		t.Fatal(err)
	}
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	for _, test := range []struct {
		err  error
		code int
		want string
	}{
		{nil, exitOK, ""},
		{errInterrupted, exitOK, ""},
		{errOutputClosed, exitOK, ""},
		{errors.New("strange\nthings\x1b[2J"), exitOther, "strange; things?[2J"},
		{usageError{errors.New("no")}, exitUsage, "no"},
		{refusal("LOGIN", imap.NO, imap.CodeAuthenticationFailed, "Authentication failed."), exitAuth, "refuses the user or the password (it said: Authentication failed)"},
		{refusal("AUTHENTICATE PLAIN", imap.NO, "", "Invalid credentials"), exitAuth, "app password"},
		{credentialsError{fs.ErrNotExist}, exitAuth, "not exist"},
		{&imapauth.NoMechanismError{Offered: []string{"GSSAPI"}, LoginDisabled: true}, exitAuth, "GSSAPI"},
		{refusal("LOGIN", imap.NO, imap.CodeUnavailable, "Too many connections"), exitConnect, "end other mail clients"},
		{refusal("greeting", imap.BYE, "", "Too many connections from your IP"), exitConnect, "end other mail clients"},
		{&imapclient.DialError{Addr: "h:993", Stage: "resolve", Hint: "check", Err: &net.DNSError{Err: "no such host", Name: "h"}}, exitConnect, "the host h cannot be found (no such host): check"},
		{&imapclient.DialError{Addr: "h:993", Stage: "connect", Err: refused}, exitConnect, "cannot connect to h:993 (connection refused): check"},
		{&imapclient.TimeoutError{Op: "connect", After: 1}, exitConnect, "no answer"},
		{&imapclient.GreetingError{Got: "SSH-2.0", Reason: "this is not an IMAP server"}, exitConnect, "not an IMAP server"},
		{context.DeadlineExceeded, exitConnect, "deadline"},
		{&imapclient.ClosedError{Cause: syscall.ECONNRESET}, exitConnect, "reset"},
		{&imapclient.DialError{Addr: "h:993", Stage: "tls", Err: errors.New("no TLS here")}, exitSecurity, "no TLS here"},
		{&imapclient.DialError{Addr: "h:993", Stage: "tls", Err: io.EOF}, exitConnect, "h:993 hung up before TLS was ready (EOF): check"},
		{&imapclient.DialError{Addr: "h:993", Stage: "tls", Err: &imapclient.TimeoutError{Op: "TLS handshake", After: time.Second}}, exitConnect, "TLS handshake: no answer for 1s"},
		{&imapclient.CertificateError{Addr: "h:993", Err: x509.UnknownAuthorityError{}}, exitSecurity, "--ca-file FILE"},
		{&imapclient.CertificateError{Addr: "h:993", Err: errors.New("expired"), Hint: "check the clock"}, exitSecurity, "check the clock"},
		{&imapclient.SecurityError{Reason: "PREAUTH before TLS"}, exitSecurity, "PREAUTH"},
		{&watch.MailboxError{Mailbox: "Nope\x1b", Err: refusal("EXAMINE", imap.NO, imap.CodeNonExistent, "No such mailbox")}, exitMailbox, `the mailbox "Nope?" cannot be opened (it said: No such mailbox): names are`},
		{&watch.CheckpointError{Key: watch.Key{Account: "jo", Mailbox: "INBOX"}, Path: "/x", Err: errors.New("damaged")}, exitState, "/x"},
		{&pushmail.StateError{Err: fs.ErrPermission}, exitState, "permission"},
	} {
		for _, err := range []error{test.err, fmt.Errorf("wrapped: %w", test.err), atURL(url, test.err)} {
			if test.err == nil {
				err = nil
			}
			if got := exitCode(err); got != test.code {
				t.Errorf("exit code of %v is %d, want %d", err, got, test.code)
			}
		}
		if test.code == exitOK {
			continue
		}
		got := explain(atURL(url, test.err))
		if !strings.Contains(got, test.want) || strings.ContainsAny(got, "\n\r\x1b") || strings.Contains(got, "hunter2") {
			t.Errorf("%v is explained as %q, want %q in it", test.err, got, test.want)
		}
	}
}

func TestHelpNamesAllExitCodes(t *testing.T) {
	t.Parallel()
	for code := exitOK; code <= exitProblems; code++ {
		if !strings.Contains(exitCodesHelp, fmt.Sprintf("\n  %d  ", code)) {
			t.Errorf("%d is not in the help", code)
		}
	}
}
