package bodies

import (
	"context"
	"testing"
	"time"
)

// Every way reads all that was sent, and one command is not slower than one a message where that has to be
// felt: over a link on which 30 round trips take at least 300 ms.
func TestEveryWayReadsAll(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	took, bytes, err := Run(ctx, 30, 10*time.Millisecond, 1, Ways)
	if err != nil || bytes < 30_000 {
		t.Fatalf("%d bytes, %v", bytes, err)
	}
	for i, w := range Ways {
		if w.Name == OneByOne && took[i] < 300*time.Millisecond {
			t.Errorf("%s took %v: the link is no link", w.Name, took[i])
		}
		if w.Name == Ours && took[i] >= took[2] {
			t.Errorf("%s took %v, and %s %v", w.Name, took[i], Ways[2].Name, took[2])
		}
	}
}
