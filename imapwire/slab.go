package imapwire

import (
	"unsafe"

	"github.com/pushmail/pushmail/imap"
)

// A slab hands out pieces of larger allocations, so that a message costs a few allocations however
// many addresses, parts and parameters it has.
//
// The price: a message that is kept keeps the chunks its pieces are in, and with them the neighbours
// and their text. Chunks are small (see below), no chunk links to another of its own slab, so that
// chunks do not keep each other without end, and a large response (largeFrame) shares no chunk at all. So one message that is kept out of many keeps about a dozen of its neighbours,
// some tens of kilobytes at most. Who keeps few messages for long copies what they need.
type slab[T any] struct {
	chunk []T // its length is what is used
	full  int // how many values are in earlier chunks, since reset
}

// take returns one more value, which comes after the values from mark on, in one piece with them.
// The mark may change. What it returns is good until the next call.
func (s *slab[T]) take(mark, size int) (*T, int) {
	if len(s.chunk) == cap(s.chunk) {
		mark = s.grow(mark, size)
	}
	s.chunk = s.chunk[:len(s.chunk)+1]
	return &s.chunk[len(s.chunk)-1], mark
}

func (s *slab[T]) grow(mark, size int) int {
	run := s.chunk[mark:]
	n := max(min(size, 4*cap(s.chunk)), 1, 2*len(run))
	s.full += mark
	s.chunk = append(make([]T, 0, n), run...)
	return 0
}

// since returns the values from mark on.
func (s *slab[T]) since(mark int) []T {
	return s.chunk[mark:len(s.chunk):len(s.chunk)]
}

// one returns one value.
func (s *slab[T]) one(size int) *T {
	p, _ := s.take(len(s.chunk), size)
	return p
}

// reset makes all of the slab free again. Its chunk will then hold as much as was used, up to most.
func (s *slab[T]) reset(most int) {
	if used := s.full + len(s.chunk); s.full > 0 && cap(s.chunk) < most {
		s.chunk = make([]T, 0, min(most, used+used/4))
	}
	clear(s.chunk)
	s.chunk, s.full = s.chunk[:0], 0
}

// memory is where decoded values are put.
type memory struct {
	messages  slab[imap.Message]
	envelopes slab[imap.Envelope]
	addresses slab[imap.Address]
	parts     [sharedDepths]slab[imap.BodyPart] // by depth
	params    slab[imap.Param]
	flags     slab[imap.Flag]
	sections  slab[imap.Section]
	text      textSlab
}

// Sizes of chunks: what fits into the size classes of Go's allocator around one and two kilobytes,
// with the eight bytes that it adds to what has pointers. Odd sizes wasted a tenth.
const (
	messageChunk  = 7
	envelopeChunk = 6
	addressChunk  = 42
	partChunk     = 5
	childChunk    = 10 // brothers stand side by side, and are moved if they don't fit
	paramChunk    = 31
	flagChunk     = 63
	sectionChunk  = 8
)

// textChunk is the size of a chunk for the text of rows.
const textChunk = 16 << 10

// textSlab hands out copies of text.
type textSlab struct {
	chunk []byte // what is in it never changes
	full  int    // bytes in earlier chunks, since reset
}

// keep returns a copy of text.
func (s *textSlab) keep(text []byte) string {
	if len(text) == 0 {
		return ""
	}
	if cap(s.chunk)-len(s.chunk) < len(text) {
		s.grow(len(text))
	}
	start := len(s.chunk)
	s.chunk = append(s.chunk, text...)
	return unsafe.String(&s.chunk[start], len(text))
}

// since returns what was appended to the chunk from start on.
func (s *textSlab) since(start int) string {
	if start == len(s.chunk) {
		return ""
	}
	return unsafe.String(&s.chunk[start], len(s.chunk)-start)
}

// grow makes sure that there is room for n bytes. Chunks grow with use: who gets one row now and then
// does not pay for many.
func (s *textSlab) grow(n int) {
	if cap(s.chunk)-len(s.chunk) < n {
		s.full += len(s.chunk)
		size := min(textChunk, max(2*cap(s.chunk), 1024))
		s.chunk = make([]byte, 0, max(size, n))
	}
}

// reset makes all of it free again: strings that it handed out change.
func (s *textSlab) reset(most int) {
	if used := s.full + len(s.chunk); s.full > 0 && cap(s.chunk) < most {
		s.chunk = make([]byte, 0, min(most, used+used/4))
	}
	s.chunk, s.full = s.chunk[:0], 0
}

// keep returns a copy of what stands in the frame from one position to another.
func (d *Decoder) keep(from, to int) string {
	if d.s != "" {
		return d.s[from:to]
	}
	return d.mem.text.keep(d.b[from:to])
}

// sharedDepths is how deep parts are in slabs.
const sharedDepths = 5

// largeFrame is the size from which a response shares no chunks with others.
const largeFrame = 8 << 10
