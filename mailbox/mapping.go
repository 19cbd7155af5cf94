package mailbox

import "github.com/pushmail/pushmail/imap"

// maxSearches bounds how often the UIDs are searched for until their number is that of the messages.
const maxSearches = 3

// mapping finds out which of the messages that were known are left, and which came, where the server
// does not keep a record of expunges: by counting, and by a search where the count leaves a doubt.
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
type mapping struct {
	search bool // counting did not do
	doubt  bool // which messages have which numbers is not known: search
	proven bool // the first messages are those that are known
	seq    imap.SeqNum
	uid    imap.UID // of the last known message, which has the number seq if all is well

	searches int
	found    imap.UIDSet
	answered bool
	fetch    fetchNew
}

// newMapping counts what SELECT said.
func newMapping(r *Resync) mapping {
	o, known := &r.opened, uint32(r.old.n)
	m := mapping{proven: known == 0 || o.Exists == known && o.UIDNext != 0 && o.UIDNext == r.old.UIDNext()}
	m.seq, m.uid = imap.SeqNum(known), r.old.UIDAt(imap.SeqNum(known))
	if o.Exists < known || r.old.renewed() {
		m.search, m.doubt = true, true
	}
	return m
}

// next returns the next command, false when the map is known, or left for a search.
func (m *mapping) next(r *Resync) (Step, bool) {
	if m.doubt {
		if m.searches++; m.searches > maxSearches {
			r.descend("searches found another number of messages than exist")
			return Step{}, false
		}
		m.found, m.answered = nil, false
		return Step{Kind: SearchAll, ReturnAll: r.opened.ESearch}, true
	}
	if step, more := m.fetch.next(r); more {
		if !m.proven {
			step.UIDs = step.UIDs.Union(imap.UIDs(m.uid))
		}
		return step, true
	}
	if !m.proven {
		r.descend("the last known message is gone or has moved")
	}
	return Step{}, false
}

func (m *mapping) feed(r *Resync, resp imap.Response) {
	switch {
	case isEarlier(resp):
	case m.doubt && m.result(resp):
		m.mapFound(r)
	case m.doubt:
		r.loose(resp)
	default:
		r.apply(resp)
		// An expunge by number may hit the wrong message in a map that is only assumed. But then the last
		// known one never has its old number again, so nothing is proven and the search starts afresh.
		if row, ok := resp.(*imap.Message); ok && row.UID == m.uid && row.SeqNum == m.seq {
			m.proven = true
		}
	}
}

// result takes in a result of the search, and reports whether resp is one.
func (m *mapping) result(resp imap.Response) bool {
	found, ok := numbersFound(resp, true)
	if ok {
		m.found, m.answered = m.found.Union(found), true
	}
	return ok
}

// numbersFound returns what a response found, by UID or not, and reports whether it is a result. Cyrus 2.4 answers
// SEARCH RETURN with "* SEARCH", and results may come in several lines.
func numbersFound(resp imap.Response, byUID bool) (imap.UIDSet, bool) {
	switch resp := resp.(type) {
	case *imap.ESearch:
		return resp.All, resp.UID == byUID || len(resp.All) == 0
	case *imap.Search:
		nums := make(imap.UIDSet, 0, len(resp.Nums))
		for _, n := range resp.Nums {
			if n != 0 {
				nums = append(nums, imap.Range[imap.UID]{First: imap.UID(n), Last: imap.UID(n)})
			}
		}
		return imap.Normalize(nums), true
	}
	return nil, false
}

// mapFound makes the result the map, if it has as many UIDs as there are messages. It may lack one that
// is gone although the server has not said so, or have one that it has not announced: search again then.
func (m *mapping) mapFound(r *Resync) {
	s := r.view.state
	if m.found.Len() != uint64(r.view.count) || m.found.Dynamic() {
		return
	}
	was := s.UIDs()
	if added := m.found.Subtract(was); len(added) > 0 && added.Min() <= s.last {
		r.descend("a UID appeared below those that were known")
		return
	}
	s.removeSet(was.Subtract(m.found))
	m.doubt, m.proven = false, true
}

// end is told that a step of next has ended.
func (m *mapping) end(r *Resync, failed bool) {
	switch {
	case failed:
		m.search = true // which would be refused as well
		r.descend("the server refused " + r.step.String())
	case r.step.Kind == SearchAll:
		if m.doubt && !m.answered && r.view.count == 0 {
			m.mapFound(r) // some servers say nothing where there is nothing
		}
	case !m.fetch.end(r):
		r.descend("new messages were announced but not returned")
	}
}
