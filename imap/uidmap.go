package imap

import (
	"cmp"
	"errors"
	"iter"
	"slices"
	"strings"
)

// UIDMap says which UID became which when messages were copied (COPYUID, RFC 4315 section 3). It is a
// list of runs, sorted by Source: its size in memory is that of the response, whatever numbers the
// response spans. The zero value is the empty map.
type UIDMap []UIDRun

// UIDRun maps the Len UIDs from Source on to those from Dest on.
type UIDRun struct {
	Source, Dest UID
	Len          uint32
}

// Dest returns what the message uid became, and false if it is not in the map.
func (m UIDMap) Dest(uid UID) (UID, bool) {
	i, found := slices.BinarySearchFunc(m, uid, func(r UIDRun, uid UID) int { return cmp.Compare(r.Source, uid) })
	if !found {
		i--
	}
	if uid == 0 || i < 0 || uint32(uid-m[i].Source) >= m[i].Len {
		return 0, false
	}
	return m[i].Dest + (uid - m[i].Source), true
}

// All yields the pairs, sorted by source. A map from a server may span four thousand million of them:
// bound the loop, or check [UIDMap.Len].
func (m UIDMap) All() iter.Seq2[UID, UID] {
	return func(yield func(source, dest UID) bool) {
		for _, r := range m {
			for i := range r.Len {
				if !yield(r.Source+UID(i), r.Dest+UID(i)) {
					return
				}
			}
		}
	}
}

// Len returns how many pairs there are.
func (m UIDMap) Len() uint64 {
	var n uint64
	for _, r := range m {
		n += uint64(r.Len)
	}
	return n
}

// Sources returns the UIDs that the messages had.
func (m UIDMap) Sources() UIDSet {
	return m.set(func(r UIDRun) UID { return r.Source })
}

// Dests returns the UIDs that the messages have got.
func (m UIDMap) Dests() UIDSet {
	return m.set(func(r UIDRun) UID { return r.Dest })
}

func (m UIDMap) set(first func(UIDRun) UID) UIDSet {
	s := make(UIDSet, 0, len(m))
	for _, r := range m {
		s = append(s, Range[UID]{First: first(r), Last: first(r) + UID(r.Len-1)})
	}
	return Normalize(s)
}

// Join returns the pairs of both maps. Where both have a UID, one of them counts.
func (m UIDMap) Join(n UIDMap) UIDMap {
	return sortRuns(slices.Concat(m, n))
}

func sortRuns(m UIDMap) UIDMap {
	slices.SortStableFunc(m, func(a, b UIDRun) int { return cmp.Compare(a.Source, b.Source) })
	out := m[:0]
	for _, r := range m {
		if k := len(out) - 1; k >= 0 {
			// Who says the same twice, or pairs that contradict each other, is taken at the first word.
			end := uint64(out[k].Source) + uint64(out[k].Len)
			if over := end - min(end, uint64(r.Source)); over >= uint64(r.Len) {
				continue
			} else if over > 0 {
				r = UIDRun{r.Source + UID(over), r.Dest + UID(over), r.Len - uint32(over)}
			}
			if end == uint64(r.Source) && out[k].Dest+UID(out[k].Len) == r.Dest {
				out[k].Len += r.Len
				continue
			}
		}
		out = append(out, r)
	}
	return out
}

var errUIDMap = errors.New("not two sets of UIDs of the same size")

// ParseUIDMap reads the two sets of COPYUID. Their order counts, unlike that of other sets: the first
// UID of the one became the first of the other. They must have the same number of UIDs.
func ParseUIDMap(source, dest string) (UIDMap, error) {
	from, err1 := parseInOrder(source)
	to, err2 := parseInOrder(dest)
	if err1 != nil || err2 != nil {
		return nil, errUIDMap
	}
	var m UIDMap
	for len(from) > 0 && len(to) > 0 {
		a, b := &from[0], &to[0]
		n := min(uint32(a.Last-a.First), uint32(b.Last-b.First))
		m = append(m, UIDRun{a.First, b.First, n + 1})
		from, to = advance(from, UID(n)), advance(to, UID(n))
	}
	if len(from)+len(to) > 0 {
		return nil, errUIDMap
	}
	return sortRuns(m), nil
}

// advance takes n+1 numbers off the front.
func advance(s []Range[UID], n UID) []Range[UID] {
	if s[0].Last-s[0].First == n {
		return s[1:]
	}
	s[0].First += n + 1
	return s
}

// parseInOrder reads a set without "*" and keeps its order. RFC 4315 section 3: 12:10 is 10:12.
func parseInOrder(text string) ([]Range[UID], error) {
	out := make([]Range[UID], 0, 1+strings.Count(text, ","))
	for part := range strings.SplitSeq(text, ",") {
		s, err := ParseSet[UID](part)
		if err != nil || len(s) != 1 || s[0].First == 0 || s[0].Last == 0 {
			return nil, errUIDMap
		}
		out = append(out, s[0])
	}
	return out, nil
}

// UIDMap returns the pairs of a COPYUID code, and false if there are none or its two sets have not the
// same size.
func (c *Code) UIDMap() (UIDMap, bool) {
	if c == nil || c.Name != CodeCopyUID {
		return nil, false
	}
	words := strings.Fields(c.Args)
	if len(words) != 3 {
		return nil, false
	}
	m, err := ParseUIDMap(words[1], words[2])
	return m, err == nil
}
