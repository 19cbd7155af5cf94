// Package linear is for tests of what strangers choose the input of: its cost must grow with the size of that input, not
// with the square of it. Two sizes are compared in one run, by the time of the processor that they take, so a slow or busy
// machine does not fail a test.
package linear

import (
	"math"
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

const (
	step     = 16 // how many times as long the next input is
	most     = 64 // times the cost is too much: what is linear takes some 16 times, or several times that if memory is new; what is quadratic 256 times
	attempts = 5

	// little is too short a time to compare: what is cold weighs more.
	little = 5 * time.Millisecond
)

// Check fails the test if what f does with an input of n/256, n/16 and n grows by much more than the input. f is called several
// times, and all of its work must be done when it returns; n should be so large that the square of it would take seconds.
func Check(t testing.TB, what string, n int, f func(n int)) {
	t.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // what the collector of garbage takes of f's time has its own steps
	for size := n / step; size <= n; size *= step {
		if growth := growth(size, f); growth > most {
			t.Errorf("%s: %d times the input, %d instead of %d, takes %.0f times as long", what, step, size, size/step, growth)
			return // the next one would take very long
		}
	}
}

// growth compares what an input of n takes with what a smaller one takes: the least of some attempts each, since whatever comes
// between only adds. It returns 0 when that is not too much.
func growth(n int, f func(n int)) float64 {
	small, large := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
	for range attempts {
		runtime.GC()
		small, large = min(small, cost(func() { f(n / step) })), min(large, cost(func() { f(n) }))
		if large <= max(most*small, little) {
			return 0
		}
	}
	return float64(large) / float64(max(small, 1))
}
