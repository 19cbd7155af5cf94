package imaptest

import (
	"bytes"
	"sync"

	"github.com/pushmail/pushmail/imap"
)

// content is an immutable message text. Copies of a message share one.
type content struct {
	raw  []byte
	root func() *part // parsed when first asked for
}

func newContent(raw []byte) *content {
	c := &content{raw: toCRLF(raw)}
	c.root = sync.OnceValue(func() *part { return parseMessage(c.raw) })
	return c
}

func (c *content) size() int64 { return int64(len(c.raw)) }

func (c *content) envelope() *imap.Envelope { return newEnvelope(c.root().fields) }

// toCRLF returns a copy of raw in which every line ends in CRLF, as a message on the wire must
// (RFC 5322 section 2.3).
func toCRLF(raw []byte) []byte {
	bare := 0
	for i, c := range raw {
		if c == '\n' && (i == 0 || raw[i-1] != '\r') {
			bare++
		}
	}
	if bare == 0 {
		return bytes.Clone(raw)
	}
	out := make([]byte, 0, len(raw)+bare)
	for i, c := range raw {
		if c == '\n' && (i == 0 || raw[i-1] != '\r') {
			out = append(out, '\r')
		}
		out = append(out, c)
	}
	return out
}
