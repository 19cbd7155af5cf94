package imapwire

import "bytes"

// tailBytes is how much of the end of a line that is thrown away is kept, to see a literal header in it.
const tailBytes = 64

// headBytes is how much of a response that is thrown away is reported.
const headBytes = 64

// skip is what is known of a response that is being thrown away.
type skip struct {
	err   error // to return when it is gone
	limit *LimitError
	done  int64  // bytes thrown away so far
	text  bool   // the response ends in free text, hence has no literals
	tail  []byte // the end of the line
}

func (f *Framer) limitError(name string, maxSize, size int64, skipped bool) *LimitError {
	head := f.buf[f.start:f.end]
	head = head[:min(len(head), headBytes)]
	if i := bytes.IndexByte(head, '\n'); i >= 0 {
		head = trimCR(head[:i])
	}
	return &LimitError{Limit: name, Max: maxSize, Size: size, Skipped: skipped, Head: string(trimCR(head))}
}

// beginSkip throws the current response away, from the current line on.
func (f *Framer) beginSkip(name string, maxSize, size int64) error {
	e := f.limitError(name, maxSize, size, true)
	f.skip = skip{err: e, limit: e}
	return f.startSkip()
}

// beginSkipFor is beginSkip for a reason other than a limit.
func (f *Framer) beginSkipFor(err error) error {
	f.skip = skip{err: err, limit: f.limitError("Skip", f.lim.Skip, 0, false)}
	return f.startSkip()
}

func (f *Framer) startSkip() error {
	// As much as is surely there, so that it does not depend on how much of the line has come.
	f.skip.text = isText(f.buf[f.start : f.start+min(f.end-f.start, f.lim.Line)])
	f.mode, f.scan = inSkipLine, f.line
	return f.thrownAway(int64(f.line - f.start))
}

// thrownAway counts n bytes and moves the start of what is kept to scan.
func (f *Framer) thrownAway(n int64) error {
	f.start, f.line = f.scan, f.scan
	f.skip.done += n
	return f.checkSkip(0)
}

// checkSkip gives the connection up if n more bytes are beyond Limits.Skip.
func (f *Framer) checkSkip(n int64) error {
	if n <= f.lim.Skip-f.skip.done {
		return nil
	}
	f.skip.limit.Skipped = false
	f.fatalErr = f.skip.limit
	f.skip = skip{}
	return f.fatalErr
}

func (f *Framer) stepSkipLine() (more bool, err error) {
	b := f.buf[f.scan:f.end]
	i := bytes.IndexByte(b, '\n')
	if i >= 0 {
		b = b[:i]
	}
	f.keepTail(b)
	f.scan += len(b)
	if i < 0 {
		return true, f.thrownAway(int64(len(b)))
	}
	f.scan++
	if err := f.thrownAway(int64(len(b)) + 1); err != nil {
		return false, err
	}
	h, ok := parseHeader(trimCR(f.skip.tail), f.quirks)
	if !ok || f.skip.text || f.Literal != nil && h.sync {
		return false, f.endSkip()
	}
	f.skip.tail = f.skip.tail[:0]
	f.mode, f.left = inSkipLiteral, h.size
	return false, f.checkSkip(h.size)
}

// keepTail appends b to the tail of the line.
func (f *Framer) keepTail(b []byte) {
	b = b[max(0, len(b)-tailBytes):]
	t := append(f.skip.tail, b...)
	f.skip.tail = append(f.skip.tail[:0], t[max(0, len(t)-tailBytes):]...)
}

func (f *Framer) endSkip() error {
	err := f.skip.err
	f.skip = skip{}
	f.lits = f.lits[:0]
	f.advance(f.scan)
	return err
}

func (f *Framer) stepSkipLiteral() (more bool, err error) {
	n := min(f.left, int64(f.end-f.scan))
	f.scan += int(n)
	f.left -= n
	err = f.thrownAway(n)
	if f.left > 0 {
		return true, err
	}
	f.mode = inSkipLine
	return false, err
}
