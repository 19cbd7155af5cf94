package imapwire

import "cmp"

// Limits bound what a peer can make us keep, parse or throw away. They are the same in every mode,
// waiting in IDLE included. A zero field means its default; see [DefaultLimits].
type Limits struct {
	// Line bounds one line of a response without its line end: the text up to a literal, between two
	// literals, or after the last one. The default is 1 MiB. The lines that are as long as a mailbox is
	// large (SEARCH, SORT, THREAD, ESEARCH, VANISHED) are only bounded by Response.
	Line int
	// Literal bounds a literal that is kept in the response. A body section that is streamed
	// ([Framer.Stream]) has no bound. The default is 1 MiB.
	Literal int64
	// Inline is the size from which a body section is offered to [Framer.Stream]. The default is 64 KiB.
	Inline int64
	// Response bounds one whole response, streamed literals not counted. The default is 8 MiB.
	Response int
	// Skip bounds the bytes that are read and thrown away to find the end of a response that is beyond
	// one of the limits above. The default is 64 MiB.
	Skip int64
	// Depth bounds the nesting of parentheses and of body parts, but not that of threads. The default is 64.
	Depth int
	// Tokens bounds the elements of one response: items, flags, addresses, body parts, parameters,
	// entries of lists, literals. What they take in memory is many times what they take on the wire.
	// The default is 100,000.
	Tokens int
	// Ranges bounds the ranges of one message set, the numbers of SEARCH and SORT, and the numbers and
	// parentheses of THREAD, which take little more in memory than on the wire. The default is 2,000,000.
	Ranges int
}

// DefaultLimits are the limits that stand for zero fields.
var DefaultLimits = Limits{
	Line:     1 << 20,
	Literal:  1 << 20,
	Inline:   64 << 10,
	Response: 8 << 20,
	Skip:     64 << 20,
	Depth:    64,
	Tokens:   100_000,
	Ranges:   2_000_000,
}

func (l Limits) withDefaults() Limits {
	d := &DefaultLimits
	return Limits{
		Line:     cmp.Or(l.Line, d.Line),
		Literal:  cmp.Or(l.Literal, d.Literal),
		Inline:   cmp.Or(l.Inline, d.Inline),
		Response: cmp.Or(l.Response, d.Response),
		Skip:     cmp.Or(l.Skip, d.Skip),
		Depth:    cmp.Or(l.Depth, d.Depth),
		Tokens:   cmp.Or(l.Tokens, d.Tokens),
		Ranges:   cmp.Or(l.Ranges, d.Ranges),
	}
}
