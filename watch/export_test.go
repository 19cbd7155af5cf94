package watch

import (
	"testing"
	"time"
)

// Suspend has the calendar be ahead by d from now on, as after a suspension.
func Suspend(t *testing.T, d time.Duration) {
	was := wallClock
	wallClock = func() time.Time { return was().Add(d) }
	t.Cleanup(func() { wallClock = was })
}
