package imapclient

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// AnswerError says that the server carried a search out, but that its answer cannot be used: it could not be
// read, lacks what was asked for, or is more than can be kept. The connection goes on.
type AnswerError struct {
	Command string
	Err     error
}

func (e *AnswerError) Error() string {
	return fmt.Sprintf("%s: the server's answer cannot be used: %v", e.Command, e.Err)
}
func (e *AnswerError) Unwrap() error { return e.Err }

// searching is a SEARCH, SORT, THREAD or ESEARCH that is under way.
type searching struct {
	o     imap.SearchOptions
	bySeq bool // the answer is in sequence numbers
	key   imap.SearchKey
	// began is called when the command is about to be sent.
	began func(tag string)
	// another is offered the ESEARCH responses to this command; Nil takes them for res.
	another func(*imap.ESearch)

	cmd *command
	res *searchAnswer
	err error // what was wrong with an answer
}

// searchAnswer is a SearchResult that is coming in.
type searchAnswer struct {
	SearchResult
	threads  []imap.ThreadNode
	answered bool // something came
	plain    bool // a list of all, as of SEARCH without RETURN
	counted  bool // the server said how many
}

// runSearch sends the command and returns its answer. It tries another character set where that helps.
func (c *Conn) runSearch(ctx context.Context, s *searching) (*searchAnswer, error) {
	err := c.runSearchOnce(ctx, s)
	if charset, ok := s.otherCharset(err); ok {
		s.o.Charset, s.key = charset.name, charset.encode(s.key)
		err = c.runSearchOnce(ctx, s)
	}
	if err != nil {
		return nil, explainCharset(err, &s.key)
	}
	return s.res, nil
}

func (c *Conn) runSearchOnce(ctx context.Context, s *searching) error {
	s.res = &searchAnswer{}
	name := imapwire.SearchCommand(&s.o, !s.bySeq)
	_, err := c.execWith(ctx, name, func(cmd *command, e *imapwire.Command) {
		s.cmd = cmd
		if s.began != nil {
			s.began(cmd.tag)
		}
		e.SearchWith(&s.o, s.key)
	}, s.take)
	if err == nil && s.err != nil {
		err = &AnswerError{Command: name, Err: s.err}
	}
	return err
}

// take takes what answers the command.
func (s *searching) take(r imap.Response) bool {
	switch r := r.(type) {
	case *imap.Search:
		return s.takeSearch(r)
	case *imap.ESearch:
		return s.takeESearch(r)
	case *imap.Thread:
		if s.o.Thread == "" {
			return false
		}
		s.res.threads, s.res.answered = append(s.res.threads, r.Roots...), true
		return true
	case *imap.Malformed:
		// A result that is lost must not pass for an empty one.
		if word := s.word(); word == responseName(r) || responseName(r) == "ESEARCH" {
			s.err = r.Err
		}
	}
	return false
}

// word is the name of the response to the command.
func (s *searching) word() string {
	switch {
	case len(s.o.Sort) > 0:
		return "SORT"
	case s.o.Thread != "":
		return "THREAD"
	}
	return "SEARCH"
}

// responseName returns the name of a response that could not be read.
func responseName(m *imap.Malformed) string {
	text := string(m.Raw[:min(len(m.Raw), 32)])
	if tooBig, ok := errors.AsType[*imapwire.LimitError](m.Err); ok && text == "" {
		text = tooBig.Head
	}
	if words := strings.Fields(text); len(words) > 1 && words[0] == "*" {
		return strings.ToUpper(words[1])
	}
	return ""
}

// maxResultRanges bounds the ranges that are kept of one search, whatever a server sends.
const maxResultRanges = 4_000_000

var errTooManyRanges = errors.New("there is more of it than can be kept")

// takeSearch takes a list of all messages. Some servers answer so although there was a RETURN.
func (s *searching) takeSearch(r *imap.Search) bool {
	sorted := len(s.o.Sort) > 0
	if r.Sort != sorted || s.o.Thread != "" {
		return false
	}
	s.res.answered, s.res.plain = true, true
	s.res.ModSeq = max(s.res.ModSeq, r.ModSeq)
	if len(s.res.UIDs)+len(s.res.Order)+len(r.Nums) > maxResultRanges {
		s.err = errTooManyRanges
		return true
	}
	if sorted {
		if s.res.Order == nil {
			s.res.Order = make(imap.UIDList, 0, len(r.Nums))
		}
		for _, n := range r.Nums {
			s.res.Order.Add(imap.UID(n))
		}
		return true
	}
	more := make(imap.UIDSet, 0, len(r.Nums))
	for _, n := range r.Nums {
		more = append(more, imap.Range[imap.UID]{First: imap.UID(n), Last: imap.UID(n)})
	}
	s.res.UIDs = s.res.UIDs.Union(imap.Normalize(more))
	return true
}

// takeESearch takes the answer to a command with RETURN: one with its tag, or without any.
func (s *searching) takeESearch(r *imap.ESearch) bool {
	if r.Tag != "" && r.Tag != s.cmd.tag || s.o.Thread != "" {
		return false
	}
	if s.another != nil {
		s.another(r)
		return true
	}
	if err := s.res.add(r, len(s.o.Sort) > 0); err != nil {
		s.err = err
	}
	return true
}

// add adds what an ESEARCH says.
func (a *searchAnswer) add(r *imap.ESearch, sorted bool) error {
	a.answered = true
	if len(a.UIDs)+len(a.Order)+max(len(r.All), len(r.Order)) > maxResultRanges {
		return errTooManyRanges
	}
	if sorted {
		if a.Order == nil {
			a.Order = imap.UIDList{}
		}
		for _, rg := range listOf(r.All, r.Order) {
			a.Order.AddRange(rg.First, rg.Last)
		}
	} else {
		a.UIDs = a.UIDs.Union(r.All)
	}
	if r.HasCount {
		a.counted, a.Count = true, r.Count
	}
	if r.Min != 0 {
		a.Min = imap.UID(r.Min)
	}
	if r.Max != 0 {
		a.Max = imap.UID(r.Max)
	}
	if r.Partial != nil {
		a.Partial = r.Partial
		if sorted {
			a.Partial.Order = listOf(r.Partial.Nums, r.Partial.Order)
		}
	}
	if r.Relevancy != nil {
		a.Relevancy = r.Relevancy
	}
	a.ModSeq = max(a.ModSeq, r.ModSeq)
	a.Unknown = append(a.Unknown, r.Unknown[:min(len(r.Unknown), maxUnknown-min(len(a.Unknown), maxUnknown))]...)
	return nil
}

// maxUnknown bounds the items of unknown return data that are kept.
const maxUnknown = 1000

// listOf returns a set in its order: ascending, if it has no other.
func listOf(set imap.UIDSet, order imap.UIDList) imap.UIDList {
	if order == nil {
		return imap.UIDList(set)
	}
	return order
}

// searchAll sends a SEARCH, or several if it has a set of UIDs that is too long for one. A window, and a result
// that the server is to keep, cannot be put together from parts.
func (c *Conn) searchAll(ctx context.Context, o imap.SearchOptions, key imap.SearchKey) (*searchAnswer, error) {
	uids, with := cutUIDs(key)
	if uids == nil || o.Partial != nil || o.Return.Has(imap.ReturnSave) {
		return c.searchOne(ctx, o, key)
	}
	p, err := c.pieces(imapwire.SearchCommand(&o, true), uids, func(e *imapwire.Command) {
		e.SearchWith(&o, with(imap.UIDs(1)))
	})
	if err != nil {
		return nil, err
	}
	var all *searchAnswer
	for p.next() {
		res, err := c.searchOne(ctx, o, with(p.piece))
		if err != nil {
			return nil, err
		}
		if all != nil {
			res.join(all) // whose UIDs are lower
		}
		all = res
	}
	return all, nil
}

// cutUIDs finds the longest set of UIDs of which each message must be one, and what makes the same query with
// a part of it. The set is nil if there is none.
func cutUIDs(key imap.SearchKey) (uids imap.UIDSet, with func(imap.UIDSet) imap.SearchKey) {
	if key.Op == imap.SearchUID {
		return key.UIDs, imap.UIDIn
	}
	if key.Op != imap.SearchAnd {
		return nil, nil
	}
	longest := -1
	for i, k := range key.Keys {
		if k.Op == imap.SearchUID && len(k.UIDs) > len(uids) {
			longest, uids = i, k.UIDs
		}
	}
	return uids, func(part imap.UIDSet) imap.SearchKey {
		cut := key
		cut.Keys = slices.Clone(key.Keys)
		cut.Keys[longest] = imap.UIDIn(part)
		return cut
	}
}

// searchOne sends a SEARCH, and again for the messages that the server left out for its limit of messages (RFC
// 9738 section 3.1): those with UIDs below the one that it names.
func (c *Conn) searchOne(ctx context.Context, o imap.SearchOptions, key imap.SearchKey) (*searchAnswer, error) {
	var all *searchAnswer
	below := imap.UID(0) // what was searched for, if not all
	for rest := key; ; {
		s := &searching{o: o, key: rest}
		res, err := c.runSearch(ctx, s)
		if err != nil {
			return nil, err
		}
		if all == nil {
			all = res
		} else {
			all.join(res)
		}
		code := s.cmd.status.Code
		if code == nil || code.Name != imap.CodeMessageLimit || code.UID == 1 {
			return all, nil
		}
		if code.UID == 0 || o.Partial != nil || o.Return.Has(imap.ReturnSave) || below != 0 && code.UID >= below {
			return nil, &imap.StatusError{Command: s.cmd.name, Status: s.cmd.status}
		}
		below = code.UID
		rest = imap.And(imap.UIDBefore(below), key)
	}
}

// join adds the result of another part of the mailbox, with lower UIDs.
func (a *searchAnswer) join(b *searchAnswer) {
	a.UIDs = a.UIDs.Union(b.UIDs)
	a.Count += b.Count
	if b.Min != 0 && (a.Min == 0 || b.Min < a.Min) {
		a.Min = b.Min
	}
	a.Max = max(a.Max, b.Max)
	a.ModSeq = max(a.ModSeq, b.ModSeq)
	a.Relevancy = append(b.Relevancy, a.Relevancy...) // those of lower UIDs come first
	a.plain = a.plain && b.plain
	a.counted = a.counted && b.counted
	a.answered = a.answered || b.answered
}
