package imapwire

import (
	"runtime"
	"strings"
	"testing"
	"unsafe"
)

func TestMessageStaysWithinItsBudget(t *testing.T) {
	frames := make([]Frame, 1000)
	for i, row := range rows(len(frames), 5) {
		frames[i] = Frame{Data: []byte(row)}
	}
	d := NewDecoder(nil)
	decodeAll := func() {
		for _, fr := range frames {
			if _, err := d.Decode(fr); err != nil {
				t.Fatal(err)
			}
		}
	}
	decodeAll()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	decodeAll()
	runtime.ReadMemStats(&after)
	n := uint64(len(frames))
	if allocs, size := (after.Mallocs-before.Mallocs)/n, (after.TotalAlloc-before.TotalAlloc)/n; allocs > 8 || size > 4096 {
		t.Errorf("a message of 1.1 KB costs %d allocations and %d bytes", allocs, size)
	}
}

func TestWaitingCostsLittle(t *testing.T) {
	f := NewFramer(strings.NewReader("* 1 FETCH (FLAGS (\\Seen))\r\n"), nil)
	d := NewDecoder(nil)
	fr, err := f.Next()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Decode(fr); err != nil {
		t.Fatal(err)
	}
	f.Release()
	d.Release()
	if f.buf != nil || f.skip.tail != nil || d.mem != nil || d.keywords != nil {
		t.Error("a released Framer or Decoder keeps memory")
	}
	if size := unsafe.Sizeof(*f) + unsafe.Sizeof(*d); size > 900 {
		t.Error("Framer and Decoder take", size, "bytes")
	}
}
