package imapclient_test

import (
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imaptest"
)

func opportunistic() *imapclient.Options {
	return &imapclient.Options{Addr: "mail.example.org", Security: imapclient.InsecureOpportunisticTLS}
}

// A server without STARTTLS gets a session in cleartext, and the connection says so.
func TestOpportunisticTLSGoesOnInCleartext(t *testing.T) {
	for _, refusal := range []string{"BAD what?", "NO not today"} {
		t.Run(refusal, func(t *testing.T) {
			var h heard
			imaptest.Transcript(t, `
				S: * OK [ALERT] call 555
				C: {s} STARTTLS
				S: * OK [ALERT] call 556
				S: {s} `+refusal+`
				C: {c} CAPABILITY
				S: * CAPABILITY IMAP4rev1
				S: {c} OK done
				C: {l} LOGIN jo secret
				S: * OK welcome
				S: {l} OK [CAPABILITY IMAP4rev1] done
			`, func(t *testing.T, nc net.Conn) {
				o := opportunistic()
				o.Handler = h.handle
				c, err := imapclient.New(t.Context(), nc, o)
				if err != nil {
					t.Error(err)
					return
				}
				if c.Security() != imapclient.InsecurePlaintext || c.TLS() != nil {
					t.Errorf("the connection says that it is %v", c.Security())
				}
				if err := c.Login(t.Context(), "jo", "secret"); err != nil {
					t.Error(err)
				}
			})
			h.expect(t, "OK welcome")
		})
	}
}

// What is done to the part before TLS must not be believed in any mode, and must not lead to cleartext where that can
// be told from a server that has no TLS.
func TestOpportunisticTLSIsNotFooled(t *testing.T) {
	for _, tt := range []struct {
		name, script string
		security     bool // want a SecurityError
	}{
		{"PREAUTH", "S: * PREAUTH welcome\nC-close", true},
		{"offered and refused", "S: * OK [CAPABILITY IMAP4rev1 STARTTLS] hello\nC: {s} STARTTLS\nS: {s} NO not today\nC-close", true},
		{"capabilities behind OK", "S: * OK hello\nC: {s} STARTTLS\nS-raw: \"{s} OK go\\r\\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\\r\\n\"\nC-close", true},
		{"messages before the answer", "S: * OK hello\nC: {s} STARTTLS\nS: * 1 FETCH (FLAGS ())\nC-close", true},
		{"continuation instead of OK", "S: * OK hello\nC: {s} STARTTLS\nS: + go on\nC-close", true},
		{"BYE", "S: * OK hello\nC: {s} STARTTLS\nS: * BYE [UNAVAILABLE] later\nclose", false},
		{"closes", "S: * OK hello\nC: {s} STARTTLS\nclose", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, preauth := range []bool{false, true} {
				var h heard
				imaptest.Transcript(t, tt.script, func(t *testing.T, nc net.Conn) {
					o := opportunistic()
					o.Handler, o.AllowPreauth = h.handle, preauth
					_, err := imapclient.New(t.Context(), nc, o)
					if err == nil || errors.As(err, new(*imapclient.SecurityError)) != tt.security {
						t.Errorf("error %v, want a SecurityError: %v", err, tt.security)
					}
				})
				h.expect(t)
			}
		})
	}
}

func TestPreauthIsRefusedBeforeStartTLSWhateverIsAllowed(t *testing.T) {
	imaptest.Transcript(t, "S: * PREAUTH welcome\nC-close", func(t *testing.T, nc net.Conn) {
		o := &imapclient.Options{Addr: "mail.example.org", Security: imapclient.StartTLS, AllowPreauth: true}
		if _, err := imapclient.New(t.Context(), nc, o); !errors.As(err, new(*imapclient.SecurityError)) {
			t.Errorf("error %v", err)
		}
	})
}

// Whoever can write into a connection before TLS must not be able to end all further attempts.
func TestCodesBeforeTLSAreNotBelieved(t *testing.T) {
	for _, script := range []string{
		"S: * BYE [AUTHENTICATIONFAILED] no such user\nclose",
		"S: * OK hello\nC: {s} STARTTLS\nS: * BYE [AUTHENTICATIONFAILED] no such user\nclose",
	} {
		for _, security := range []imapclient.Security{imapclient.StartTLS, imapclient.InsecureOpportunisticTLS} {
			imaptest.Transcript(t, script, func(t *testing.T, nc net.Conn) {
				_, err := imapclient.New(t.Context(), nc, &imapclient.Options{Addr: "mail.example.org", Security: security})
				var bye *imap.StatusError
				if !errors.As(err, &bye) || imapclient.Classify(err).Class != imapclient.ClassTransient {
					t.Errorf("%v: error %v of class %v", security, err, imapclient.Classify(err).Class)
				}
			})
		}
	}
}

// A server that is busy is not one without TLS.
func TestByeToStartTLSIsNotARefusal(t *testing.T) {
	imaptest.Transcript(t, "S: * OK hello\nC: {s} STARTTLS\nS: * BYE [UNAVAILABLE] later\nclose", func(t *testing.T, nc net.Conn) {
		o := &imapclient.Options{Addr: "mail.example.org", Security: imapclient.StartTLS}
		_, err := imapclient.New(t.Context(), nc, o)
		var bye *imap.StatusError
		if !errors.As(err, &bye) || bye.Kind != imap.BYE || imapclient.Classify(err).Class != imapclient.ClassTransient {
			t.Errorf("error %v of class %v, want the BYE", err, imapclient.Classify(err).Class)
		}
	})
}

// A server that keeps talking does not get more time for its answer to STARTTLS.
func TestAnswerToStartTLSIsBounded(t *testing.T) {
	script := "S: * OK hello\nC: {s} STARTTLS\n" + strings.Repeat("wait 6s\nS: * OK soon\n", 3) + "wait 1500ms\nC-close"
	imaptest.Transcript(t, script, func(t *testing.T, nc net.Conn) {
		o := &imapclient.Options{Addr: "mail.example.org", Security: imapclient.StartTLS}
		_, err := imapclient.New(t.Context(), nc, o)
		var late *imapclient.TimeoutError
		if !errors.As(err, &late) || late.Op != "STARTTLS" {
			t.Errorf("error %v", err)
		}
	})
}

// All ways to a real server of ours, and what the connection says of itself.
func TestSecurityOfAConnection(t *testing.T) {
	for _, tt := range []struct {
		name   string
		server imaptest.ServerOptions
		asked  imapclient.Security
		want   imapclient.Security
	}{
		{"TLS", imaptest.ServerOptions{}, imapclient.ImplicitTLS, imapclient.ImplicitTLS},
		{"STARTTLS", imaptest.ServerOptions{StartTLS: true}, imapclient.StartTLS, imapclient.StartTLS},
		{"opportunistic, and the server can", imaptest.ServerOptions{StartTLS: true, LoginDisabled: true}, imapclient.InsecureOpportunisticTLS, imapclient.StartTLS},
		{"opportunistic, and the server cannot", imaptest.ServerOptions{Plain: true}, imapclient.InsecureOpportunisticTLS, imapclient.InsecurePlaintext},
		{"plaintext", imaptest.ServerOptions{Plain: true}, imapclient.InsecurePlaintext, imapclient.InsecurePlaintext},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := listening(t, &tt.server)
			c, err := imapclient.Dial(t.Context(), &imapclient.Options{Addr: s.Addr().String(), Security: tt.asked, TLSConfig: s.TLSConfig()})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if c.Security() != tt.want || (c.TLS() != nil) != (tt.want != imapclient.InsecurePlaintext) {
				t.Errorf("it says %v, want %v", c.Security(), tt.want)
			}
			if err := c.Login(t.Context(), "jo", "secret"); err != nil {
				t.Error(err)
			}
		})
	}
}

// Once the server agreed to TLS there is no way back: neither for a certificate that is not trusted nor for one who
// goes on in cleartext.
func TestOpportunisticTLSWantsTLSAfterOK(t *testing.T) {
	s := listening(t, &imaptest.ServerOptions{StartTLS: true})
	o := opportunistic()
	o.Addr = s.Addr().String()
	if _, err := imapclient.Dial(t.Context(), o); !errors.As(err, new(*imapclient.CertificateError)) {
		t.Errorf("with an unknown certificate: error %v", err)
	}
	ours, theirs := net.Pipe()
	go func() {
		defer theirs.Close()
		b := make([]byte, 4096)
		_, _ = theirs.Write([]byte("* OK hello\r\n"))
		n, _ := theirs.Read(b)
		tag, _, _ := strings.Cut(string(b[:n]), " ")
		_, _ = theirs.Write([]byte(tag + " OK go\r\n"))
		_, _ = theirs.Read(b)
		_, _ = theirs.Write([]byte("* OK hello again\r\n"))
	}()
	_, err := imapclient.New(t.Context(), ours, opportunistic())
	var dial *imapclient.DialError
	if !errors.As(err, &dial) || dial.Stage != "tls" || !strings.Contains(err.Error(), "IMAP without TLS") {
		t.Errorf("with a server that stays in cleartext: error %v", err)
	}
}

// listening starts a server with the user jo on a free port of this machine.
func listening(t *testing.T, o *imaptest.ServerOptions) *imaptest.Server {
	t.Helper()
	s := imaptest.NewServer(o)
	s.AddUser("jo", "secret")
	t.Cleanup(func() { s.Close() })
	if err := s.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	return s
}
