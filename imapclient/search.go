package imapclient

import (
	"context"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// SearchResult is what [Conn.Search] found.
type SearchResult struct {
	// UIDs are the messages found, as ranges.
	UIDs imap.UIDSet
	// ModSeq is the highest modification sequence of those found, if the search was by one.
	ModSeq imap.ModSeq
}

// Search finds messages of the selected mailbox by UID SEARCH (RFC 9051 section 6.4.4). Where the
// server offers ESEARCH (RFC 4731) the answer is as short as the ranges are.
func (c *Conn) Search(ctx context.Context, key imap.SearchKey) (*SearchResult, error) {
	if err := c.need(StateSelected); err != nil {
		return nil, err
	}
	res := &SearchResult{}
	var cmd *command
	_, err := c.execWith(ctx, "UID SEARCH", func(started *command, e *imapwire.Command) {
		cmd = started
		if c.Capabilities().Has(imap.CapESearch) {
			// RETURN () means the same, but some servers do not understand it.
			e.Raw("RETURN (ALL)")
		}
		e.Search(key)
	}, func(r imap.Response) bool {
		switch r := r.(type) {
		case *imap.Search: // some servers answer ESEARCH with it, too
			return !r.Sort && res.takeSearch(r)
		case *imap.ESearch:
			return (r.Tag == "" || r.Tag == cmd.tag) && res.takeESearch(r)
		}
		return false
	})
	return res, err
}

func (s *SearchResult) takeSearch(r *imap.Search) bool {
	more := make(imap.UIDSet, 0, len(r.Nums))
	for _, n := range r.Nums {
		more = append(more, imap.Range[imap.UID]{First: imap.UID(n), Last: imap.UID(n)})
	}
	s.UIDs = s.UIDs.Union(imap.Normalize(more))
	s.ModSeq = max(s.ModSeq, r.ModSeq)
	return true
}

func (s *SearchResult) takeESearch(r *imap.ESearch) bool {
	s.UIDs = s.UIDs.Union(r.All)
	s.ModSeq = max(s.ModSeq, r.ModSeq)
	return true
}
