package imapwire

import "github.com/pushmail/pushmail/imap"

// A Scratch is memory for the messages of a [Decoder] that is used again and again: see
// [Decoder.SetScratch]. The zero value is ready for use.
type Scratch struct {
	// Want says which messages may lie in the scratch. The others get memory of their own. Nil means all.
	Want func(*imap.Message) bool

	mem memory
}

// scratchChunks is how many chunks of each kind a Scratch keeps, at most.
const scratchChunks = 16

// Reset says that nobody needs the messages that were decoded into s any more: they, all that they hold
// and their strings will be overwritten.
func (s *Scratch) Reset() {
	m := &s.mem
	m.messages.reset(scratchChunks * messageChunk)
	m.envelopes.reset(scratchChunks * envelopeChunk)
	m.addresses.reset(scratchChunks * addressChunk)
	for i := range m.parts {
		m.parts[i].reset(scratchChunks * childChunk)
	}
	m.params.reset(scratchChunks * paramChunk)
	m.flags.reset(scratchChunks * flagChunk)
	m.sections.reset(scratchChunks * sectionChunk)
	m.text.reset(scratchChunks * textChunk)
}

// SetScratch makes Decode put the rows of FETCH that it returns from now on into s, with all that they
// hold, until [Scratch.Reset]. Most then cost no allocation at all. Other responses keep having memory of
// their own, and so do rows that no server sends. Nil ends that.
func (d *Decoder) SetScratch(s *Scratch) { d.scratch = s }

// intoScratch is row into the scratch.
func (d *Decoder) intoScratch(seq imap.SeqNum) *imap.Message {
	own := d.mem
	d.mem = &d.scratch.mem
	d.own() // one large copy costs less than many small ones, and memory does not count here
	m := d.row(seq)
	d.mem = own
	if d.scratch.Want != nil && !d.scratch.Want(m) {
		return m.Clone()
	}
	return m
}
