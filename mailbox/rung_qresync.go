package mailbox

import "github.com/pushmail/pushmail/imap"

// qresyncRung starts with the old messages, takes out what VANISHED (EARLIER) names, and then trusts
// the map: the rows of new messages must fit it. Its cost is that of the changes.
type qresyncRung struct {
	mapped bool // the old messages that are left are the first ones of the mailbox
	fetch  fetchNew
}

func (*qresyncRung) method() Method { return ByQResync }

// opened looks at what SELECT brought.
func (q *qresyncRung) opened(r *Resync) {
	// RFC 7162 section 3.2: the mod-sequence grows with expunges as well, so nothing can have happened.
	if r.opened.Resumed || r.opened.HighestModSeq == r.old.highest || r.old.n == 0 {
		q.map_(r)
	}
}

// map_ says that everything that is gone was named.
func (q *qresyncRung) map_(r *Resync) {
	q.mapped = true
	switch {
	case r.orphan:
		r.descend("a row without a UID")
	case uint32(r.view.state.n) > r.view.count:
		r.descend("fewer messages exist than are known")
	}
}

func (q *qresyncRung) next(r *Resync) (Step, bool) {
	if q.mapped {
		return q.fetch.next(r)
	}
	return Step{
		Kind: FetchFlags, UIDs: imap.SetOfRange(1, r.old.last), ModSeq: true,
		ChangedSince: r.old.highest, Vanished: true,
	}, true
}

func (q *qresyncRung) feed(r *Resync, resp imap.Response) {
	if isEarlier(resp) {
		// RFC 7162 section 3.2.10.1: the numbers do not shift, they are those of what is left already.
		if !q.mapped {
			r.view.state.removeSet(resp.(*imap.Vanished).UIDs)
		}
		return
	}
	if q.mapped {
		r.apply(resp)
		return
	}
	r.loose(resp)
	if _, numbered := resp.(imap.Expunge); numbered && r.err == nil {
		r.descend("an expunge by number")
	}
}

func (q *qresyncRung) end(r *Resync, failed bool) {
	switch {
	case failed:
		r.descend("the server refused " + r.step.String())
	case !q.mapped:
		q.map_(r)
	case !q.fetch.end(r):
		r.descend("new messages were announced but not returned")
	}
}
