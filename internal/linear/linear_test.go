package linear

import (
	"fmt"
	"testing"
)

// told notes whether a test was failed.
type told struct {
	testing.TB
	text string
}

func (t *told) Helper() {}

func (t *told) Errorf(format string, args ...any) { t.text = fmt.Sprintf(format, args...) }

var sink int

func work(n int) {
	for i := range n {
		sink += i ^ sink
	}
}

func TestWhatIsQuadraticFails(t *testing.T) {
	var got told
	Check(&got, "squares", 16_000, func(n int) {
		for range n {
			work(n)
		}
	})
	if got.text == "" {
		t.Error("it is taken for linear")
	}
	t.Log(got.text)
}

func TestWhatIsLinearPasses(t *testing.T) {
	Check(t, "a loop", 1<<24, work)
}
