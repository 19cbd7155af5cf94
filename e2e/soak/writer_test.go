package soak

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/pushmail/pushmail/e2e/daemon"
	"github.com/pushmail/pushmail/e2e/rawimap"
)

// writer is somebody whose mail arrives. It tries again when the server does not say that it has stored a message,
// so a message can be there twice, under two UIDs.
type writer struct {
	name string
	put  func(message []byte) error

	mu     sync.Mutex
	stored map[string]time.Time // guarded by mu: when the server said so, of those it accepted at once
	tries  int                  // guarded by mu: those that were repeated
}

func (w *writer) run(ctx context.Context, pause func() time.Duration) {
	for i := 0; ctx.Err() == nil; i++ {
		w.write(ctx, fmt.Sprintf("%s %d", w.name, i))
		sleep(ctx, pause())
	}
}

func (w *writer) write(ctx context.Context, subject string) {
	message := []byte("From: Ann <ann@example.org>\r\nTo: Jo <jo@example.org>\r\nSubject: " + subject +
		"\r\nMessage-ID: <" + strings.ReplaceAll(subject, " ", ".") + "@example.org>\r\n\r\nHello Jo.\r\n")
	for try := 0; ctx.Err() == nil; try++ {
		err := w.put(message)
		w.mu.Lock()
		switch {
		case err != nil:
			w.tries++
		case try == 0:
			w.stored[subject] = time.Now()
		}
		w.mu.Unlock()
		if err == nil {
			return
		}
		sleep(ctx, 100*time.Millisecond)
	}
}

// appender stores messages by APPEND, with a session of its own that it renews.
type appender struct {
	dial func() (*rawimap.Session, error)
	s    *rawimap.Session
}

func (a *appender) put(message []byte) (err error) {
	if a.s == nil {
		if a.s, err = a.dial(); err != nil {
			a.s = nil
			return err
		}
	}
	if _, err = a.s.Append("INBOX", message); err != nil {
		_ = a.s.Close()
		a.s = nil
	}
	return err
}

func dialer(s server, address string) func() (*rawimap.Session, error) {
	return func() (*rawimap.Session, error) {
		roots, err := s.CertPool()
		if err != nil {
			return nil, err
		}
		return rawimap.Dial(address, roots, user, daemon.Password)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
