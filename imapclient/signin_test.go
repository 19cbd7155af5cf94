package imapclient_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapauth"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imaptest"
)

// hunter2 is the password and tok1 the first token of these tests; they must not show up anywhere.
const hunter2 = "hunter2!"

// tokens returns tok1, and tok2 and so on when forced, until it has given the last one.
func tokens(last int) imapauth.TokenSource {
	n := 1
	return imapauth.TokenFunc(func(_ context.Context, force bool) (string, error) {
		if force {
			if n++; n > last {
				return "", errors.New("the identity provider is down")
			}
		}
		return fmt.Sprintf("token-number-%d", n), nil
	})
}

// signIn plays a script against SignIn and returns what came of it. The trace, the error and what the
// handler got must not have the secrets.
func signIn(t *testing.T, script string, cred *imapauth.Credentials, o *imapclient.Options) (c *imapclient.Conn, result error) {
	t.Helper()
	var trace bytes.Buffer
	var heard []string
	imaptest.Transcript(t, script, func(t *testing.T, nc net.Conn) {
		if o == nil {
			o = plain()
		}
		o.Trace = &imapclient.Trace{W: &trace}
		o.Handler = func(r imap.Response) { heard = append(heard, fmt.Sprintf("%+v", r)) }
		if c, result = imapclient.New(t.Context(), nc, o); result == nil {
			result = c.SignIn(t.Context(), cred)
		}
	})
	for _, text := range append(heard, trace.String(), fmt.Sprintf("%v %+v %#v", result, result, result)) {
		noSecret(t, text)
	}
	return c, result
}

func noSecret(t *testing.T, text string) {
	t.Helper()
	for _, secret := range []string{hunter2, "unter2!", "token-number", base64.StdEncoding.EncodeToString([]byte(hunter2)), "AGpvAGh1bnRlcjIh", "AWF1dGg9QmVhcmVyIHRva2Vu"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q shows up:\n%s", secret, text)
		}
	}
}

func byPassword() *imapauth.Credentials {
	return &imapauth.Credentials{Username: "jo", Password: imapauth.NewSecret(hunter2), AllowCleartext: true}
}

func TestRefusedMechanismGivesWayToTheNext(t *testing.T) {
	const (
		greeting   = "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=CRAM-MD5 AUTH=PLAIN] hello\n"
		plainLogin = `
			C: {p} AUTHENTICATE PLAIN AGpvAGh1bnRlcjIh
			S: {p} OK [CAPABILITY IMAP4rev1] welcome`
		cram = `
			C: {a} AUTHENTICATE CRAM-MD5
			S: + PDE+
			C: am8gMmQ4MzkwOWMwNDQ2ODRmNDYyYjM5NTRmYjg2Y2FiY2Q=
			S: {a} `
	)
	for _, tt := range []struct {
		name, script string
		refusal      imapclient.Refusal
		ok           bool
	}{
		{"in words", "C: {a} AUTHENTICATE CRAM-MD5\nS: {a} NO Unsupported authentication mechanism" + plainLogin, 0, true},
		{"by code", "C: {a} AUTHENTICATE CRAM-MD5\nS: {a} NO [CANNOT] not today" + plainLogin, 0, true},
		{"as a bad command", "C: {a} AUTHENTICATE CRAM-MD5\nS: {a} BAD what?" + plainLogin, 0, true},
		{"before the server could know", "C: {a} AUTHENTICATE CRAM-MD5\nS: {a} NO [AUTHENTICATIONFAILED] no" + plainLogin, 0, true},
		{"in words, after the answer", cram + "NO mechanism not available for this user" + plainLogin, 0, true},
		{"wrong password", cram + "NO [AUTHENTICATIONFAILED] no such user", imapclient.RefusedCredentials, false},
		{"wrong password, without a code", cram + "NO go away", imapclient.RefusedCredentials, false},
		{"busy", "C: {a} AUTHENTICATE CRAM-MD5\nS: {a} NO [UNAVAILABLE] later", imapclient.RefusedForNow, false},
		{"both refused", "C: {a} AUTHENTICATE CRAM-MD5\nS: {a} NO not supported\nC: {p} AUTHENTICATE PLAIN AGpvAGh1bnRlcjIh\nS: {p} NO wrong", imapclient.RefusedCredentials, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cred := byPassword()
			cred.Mechanisms = []imapauth.Mechanism{imapauth.CRAMMD5, imapauth.PLAIN}
			_, err := signIn(t, greeting+tt.script, cred, nil)
			refused, typed := errors.AsType[*imapclient.AuthError](err)
			if (err == nil) != tt.ok || typed == tt.ok || typed && refused.Refusal != tt.refusal {
				t.Errorf("%v", err)
			}
			if tt.name == "both refused" && (len(refused.Before) != 1 || !strings.Contains(err.Error(), "not supported")) {
				t.Errorf("the error forgets what was tried before: %v", err)
			}
		})
	}
}

// A server that has no SCRAM keys of a user says NO before it has seen a proof. The rest of the family
// would fare no better, but comes before giving up.
func TestUserWithoutSCRAMKeys(t *testing.T) {
	const greeting = "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=SCRAM-SHA-256 AUTH=SCRAM-SHA-1 AUTH=PLAIN] hello\n"
	cred := byPassword()
	cred.Memory = &imapauth.Memory{}
	_, err := signIn(t, greeting+`
		C: {a} AUTHENTICATE SCRAM-SHA-256 {first}
		S: {a} NO [AUTHENTICATIONFAILED] Authentication failed.
		C: {b} AUTHENTICATE PLAIN AGpvAGh1bnRlcjIh
		S: {b} OK [CAPABILITY IMAP4rev1] welcome`, cred, nil)
	if err != nil {
		t.Error(err)
	}
	// The next time the server is not asked again, until it refuses that, too.
	_, err = signIn(t, greeting+`
		C: {b} AUTHENTICATE PLAIN AGpvAGh1bnRlcjIh
		S: {b} NO [AUTHENTICATIONFAILED] Authentication failed.`, cred, nil)
	if refused, ok := errors.AsType[*imapclient.AuthError](err); !ok || refused.Refusal != imapclient.RefusedCredentials {
		t.Error(err)
	}
	cred.AllowCleartext = false
	_, err = signIn(t, greeting+`
		C: {a} AUTHENTICATE SCRAM-SHA-256 {first}
		S: {a} NO [AUTHENTICATIONFAILED] Authentication failed.
		C: {b} AUTHENTICATE SCRAM-SHA-1 {again}
		S: {b} NO [AUTHENTICATIONFAILED] Authentication failed.`, cred, nil)
	if refused, ok := errors.AsType[*imapclient.AuthError](err); !ok || len(refused.Before) != 1 {
		t.Errorf("%v", err)
	}
}

func TestRefusals(t *testing.T) {
	for _, tt := range []struct {
		reply string
		want  imapclient.Refusal
		class imapclient.Class
	}{
		{"NO [AUTHENTICATIONFAILED] Authentication failed.", imapclient.RefusedCredentials, imapclient.ClassAuth},        // Dovecot
		{"NO Login failed.", imapclient.RefusedCredentials, imapclient.ClassAuth},                                        // Courier
		{"NO AUTHENTICATE failed.", imapclient.RefusedCredentials, imapclient.ClassAuth},                                 // Outlook
		{"NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)", imapclient.RefusedCredentials, imapclient.ClassAuth}, // Gmail
		{"NO [ALERT] Application-specific password required: https://support.google.com/accounts/answer/185833 (Failure)", imapclient.RefusedAppPassword, imapclient.ClassAuth},
		{"NO [AUTHENTICATIONFAILED] please use an app password", imapclient.RefusedAppPassword, imapclient.ClassAuth},
		{"NO [WEBALERT https://accounts.google.com/signin/continue?sarp=1] Web login required.", imapclient.RefusedWebLogin, imapclient.ClassAuth},
		{"NO [ALERT] Please log in via your web browser: https://support.google.com/mail/accounts/answer/78754 (Failure)", imapclient.RefusedWebLogin, imapclient.ClassAuth},
		{"NO [AUTHORIZATIONFAILED] not that mailbox", imapclient.RefusedIdentity, imapclient.ClassAuth},
		{"NO [EXPIRED] password is too old", imapclient.RefusedExpired, imapclient.ClassAuth},
		{"NO [PRIVACYREQUIRED] not here", imapclient.RefusedPrivacy, imapclient.ClassAuth},
		{"NO [CONTACTADMIN] your account is closed", imapclient.RefusedByAdmin, imapclient.ClassTransient},
		{"NO [UNAVAILABLE] Temporary authentication failure.", imapclient.RefusedForNow, imapclient.ClassTransient},
		{"NO [LIMIT] too many logins", imapclient.RefusedForNow, imapclient.ClassTooMany},
		{"NO Maximum number of connections from user+IP exceeded", imapclient.RefusedForNow, imapclient.ClassTooMany},
		{"NO [INUSE] try again", imapclient.RefusedForNow, imapclient.ClassTransient},
		{"NO [CANNOT] no", imapclient.RefusedMechanism, imapclient.ClassAuth},
		{"NO Unsupported authentication mechanism.", imapclient.RefusedMechanism, imapclient.ClassAuth},
		{"BAD Unknown command", imapclient.RefusedMechanism, imapclient.ClassAuth},
		{"BAD [AUTHENTICATIONFAILED] wrong", imapclient.RefusedCredentials, imapclient.ClassAuth},
	} {
		t.Run(tt.reply, func(t *testing.T) {
			cred := byPassword()
			cred.Mechanisms = []imapauth.Mechanism{imapauth.PLAIN}
			c, err := signIn(t, "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hello\nC: {a} AUTHENTICATE PLAIN AGpvAGh1bnRlcjIh\nS: {a} "+tt.reply, cred, nil)
			refused, ok := errors.AsType[*imapclient.AuthError](err)
			if !ok || refused.Refusal != tt.want || refused.Mechanism != imapauth.PLAIN || !errors.As(err, new(*imap.StatusError)) {
				t.Errorf("%v: %+v, want %v", err, refused, tt.want)
			}
			if v := imapclient.Classify(err); v.Class != tt.class {
				t.Errorf("class %v, want %v", v.Class, tt.class)
			}
			if imapclient.SafeToRetry(err) || c.Capabilities().Has(imap.CapSASLIR) == false {
				t.Errorf("after a refusal: safe to retry, or capabilities %v", c.Capabilities())
			}
		})
	}
}

func TestLoginCommandRefusals(t *testing.T) {
	cred := byPassword()
	_, err := signIn(t, `
		S: * OK [CAPABILITY IMAP4rev1] hello
		C: {a} LOGIN jo "hunter2!"
		S: {a} NO [AUTHENTICATIONFAILED] no`, cred, nil)
	if refused, ok := errors.AsType[*imapclient.AuthError](err); !ok || refused.Refusal != imapclient.RefusedCredentials || refused.Mechanism != imapauth.LoginCommand {
		t.Errorf("%v", err)
	}
	_, err = signIn(t, "S: * OK [CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=GSSAPI] hello", cred, nil)
	if !errors.As(err, new(*imapauth.NoMechanismError)) || !imapclient.SafeToRetry(err) {
		t.Errorf("%v", err)
	}
}

func TestNoSecretWithoutTLSUnlessAllowed(t *testing.T) {
	cred := byPassword()
	cred.AllowCleartext = false
	_, err := signIn(t, "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=LOGIN] hello", cred, nil)
	none, ok := errors.AsType[*imapauth.NoMechanismError](err)
	if !ok || len(none.Exposed) != 3 || !imapclient.SafeToRetry(err) || imapclient.Classify(err).Class != imapclient.ClassConfig {
		t.Errorf("%v", err)
	}
}

func TestMaskedMechanismsAreNotUsed(t *testing.T) {
	o := plain()
	o.MaskCapabilities = []imap.Capability{"AUTH=PLAIN"}
	_, err := signIn(t, `
		S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hello
		C: {a} LOGIN jo "hunter2!"
		S: {a} OK [CAPABILITY IMAP4rev1] welcome`, byPassword(), o)
	if err != nil {
		t.Error(err)
	}
}

const (
	// RFC 7628 section 4.3: {"status":"invalid_token","scope":"mail"}
	refusal = "eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIiwic2NvcGUiOiJtYWlsIn0="
	// n,a=jo,^Aauth=Bearer token-number-1^A^A and -2
	bearer1 = "bixhPWpvLAFhdXRoPUJlYXJlciB0b2tlbi1udW1iZXItMQEB"
	bearer2 = "bixhPWpvLAFhdXRoPUJlYXJlciB0b2tlbi1udW1iZXItMgEB"
	oauth   = "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=OAUTHBEARER AUTH=PLAIN] hello\nC: {a} AUTHENTICATE OAUTHBEARER " + bearer1 + "\n"
	no      = "S: + " + refusal + "\nC: AQ==\nS: {a} NO [AUTHENTICATIONFAILED] no\n"
	again   = "C: {b} AUTHENTICATE OAUTHBEARER " + bearer2 + "\n"
)

func TestRefusedTokenIsRenewedOnTheSameConnection(t *testing.T) {
	for _, tt := range []struct {
		name, script string
		source       imapauth.TokenSource
		check        func(error) bool
	}{
		{"taken at once", oauth + "S: {a} OK [CAPABILITY IMAP4rev1] welcome", tokens(9), func(err error) bool { return err == nil }},
		{"renewed", oauth + no + again + "S: {b} OK [CAPABILITY IMAP4rev1] welcome", tokens(9), func(err error) bool { return err == nil }},
		{"renewed without a reason", oauth + "S: {a} NO AUTHENTICATE failed.\n" + again + "S: {b} OK [CAPABILITY IMAP4rev1] welcome", tokens(9), func(err error) bool { return err == nil }},
		{"refused twice", oauth + no + again + "S: + " + refusal + "\nC: AQ==\nS: {b} NO [AUTHENTICATIONFAILED] no", tokens(9), func(err error) bool {
			why, ok := errors.AsType[*imapauth.OAuthError](err)
			return ok && why.Status == "invalid_token" && why.Scope == "mail" && imapclient.Classify(err).Class == imapclient.ClassAuth
		}},
		{"not renewable", oauth + no, imapauth.StaticToken(imapauth.NewSecret("token-number-1")), func(err error) bool {
			why, ok := errors.AsType[*imapauth.OAuthError](err)
			return ok && why.Status == "invalid_token" && imapclient.Classify(err).Class == imapclient.ClassAuth
		}},
		{"the same again", oauth + no, imapauth.TokenFunc(func(context.Context, bool) (string, error) { return "token-number-1", nil }), func(err error) bool {
			return errors.As(err, new(*imapauth.OAuthError))
		}},
		{"source is down", oauth + no, tokens(1), func(err error) bool {
			failed, ok := errors.AsType[*imapauth.TokenError](err)
			return ok && errors.As(failed.Refused, new(*imapauth.OAuthError)) && imapclient.Classify(err).Class == imapclient.ClassTransient
		}},
		{"server hangs up after the second", oauth + no + again + "S: * BYE enough\nclose", tokens(9), func(err error) bool {
			return err != nil && imapclient.Classify(err).Class == imapclient.ClassTransient
		}},
		{"server hangs up after the first", oauth + "S: + " + refusal + "\nC: AQ==\nS: * BYE enough\nclose", tokens(9), func(err error) bool {
			renewed, ok := errors.AsType[*imapclient.TokenRenewedError](err)
			return ok && errors.As(renewed.Refused, new(*imap.StatusError)) && errors.As(renewed.Refused, new(*imapauth.OAuthError)) && imapclient.Classify(err).Class == imapclient.ClassTransient
		}},
		{"server hangs up with a code", oauth + "S: * BYE [AUTHENTICATIONFAILED] enough\nclose", tokens(9), func(err error) bool {
			return errors.As(err, new(*imapclient.TokenRenewedError))
		}},
		{"server hangs up for another reason", oauth + "S: * BYE shutting down\nclose", tokens(9), func(err error) bool {
			return err != nil && !errors.As(err, new(*imapclient.TokenRenewedError))
		}},
		{"busy", oauth + "S: {a} NO [UNAVAILABLE] later", tokens(9), func(err error) bool {
			return imapclient.Classify(err).Class == imapclient.ClassTransient && !errors.As(err, new(*imapauth.TokenError))
		}},
		{"not the wrong way round", oauth + "S: + " + refusal + "\nC: AQ==\nS: {a} OK welcome", tokens(9), func(err error) bool {
			return errors.As(err, new(*imapauth.ExchangeError))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cred := byPassword()
			cred.Tokens = tt.source
			if _, err := signIn(t, tt.script, cred, nil); !tt.check(err) {
				t.Errorf("%T %v", err, err)
			}
		})
	}
}

// What a server can do in an exchange that is not an answer ends with a closed connection.
func TestServerIsNotBelievedWithoutTheExchange(t *testing.T) {
	for _, tt := range []struct {
		name, script string
		mechanism    imapauth.Mechanism
		want         string
	}{
		{"OK before the first challenge", "C: {a} AUTHENTICATE PLAIN\nS: {a} OK welcome\nC-close", imapauth.PLAIN, "asked for nothing"},
		{"OK before the password", "C: {a} AUTHENTICATE LOGIN\nS: + \nC: am8=\nS: {a} OK welcome\nC-close", imapauth.LOGIN, "before the exchange is complete"},
		{"OK before the answer", "C: {a} AUTHENTICATE CRAM-MD5\nS: {a} OK welcome\nC-close", imapauth.CRAMMD5, "before the exchange is complete"},
		{"OK before the proofs", "C: {a} AUTHENTICATE SCRAM-SHA-256\nS: + \nC: {first}\nS: {a} OK welcome\nC-close", imapauth.SCRAMSHA256, "has not proved"},
		{"OK after we gave up", "C: {a} AUTHENTICATE SCRAM-SHA-256\nS: + \nC: {first}\nS: + eD15\nC: *\nS: {a} OK welcome\nC-close", imapauth.SCRAMSHA256, "SCRAM-SHA-256: the server's first message"},
		{"challenges after we gave up", "C: {a} AUTHENTICATE SCRAM-SHA-256\nS: + \nC: {first}\nS: + eD15\nC: *\nS: + eD15\nC-close", imapauth.SCRAMSHA256, "SCRAM-SHA-256: the server's first message"},
		{"challenge that is not base64", "C: {a} AUTHENTICATE SCRAM-SHA-256\nS: + \nC: {first}\nS: + r=!\nC: *\nS: {a} BAD cancelled", imapauth.SCRAMSHA256, "not base64"},
		{"NO after we gave up", "C: {a} AUTHENTICATE SCRAM-SHA-256\nS: + \nC: {first}\nS: + eD15\nC: *\nS: {a} NO [AUTHENTICATIONFAILED] cancelled", imapauth.SCRAMSHA256, "SCRAM-SHA-256: the server's first message"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cred := byPassword()
			cred.Mechanisms = []imapauth.Mechanism{tt.mechanism}
			c, err := signIn(t, "S: * OK [CAPABILITY IMAP4rev1 AUTH="+string(tt.mechanism)+" AUTH=EXTERNAL] hello\n"+tt.script, cred, nil)
			if !errors.As(err, new(*imapauth.ExchangeError)) || !strings.Contains(err.Error(), tt.want) || imapclient.Classify(err).Class != imapclient.ClassConfig {
				t.Errorf("%v, want %q", err, tt.want)
			}
			if strings.HasSuffix(tt.script, "C-close") && !errors.As(c.Err(), new(*imapauth.ExchangeError)) && !strings.Contains(c.Err().Error(), "given up") {
				t.Errorf("the connection is %v", c.Err())
			}
			if c.State() == imapclient.StateAuthenticated {
				t.Error("we are logged in")
			}
		})
	}
}

func TestEchoedSecretsAreHidden(t *testing.T) {
	for _, tt := range []struct {
		name, script string
		mechanism    imapauth.Mechanism
		want         string // of the error: the rest of the text must stay
	}{
		{"LOGIN", "C: {a} LOGIN jo \"hunter2!\"\nS: {a} BAD unknown: LOGIN jo hunter2! (what?)", imapauth.LoginCommand, "unknown: LOGIN jo ******** (what?)"},
		{"untagged", "C: {a} LOGIN jo \"hunter2!\"\nS: * NO [ALERT] LOGIN jo hunter2!\nS: * WHAT hunter2!\nS: hunter2!\nS: {a} NO bad", imapauth.LoginCommand, "bad"},
		{"PLAIN", "C: {a} AUTHENTICATE PLAIN AGpvAGh1bnRlcjIh\nS: {a} BAD unknown: AUTHENTICATE PLAIN AGpvAGh1bnRlcjIh", imapauth.PLAIN, "unknown: AUTHENTICATE PLAIN ********"},
		{"PLAIN, decoded", "C: {a} AUTHENTICATE PLAIN AGpvAGh1bnRlcjIh\nS: {a} NO jo/hunter2!", imapauth.PLAIN, "jo/********"},
		{"PLAIN, cut off", "C: {a} AUTHENTICATE PLAIN AGpvAGh1bnRlcjIh\nS: {a} NO pvAGh1bnRlcjIh?", imapauth.PLAIN, "NO **************?"},
		{"LOGIN mechanism", "C: {a} AUTHENTICATE LOGIN\nS: + \nC: am8=\nS: + \nC: aHVudGVyMiE=\nS: {a} NO aHVudGVyMiE= is hunter2!", imapauth.LOGIN, "NO ************ is ********"},
		{"BYE", "C: {a} LOGIN jo \"hunter2!\"\nS: * BYE LOGIN jo hunter2! is wrong\nclose", imapauth.LoginCommand, "LOGIN jo ******** is wrong"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cred := byPassword()
			cred.Mechanisms = []imapauth.Mechanism{tt.mechanism}
			c, err := signIn(t, "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=LOGIN] hello\n"+tt.script, cred, nil)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
			noSecret(t, fmt.Sprint(c.Err()))
		})
	}
	cred := &imapauth.Credentials{Username: "jo", Tokens: imapauth.StaticToken(imapauth.NewSecret("token-number-1")), AllowCleartext: true}
	_, err := signIn(t, oauth+"S: {a} BAD "+bearer1+" token-number-1", cred, nil)
	if err == nil || !strings.HasSuffix(err.Error(), "BAD ************************************************ **************") {
		t.Error(err)
	}
}

// A password that is a word of the protocol must not break it.
func TestPasswordThatIsAWordOfIMAP(t *testing.T) {
	for _, word := range []string{"CAPABILITY", "IDLE", "AUTH", "hello", "IMAP4rev1"} {
		for _, answer := range []string{"S: * CAPABILITY IMAP4rev1 IDLE\nS: {a} OK hello", "S: {a} OK [CAPABILITY IMAP4rev1 IDLE] hello"} {
			cred := &imapauth.Credentials{Username: "jo", Password: imapauth.NewSecret(word), AllowCleartext: true}
			c, err := signIn(t, "S: * OK [CAPABILITY IMAP4rev1] hello\nC: {a} LOGIN jo "+word+"\n"+answer, cred, nil)
			if err != nil || !c.Capabilities().Has(imap.CapIdle) {
				t.Errorf("%s: %v, %v", word, err, c.Capabilities())
			}
		}
	}
}

func TestLongInitialResponseWaits(t *testing.T) {
	long := strings.Repeat("x", 8000)
	cred := &imapauth.Credentials{Username: "jo", Tokens: imapauth.StaticToken(imapauth.NewSecret(long)), AllowCleartext: true}
	_, err := signIn(t, `
		S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] hello
		C: {a} AUTHENTICATE XOAUTH2
		S: +
		C: `+base64.StdEncoding.EncodeToString([]byte("user=jo\x01auth=Bearer "+long+"\x01\x01"))+`
		S: {a} OK [CAPABILITY IMAP4rev1] welcome`, cred, nil)
	if err != nil {
		t.Error(err)
	}
}

// Whatever a login waits for, the end of its context closes the connection, with the cause.
func TestCancelledLoginClosesTheConnection(t *testing.T) {
	for _, tt := range []struct {
		name, script string
		mechanism    imapauth.Mechanism
	}{
		{"LOGIN command", "C: {a} LOGIN jo \"hunter2!\"", imapauth.LoginCommand},
		{"initial response", "C: {a} AUTHENTICATE PLAIN", imapauth.PLAIN},
		{"answer to PLAIN", "C: {a} AUTHENTICATE PLAIN\nS: + \nC: AGpvAGh1bnRlcjIh", imapauth.PLAIN},
		{"prompt", "C: {a} AUTHENTICATE LOGIN\nS: + \nC: am8=", imapauth.LOGIN},
		{"server's nonce", "C: {a} AUTHENTICATE SCRAM-SHA-256\nS: + \nC: {first}", imapauth.SCRAMSHA256},
		{"end of what we gave up", "C: {a} AUTHENTICATE SCRAM-SHA-256\nS: + \nC: {first}\nS: + eD15\nC: *", imapauth.SCRAMSHA256},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stop := errors.New("stop")
			imaptest.Transcript(t, "S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=LOGIN AUTH=SCRAM-SHA-256] hello\n"+tt.script+"\nwait 900ms\nC-close", func(t *testing.T, nc net.Conn) {
				c, err := imapclient.New(t.Context(), nc, plain())
				if err != nil {
					t.Error(err)
					return
				}
				ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, stop)
				defer cancel()
				cred := byPassword()
				cred.Mechanisms = []imapauth.Mechanism{tt.mechanism}
				err = c.SignIn(ctx, cred)
				broken := tt.name == "end of what we gave up"
				if !errors.Is(err, stop) && !broken || broken && !errors.As(err, new(*imapauth.ExchangeError)) {
					t.Errorf("%v", err)
				}
				if c.Err() == nil || c.State() != imapclient.StateClosed || !errors.Is(c.Err(), stop) && !broken {
					t.Errorf("the connection is %v", c.Err())
				}
			})
		})
	}
}

// A login that is not begun leaves the connection as it is.
func TestLoginThatIsNotSentLeavesTheConnection(t *testing.T) {
	imaptest.Transcript(t, `
		S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hello
		C: {a} LOGIN jo "hunter2!"
		S: {a} OK [CAPABILITY IMAP4rev1] welcome`, func(t *testing.T, nc net.Conn) {
		c, err := imapclient.New(t.Context(), nc, plain())
		if err != nil {
			t.Error(err)
			return
		}
		over, cancel := context.WithCancel(t.Context())
		cancel()
		if err := c.SignIn(over, byPassword()); !errors.Is(err, context.Canceled) || !imapclient.SafeToRetry(err) {
			t.Error(err)
		}
		if err := c.Login(over, "jo", hunter2); !errors.Is(err, context.Canceled) || !imapclient.SafeToRetry(err) {
			t.Error(err)
		}
		if err := c.Authenticate(t.Context(), imapauth.Plain("", "jo\x00", imapauth.NewSecret(hunter2))); err == nil || !imapclient.SafeToRetry(err) {
			t.Error(err)
		}
		if err := c.Login(t.Context(), "jo\x00", hunter2); err == nil || !imapclient.SafeToRetry(err) {
			t.Error(err)
		}
		if err := c.Login(t.Context(), "jo", hunter2); err != nil {
			t.Error(err)
		}
		if err := c.Login(t.Context(), "jo", hunter2); err == nil || !imapclient.SafeToRetry(err) {
			t.Errorf("logged in twice: %v", err)
		}
	})
}

// The scripts are the round trips: one "C:" each, from the greeting to the selected mailbox.
func TestRoundTripsToSelected(t *testing.T) {
	for _, tt := range []struct {
		name, script string
		mechanism    imapauth.Mechanism
	}{
		{"all volunteered: 2", `
			S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hello
			C: {a} AUTHENTICATE PLAIN AGpvAGh1bnRlcjIh
			S: * CAPABILITY IMAP4rev1 IDLE
			S: {a} OK welcome
			C: {b} SELECT INBOX
			S: {b} OK [READ-WRITE] done`, imapauth.PLAIN},
		{"all volunteered, LOGIN: 2", `
			S: * OK [CAPABILITY IMAP4rev1] hello
			C: {a} LOGIN jo "hunter2!"
			S: {a} OK [CAPABILITY IMAP4rev1 IDLE] welcome
			C: {b} SELECT INBOX
			S: {b} OK [READ-WRITE] done`, imapauth.LoginCommand},
		{"without SASL-IR: 3", `
			S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hello
			C: {a} AUTHENTICATE PLAIN
			S: +
			C: AGpvAGh1bnRlcjIh
			S: {a} OK [CAPABILITY IMAP4rev1] welcome
			C: {b} SELECT INBOX
			S: {b} OK [READ-WRITE] done`, imapauth.PLAIN},
		{"greeting alone volunteers: 3", `
			S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hello
			C: {a} AUTHENTICATE PLAIN AGpvAGh1bnRlcjIh
			S: {a} OK welcome
			C: {c} CAPABILITY
			S: * CAPABILITY IMAP4rev1
			S: {c} OK done
			C: {b} SELECT INBOX
			S: {b} OK [READ-WRITE] done`, imapauth.PLAIN},
		{"nothing volunteered: 4", `
			S: * OK hello
			C: {z} CAPABILITY
			S: * CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN
			S: {z} OK done
			C: {a} AUTHENTICATE PLAIN AGpvAGh1bnRlcjIh
			S: {a} OK welcome
			C: {c} CAPABILITY
			S: * CAPABILITY IMAP4rev1
			S: {c} OK done
			C: {b} SELECT INBOX
			S: {b} OK [READ-WRITE] done`, imapauth.PLAIN},
	} {
		t.Run(tt.name, func(t *testing.T) {
			imaptest.Transcript(t, tt.script, func(t *testing.T, nc net.Conn) {
				c, err := imapclient.New(t.Context(), nc, plain())
				if err == nil {
					cred := byPassword()
					cred.Mechanisms = []imapauth.Mechanism{tt.mechanism}
					err = c.SignIn(t.Context(), cred)
				}
				if err == nil {
					_, err = c.Select(t.Context(), "INBOX", nil)
				}
				if err != nil {
					t.Error(err)
				}
			})
		})
	}
}
