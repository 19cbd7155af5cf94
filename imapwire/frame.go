package imapwire

// Frame is one whole response: a line and, when the line ends in a literal header, the literal and
// the line after it, and so on.
type Frame struct {
	// Data is the response with its literals and without the final line end. It is only valid until
	// the next call of [Framer.Next].
	Data []byte
	// Literals are the literals in Data, in order.
	Literals []Literal
}

// Literal is one literal of a [Frame].
type Literal struct {
	// Offset is where in [Frame.Data] the literal starts: after its header and the line end.
	Offset int
	// Size is the length of the literal.
	Size int64
	// Streamed: the bytes went to the writer of [Framer.Stream] and are not in Data; what follows the
	// literal stands at Offset.
	Streamed bool
}
