package imapwire

import (
	"math"
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// set reads a message set (RFC 9051 section 9, sequence-set).
func set[N imap.Number](d *Decoder) imap.Set[N] {
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
			return imap.Normalize(s)
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
