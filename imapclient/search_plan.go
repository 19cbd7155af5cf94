package imapclient

import (
	"cmp"
	"errors"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// searchPlan says what of a search the server does, and what is done here.
type searchPlan struct {
	want    imap.SearchReturn
	partial *imap.PartialRange
	sent    imap.SearchOptions
	local   bool
}

// Options that make no sense. Nothing is sent.
var (
	errUpdate    = returnError("UPDATE needs a place for updates to go: use SearchLive")
	errPartial   = returnError("a window of the result and ALL exclude each other (RFC 5267 section 4.4)")
	errPositions = returnError("a window needs two positions of 32 bits, both from 1 or both from -1")
	errRelevancy = returnError("there is no relevancy without a FUZZY key (RFC 6203 section 4)")
)

func returnError(reason string) error {
	return &imapwire.ArgumentError{Command: "SEARCH", Argument: "what to return", Position: 1, Reason: reason}
}

// planSearch plans a SEARCH.
func (c *Conn) planSearch(key *imap.SearchKey, o *SearchOptions) (*searchPlan, error) {
	if o == nil {
		o = &SearchOptions{}
	}
	p := &searchPlan{want: o.Return, partial: o.Partial}
	if err := cmp.Or(p.check(key), c.requireKey(key), c.requireReturn(p.want)); err != nil {
		return nil, err
	}
	caps := c.Capabilities()
	const numbers = imap.ReturnMin | imap.ReturnMax | imap.ReturnAll | imap.ReturnCount
	window := p.partial != nil
	if !caps.Has(imap.CapESearch) {
		p.local = window || p.want&numbers != imap.ReturnAll
		return p, nil
	}
	p.sent.Return = p.want
	if !caps.Has(imap.CapContextSearch) {
		p.sent.Return &^= imap.ReturnContext
	}
	switch {
	case !window:
	case caps.Has(imap.CapPartial), caps.Has(imap.CapContextSearch) && p.partial.First > 0:
		p.sent.Partial = p.partial
	default:
		p.local = true
		p.sent.Return |= imap.ReturnAll
	}
	return p, nil
}

// check completes what is wanted, and finds what makes no sense.
func (p *searchPlan) check(key *imap.SearchKey) error {
	const whats = imap.ReturnMin | imap.ReturnMax | imap.ReturnAll | imap.ReturnCount | imap.ReturnSave | imap.ReturnRelevancy
	switch {
	case p.want.Has(imap.ReturnUpdate):
		return errUpdate
	case p.want.Has(imap.ReturnAll) && p.partial != nil:
		return errPartial
	case p.partial != nil && !validRange(p.partial):
		return errPositions
	case p.want.Has(imap.ReturnRelevancy) && !hasKey(key, imap.SearchFuzzy):
		return errRelevancy
	case p.want&whats == 0 && p.partial == nil:
		p.want |= imap.ReturnAll
	}
	return nil
}

func validRange(p *imap.PartialRange) bool {
	const top = 1<<32 - 1
	low, high := min(p.First, p.Last), max(p.First, p.Last)
	return low >= 1 && high <= top || high <= -1 && low >= -top
}

// requireReturn returns an error for return options that the server must know, and does not.
func (c *Conn) requireReturn(want imap.SearchReturn) error {
	caps := c.Capabilities()
	switch {
	case want.Has(imap.ReturnSave) && !caps.Has(imap.CapSearchRes):
		return &UnsupportedError{imap.CapSearchRes}
	case want.Has(imap.ReturnRelevancy) && !caps.Has(imap.CapFuzzy):
		return &UnsupportedError{imap.CapFuzzy}
	case want&(imap.ReturnSave|imap.ReturnRelevancy) != 0 && !caps.Has(imap.CapESearch):
		return &UnsupportedError{imap.CapESearch}
	}
	return nil
}

// errNoCount: the server left out what it must send.
var errNoCount = errors.New("it was asked for a count and sent none")

// finish makes of what the server sent what was asked for.
func (p *searchPlan) finish(res *searchAnswer) (*SearchResult, error) {
	out := &res.SearchResult
	out.Local = p.local
	all := p.sent.Return == 0 && p.sent.Partial == nil || p.sent.Return.Has(imap.ReturnAll) || res.plain
	switch {
	case all:
		out.summarize()
		out.cutWindow(p.partial)
	case p.want.Has(imap.ReturnCount) && res.answered && !res.counted:
		return nil, &AnswerError{Command: imapwire.SearchCommand(&p.sent, true), Err: errNoCount}
	}
	p.leaveOut(out)
	return out, nil
}

// leaveOut takes away what was not asked for.
func (p *searchPlan) leaveOut(out *SearchResult) {
	if !p.want.Has(imap.ReturnAll) {
		out.UIDs, out.Order = nil, nil
		if !p.want.Has(imap.ReturnCount) {
			out.Count = 0
		}
		if !p.want.Has(imap.ReturnMin) {
			out.Min = 0
		}
		if !p.want.Has(imap.ReturnMax) {
			out.Max = 0
		}
	}
	if !p.want.Has(imap.ReturnRelevancy) {
		out.Relevancy = nil
	}
}

// summarize fills in what follows from all the messages found.
func (s *SearchResult) summarize() {
	if s.Order != nil {
		s.Count, s.Min, s.Max = uint32(min(s.Order.Len(), 1<<32-1)), s.Order.First(), s.Order.Last()
		return
	}
	s.Count, s.Min, s.Max = uint32(min(s.UIDs.Len(), 1<<32-1)), s.UIDs.Min(), s.UIDs.Max()
}

// cutWindow cuts a window from all the messages found.
func (s *SearchResult) cutWindow(p *imap.PartialRange) {
	if p == nil || s.Partial != nil {
		return
	}
	list := s.Order
	if list == nil {
		list = imap.UIDList(s.UIDs)
	}
	from, to := uint64(0), uint64(0)
	low, high, n := min(p.First, p.Last), max(p.First, p.Last), int64(list.Len())
	if low > 0 {
		from, to = uint64(low-1), uint64(high)
	} else {
		from, to = uint64(max(n+low, 0)), uint64(max(n+high+1, 0))
	}
	window := list.Slice(from, to)
	s.Partial = &imap.ESearchPartial{First: p.First, Last: p.Last, Nums: window.Set()}
	if s.Order != nil {
		s.Partial.Order = window
	}
}
