package imapwire

import "github.com/pushmail/pushmail/imap"

// SelectParams appends the parameters of SELECT and EXAMINE, if any: CONDSTORE (RFC 7162 section
// 3.1.8), QRESYNC (section 3.2.5), which implies the other, and ANNOTATE (RFC 5257 section 4.2).
func (c *Command) SelectParams(condStore, annotate bool, q *imap.QResync) *Command {
	if !condStore && !annotate && q == nil {
		return c
	}
	return c.List(func(c *Command) {
		switch {
		case q != nil:
			c.Atom("QRESYNC").qresync(q)
		case condStore:
			c.Atom("CONDSTORE")
		}
		if annotate {
			c.Atom("ANNOTATE")
		}
	})
}

func (c *Command) qresync(q *imap.QResync) *Command {
	switch {
	case q.UIDValidity == 0 || q.ModSeq == 0:
		return c.fail("QRESYNC", "has no UIDVALIDITY or no mod-sequence")
	case q.Known.Dynamic() || q.MatchSeq.Dynamic() || q.MatchUID.Dynamic():
		return c.fail("QRESYNC", `has "*" in a set`)
	case q.MatchSeq.Len() != q.MatchUID.Len():
		return c.fail("QRESYNC", "has as sequence match two sets of different size")
	}
	return c.List(func(c *Command) {
		c.Number(uint64(q.UIDValidity)).ModSeq(q.ModSeq)
		if !q.Known.Empty() {
			c.Set(q.Known)
		}
		if !q.MatchSeq.Empty() {
			c.List(func(c *Command) { c.Set(q.MatchSeq).Set(q.MatchUID) })
		}
	})
}

// statusItem has the words of STATUS items, in the order in which they are sent.
var statusItemNames = []struct {
	item imap.StatusItems
	name string
}{
	{imap.StatusMessages, "MESSAGES"},
	{imap.StatusUIDNext, "UIDNEXT"},
	{imap.StatusUIDValidity, "UIDVALIDITY"},
	{imap.StatusUnseen, "UNSEEN"},
	{imap.StatusRecent, "RECENT"},
	{imap.StatusDeleted, "DELETED"},
	{imap.StatusSize, "SIZE"},
	{imap.StatusHighestModSeq, "HIGHESTMODSEQ"},
	{imap.StatusAppendLimit, "APPENDLIMIT"},
	{imap.StatusMailboxID, "MAILBOXID"},
	{imap.StatusDeletedStorage, "DELETED-STORAGE"},
}

// StatusItems appends the list of items for STATUS.
func (c *Command) StatusItems(items imap.StatusItems) *Command {
	if items == 0 {
		return c.fail("STATUS items", "are missing")
	}
	return c.List(func(c *Command) {
		for _, s := range statusItemNames {
			if items.Has(s.item) {
				c.Atom(s.name)
			}
		}
	})
}

// CreateUse appends the USE parameter of CREATE, if there is any use (RFC 6154 section 3).
func (c *Command) CreateUse(uses ...imap.Attr) *Command {
	if len(uses) == 0 {
		return c
	}
	return c.List(func(c *Command) {
		c.Atom("USE").List(func(c *Command) {
			for _, u := range uses {
				c.Flag(imap.Flag(u))
			}
		})
	})
}

// Quotas appends the resource limits of SETQUOTA (RFC 9208 section 4.1.3).
func (c *Command) Quotas(resources []imap.QuotaResource) *Command {
	return c.List(func(c *Command) {
		for _, r := range resources {
			c.Atom(r.Name)
			if r.Limit < 0 {
				c.fail("quota", "is negative")
			}
			c.Number(uint64(r.Limit))
		}
	})
}

// Rights appends the rights of SETACL (RFC 4314 section 3.1), which replace the old ones, or are added
// to or removed from them.
func (c *Command) Rights(mode imap.StoreMode, rights string) *Command {
	return c.AString(modePrefix(mode) + rights)
}

func modePrefix(mode imap.StoreMode) string {
	switch mode {
	case imap.StoreAdd:
		return "+"
	case imap.StoreRemove:
		return "-"
	}
	return ""
}
