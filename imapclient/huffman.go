package imapclient

import "math/bits"

// huffman decodes one alphabet (RFC 1951 section 3.2.2).
type huffman struct {
	// quick has symbol<<4 | length for the codes of up to quickBits bits, by the bits that come; 0 for others.
	quick   [1 << quickBits]uint16
	count   [maxCode + 1]uint16 // codes of each length
	longest uint                // length
	symbols [288]uint16         // in the order of their codes
}

const (
	quickBits = 9
	maxCode   = 15
)

// build prepares the code with these lengths, and reports whether there is one. A code that is not complete
// is none, unless it has a single symbol of one bit, or no symbol at all.
func (h *huffman) build(lengths []uint8) bool {
	*h = huffman{}
	for _, n := range lengths {
		h.count[n]++
	}
	h.count[0] = 0
	left := 1
	for n := 1; n <= maxCode; n++ {
		if left = left<<1 - int(h.count[n]); left < 0 {
			return false
		}
		if h.count[n] > 0 {
			h.longest = uint(n)
		}
	}
	if left > 0 && h.longest > 1 {
		return false
	}
	var offset, next [maxCode + 2]uint16
	for n := 1; n <= maxCode; n++ {
		offset[n+1] = offset[n] + h.count[n]
		next[n+1] = (next[n] + h.count[n]) << 1
	}
	for sym, n := range lengths {
		if n == 0 {
			continue
		}
		h.symbols[offset[n]] = uint16(sym)
		offset[n]++
		h.enter(sym, uint(n), next[n])
		next[n]++
	}
	return true
}

// enter puts a code into quick, wherever the bits that come begin with it.
func (h *huffman) enter(sym int, n uint, code uint16) {
	if n > quickBits {
		return
	}
	first := bits.Reverse16(code) >> (16 - n)
	for i := uint(first); i < 1<<quickBits; i += 1 << n {
		h.quick[i] = uint16(sym)<<4 | uint16(n)
	}
}

// decode takes one symbol from b; -1 is for bits that are no code. It reports false if bits are missing.
func (h *huffman) decode(b *bitBuffer) (sym int, ok bool) {
	if q := h.quick[b.v&(1<<quickBits-1)]; q != 0 && uint(q&15) <= b.n {
		b.drop(uint(q & 15))
		return int(q >> 4), true
	}
	// Bit by bit: how many codes there are of each length says which is which.
	var code, first, index int
	for n := uint(1); n <= h.longest; n++ {
		if n > b.n {
			return 0, false
		}
		code |= int(b.v >> (n - 1) & 1)
		count := int(h.count[n])
		if code-count < first {
			b.drop(n)
			return int(h.symbols[index+code-first]), true
		}
		index += count
		first = (first + count) << 1
		code <<= 1
	}
	return -1, true
}

// extended is a base value, to which extra bits are added.
type extended struct{ base, extra uint16 }

// RFC 1951 section 3.2.5.
var (
	lengths = [29]extended{
		{3, 0},
		{4, 0},
		{5, 0},
		{6, 0},
		{7, 0},
		{8, 0},
		{9, 0},
		{10, 0},
		{11, 1},
		{13, 1},
		{15, 1},
		{17, 1},
		{19, 2},
		{23, 2},
		{27, 2},
		{31, 2},
		{35, 3},
		{43, 3},
		{51, 3},
		{59, 3},
		{67, 4},
		{83, 4},
		{99, 4},
		{115, 4},
		{131, 5},
		{163, 5},
		{195, 5},
		{227, 5},
		{258, 0},
	}
	distances = [30]extended{
		{1, 0},
		{2, 0},
		{3, 0},
		{4, 0},
		{5, 1},
		{7, 1},
		{9, 2},
		{13, 2},
		{17, 3},
		{25, 3},
		{33, 4},
		{49, 4},
		{65, 5},
		{97, 5},
		{129, 6},
		{193, 6},
		{257, 7},
		{385, 7},
		{513, 8},
		{769, 8},
		{1025, 9},
		{1537, 9},
		{2049, 10},
		{3073, 10},
		{4097, 11},
		{6145, 11},
		{8193, 12},
		{12289, 12},
		{16385, 13},
		{24577, 13},
	}
)

// fixedLit and fixedDist are the codes of section 3.2.6.
var fixedLit, fixedDist = fixedCodes()

func fixedCodes() (lit, dist huffman) {
	var l [288]uint8
	for i := range l {
		switch {
		case i < 144:
			l[i] = 8
		case i < 256:
			l[i] = 9
		case i < 280:
			l[i] = 7
		default:
			l[i] = 8
		}
	}
	lit.build(l[:])
	var d [32]uint8
	for i := range d {
		d[i] = 5
	}
	dist.build(d[:])
	return lit, dist
}

// lengthOrder is the order in which the lengths of the code for lengths come (section 3.2.7).
var lengthOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// dynamicHeader reads the codes of a block that has its own (section 3.2.7).
func (z *inflater) dynamicHeader() bool {
	v, ok := z.take(14)
	if !ok {
		return false
	}
	lits, dists, codes := int(v&31)+257, int(v>>5&31)+1, int(v>>10)+4
	if lits > 286 || dists > 30 {
		return z.corrupt()
	}
	var of [19]uint8
	for _, i := range lengthOrder[:codes] {
		n, ok := z.take(3)
		if !ok {
			return false
		}
		of[i] = uint8(n)
	}
	h := &z.own[0]
	if !h.build(of[:]) {
		return z.corrupt()
	}
	var all [286 + 30]uint8
	if done, more := z.codeLengths(h, all[:lits+dists]); !done {
		return more
	}
	if !z.own[0].build(all[:lits]) || !z.own[1].build(all[lits:lits+dists]) {
		return z.corrupt()
	}
	z.kind, z.lit, z.dist = blockSymbols, &z.own[0], &z.own[1]
	return true
}

// codeLengths reads the lengths of both codes, which repeat themselves. If it is not done, more says whether that is
// for good.
func (z *inflater) codeLengths(h *huffman, all []uint8) (done, more bool) {
	for i := 0; i < len(all); {
		z.fill()
		sym, ok := h.decode(&z.bits)
		switch {
		case !ok:
			return false, false
		case sym < 0, sym == 16 && i == 0: // nothing is there to be repeated
			return false, z.corrupt()
		case sym < 16:
			all[i] = uint8(sym)
			i++
			continue
		}
		repeat := [3]struct{ base, extra uint }{{3, 2}, {3, 3}, {11, 7}}[sym-16]
		extra, ok := z.take(repeat.extra)
		if !ok {
			return false, false
		}
		times := int(repeat.base + uint(extra))
		if i+times > len(all) {
			return false, z.corrupt()
		}
		for ; times > 0; times-- {
			if sym == 16 {
				all[i] = all[i-1]
			}
			i++
		}
	}
	return true, true
}
