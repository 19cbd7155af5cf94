package status

import "time"

// bounds are the upper bounds of the buckets of a [Histogram].
var bounds = [...]time.Duration{
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2500 * time.Millisecond, 5 * time.Second,
	10 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 24 * time.Hour,
}

// Histogram counts durations. The zero value is empty; a copy is independent.
type Histogram struct {
	counts [len(bounds) + 1]uint64 // the last one is of those above all bounds
	sum    time.Duration
}

// Observe counts d; a negative one, from clocks that differ, counts as 0.
func (h *Histogram) Observe(d time.Duration) {
	d = max(d, 0)
	h.sum += d
	for i, b := range bounds {
		if d <= b {
			h.counts[i]++
			return
		}
	}
	h.counts[len(bounds)]++
}

// Count returns how many durations were observed.
func (h *Histogram) Count() (n uint64) {
	for _, c := range h.counts {
		n += c
	}
	return n
}

// Sum returns the sum of all durations.
func (h *Histogram) Sum() time.Duration { return h.sum }

// Cumulative returns for each bound in seconds how many durations were at most that.
func (h *Histogram) Cumulative() map[float64]uint64 {
	out, n := make(map[float64]uint64, len(bounds)), uint64(0)
	for i, b := range bounds {
		n += h.counts[i]
		out[b.Seconds()] = n
	}
	return out
}

// Quantile returns a duration that the share q (0 to 1) of all does not exceed, as exactly as the buckets are fine: it is
// interpolated within one. It returns 0 for an empty histogram, and the highest bound for what is above it.
func (h *Histogram) Quantile(q float64) time.Duration {
	total := h.Count()
	if total == 0 {
		return 0
	}
	rank, n := q*float64(total), float64(0)
	for i, b := range bounds {
		c := float64(h.counts[i])
		if c > 0 && n+c >= rank {
			low := time.Duration(0)
			if i > 0 {
				low = bounds[i-1]
			}
			return low + time.Duration(float64(b-low)*max(rank-n, 0)/c)
		}
		n += c
	}
	return bounds[len(bounds)-1]
}

func (h *Histogram) add(o *Histogram) {
	for i, c := range o.counts {
		h.counts[i] += c
	}
	h.sum += o.sum
}
