package imapclient

import (
	"compress/flate"
	"fmt"
	"io"
	"iter"
	"net"
	"sync"
)

// inflater decompresses what it reads from a transport. A read that times out can be repeated, other than
// with a flate.Reader, which is lost after any error: therefore that one is a coroutine, which never sees the
// transport. It asks for bytes, and the transport is read outside.
//
// Memory is that of flate.Reader, 40 KB, and two buffers, whatever the data: [imapwire.Framer] takes what
// is inflated in small pieces and bounds it as it bounds everything.
type inflater struct {
	src io.Reader
	in  []byte // read and not yet inflated
	out []byte // inflated and not yet taken
	err error  // of the data, for good

	mu     sync.Mutex // held while the coroutine runs, which is never for long
	next   func() (n int, more bool)
	stop   func()
	closed bool

	raw  [4 << 10]byte
	text [4 << 10]byte
}

// newInflater reads from src after it has used up first.
func newInflater(src io.Reader, first []byte) *inflater {
	i := &inflater{src: src, in: first}
	i.next, i.stop = iter.Pull(i.run)
	return i
}

// run yields how many bytes it has put into text; 0 means that it needs some.
func (i *inflater) run(yield func(int) bool) {
	z := flate.NewReader(wanting{i, yield})
	for {
		n, err := z.Read(i.text[:])
		if n > 0 && !yield(n) {
			return
		}
		if err != nil {
			if err != io.EOF {
				err = fmt.Errorf("COMPRESS: %w", err)
			}
			i.err = err
			return
		}
	}
}

// wanting is the io.ByteReader from which flate reads: what there is, and then what the next read brings.
type wanting struct {
	i     *inflater
	yield func(int) bool
}

func (w wanting) ReadByte() (byte, error) {
	for len(w.i.in) == 0 {
		if !w.yield(0) {
			return 0, net.ErrClosed
		}
	}
	b := w.i.in[0]
	w.i.in = w.i.in[1:]
	return b, nil
}

func (w wanting) Read(p []byte) (int, error) {
	for len(w.i.in) == 0 {
		if !w.yield(0) {
			return 0, net.ErrClosed
		}
	}
	n := copy(p, w.i.in)
	w.i.in = w.i.in[n:]
	return n, nil
}

// Read returns errors of the transport as they are; the next call goes on.
func (i *inflater) Read(p []byte) (int, error) {
	for len(i.out) == 0 {
		n, err := i.inflate()
		if err != nil {
			return 0, err
		}
		i.out = i.text[:n]
		if n > 0 {
			break
		}
		n, err = i.src.Read(i.raw[:])
		i.in = i.raw[:n]
		if n == 0 && err != nil {
			return 0, err
		}
	}
	n := copy(p, i.out)
	i.out = i.out[n:]
	return n, nil
}

// inflate returns how many bytes are in text, or 0 if more are needed.
func (i *inflater) inflate() (int, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed {
		return 0, net.ErrClosed
	}
	n, more := i.next()
	if !more {
		return 0, i.err
	}
	return n, nil
}

// close ends the coroutine. Any goroutine may call it, also twice.
func (i *inflater) close() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.closed {
		i.closed = true
		i.stop()
	}
}
