package imapwire

import "github.com/pushmail/pushmail/imap"

// Decoder turns frames into responses. It is not safe for concurrent use. The zero value is not
// usable: see [NewDecoder].
type Decoder struct {
	opts Options
}

// NewDecoder returns a Decoder. It copies opts, which may be nil.
func NewDecoder(opts *Options) *Decoder {
	return &Decoder{opts: opts.resolved()}
}

var _ imap.Response = (*imap.Unknown)(nil)
