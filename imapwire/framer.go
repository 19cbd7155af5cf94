package imapwire

import (
	"bytes"
	"io"
)

// Framer cuts the bytes of a connection into whole responses (or, in a server, commands): a line and,
// while the line ends in a literal header, the literal and the line after it. It knows nothing else of
// the grammar, so nothing that a peer sends makes it lose its place.
//
// It is not safe for concurrent use. It allocates as bytes arrive and never by what a header
// announces; while it waits between responses it can be made to own no buffer ([Framer.Release]).
//
// # What is a literal header
//
// A line that ends in {n}, {n+}, {n-} or ~{n} is followed by a literal, whatever stands before: a
// quoted string cannot contain a line end (RFC 9051 section 4.3), so nothing else can follow. The
// exceptions are lines that end in free text, which holds no literals (RFC 9051 section 9,
// resp-text): "+ …", status responses (OK, NO, BAD, BYE and PREAUTH, tagged or not), and a response
// code that stands alone. Of these only the code BADCHARSET may have literals as arguments (RFC 3501
// section 9), and does as long as its "]" has not come.
type Framer struct {
	// Stream, if set, is asked what to do with each literal that is the value of a body section of a
	// FETCH or UIDFETCH response and larger than [Limits.Inline]. Head is the response so far, up to
	// and with the literal header, and only valid during the call. The bytes of the literal are
	// written to the writer as they arrive and are not part of [Frame.Data]. Nil keeps the literal
	// in the response, within the limits. If a write fails, the rest of the literal is thrown away.
	// A writer that blocks blocks Next.
	Stream func(head []byte, size int64) io.Writer
	// Literal, if set, is called once for each literal header: a server sends its "+" here when sync.
	// If it returns an error, Next throws the command away and returns that error; a synchronising
	// literal is then not expected any more, another one is skipped. A synchronising literal that is
	// beyond the limits ends the command with a LimitError without a call.
	Literal func(size int64, sync bool) error

	src    io.Reader
	lim    Limits
	quirks QuirkSet

	buf   []byte       // nil while released
	array *buffer      // what buf is made of, if it came from the pool
	first *firstBuffer // … if it is the first one
	more  bool         // the last read has filled buf
	start int          // the response starts here in buf
	line  int          // the line, or the part of it after a literal, starts here
	scan  int          // everything before this was looked at
	end   int          // the bytes of buf before this are valid

	mode     mode
	ready    bool  // Ready has found something to do
	left     int64 // of the literal, in the modes that are about one
	lits     []Literal
	sink     io.Writer // of the streamed literal; nil throws it away
	skip     skip
	readErr  error // came together with bytes; not yet returned
	fatalErr error
}

// mode says what the bytes at scan are.
type mode uint8

const (
	inLine        mode = iota
	inLiteral          // kept
	inStream           // a literal that is not kept
	inSkipLine         // of a response that is thrown away
	inSkipLiteral      // of a response that is thrown away
)

// NewFramer returns a Framer that reads from r. It copies opts, which may be nil.
func NewFramer(r io.Reader, opts *Options) *Framer {
	o := opts.resolved()
	return &Framer{src: r, lim: o.Limits, quirks: o.Quirks}
}

// Next returns the next response. What it returns is valid until the next call of Next or Release.
//
// Errors of the reader come back as they are and nothing is lost: after a deadline error the call can
// be repeated. The end of the stream inside a response is [io.ErrUnexpectedEOF]. A *[LimitError] says
// whether the connection can still be used.
func (f *Framer) Next() (Frame, error) {
	f.ready = false
	if f.mode == inLine && f.start == f.line {
		f.lits = f.lits[:0]
		if size, end := f.plainLine(); size > 0 && f.fatalErr == nil {
			fr := Frame{Data: f.buf[f.start : f.start+size : f.start+size]}
			f.advance(end)
			return fr, nil
		}
	}
	for f.fatalErr == nil {
		fr, done, err := f.step()
		if done || err != nil {
			return fr, err
		}
		if err := f.fill(); err != nil {
			return Frame{}, err
		}
	}
	return Frame{}, f.fatalErr
}

// plainLine returns the length of the response at the start, and where the next one begins, if it is one
// line that is buffered and within the limits, and that cannot end in a literal header. Nearly all
// responses are. The size is 0 for anything else. The end of the line is looked for once: the position is
// kept in scan.
func (f *Framer) plainLine() (size, next int) {
	i := bytes.IndexByte(f.buf[f.scan:f.end], '\n')
	if i < 0 {
		return 0, 0
	}
	f.scan += i
	end := f.scan
	if end > f.start && f.buf[end-1] == '\r' {
		end--
	}
	size = end - f.start
	if size == 0 || size > f.lim.Line || size > f.lim.Response {
		return 0, 0
	}
	if c := f.buf[end-1]; c == '}' || c == ' ' || c == '\t' {
		return 0, 0
	}
	return size, f.scan + 1
}

// step looks at what is buffered. It returns a response, an error, or neither if it needs more bytes.
func (f *Framer) step() (fr Frame, done bool, err error) {
	for {
		var more bool
		switch f.mode {
		case inLine:
			fr, done, more, err = f.stepLine()
		case inLiteral:
			more = f.stepLiteral()
		case inStream:
			more = f.stepStream()
		case inSkipLine:
			more, err = f.stepSkipLine()
		case inSkipLiteral:
			more, err = f.stepSkipLiteral()
		}
		if more || done || err != nil {
			return fr, done, err
		}
	}
}

// stepLine looks for the end of a line.
func (f *Framer) stepLine() (fr Frame, done, more bool, err error) {
	i := bytes.IndexByte(f.buf[f.scan:f.end], '\n')
	if i < 0 {
		f.scan = f.end
		if name, limit, size := f.tooLong(f.end - 1); name != "" { // the last byte can be the CR of the line end
			return fr, false, false, f.beginSkip(name, limit, size)
		}
		return fr, false, true, nil
	}
	lf := f.scan + i
	text := trimCR(f.buf[f.line:lf])
	if name, limit, size := f.tooLong(f.line + len(text)); name != "" {
		return fr, false, false, f.beginSkip(name, limit, size)
	}
	if h, ok := f.header(text, f.buf[f.start:f.line]); ok {
		return fr, false, false, f.beginLiteral(h, lf+1)
	}
	if len(text) == 0 {
		if f.line == f.start && !f.quirks.Has(QuirkStrayLineEnd) {
			f.advance(lf + 1)
			return fr, false, false, nil
		}
		if f.afterLiteral() {
			switch f.strayEnd(f.start, f.line, lf) {
			case strayUnknown:
				f.scan = lf
				return fr, false, true, nil
			case strayYes:
				f.scan, f.line = lf+1, lf+1
				return fr, false, false, nil
			}
		}
	}
	fr = Frame{Data: f.buf[f.start : f.line+len(text) : f.line+len(text)], Literals: f.lits}
	f.advance(lf + 1)
	return fr, true, false, nil
}

// tooLong names the limit that the response is beyond if its line reaches up to pos, or "". Of two it is
// the one that is reached first, so that it does not depend on how much of the line has come.
func (f *Framer) tooLong(pos int) (name string, limit, size int64) {
	line, response := pos-f.line, pos-f.start
	lineFirst := f.line-f.start <= f.lim.Response-f.lim.Line
	switch {
	case line > f.lim.Line && (response <= f.lim.Response || lineFirst) && !f.isLong():
		return "Line", int64(f.lim.Line), int64(line)
	case response > f.lim.Response:
		return "Response", int64(f.lim.Response), int64(response)
	}
	return "", 0, 0
}

// advance says that the next response starts at pos.
func (f *Framer) advance(pos int) { f.start, f.line, f.scan, f.mode = pos, pos, pos, inLine }

func trimCR(b []byte) []byte {
	if n := len(b); n > 0 && b[n-1] == '\r' {
		return b[:n-1]
	}
	return b
}

// beginLiteral handles a literal header whose literal starts at pos.
func (f *Framer) beginLiteral(h header, pos int) error {
	limit, maxSize := f.exceeds(h, pos)
	if limit != "" && f.Literal != nil && h.sync {
		err := f.limitError(limit, maxSize, h.size, true)
		f.advance(pos)
		return err
	}
	if f.Literal != nil && limit == "" {
		if err := f.Literal(h.size, h.sync); err != nil {
			if h.sync {
				f.advance(pos)
				return err
			}
			return f.beginSkipFor(err)
		}
	}
	if w := f.streamTo(h, pos); w != nil {
		f.lits = append(f.lits, Literal{Offset: pos - f.start, Size: h.size, Streamed: true})
		f.mode, f.left, f.sink, f.scan = inStream, h.size, w, pos
		return nil
	}
	if limit != "" {
		return f.beginSkip(limit, maxSize, h.size)
	}
	f.lits = append(f.lits, Literal{Offset: pos - f.start, Size: h.size})
	f.mode, f.left, f.scan, f.line = inLiteral, h.size, pos, pos
	return nil
}

// exceeds names the limit that a literal at pos is beyond, or "".
func (f *Framer) exceeds(h header, pos int) (name string, maxSize int64) {
	switch {
	case h.size > f.lim.Literal:
		return "Literal", f.lim.Literal
	case int64(pos-f.start)+h.size > int64(f.lim.Response):
		return "Response", int64(f.lim.Response)
	case len(f.lits) >= f.lim.Tokens:
		return "Tokens", int64(f.lim.Tokens)
	}
	return "", 0
}

// streamTo asks for the writer of a literal.
func (f *Framer) streamTo(h header, pos int) io.Writer {
	if f.Stream == nil || h.size <= f.lim.Inline || h.overflow || len(f.lits) >= f.lim.Tokens {
		return nil
	}
	head := f.buf[f.start:pos:pos]
	if !isSection(head) {
		return nil
	}
	return f.Stream(head, h.size)
}

func (f *Framer) stepLiteral() (more bool) {
	n := min(f.left, int64(f.end-f.scan))
	f.scan += int(n)
	f.left -= n
	if f.left > 0 {
		return true
	}
	f.mode, f.line = inLine, f.scan
	return false
}

// stepStream hands bytes of a literal on and closes the gap that they leave.
func (f *Framer) stepStream() (more bool) {
	n := int(min(f.left, int64(f.end-f.scan)))
	if n > 0 && f.sink != nil {
		if _, err := f.sink.Write(f.buf[f.scan : f.scan+n : f.scan+n]); err != nil {
			f.sink = nil
		}
	}
	f.end = f.scan + copy(f.buf[f.scan:], f.buf[f.scan+n:f.end])
	f.left -= int64(n)
	if f.left > 0 {
		return true
	}
	f.mode, f.line, f.sink = inLine, f.scan, nil
	return false
}

// Ready reports whether Next can do something without reading: a whole response or an error is there,
// or a literal header for which Literal must be called.
func (f *Framer) Ready() bool {
	f.ready = f.ready || f.look()
	return f.ready
}

func (f *Framer) look() bool {
	if f.fatalErr != nil || f.readErr != nil {
		return true
	}
	if f.mode == inLine && f.start == f.line {
		if size, _ := f.plainLine(); size > 0 {
			return true
		}
	}
	start, line, pos, left := f.start, f.line, f.scan, f.left
	afterLiteral := f.mode != inLine || f.afterLiteral()
	if f.mode == inLine {
		left = 0
	}
	for {
		if left > int64(f.end-pos) {
			return false
		}
		if left > 0 {
			pos += int(left)
			line, left = pos, 0
		}
		i := bytes.IndexByte(f.buf[pos:f.end], '\n')
		if i < 0 {
			return false
		}
		lf := pos + i
		text := trimCR(f.buf[line:lf])
		pos = lf + 1
		h, ok := f.header(text, f.buf[start:line])
		switch {
		case ok && f.Literal != nil && h.sync:
			return true
		case ok:
			left, line, afterLiteral = h.size, pos, true
			continue
		case len(text) > 0 || f.mode == inSkipLine:
			return true
		case line == start && !f.quirks.Has(QuirkStrayLineEnd):
			start = pos
		case afterLiteral && f.strayEnd(start, line, lf) == strayUnknown:
			return false
		case afterLiteral && f.strayEnd(start, line, lf) == strayYes:
		default:
			return true
		}
		line, afterLiteral = pos, false
	}
}

// Buffered returns how many bytes were read but not yet returned by Next.
func (f *Framer) Buffered() int { return f.end - f.start }

// TakeBuffered returns a copy of the bytes that were read but not returned, and forgets them. The
// Framer is then at the start of a response.
func (f *Framer) TakeBuffered() []byte {
	b := bytes.Clone(f.buf[f.start:f.end])
	f.forget()
	return b
}

// Reset makes the Framer read from r, at the start of a response. Whatever is buffered is forgotten,
// as it must be after STARTTLS (RFC 9051 section 6.2.1); see [Framer.TakeBuffered]. Limits and hooks stay.
func (f *Framer) Reset(r io.Reader) {
	f.forget()
	f.src, f.readErr, f.fatalErr = r, nil, nil
}

func (f *Framer) forget() {
	f.ready = false
	f.advance(f.end)
	f.lits, f.left, f.sink = f.lits[:0], 0, nil
}
