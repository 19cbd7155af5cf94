package imap

import (
	"cmp"
	"iter"
	"slices"
)

// UIDList is UIDs in an order that means something, such as the result of SORT, as ranges: each is
// ascending and has no "*". Its size in memory is that of its ranges, which a server can make
// span billions of UIDs; nothing in this package expands them. The zero value is the empty list.
//
// Get all of them in a slice with slices.Collect(list.All()), after a look at Len.
type UIDList []Range[UID]

// Len returns how many UIDs are in l.
func (l UIDList) Len() uint64 {
	var n uint64
	for _, r := range l {
		n += size(r)
	}
	return n
}

func size(r Range[UID]) uint64 { return uint64(r.Last) - uint64(r.First) + 1 }

// All yields the UIDs in their order.
func (l UIDList) All() iter.Seq[UID] {
	return func(yield func(UID) bool) {
		for _, r := range l {
			for n := uint64(r.First); n <= uint64(r.Last); n++ {
				if !yield(UID(n)) {
					return
				}
			}
		}
	}
}

// First returns the first UID, or zero for an empty list.
func (l UIDList) First() UID {
	if len(l) == 0 {
		return 0
	}
	return l[0].First
}

// Last returns the last UID, or zero for an empty list.
func (l UIDList) Last() UID {
	if len(l) == 0 {
		return 0
	}
	return l[len(l)-1].Last
}

// Set returns the same UIDs without their order.
func (l UIDList) Set() UIDSet { return Normalize(UIDSet(slices.Clone(l))) }

// Add appends n.
func (l *UIDList) Add(n UID) { l.AddRange(n, n) }

// AddRange appends first to last, which are in ascending order.
func (l *UIDList) AddRange(first, last UID) {
	if k := len(*l) - 1; k >= 0 && first != 0 && (*l)[k].Last == first-1 {
		(*l)[k].Last = last
		return
	}
	*l = append(*l, Range[UID]{first, last})
}

// Slice returns the UIDs at the positions from (included) to to (not included), which count from
// zero. Positions beyond the end are left out.
func (l UIDList) Slice(from, to uint64) UIDList {
	var out UIDList
	for _, r := range l {
		n := size(r)
		if from < n && to > 0 {
			out = append(out, Range[UID]{r.First + UID(from), r.First + UID(min(to, n)-1)})
		}
		if to <= n {
			break
		}
		from, to = from-min(from, n), to-n
	}
	return out
}

// Insert returns l with more put in before position at, which counts from zero, or at its end.
func (l UIDList) Insert(at uint64, more UIDList) UIDList {
	out := l.Slice(0, at)
	for _, r := range more {
		out.AddRange(r.First, r.Last)
	}
	for _, r := range l.Slice(at, l.Len()) {
		out.AddRange(r.First, r.Last)
	}
	return out
}

// Without returns l without the UIDs of set.
func (l UIDList) Without(set UIDSet) UIDList {
	out := make(UIDList, 0, len(l))
	for _, r := range l {
		next := uint64(r.First)
		start, _ := slices.BinarySearchFunc(set, r.First, func(s Range[UID], n UID) int { return cmp.Compare(top(s.Last), top(n)) })
		for _, s := range set[start:] {
			if top(s.First) > uint64(r.Last) {
				break
			}
			if first := uint64(s.First); first > next {
				out.AddRange(UID(next), UID(first-1))
			}
			next = top(s.Last) + 1
		}
		if next <= uint64(r.Last) {
			out.AddRange(UID(next), r.Last)
		}
	}
	return out
}

// String returns the form of the wire, such as "5,3:4,1".
func (l UIDList) String() string {
	b, _ := UIDSet(l).AppendText(nil)
	return string(b)
}

// MarshalText is [UIDList.String] for encoding packages.
func (l UIDList) MarshalText() ([]byte, error) { return UIDSet(l).AppendText(nil) }
