package watch

import (
	"testing"
	"time"
)

// IdleRestart is how long one IDLE lasts with the server of o, as learned.
func IdleRestart(o Options) time.Duration { return o.idleRestart(o.service(nil, nil)) }

// Suspend has the calendar be ahead by d from now on, as after a suspension.
func Suspend(t *testing.T, d time.Duration) {
	was := wallClock
	wallClock = func() time.Time { return was().Add(d) }
	t.Cleanup(func() { wallClock = was })
}
