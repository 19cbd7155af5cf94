package conformance

import (
	"bytes"
	"slices"
	"strings"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
)

var mailboxRows = []row{
	{name: "NAMESPACE", needs: "NAMESPACE|IMAP4rev2", covers: "Namespace Delimiter", run: func(p *probe) {
		ns, err := p.c.Namespace(p.ctx)
		p.check(err)
		if len(ns.Personal) == 0 || !strings.HasPrefix(p.box("x"), ns.Personal[0].Prefix) {
			p.failf("personal namespaces %v", ns.Personal)
		}
		delim, err := p.c.Delimiter(p.ctx)
		p.check(err)
		want(p, "delimiter", ns.Personal[0].Delim, delim)
		p.sees(`LIST "" ""`, `"`+string(delim)+`"`)
	}},
	{name: "CREATE, RENAME, DELETE", covers: "Create Rename Delete", run: func(p *probe) {
		made, err := p.c.Create(p.ctx, p.box("Neue Post & mehr ü"))
		p.check(err)
		want(p, "name", made.Mailbox, p.box("Neue Post & mehr ü"))
		p.sees(`LIST "" "*"`, "Neue Post &- mehr &APw-")
		p.check(p.c.Rename(p.ctx, p.box("Neue Post & mehr ü"), p.box("Other")))
		p.misses(`LIST "" "*"`, "Neue Post")
		p.sees(`LIST "" "*"`, p.box("Other"))
		p.check(p.c.Delete(p.ctx, p.box("Other")))
		p.misses(`LIST "" "*"`, "Other")
	}},
	{name: "names in all scripts", covers: "Create Select Delete", run: func(p *probe) {
		p.hasName("日本語 Ωμέγα")
	}},
	{name: "names with emoji", covers: "Create Select Delete", run: func(p *probe) {
		p.hasName("Post 😀")
	}, odd: odd{courierName: {"NO Error in IMAP command", "no names with characters beyond 16 bits (two units in modified UTF-7)"}}},
	{name: "names with quotes and backslashes", covers: "Create Select Delete", run: func(p *probe) {
		p.hasName(`"quoted" back\slash`)
	}, odd: odd{cyrusName: {"NO Invalid mailbox name", "refuses such names"}}},
	{name: "CREATE (USE)", needs: "CREATE-SPECIAL-USE", covers: "Create", run: func(p *probe) {
		_, err := p.c.Create(p.ctx, p.box("Old"), imap.AttrArchive)
		p.check(err)
		uses, err := p.c.SpecialUses(p.ctx)
		p.check(err)
		want(p, "archive", uses.Mailbox(imap.AttrArchive), p.box("Old"))
		p.sees(`LIST (SPECIAL-USE) "" "*"`, `\Archive`)
	}},
	{name: "CREATE (MAILBOXID)", needs: "OBJECTID", covers: "Create", run: func(p *probe) {
		made, err := p.c.Create(p.ctx, p.box("With an id"))
		p.check(err)
		if made.ID == "" {
			p.check(&imapclient.UnsupportedError{Capability: imap.CapObjectID})
		}
		p.sees(`STATUS "`+p.box("With an id")+`" (MAILBOXID)`, made.ID)
		want(p, "id at SELECT", p.choose(p.box("With an id"), nil).MailboxID, made.ID)
	}},
	{name: "SUBSCRIBE, LSUB, UNSUBSCRIBE", covers: "Subscribe Unsubscribe Lsub", run: func(p *probe) {
		p.raw(`CREATE "` + p.box("News") + `"`)
		p.check(p.c.Subscribe(p.ctx, p.box("News")))
		p.sees(`LSUB "" "*"`, p.box("News"))
		subscribed, err := p.c.Lsub(p.ctx, "", "*")
		p.check(err)
		want(p, "subscribed", slices.ContainsFunc(subscribed, func(l *imap.List) bool { return l.Mailbox == p.box("News") }), true)
		p.check(p.c.Unsubscribe(p.ctx, p.box("News")))
		p.misses(`LSUB "" "*"`, p.box("News"))
	}},
	{name: "LIST", covers: "List", run: func(p *probe) {
		p.tree()
		want(p, "all", p.names(nil), "A A/B C")
		want(p, "INBOX", p.every(&imap.ListOptions{Patterns: []string{"INBOX"}}), "INBOX")
		want(p, "first level", p.names(&imap.ListOptions{Patterns: []string{p.box("%")}}), "A C")
	}},
	{name: "LIST, several patterns", needs: "LIST-EXTENDED|IMAP4rev2", covers: "List", run: func(p *probe) {
		p.tree()
		want(p, "two patterns", p.every(&imap.ListOptions{Patterns: []string{"INBOX", p.box("C")}}), "C INBOX")
	}},
	{name: "LIST (SUBSCRIBED)", needs: "LIST-EXTENDED|IMAP4rev2", covers: "List", run: func(p *probe) {
		p.tree()
		p.raw(`SUBSCRIBE "` + p.box("C") + `"`)
		want(p, "subscribed", p.names(&imap.ListOptions{Subscribed: true, Patterns: []string{p.box("*")}}), "C")
	}},
	{name: "LIST (SUBSCRIBED RECURSIVEMATCH)", needs: "LIST-EXTENDED|IMAP4rev2", covers: "List", run: func(p *probe) {
		p.tree()
		p.raw(`SUBSCRIBE "` + p.path("A/B") + `"`)
		boxes, err := p.c.List(p.ctx, &imap.ListOptions{Subscribed: true, RecursiveMatch: true, Patterns: []string{p.box("%")}})
		p.check(err)
		i := slices.IndexFunc(boxes, func(l *imapclient.Listed) bool { return l.Mailbox == p.box("A") })
		if i < 0 || !slices.Contains(boxes[i].ChildInfo, "SUBSCRIBED") {
			p.failf("listed %s", describe(boxes))
		}
	}, odd: odd{goimapName: {"listed", "leaves out mailboxes that have subscribed ones below"}}},
	{name: "LIST RETURN (SUBSCRIBED)", needs: "LIST-EXTENDED|IMAP4rev2", covers: "List", run: func(p *probe) {
		p.tree()
		p.raw(`SUBSCRIBE "` + p.box("C") + `"`)
		want(p, "subscribed", p.with(imap.AttrSubscribed, &imap.ListOptions{ReturnSubscribed: true, Patterns: []string{p.box("*")}}), "C")
	}},
	{name: "LIST RETURN (CHILDREN)", needs: "CHILDREN|LIST-EXTENDED|IMAP4rev2", covers: "List", run: func(p *probe) {
		p.tree()
		want(p, "with children", p.with(imap.AttrHasChildren, &imap.ListOptions{ReturnChildren: true, Patterns: []string{p.box("*")}}), "A")
		want(p, "without", p.with(imap.AttrHasNoChildren, &imap.ListOptions{ReturnChildren: true, Patterns: []string{p.box("*")}}), "A/B C")
	}, odd: odd{goimapName: {"with children: , want A", "says nothing about children"}}},
	{name: "LIST (SPECIAL-USE), LIST RETURN (SPECIAL-USE)", needs: "SPECIAL-USE", covers: "List SpecialUses", run: func(p *probe) {
		uses, err := p.c.SpecialUses(p.ctx)
		p.check(err)
		want(p, "drafts", uses.Mailbox(imap.AttrDrafts), p.box("Drafts"))
		want(p, "special", strings.Contains(p.every(&imap.ListOptions{SpecialUse: true}), "Drafts"), true)
		want(p, "drafts, listed", strings.Contains(p.withAny(imap.AttrDrafts, &imap.ListOptions{ReturnSpecialUse: true}), "Drafts"), true)
	}, odd: odd{goimapName: {"does not offer SPECIAL-USE", "IMAP4rev2 includes special uses, but no mailbox here has one"}}},
	{name: "LIST RETURN (STATUS)", needs: "LIST-STATUS|IMAP4rev2", covers: "List", run: func(p *probe) {
		p.seed(2)
		boxes, err := p.c.List(p.ctx, &imap.ListOptions{Patterns: []string{"INBOX"}, ReturnStatus: imap.StatusMessages | imap.StatusUIDNext})
		p.check(err)
		if len(boxes) != 1 || boxes[0].Status == nil || boxes[0].Status.Messages != 2 || boxes[0].Status.UIDNext != 3 {
			p.failf("listed %s", describe(boxes))
		}
	}},
	{name: "LIST RETURN (MYRIGHTS)", needs: "LIST-MYRIGHTS", covers: "List", run: func(p *probe) {
		boxes, err := p.c.List(p.ctx, &imap.ListOptions{Patterns: []string{"INBOX"}, ReturnMyRights: true})
		p.check(err)
		rights, err := p.c.MyRights(p.ctx, "INBOX")
		p.check(err)
		if len(boxes) != 1 || boxes[0].MyRights != rights || !strings.Contains(rights, "r") {
			p.failf("listed %s, rights %q", describe(boxes), rights)
		}
	}},
	{name: "LIST RETURN (METADATA)", needs: "LIST-METADATA", covers: "List", run: func(p *probe) {
		p.check(p.c.SetMetadata(p.ctx, "INBOX", imap.Attribute{Name: "/private/comment", Value: "mine"}))
		boxes, err := p.c.List(p.ctx, &imap.ListOptions{Patterns: []string{"INBOX"}, ReturnMetadata: []string{"/private/comment"}})
		p.check(err)
		if len(boxes) != 1 || len(boxes[0].Metadata) != 1 || boxes[0].Metadata[0].Value != "mine" {
			p.failf("listed %s", describe(boxes))
		}
	}},
	{name: "XLIST", needs: "XLIST", covers: "XList", run: func(p *probe) {
		boxes, err := p.c.XList(p.ctx, "", "*")
		p.check(err)
		want(p, "drafts", slices.ContainsFunc(boxes, func(l *imap.List) bool { return l.Mailbox == p.box("Drafts") && l.Has(imap.AttrDrafts) }), true)
	}},
	{name: "STATUS", covers: "Status", run: func(p *probe) {
		p.seed(3)
		p.change(`STORE 1 +FLAGS.SILENT (\Seen)`)
		st, err := p.c.Status(p.ctx, "INBOX", imap.StatusMessages|imap.StatusUIDNext|imap.StatusUIDValidity|imap.StatusUnseen|imap.StatusRecent)
		p.check(err)
		want(p, "messages, next UID, unseen", []uint32{st.Messages, uint32(st.UIDNext), st.Unseen}, []uint32{3, 4, 2})
		want(p, "UIDVALIDITY", st.UIDValidity, p.choose("INBOX", nil).UIDValidity)
	}},
	{name: "STATUS (SIZE)", needs: "STATUS=SIZE|IMAP4rev2", covers: "Status", run: func(p *probe) {
		p.open(2)
		st, err := p.c.Status(p.ctx, "INBOX", imap.StatusSize)
		p.check(err)
		sum := int64(0)
		for _, m := range p.rows(imap.UIDs(1, 2), &imap.FetchOptions{Items: imap.ItemSize}) {
			sum += m.Size
		}
		want(p, "size", st.Size, sum)
	}},
	{name: "STATUS (HIGHESTMODSEQ)", needs: "CONDSTORE", covers: "Status", run: func(p *probe) {
		p.seed(1)
		st, err := p.c.Status(p.ctx, "INBOX", imap.StatusHighestModSeq)
		p.check(err)
		if st.HighestModSeq == 0 {
			p.failf("no mod-sequence: %+v", st)
		}
		p.change(`STORE 1 +FLAGS.SILENT (\Seen)`)
		later, err := p.c.Status(p.ctx, "INBOX", imap.StatusHighestModSeq)
		p.check(err)
		if later.HighestModSeq <= st.HighestModSeq {
			p.failf("%d, and %d after a change", st.HighestModSeq, later.HighestModSeq)
		}
	}},
	{name: "STATUS (MAILBOXID)", needs: "OBJECTID", covers: "Status", run: func(p *probe) {
		st, err := p.c.Status(p.ctx, "INBOX", imap.StatusMailboxID)
		p.check(err)
		want(p, "id", st.MailboxID, p.choose("INBOX", nil).MailboxID)
		want(p, "there is an id", st.MailboxID != "", true)
	}},
	{name: "SELECT", covers: "Select", run: func(p *probe) {
		p.seed(2)
		box := p.choose("INBOX", nil)
		want(p, "messages, next UID, read-only", []any{box.Exists, box.UIDNext, box.ReadOnly}, []any{2, 3, false})
		if box.UIDValidity == 0 || len(box.PermanentFlags) == 0 {
			p.failf("selected %+v", box)
		}
	}, odd: odd{courierName: {`\[2 0 false\], want \[2 3 false\]`, "says no UIDNEXT"}}},
	{name: "SELECT of nothing", covers: "Select", run: func(p *probe) {
		_, err := p.c.Select(p.ctx, p.box("nothing"), nil)
		if err == nil || p.c.State() != imapclient.StateAuthenticated {
			p.failf("select of nothing: %v, state %v", err, p.c.State())
		}
	}},
	{name: "EXAMINE", covers: "Select", run: func(p *probe) {
		p.seed(1)
		want(p, "read-only", p.choose("INBOX", &imap.SelectOptions{ReadOnly: true}).ReadOnly, true)
		// Some servers say NO, others say OK and do nothing.
		_, _ = p.c.Store(p.ctx, imap.UIDs(1), &imap.StoreOptions{Mode: imap.StoreAdd, Flags: []imap.Flag{imap.FlagFlagged}})
		p.misses("FETCH 1 FLAGS", `\Flagged`)
	}, odd: odd{
		goimapName:  {"is in", "EXAMINE does not make the mailbox read-only: STORE changes flags"},
		courierName: {"is in", "EXAMINE does not make the mailbox read-only: STORE changes flags"},
	}},
	{name: "SELECT (CONDSTORE)", needs: "CONDSTORE", covers: "Select", run: func(p *probe) {
		p.seed(1)
		box := p.choose("INBOX", &imap.SelectOptions{CondStore: true})
		if box.HighestModSeq == 0 {
			p.check(&imapclient.UnsupportedError{Capability: imap.CapCondStore})
		}
		p.change(`STORE 1 +FLAGS.SILENT (\Flagged)`)
		p.check(p.c.Noop(p.ctx))
		p.hears("a change with its mod-sequence", func(r imap.Response) bool {
			m, ok := r.(*imap.Message)
			return ok && m.ModSeq > box.HighestModSeq
		})
	}},
	{name: "SELECT (QRESYNC)", needs: "QRESYNC", covers: "Select", run: func(p *probe) {
		p.resync(imap.QResync{})
	}},
	{name: "SELECT (QRESYNC), known UIDs and a sequence match", needs: "QRESYNC", covers: "Select", run: func(p *probe) {
		p.resync(imap.QResync{Known: imap.SetOfRange[imap.UID](1, 5), MatchSeq: imap.SetOf[imap.SeqNum](1, 3), MatchUID: imap.UIDs(1, 3)})
	}},
	{name: "CLOSE", covers: "CloseMailbox", run: func(p *probe) {
		p.open(2)
		p.change(`STORE 1 +FLAGS.SILENT (\Deleted)`)
		p.check(p.c.CloseMailbox(p.ctx))
		want(p, "state", p.c.State(), imapclient.StateAuthenticated)
		want(p, "left", p.uids(), "[2]")
	}},
	{name: "UNSELECT", needs: "UNSELECT|IMAP4rev2", covers: "Unselect", run: func(p *probe) {
		p.open(2)
		p.change(`STORE 1 +FLAGS.SILENT (\Deleted)`)
		p.check(p.c.Unselect(p.ctx))
		want(p, "state", p.c.State(), imapclient.StateAuthenticated)
		want(p, "left", p.uids(), "[1 2]")
	}},
	{name: "CHECK", covers: "Check", run: func(p *probe) {
		p.open(1)
		p.check(p.c.Check(p.ctx))
		want(p, "left", p.uids(), "[1]")
	}},
}

// hasName makes a mailbox, finds it, puts a message into it, and deletes it.
func (p *probe) hasName(name string) {
	_, err := p.c.Create(p.ctx, p.box(name))
	p.check(err)
	boxes, err := p.c.List(p.ctx, nil)
	p.check(err)
	if !slices.ContainsFunc(boxes, func(l *imapclient.Listed) bool { return l.Mailbox == p.box(name) }) {
		p.failf("listed %s", describe(boxes))
	}
	_, err = p.c.Append(p.ctx, p.box(name), bytes.NewReader(letter(1)), int64(len(letter(1))), nil)
	p.check(err)
	st, err := p.c.Status(p.ctx, p.box(name), imap.StatusMessages)
	p.check(err)
	want(p, "messages by STATUS", st.Messages, 1)
	want(p, "messages by SELECT", p.choose(p.box(name), nil).Exists, 1)
	p.check(p.c.Unselect(p.ctx))
	p.check(p.c.Delete(p.ctx, p.box(name)))
	if _, err := p.c.Select(p.ctx, p.box(name), nil); err == nil {
		p.failf("it is still there")
	}
}

// tree makes the mailboxes A, A/B and C, and takes those away that the server made.
func (p *probe) tree() {
	for _, name := range []string{"A", "A/B", "C"} {
		p.raw(`CREATE "` + p.path(name) + `"`)
	}
}

// path is the name of a mailbox whose levels are separated by "/", as the server has it.
func (p *probe) path(name string) string {
	if strings.HasSuffix(p.column.prefix, ".") {
		name = strings.ReplaceAll(name, "/", ".")
	}
	return p.box(name)
}

// listed are names of what LIST gives, without prefix, "/" between levels, sorted.
func (p *probe) listed(o *imap.ListOptions, which func(*imapclient.Listed) bool) []string {
	boxes, err := p.c.List(p.ctx, o)
	p.check(err)
	var names []string
	for _, l := range boxes {
		if which(l) {
			name := strings.TrimPrefix(l.Mailbox, p.column.prefix)
			names = append(names, strings.ReplaceAll(name, ".", "/"))
		}
	}
	slices.Sort(names)
	return names
}

// every is all that is listed.
func (p *probe) every(o *imap.ListOptions) string {
	return strings.Join(p.listed(o, func(*imapclient.Listed) bool { return true }), " ")
}

// names is every without what the server made by itself.
func (p *probe) names(o *imap.ListOptions) string { return without(p.every(o)) }

func (p *probe) withAny(attr imap.Attr, o *imap.ListOptions) string {
	return strings.Join(p.listed(o, func(l *imapclient.Listed) bool { return l.Has(attr) }), " ")
}

// with is what is listed with an attribute, without what the server made by itself.
func (p *probe) with(attr imap.Attr, o *imap.ListOptions) string { return without(p.withAny(attr, o)) }

func without(names string) string {
	made := []string{"INBOX", "Drafts", "Sent", "Trash"}
	return strings.Join(slices.DeleteFunc(strings.Fields(names), func(n string) bool { return slices.Contains(made, n) }), " ")
}

func describe(boxes []*imapclient.Listed) string {
	var words []string
	for _, l := range boxes {
		words = append(words, strings.TrimSpace(l.Mailbox), strings.Join(attrs(l), ","))
	}
	return strings.Join(words, " ")
}

func attrs(l *imapclient.Listed) []string {
	var words []string
	for _, a := range l.Attrs {
		words = append(words, string(a))
	}
	return words
}

// resync has things happen while nobody looks, and wants to be told of them by SELECT.
func (p *probe) resync(q imap.QResync) {
	p.seed(5)
	_, err := p.c.Enable(p.ctx, imap.CapQResync)
	p.check(err)
	if !p.c.Enabled().Has(imap.CapQResync) {
		p.check(&imapclient.UnsupportedError{Capability: imap.CapQResync})
	}
	before := p.choose("INBOX", nil)
	p.check(p.c.Unselect(p.ctx))
	p.raw(`STORE 2 +FLAGS.SILENT (\Flagged)`)
	p.check(p.witness().Expunge(4))
	q.UIDValidity, q.ModSeq = before.UIDValidity, before.HighestModSeq
	after := p.choose("INBOX", &imap.SelectOptions{QResync: &q})
	var flagged, vanished bool
	for _, r := range after.Changes {
		switch r := r.(type) {
		case *imap.Message:
			flagged = flagged || r.UID == 2 && imap.HasFlag(r.Flags, imap.FlagFlagged)
		case *imap.Vanished:
			vanished = vanished || r.Earlier && r.UIDs.Contains(4) && !r.UIDs.Contains(3)
		}
	}
	if !flagged || !vanished {
		p.failf("told at SELECT: %v", after.Changes)
	}
}
