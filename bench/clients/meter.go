package clients

import (
	"runtime"
	"time"

	"github.com/pushmail/pushmail/bench/recording"
)

// Result is what one run of a client came to.
type Result struct {
	Totals recording.Totals `json:"totals"`
	// CPU is user and system time of the client's process, from before the FETCH until its OK was read.
	User   float64 `json:"user_seconds"`
	System float64 `json:"system_seconds"`
	Wall   float64 `json:"wall_seconds"`
	// Allocs and AllocBytes are of the same span; 0 where nobody counts.
	Allocs     uint64 `json:"allocs,omitempty"`
	AllocBytes uint64 `json:"alloc_bytes,omitempty"`
	// LiveBytes is the memory that the result keeps, for clients that return all rows at once.
	LiveBytes uint64 `json:"live_bytes,omitempty"`
	// Skipped says why there is no result.
	Skipped string `json:"skipped,omitempty"`
	// Version is the version of what was measured, where it says so itself.
	Version string `json:"version,omitempty"`
}

// CPU is the CPU time in seconds.
func (r *Result) CPU() float64 { return r.User + r.System }

// meter measures the part of a run between start and stop.
type meter struct {
	r      Result
	began  time.Time
	usage  usage
	before runtime.MemStats
}

func (m *meter) start() {
	runtime.GC()
	runtime.ReadMemStats(&m.before)
	m.usage = used()
	m.began = time.Now()
}

func (m *meter) stop() {
	m.r.Wall = time.Since(m.began).Seconds()
	u := used()
	m.r.User, m.r.System = (u.user - m.usage.user).Seconds(), (u.system - m.usage.system).Seconds()
	var after runtime.MemStats
	runtime.ReadMemStats(&after)
	m.r.Allocs, m.r.AllocBytes = after.Mallocs-m.before.Mallocs, after.TotalAlloc-m.before.TotalAlloc
}

// live measures what is kept; the caller still holds it.
func (m *meter) live() {
	runtime.GC()
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	m.r.LiveBytes = now.HeapAlloc - min(now.HeapAlloc, m.before.HeapAlloc)
}
