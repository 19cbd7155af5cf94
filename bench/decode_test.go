package main

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/pushmail/pushmail/bench/clients"
	"github.com/pushmail/pushmail/bench/recording"
	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// rows is how many messages an iteration handles: 21 MB, more than processors keep in their caches.
const rows = 20_000

// BenchmarkFrame only finds where the responses end.
func BenchmarkFrame(b *testing.B) {
	perMessage(b, func(f *imapwire.Framer) error {
		_, err := f.Next()
		return err
	})
}

// BenchmarkFrameAndDecode is all the way from bytes to values, without a socket.
func BenchmarkFrameAndDecode(b *testing.B) {
	d := imapwire.NewDecoder(nil)
	perMessage(b, func(f *imapwire.Framer) error {
		fr, err := f.Next()
		if err != nil {
			return err
		}
		r, err := d.Decode(fr)
		if err == nil && r.(*imap.Message).Envelope == nil {
			err = errors.New("a row without an envelope")
		}
		return err
	})
}

// perMessage reads a recording again and again.
func perMessage(b *testing.B, next func(*imapwire.Framer) error) {
	r := recording.New(rows, 1)
	source := bytes.NewReader(r.Rows)
	f := imapwire.NewFramer(source, nil)
	b.SetBytes(int64(len(r.Rows)))
	b.ReportAllocs()
	before := clients.CPUTime()
	for b.Loop() {
		source.Reset(r.Rows)
		for range rows {
			if err := next(f); err != nil {
				b.Fatal(err)
			}
		}
		if err := next(f); !errors.Is(err, io.EOF) {
			b.Fatalf("want the end of the recording, got %v", err)
		}
	}
	// CPU time, that of the garbage collector included, stays the same when others use the machine, too; ns/op does not.
	cpu := clients.CPUTime() - before
	messages := float64(b.N) * rows
	b.ReportMetric(messages/b.Elapsed().Seconds(), "messages/s")
	b.ReportMetric(float64(cpu.Nanoseconds())/messages, "cpu-ns/message")
	b.ReportMetric(float64(len(r.Rows))*float64(b.N)/1e6/cpu.Seconds(), "MB/cpu-s")
}
