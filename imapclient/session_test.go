package imapclient_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapauth"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/imapwire"
)

func TestEnable(t *testing.T) {
	for _, tt := range []struct {
		name, script string
		ask          imap.Capabilities
		want         string
	}{
		{"all", `
			C: {a} ENABLE CONDSTORE UTF8=ACCEPT
			S: * ENABLED CONDSTORE UTF8=ACCEPT
			S: {a} OK done
		`, imap.Capabilities{imap.CapCondStore, imap.CapUTF8Accept}, "CONDSTORE UTF8=ACCEPT"},
		{"some, in two responses", `
			C: {a} ENABLE CONDSTORE X-NEW UTF8=ACCEPT
			S: * ENABLED CONDSTORE
			S: * ENABLED UTF8=ACCEPT
			S: {a} OK done
		`, imap.Capabilities{imap.CapCondStore, "X-NEW", imap.CapUTF8Accept}, "CONDSTORE UTF8=ACCEPT"},
		{"none", `
			C: {a} ENABLE X-NEW
			S: * ENABLED
			S: {a} OK done
		`, imap.Capabilities{"X-NEW"}, ""},
		{"iCloud does not say", `
			C: {a} ENABLE CONDSTORE X-NEW
			S: {a} OK done
		`, imap.Capabilities{imap.CapCondStore, "X-NEW"}, "CONDSTORE"},
		{"refused", `
			C: {a} ENABLE CONDSTORE
			S: * ENABLED CONDSTORE
			S: {a} NO not now
		`, imap.Capabilities{imap.CapCondStore}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			preauth(t, "ENABLE CONDSTORE UTF8=ACCEPT", tt.script, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
				got, err := c.Enable(ctx, tt.ask...)
				if (err != nil) != (tt.name == "refused") || c.Enabled().String() != tt.want || err == nil && got.String() != tt.want {
					t.Errorf("got %v, enabled %v, %v, want %s", got, c.Enabled(), err, tt.want)
				}
			})
		})
	}
}

// RFC 6855 section 3: from the answer on, names are UTF-8. The answer counts also when nobody waits for it.
func TestEnableTakesEffectWithItsAnswer(t *testing.T) {
	var h []string
	o := plain()
	o.Handler = func(r imap.Response) {
		if l, ok := r.(*imap.List); ok {
			h = append(h, l.Mailbox)
		}
	}
	preauth(t, "ENABLE UTF8=ACCEPT", `
		C: {a} ENABLE UTF8=ACCEPT
		wait 2m
		S: * LIST () "/" "Entw&APw-rfe"
		S: * ENABLED UTF8=ACCEPT
		S: {a} OK done
		S: * LIST () "/" "Entwürfe"
		C: {b} CREATE "Entwürfe"
		S: {b} OK done
	`, o, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		ectx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		if _, err := c.Enable(ectx, imap.CapUTF8Accept); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if _, err := c.Create(ctx, "Entwürfe"); err != nil {
			t.Error(err)
		}
		if fmt.Sprint(h) != "[Entwürfe Entwürfe]" || !c.Enabled().Has(imap.CapUTF8Accept) {
			t.Errorf("names %q, enabled %v", h, c.Enabled())
		}
	})
}

// RFC 9586: after ENABLE UIDONLY the server refuses sequence numbers, and so do we.
func TestUIDOnly(t *testing.T) {
	var h heard
	o := plain()
	o.Handler = h.handle
	preauth(t, "ENABLE UIDONLY OBJECTID", `
		C: {a} ENABLE UIDONLY
		S: * ENABLED UIDONLY
		S: {a} OK done
		C: {b} SELECT INBOX
		S: * 3 EXISTS
		S: {b} OK done
		C: {c} UID FETCH 5,7 (UID RFC822.SIZE EMAILID)
		S: * 5 UIDFETCH (RFC822.SIZE 10)
		S: * 7 UIDFETCH (RFC822.SIZE 11)
		S: * 7 UIDFETCH (EMAILID (Mb))
		S: * 5 UIDFETCH (EMAILID (Ma))
		S: * 9 UIDFETCH (FLAGS (\Draft))
		S: * VANISHED 9
		S: {c} OK done
	`, o, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		if _, err := c.Enable(ctx, imap.CapUIDOnly); err != nil {
			t.Error(err)
		}
		if _, err := c.Select(ctx, "INBOX", nil); err != nil {
			t.Error(err)
		}
		for _, err := range c.Fetch(ctx, imap.SeqSet{{First: 1, Last: 1}}, &imap.FetchOptions{Items: imap.ItemFlags}) {
			if !errors.As(err, new(*imapwire.ArgumentError)) || !imapclient.SafeToRetry(err) {
				t.Errorf("by sequence number: %v", err)
			}
		}
		var got []string
		for m, err := range c.Fetch(ctx, imap.UIDs(5, 7), &imap.FetchOptions{Items: imap.ItemSize | imap.ItemEmailID}) {
			if err != nil {
				t.Error(err)
				break
			}
			got = append(got, fmt.Sprintf("%d %d %s", m.UID, m.Size, m.More.EmailID))
		}
		if fmt.Sprint(got) != "[7 11 Mb 5 10 Ma]" {
			t.Errorf("got %v", got)
		}
		h.expect(t, `message 0 [\Draft]`, "*imap.Vanished &{false 9}")
	})
}

// RFC 9585: a server that says how far it is, is at work, however long it takes.
func TestProgressIsASignOfLife(t *testing.T) {
	var got []imapclient.Progress
	o := plain()
	o.Progress = func(p imapclient.Progress) { got = append(got, p) }
	preauth(t, "INPROGRESS", `
		C: {a} NOOP
		wait 1m50s
		S: * OK [INPROGRESS ("{a}" 175 1000)] working
		wait 1m50s
		S: * OK [INPROGRESS ("{a}" 400 NIL)] still working
		wait 1m50s
		S: * OK [INPROGRESS] still working
		wait 1m50s
		S: {a} OK done
	`, o, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		if err := c.Noop(ctx); err != nil {
			t.Error(err)
		}
		want := []imapclient.Progress{{"NOOP", 175, 1000}, {"NOOP", 400, 0}, {}}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestLanguage(t *testing.T) {
	preauth(t, "LANGUAGE I18NLEVEL=2 JMAPACCESS", `
		C: {a} LANGUAGE
		S: * LANGUAGE (EN DE IT i-default)
		S: {a} OK done
		C: {b} LANGUAGE de-AT de
		S: * LANGUAGE (DE)
		S: {b} OK gemacht
		C: {c} LANGUAGE tlh
		S: {c} NO kein Klingonisch
		C: {d} COMPARATOR
		S: * COMPARATOR i;unicode-casemap
		S: {d} OK gemacht
		C: {e} COMPARATOR "cz;*" "i;basic"
		S: * COMPARATOR i;basic (i;basic i;basic2)
		S: {e} OK gemacht
		C: {f} GETJMAPACCESS
		S: * JMAPACCESS "https://jmap.example.org/session"
		S: {f} OK gemacht
		C: {g} GETJMAPACCESS
		S: {g} OK gemacht
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		if tags, err := c.Languages(ctx); err != nil || fmt.Sprint(tags) != "[EN DE IT i-default]" {
			t.Error(tags, err)
		}
		if tag, err := c.SetLanguage(ctx, "de-AT", "de"); err != nil || tag != "DE" {
			t.Error(tag, err)
		}
		if _, err := c.SetLanguage(ctx, "tlh"); !errors.As(err, new(*imap.StatusError)) {
			t.Error(err)
		}
		if _, err := c.SetLanguage(ctx); !errors.As(err, new(*imapwire.ArgumentError)) {
			t.Error(err)
		}
		if got, err := c.Comparator(ctx); err != nil || got.Active != "i;unicode-casemap" {
			t.Error(got, err)
		}
		if got, err := c.Comparator(ctx, "cz;*", "i;basic"); err != nil || got.Active != "i;basic" || len(got.Matching) != 2 {
			t.Error(got, err)
		}
		if url, err := c.JMAPAccess(ctx); err != nil || url != "https://jmap.example.org/session" {
			t.Error(url, err)
		}
		if _, err := c.JMAPAccess(ctx); !errors.As(err, new(*imapclient.NoDataError)) {
			t.Error(err)
		}
	})
}

func TestID(t *testing.T) {
	preauth(t, "ID", fmt.Sprintf(`
		C: {a} ID ("name" "pushmail" "version" "1.0" "os" %q)
		S: * ID ("name" "Cyrus" "version" NIL)
		S: {a} OK done
		C: {b} ID NIL
		S: {b} OK done
	`, runtime.GOOS), nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		if id, err := c.ID(ctx, imapclient.ClientID("pushmail", "1.0")...); err != nil || id.Get("NAME") != "Cyrus" {
			t.Error(id, err)
		}
		if id, err := c.ID(ctx); err != nil || id != nil {
			t.Error(id, err)
		}
		if _, err := c.ID(ctx, imapclient.ClientID(strings.Repeat("x", 1025), "")...); !errors.As(err, new(*imapwire.ArgumentError)) {
			t.Error(err)
		}
	})
}

// RFC 8437 section 4.1: all that was switched on is off again.
func TestUnauthenticateForgetsTheUser(t *testing.T) {
	caps := "ENABLE UTF8=ACCEPT UNAUTHENTICATE NOTIFY IDLE"
	preauth(t, caps, `
		C: {a} ENABLE UTF8=ACCEPT
		S: * ENABLED UTF8=ACCEPT
		S: {a} OK done
		C: {b} NOTIFY NONE
		S: {b} OK done
		C: {c} SELECT INBOX
		S: * 3 EXISTS
		S: {c} OK done
		C: {d} UNAUTHENTICATE
		S: {d} OK bye
		C: {e} CAPABILITY
		S: * CAPABILITY IMAP4rev1
		S: {e} OK done
		C: {f} LOGIN jo secret
		S: {f} OK [CAPABILITY IMAP4rev1 IDLE] welcome
		C: {g} CREATE "Entw&APw-rfe"
		S: {g} OK done
		C: {h} IDLE
		S: + idling
		S: * 4 EXISTS
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		_, err := c.Enable(ctx, imap.CapUTF8Accept)
		if err == nil {
			err = c.Notify(ctx, nil)
		}
		if err == nil {
			_, err = c.Select(ctx, "INBOX", nil)
		}
		if err == nil {
			err = c.Unauthenticate(ctx)
		}
		if err != nil || c.State() != imapclient.StateNotAuthenticated || c.Selected() != nil || len(c.Enabled()) > 0 {
			t.Errorf("%v, state %v, selected %v, enabled %v", err, c.State(), c.Selected(), c.Enabled())
		}
		if err := c.Login(ctx, "jo", "secret"); err != nil {
			t.Error(err)
		}
		if _, err := c.Create(ctx, "Entwürfe"); err != nil {
			t.Error(err)
		}
		if err := c.Wait(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestExtensionsThatAreNotOfferedAreNotUsed(t *testing.T) {
	preauth(t, "", "", nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		for name, do := range map[string]func() error{
			"ENABLE":           func() error { _, err := c.Enable(ctx, imap.CapCondStore); return err },
			"NOTIFY":           func() error { return c.Notify(ctx, nil) },
			"COMPRESS=DEFLATE": func() error { return c.Compress(ctx) },
			"UNAUTHENTICATE":   func() error { return c.Unauthenticate(ctx) },
			"LANGUAGE":         func() error { _, err := c.Languages(ctx); return err },
			"I18NLEVEL=2":      func() error { _, err := c.Comparator(ctx); return err },
			"JMAPACCESS":       func() error { _, err := c.JMAPAccess(ctx); return err },
			"ID":               func() error { _, err := c.ID(ctx); return err },
		} {
			var lacks *imapclient.UnsupportedError
			if err := do(); !errors.As(err, &lacks) || string(lacks.Capability) != name || !imapclient.SafeToRetry(err) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// Each line of the client is a round trip, from the greeting to a selected mailbox.
func TestRoundTripsToASelectedMailbox(t *testing.T) {
	for _, tt := range []struct{ name, script string }{
		{"everything is volunteered: 2", `
			S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hello
			C: {a} AUTHENTICATE PLAIN AGpvAHNlY3JldA==
			S: {a} OK [CAPABILITY IMAP4rev1 SASL-IR] welcome
			C: {b} SELECT INBOX
			S: * 3 EXISTS
			S: {b} OK done
		`},
		{"untagged capabilities with the login, as Gmail: 2", `
			S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hello
			C: {a} AUTHENTICATE PLAIN AGpvAHNlY3JldA==
			S: * CAPABILITY IMAP4rev1 SASL-IR
			S: {a} OK welcome
			C: {b} SELECT INBOX
			S: * 3 EXISTS
			S: {b} OK done
		`},
		{"no initial response: 3", `
			S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hello
			C: {a} AUTHENTICATE PLAIN
			S: +
			C: AGpvAHNlY3JldA==
			S: {a} OK [CAPABILITY IMAP4rev1] welcome
			C: {b} SELECT INBOX
			S: * 3 EXISTS
			S: {b} OK done
		`},
		{"volunteered with the greeting only, as Courier: 3", `
			S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hello
			C: {a} AUTHENTICATE PLAIN AGpvAHNlY3JldA==
			S: {a} OK welcome
			C: {b} CAPABILITY
			S: * CAPABILITY IMAP4rev1
			S: {b} OK done
			C: {c} SELECT INBOX
			S: * 3 EXISTS
			S: {c} OK done
		`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			imaptest.Transcript(t, tt.script, func(t *testing.T, nc net.Conn) {
				c, err := imapclient.New(t.Context(), nc, plain())
				if err == nil {
					defer c.Close()
					err = c.SignIn(t.Context(), &imapauth.Credentials{Username: "jo", Password: imapauth.NewSecret("secret"), AllowCleartext: true})
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
