package imapclient_test

import (
	"context"
	"errors"
	"testing"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
)

func TestStatus(t *testing.T) {
	const caps = "IMAP4rev1 CONDSTORE STATUS=SIZE OBJECTID QUOTA QUOTA=RES-STORAGE QUOTA=RES-MESSAGE APPENDLIMIT"
	const every = imap.StatusDeletedStorage<<1 - 1
	for _, tt := range []struct {
		name, caps, mailbox string
		items               imap.StatusItems
		script              string
		want                imap.MailboxStatus
		heard               []string
	}{
		{
			"everything", caps, "Entwürfe", every, `
			C: {a} STATUS "Entw&APw-rfe" (MESSAGES UIDNEXT UIDVALIDITY UNSEEN RECENT DELETED SIZE HIGHESTMODSEQ APPENDLIMIT MAILBOXID DELETED-STORAGE)
			S: * STATUS "Entw&APw-rfe" (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 3 UNSEEN 4 RECENT 5 DELETED 6 SIZE 8589934592 HIGHESTMODSEQ 8 APPENDLIMIT NIL MAILBOXID (F1) DELETED-STORAGE 11)
			S: {a} OK done`,
			imap.MailboxStatus{
				Mailbox: "Entwürfe", Items: every, Messages: 1, UIDNext: 2, UIDValidity: 3, Unseen: 4, Recent: 5, Deleted: 6,
				Size: 1 << 33, HighestModSeq: 8, AppendLimit: -1, MailboxID: "F1", DeletedStorage: 11,
			},
			nil,
		},
		{"what is not offered is left out", "IMAP4rev1", "a", every, `
			C: {a} STATUS a (MESSAGES UIDNEXT UIDVALIDITY UNSEEN RECENT)
			S: * STATUS a (MESSAGES 1)
			S: {a} OK done`, imap.MailboxStatus{Mailbox: "a", Items: imap.StatusMessages, Messages: 1}, nil},
		{"IMAP4rev2", "IMAP4rev2", "a", every, `
			C: {a} STATUS a (MESSAGES UIDNEXT UIDVALIDITY UNSEEN DELETED SIZE)
			S: * STATUS a (DELETED 1)
			S: {a} OK done`, imap.MailboxStatus{Mailbox: "a", Items: imap.StatusDeleted, Deleted: 1}, nil},
		{"a limit for all", "IMAP4rev1 APPENDLIMIT=99", "a", imap.StatusMessages | imap.StatusAppendLimit, `
			C: {a} STATUS a (MESSAGES)
			S: * STATUS a (MESSAGES 1)
			S: {a} OK done`, imap.MailboxStatus{Mailbox: "a", Items: imap.StatusMessages | imap.StatusAppendLimit, Messages: 1, AppendLimit: 99}, nil},
		{
			"only the limit for all", "IMAP4rev1 APPENDLIMIT=99", "a", imap.StatusAppendLimit, ``,
			imap.MailboxStatus{Mailbox: "a", Items: imap.StatusAppendLimit, AppendLimit: 99},
			nil,
		},
		{"INBOX in any case", caps, "inbox", imap.StatusMessages, `
			C: {a} STATUS inbox (MESSAGES)
			S: * STATUS InBox (MESSAGES 1)
			S: {a} OK done`, imap.MailboxStatus{Mailbox: "INBOX", Items: imap.StatusMessages, Messages: 1}, nil},
		{
			"of others on the way", caps, "a", imap.StatusMessages, `
			C: {a} STATUS a (MESSAGES)
			S: * STATUS b (MESSAGES 2)
			S: * LIST () "/" a
			S: * STATUS a (MESSAGES 1)
			S: * STATUS a (UIDNEXT 4)
			S: * 5 EXISTS
			S: {a} OK done`,
			imap.MailboxStatus{Mailbox: "a", Items: imap.StatusMessages, Messages: 1},
			[]string{"status b", "list a", "status a", "exists 5"},
		},
		{"NOTIFY speaks first", caps, "a", imap.StatusMessages | imap.StatusUnseen, `
			C: {a} STATUS a (MESSAGES UNSEEN)
			S: * STATUS a (MESSAGES 2)
			S: * STATUS a (MESSAGES 3 UNSEEN 1)
			S: {a} OK done`, imap.MailboxStatus{Mailbox: "a", Items: imap.StatusMessages | imap.StatusUnseen, Messages: 3, Unseen: 1}, nil},
		{"another case", caps, "Foo", imap.StatusMessages, `
			C: {a} STATUS Foo (MESSAGES)
			S: * STATUS foo (MESSAGES 1)
			S: {a} OK done`, imap.MailboxStatus{Mailbox: "foo", Items: imap.StatusMessages, Messages: 1}, []string{"status foo"}},
		{"the exact name is better", caps, "Foo", imap.StatusMessages, `
			C: {a} STATUS Foo (MESSAGES)
			S: * STATUS foo (MESSAGES 1)
			S: * STATUS Foo (MESSAGES 2)
			S: {a} OK done`, imap.MailboxStatus{Mailbox: "Foo", Items: imap.StatusMessages, Messages: 2}, []string{"status foo"}},
		{"UTF-8 that was not enabled", caps, "Entwürfe", imap.StatusMessages, `
			C: {a} STATUS "Entw&APw-rfe" (MESSAGES)
			S: * STATUS "Entwürfe" (MESSAGES 1)
			S: {a} OK done`, imap.MailboxStatus{Mailbox: "\ufdd0Entwürfe", Items: imap.StatusMessages, Messages: 1}, []string{"status \ufdd0Entwürfe"}},
		{"composed characters", caps, "Entwu\u0308rfe", imap.StatusMessages, `
			C: {a} STATUS "Entwu&Awg-rfe" (MESSAGES)
			S: * STATUS "Entw&APw-rfe" (MESSAGES 1)
			S: {a} OK done`, imap.MailboxStatus{Mailbox: "Entwürfe", Items: imap.StatusMessages, Messages: 1}, []string{"status Entwürfe"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			withMailboxes(t, tt.caps, tt.script, func(t *testing.T, ctx context.Context, c *imapclient.Conn, h *news) {
				got, err := c.Status(ctx, tt.mailbox, tt.items)
				if err != nil || got.Mailbox != tt.want.Mailbox || got.Items != tt.want.Items || got.Messages != tt.want.Messages ||
					got.UIDNext != tt.want.UIDNext || got.UIDValidity != tt.want.UIDValidity || got.Unseen != tt.want.Unseen ||
					got.Recent != tt.want.Recent || got.Deleted != tt.want.Deleted || got.Size != tt.want.Size ||
					got.HighestModSeq != tt.want.HighestModSeq || got.AppendLimit != tt.want.AppendLimit ||
					got.MailboxID != tt.want.MailboxID || got.DeletedStorage != tt.want.DeletedStorage {
					t.Errorf("status %+v (%v)\nwant   %+v", got, err, tt.want)
				}
				h.expect(t, tt.heard...)
			})
		})
	}
}

func TestStatusInModifiedUTF7ThoughUTF8IsOn(t *testing.T) {
	withMailboxes(t, "IMAP4rev1 ENABLE UTF8=ACCEPT", `
		C: {e} ENABLE UTF8=ACCEPT
		S: * ENABLED UTF8=ACCEPT
		S: {e} OK done
		C: {a} STATUS "Entwürfe" (MESSAGES)
		S: * STATUS "Entw&APw-rfe" (MESSAGES 3)
		S: {a} OK done
	`, func(t *testing.T, ctx context.Context, c *imapclient.Conn, _ *news) {
		if _, err := c.Enable(ctx, imap.CapUTF8Accept); err != nil {
			t.Error(err)
		}
		if st, err := c.Status(ctx, "Entwürfe", imap.StatusMessages); err != nil || st.Messages != 3 {
			t.Errorf("status %v (%v)", st, err)
		}
	})
}

func TestStatusErrors(t *testing.T) {
	withMailboxes(t, "IMAP4rev1", `
		C: {a} STATUS a (MESSAGES)
		S: * STATUS b (MESSAGES 1)
		S: {a} OK done
		C: {b} STATUS a (MESSAGES)
		S: {b} NO [NONEXISTENT] no such mailbox
		C: {c} STATUS a (MESSAGES)
		S: {c} BAD what?
	`, func(t *testing.T, ctx context.Context, c *imapclient.Conn, h *news) {
		for _, tt := range []struct {
			mailbox string
			items   imap.StatusItems
			cap     imap.Capability
		}{{"a", imap.StatusSize, imap.CapStatusSize}, {"a", 0, ""}, {"", imap.StatusMessages, ""}, {"a\x00", imap.StatusMessages, ""}, {"a", 1 << 15, ""}} {
			if st, err := c.Status(ctx, tt.mailbox, tt.items); err == nil || st != nil || !imapclient.SafeToRetry(err) || unsupported(err) != tt.cap {
				t.Errorf("%q, %b: %v (%v)", tt.mailbox, tt.items, st, err)
			}
		}
		if st, err := c.Status(ctx, "a", imap.StatusMessages); !errors.As(err, new(*imapclient.NoDataError)) || st != nil {
			t.Errorf("without an answer: %v (%v)", st, err)
		}
		h.expect(t, "status b")
		for _, kind := range []imap.Kind{imap.NO, imap.BAD} {
			var refused *imap.StatusError
			if _, err := c.Status(ctx, "a", imap.StatusMessages); !errors.As(err, &refused) || refused.Kind != kind || refused.Command != "STATUS" {
				t.Errorf("error %v, want %v", err, kind)
			}
		}
	})
}

func TestManageMailboxes(t *testing.T) {
	for _, tt := range []struct {
		name, caps, script string
		do                 func(ctx context.Context, c *imapclient.Conn) (any, error)
		want               any
		heard              []string
	}{
		{
			"CREATE", "IMAP4rev1", `
			C: {a} CREATE "Entw&APw-rfe/"
			S: {a} OK done`, func(ctx context.Context, c *imapclient.Conn) (any, error) {
				return created(c.Create(ctx, "Entwürfe/"))
			},
			imapclient.Created{Mailbox: "Entwürfe/"},
			nil,
		},
		{"CREATE with a use and an id", "IMAP4rev1 CREATE-SPECIAL-USE OBJECTID", `
			C: {a} CREATE x (USE (\Sent \Archive))
			S: {a} OK [MAILBOXID (F12)] done`, func(ctx context.Context, c *imapclient.Conn) (any, error) {
			return created(c.Create(ctx, "x", imap.AttrSent, imap.AttrArchive))
		}, imapclient.Created{Mailbox: "x", ID: "F12"}, nil},
		{
			"CREATE under another name", "IMAP4rev1", `
			C: {a} CREATE "u&Awg-"
			S: * LIST () "/" "&APw-" ("OLDNAME" ("u&Awg-"))
			S: * LIST () "/" other ("OLDNAME" (another))
			S: {a} OK done`, func(ctx context.Context, c *imapclient.Conn) (any, error) { return created(c.Create(ctx, "u\u0308")) },
			imapclient.Created{Mailbox: "ü"},
			[]string{"list ü", "list other"},
		},
		{"DELETE", "IMAP4rev1", `
			C: {a} DELETE x
			S: {a} OK done`, func(ctx context.Context, c *imapclient.Conn) (any, error) { return nil, c.Delete(ctx, "x") }, nil, nil},
		{
			"RENAME", "IMAP4rev1", `
			C: {a} RENAME INBOX "Old mail"
			S: * LIST () "/" "Old mail" ("OLDNAME" (INBOX))
			S: {a} OK done`, func(ctx context.Context, c *imapclient.Conn) (any, error) {
				return nil, c.Rename(ctx, "INBOX", "Old mail")
			},
			nil,
			[]string{"list Old mail"},
		},
		{"SUBSCRIBE", "IMAP4rev1", `
			C: {a} SUBSCRIBE x
			S: {a} OK done`, func(ctx context.Context, c *imapclient.Conn) (any, error) { return nil, c.Subscribe(ctx, "x") }, nil, nil},
		{"UNSUBSCRIBE", "IMAP4rev1", `
			C: {a} UNSUBSCRIBE x
			S: {a} OK done`, func(ctx context.Context, c *imapclient.Conn) (any, error) { return nil, c.Unsubscribe(ctx, "x") }, nil, nil},
		{"UTF-8 names", "IMAP4rev1 ENABLE UTF8=ACCEPT", `
			C: {e} ENABLE UTF8=ACCEPT
			S: * ENABLED UTF8=ACCEPT
			S: {e} OK done
			C: {a} CREATE "Entwürfe & Co"
			S: {a} OK done
			C: {b} STATUS "Entwürfe & Co" (MESSAGES)
			S: * STATUS "Entwürfe & Co" (MESSAGES 0)
			S: {b} OK done
			C: {c} LIST "" "Entwürfe*"
			S: * LIST () "/" "Entwürfe & Co"
			S: {c} OK done`, func(ctx context.Context, c *imapclient.Conn) (any, error) {
			if _, err := c.Enable(ctx, imap.CapUTF8Accept); err != nil {
				return nil, err
			}
			if _, err := c.Create(ctx, "Entwürfe & Co"); err != nil {
				return nil, err
			}
			if _, err := c.Status(ctx, "Entwürfe & Co", imap.StatusMessages); err != nil {
				return nil, err
			}
			rows, err := c.List(ctx, &imap.ListOptions{Patterns: []string{"Entwürfe*"}})
			return listed(rows), err
		}, "Entwürfe & Co", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			withMailboxes(t, tt.caps, tt.script, func(t *testing.T, ctx context.Context, c *imapclient.Conn, h *news) {
				if got, err := tt.do(ctx, c); err != nil || got != tt.want {
					t.Errorf("%v (%v), want %v", got, err, tt.want)
				}
				h.expect(t, tt.heard...)
			})
		})
	}
}

func created(c *imapclient.Created, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return *c, nil
}

// Every command of a mailbox: refused, with a name that cannot be sent, and without a login.
func TestMailboxCommandsThatFail(t *testing.T) {
	const caps = "IMAP4rev1 CREATE-SPECIAL-USE ACL RIGHTS=texk QUOTA METADATA"
	ok := func(_ any, err error) error { return err }
	for _, tt := range []struct {
		name string
		line string // what is sent for the name x
		do   func(ctx context.Context, c *imapclient.Conn, mailbox string) error
	}{
		{"CREATE", "CREATE x", func(ctx context.Context, c *imapclient.Conn, m string) error { return ok(c.Create(ctx, m)) }},
		{"CREATE USE", `CREATE x (USE (\Sent))`, func(ctx context.Context, c *imapclient.Conn, m string) error {
			return ok(c.Create(ctx, m, imap.AttrSent))
		}},
		{"DELETE", "DELETE x", func(ctx context.Context, c *imapclient.Conn, m string) error { return c.Delete(ctx, m) }},
		{"RENAME from", "RENAME x y", func(ctx context.Context, c *imapclient.Conn, m string) error { return c.Rename(ctx, m, "y") }},
		{"RENAME to", "RENAME y x", func(ctx context.Context, c *imapclient.Conn, m string) error { return c.Rename(ctx, "y", m) }},
		{"SUBSCRIBE", "SUBSCRIBE x", func(ctx context.Context, c *imapclient.Conn, m string) error { return c.Subscribe(ctx, m) }},
		{"UNSUBSCRIBE", "UNSUBSCRIBE x", func(ctx context.Context, c *imapclient.Conn, m string) error { return c.Unsubscribe(ctx, m) }},
		{"SELECT", "SELECT x", func(ctx context.Context, c *imapclient.Conn, m string) error { return ok(c.Select(ctx, m, nil)) }},
		{"EXAMINE", "EXAMINE x", func(ctx context.Context, c *imapclient.Conn, m string) error {
			return ok(c.Select(ctx, m, &imap.SelectOptions{ReadOnly: true}))
		}},
		{"STATUS", "STATUS x (MESSAGES)", func(ctx context.Context, c *imapclient.Conn, m string) error {
			return ok(c.Status(ctx, m, imap.StatusMessages))
		}},
		{"GETACL", "GETACL x", func(ctx context.Context, c *imapclient.Conn, m string) error { return ok(c.GetACL(ctx, m)) }},
		{"SETACL", `SETACL x jo "+l"`, func(ctx context.Context, c *imapclient.Conn, m string) error {
			return c.SetACL(ctx, m, "jo", imap.StoreAdd, "l")
		}},
		{"DELETEACL", "DELETEACL x jo", func(ctx context.Context, c *imapclient.Conn, m string) error { return c.DeleteACL(ctx, m, "jo") }},
		{"LISTRIGHTS", "LISTRIGHTS x jo", func(ctx context.Context, c *imapclient.Conn, m string) error { return ok(c.ListRights(ctx, m, "jo")) }},
		{"MYRIGHTS", "MYRIGHTS x", func(ctx context.Context, c *imapclient.Conn, m string) error { return ok(c.MyRights(ctx, m)) }},
		{"GETQUOTAROOT", "GETQUOTAROOT x", func(ctx context.Context, c *imapclient.Conn, m string) error { return ok(c.GetQuotaRoot(ctx, m)) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			script := "C: {a} " + tt.line + "\nS: {a} NO [NOPERM] not for you\nC: {b} " + tt.line + "\nS: {b} BAD what?\nC: {c} " + tt.line + "\nclose\n"
			withMailboxes(t, caps, script, func(t *testing.T, ctx context.Context, c *imapclient.Conn, _ *news) {
				for _, bad := range []string{"", "x\x00"} {
					if err := tt.do(ctx, c, bad); err == nil || !imapclient.SafeToRetry(err) {
						t.Errorf("%q: %v", bad, err)
					}
				}
				for _, kind := range []imap.Kind{imap.NO, imap.BAD} {
					var refused *imap.StatusError
					if err := tt.do(ctx, c, "x"); !errors.As(err, &refused) || refused.Kind != kind || c.State() != imapclient.StateAuthenticated {
						t.Errorf("error %v, want %v; state %v", err, kind, c.State())
					}
				}
				if err := tt.do(ctx, c, "x"); err == nil || c.State() != imapclient.StateClosed {
					t.Errorf("cut: %v, state %v", err, c.State())
				}
				if err := tt.do(ctx, c, "x"); !imapclient.SafeToRetry(err) {
					t.Errorf("after the end: %v", err)
				}
			})
		})
	}
}

// Each command is left alone after its line was sent: the connection goes on, and the late answer is
// read before the next one.
func TestMailboxCommandsThatAreLeft(t *testing.T) {
	const caps = "IMAP4rev1 NAMESPACE ACL RIGHTS=texk QUOTA METADATA XLIST"
	ok := func(_ any, err error) error { return err }
	for _, tt := range []struct {
		line, answer string
		do           func(ctx context.Context, c *imapclient.Conn) error
	}{
		{"CREATE x", "* OK hm", func(ctx context.Context, c *imapclient.Conn) error { return ok(c.Create(ctx, "x")) }},
		{"DELETE x", "* OK hm", func(ctx context.Context, c *imapclient.Conn) error { return c.Delete(ctx, "x") }},
		{"RENAME x y", "* OK hm", func(ctx context.Context, c *imapclient.Conn) error { return c.Rename(ctx, "x", "y") }},
		{"SUBSCRIBE x", "* OK hm", func(ctx context.Context, c *imapclient.Conn) error { return c.Subscribe(ctx, "x") }},
		{`LIST "" *`, `* LIST () "/" a`, func(ctx context.Context, c *imapclient.Conn) error { return ok(c.List(ctx, nil)) }},
		{`LSUB "" *`, `* LSUB () "/" a`, func(ctx context.Context, c *imapclient.Conn) error { return ok(c.Lsub(ctx, "", "*")) }},
		{`XLIST "" *`, `* XLIST () "/" a`, func(ctx context.Context, c *imapclient.Conn) error { return ok(c.XList(ctx, "", "*")) }},
		{"NAMESPACE", "* NAMESPACE NIL NIL NIL", func(ctx context.Context, c *imapclient.Conn) error { return ok(c.Namespace(ctx)) }},
		{"STATUS x (MESSAGES)", "* STATUS x (MESSAGES 1)", func(ctx context.Context, c *imapclient.Conn) error {
			return ok(c.Status(ctx, "x", imap.StatusMessages))
		}},
		{"GETACL x", "* ACL x jo l", func(ctx context.Context, c *imapclient.Conn) error { return ok(c.GetACL(ctx, "x")) }},
		{"MYRIGHTS x", "* MYRIGHTS x l", func(ctx context.Context, c *imapclient.Conn) error { return ok(c.MyRights(ctx, "x")) }},
		{"LISTRIGHTS x jo", `* LISTRIGHTS x jo "" l`, func(ctx context.Context, c *imapclient.Conn) error { return ok(c.ListRights(ctx, "x", "jo")) }},
		{"GETQUOTAROOT x", "* QUOTAROOT x", func(ctx context.Context, c *imapclient.Conn) error { return ok(c.GetQuotaRoot(ctx, "x")) }},
		{"GETQUOTA x", "* QUOTA x (STORAGE 1 2)", func(ctx context.Context, c *imapclient.Conn) error { return ok(c.GetQuota(ctx, "x")) }},
		{"GETMETADATA x (/a)", "* METADATA x (/a b)", func(ctx context.Context, c *imapclient.Conn) error { return ok(c.GetMetadata(ctx, "x", nil, "/a")) }},
		{`SETMETADATA x (/a "b")`, "* OK hm", func(ctx context.Context, c *imapclient.Conn) error {
			return c.SetMetadata(ctx, "x", imap.Attribute{Name: "/a", Value: "b"})
		}},
	} {
		t.Run(tt.line, func(t *testing.T) {
			script := "C: {a} " + tt.line + "\nS: * 3 EXISTS\nwait 10s\nS: " + tt.answer + "\nS: {a} OK done\nC: {n} NOOP\nS: {n} OK done\n"
			withMailboxes(t, caps, script, func(t *testing.T, ctx context.Context, c *imapclient.Conn, h *news) {
				why := errors.New("enough")
				cctx, cancel := context.WithCancelCause(ctx)
				defer cancel(nil)
				h.then = func(string) { cancel(why) }
				if err := tt.do(cctx, c); !errors.Is(err, why) || imapclient.SafeToRetry(err) {
					t.Errorf("error %v", err)
				}
				if err := c.Noop(ctx); err != nil {
					t.Error(err)
				}
				if len(h.got) > 2 || h.got[0] != "exists 3" || len(h.got) == 2 && h.got[1] != "OK hm" {
					t.Errorf("handler got %q", h.got)
				}
			})
		})
	}
}

func TestNewNamesHaveNoControlCharacters(t *testing.T) {
	withMailboxes(t, "IMAP4rev1", ``, func(t *testing.T, ctx context.Context, c *imapclient.Conn, _ *news) {
		for _, name := range []string{"", "a\tb", "a\r\nb", "a\x7f", "a\u0085", "a\u2028"} {
			if _, err := c.Create(ctx, name); !imapclient.SafeToRetry(err) {
				t.Errorf("CREATE %q: %v", name, err)
			}
			if err := c.Rename(ctx, "x", name); !imapclient.SafeToRetry(err) {
				t.Errorf("RENAME to %q: %v", name, err)
			}
		}
		if _, err := c.Create(ctx, "x", imap.AttrSent); unsupported(err) != imap.CapCreateSpecialUse {
			t.Errorf("CREATE USE: %v", err)
		}
	})
}

// Dovecot ends a session whose selected mailbox it renames.
func TestSelectedMailboxIsGivenUpBeforeItIsDeletedOrRenamed(t *testing.T) {
	remove := func(name string) func(context.Context, *imapclient.Conn) error {
		return func(ctx context.Context, c *imapclient.Conn) error { return c.Delete(ctx, name) }
	}
	rename := func(name string) func(context.Context, *imapclient.Conn) error {
		return func(ctx context.Context, c *imapclient.Conn) error { return c.Rename(ctx, name, "new") }
	}
	for _, tt := range []struct {
		name, selected, line string
		do                   func(ctx context.Context, c *imapclient.Conn) error
		gone, fails          bool
	}{
		{"deleted", "INBOX", "DELETE inbox", remove("inbox"), true, false},
		{"not deleted", "a", "DELETE a", remove("a"), true, true},
		{"renamed", "Ä", "RENAME \"&AOQ-\" new", rename("ä"), true, false},
		{"the one above is renamed", "a/b", "RENAME a new", rename("a"), true, false},
		{"the one above is deleted", "a/b", "DELETE a", remove("a"), false, false},
		{"another is renamed", "ab", "RENAME a new", rename("a"), false, false},
		{"another is deleted", "ab", "DELETE a", remove("a"), false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			script, answer := "C: {s} SELECT {*}\nS: {s} OK done\n", "OK"
			if tt.gone {
				script += "C: {u} UNSELECT\nS: {u} OK done\n"
			}
			if tt.fails {
				answer = "NO"
			}
			script += "C: {d} " + tt.line + "\nS: {d} " + answer + " done\n"
			withMailboxes(t, "IMAP4rev1 UNSELECT", script, func(t *testing.T, ctx context.Context, c *imapclient.Conn, _ *news) {
				if _, err := c.Select(ctx, tt.selected, nil); err != nil {
					t.Error(err)
				}
				if err := tt.do(ctx, c); (err != nil) != tt.fails {
					t.Error(err)
				}
				if (c.State() == imapclient.StateSelected) == tt.gone {
					t.Errorf("state %v", c.State())
				}
			})
		})
	}
	session(t, ``, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		cctx, cancel := context.WithCancel(ctx)
		cancel()
		if err := c.Delete(cctx, "INBOX"); err == nil || c.State() != imapclient.StateSelected {
			t.Errorf("not sent: %v, state %v", err, c.State())
		}
	})
}

func TestNamespace(t *testing.T) {
	withMailboxes(t, "IMAP4rev1 NAMESPACE", `
		C: {a} NAMESPACE
		S: * NAMESPACE (("" "/") ("#mh/" "/" "X-PARAM" ("A" "B"))) NIL (("Shared." "."))
		S: {a} OK done
		C: {b} NAMESPACE
		S: {b} OK done
		C: {c} NAMESPACE
		S: {c} BAD User is authenticated but not connected.
	`, func(t *testing.T, ctx context.Context, c *imapclient.Conn, _ *news) {
		ns, err := c.Namespace(ctx)
		if err != nil || len(ns.Personal) != 2 || ns.Personal[1].Prefix != "#mh/" || len(ns.Other) != 0 || ns.Shared[0].Delim != '.' {
			t.Errorf("%+v (%v)", ns, err)
		}
		if ns, err := c.Namespace(ctx); !errors.As(err, new(*imapclient.NoDataError)) || ns != nil {
			t.Errorf("without an answer: %v (%v)", ns, err)
		}
		if _, err := c.Namespace(ctx); !errors.As(err, new(*imap.StatusError)) {
			t.Errorf("refused: %v", err)
		}
	})
	withMailboxes(t, "IMAP4rev1", `
		C: {a} LIST "" ""
		S: * LIST (\Noselect) "." ""
		S: {a} OK done
	`, func(t *testing.T, ctx context.Context, c *imapclient.Conn, _ *news) {
		ns, err := c.Namespace(ctx)
		if err != nil || len(ns.Personal) != 1 || ns.Personal[0].Delim != '.' || ns.Personal[0].Prefix != "" {
			t.Errorf("without NAMESPACE: %+v (%v)", ns, err)
		}
	})
}

func TestSpecialUses(t *testing.T) {
	withMailboxes(t, extended, `
		C: {a} LIST (SPECIAL-USE) "" *
		S: * LIST (\NonExistent \Sent) "/" "Sent Mail"
		S: * LIST (\Sent) "/" Sent
		S: * LIST (\Trash \Junk) "/" Away
		S: * LIST (\NonExistent \Drafts) "/" Drafts
		S: {a} OK done
	`, func(t *testing.T, ctx context.Context, c *imapclient.Conn, _ *news) {
		uses, err := c.SpecialUses(ctx)
		if err != nil {
			t.Error(err)
		}
		for use, want := range map[imap.Attr]string{
			imap.AttrSent: "Sent", imap.AttrTrash: "Away", imap.AttrJunk: "Away", imap.AttrDrafts: "Drafts", imap.AttrAll: "",
		} {
			if got := uses.Mailbox(use); got != want {
				t.Errorf("%s is %q, want %q", use, got, want)
			}
		}
		if len(uses[imap.AttrSent]) != 2 {
			t.Errorf("sent: %v", uses[imap.AttrSent])
		}
	})
	withMailboxes(t, basic, `
		C: {a} LIST "" *
		S: * LIST () "/" Sent
		S: {a} OK done
	`, func(t *testing.T, ctx context.Context, c *imapclient.Conn, _ *news) {
		if uses, err := c.SpecialUses(ctx); unsupported(err) != imap.CapSpecialUse {
			t.Errorf("%v (%v)", uses, err)
		}
	})
}

func TestGuessSpecialUses(t *testing.T) {
	rows := func(names ...string) (out []*imapclient.Listed) {
		for _, name := range names {
			out = append(out, &imapclient.Listed{List: imap.List{Mailbox: name, Delim: '/'}})
		}
		return out
	}
	for _, tt := range []struct {
		boxes []*imapclient.Listed
		use   imap.Attr
		want  string
	}{
		{rows("INBOX", "Sent"), imap.AttrSent, "Sent"},
		{rows("Sent Items", "Sent"), imap.AttrSent, "Sent"},
		{rows("INBOX/Gesendet"), imap.AttrSent, "INBOX/Gesendet"},
		{rows("[Gmail]/Entwürfe"), imap.AttrDrafts, "[Gmail]/Entwürfe"},
		{rows("ENTWU\u0308RFE"), imap.AttrDrafts, "ENTWU\u0308RFE"},
		{rows("projects/Sent"), imap.AttrSent, ""},
		{rows("Éléments supprimés"), imap.AttrTrash, "Éléments supprimés"},
		{rows("迷惑メール"), imap.AttrJunk, "迷惑メール"},
		{rows("Sentinel", "Trashy"), imap.AttrSent, ""},
		{[]*imapclient.Listed{{List: imap.List{Mailbox: "Sent", Attrs: []imap.Attr{imap.AttrNoSelect}}}}, imap.AttrSent, ""},
	} {
		if got := imapclient.GuessSpecialUses(tt.boxes).Mailbox(tt.use); got != tt.want {
			t.Errorf("%s among %s is %q, want %q", tt.use, listed(tt.boxes), got, tt.want)
		}
	}
}
