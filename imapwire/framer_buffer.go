package imapwire

import (
	"errors"
	"io"
	"sync"
)

// bufferSize is the size of the buffer of an active Framer. It grows for a larger response, and such
// a buffer is dropped after it. The first one is smaller: thousands of connections wait for a greeting or a few lines at the same
// time, and what is more than that fills it at once.
const (
	bufferSize = 64 << 10
	firstSize  = 4 << 10
)

// minRead is the least room that is worth a read.
const minRead = 4 << 10

// maxEmptyReads is how often a reader may return nothing in a row before it is taken for broken.
const maxEmptyReads = 100

type (
	buffer      [bufferSize]byte
	firstBuffer [firstSize]byte
)

var (
	buffers      = sync.Pool{New: func() any { return new(buffer) }}
	firstBuffers = sync.Pool{New: func() any { return new(firstBuffer) }}
)

// fill reads once, at least one byte.
func (f *Framer) fill() error {
	if f.readErr != nil {
		return f.returnReadErr()
	}
	f.makeRoom()
	for range maxEmptyReads {
		n, err := f.src.Read(f.buf[f.end:])
		f.end += n
		f.more = f.end == len(f.buf)
		f.readErr = err
		if n > 0 {
			return nil
		}
		if err != nil {
			return f.returnReadErr()
		}
	}
	return io.ErrNoProgress
}

// returnReadErr returns the reader's error once: the next call of Next reads again.
func (f *Framer) returnReadErr() error {
	err := f.readErr
	f.readErr = nil
	if errors.Is(err, io.EOF) && (f.end > f.start || f.mode != inLine) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// makeRoom makes sure that there is room to read into, and that a large buffer goes when its response
// is gone.
func (f *Framer) makeRoom() {
	used := f.end - f.start
	switch {
	case f.buf == nil:
		first := firstBuffers.Get().(*firstBuffer)
		f.move(first[:], nil)
		f.first = first
		return
	case f.first != nil && !f.more && used <= firstSize/2:
		if f.start > 0 {
			f.shift(f.start)
		}
		return
	case f.array == nil && used <= bufferSize-minRead:
		f.move(f.pooled())
	case f.start == f.end:
		f.shift(f.start)
	case len(f.buf)-f.end >= minRead:
	case f.start > 0:
		f.shift(f.start)
	}
	if len(f.buf)-f.end < minRead {
		f.move(make([]byte, 2*len(f.buf)), nil)
	}
}

func (f *Framer) pooled() ([]byte, *buffer) {
	array := buffers.Get().(*buffer)
	return array[:], array
}

// move makes buf the buffer.
func (f *Framer) move(buf []byte, array *buffer) {
	n := copy(buf, f.buf[f.start:f.end])
	f.giveBack()
	f.buf, f.array = buf, array
	f.rebase(f.start)
	f.end = n
}

// shift moves the bytes at from to the start of the buffer.
func (f *Framer) shift(from int) {
	n := copy(f.buf, f.buf[from:f.end])
	f.rebase(from)
	f.end = n
}

// rebase takes by off every position but end.
func (f *Framer) rebase(by int) {
	f.start -= by
	f.line -= by
	f.scan -= by
}

func (f *Framer) giveBack() {
	if f.array != nil {
		buffers.Put(f.array)
	}
	if f.first != nil {
		firstBuffers.Put(f.first)
	}
	f.buf, f.array, f.first = nil, nil, nil
}

// Resting reports whether nothing is unfinished, read ahead or buffered: after Release the Framer may as well be used
// for something else, from Reset on.
func (f *Framer) Resting() bool {
	return f.buf == nil && f.mode == inLine && len(f.lits) == 0 && f.readErr == nil && f.fatalErr == nil
}

// Release gives the buffer back, so that a connection that waits costs nothing here. What was read of
// an unfinished response is kept in a slice of its size. The next call of Next takes a buffer again.
// What Next returned last is not valid any more.
func (f *Framer) Release() {
	if f.array == nil && f.first == nil && f.end-f.start == len(f.buf) {
		return
	}
	if f.start == f.end {
		f.giveBack()
		f.rebase(f.start)
		f.end = 0
		f.lits = f.lits[:len(f.lits):len(f.lits)]
		if f.mode == inLine {
			f.lits = nil
		}
		return
	}
	f.move(make([]byte, f.end-f.start), nil)
}
