package imap

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
)

// UID identifies a message for as long as its mailbox keeps its UIDVALIDITY (RFC 9051 section 2.3.1.1).
// Valid UIDs are 1 to 4294967295. Zero means "none", and in a [Set] it stands for "*".
type UID uint32

// SeqNum is a message sequence number: the position of a message in its mailbox, from 1, which
// changes whenever an earlier message is removed (RFC 9051 section 2.3.1.2). Zero means "none",
// and in a [Set] it stands for "*".
type SeqNum uint32

// ModSeq is a modification sequence (RFC 7162 section 3.1): 63 bits, growing with every change of
// a mailbox. Zero means "none".
type ModSeq uint64

// Number is a number that a [Set] can hold.
type Number interface{ UID | SeqNum }

// Range is the numbers First to Last, both included. Last zero means "*", the largest number in
// use; First zero means the same and only makes sense together with Last zero.
type Range[N Number] struct{ First, Last N }

// Set is a set of message numbers as ranges: sorted, disjoint, not adjacent; "*", if any, comes
// last. Its size in memory is that of its ranges, whatever they span, and nothing in this package
// expands them. The zero value is the empty set.
//
// The methods keep that order; a Set built by hand must be passed through [Normalize].
type Set[N Number] []Range[N]

// UIDSet is a set of UIDs: "uid-set" in the RFCs.
type UIDSet = Set[UID]

// SeqSet is a set of sequence numbers: "sequence-set" in the RFCs.
type SeqSet = Set[SeqNum]

// SetOf returns the set of the given numbers. Zero stands for "*".
func SetOf[N Number](nums ...N) Set[N] {
	s := make(Set[N], 0, len(nums))
	for _, n := range nums {
		s = append(s, Range[N]{n, n})
	}
	return Normalize(s)
}

// SetOfRange returns the set first:last. Last zero stands for "*".
func SetOfRange[N Number](first, last N) Set[N] {
	return Normalize(Set[N]{{first, last}})
}

// UIDs is [SetOf] for UIDs.
func UIDs(uids ...UID) UIDSet { return SetOf(uids...) }

// Normalize sorts and merges the ranges of s in place and returns the result. Reversed ranges are
// turned: RFC 9051 section 9 allows 7:4 for 4:7.
func Normalize[N Number](s Set[N]) Set[N] {
	sorted := true
	for i := range s {
		r := &s[i]
		if r.First == 0 && r.Last != 0 || r.Last != 0 && r.First > r.Last {
			r.First, r.Last = r.Last, r.First
		}
		if i > 0 && !before(s[i-1], s[i]) {
			sorted = false
		}
	}
	if sorted {
		return s
	}
	slices.SortFunc(s, func(a, b Range[N]) int {
		return cmp.Or(cmp.Compare(top(a.First), top(b.First)), cmp.Compare(top(a.Last), top(b.Last)))
	})
	out := s[:0]
	for _, r := range s {
		out = appendMerged(out, r)
	}
	return out
}

// top maps "*" above every number, so that ranges compare.
func top[N Number](n N) uint64 {
	if n == 0 {
		return 1 << 32
	}
	return uint64(n)
}

// before reports whether a ends before b starts, with a gap between them.
func before[N Number](a, b Range[N]) bool { return top(a.Last)+1 < top(b.First) && a.Last != 0 }

// appendMerged appends r, whose First is not less than that of any range in s.
func appendMerged[N Number](s Set[N], r Range[N]) Set[N] {
	if k := len(s) - 1; k >= 0 && !before(s[k], r) {
		if top(r.Last) > top(s[k].Last) {
			s[k].Last = r.Last
		}
		return s
	}
	return append(s, r)
}

// search returns the index of the first range whose Last is n or more.
func (s Set[N]) search(n N) int {
	i, _ := slices.BinarySearchFunc(s, n, func(r Range[N], n N) int { return cmp.Compare(top(r.Last), top(n)) })
	return i
}

// Contains reports whether n is in s. A range that ends in "*" contains every number from its
// First on; a lone "*" contains none, for nobody knows which it is.
func (s Set[N]) Contains(n N) bool {
	if n == 0 {
		return false
	}
	i := s.search(n)
	return i < len(s) && s[i].First != 0 && s[i].First <= n
}

// Len returns how many numbers are in s. A range that ends in "*" counts up to 4294967295.
func (s Set[N]) Len() uint64 {
	var n uint64
	for _, r := range s {
		switch {
		case r.First == 0:
			n++
		case r.Last == 0:
			n += 1<<32 - uint64(r.First)
		default:
			n += uint64(r.Last) - uint64(r.First) + 1
		}
	}
	return n
}

// Empty reports whether s holds nothing.
func (s Set[N]) Empty() bool { return len(s) == 0 }

// Dynamic reports whether s holds "*", so that only the server knows what it means.
func (s Set[N]) Dynamic() bool { return len(s) > 0 && s[len(s)-1].Last == 0 }

// Min returns the smallest number, or zero for an empty set.
func (s Set[N]) Min() N {
	if len(s) == 0 {
		return 0
	}
	return s[0].First
}

// Max returns the largest number, or zero for an empty set and for one that holds "*".
func (s Set[N]) Max() N {
	if len(s) == 0 {
		return 0
	}
	return s[len(s)-1].Last
}

// All yields the numbers of s in order. A range that ends in "*" is left out. Ranges may span four
// thousand million numbers: bound the loop, or check [Set.Len], when s comes from a server.
func (s Set[N]) All() iter.Seq[N] {
	return func(yield func(N) bool) {
		for _, r := range s {
			if r.First == 0 || r.Last == 0 {
				return
			}
			for n := r.First; ; n++ {
				if !yield(n) {
					return
				}
				if n == r.Last {
					break
				}
			}
		}
	}
}

// Add adds n. Adding in ascending order costs the same however large s is.
func (s *Set[N]) Add(n N) { s.AddRange(n, n) }

// AddRange adds first:last. Last zero stands for "*".
func (s *Set[N]) AddRange(first, last N) {
	r := Normalize(Set[N]{{first, last}})[0]
	if k := len(*s); k == 0 || top(r.First) >= top((*s)[k-1].First) {
		*s = appendMerged(*s, r)
		return
	}
	i, _ := slices.BinarySearchFunc(*s, r, func(a, b Range[N]) int {
		if before(a, b) {
			return -1
		}
		return 1
	})
	j := i
	for j < len(*s) && !before(r, (*s)[j]) {
		if top((*s)[j].First) < top(r.First) {
			r.First = (*s)[j].First
		}
		if top((*s)[j].Last) > top(r.Last) {
			r.Last = (*s)[j].Last
		}
		j++
	}
	*s = slices.Replace(*s, i, j, r)
}

// Remove removes n. It is no error if n is not in s.
func (s *Set[N]) Remove(n N) { *s = s.Subtract(Set[N]{{n, n}}) }

// Clone returns a copy that shares nothing with s.
func (s Set[N]) Clone() Set[N] { return slices.Clone(s) }

// Equal reports whether s and t hold the same numbers.
func (s Set[N]) Equal(t Set[N]) bool { return slices.Equal(s, t) }

// Union returns what is in s or t.
func (s Set[N]) Union(t Set[N]) Set[N] {
	out := make(Set[N], 0, len(s)+len(t))
	i, j := 0, 0
	for i < len(s) || j < len(t) {
		if j == len(t) || i < len(s) && top(s[i].First) <= top(t[j].First) {
			out = appendMerged(out, s[i])
			i++
		} else {
			out = appendMerged(out, t[j])
			j++
		}
	}
	return out
}

// Intersect returns what is in both s and t. "*" counts as a number of its own, larger than any other.
func (s Set[N]) Intersect(t Set[N]) Set[N] {
	var out Set[N]
	for i, j := 0, 0; i < len(s) && j < len(t); {
		lo := max(top(s[i].First), top(t[j].First))
		hi := min(top(s[i].Last), top(t[j].Last))
		if lo <= hi {
			out = append(out, Range[N]{N(lo), N(hi)})
		}
		if top(s[i].Last) < top(t[j].Last) {
			i++
		} else {
			j++
		}
	}
	return out
}

// Subtract returns what is in s but not in t.
func (s Set[N]) Subtract(t Set[N]) Set[N] {
	out := make(Set[N], 0, len(s))
	j := 0
	for _, r := range s {
		lo, hi := top(r.First), top(r.Last)
		for j < len(t) && top(t[j].Last) < lo {
			j++
		}
		for k := j; k < len(t) && top(t[k].First) <= hi; k++ {
			if f := top(t[k].First); f > lo {
				out = append(out, Range[N]{N(lo), N(f - 1)})
			}
			lo = top(t[k].Last) + 1
			if lo > hi {
				break
			}
		}
		if lo <= hi {
			out = append(out, Range[N]{N(lo), N(hi)})
		}
	}
	return out
}

// Chunks yields s in pieces whose text is at most maxLen bytes each (one range at least), for
// servers that bound the length of a command line.
func (s Set[N]) Chunks(maxLen int) iter.Seq[Set[N]] {
	return func(yield func(Set[N]) bool) {
		start, size := 0, 0
		var buf [24]byte
		for i, r := range s {
			n := len(r.append(buf[:0])) + 1
			if i > start && size+n > maxLen {
				if !yield(s[start:i:i]) {
					return
				}
				start, size = i, 0
			}
			size += n
		}
		if start < len(s) {
			yield(s[start:])
		}
	}
}

func (r Range[N]) append(dst []byte) []byte {
	one := func(n N) {
		if n == 0 {
			dst = append(dst, '*')
		} else {
			dst = strconv.AppendUint(dst, uint64(n), 10)
		}
	}
	one(r.First)
	if r.Last != r.First {
		dst = append(dst, ':')
		one(r.Last)
	}
	return dst
}

// AppendText appends s in the form of the wire, such as "1:4,7,9:*".
func (s Set[N]) AppendText(dst []byte) ([]byte, error) {
	for i, r := range s {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = r.append(dst)
	}
	return dst, nil
}

// String returns s in the form of the wire, and "" for the empty set.
func (s Set[N]) String() string {
	b, _ := s.AppendText(nil)
	return string(b)
}

// MarshalText is [Set.AppendText] for encoding packages.
func (s Set[N]) MarshalText() ([]byte, error) { return s.AppendText(nil) }

// UnmarshalText is [ParseSet] for encoding packages.
func (s *Set[N]) UnmarshalText(text []byte) (err error) {
	*s, err = ParseSet[N](string(text))
	return err
}

var errSet = errors.New("not a message set")

// ParseSet reads the form of the wire. The empty string is the empty set.
func ParseSet[N Number](text string) (Set[N], error) {
	if text == "" {
		return nil, nil
	}
	var s Set[N]
	for part := range strings.SplitSeq(text, ",") {
		a, b, isRange := strings.Cut(part, ":")
		if !isRange {
			b = a
		}
		first, err1 := parseNumber[N](a)
		last, err2 := parseNumber[N](b)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("%w: %q", errSet, text)
		}
		s = append(s, Range[N]{first, last})
	}
	return Normalize(s), nil
}

func parseNumber[N Number](text string) (N, error) {
	if text == "*" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n == 0 {
		return 0, errSet
	}
	return N(n), nil
}
