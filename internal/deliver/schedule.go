package deliver

import (
	"math/rand/v2"
	"time"
)

// StandardSchedule are the pauses before each attempt that Standard Webhooks 1.0.0 recommends: the first at once, the tenth
// 75 h 35 min 5 s later.
var StandardSchedule = []time.Duration{
	0, 5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// jittered returns d, a tenth more or less, so that what failed together does not come back together.
func jittered(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return d - d/10 + rand.N(d/5+1)
}

// total is how long a schedule takes, with the most of jitter.
func total(schedule []time.Duration) (sum time.Duration) {
	for _, d := range schedule {
		sum += d + d/10
	}
	return sum
}
