package watch

import (
	"sync"
	"time"
)

// slots bounds how many goroutines work at the same time. Who has to wait for one is not a goroutine yet: after an outage that
// would be one for each mailbox. All get their turn in the order in which they came.
type slots struct {
	mu    sync.Mutex
	free  int      // guarded by mu; negative while more work than there are slots
	queue []func() // guarded by mu: what is to run when there is a slot
}

// slotPatience is how long work has its slot. What takes longer waits for a server, and must not keep others from working: a
// few hundred servers that say a byte a second would stop all.
const slotPatience = 2 * time.Second

// run calls work on a goroutine of its own once there is a slot, which is free again when work has returned or is slow.
func (s *slots) run(work func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.startLocked(func() {
		overdue := time.AfterFunc(slotPatience, s.release)
		work()
		if overdue.Stop() {
			s.release()
		}
	})
}

// startLocked starts next, which has a slot from then on.
func (s *slots) startLocked(next func()) {
	if s.free <= 0 {
		s.queue = append(s.queue, next)
		return
	}
	s.free--
	go next()
}

// release gives a slot back, or to the one who has waited longest.
func (s *slots) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free++
	if s.free <= 0 || len(s.queue) == 0 {
		return
	}
	next := s.queue[0]
	s.queue[0] = nil
	if s.queue = s.queue[1:]; len(s.queue) == 0 {
		s.queue = nil // it may have been long
	}
	s.startLocked(next)
}

// acquire takes a slot, even if none is free: who has begun goes on before others begin, or thousands would be half way at the
// same time, with all that they need meanwhile.
func (s *slots) acquire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free--
}
