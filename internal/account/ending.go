package account

import (
	"context"
	"time"

	"github.com/pushmail/pushmail/watch"
)

// ending is an account that was watched, and whose watching comes to its end: mostly within a second, but a server may take its
// time to say goodbye, and a disk to write. Only then can it be watched again.
type ending struct {
	since time.Time
	done  chan struct{}         // closed when it has ended
	next  *watch.AccountOptions // guarded by Set.mu: how it is to be watched then; nil: not at all
}

// endLocked ends the watching of an account, unless that is under way. The caller holds mu.
func (s *Set) endLocked(name string) *ending {
	e := s.endings[name]
	if e == nil {
		e = &ending{since: time.Now(), done: make(chan struct{})}
		s.endings[name] = e
		s.working.Go(func() { s.end(name, e) })
	}
	return e
}

// end returns when an account has ended, and is watched as it is to be now. When Close gives up waiting it returns before.
func (s *Set) end(name string, e *ending) {
	_, err := s.manager.Remove(s.life, name)
	if err == nil { // else it may still save checkpoints, which cover what forget would drop
		s.bridge.forget(s.life, name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.endings, name)
	if e.next != nil && !s.closed {
		if err := s.manager.Add(*e.next); err != nil { // Watch has checked it: this is a bug
			s.log.Error("an account cannot be watched again", "account", name, "err", err)
		}
	}
	close(e.done)
}

// wait returns when the account has ended, or with the cause of ctx.
func (e *ending) wait(ctx context.Context) error {
	select {
	case <-e.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
