package watch

import (
	"testing"
	"unsafe"
)

// A field more may be worth it; this is to know when it costs 128 bytes for each mailbox instead of 8.
func TestSoloFitsItsSizeClass(t *testing.T) {
	const class, header = 1024, 8 // of Go's allocator, for what has pointers
	if size := unsafe.Sizeof(solo{}); unsafe.Sizeof(uintptr(0)) == 8 && size > class-header {
		t.Errorf("solo has %d bytes: the next size class is 1,152; if it must be, change this number", size)
	}
}
