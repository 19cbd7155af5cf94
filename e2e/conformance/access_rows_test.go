package conformance

import (
	"slices"
	"strings"

	"github.com/pushmail/pushmail/e2e/daemon"
	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
)

var accessRows = []row{
	{name: "MYRIGHTS", needs: "ACL", covers: "MyRights", run: func(p *probe) {
		rights, err := p.c.MyRights(p.ctx, "INBOX")
		p.check(err)
		want(p, "may administer, read, insert", contains(rights, "ari"), true)
	}},
	{name: "SETACL, GETACL, DELETEACL", needs: "ACL", covers: "SetACL GetACL DeleteACL", run: func(p *probe) {
		p.raw(`CREATE "` + p.box("Shared") + `"`)
		rights := func() string {
			acl, err := p.c.GetACL(p.ctx, p.box("Shared"))
			p.check(err)
			i := slices.IndexFunc(acl.Rights, func(r imap.IdentifierRights) bool { return r.Identifier == "al" })
			if i < 0 {
				return ""
			}
			return acl.Rights[i].Rights
		}
		p.check(p.c.SetACL(p.ctx, p.box("Shared"), "al", imap.StoreReplace, "lrs"))
		want(p, "rights of al", sorted(rights()), "lrs")
		p.sees(`GETACL "`+p.box("Shared")+`"`, "al")
		p.check(p.c.SetACL(p.ctx, p.box("Shared"), "al", imap.StoreAdd, "i"))
		want(p, "with i", sorted(rights()), "ilrs")
		p.check(p.c.SetACL(p.ctx, p.box("Shared"), "al", imap.StoreRemove, "s"))
		want(p, "without s", sorted(rights()), "ilr")
		p.check(p.c.DeleteACL(p.ctx, p.box("Shared"), "al"))
		want(p, "deleted", rights(), "")
	}},
	{name: "LISTRIGHTS", needs: "ACL", covers: "ListRights", run: func(p *probe) {
		can, err := p.c.ListRights(p.ctx, "INBOX", "al")
		p.check(err)
		want(p, "identifier", can.Identifier, "al")
		want(p, "can be given", contains(can.Required+strings.Join(can.Optional, ""), "lri"), true)
	}},
	{name: "GETQUOTAROOT, GETQUOTA", needs: "QUOTA", covers: "GetQuotaRoot GetQuota", run: func(p *probe) {
		p.limit()
		p.seed(1)
		roots, err := p.c.GetQuotaRoot(p.ctx, "INBOX")
		p.check(err)
		if len(roots.Roots) == 0 {
			p.failf("INBOX has no quota: %+v", roots)
		}
		root := roots.Roots[0]
		if p.column.name == cyrusName {
			root = "user/" + p.user // as the administrator names it
		}
		quota, err := p.admin().GetQuota(p.ctx, root)
		p.check(err)
		got, ok := roots.Resource("STORAGE")
		if !ok || got.Limit != 1<<20 || !slices.Contains(quota.Resources, got) {
			p.failf("quotas %+v, quota %+v", roots, quota)
		}
	}},
	{name: "SETQUOTA", needs: "QUOTA", covers: "SetQuota", run: func(p *probe) {
		p.seed(1)
		roots, err := p.c.GetQuotaRoot(p.ctx, "INBOX")
		p.check(err)
		root := append(roots.Roots, "ROOT")[0]
		if p.column.name == cyrusName {
			root = "user/" + p.user // as the administrator names it
		}
		_, err = p.admin().SetQuota(p.ctx, root, imap.QuotaResource{Name: "STORAGE", Limit: 12345})
		p.check(err)
		p.sees("GETQUOTAROOT INBOX", " 12345)")
	}, odd: odd{
		dovecotName: {"only by admin", "quotas come from its configuration, and no user may change them"},
		courierName: {"No permission", "quotas are set by maildirmake, not over IMAP"},
	}},
	{name: "SETMETADATA, GETMETADATA of a mailbox", needs: "METADATA", covers: "SetMetadata GetMetadata", run: func(p *probe) {
		p.check(p.c.SetMetadata(p.ctx, "INBOX", imap.Attribute{Name: "/private/comment", Value: "two\r\nlines, ü"}))
		got, err := p.c.GetMetadata(p.ctx, "INBOX", nil, "/private/comment")
		p.check(err)
		value, ok := got.Get("/private/comment")
		want(p, "value", []any{value, ok}, []any{"two\r\nlines, ü", true})
		p.sees("GETMETADATA INBOX /private/comment", "two")
		p.check(p.c.SetMetadata(p.ctx, "INBOX", imap.Attribute{Name: "/private/comment", Nil: true}))
		got, err = p.c.GetMetadata(p.ctx, "INBOX", nil, "/private/comment")
		p.check(err)
		value, ok = got.Get("/private/comment")
		want(p, "removed", []any{value, ok}, []any{"", false})
	}},
	{name: "GETMETADATA (DEPTH, MAXSIZE)", needs: "METADATA", covers: "GetMetadata", run: func(p *probe) {
		p.check(p.c.SetMetadata(p.ctx, "INBOX", imap.Attribute{Name: "/private/comment", Value: strings.Repeat("x", 100)},
			imap.Attribute{Name: "/private/vendor/pushmail/short", Value: "y"}))
		got, err := p.c.GetMetadata(p.ctx, "INBOX", &imap.GetMetadataOptions{Depth: "infinity", MaxSize: 50}, "/private")
		p.check(err)
		short, ok := got.Get("/private/vendor/pushmail/short")
		_, long := got.Get("/private/comment")
		want(p, "short, long", []any{short, ok, long}, []any{"y", true, false})
		want(p, "size of what was left out", got.LongEntries, uint64(100))
	}},
	{name: "GETMETADATA of the server", needs: "METADATA|METADATA-SERVER", covers: "GetMetadata", run: func(p *probe) {
		p.check(p.c.SetMetadata(p.ctx, "", imap.Attribute{Name: "/private/vendor/pushmail/x", Value: "mine"}))
		got, err := p.c.GetMetadata(p.ctx, "", nil, "/private/vendor/pushmail/x")
		p.check(err)
		value, _ := got.Get("/private/vendor/pushmail/x")
		want(p, "value", value, "mine")
	}},
	{name: "GENURLAUTH, URLFETCH, RESETKEY", needs: "URLAUTH", covers: "GenURLAuth URLFetch ResetKey", run: func(p *probe) {
		p.seed(1)
		user := strings.ReplaceAll(p.user, " ", "%20")
		signed, err := p.c.GenURLAuth(p.ctx, "INTERNAL", "imap://"+user+"@localhost/INBOX/;uid=1;urlauth=user+"+user)
		p.check(err)
		content, err := p.c.URLFetch(p.ctx, signed...)
		p.check(err)
		want(p, "answers", len(content), 1)
		want(p, "content", string(content[0].Data), string(letter(1)))
		p.check(p.c.ResetKey(p.ctx, "INBOX"))
		content, err = p.c.URLFetch(p.ctx, signed...)
		if err == nil && len(content) > 0 && !content[0].Nil {
			p.failf("after RESETKEY the URL is still good: %q", content[0].Data)
		}
	}},
}

// admin is who may ask for quotas: the user or, with Cyrus, its administrator.
func (p *probe) admin() *imapclient.Conn {
	if p.column.name != cyrusName {
		return p.c
	}
	c := p.dial(p.options())
	p.check(c.Login(p.ctx, "admin", daemon.Password))
	return c
}

// limit gives the user a quota of 1 GiB where that is not done by configuration.
func (p *probe) limit() {
	if p.column.name != cyrusName {
		return
	}
	p.witness() // the first login makes INBOX
	admin := p.rawSession("admin")
	defer admin.Close()
	_, err := admin.Do("SETQUOTA user/" + p.user + " (STORAGE 1048576)")
	p.check(err)
}

func contains(rights, want string) bool {
	return !strings.ContainsFunc(want, func(r rune) bool { return !strings.ContainsRune(rights, r) })
}

func sorted(rights string) string {
	letters := []rune(rights)
	slices.Sort(letters)
	return string(letters)
}
