package imapclient_test

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imaptest"
)

// Attacks on STARTTLS (the NO STARTTLS study, USENIX Security 2021): whatever is done to the part before
// TLS, the client must not go on in cleartext, must not believe what it was told there, and must not
// send a password.
func TestStartTLSAttacks(t *testing.T) {
	for _, tt := range []struct{ name, script string }{
		{"O_2: refused with NO", "S: * OK hello\nC: {s} STARTTLS\nS: {s} NO not today\nC-close"},
		{"O_3: refused with BAD", "S: * OK hello\nC: {s} STARTTLS\nS: {s} BAD what?\nC-close"},
		{"O_1: not offered", "S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hello\nC: {s} STARTTLS\nS: {s} BAD what?\nC-close"},
		{"O_4: continuation instead of OK", "S: * OK hello\nC: {s} STARTTLS\nS: + go on\nC-close"},
		{"B_1: capabilities behind OK", "S: * OK hello\nC: {s} STARTTLS\nS-raw: \"{s} OK go\\r\\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\\r\\n\"\nC-close"},
		{"B: a tagged reply behind OK", "S: * OK hello\nC: {s} STARTTLS\nS-raw: \"{s} OK go\\r\\nP2 OK logged in\\r\\n\"\nC-close"},
		{"B_2: alert behind OK", "S: * OK hello\nC: {s} STARTTLS\nS-raw: \"{s} OK go\\r\\n* OK [ALERT] call 555\\r\\n\"\nC-close"},
		{"B_3: BYE behind OK", "S: * OK hello\nC: {s} STARTTLS\nS-raw: \"{s} OK go\\r\\n* BYE call 555\\r\\n\"\nC-close"},
		{"B: half a line behind OK", "S: * OK hello\nC: {s} STARTTLS\nS-raw: \"{s} OK go\\r\\n*\"\nC-close"},
		{"D: capabilities that are nonsense", "S: * OK [CAPABILITY ((( \\ ] hello\nC: {s} STARTTLS\nS: {s} NO\nC-close"},
		{"P: PREAUTH", "S: * PREAUTH welcome\nC-close"},
		{"untagged data before TLS", "S: * OK hello\nC: {s} STARTTLS\nS: * 1 EXISTS\nC-close"},
		{"mailbox list before TLS", "S: * OK hello\nC: {s} STARTTLS\nS: * LIST () \"/\" INBOX\nC-close"},
		{"messages before TLS", "S: * OK hello\nC: {s} STARTTLS\nS: * 1 FETCH (FLAGS ())\nC-close"},
		{"BYE", "S: * OK hello\nC: {s} STARTTLS\nS: * BYE go to http://evil.example\nclose"},
		{"L_1: referral", "S: * OK hello\nC: {s} STARTTLS\nS: {s} NO [REFERRAL imap://evil.example/] go there\nC-close"},
		{"closes", "S: * OK hello\nC: {s} STARTTLS\nclose"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var h heard
			imaptest.Transcript(t, tt.script, func(t *testing.T, nc net.Conn) {
				o := &imapclient.Options{Addr: "mail.example.org", Security: imapclient.StartTLS, Handler: h.handle}
				c, err := imapclient.New(t.Context(), nc, o)
				if err == nil {
					t.Errorf("connected, state %v", c.State())
				}
			})
			if len(h) > 0 {
				t.Errorf("the handler was given %q", h)
			}
		})
	}
}

func TestReferralIsNotFollowed(t *testing.T) {
	imaptest.Transcript(t, `
		S: * OK [CAPABILITY IMAP4rev1] hello
		C: {a} LOGIN jo secret
		S: {a} NO [REFERRAL imap://evil.example/] your mail is there
	`, func(t *testing.T, nc net.Conn) {
		c, err := imapclient.New(t.Context(), nc, plain())
		if err != nil {
			t.Error(err)
			return
		}
		err = c.Login(t.Context(), "jo", "secret")
		var no *imap.StatusError
		if !errors.As(err, &no) || no.Code.Name != imap.CodeReferral {
			t.Errorf("error %v", err)
		}
	})
}

// M_1, M_2: a referral in the answer to SELECT is the server's word and nothing more.
func TestMailboxReferralIsNotFollowed(t *testing.T) {
	session(t, `
		C: {s} EXAMINE Other
		S: {s} NO [REFERRAL imap://evil.example/Other] it is there
		C: {n} NOOP
		S: {n} OK done
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		_, err := c.Select(ctx, "Other", &imap.SelectOptions{ReadOnly: true})
		var no *imap.StatusError
		if !errors.As(err, &no) || no.Code == nil || no.Code.Name != imap.CodeReferral {
			t.Errorf("error %v", err)
		}
		if err := c.Noop(ctx); err != nil {
			t.Error(err)
		}
	})
}

// Strings and codes that do not end where they should cost their line, and tell lies to nobody.
func TestQuotedStringAndResponseCodeTricks(t *testing.T) {
	for _, line := range []string{
		`* LIST () "/" "unterminated`,
		`* LIST () "/" "ends in a backslash\`,
		`* LIST () "/" "a" "b" "c" {`,
		`* LIST () "/" {5`,
		`* OK [CAPABILITY IMAP4rev1 LOGINDISABLED`,
		`* OK [UIDVALIDITY 99999999999999999999] x`,
		`* OK [UIDNEXT -1] x`,
		`* OK [[[[[[[[ x`,
		`* OK ]]]]]]]] x`,
		`* OK [] x`,
		`* OK [PERMANENTFLAGS (\Seen] x`,
		`* OK [HIGHESTMODSEQ ] x`,
		`* OK [COPYUID 1 1:4294967295 1:4294967295] x`,
		`* OK [ALERT`,
		`* STATUS INBOX (MESSAGES`,
		`* STATUS "INBOX (MESSAGES 1)`,
		`* FLAGS (\Seen`,
		`* SEARCH 1 2 x`,
		`* ESEARCH (TAG "x`,
		`* 1 FETCH (UID 1 UID 2 UID 3`,
		`* 1 FETCH (BODY[HEADER.FIELDS (FROM] "x")`,
		`* VANISHED (EARLIER`,
		`* NAMESPACE ((("`,
		`* `,
		`*`,
		` `,
		`+`,
		`P`,
		`OK`,
	} {
		t.Run(line, func(t *testing.T) {
			session(t, "C: {n} NOOP\nS-raw: "+strconv.Quote(line+"\r\n")+"\nS: * 4 EXISTS\nS: {n} OK done\nC: {m} NOOP\nS: {m} OK done", nil,
				func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
					for range 2 {
						if err := c.Noop(ctx); err != nil {
							t.Error(err)
						}
					}
					if c.Capabilities().Has(imap.CapLoginDisabled) && !strings.Contains(line, "LOGINDISABLED") {
						t.Error("capabilities were made up")
					}
				})
		})
	}
}

// A tag that was not used, or was used before, ends no command.
func TestTagConfusion(t *testing.T) {
	session(t, `
		C: {n} NOOP
		S: {a} OK again
		S: {b} NO again
		S: P77 OK early
		S: * OK fine
		S: {n} OK done
		C: {m} NOOP
		S: {n} NO late
		S: {m} OK done
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		for range 2 {
			if err := c.Noop(ctx); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestResourceAttacks(t *testing.T) {
	for _, tt := range []struct {
		name, script string
		fatal        bool
	}{
		{"nesting bomb", `S-raw: "* 1 FETCH (BODYSTRUCTURE ` + strings.Repeat("(", 100_000) + `\r\n"`, false},
		{"nested list", `S-raw: "* LIST ` + strings.Repeat("(", 100_000) + strings.Repeat(")", 100_000) + ` \"/\" x\r\n"`, false},
		{"literal of 4 GB", `S-raw: "* 1 FETCH (ENVELOPE {4294967295}\r\n"`, true},
		{"literal of more than 64 bits", `S-raw: "* 1 FETCH (ENVELOPE {99999999999999999999}\r\n"`, true},
		{"UID set expansion", `S: * VANISHED 1:4294967295`, false},
		{"ESEARCH expansion", `S: * ESEARCH UID ALL 1:4294967295`, false},
		{"huge EXISTS", `S: * 4294967295 EXISTS`, false},
		{"number overflow", `S: * 99999999999999999999 EXISTS`, false},
		{"NUL bytes", `S-raw: "* OK \x00\x00\x00\r\n"`, false},
		{"terminal escape in an alert", `S-raw: "* OK [ALERT] \x1b[2J\x1b]0;pwned\x07\r\n"`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			script := "C: {n} NOOP\n" + tt.script + "\nS: {n} OK done"
			if tt.fatal {
				script = "C: {n} NOOP\n" + tt.script + "\nC-close"
			}
			session(t, script, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
				err := c.Noop(ctx)
				if tt.fatal != (err != nil) {
					t.Errorf("error %v", err)
				}
				if tt.fatal && !errors.Is(err, net.ErrClosed) {
					t.Errorf("error %v does not say that the connection is closed", err)
				}
			})
		})
	}
}

// No argument of a command can end its line and start another one.
func TestCommandInjection(t *testing.T) {
	session(t, "", nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		evil := "x\r\nP9 DELETE INBOX\r\n"
		if _, err := c.Enable(ctx, imap.Capability(evil)); err == nil || !imapclient.SafeToRetry(err) {
			t.Errorf("ENABLE: %v", err)
		}
		o := &imap.StoreOptions{Mode: imap.StoreAdd, Flags: []imap.Flag{imap.Flag(evil)}}
		if _, err := c.Store(ctx, imap.UIDs(1), o); err == nil || !imapclient.SafeToRetry(err) {
			t.Errorf("STORE: %v", err)
		}
		if _, err := c.Search(ctx, imap.Header(evil+"\x00", "x")); err == nil || !imapclient.SafeToRetry(err) {
			t.Errorf("SEARCH: %v", err)
		}
		if _, err := c.Status(ctx, "x\x00", imap.StatusMessages); err == nil || !imapclient.SafeToRetry(err) {
			t.Errorf("STATUS: %v", err)
		}
	})
}

// What the server offers is asked for again after TLS: here it forbids LOGIN before and allows it after.
func TestCapabilitiesFromBeforeTLSAreForgotten(t *testing.T) {
	s := imaptest.NewServer(&imaptest.ServerOptions{StartTLS: true, LoginDisabled: true})
	s.AddUser("jo", "secret")
	if err := s.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	o := &imapclient.Options{Addr: s.Addr().String(), Security: imapclient.StartTLS, TLSConfig: s.TLSConfig()}
	c, err := imapclient.Dial(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.TLS() == nil || len(c.Capabilities()) > 0 {
		t.Errorf("after STARTTLS: TLS %v, capabilities %v", c.TLS() != nil, c.Capabilities())
	}
	if err := c.Login(t.Context(), "jo", "secret"); err != nil {
		t.Error(err)
	}
	o.Security = imapclient.InsecurePlaintext
	p, err := imapclient.Dial(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.Login(t.Context(), "jo", "secret"); !errors.Is(err, imapclient.ErrLoginDisabled) {
		t.Errorf("in cleartext: %v", err)
	}
}
