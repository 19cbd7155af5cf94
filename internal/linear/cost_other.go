//go:build !linux

package linear

import "time"

// cost is the time that f takes.
func cost(f func()) time.Duration {
	began := time.Now()
	f()
	return time.Since(began)
}
