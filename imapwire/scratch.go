package imapwire

// A Scratch is memory for the messages of a [Decoder] that is used again and again: see
// [Decoder.SetScratch]. The zero value is ready for use. It takes what the rows between two resets take,
// up to some hundred kilobytes.
type Scratch struct{ mem memory }

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

// SetScratch makes Decode put each [imap.Message] that it returns from now on into s, with all that it
// holds, until [Scratch.Reset]. Most responses then cost no allocation at all. Other responses keep having memory of
// their own. Nil ends that.
func (d *Decoder) SetScratch(s *Scratch) { d.scratch = s }
