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
		s.chunk = append(make([]T, 0, max(size, 2*len(run))), run...)
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

// Sizes of chunks: one to three kilobytes each.
const (
	messageChunk  = 8
	envelopeChunk = 8
	addressChunk  = 32
	partChunk     = 8
	paramChunk    = 48
	flagChunk     = 64
	sectionChunk  = 8
)

// sharedDepths is how deep parts are in slabs.
const sharedDepths = 3

// largeFrame is the size from which a response shares no chunks with others.
const largeFrame = 8 << 10
