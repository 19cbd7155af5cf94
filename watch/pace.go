package watch

import "time"

// pace is how long connections to a host may be silent, as it turned out. It begins with what the provider's
// data say, the limit; a connection that dies of silence, or is hung up on, makes it shorter, and good hours
// make it longer again, up to the limit.
type pace struct {
	interval time.Duration // 0: nothing has been learned
	changed  time.Time
	// bad is the shortest silence that ended badly, badAt when. It is forgotten after a day.
	bad   time.Duration
	badAt time.Time
}

const (
	// maxPace is the longest interval ever used unless Options.Client.IdleRestart says otherwise: RFC 2177 section 3 has 29 minutes.
	maxPace = 28 * time.Minute
	// minPace is the shortest one that is learned: what dies sooner does not die of silence.
	minPace   = time.Minute
	paceGrows = time.Hour // how long all must have been well for it to grow
	badLasts  = 24 * time.Hour
)

// now returns the interval to use.
func (p *pace) now(limit time.Duration) time.Duration {
	if p.interval == 0 {
		return limit
	}
	return min(p.interval, limit)
}

// died notes that a connection ended after so long in IDLE. lost: without a word, when IDLE was to be begun anew; otherwise the
// server, or what is before it, hung up. It reports whether the interval has changed.
func (p *pace) died(now time.Time, silence time.Duration, lost bool, limit time.Duration) bool {
	least := min(minPace, limit)
	if silence < least {
		return false
	}
	if p.bad == 0 || silence < p.bad || now.Sub(p.badAt) > badLasts {
		p.bad, p.badAt = silence, now
	}
	next := silence * 4 / 5
	if lost {
		next = silence * 2 / 3 // nobody knows how much of it was too much
	}
	// Many connections that die of the same are one lesson: what counts is the silence, not how often.
	if next = max(next, least); next >= p.now(limit) {
		return false
	}
	p.interval, p.changed = next, now
	return true
}

// survived notes that a connection was answered after so long in IDLE, and reports whether the interval has changed.
func (p *pace) survived(now time.Time, silence, limit time.Duration) bool {
	if p.interval == 0 || silence < p.interval*9/10 || now.Sub(p.changed) < paceGrows {
		return false
	}
	next := p.interval * 5 / 4
	if p.bad != 0 && now.Sub(p.badAt) <= badLasts {
		next = min(next, p.bad*4/5)
	}
	if next <= p.interval {
		return false
	}
	p.interval, p.changed = next, now
	if next >= limit {
		*p = pace{}
	}
	return true
}
