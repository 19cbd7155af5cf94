package main

import (
	"sync"
	"time"

	"github.com/pushmail/pushmail/imap"
)

// ears hear what a server says and when. They are the Observer of a connection.
type ears struct {
	mu     sync.Mutex
	listen func(sound)
}

// sound is something that the server said about the mailbox, or that keeps the connection alive.
type sound struct {
	kind soundKind
	at   time.Time
	n    uint32 // of soundExists: the messages; of soundGone: how many
}

type soundKind uint8

const (
	soundExists soundKind = iota + 1
	soundGone
	soundStillHere // an untagged OK, which servers send to keep an IDLE alive
	soundEnd       // a tagged response
)

func (e *ears) hear(r imap.Response) {
	s := sound{at: time.Now()}
	switch r := r.(type) {
	case imap.Exists:
		s.kind, s.n = soundExists, uint32(r)
	case imap.Expunge:
		s.kind, s.n = soundGone, 1
	case *imap.Vanished:
		s.kind, s.n = soundGone, 1
	case *imap.Status:
		if r.Kind != imap.OK {
			return
		}
		s.kind = soundStillHere
	case *imap.Tagged:
		s.kind = soundEnd
	default:
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.listen != nil {
		e.listen(s)
	}
}

// on has f called with each sound from now on, nil for none. f must not block.
func (e *ears) on(f func(sound)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.listen = f
}
