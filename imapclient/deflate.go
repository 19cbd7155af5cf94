package imapclient

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"io"
	"sync"
)

// deflater compresses what it writes to a transport, each Write so that the peer can read all of it at once.
//
// A compressor takes 1.2 MB, so it belongs to no connection: each Write borrows one that has forgotten
// everything. Text of a mail becomes half as long that way. Commands are short, and go as they are, with
// 10 bytes more.
type deflater struct{ w io.Writer }

// compressFrom is the size from which compressing pays: without a memory of earlier ones, most commands do
// not get shorter.
const compressFrom = 512

var compressors = sync.Pool{New: func() any {
	z, _ := flate.NewWriter(nil, flate.BestSpeed) // fails for unknown levels only
	return z
}}

func (d deflater) Write(p []byte) (int, error) {
	var buf bytes.Buffer
	for rest := p; len(rest) > 0; {
		n := min(len(rest), 32<<10)
		if n < compressFrom {
			store(&buf, rest[:n])
		} else {
			compress(&buf, rest[:n])
		}
		rest = rest[n:]
		if _, err := d.w.Write(buf.Bytes()); err != nil {
			return 0, err
		}
		buf.Reset()
	}
	return len(p), nil
}

// store appends a block that is not compressed (RFC 1951 section 3.2.4) and an empty one, before which some
// decompressors give nothing away. Both start and end at a whole byte, as does all that compress appends.
func store(buf *bytes.Buffer, p []byte) {
	for _, block := range [][]byte{p, nil} {
		var head [5]byte // not the last block, no compression, length and its complement
		binary.LittleEndian.PutUint16(head[1:], uint16(len(block)))
		binary.LittleEndian.PutUint16(head[3:], ^uint16(len(block)))
		buf.Write(head[:])
		buf.Write(block)
	}
}

func compress(buf *bytes.Buffer, p []byte) {
	z := compressors.Get().(*flate.Writer)
	defer compressors.Put(z)
	z.Reset(buf)
	_, _ = z.Write(p) // to memory
	_ = z.Flush()
}
