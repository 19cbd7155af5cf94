package status

import "time"

// The history that is kept for charts: an hour in steps of ten seconds.
const (
	step  = 10 * time.Second
	slots = 360
)

// slot is what happened in one step.
type slot struct {
	n                         int64 // number of the step since 1970: tells whether the slot is of this hour
	events, delivered, failed uint64
	latency                   Histogram
}

// now returns the slot of this moment. Tally.mu must be held.
func (t *Tally) now() *slot {
	n := time.Now().UnixNano() / int64(step)
	s := &t.series[n%slots]
	if s.n != n {
		*s = slot{n: n}
	}
	return s
}

// Point is what happened in a span of time.
type Point struct {
	At        time.Time `json:"at" doc:"Begin of the span"`
	Events    uint64    `json:"events" doc:"Events written to the journal"`
	Delivered uint64    `json:"delivered" doc:"Deliveries that went well, over all sinks"`
	Failed    uint64    `json:"failed" doc:"Attempts to deliver that failed, over all sinks"`
	// P50, P95 and P99 are quantiles of the time from seen to delivered, in seconds; 0 without deliveries.
	P50 float64 `json:"p50" doc:"Half of the deliveries took at most this long from the event being seen, in seconds; 0 if there were none"`
	P95 float64 `json:"p95" doc:"The same for 95 of 100"`
	P99 float64 `json:"p99" doc:"The same for 99 of 100"`
}

// Series returns what happened in the last hour in n spans, oldest first; the last one goes on. n is at least 1 and at most
// 360, and divides that; else the next smaller number that does is taken.
func (t *Tally) Series(n int) []Point {
	n = max(1, min(n, slots))
	for slots%n != 0 {
		n--
	}
	per := int64(slots / n)
	t.mu.Lock()
	defer t.mu.Unlock()
	// Spans begin at multiples of their length, so that a chart moves on instead of trembling.
	last := time.Now().UnixNano() / int64(step) / per
	out := make([]Point, 0, n)
	for span := last - int64(n) + 1; span <= last; span++ {
		out = append(out, t.point(span*per, per))
	}
	return out
}

// point sums up steps. Tally.mu must be held.
func (t *Tally) point(first, n int64) Point {
	p := Point{At: time.Unix(0, first*int64(step)).UTC()}
	var latency Histogram
	for i := first; i < first+n; i++ {
		s := &t.series[i%slots]
		if s.n != i {
			continue
		}
		p.Events += s.events
		p.Delivered += s.delivered
		p.Failed += s.failed
		latency.add(&s.latency)
	}
	p.P50, p.P95, p.P99 = latency.Quantile(0.5).Seconds(), latency.Quantile(0.95).Seconds(), latency.Quantile(0.99).Seconds()
	return p
}

// Rate returns how many events there were per second in the last d, which is at most an hour.
func (t *Tally) Rate(d time.Duration) float64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	last := time.Now().UnixNano() / int64(step)
	n := max(1, min(int64(d/step), slots-1))
	var events uint64
	for i := last - n; i < last; i++ { // the step that goes on is not counted
		if s := &t.series[i%slots]; s.n == i {
			events += s.events
		}
	}
	return float64(events) / (time.Duration(n) * step).Seconds()
}
