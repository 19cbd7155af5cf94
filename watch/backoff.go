package watch

import (
	"math/rand/v2"
	"time"

	"github.com/pushmail/pushmail/imapclient"
)

// backoff spaces attempts to connect: exponential with full jitter, so that many clients of a server
// that comes back do not knock all at once.
type backoff struct {
	base, cap time.Duration
	failures  int32
	refused   int32 // how often in a row the password was
}

// stableAfter is how long a session must have lasted for the next failure to count as the first.
const stableAfter = time.Minute

// authPause is the least pause after a refused password, maxAuthPause the longest before jitter: more attempts may lock
// the account, and do not help until somebody changes something.
const (
	authPause    = 5 * time.Minute
	maxAuthPause = time.Hour
)

// ended notes the end of a session that had been open for d.
func (b *backoff) ended(d time.Duration) {
	if d >= stableAfter {
		b.failures = 0
	}
	b.failures++
}

// pause returns how long to wait before the next attempt, after a failure of this kind.
func (b *backoff) pause(v imapclient.Verdict) time.Duration {
	limit := b.base << min(b.failures-1, 20)
	if limit > b.cap || limit <= 0 {
		limit = b.cap
	}
	d := rand.N(limit + 1)
	if v.Class != imapclient.ClassAuth {
		b.refused = 0
	}
	switch v.Class {
	case imapclient.ClassAuth:
		least := min(authPause<<min(b.refused, 10), maxAuthPause)
		b.refused++
		d = max(d, least+rand.N(least/4))
	case imapclient.ClassConfig:
		// Half of it is jitter, too.
		d = max(d, authPause/2+rand.N(authPause/2))
	case imapclient.ClassTooMany, imapclient.ClassThrottled:
		d = max(d, b.cap/10+rand.N(b.cap/10+1)+v.Delay)
	}
	return max(d, v.Delay)
}
