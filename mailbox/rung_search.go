package mailbox

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// searchRung compares flags where there are no mod-sequences, by asking for each flag which messages have it:
// SEARCH RETURN (ALL) (RFC 4731) names them as ranges, so that it costs about 14 bytes for each run of messages
// that have it, where the flags of all messages cost some 40 bytes for each message. Only of those in doubt
// are the flags fetched. What is gone and what came the mapping finds.
//
// It asks by sequence number: gaps between UIDs make no ranges then, and nothing may be expunged
// meanwhile (RFC 9051 section 7.5.1). Flags that no message has are asked for together: if the union is empty,
// each is. A COUNT alone would prove nothing: one message may have got the flag and another lost it.
//
// It holds only where the server lists all flags that are in use: RFC 9051 section 7.3.5 says that FLAGS are those that
// are applicable. There is no way to search for flags that are not listed. So a message with a flag that
// was not listed shows that the list is not complete, and flags are compared one by one.
//
// It takes at most maxSearchSteps commands beside those of the mapping; else, and where it would cost more than
// to fetch all flags, those are fetched.
type searchRung struct {
	mapping
	planned  bool
	asks     [][]imap.Flag
	at       int // the ask that is next, or running
	steps    int
	asking   bool        // asks[at] is running
	told     bool        // it was answered
	moved    bool        // numbers have changed meanwhile
	numbers  imap.UIDSet // sequence numbers that were found
	flaw     string      // why flags cannot be searched for
	doubts   imap.UIDSet
	fetching bool // their flags
}

const (
	maxSearchSteps = 40
	maxUnused      = 16  // flags that no message has, in one command
	askBytes       = 150 // what a search costs beside its ranges
	rangeBytes     = 14
	roundTripBytes = 1000 // what a round trip is deemed worth
)

// rowBytes is what a row with the flags of a message costs, about. Tests have it be much.
var rowBytes = 40

func (*searchRung) method() Method { return BySearch }

// searchFlaw says why searches are of no use, "" if they are.
func (r *Resync) searchFlaw() string {
	o := &r.opened
	switch {
	case !o.ESearch:
		return "the server has no ESEARCH"
	case o.UIDNext == 0:
		return "the server does not say UIDNEXT"
	case len(o.Flags) == 0:
		return "the server does not say which flags there are"
	case r.old.n == 0:
		return "nothing was known"
	}
	asks, cost := r.old.planAsks(o.flags())
	for _, flags := range asks {
		for _, f := range flags {
			if !searchable(f) {
				return noSearch(f)
			}
		}
	}
	if o.Exists != uint32(r.old.n) {
		cost += len(r.old.UIDs()) * rangeBytes
	}
	switch all := int(o.Exists) * rowBytes; {
	case len(asks) > maxSearchSteps/2:
		return fmt.Sprintf("it would take %d searches", len(asks))
	case cost > all:
		return fmt.Sprintf("it would cost about %d bytes, all flags about %d", cost, all)
	}
	return ""
}

// planAsks returns which flags to search for, given those that the server lists, and about how many bytes that costs.
func (s *State) planAsks(listed []imap.Flag) (asks [][]imap.Flag, cost int) {
	var unused []imap.Flag
	for _, f := range mergeFlags(s.allFlags(), listed) {
		runs := len(s.having([]imap.Flag{f}))
		if runs == 0 {
			unused = append(unused, f)
			continue
		}
		asks = append(asks, []imap.Flag{f})
		cost += runs * rangeBytes
	}
	asks = slices.AppendSeq(asks, slices.Chunk(unused, maxUnused))
	return asks, cost + len(asks)*(askBytes+roundTripBytes)
}

// mergeFlags returns flags of both lists, each once, without \Recent and \*.
func mergeFlags(a, b []imap.Flag) []imap.Flag {
	var s flagScratch
	merged, _ := s.canonical(append(slices.Clone(a), b...))
	return slices.DeleteFunc(merged, func(f imap.Flag) bool { return f == imap.FlagWildcard })
}

// searchable reports whether there is a search key for f: RFC 9051 section 6.4.4 has one for each of its system flags, and
// KEYWORD for atoms.
func searchable(f imap.Flag) bool {
	switch imap.CanonicalFlag(string(f)) {
	case imap.FlagSeen, imap.FlagAnswered, imap.FlagFlagged, imap.FlagDeleted, imap.FlagDraft:
		return true
	}
	return !strings.ContainsFunc(string(f), func(c rune) bool {
		return c <= ' ' || c >= 0x7f || strings.ContainsRune(`(){%*"\]`, c)
	})
}

func (s *searchRung) next(r *Resync) (Step, bool) {
	if step, more := s.mapping.next(r); more || r.rung != s {
		return step, more
	}
	if !s.planned {
		s.planned = true
		s.asks, _ = r.view.state.planAsks(r.opened.flags())
	}
	if s.flaw == "" && s.steps == maxSearchSteps && (s.at < len(s.asks) || len(s.doubts) > 0) {
		s.flaw = "too many searches"
	}
	s.steps++
	switch {
	case s.flaw != "":
		s.giveUp(r, s.flaw)
		return Step{}, false
	case s.at < len(s.asks):
		s.asking, s.told, s.moved, s.numbers = true, false, false, nil
		return Step{Kind: SearchFlags, Flags: s.asks[s.at], ReturnAll: true}, true
	}
	set := r.view.state.intersect(s.doubts)
	s.doubts, s.fetching = nil, len(set) > 0
	return Step{Kind: FetchFlags, UIDs: set, ModSeq: r.opened.modSeqs()}, s.fetching
}

// giveUp has all flags be fetched.
func (s *searchRung) giveUp(r *Resync, why string) {
	s.search = true // to begin anew would end the same
	r.descend(why)
}

func (s *searchRung) feed(r *Resync, resp imap.Response) {
	switch resp := resp.(type) {
	case imap.MailboxFlags:
		s.list(r, resp)
		return
	case imap.Expunge, *imap.Vanished:
		s.moved = true
	case *imap.Message:
		s.look(r, resp.Flags)
	}
	if s.asking {
		if found, ok := numbersFound(resp, false); ok {
			s.told, s.numbers = true, s.numbers.Union(found)
			return
		}
	}
	s.mapping.feed(r, resp)
}

// list takes in flags that the server has got meanwhile.
func (s *searchRung) list(r *Resync, listed []imap.Flag) {
	before := r.opened.flags()
	r.opened.Flags = mergeFlags(r.opened.Flags, listed)
	if !s.planned {
		return
	}
	for _, f := range r.opened.flags() {
		if !imap.HasFlag(before, f) {
			s.asks = append(s.asks, []imap.Flag{f})
			if !searchable(f) {
				s.flaw = noSearch(f)
			}
		}
	}
}

func noSearch(f imap.Flag) string {
	return "there is no search for the flag " + imap.Printable(string(f))
}

// look notes a flag that is not listed.
func (s *searchRung) look(r *Resync, flags []imap.Flag) {
	for _, f := range flags {
		if imap.EqualFlag(f, imap.FlagRecent) || imap.HasFlag(r.opened.Flags, f) || imap.HasFlag(r.opened.permanent, f) {
			continue
		}
		s.flaw = "the server does not list the flag " + imap.Printable(string(f))
	}
}

func (s *searchRung) end(r *Resync, failed bool) {
	asked, fetched := s.asking, s.fetching
	s.asking, s.fetching = false, false
	switch {
	case failed && (asked || fetched):
		s.giveUp(r, "the server refused "+r.step.String())
	case fetched:
	case !asked:
		s.mapping.end(r, failed)
	case s.moved: // nobody knows what the numbers meant: ask again
	case !s.told:
		s.giveUp(r, "no answer to "+r.step.String())
	default:
		s.compare(r)
		s.at++
	}
}

// compare notes which messages have a flag that they did not have, or the other way round.
func (s *searchRung) compare(r *Resync) {
	state := r.view.state
	known := state.having(s.asks[s.at])
	found := s.numbers.Intersect(imap.SetOfRange(1, imap.UID(state.n)))
	if len(found) > 0 && len(s.asks[s.at]) == 1 {
		s.look(r, s.asks[s.at]) // one that messages had, and have still
	}
	s.doubts = s.doubts.Union(state.uidsAt(known.Subtract(found).Union(found.Subtract(known))))
}

// allFlags returns the flags that messages have, each once.
func (s *State) allFlags() []imap.Flag {
	var all []imap.Flag
	for id, used := range s.usedSets() {
		if used {
			all = append(all, s.flags.sets[id].flags...)
		}
	}
	return mergeFlags(all, nil)
}

// having returns the sequence numbers of the messages that have one of flags, as a set of the type that
// results of searches have.
func (s *State) having(flags []imap.Flag) imap.UIDSet {
	has := make([]bool, len(s.flags.sets))
	for id, set := range s.flags.sets {
		has[id] = set != nil && slices.ContainsFunc(set.flags, func(f imap.Flag) bool {
			return slices.ContainsFunc(flags, func(g imap.Flag) bool { return compareFlag(f, g) == 0 })
		})
	}
	var out imap.UIDSet
	seq := imap.UID(1)
	add := func(n int) {
		if k := len(out) - 1; k >= 0 && out[k].Last+1 == seq {
			out[k].Last += imap.UID(n)
		} else {
			out = append(out, imap.Range[imap.UID]{First: seq, Last: seq + imap.UID(n-1)})
		}
	}
	for _, c := range s.chunks {
		step := 1
		if c.flags.width == 0 { // all are equal
			step = c.n
		}
		for i := 0; i < c.n; i += step {
			if has[c.flags.at(i)] {
				add(step)
			}
			seq += imap.UID(step)
		}
	}
	return out
}

// uidsAt returns the UIDs of the messages with these sequence numbers.
func (s *State) uidsAt(seqs imap.UIDSet) imap.UIDSet {
	var out imap.UIDSet
	first := imap.UID(1) // number of the first message of the run
	for _, c := range s.chunks {
		for _, run := range c.runs {
			last := first + imap.UID(run.len()-1)
			for len(seqs) > 0 && seqs[0].First <= last {
				from, to := max(seqs[0].First, first), min(seqs[0].Last, last)
				out.AddRange(run.first+(from-first), run.first+(to-first))
				if seqs[0].Last > last {
					break
				}
				seqs = seqs[1:]
			}
			first = last + 1
		}
	}
	return out
}
