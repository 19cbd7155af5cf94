package mailbox

import "github.com/pushmail/pushmail/imap"

// maxSearches bounds how often the UIDs are searched for until their number is that of the messages.
const maxSearches = 3

// condstoreRung asks for changed flags by mod-sequence. Expunges leave no trace there: what is gone is
// found by counting, and by a search where the count leaves a doubt.
//
// Counting alone proves the old messages to be the first ones of the mailbox in two cases:
//
//   - UIDNEXT is the same and as many exist as were known. Without an addition (RFC 9051 section
//     2.3.1.1: UIDNEXT must change with each) the same number means the same messages.
//   - the last known message still has the number that it had: as many lie below it as did, and nothing
//     was added there. So its row is fetched together with those of new messages.
//
// Equal numbers alone prove nothing: as many may have come as have gone. An equal HIGHESTMODSEQ proves
// that no flags changed, but not that nothing is gone: only QRESYNC (RFC 7162 section 3.2) makes the
// server count expunges.
type condstoreRung struct {
	search bool // counting did not do
	doubt  bool // which messages have which numbers is not known: search
	proven bool // the first messages are those that are known
	seq    imap.SeqNum
	uid    imap.UID // of the last known message, which has the number seq if all is well

	searches int
	found    imap.UIDSet
	answered bool
	fetched  bool // changed flags
	fetch    fetchNew
}

// newCondstoreRung counts what SELECT said.
func newCondstoreRung(r *Resync) *condstoreRung {
	o, known := &r.opened, uint32(r.old.n)
	c := &condstoreRung{proven: known == 0 || o.Exists == known && o.UIDNext != 0 && o.UIDNext == r.old.uidNext}
	c.seq, c.uid = imap.SeqNum(known), r.old.UIDAt(imap.SeqNum(known))
	if o.Exists < known {
		c.search, c.doubt = true, true
	}
	return c
}

func (*condstoreRung) method() Method { return ByCondStore }

func (c *condstoreRung) next(r *Resync) (Step, bool) {
	if c.doubt {
		if c.searches++; c.searches > maxSearches {
			r.descend("searches found another number of messages than exist")
			return Step{}, false
		}
		c.found, c.answered = nil, false
		return Step{Kind: SearchAll, ReturnAll: r.opened.ESearch}, true
	}
	if step, more := c.fetch.next(r); more {
		if !c.proven {
			step.UIDs = step.UIDs.Union(imap.UIDs(c.uid))
		}
		return step, true
	}
	if !c.proven {
		r.descend("the last known message is gone or has moved")
		return Step{}, false
	}
	changed := c.search || r.opened.HighestModSeq != r.old.highest
	if c.fetched || !changed || r.old.n == 0 {
		return Step{}, false
	}
	c.fetched = true
	return Step{
		Kind: FetchFlags, UIDs: imap.SetOfRange(1, r.old.last), ModSeq: true, ChangedSince: r.old.highest,
	}, true
}

func (c *condstoreRung) feed(r *Resync, resp imap.Response) {
	switch {
	case isEarlier(resp):
	case c.doubt && c.result(resp):
		c.mapFound(r)
	case c.doubt:
		r.loose(resp)
	default:
		r.apply(resp)
		// An expunge by number may hit the wrong message in a map that is only assumed. But then the last
		// known one never has its old number again, so nothing is proven and the search starts afresh.
		if m, ok := resp.(*imap.Message); ok && m.UID == c.uid && m.SeqNum == c.seq {
			c.proven = true
		}
	}
}

// result takes in a result of the search, and reports whether resp is one. Cyrus 2.4 answers SEARCH
// RETURN with "* SEARCH", and results may come in several lines.
func (c *condstoreRung) result(resp imap.Response) bool {
	switch resp := resp.(type) {
	case *imap.ESearch:
		if !resp.UID && len(resp.All) > 0 {
			return false
		}
		c.found = c.found.Union(resp.All)
	case *imap.Search:
		uids := make(imap.UIDSet, 0, len(resp.Nums))
		for _, n := range resp.Nums {
			if n != 0 {
				uids = append(uids, imap.Range[imap.UID]{First: imap.UID(n), Last: imap.UID(n)})
			}
		}
		c.found = c.found.Union(imap.Normalize(uids))
	default:
		return false
	}
	c.answered = true
	return true
}

// mapFound makes the result the map, if it has as many UIDs as there are messages. It may lack one that
// is gone although the server has not said so, or have one that it has not announced: search again then.
func (c *condstoreRung) mapFound(r *Resync) {
	s := r.view.state
	if c.found.Len() != uint64(r.view.count) || c.found.Dynamic() {
		return
	}
	was := s.UIDs()
	if added := c.found.Subtract(was); len(added) > 0 && added.Min() <= s.last {
		r.descend("a UID appeared below those that were known")
		return
	}
	s.removeSet(was.Subtract(c.found))
	c.doubt, c.proven = false, true
}

func (c *condstoreRung) end(r *Resync, failed bool) {
	switch {
	case failed:
		c.search = true // which would be refused as well
		r.descend("the server refused " + r.step.String())
	case r.step.Kind == SearchAll:
		if c.doubt && !c.answered && r.view.count == 0 {
			c.mapFound(r) // some servers say nothing where there is nothing
		}
	case r.step.ChangedSince == 0 && !c.fetch.end(r):
		r.descend("new messages were announced but not returned")
	}
}
