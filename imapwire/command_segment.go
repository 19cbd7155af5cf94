package imapwire

import (
	"encoding/base64"
	"fmt"
	"io"
)

// Segment is a piece of a command that is written in one go.
type Segment struct {
	// Wait: before writing it the client must have seen "+" from the server.
	Wait bool
	// Data goes first.
	Data []byte
	// Body, if not nil, is read for the Size bytes that follow Data. Such bytes are content, which a
	// trace does best to leave out.
	Body io.Reader
	Size int64
	// Secrets are the parts of Data that a trace must not show, in order.
	Secrets []Span
}

// Span is the bytes from Start up to but not including End.
type Span struct{ Start, End int }

// redacted stands for a secret, whatever its length.
const redacted = "********"

// AppendRedacted appends Data with each secret replaced by eight asterisks. Where a secret is a
// literal, its size is hidden too.
func (s Segment) AppendRedacted(dst []byte) []byte {
	pos := 0
	for _, span := range s.Secrets {
		dst = append(dst, s.Data[pos:span.Start]...)
		dst = append(dst, redacted...)
		pos = span.End
	}
	return append(dst, s.Data[pos:]...)
}

// Redacted returns [Segment.AppendRedacted].
func (s Segment) Redacted() []byte { return s.AppendRedacted(nil) }

// String returns the segment for people, redacted: a Segment that finds its way into a log keeps its
// secrets.
func (s Segment) String() string {
	text := fmt.Sprintf("%q", s.Redacted())
	if s.Body != nil {
		text += fmt.Sprintf(" + %d bytes", s.Size)
	}
	return text
}

// GoString is String, for %#v.
func (s Segment) GoString() string { return s.String() }

// LiteralSizeError says that the reader of a literal has less or more bytes than were announced.
// The command is cut in its middle then, and the connection can only be closed: the server has not
// executed it, for its last line end was not sent.
type LiteralSizeError struct {
	Size int64 // announced
	Read int64 // what the reader had; Size+1 stands for more
}

// Error returns one line.
func (e *LiteralSizeError) Error() string {
	if e.Read > e.Size {
		return fmt.Sprintf("literal of %d bytes has more bytes to read", e.Size)
	}
	return fmt.Sprintf("literal of %d bytes ends after %d", e.Size, e.Read)
}

// WriteTo writes Data and Body to w. Errors of w and of Body come back as they are; a Body that is
// shorter or longer than Size is a *[LiteralSizeError]. Body is read to its end for that, and never
// are more than Size bytes of it written.
func (s Segment) WriteTo(w io.Writer) (int64, error) {
	written, err := w.Write(s.Data)
	n := int64(written)
	if err != nil || s.Body == nil {
		return n, err
	}
	copied, err := io.Copy(w, io.LimitReader(s.Body, s.Size))
	n += copied
	if err != nil {
		return n, err
	}
	if copied < s.Size {
		return n, &LiteralSizeError{Size: s.Size, Read: copied}
	}
	var one [1]byte
	switch _, err := io.ReadFull(s.Body, one[:]); err {
	case io.EOF:
		return n, nil
	case nil:
		return n, &LiteralSizeError{Size: s.Size, Read: s.Size + 1}
	default:
		return n, err
	}
}

// SASLResponse returns the line that answers a SASL challenge (RFC 9051 section 6.2.2), all of it
// secret. Nil is an empty answer.
func SASLResponse(response []byte) Segment {
	line := base64.StdEncoding.AppendEncode(nil, response)
	return Segment{Wait: true, Data: append(line, "\r\n"...), Secrets: []Span{{0, len(line)}}}
}

// SASLCancel is the line that gives up a SASL exchange.
func SASLCancel() Segment { return Segment{Wait: true, Data: []byte("*\r\n")} }

// IdleDone is the line that ends IDLE (RFC 2177).
func IdleDone() Segment { return Segment{Data: []byte("DONE\r\n")} }
