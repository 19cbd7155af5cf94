package imapclient_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
)

func TestSelect(t *testing.T) {
	const qresync = `
		C: {e} ENABLE QRESYNC
		S: * ENABLED QRESYNC
		S: {e} OK done
	`
	for _, tt := range []struct {
		name, caps, script string
		o                  *imap.SelectOptions
		want               string
		heard              []string
	}{
		{
			"everything that a server says", "IMAP4rev1 CONDSTORE", `
			C: {a} SELECT "Entw&APw-rfe" (CONDSTORE)
			S: * FLAGS (\Seen $Work)
			S: * 17 EXISTS
			S: * 2 RECENT
			S: * OK [UNSEEN 3] first
			S: * OK [UIDVALIDITY 38] valid
			S: * OK [UIDNEXT 44] next
			S: * OK [HIGHESTMODSEQ 715] highest
			S: * OK [PERMANENTFLAGS (\Seen \*)] kept
			S: * OK [MAILBOXID (F1)] id
			S: * LIST () "/" "Entw&APw-rfe"
			S: * NO [UIDNOTSTICKY] no
			S: {a} OK [READ-WRITE] done`, &imap.SelectOptions{CondStore: true},
			`Entwürfe exists=17 recent=2 unseen=3 uidvalidity=38 uidnext=44 modseq=715 id=F1 flags=[\Seen $Work] permanent=[\Seen \*] notsticky`, nil,
		},
		{"CONDSTORE where there is none", "IMAP4rev1", `
			C: {a} SELECT "Entw&APw-rfe"
			S: {a} OK done`, &imap.SelectOptions{CondStore: true}, `Entwürfe`, nil},
		{"ANNOTATE", "IMAP4rev1 CONDSTORE ANNOTATE-EXPERIMENT-1", `
			C: {a} SELECT "Entw&APw-rfe" (CONDSTORE ANNOTATE)
			S: {a} OK done`, &imap.SelectOptions{CondStore: true, Annotate: true}, `Entwürfe`, nil},
		{"EXAMINE", "IMAP4rev1", `
			C: {a} EXAMINE "Entw&APw-rfe"
			S: * OK [NOMODSEQ] none
			S: {a} OK [READ-ONLY] done`, &imap.SelectOptions{ReadOnly: true}, `Entwürfe readonly nomodseq`, nil},
		{"read-only after all", "IMAP4rev1", `
			C: {a} SELECT "Entw&APw-rfe"
			S: * OK [READ-ONLY] sorry
			S: {a} OK done`, nil, `Entwürfe readonly`, nil},
		{"news of other mailboxes", "IMAP4rev1", `
			C: {a} SELECT "Entw&APw-rfe"
			S: * LIST () "/" other
			S: * STATUS other (MESSAGES 3)
			S: * LIST () "/" "Entw&APw-rfe" ("OLDNAME" ("entw&APw-rfe"))
			S: * 5 FETCH (FLAGS ())
			S: * 3 EXISTS
			S: * OK [ALERT] disk is full
			S: {a} OK done`, nil, `Entwürfe exists=3`, []string{"list other", "status other", "message 5", "OK disk is full"}},
		{"QRESYNC with everything", "IMAP4rev1 QRESYNC ENABLE", qresync + `
			C: {a} SELECT "Entw&APw-rfe" (QRESYNC (67890007 90060115194045000 41:211 (1,3 2,7)))
			S: * 3 EXISTS
			S: * VANISHED (EARLIER) 41,43:116
			S: * 2 FETCH (UID 117 FLAGS (\Seen) MODSEQ (90060115194045001))
			S: {a} OK done`, &imap.SelectOptions{QResync: &imap.QResync{
			UIDValidity: 67890007, ModSeq: 90060115194045000, Known: imap.SetOfRange[imap.UID](41, 211),
			MatchSeq: imap.SetOf[imap.SeqNum](1, 3), MatchUID: imap.UIDs(2, 7),
		}}, `Entwürfe exists=3 changes=2`, nil},
		{"what belongs to the mailbox before", "IMAP4rev1 QRESYNC ENABLE", qresync + `
			C: {b} SELECT before
			S: * 1 EXISTS
			S: {b} OK done
			C: {a} SELECT "Entw&APw-rfe"
			S: * 2 EXISTS
			S: * OK [UIDNEXT 9] before
			S: * VANISHED 4
			S: * OK [CLOSED] done
			S: * 3 EXISTS
			S: {a} OK done`, nil, `Entwürfe exists=3`, []string{"exists 2", "OK before", "*imap.Vanished"}},
		{"CLOSED is forgotten", "IMAP4rev1 QRESYNC ENABLE", qresync + `
			C: {b} SELECT before
			S: * 1 EXISTS
			S: {b} OK done
			C: {a} SELECT "Entw&APw-rfe"
			S: * 3 EXISTS
			S: * OK [UIDVALIDITY 7] valid
			S: {a} OK done`, nil, `Entwürfe exists=3 uidvalidity=7`, []string{"exists 3", "OK valid"}},
		{"CLOSED of a server without QRESYNC", "IMAP4rev1", `
			C: {b} SELECT before
			S: * OK [UIDVALIDITY 6] valid
			S: {b} OK done
			C: {a} SELECT "Entw&APw-rfe"
			S: * 2 EXISTS
			S: * OK [CLOSED] done
			S: * OK [UIDVALIDITY 7] valid
			S: {a} OK done`, nil, `Entwürfe uidvalidity=7`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			withMailboxes(t, tt.caps, tt.script, func(t *testing.T, ctx context.Context, c *imapclient.Conn, h *news) {
				if c.Capabilities().Has(imap.CapQResync) {
					if _, err := c.Enable(ctx, imap.CapQResync); err != nil {
						t.Error(err)
					}
				}
				if strings.Contains(tt.script, "SELECT before") {
					if _, err := c.Select(ctx, "before", nil); err != nil {
						t.Error(err)
					}
				}
				s, err := c.Select(ctx, "Entwürfe", tt.o)
				if err != nil || described(s) != tt.want || c.State() != imapclient.StateSelected {
					t.Errorf("selected %s (%v)\nwant     %s", described(s), err, tt.want)
				}
				if s != nil {
					s.Changes = nil
				}
				if kept := c.Selected(); !reflect.DeepEqual(kept, s) {
					t.Errorf("Selected returns %s", described(kept))
				}
				h.expect(t, tt.heard...)
			})
		})
	}
}

// described writes what is not zero.
func described(s *imapclient.Selected) string {
	if s == nil {
		return ""
	}
	out := s.Mailbox
	add := func(is bool, format string, args ...any) {
		if is {
			out += " " + fmt.Sprintf(format, args...)
		}
	}
	add(s.ReadOnly, "readonly")
	add(s.Exists > 0, "exists=%d", s.Exists)
	add(s.Recent > 0, "recent=%d", s.Recent)
	add(s.Unseen > 0, "unseen=%d", s.Unseen)
	add(s.UIDValidity > 0, "uidvalidity=%d", s.UIDValidity)
	add(s.UIDNext > 0, "uidnext=%d", s.UIDNext)
	add(s.HighestModSeq > 0, "modseq=%d", s.HighestModSeq)
	add(s.NoModSeq, "nomodseq")
	add(s.MailboxID != "", "id=%s", s.MailboxID)
	add(s.Flags != nil, "flags=%v", s.Flags)
	add(s.PermanentFlags != nil, "permanent=%v", s.PermanentFlags)
	add(s.UIDNotSticky, "notsticky")
	add(s.Changes != nil, "changes=%d", len(s.Changes))
	return out
}

func TestSelectErrors(t *testing.T) {
	session(t, `
		C: {s} SELECT x
		S: {s} NO [NONEXISTENT] no such mailbox
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		ended, cancel := context.WithCancel(ctx)
		cancel()
		for _, tt := range []struct {
			ctx     context.Context
			mailbox string
			o       *imap.SelectOptions
			cap     imap.Capability
		}{
			{ctx, "x\x00", nil, ""},
			{ctx, "", nil, ""},
			{ended, "x", nil, ""},
			{ctx, "x", &imap.SelectOptions{QResync: &imap.QResync{UIDValidity: 1, ModSeq: 1}}, imap.CapQResync},
		} {
			s, err := c.Select(tt.ctx, tt.mailbox, tt.o)
			// Nothing was sent: the mailbox selected before stays.
			if err == nil || s != nil || !imapclient.SafeToRetry(err) || unsupported(err) != tt.cap || c.State() != imapclient.StateSelected {
				t.Errorf("%q: %v (%v), state %v", tt.mailbox, s, err, c.State())
			}
		}
		if _, err := c.Select(ctx, "x", nil); !errors.As(err, new(*imap.StatusError)) || c.State() != imapclient.StateAuthenticated || c.Selected() != nil {
			t.Errorf("refused: %v, state %v", err, c.State())
		}
	})
}

func TestLeavingAMailbox(t *testing.T) {
	const selectX = "C: {s} SELECT x\nS: {s} OK [READ-WRITE] done\n"
	unselect := func(ctx context.Context, c *imapclient.Conn) error { return c.Unselect(ctx) }
	for _, tt := range []struct {
		name, caps, script string
		do                 func(ctx context.Context, c *imapclient.Conn) error
		fails              bool
		state              imapclient.State
	}{
		{"UNSELECT", "IMAP4rev1 UNSELECT", selectX + `
			C: {a} UNSELECT
			S: {a} OK done`, unselect, false, imapclient.StateAuthenticated},
		{"UNSELECT is refused", "IMAP4rev1 UNSELECT", selectX + `
			C: {a} UNSELECT
			S: {a} BAD what?`, unselect, true, imapclient.StateSelected},
		{"without UNSELECT", "IMAP4rev1", selectX + `
			C: {a} EXAMINE x
			S: {a} OK [READ-ONLY] done
			C: {b} CLOSE
			S: {b} OK done`, unselect, false, imapclient.StateAuthenticated},
		{"without UNSELECT, read-only", "IMAP4rev1", "C: {s} SELECT x\nS: {s} OK [READ-ONLY] done\n" + `
			C: {b} CLOSE
			S: {b} OK done`, unselect, false, imapclient.StateAuthenticated},
		{"without UNSELECT, and the mailbox is gone", "IMAP4rev1", selectX + `
			C: {a} EXAMINE x
			S: {a} NO gone`, unselect, false, imapclient.StateAuthenticated},
		{"without UNSELECT, and EXAMINE is not understood", "IMAP4rev1", selectX + `
			C: {a} EXAMINE x
			S: {a} BAD what?`, unselect, true, imapclient.StateAuthenticated},
		{"CLOSE", "IMAP4rev1 UNSELECT", selectX + `
			C: {b} CLOSE
			S: {b} OK done`, func(ctx context.Context, c *imapclient.Conn) error { return c.CloseMailbox(ctx) }, false, imapclient.StateAuthenticated},
		{"CHECK", "IMAP4rev1", selectX + `
			C: {b} CHECK
			S: {b} OK done`, func(ctx context.Context, c *imapclient.Conn) error { return c.Check(ctx) }, false, imapclient.StateSelected},
		{"CHECK in IMAP4rev2", "IMAP4rev2", selectX + `
			C: {b} NOOP
			S: {b} OK done`, func(ctx context.Context, c *imapclient.Conn) error { return c.Check(ctx) }, false, imapclient.StateSelected},
	} {
		t.Run(tt.name, func(t *testing.T) {
			withMailboxes(t, tt.caps, tt.script, func(t *testing.T, ctx context.Context, c *imapclient.Conn, _ *news) {
				if err := tt.do(ctx, c); !errors.Is(err, imapclient.ErrNotSelected) || !imapclient.SafeToRetry(err) {
					t.Errorf("before SELECT: %v", err)
				}
				if _, err := c.Select(ctx, "x", nil); err != nil {
					t.Error(err)
				}
				if err := tt.do(ctx, c); (err != nil) != tt.fails || c.State() != tt.state {
					t.Errorf("error %v, state %v", err, c.State())
				}
			})
		})
	}
}
