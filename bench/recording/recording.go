// Package recording makes up the answer of a server to FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE
// BODYSTRUCTURE) for a mailbox of many messages. The same seed gives the same bytes, on any machine.
//
// The rows are written as Dovecot writes them and keep to the letter of RFC 3501, for some of the clients that are compared
// give up at the first thing they do not know.
package recording

import (
	"bytes"
	"math/rand/v2"
)

// Items is what the rows carry, as it stands in a FETCH command.
const Items = "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)"

// Recording is the answer, without its tagged response.
type Recording struct {
	Rows   []byte
	Totals Totals
}

// Totals is what a client must have seen when it is through. A client that skips something, or stops early, gives itself away.
type Totals struct {
	Messages int    `json:"messages"`
	UIDs     uint64 `json:"uids,omitempty"`  // sum
	Sizes    uint64 `json:"sizes,omitempty"` // sum of RFC822.SIZE
	// Subjects is the sum of the CRC-32 (IEEE) of each subject as it was sent, Decoded that of the subjects with their encoded
	// words decoded. A client has one of them.
	Subjects uint64 `json:"subjects,omitempty"`
	Decoded  uint64 `json:"decoded,omitempty"`
	// Addresses counts those in the envelopes of the messages, without those in the envelopes of message/rfc822 parts.
	Addresses int `json:"addresses,omitempty"`
	// Leaves counts the parts that are no multipart. A message/rfc822 and the parts of its message count.
	Leaves int `json:"leaves,omitempty"`
	Bytes  int `json:"bytes,omitempty"`
}

// New makes a recording of n messages.
func New(n int, seed uint64) *Recording {
	w := &writer{rand: rand.New(rand.NewPCG(seed, 1))}
	w.Grow(n * 1200)
	for i := range n {
		w.row(i + 1)
	}
	w.totals.Messages, w.totals.Bytes = n, w.Len()
	return &Recording{Rows: w.Bytes(), Totals: w.totals}
}

// writer writes rows and keeps count.
type writer struct {
	bytes.Buffer
	rand   *rand.Rand
	uid    uint32
	totals Totals
}
