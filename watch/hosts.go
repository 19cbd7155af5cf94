package watch

import (
	"cmp"
	"strings"
	"sync"
	"time"
)

// Hosts is what watchers in one process share about servers, by the name of the host: how fast to log in, so that
// thousands of them do not knock at once when a server is back, and how long the way to it bears silence. The zero
// value is ready. It is safe for concurrent use. A watcher that is given none shares one with all others.
type Hosts struct {
	// LoginsPerSecond bounds how many connections are begun per second with one host, once LoginBurst were begun
	// at once. Zero means 50 and 100; a negative LoginsPerSecond means no bound. They must not be
	// changed while in use.
	LoginsPerSecond float64
	LoginBurst      int

	mu    sync.Mutex
	known map[string]*host // guarded by mu
}

// processHosts is shared by all watchers that bring none.
var processHosts Hosts

// host is what is known of one server. Hosts.mu guards all of it.
type host struct {
	tokens float64   // logins that may begin at once; below 0, so many wait
	at     time.Time // when that was so
	pace   pace
	beat   beat
}

// with calls f with what is known of a host.
func (h *Hosts) with(name string, f func(*host)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	name = strings.ToLower(name)
	s := h.known[name]
	if s == nil {
		if h.known == nil {
			h.known = map[string]*host{}
		}
		s = &host{tokens: h.burst(), at: time.Now()}
		h.known[name] = s
	}
	f(s)
}

func (h *Hosts) burst() float64 { return max(float64(cmp.Or(h.LoginBurst, 100)), 1) }

// admit takes a place in the queue of those who want to log in, and returns how long it is until then.
func (h *Hosts) admit(name string) (wait time.Duration) {
	rate := cmp.Or(h.LoginsPerSecond, 50)
	if rate < 0 {
		return 0
	}
	h.with(name, func(s *host) {
		now := time.Now()
		// A clock that went back gives nothing, but takes nothing either.
		if passed := now.Sub(s.at); passed > 0 {
			s.tokens = min(s.tokens+passed.Seconds()*rate, h.burst())
		}
		s.at = now
		s.tokens--
		if s.tokens < 0 {
			wait = time.Duration(-s.tokens / rate * float64(time.Second))
		}
	})
	return wait
}
