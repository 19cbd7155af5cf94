package imapwire

import (
	"bytes"
	"math/bits"
)

// textEnd returns where the quote is that ends the quoted string whose text starts at p; -1 if there
// is a backslash before it, or no quote. It looks at eight bytes at once.
func textEnd(b []byte, p int) int {
	for p+8 <= len(b) {
		w := load64(b[p : p+8])
		x, y := w^quotes, w^slashes
		if m := ((x-lowBits)&^x | (y-lowBits)&^y) & highBits; m != 0 {
			p += bits.TrailingZeros64(m) >> 3
			if p < len(b) && b[p] == '"' {
				return p
			}
			return -1
		}
		p += 8
	}
	for ; p < len(b) && b[p] != '\\'; p++ {
		if b[p] == '"' {
			return p
		}
	}
	return -1
}

// load64 is one instruction.
func load64(b []byte) uint64 {
	_ = b[7]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// text reads a string or NIL, which is "". The caller demands what must follow.
func (d *Decoder) text(p int) (text string, end int) {
	b := d.b
	if p < len(b) && b[p] == '"' {
		if end := textEnd(b, p+1); end > 0 {
			return d.keep(p+1, end), end + 1
		}
	} else if p+3 <= len(b) && string(b[p:p+3]) == "NIL" {
		return "", p + 3
	}
	return d.rareText(p)
}

// spText is text after a space.
func (d *Decoder) spText(p int) (text string, end int) {
	if p >= len(d.b) || d.b[p] != ' ' {
		return "", -1
	}
	return d.text(p + 1)
}

// twoTexts reads two of what text reads, with a space between them. It copies them in one piece if it can.
func (d *Decoder) twoTexts(p int) (first, second string, end int) {
	b := d.b
	if p < len(b) && b[p] == '"' {
		next := textEnd(b, p+1) + 3
		if next > 2 && next < len(b) && b[next-1] == '"' && b[next-2] == ' ' {
			if end := textEnd(b, next); end > 0 {
				both := d.keep(p+1, end)
				return both[:next-3-(p+1)], both[next-(p+1):], end + 1
			}
		}
	}
	if first, p = d.text(p); p < 0 {
		return "", "", -1
	}
	second, p = d.spText(p)
	return first, second, p
}

// rareText reads a string with escapes, or a literal.
func (d *Decoder) rareText(p int) (text string, end int) {
	b := d.b
	if p >= len(b) {
		return "", -1
	}
	switch b[p] {
	case '"':
		return d.escapedText(p + 1)
	case '{':
		if line := bytes.IndexByte(b[p:min(len(b), p+12)], '\n'); line > 3 && b[p+line-1] == '\r' && b[p+line-2] == '}' {
			size := 0
			for _, c := range b[p+1 : p+line-2] {
				if c-'0' > 9 {
					return "", -1
				}
				size = size*10 + int(c-'0')
			}
			if p += line + 1; size <= len(b)-p {
				return d.keep(p, p+size), p + size
			}
		}
	}
	return "", -1
}

// escapedText reads the text of a quoted string with escapes.
func (d *Decoder) escapedText(p int) (text string, end int) {
	b := d.b
	for end = p; end < len(b) && b[end] != '"'; end++ {
		if b[end] == '\\' {
			if end++; end >= len(b) || b[end] != '"' && b[end] != '\\' {
				return "", -1
			}
		}
	}
	if end >= len(b) {
		return "", -1
	}
	to := &d.mem.text
	to.grow(end - p)
	start := len(to.chunk)
	for t := b[p:end]; ; {
		i := bytes.IndexByte(t, '\\')
		if i < 0 {
			to.chunk = append(to.chunk, t...)
			return to.since(start), end + 1
		}
		to.chunk = append(append(to.chunk, t[:i]...), t[i+1])
		t = t[i+2:]
	}
}
