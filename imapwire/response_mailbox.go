package imapwire

import (
	"strings"

	"github.com/pushmail/pushmail/imap"
)

func (w *responseWriter) list(l *imap.List) {
	switch l.Kind {
	case imap.ListKindLsub:
		w.begin("LSUB")
	case imap.ListKindXList:
		w.begin("XLIST")
	default:
		w.begin("LIST")
	}
	w.raw(" (")
	for i, a := range l.Attrs {
		if i > 0 {
			w.sp()
		}
		w.flag(string(a))
	}
	w.raw(") ").delimiter(l.Delim).sp().mailbox(l.Mailbox)
	w.listExtensions(l)
}

// listExtensions writes extended data (RFC 5258 section 6), if there are any.
func (w *responseWriter) listExtensions(l *imap.List) {
	if len(l.ChildInfo) == 0 && l.OldName == "" && l.MyRights == "" && len(l.Unknown) == 0 {
		return
	}
	w.raw(" (")
	first := len(w.dst)
	if len(l.ChildInfo) > 0 {
		w.raw(`"CHILDINFO" (`)
		for i, c := range l.ChildInfo {
			if i > 0 {
				w.sp()
			}
			w.string(c)
		}
		w.raw(")")
	}
	if l.OldName != "" {
		w.next(first).raw(`"OLDNAME" (`).mailbox(l.OldName).raw(")")
	}
	if l.MyRights != "" {
		w.next(first).raw(`"MYRIGHTS" `).string(l.MyRights)
	}
	for _, u := range l.Unknown {
		w.next(first).string(u.Name).sp().rawValue(u.Value)
	}
	w.raw(")")
}

// delimiter writes a hierarchy delimiter.
func (w *responseWriter) delimiter(r rune) *responseWriter {
	if r == 0 {
		return w.raw("NIL")
	}
	return w.string(string(r))
}

// mailboxStatus writes a STATUS response (RFC 9051 section 7.3.3).
func (w *responseWriter) mailboxStatus(s *imap.MailboxStatus) {
	w.begin("STATUS")
	w.sp().mailbox(s.Mailbox).raw(" (")
	first := len(w.dst)
	for _, it := range statusItemNames {
		if s.Items.Has(it.item) {
			w.next(first).raw(it.name).sp().statusItem(s, it.item)
		}
	}
	for _, u := range s.Unknown {
		w.next(first).atom(u.Name).sp().rawValue(u.Value)
	}
	w.raw(")")
}

func (w *responseWriter) statusItem(s *imap.MailboxStatus, item imap.StatusItems) {
	switch item {
	case imap.StatusMessages:
		w.number(uint64(s.Messages))
	case imap.StatusUIDNext:
		w.number(uint64(s.UIDNext))
	case imap.StatusUIDValidity:
		w.number(uint64(s.UIDValidity))
	case imap.StatusUnseen:
		w.number(uint64(s.Unseen))
	case imap.StatusRecent:
		w.number(uint64(s.Recent))
	case imap.StatusDeleted:
		w.number(uint64(s.Deleted))
	case imap.StatusSize:
		w.number63(s.Size)
	case imap.StatusDeletedStorage:
		w.number63(s.DeletedStorage)
	case imap.StatusHighestModSeq:
		w.modSeq(s.HighestModSeq)
	case imap.StatusMailboxID:
		w.objectID(s.MailboxID)
	case imap.StatusAppendLimit:
		if s.AppendLimit == -1 {
			w.raw("NIL")
		} else {
			w.number63(s.AppendLimit)
		}
	}
}

func (w *responseWriter) namespaces(n *imap.Namespaces) {
	w.begin("NAMESPACE")
	for _, list := range [...][]imap.Namespace{n.Personal, n.Other, n.Shared} {
		w.sp().namespaceList(list)
	}
}

func (w *responseWriter) namespaceList(list []imap.Namespace) {
	if len(list) == 0 {
		w.raw("NIL")
		return
	}
	w.raw("(")
	for _, n := range list {
		w.raw("(").string(MailboxToWire(n.Prefix, w.utf8)).sp().delimiter(n.Delim)
		for _, e := range n.Extensions {
			w.sp().string(e.Name).sp().rawValue(e.Value)
		}
		w.raw(")")
	}
	w.raw(")")
}

func (w *responseWriter) id(id *imap.ID) {
	w.begin("ID")
	if id.Pairs == nil {
		w.raw(" NIL")
		return
	}
	w.sp().attributes(id.Pairs, w.string)
}

func (w *responseWriter) quota(q *imap.Quota) {
	w.begin("QUOTA")
	w.sp().mailbox(q.Root).raw(" (")
	for i, r := range q.Resources {
		if i > 0 {
			w.sp()
		}
		w.atom(r.Name).sp().number63(r.Usage).sp().number63(r.Limit)
	}
	w.raw(")")
}

func (w *responseWriter) quotaRoot(q *imap.QuotaRoot) {
	w.begin("QUOTAROOT")
	w.sp().mailbox(q.Mailbox)
	for _, root := range q.Roots {
		w.sp().mailbox(root)
	}
}

func (w *responseWriter) acl(a *imap.ACL) {
	w.begin("ACL")
	w.sp().mailbox(a.Mailbox)
	for _, r := range a.Rights {
		w.sp().aString(r.Identifier).sp().aString(r.Rights)
	}
}

func (w *responseWriter) listRights(l *imap.ListRights) {
	w.begin("LISTRIGHTS")
	w.sp().mailbox(l.Mailbox).sp().aString(l.Identifier).sp().aString(l.Required)
	for _, r := range l.Optional {
		w.sp().aString(r)
	}
}

// metadata writes a METADATA response in one of its two forms (RFC 5464 section 4.4).
func (w *responseWriter) metadata(m *imap.Metadata) {
	w.begin("METADATA")
	w.sp().mailbox(m.Mailbox)
	switch {
	case (m.Values != nil) == (len(m.Changed) > 0):
		w.fail("has neither values nor changed entries, or both")
	case m.Values != nil:
		w.sp().attributes(m.Values, w.aString)
	default:
		for _, name := range m.Changed {
			w.sp().aString(name)
		}
	}
}

func (w *responseWriter) genURLAuth(g *imap.GenURLAuth) {
	w.begin("GENURLAUTH")
	if len(g.URLs) == 0 {
		w.fail("has no URL")
	}
	for _, url := range g.URLs {
		w.sp().aString(url)
	}
}

func (w *responseWriter) urlFetch(f *imap.URLFetch) {
	w.begin("URLFETCH")
	if len(f.Contents) == 0 {
		w.fail("has no URL")
	}
	for _, c := range f.Contents {
		w.sp().aString(c.URL).sp().nullable(c.Data, c.Nil)
	}
}

func (w *responseWriter) unknown(u *imap.Unknown) {
	if u.Num != 0 {
		w.numbered(u.Num, u.Name)
	} else {
		w.begin(u.Name)
	}
	if !isAtom(u.Name) || strings.ContainsAny(u.Name[:1], "0123456789") {
		w.fail("has no name")
	}
	w.trailer(u.Data)
}

func (w *responseWriter) comparator(r *imap.Comparator) {
	w.begin("COMPARATOR")
	if r.Active == "" && len(r.Matching) == 0 {
		return
	}
	w.sp().string(r.Active)
	if len(r.Matching) > 0 {
		w.sp().strings(r.Matching)
	}
}
