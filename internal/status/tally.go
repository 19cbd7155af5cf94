package status

import (
	"maps"
	"sync"
	"time"
)

// Tally counts what happened since the program started. The zero value counts.
type Tally struct {
	mu         sync.Mutex
	events     map[string]uint64    // guarded by mu
	resyncs    map[string]uint64    // guarded by mu
	lost       map[string]uint64    // guarded by mu
	pushes     uint64               // guarded by mu
	deliveries map[[2]string]uint64 // guarded by mu: by sink and result
	latency    Histogram            // guarded by mu
	lateness   Histogram            // guarded by mu
	series     [slots]slot          // guarded by mu
}

// Results of a delivery, for [Tally.Delivery].
const (
	Delivered = "delivered"
	Retried   = "retried" // it failed and will be tried again
	Buried    = "buried"  // it failed and became a dead letter
)

// maxLabels bounds how many different words of a kind are counted apart; what comes then is "other".
const maxLabels = 256

func count[K comparable](m *map[K]uint64, key, other K) {
	if *m == nil {
		*m = map[K]uint64{}
	}
	if _, ok := (*m)[key]; !ok && len(*m) >= maxLabels {
		key = other
	}
	(*m)[key]++
}

// CountEvent counts an event that was written to the journal.
func (t *Tally) CountEvent(eventType string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	count(&t.events, eventType, "other")
	t.now().events++
}

// CountOpen counts a mailbox that was compared with its checkpoint in the given way: the method of a mail.mailbox.open.
func (t *Tally) CountOpen(method string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	count(&t.resyncs, method, "other")
}

// CountLost counts a connection that was lost: the class of a mail.link that is not up.
func (t *Tally) CountLost(class string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	count(&t.lost, class, "other")
}

// CountPushes counts news that servers told without being asked.
func (t *Tally) CountPushes(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pushes += uint64(n)
}

// Delivery counts the outcome of an attempt to deliver an event that was seen at seenAt. For a new message that was
// delivered the first time, arrived is its INTERNALDATE; else it is zero.
func (t *Tally) Delivery(sink, result string, seenAt, arrived time.Time) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	count(&t.deliveries, [2]string{sink, result}, [2]string{"other", result})
	s := t.now()
	if result != Delivered {
		s.failed++
		return
	}
	s.delivered++
	if !seenAt.IsZero() {
		d := now.Sub(seenAt)
		t.latency.Observe(d)
		s.latency.Observe(d)
	}
	if !arrived.IsZero() {
		t.lateness.Observe(now.Sub(arrived))
	}
}

// Counts is what a Tally has counted.
type Counts struct {
	Events, Resyncs, Lost map[string]uint64
	Pushes                uint64
	Deliveries            map[[2]string]uint64 // by sink and result
	// Latency is from seen to delivered, Lateness from INTERNALDATE to delivered.
	Latency, Lateness Histogram
}

// Counts returns a copy of all counts.
func (t *Tally) Counts() Counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return Counts{
		Events: maps.Clone(t.events), Resyncs: maps.Clone(t.resyncs), Lost: maps.Clone(t.lost), Pushes: t.pushes,
		Deliveries: maps.Clone(t.deliveries), Latency: t.latency, Lateness: t.lateness,
	}
}

// Events returns how many events there were by type; never nil.
func (t *Tally) Events() map[string]uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := maps.Clone(t.events)
	if out == nil {
		out = map[string]uint64{}
	}
	return out
}
