package mailbox

import "github.com/pushmail/pushmail/imap"

// condstoreRung asks for changed flags by mod-sequence. Expunges leave no trace there: mapping finds them.
type condstoreRung struct {
	mapping
	fetched bool // changed flags
}

func (*condstoreRung) method() Method { return ByCondStore }

func (c *condstoreRung) next(r *Resync) (Step, bool) {
	if step, more := c.mapping.next(r); more || r.rung != c {
		return step, more
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

func (c *condstoreRung) end(r *Resync, failed bool) {
	if failed || r.step.ChangedSince == 0 {
		c.mapping.end(r, failed)
	}
}
