package dovecot

import (
	"bytes"
	"strings"
	"sync"
)

// log keeps what Dovecot says and tells when it says that it is ready.
type log struct {
	mu    sync.Mutex
	text  bytes.Buffer
	ready chan struct{} // closed at the first "starting up"
	once  *sync.Once
}

func newLog() *log { return &log{ready: make(chan struct{}), once: new(sync.Once)} }

// expectStart arms ready for one more start of the server.
func (l *log) expectStart() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ready, l.once = make(chan struct{}), new(sync.Once)
}

func (l *log) started() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ready
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(p)
	if bytes.Contains(p, []byte(" starting up for ")) {
		ready := l.ready
		l.once.Do(func() { close(ready) })
	}
	return len(p), nil
}

// tail returns the last lines that contain word, at most n of them.
func (l *log) tail(n int, word string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var lines []string
	for line := range strings.Lines(l.text.String()) {
		if strings.Contains(line, word) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-n):], "")
}
