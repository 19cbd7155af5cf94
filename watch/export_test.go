package watch

import (
	"testing"
	"time"
)

// IdleRestart is how long one IDLE lasts with the server of o, as learned.
func IdleRestart(o Options) time.Duration { return o.idleRestart(o.service(nil, nil)) }

// Suspend has the calendar be ahead by d from now on, as after a suspension.
func Suspend(t *testing.T, d time.Duration) {
	suspended.Add(int64(d))
	t.Cleanup(func() { suspended.Add(-int64(d)) })
}
