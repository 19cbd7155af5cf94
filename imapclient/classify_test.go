package imapclient_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imapwire"
)

// What servers say when they refuse. Words in capitals ahead of it: the command.
var refusals = map[string][]struct {
	line  string
	class imapclient.Class
	delay time.Duration
}{
	"Gmail": {
		{"AUTHENTICATE NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)", imapclient.ClassAuth, 0},
		{"LOGIN NO [ALERT] Application-specific password required: https://support.google.com/accounts/answer/185833 (Failure)", imapclient.ClassAuth, 0},
		{"LOGIN NO [WEBALERT https://accounts.google.com/signin/continue?sarp=1] Web login required.", imapclient.ClassAuth, 0},
		{"LOGIN NO [ALERT] Please log in via your web browser: https://support.google.com/mail/accounts/answer/78754 (Failure)", imapclient.ClassAuth, 0},
		{"LOGIN NO [ALERT] Your account is not enabled for IMAP use. Please visit your Gmail settings page and enable your account for IMAP access. (Failure)", imapclient.ClassAuth, 0},
		{"LOGIN NO [ALERT] IMAP access is disabled for your domain. Please contact your domain administrator for questions about this feature. (Failure)", imapclient.ClassAuth, 0},
		{"LOGIN NO [ALERT] Too many simultaneous connections. (Failure)", imapclient.ClassTooMany, 0},
		{"LOGIN NO [ALERT] Account exceeded command or bandwidth limits. (Failure)", imapclient.ClassThrottled, 0},
		{"LOGIN NO [UNAVAILABLE] Temporary System Error (Failure)", imapclient.ClassTransient, 0},
		{"LOGIN NO System Error (Failure)", imapclient.ClassTransient, 0},
		{"SELECT NO System Error (Failure)", imapclient.ClassTransient, 0},
		{"SELECT NO [NONEXISTENT] Unknown Mailbox: x (now in authenticated state) (Failure)", imapclient.ClassRefused, 0},
		{"CREATE NO [ALREADYEXISTS] Duplicate folder name x (Failure)", imapclient.ClassRefused, 0},
		{"FETCH BAD Could not parse command", imapclient.ClassRefused, 0},
		{" BYE Session expired, please login again.", imapclient.ClassTransient, 0},
		{" BYE System error", imapclient.ClassTransient, 0},
	},
	"Exchange, Outlook": {
		{"AUTHENTICATE NO AUTHENTICATE failed.", imapclient.ClassAuth, 0},
		{"LOGIN NO LOGIN failed.", imapclient.ClassAuth, 0},
		{"SELECT BAD User is authenticated but not connected.", imapclient.ClassTransient, 0},
		{"FETCH BAD Request is throttled. Suggested Backoff Time: 34979 milliseconds", imapclient.ClassThrottled, 34979 * time.Millisecond},
		{"LOGIN BAD Request is throttled. Suggested Backoff Time: 30 seconds", imapclient.ClassThrottled, 30 * time.Second},
		{"FETCH BAD Request is throttled. Suggested Backoff Time: 999999999 milliseconds", imapclient.ClassThrottled, time.Hour},
		{"LOGIN NO Server Unavailable. 15", imapclient.ClassTransient, 0},
		{" BYE Connection is closed. 13", imapclient.ClassTransient, 0},
		{" BYE Session invalidated - AccessTokenExpired", imapclient.ClassTransient, 0},
		{" BYE Server shutting down.", imapclient.ClassTransient, 0},
		{"FETCH BAD Command Argument Error. 11", imapclient.ClassRefused, 0},
		{"SELECT NO INBOX doesn't exist.", imapclient.ClassRefused, 0},
	},
	"Yahoo": {
		{"LOGIN NO [AUTHENTICATIONFAILED] LOGIN Invalid credentials", imapclient.ClassAuth, 0},
		{"LOGIN NO [AUTHENTICATIONFAILED] (#MBR1212) Incorrect username or password.", imapclient.ClassAuth, 0},
		{"LOGIN NO [LIMIT] LOGIN Rate limit hit.", imapclient.ClassThrottled, 0},
		{"SELECT NO [LIMIT] SELECT Rate limit hit.", imapclient.ClassThrottled, 0},
		{"LOGIN NO [UNAVAILABLE] LOGIN Server error - Please try again later.", imapclient.ClassTransient, 0},
		{"SELECT NO [INUSE] SELECT Mailbox in use", imapclient.ClassTransient, 0},
	},
	"iCloud": {
		{"AUTHENTICATE NO [AUTHENTICATIONFAILED] Authentication failed", imapclient.ClassAuth, 0},
		{"LOGIN NO [UNAVAILABLE] Service temporarily unavailable", imapclient.ClassTransient, 0},
	},
	"Yandex": {
		{"LOGIN NO [AUTHENTICATIONFAILED] LOGIN invalid credentials or IMAP is disabled sc=abc", imapclient.ClassAuth, 0},
		{"LOGIN NO [UNAVAILABLE] LOGIN internal server error sc=abc", imapclient.ClassTransient, 0},
		{" BYE Autologout; idle for too long", imapclient.ClassTransient, 0},
	},
	"Zoho": {
		{"LOGIN NO [ALERT] You are yet to enable IMAP for your account. Please contact your administrator (Failure)", imapclient.ClassAuth, 0},
		{"LOGIN NO [AUTHENTICATIONFAILED] Invalid credentials(Failure)", imapclient.ClassAuth, 0},
		{"LOGIN NO [ALERT] Too many simultaneous connections (Failure)", imapclient.ClassTooMany, 0},
	},
	"NetEase (163.com)": {
		{"SELECT NO SELECT Unsafe Login. Please contact kefu@188.com for help", imapclient.ClassConfig, 0},
		{"LOGIN NO LOGIN Login error or password error", imapclient.ClassAuth, 0},
	},
	"QQ": {
		{"LOGIN NO Login fail. Account is abnormal, service is not open, password is incorrect, login frequency limited, or system is busy. More information at https://service.mail.qq.com/", imapclient.ClassTransient, 0},
	},
	"GMX, web.de": {
		{"LOGIN NO authentication failed", imapclient.ClassAuth, 0},
		{" BYE Server Unavailable", imapclient.ClassTransient, 0},
	},
	"Mail.ru": {
		{"LOGIN NO [AUTHENTICATIONFAILED] NEOBHODIM parol prilozheniya / Application password is REQUIRED", imapclient.ClassAuth, 0},
	},
	"Fastmail": {
		{"LOGIN NO [AUTHENTICATIONFAILED] Incorrect username, password or access token", imapclient.ClassAuth, 0},
	},
	"Proton Bridge": {
		{"LOGIN NO too many login attempts, please wait 10 seconds", imapclient.ClassThrottled, 10 * time.Second},
	},
	"Dovecot": {
		{"LOGIN NO [AUTHENTICATIONFAILED] Authentication failed.", imapclient.ClassAuth, 0},
		{"LOGIN NO [UNAVAILABLE] Temporary authentication failure. [mail:2026-11-22 10:00:00]", imapclient.ClassTransient, 0},
		{"LOGIN NO [LIMIT] Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)", imapclient.ClassTooMany, 0},
		{"LOGIN NO [ALERT] Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)", imapclient.ClassTooMany, 0},
		{" BYE [UNAVAILABLE] Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)", imapclient.ClassTooMany, 0},
		{"LOGIN NO [PRIVACYREQUIRED] Plaintext authentication disallowed on non-secure (SSL/TLS) connections.", imapclient.ClassAuth, 0},
		{"SELECT NO [SERVERBUG] Internal error occurred. Refer to server log for more information. [2026-11-22 10:00:00]", imapclient.ClassTransient, 0},
		{"APPEND NO [INUSE] Timeout while waiting for lock", imapclient.ClassTransient, 0},
		{"APPEND NO [OVERQUOTA] Quota exceeded (mailbox for user is full)", imapclient.ClassRefused, 0},
		{"APPEND NO [TRYCREATE] Mailbox doesn't exist: x", imapclient.ClassRefused, 0},
		{"SELECT NO [NOPERM] Permission denied", imapclient.ClassRefused, 0},
		{"STORE NO [LIMIT] Too many keywords", imapclient.ClassRefused, 0},
		{" BYE Disconnected for inactivity.", imapclient.ClassTransient, 0},
		{" BYE Too many invalid IMAP commands.", imapclient.ClassThrottled, 0},
	},
	"Cyrus": {
		{"LOGIN NO Login failed: authentication failure", imapclient.ClassAuth, 0},
		{"LOGIN NO Login failed: user not found", imapclient.ClassAuth, 0},
		{"LOGIN NO Too many open connections for this user", imapclient.ClassTooMany, 0},
		{"SELECT NO Mailbox does not exist", imapclient.ClassRefused, 0},
		{"SELECT NO System I/O error", imapclient.ClassTransient, 0},
		{" BYE Fatal error: word too long", imapclient.ClassTransient, 0},
	},
	"Courier": {
		{"LOGIN NO Login failed.", imapclient.ClassAuth, 0},
		{"LOGIN NO Temporary problem, please try again later", imapclient.ClassTransient, 0},
		{" BYE Maximum connection limit reached for 192.0.2.1", imapclient.ClassTooMany, 0},
		{"SELECT NO Unable to open this mailbox.", imapclient.ClassRefused, 0},
	},
	"others": {
		{"LOGIN NO Invalid user name or password, try again", imapclient.ClassAuth, 0},
		{"LOGIN NO Please wait 5 minutes", imapclient.ClassThrottled, 5 * time.Minute},
		{"LOGIN NO Too many failed login attempts. Retry after: 90", imapclient.ClassThrottled, 90 * time.Second},
		{"LOGIN NO try again in 2h", imapclient.ClassThrottled, time.Hour},
		{"SELECT NO [THROTTLED] slowly", imapclient.ClassThrottled, 0},
	},
}

func TestRefusalsOfRealServers(t *testing.T) {
	for server, rows := range refusals {
		for _, row := range rows {
			verb, line, _ := strings.Cut(row.line, " ")
			r, err := imapwire.Decode("* "+line, nil)
			st, ok := r.(*imap.Status)
			if err != nil || !ok {
				t.Fatalf("%s: %q: %v", server, line, err)
			}
			for _, err := range []error{
				&imap.StatusError{Command: verb, Status: *st},
				fmt.Errorf("in passing: %w", &imapclient.ClosedError{Cause: &imap.StatusError{Command: verb, Status: *st}}),
			} {
				got := imapclient.Classify(err)
				if got.Class != row.class || got.Delay != row.delay {
					t.Errorf("%s: %s\n got %v, %v\nwant %v, %v", server, row.line, got.Class, got.Delay, row.class, row.delay)
				}
			}
		}
	}
}

func TestClassesOfOtherErrors(t *testing.T) {
	for _, tt := range []struct {
		err   error
		class imapclient.Class
	}{
		{nil, imapclient.ClassTransient},
		{&imapclient.ClosedError{Cause: net.ErrClosed}, imapclient.ClassTransient},
		{&imapclient.TimeoutError{Op: "NOOP"}, imapclient.ClassTransient},
		{&imapclient.UnsupportedError{Capability: imap.CapNotify}, imapclient.ClassRefused},
		{&imapclient.PipelineError{Command: "SELECT"}, imapclient.ClassRefused},
		{&imapwire.ArgumentError{Command: "FETCH"}, imapclient.ClassRefused},
		{imapclient.ErrNotSelected, imapclient.ClassRefused},
		{imapclient.ErrNotNotified, imapclient.ClassRefused},
		{&imapclient.PartialError{Err: &imap.StatusError{Status: imap.Status{Kind: imap.NO, Text: "rate limit"}}}, imapclient.ClassThrottled},
		{&imapclient.ClosedError{Cause: &imapwire.LimitError{}}, imapclient.ClassProtocol},
		{&imapclient.SecurityError{}, imapclient.ClassConfig},
		{&imapclient.ClosedError{Cause: context.Canceled}, imapclient.ClassCancelled},
		{&imapclient.ClosedError{Cause: imapclient.ErrLoggedOut}, imapclient.ClassCancelled},
	} {
		if got := imapclient.Classify(tt.err).Class; got != tt.class {
			t.Errorf("%T %v: %v, want %v", tt.err, tt.err, got, tt.class)
		}
	}
}

func TestOnlyWhatWasNotSentIsSafeToRetry(t *testing.T) {
	session(t, `
		C: {a} NOOP
		S: {a} NO no
		C: {b} NOOP
		S: {b} NO no
		C: {c} NOOP
		S: {c} OK fine
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		over, cancel := context.WithCancel(ctx)
		cancel()
		sent, unsent := c.Noop(ctx), c.Noop(over)
		closeEarly := func(ctx context.Context, c *imapclient.Conn) error { return c.Unselect(ctx) } // CLOSE or UNSELECT
		for _, tt := range []struct {
			name string
			err  error
			want bool
		}{
			{"nil", nil, false},
			{"NO", sent, false},
			{"a context that had ended", unsent, true},
			{"and wrapped", fmt.Errorf("x: %w", unsent), true},
			{"both", errors.Join(sent, unsent), false},
			{"two that were not sent", errors.Join(unsent, unsent), true},
			{"a pipeline of which some was sent", c.Pipeline(ctx, noop, closeEarly), false},
			{"a pipeline of which some went well", c.Pipeline(ctx, noop, closeEarly), false},
			{"a pipeline of which nothing was sent", c.Pipeline(ctx, closeEarly, closeEarly), true},
			{"an argument that cannot be sent", c.Notify(ctx, nil), true},
		} {
			if got := imapclient.SafeToRetry(tt.err); got != tt.want {
				t.Errorf("%s: %v, want %v (%v)", tt.name, got, tt.want, tt.err)
			}
		}
	})
}
