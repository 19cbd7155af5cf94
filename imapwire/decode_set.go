package imapwire

import (
	"math"
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// set reads a message set (RFC 9051 section 9, sequence-set).
func set[N imap.Number](d *Decoder) imap.Set[N] { return imap.Normalize(ranges[N](d)) }

// orderedSet reads a message set whose order means something and that has no "*" (RFC 5267 section 3.2:
// 12:10 is 10:12). The list is nil if the order is ascending.
func orderedSet(d *Decoder) (imap.UIDSet, imap.UIDList) {
	s := ranges[imap.UID](d)
	ascending := true
	for i := range s {
		r := &s[i]
		if r.First == 0 || r.Last == 0 {
			d.fail("expected numbers")
			return nil, nil
		}
		if r.First > r.Last {
			r.First, r.Last = r.Last, r.First
		}
		ascending = ascending && (i == 0 || s[i-1].Last < r.First)
	}
	if ascending {
		return imap.Normalize(s), nil
	}
	var list imap.UIDList
	for _, r := range s {
		list.AddRange(r.First, r.Last)
	}
	return imap.Normalize(s), list
}

// ranges reads the ranges of a message set as they come.
func ranges[N imap.Number](d *Decoder) imap.Set[N] {
	end := d.pos
	for end < len(d.s) && d.s[end] > ' ' && d.s[end] != ')' && d.s[end] != ']' {
		end++
	}
	text := d.s[d.pos:end]
	n := strings.Count(text, ",") + 1
	if n > d.lim.Ranges {
		d.fail("too many ranges")
		return nil
	}
	s := make(imap.Set[N], 0, n)
	for p := 0; ; {
		first, q, ok := setNumber(text, p)
		last := first
		if ok && q < len(text) && text[q] == ':' {
			last, q, ok = setNumber(text, q+1)
		}
		if !ok || q < len(text) && text[q] != ',' {
			d.failAtPos(d.pos+min(p, len(text)), "expected a message set")
			return nil
		}
		s = append(s, imap.Range[N]{First: N(first), Last: N(last)})
		if p = q + 1; q == len(text) {
			d.pos = end
			return s
		}
	}
}

// setNumber reads a number from 1 on, or "*", which is 0.
func setNumber(s string, p int) (n uint64, end int, ok bool) {
	if p < len(s) && s[p] == '*' {
		return 0, p + 1, true
	}
	start := p
	for p < len(s) && s[p]-'0' <= 9 && n <= math.MaxUint32 {
		n = n*10 + uint64(s[p]-'0')
		p++
	}
	return n, p, p > start && n > 0 && n <= math.MaxUint32
}
