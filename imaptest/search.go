package imaptest

import (
	"slices"
	"strings"

	"github.com/pushmail/pushmail/imap"
)

func (s *Session) cmdSearch(args *arguments) imap.Status { return s.search(args, "SEARCH", false) }
func (s *Session) cmdUIDSearch(args *arguments) imap.Status {
	return s.search(args, "UID SEARCH", true)
}

// searchReturn is the RETURN option of ESEARCH (RFC 4731 section 3.1).
type searchReturn struct{ extended, min, max, all, count bool }

// candidate is a message while it is searched, with what others may change meanwhile.
type candidate struct {
	*message
	pos    int
	flags  []imap.Flag
	modSeq imap.ModSeq
	recent bool
}

func (s *Session) search(args *arguments, command string, uid bool) imap.Status {
	ret := s.searchReturn(args)
	if args.more() && args.left[0].Is("CHARSET") {
		args.next()
		if charset := strings.ToUpper(args.astring()); charset != "UTF-8" && charset != "US-ASCII" {
			return no(imap.CodeBadCharset, "Unknown charset")
		}
	}
	p := &searchParser{arguments: args, session: s}
	match := p.program()
	if e := args.end(); e != nil {
		return *e
	}
	if p.modSeq {
		s.enableCondStore()
	}
	found, highest := s.find(match)
	if !p.modSeq {
		highest = 0
	}
	if ret.extended {
		s.send(ret.response(s.tag, uid, found, highest))
	} else {
		s.send(&imap.Search{Nums: nums(found, uid), ModSeq: highest})
	}
	if p.byNumber {
		// RFC 7162 section 3.2.10.2: nothing may vanish in a UID SEARCH that names numbers.
		s.policy = noExpunges
	}
	return ok(command + " completed")
}

func (s *Session) searchReturn(args *arguments) (ret searchReturn) {
	if !args.more() || !args.left[0].Is("RETURN") || !s.can(imap.CapESearch) {
		return ret
	}
	args.next()
	ret.extended = true
	for _, arg := range args.list() {
		switch strings.ToUpper(arg.Text) {
		case "MIN":
			ret.min = true
		case "MAX":
			ret.max = true
		case "ALL":
			ret.all = true
		case "COUNT":
			ret.count = true
		default:
			args.fail("Unknown return option " + imap.Printable(arg.Text))
		}
	}
	if !ret.min && !ret.max && !ret.count {
		ret.all = true // RFC 4731 section 3.1: an empty list means ALL
	}
	return ret
}

// find runs a search over the messages as they are now. The mailbox is locked only to copy flags.
func (s *Session) find(match matcher) (found []candidate, highest imap.ModSeq) {
	v := s.view
	all := make([]candidate, len(v.msgs))
	v.mailbox.mu.Lock()
	for i := range v.msgs {
		m := &v.msgs[i]
		all[i] = candidate{m.message, i, m.flags, m.modSeq, m.recent}
	}
	v.mailbox.mu.Unlock()
	for i := range all {
		if match(&all[i]) {
			found = append(found, all[i])
			highest = max(highest, all[i].modSeq)
		}
	}
	return found, highest
}

func nums(found []candidate, uid bool) []uint32 {
	out := make([]uint32, len(found))
	for i := range found {
		if uid {
			out[i] = uint32(found[i].uid)
		} else {
			out[i] = uint32(seqNum(found[i].pos))
		}
	}
	return out
}

func (ret searchReturn) response(tag string, uid bool, found []candidate, highest imap.ModSeq) *imap.ESearch {
	r := &imap.ESearch{Tag: tag, UID: uid, HasCount: ret.count, Count: uint32(len(found))}
	if !ret.count {
		r.Count = 0
	}
	if len(found) == 0 {
		return r
	}
	numbers := nums(found, uid)
	first, last := numbers[0], numbers[len(numbers)-1]
	if ret.min {
		r.Min = first
	}
	if ret.max {
		r.Max = last
	}
	if ret.all {
		for _, n := range numbers {
			r.All.Add(imap.UID(n))
		}
	}
	r.ModSeq = highest
	if !ret.all && !ret.count && highest != 0 {
		r.ModSeq = ret.edgeModSeq(found)
	}
	return r
}

// edgeModSeq is the mod-sequence of what MIN and MAX name (RFC 7162 section 3.1.10).
func (ret searchReturn) edgeModSeq(found []candidate) (n imap.ModSeq) {
	if ret.min {
		n = found[0].modSeq
	}
	if ret.max {
		n = max(n, found[len(found)-1].modSeq)
	}
	return n
}

// containsFold reports whether text contains part without regard to case (RFC 9051 section 6.4.4).
func containsFold(text, part string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(part))
}

// hasHeader reports whether a field with that name contains text; with "" whether there is one.
func (p *part) hasHeader(name, text string) bool {
	return slices.ContainsFunc(p.fields, func(f field) bool {
		return strings.EqualFold(f.name, name) &&
			(containsFold(f.value, text) || containsFold(imap.DecodeWords(f.value, nil), text))
	})
}
