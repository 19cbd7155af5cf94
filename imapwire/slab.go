package imapwire

import "github.com/pushmail/pushmail/imap"

// A slab hands out pieces of larger allocations, so that a message costs a few allocations however
// many addresses, parts and parameters it has.
//
// The price: a message that is kept keeps the chunks its pieces are in, and with them the neighbours
// and their text. Chunks are small (see below), no chunk links to another of its own slab, so that
// chunks do not keep each other without end, and a large response (largeFrame) shares no chunk at all. So one message that is kept out of many keeps about a dozen of its neighbours,
// some tens of kilobytes at most. Who keeps few messages for long copies what they need.
type slab[T any] struct {
	chunk []T // its length is what is used
}

// take returns one more value, which comes after the values from mark on, in one piece with them.
// The mark may change. What it returns is good until the next call.
func (s *slab[T]) take(mark, size int) (*T, int) {
	if len(s.chunk) == cap(s.chunk) {
		run := s.chunk[mark:]
		n := max(min(size, 4*cap(s.chunk)), 1, 2*len(run))
		s.chunk = append(make([]T, 0, n), run...)
		mark = 0
	}
	s.chunk = s.chunk[:len(s.chunk)+1]
	return &s.chunk[len(s.chunk)-1], mark
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

// slabs are the slabs of a Decoder.
type slabs struct {
	messages  slab[imap.Message]
	envelopes slab[imap.Envelope]
	addresses slab[imap.Address]
	parts     [sharedDepths]slab[imap.BodyPart] // by depth
	params    slab[imap.Param]
	flags     slab[imap.Flag]
	sections  slab[imap.Section]
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
const textChunk = 8 << 10

// shared returns data as a string that shares a chunk with others. Chunks grow with use: who gets one
// row now and then does not pay for many.
func (d *Decoder) shared(data []byte) string {
	if b := &d.texts; b.Cap()-b.Len() < len(data) {
		size := min(textChunk, max(2*b.Cap(), 1024))
		b.Reset()
		b.Grow(max(size, len(data))) // does not clear it first
	}
	start := d.texts.Len()
	d.texts.Write(data)
	return d.texts.String()[start:]
}

// sharedDepths is how deep parts are in slabs.
const sharedDepths = 3

// largeFrame is the size from which a response shares no chunks with others.
const largeFrame = 8 << 10
