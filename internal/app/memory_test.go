package app

import (
	"runtime/debug"
	"testing"
)

func TestHeldFollowsWhatIsGivenBack(t *testing.T) {
	const most = 64 << 20
	before := held()
	if before == 0 || before > 1000*most {
		t.Fatalf("the program holds %d bytes", before)
	}
	ballast := make([]byte, most)
	for i := 0; i < most; i += 4096 {
		ballast[i] = 1
	}
	with := held()
	if with < before+most/2 {
		t.Errorf("%d bytes more are held with %d bytes more", with-before, most)
	}
	ballast = nil
	debug.FreeOSMemory()
	if after := held(); after > with-most/2 {
		t.Errorf("%d bytes are held with them, %d without", with, after)
	}
	_ = ballast
}
