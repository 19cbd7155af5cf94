package deliver

import (
	"time"

	"github.com/pushmail/pushmail/internal/sink"
)

// rest is the breaker of a sink: while it fails for everybody, one event at a time is tried, less and less often.
type rest struct {
	failing map[keyID]struct{} // that have failed since something was delivered last
	until   time.Time          // nothing is tried before
	pause   time.Duration      // the last one; more than zero while the sink rests
}

// A sink rests when so many mailboxes have failed and none has not. One that fails alone does so by its own fault.
const (
	restAfter = 5
	minPause  = 5 * time.Second
	maxPause  = 5 * time.Minute
)

func (r *rest) resting() bool { return r.pause > 0 }

// allows says whether a call may begin.
func (r *rest) allows(now time.Time, inFlight int) bool {
	return !now.Before(r.until) && (!r.resting() || inFlight == 0)
}

func (r *rest) failed(id keyID, res sink.Result, now time.Time) {
	if r.failing == nil {
		r.failing = map[keyID]struct{}{}
	}
	if len(r.failing) < restAfter {
		r.failing[id] = struct{}{}
	}
	until := r.until
	if len(r.failing) >= restAfter && !now.Before(r.until) { // calls that had begun before do not prolong it
		r.pause = min(max(2*r.pause, minPause), maxPause)
		until = now.Add(jittered(r.pause))
	}
	if res.Outcome == sink.Busy {
		r.pause = max(r.pause, minPause)
		asked := res.After
		if asked <= 0 {
			asked = minPause
		}
		if at := now.Add(min(asked, maxRest)); at.After(until) {
			until = at
		}
	}
	r.until = until
}

// reset ends the rest and says whether there was one.
func (r *rest) reset() bool {
	rested := r.resting()
	*r = rest{}
	return rested
}
