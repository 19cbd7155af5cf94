package imapclient_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
)

func TestACL(t *testing.T) {
	withMailboxes(t, "IMAP4rev1 ACL RIGHTS=texk", `
		C: {a} GETACL "a b"
		S: * ACL other jo lrs
		S: * ACL "a b" jo lrswipkxtecda "-anyone" lr "al smith" ""
		S: {a} OK done
		C: {b} SETACL INBOX "-jo" "+kx"
		S: {b} OK done
		C: {c} SETACL INBOX jo ""
		S: {c} OK done
		C: {d} DELETEACL INBOX "al smith"
		S: {d} OK done
		C: {e} LISTRIGHTS INBOX jo
		S: * LISTRIGHTS inbox jo la lr swte i p k x c d
		S: {e} OK done
		C: {f} MYRIGHTS inbox
		S: * MYRIGHTS INBOX lrscd
		S: {f} OK done
		C: {g} MYRIGHTS x
		S: * MYRIGHTS y lr
		S: {g} OK done
	`, func(t *testing.T, ctx context.Context, c *imapclient.Conn, h *news) {
		acl, err := c.GetACL(ctx, "a b")
		want := []imap.IdentifierRights{{Identifier: "jo", Rights: "lrswipkxtea"}, {Identifier: "-anyone", Rights: "lr"}, {Identifier: "al smith"}}
		if err != nil || !slices.Equal(acl.Rights, want) {
			t.Errorf("ACL %+v (%v)", acl, err)
		}
		h.expect(t, "acl other")
		if err := c.SetACL(ctx, "INBOX", "-jo", imap.StoreAdd, "kx"); err != nil {
			t.Error(err)
		}
		if err := c.SetACL(ctx, "INBOX", "jo", imap.StoreReplace, ""); err != nil {
			t.Error(err)
		}
		if err := c.DeleteACL(ctx, "INBOX", "al smith"); err != nil {
			t.Error(err)
		}
		r, err := c.ListRights(ctx, "INBOX", "jo")
		if err != nil || r.Required != "la" || !slices.Equal(r.Optional, []string{"lr", "swte", "i", "p", "k", "x"}) {
			t.Errorf("rights %+v (%v)", r, err)
		}
		if mine, err := c.MyRights(ctx, "inbox"); err != nil || mine != "lrs" {
			t.Errorf("my rights %q (%v)", mine, err)
		}
		if _, err := c.MyRights(ctx, "x"); !errors.As(err, new(*imapclient.NoDataError)) {
			t.Errorf("rights of another: %v", err)
		}
		h.expect(t, "myrights y")
	})
}

// RFC 4314 section 2.1.1.
func TestRightsOfOldServersAreTranslated(t *testing.T) {
	for _, tt := range []struct{ sent, want string }{
		{"lrswipcda", "lrswipaktex"},
		{"lrc", "lrk"},
		{"lrd", "lrte"},
		{"lr", "lr"},
		{"lrte", "lrte"}, // it knows them after all
	} {
		script := "C: {a} MYRIGHTS x\nS: * MYRIGHTS x " + tt.sent + "\nS: {a} OK done"
		withMailboxes(t, "IMAP4rev1 ACL", script, func(t *testing.T, ctx context.Context, c *imapclient.Conn, _ *news) {
			if got, err := c.MyRights(ctx, "x"); err != nil || got != tt.want {
				t.Errorf("%q became %q (%v), want %q", tt.sent, got, err, tt.want)
			}
		})
	}
	for _, tt := range []struct {
		caps, rights, sent string
		missing            imap.Capability
	}{
		{"ACL", "lrswipkxtea", "lrswipacd", ""},
		{"ACL", "lrk", "lrc", ""},
		{"ACL", "te", "d", ""},
		{"ACL", "lrcd", "lrcd", ""},
		{"ACL", "lrt", "", "RIGHTS=T"},
		{"ACL", "lre", "", "RIGHTS=E"},
		{"ACL", "lrx", "", "RIGHTS=X"},
		{"ACL", "lrkx", "", "RIGHTS=X"},
		{"ACL RIGHTS=texk", "lrx", "lrx", ""},
		{"ACL ACL2=UNION", "lrk", "lrc", ""}, // Courier
	} {
		script := ""
		if tt.missing == "" {
			script = "C: {a} SETACL x jo \"+" + tt.sent + "\"\nS: {a} OK done"
		}
		withMailboxes(t, "IMAP4rev1 "+tt.caps, script, func(t *testing.T, ctx context.Context, c *imapclient.Conn, _ *news) {
			err := c.SetACL(ctx, "x", "jo", imap.StoreAdd, tt.rights)
			if unsupported(err) != tt.missing || (err == nil) != (tt.missing == "") {
				t.Errorf("%s, %q: %v", tt.caps, tt.rights, err)
			}
		})
	}
}

func TestQuota(t *testing.T) {
	withMailboxes(t, "IMAP4rev1 QUOTA QUOTASET QUOTA=RES-STORAGE QUOTA=RES-ANNOTATION-STORAGE", `
		C: {a} GETQUOTAROOT inbox
		S: * QUOTA "" (STORAGE 10 512 MESSAGE 1 2)
		S: * QUOTAROOT other ""
		S: * QUOTAROOT INBOX "" "user data"
		S: * QUOTA "user data" (storage 8589934592 8589934600 MAILBOX 1 5 ANNOTATION-STORAGE 3 4)
		S: {a} OK done
		C: {b} GETQUOTAROOT x
		S: * QUOTAROOT x
		S: {b} OK done
		C: {c} GETQUOTA "user data"
		S: * QUOTA other (STORAGE 1 2)
		S: * QUOTA "user data" ()
		S: {c} OK done
		C: {d} SETQUOTA "" (STORAGE 8589934592 MESSAGE 100)
		S: * QUOTA "" (STORAGE 1 8589934592 MESSAGE 1 100)
		S: {d} OK rounded
		C: {e} SETQUOTA "" ()
		S: {e} OK done
		C: {f} GETQUOTA x
		S: {f} OK done
		C: {g} GETQUOTAROOT x
		S: {g} OK done
	`, func(t *testing.T, ctx context.Context, c *imapclient.Conn, h *news) {
		roots, err := c.GetQuotaRoot(ctx, "inbox")
		if err != nil || !slices.Equal(roots.Roots, []string{"", "user data"}) || len(roots.Quotas) != 2 || len(roots.Quotas[1].Resources) != 3 {
			t.Errorf("roots %+v (%v)", roots, err)
		}
		h.expect(t, "quotaroot other")
		if r, ok := roots.Resource("STORAGE"); !ok || r.Limit != 8589934600 || r.Usage != 8589934592 {
			t.Errorf("tightest %+v", r)
		}
		if _, ok := roots.Resource("X"); ok {
			t.Error("a resource that is not there")
		}
		if roots, err := c.GetQuotaRoot(ctx, "x"); err != nil || len(roots.Roots) != 0 || len(roots.Quotas) != 0 {
			t.Errorf("without limit: %+v (%v)", roots, err)
		}
		q, err := c.GetQuota(ctx, "user data")
		if err != nil || q.Root != "user data" || len(q.Resources) != 0 {
			t.Errorf("quota %+v (%v)", q, err)
		}
		h.expect(t, "quota other")
		q, err = c.SetQuota(ctx, "", imap.QuotaResource{Name: "STORAGE", Limit: 1 << 33}, imap.QuotaResource{Name: "MESSAGE", Limit: 100, Usage: 7})
		if err != nil || q.Resources[0].Limit != 1<<33 {
			t.Errorf("set %+v (%v)", q, err)
		}
		if q, err := c.SetQuota(ctx, ""); err != nil || q != nil {
			t.Errorf("set nothing: %v (%v)", q, err)
		}
		if _, err := c.GetQuota(ctx, "x"); !errors.As(err, new(*imapclient.NoDataError)) {
			t.Errorf("GETQUOTA without an answer: %v", err)
		}
		if _, err := c.GetQuotaRoot(ctx, "x"); !errors.As(err, new(*imapclient.NoDataError)) {
			t.Errorf("GETQUOTAROOT without an answer: %v", err)
		}
		for _, bad := range []imap.QuotaResource{{Name: "STORAGE", Limit: -1}, {Name: "A B", Limit: 1}, {Limit: 1}} {
			if _, err := c.SetQuota(ctx, "", bad); !imapclient.SafeToRetry(err) {
				t.Errorf("%+v: %v", bad, err)
			}
		}
	})
	withMailboxes(t, "IMAP4rev1 QUOTA QUOTA=RES-STORAGE", ``, func(t *testing.T, ctx context.Context, c *imapclient.Conn, _ *news) {
		if _, err := c.SetQuota(ctx, ""); unsupported(err) != imap.CapQuotaSet {
			t.Errorf("without QUOTASET: %v", err)
		}
	})
	withMailboxes(t, "IMAP4rev1 QUOTA", `
		C: {a} SETQUOTA "" ()
		S: {a} OK done`, func(t *testing.T, ctx context.Context, c *imapclient.Conn, _ *news) {
		if _, err := c.SetQuota(ctx, ""); err != nil {
			t.Errorf("RFC 2087: %v", err)
		}
	})
}

func TestMetadata(t *testing.T) {
	withMailboxes(t, "IMAP4rev1 METADATA", `
		C: {a} GETMETADATA (MAXSIZE 1024 DEPTH infinity) "Entw&APw-rfe" (/private /shared/comment)
		S: * METADATA other (/private "x")
		S: * METADATA "Entw&APw-rfe" (/private/a "1" /private/b NIL)
		S: * METADATA "Entw&APw-rfe" /private/c
		S: * METADATA "Entw&APw-rfe" (/Shared/Comment {3}
		S-raw: "two)\r\n"
		S: {a} OK [METADATA LONGENTRIES 2199] done
		C: {b} GETMETADATA "" (/shared/admin)
		S: {b} OK done
		C: {c} SETMETADATA INBOX (/private/a "x" /private/b NIL /private/c {7}
		S: + go on
		C-raw: "two\r\nli)\r\n"
		S: {c} OK done
		C: {x} SETMETADATA nix (/private/c {7}
		S: {x} NO no such mailbox
		C: {d} SETMETADATA "" (/shared/comment "long")
		S: {d} NO [METADATA MAXSIZE 3] too long
	`, func(t *testing.T, ctx context.Context, c *imapclient.Conn, h *news) {
		m, err := c.GetMetadata(ctx, "Entwürfe", &imap.GetMetadataOptions{MaxSize: 1024, Depth: "infinity"}, "/private", "/shared/comment")
		if err != nil || m.LongEntries != 2199 || len(m.Values) != 2 {
			t.Errorf("%+v (%v)", m, err)
			return
		}
		for entry, want := range map[string]string{"/private/a": "1", "/shared/comment": "two"} {
			if got, ok := m.Get(entry); !ok || got != want {
				t.Errorf("%s is %q", entry, got)
			}
		}
		if v, ok := m.Get("/private/b"); ok {
			t.Errorf("an entry that is NIL is %q", v)
		}
		h.expect(t, "metadata other", "metadata Entwürfe")
		if m, err := c.GetMetadata(ctx, "", nil, "/shared/admin"); err != nil || len(m.Values) != 0 || m.LongEntries != 0 {
			t.Errorf("nothing there: %+v (%v)", m, err)
		}
		err = c.SetMetadata(ctx, "INBOX", imap.Attribute{Name: "/private/a", Value: "x"}, imap.Attribute{Name: "/private/b", Nil: true},
			imap.Attribute{Name: "/private/c", Value: "two\r\nli"})
		if err != nil {
			t.Error(err)
		}
		// Dovecot 2.3 would take the content for commands.
		if err := c.SetMetadata(ctx, "nix", imap.Attribute{Name: "/private/c", Value: "two\r\nli"}); !errors.As(err, new(*imap.StatusError)) {
			t.Errorf("SETMETADATA of no mailbox: %v", err)
		}
		var refused *imap.StatusError
		err = c.SetMetadata(ctx, "", imap.Attribute{Name: "/shared/comment", Value: "long"})
		if !errors.As(err, &refused) || !refused.HasCode(imap.CodeMetadata) || refused.Code.Words[0] != "MAXSIZE" || refused.Code.Num != 3 {
			t.Errorf("too long: %v", err)
		}
		if _, err := c.GetMetadata(ctx, "INBOX", nil); !imapclient.SafeToRetry(err) {
			t.Errorf("no entries: %v", err)
		}
		if err := c.SetMetadata(ctx, "INBOX"); !imapclient.SafeToRetry(err) {
			t.Errorf("no entries: %v", err)
		}
	})
}

// What is missing is named, and nothing is sent.
func TestMailboxExtensionsThatAreMissing(t *testing.T) {
	ok := func(_ any, err error) error { return err }
	withMailboxes(t, "IMAP4rev1 METADATA-SERVER", `
		C: {a} GETMETADATA "" (/shared/comment)
		S: {a} OK done
	`, func(t *testing.T, ctx context.Context, c *imapclient.Conn, _ *news) {
		for _, tt := range []struct {
			err  error
			want imap.Capability
		}{
			{ok(c.GetACL(ctx, "x")), imap.CapACL},
			{c.SetACL(ctx, "x", "jo", imap.StoreReplace, "l"), imap.CapACL},
			{c.DeleteACL(ctx, "x", "jo"), imap.CapACL},
			{ok(c.ListRights(ctx, "x", "jo")), imap.CapACL},
			{ok(c.MyRights(ctx, "x")), imap.CapACL},
			{ok(c.GetQuota(ctx, "")), imap.CapQuota},
			{ok(c.GetQuotaRoot(ctx, "x")), imap.CapQuota},
			{ok(c.SetQuota(ctx, "")), imap.CapQuota},
			{ok(c.GetMetadata(ctx, "x", nil, "/a")), imap.CapMetadata},
			{c.SetMetadata(ctx, "x", imap.Attribute{Name: "/a"}), imap.CapMetadata},
			{ok(c.GetMetadata(ctx, "", nil, "/shared/comment")), ""},
		} {
			if unsupported(tt.err) != tt.want || tt.want != "" && !imapclient.SafeToRetry(tt.err) {
				t.Errorf("error %v, want %q", tt.err, tt.want)
			}
		}
	})
}
