package imapclient

import (
	"errors"
	"fmt"
	"io"

	"github.com/pushmail/pushmail/imap"
)

// Body is the content of one section of a message on its way from the server: an io.Reader of Size bytes.
// It belongs to one turn of the loop over [Conn.FetchBodies]: afterwards reading it returns [ErrBodyOver].
// What was not read then is thrown away.
type Body struct {
	// Message has the UID and, of the other items that were asked for, all if the content is short, and
	// those that the server sent ahead of the content if it is long (more than Limits.Inline). It must
	// not be changed.
	Message *imap.Message
	// Section is the position of the section in FetchOptions.Sections.
	Section int
	// Offset is where in the section the content starts, and Size how long it is. The piece that was
	// asked for can reach beyond the end of the section: then Size is what there is.
	Offset, Size int64
	// Nil: the message has no such section, or the server cannot give it. There is nothing to read.
	Nil bool

	loop   *bodyLoop
	text   string    // what is left of a content that came in the row
	left   int64     // to be read of a streamed one
	buf    []byte    // what came of it
	taken  int       // and was read of buf
	direct io.Writer // takes what comes, past buf
	err    error     // of all further reads
}

// ErrBodyOver says that a [Body] was read after the loop over [Conn.FetchBodies] had gone on.
var ErrBodyOver = errors.New("the body belongs to an earlier turn of the loop over FetchBodies")

// OriginError says that a server sent a piece of a section without saying where it starts, other than
// RFC 9051 section 7.5.2 wants it: it cannot be told from the whole.
type OriginError struct {
	Section string // what was asked for
	Size    int64  // what came
}

func (e *OriginError) Error() string {
	return fmt.Sprintf("%s: the server sent %d bytes and did not say where they start", e.Section, e.Size)
}

// Read reads what has come, and waits for more if there is nothing. It drives the connection. When the
// context of the loop has ended, it returns its cause.
func (b *Body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	b.loop.alive()
	if b.text != "" {
		n := copy(p, b.text)
		b.text = b.text[n:]
		return n, nil
	}
	for b.left > 0 && b.taken == len(b.buf) {
		if b.err = b.loop.pull(b); b.err != nil {
			return 0, b.err
		}
	}
	if b.left == 0 {
		return 0, io.EOF
	}
	n := copy(p, b.buf[b.taken:])
	b.take(n)
	return n, nil
}

// WriteTo writes the rest of the body to w as it comes, without keeping it in between. It ends with the
// first error of w; what came up to then is lost.
func (b *Body) WriteTo(w io.Writer) (n int64, err error) {
	if b.err != nil {
		return 0, b.err
	}
	to := &sink{w: w}
	if b.text != "" {
		_, b.err = io.WriteString(to, b.text)
		b.text = ""
	}
	if b.err == nil && b.taken < len(b.buf) {
		_, b.err = to.Write(b.buf[b.taken:])
		b.take(len(b.buf) - b.taken)
	}
	b.direct = to
	defer func() { b.direct = nil }()
	for b.left > 0 && b.err == nil {
		if b.err = b.loop.pull(b); b.err == nil {
			b.err = to.err
		}
	}
	return to.n, b.err
}

// take counts n bytes of buf as read.
func (b *Body) take(n int) {
	b.taken += n
	b.left -= int64(n)
	b.loop.f.held -= n
	if b.taken == len(b.buf) {
		b.buf, b.taken = b.buf[:0], 0
	}
}

// write takes bytes from the framer. An error has it throw the rest of the content away.
func (b *Body) write(p []byte) (int, error) {
	switch {
	case b.err != nil:
		return 0, b.err
	case b.direct != nil:
		n, err := b.direct.Write(p)
		b.left -= int64(len(p))
		return n, err
	}
	b.buf = append(b.buf, p...)
	b.loop.f.held += len(p)
	return len(p), nil
}

// close ends the turn of the loop.
func (b *Body) close() {
	b.loop.f.held -= len(b.buf) - b.taken
	b.buf, b.taken = nil, 0
	b.text, b.err = "", ErrBodyOver
}

// bodySink is the io.Writer of a Body, which has no Write of its own for its users.
type bodySink struct{ *Body }

func (s bodySink) Write(p []byte) (int, error) { return s.write(p) }

// sink counts what is written and remembers the first error.
type sink struct {
	w   io.Writer
	n   int64
	err error
}

func (s *sink) Write(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.w.Write(p)
	s.n += int64(n)
	s.err = err
	return n, err
}
