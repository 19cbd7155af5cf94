package imapclient

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapsort"
	"github.com/pushmail/pushmail/imapwire"
)

var errNoSortKeys = &imapwire.ArgumentError{Command: "SORT", Argument: "sort keys", Position: 1, Reason: "are missing"}

// Sort finds messages of the selected mailbox and sorts them, by UID SORT (RFC 5256 section 3): the result
// is in Order. The keys are "ARRIVAL", "CC", "DATE", "FROM", "SIZE", "SUBJECT" and "TO"; "DISPLAYFROM" and
// "DISPLAYTO" (SORT=DISPLAY, RFC 5957); and "RELEVANCY" (SEARCH=FUZZY, RFC 6203). One at least is needed.
//
// Where the server cannot sort by these keys, Sort searches, fetches what it needs of each message in one
// FETCH, and sorts here as package imapsort has it, with texts compared by i;unicode-casemap as servers do: the
// result says Local. Messages that are gone by then are left out. RELEVANCY cannot be had so. See
// SearchOptions.ServerOnly and MaxLocal for not wanting that; more than MaxLocal messages are a
// *[TooManyError].
//
// Keys of the search and errors are those of [Conn.SearchWith], and so are Return and Partial: Min and Max
// are the first and the last message. They cost a short answer where the server has ESORT or CONTEXT=SORT (RFC
// 5267), and a list of all elsewhere. imap.ReturnSave needs ESORT.
func (c *Conn) Sort(ctx context.Context, keys []imap.SortKey, key imap.SearchKey, o *SearchOptions) (*SearchResult, error) {
	if err := c.need(StateSelected); err != nil {
		return nil, err
	}
	if o == nil {
		o = &SearchOptions{}
	}
	p, err := c.planSort(keys, &key, o)
	if err != nil {
		return nil, notSent(err)
	}
	var res *searchAnswer
	if missing := c.sortNeeds(keys); missing == "" {
		s := &searching{o: p.sent, key: key}
		if res, err = c.runSearch(ctx, s); err == nil {
			err = notLimited(s.cmd)
		}
	} else {
		p.local = true
		res, err = c.sortHere(ctx, keys, key, o)
	}
	if err != nil {
		return nil, err
	}
	return p.finish(res)
}

// sortNeeds returns what the server lacks to sort by keys, or "".
func (c *Conn) sortNeeds(keys []imap.SortKey) imap.Capability {
	caps := c.Capabilities()
	// RFC 5256 section 1: extensions of SORT start with its name, and mean it too.
	if !slices.ContainsFunc(caps, func(w imap.Capability) bool { return w == imap.CapSort || strings.HasPrefix(string(w), "SORT=") }) {
		return imap.CapSort
	}
	for _, k := range keys {
		switch strings.ToUpper(k.Key) {
		case "DISPLAYFROM", "DISPLAYTO":
			if !caps.Has(imap.CapSortDisplay) {
				return imap.CapSortDisplay
			}
		case "RELEVANCY":
			if !caps.Has(imap.CapFuzzy) {
				return imap.CapFuzzy
			}
		}
	}
	return ""
}

// planSort plans a SORT.
func (c *Conn) planSort(keys []imap.SortKey, key *imap.SearchKey, o *SearchOptions) (*searchPlan, error) {
	p := &searchPlan{want: o.Return, partial: o.Partial}
	if err := cmp.Or(p.check(key), c.requireKey(key), c.requireReturn(p.want), c.requireSort(keys, key, o)); err != nil {
		return nil, err
	}
	caps := c.Capabilities()
	eSort := caps.Has(imap.CapESort)
	if p.want&(imap.ReturnSave|imap.ReturnRelevancy) != 0 && !eSort {
		return nil, &UnsupportedError{imap.CapESort}
	}
	p.sent.Sort = keys
	window := p.partial != nil
	windowed := window && caps.Has(imap.CapContextSort) && p.partial.First > 0
	const numbers = imap.ReturnMin | imap.ReturnMax | imap.ReturnCount | imap.ReturnSave | imap.ReturnRelevancy
	switch {
	case p.want&^imap.ReturnContext == imap.ReturnAll, window && !windowed && p.want&(imap.ReturnSave|imap.ReturnRelevancy) == 0:
		p.local = window
		return p, nil // a plain SORT
	case p.want&numbers != 0 && !eSort:
		p.local = true
		return p, nil
	case windowed:
		p.sent.Partial = p.partial
	case window:
		p.local = true
		p.sent.Return |= imap.ReturnAll
	}
	p.sent.Return |= p.want
	if !caps.Has(imap.CapContextSort) {
		p.sent.Return &^= imap.ReturnContext
	}
	return p, nil
}

// requireSort finds keys that nobody can sort by, and those that the server must know.
func (c *Conn) requireSort(keys []imap.SortKey, key *imap.SearchKey, o *SearchOptions) error {
	if len(keys) == 0 {
		return errNoSortKeys
	}
	byRelevancy := slices.ContainsFunc(keys, func(k imap.SortKey) bool { return strings.EqualFold(k.Key, "RELEVANCY") })
	missing := c.sortNeeds(keys)
	switch {
	case byRelevancy && !hasKey(key, imap.SearchFuzzy):
		return errRelevancy
	case missing == "":
		return nil
	case o.ServerOnly, byRelevancy, o.Return&(imap.ReturnSave|imap.ReturnRelevancy) != 0:
		return &UnsupportedError{missing}
	}
	return imapsort.CheckKeys(keys)
}

// notLimited returns an error for a command that the server carried out for some of the messages only (RFC
// 9738): an order of those is no use.
func notLimited(cmd *command) error {
	if code := cmd.status.Code; code != nil && code.Name == imap.CodeMessageLimit {
		return &imap.StatusError{Command: cmd.name, Status: cmd.status}
	}
	return nil
}
