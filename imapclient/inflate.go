package imapclient

import (
	"errors"
	"io"
)

// inflater decompresses DEFLATE (RFC 1951) from a transport. It is not compress/flate because of two things
// that a connection needs and a file does not:
//
//   - A read that times out can be repeated. A flate.Reader is lost after any error.
//   - What has arrived is given out at once, whatever comes after it. A flate.Reader keeps it until an empty
//     stored block, which is what Z_SYNC_FLUSH makes; a peer that flushes with Z_PARTIAL_FLUSH would not
//     be heard before it says more.
//
// To that end nothing is taken from the input before all that belongs to it is there: a block header, or a
// symbol with its extra bits. Memory is 40 KB, whatever the data; how much comes out is for the reader to
// bound, which takes it in small pieces.
type inflater struct {
	src  io.Reader
	in   []byte // read and not yet used
	bits bitBuffer

	kind   blockKind
	last   bool // the block is the last
	lit    *huffman
	dist   *huffman
	stored int // bytes to come of a stored block
	copies int // bytes to come of a copy
	back   int // from how far behind
	err    error

	put, got uint // bytes put into the window, and taken out of it
	window   [windowSize]byte
	own      [2]huffman
	raw      [4 << 10]byte
}

// blockKind is what comes next.
type blockKind uint8

const (
	blockHeader blockKind = iota
	blockStored
	blockSymbols
)

// windowSize is how far behind a copy can lie (RFC 1951 section 2).
const windowSize = 32 << 10

// errInflate says that what the peer sends is not compressed as it should be.
var errInflate = errors.New("COMPRESS: the data is corrupt")

// newInflater reads from src after it has used up first.
func newInflater(src io.Reader, first []byte) *inflater {
	return &inflater{src: src, in: first}
}

// Read returns errors of the transport as they are; the next call goes on.
func (z *inflater) Read(p []byte) (int, error) {
	for {
		if z.put == z.got {
			z.inflate()
		}
		if z.put != z.got {
			return z.give(p), nil
		}
		if z.err != nil {
			return 0, z.err
		}
		// At most a block header is left, which is much shorter than raw.
		k := copy(z.raw[:], z.in)
		n, err := z.src.Read(z.raw[k:])
		z.in = z.raw[:k+n]
		if n == 0 && err != nil {
			return 0, err
		}
	}
}

// give copies what is in the window and was not given before.
func (z *inflater) give(p []byte) int {
	total := 0
	for total < len(p) && z.got != z.put {
		from := z.got % windowSize
		n := copy(p[total:], z.window[from:min(from+z.put-z.got, windowSize)])
		z.got += uint(n)
		total += n
	}
	return total
}

// inflate fills the window with what can be made of the input.
func (z *inflater) inflate() {
	for z.err == nil && z.put-z.got < windowSize {
		var more bool
		switch z.kind {
		case blockHeader:
			more = z.header()
		case blockStored:
			more = z.copyStored()
		case blockSymbols:
			more = z.symbols()
		}
		if !more {
			return
		}
	}
}

// attempt runs f, and takes back what it has read if it reports that bits are missing.
func (z *inflater) attempt(f func() bool) bool {
	in, bits := z.in, z.bits
	if f() {
		return true
	}
	z.in, z.bits = in, bits
	return false
}

func (z *inflater) corrupt() bool {
	z.err = errInflate
	return true
}

// header reads the head of a block (RFC 1951 section 3.2.3).
func (z *inflater) header() bool {
	if z.last {
		z.err = io.EOF
		return true
	}
	return z.attempt(func() bool {
		v, ok := z.take(3)
		if !ok {
			return false
		}
		switch v >> 1 {
		case 0:
			ok = z.storedHeader()
		case 1:
			z.kind, z.lit, z.dist = blockSymbols, &fixedLit, &fixedDist
		case 2:
			ok = z.dynamicHeader()
		default:
			ok = z.corrupt()
		}
		z.last = ok && v&1 != 0
		return ok
	})
}

// storedHeader reads the length of a block that is not compressed (section 3.2.4).
func (z *inflater) storedHeader() bool {
	z.bits.drop(z.bits.n % 8)
	size, ok := z.take(16)
	if !ok {
		return false
	}
	check, ok := z.take(16)
	if !ok {
		return false
	}
	if size != check^0xffff {
		return z.corrupt()
	}
	z.kind, z.stored = blockStored, int(size)
	return true
}

// copyStored copies as much of a stored block as there is.
func (z *inflater) copyStored() bool {
	for z.stored > 0 && z.put-z.got < windowSize {
		if v, ok := z.take(8); ok {
			z.putByte(byte(v))
			z.stored--
			continue
		}
		return false
	}
	if z.stored == 0 {
		z.kind = blockHeader
	}
	return true
}

// symbols decodes until the window is full, the block ends, or bits are missing.
func (z *inflater) symbols() bool {
	for z.put-z.got < windowSize {
		if z.copies > 0 {
			z.repeat()
			continue
		}
		z.fill()
		bits := z.bits
		sym, ok := z.lit.decode(&bits)
		switch {
		case !ok:
			return false
		case sym < 0:
			return z.corrupt()
		case sym < 256:
			z.bits = bits
			z.putByte(byte(sym))
			continue
		case sym == 256:
			z.bits, z.kind = bits, blockHeader
			return true
		}
		if more, ok := z.match(sym-257, &bits); !ok {
			return more
		}
		z.bits = bits
	}
	return true
}

// match reads the rest of a length and its distance (section 3.2.5). It reports ok if it did, and else
// whether that is for good. At most 48 bits are needed, which fill has brought if they are there.
func (z *inflater) match(sym int, bits *bitBuffer) (more, ok bool) {
	if sym >= len(lengths) {
		return z.corrupt(), false
	}
	extra, have := bits.take(uint(lengths[sym].extra))
	if !have {
		return false, false
	}
	length := int(lengths[sym].base) + int(extra)
	sym, have = z.dist.decode(bits)
	switch {
	case !have:
		return false, false
	case sym < 0, sym >= len(distances):
		return z.corrupt(), false
	}
	extra, have = bits.take(uint(distances[sym].extra))
	if !have {
		return false, false
	}
	back := int(distances[sym].base) + int(extra)
	if uint(back) > z.put {
		return z.corrupt(), false // from before the beginning
	}
	z.copies, z.back = length, back
	return true, true
}

// repeat does as much of a copy as lies in one piece.
func (z *inflater) repeat() {
	from, to := (z.put-uint(z.back))%windowSize, z.put%windowSize
	n := min(uint(z.copies), uint(z.back), windowSize-from, windowSize-to, windowSize-(z.put-z.got))
	copy(z.window[to:to+n], z.window[from:from+n])
	z.put += n
	z.copies -= int(n)
}

func (z *inflater) putByte(b byte) {
	z.window[z.put%windowSize] = b
	z.put++
}

// fill moves as many bytes of the input into bits as fit.
func (z *inflater) fill() {
	for z.bits.n <= 56 && len(z.in) > 0 {
		z.bits.v |= uint64(z.in[0]) << z.bits.n
		z.bits.n += 8
		z.in = z.in[1:]
	}
}

// take reads count bits, or none if they are not there.
func (z *inflater) take(count uint) (uint32, bool) {
	z.fill()
	return z.bits.take(count)
}

// bitBuffer is up to 64 bits, the next one lowest.
type bitBuffer struct {
	v uint64
	n uint
}

func (b *bitBuffer) drop(count uint) {
	b.v >>= count
	b.n -= count
}

func (b *bitBuffer) take(count uint) (uint32, bool) {
	if b.n < count {
		return 0, false
	}
	v := uint32(b.v & (1<<count - 1))
	b.drop(count)
	return v, true
}
