package imapauth

import (
	"slices"
	"strings"
	"sync"
)

// Memory remembers which way a server took after it had refused better ones, so that the next login
// takes that way at once: servers count what they refuse as failed attempts, slow down, and lock out. The
// zero value remembers nothing yet. It may be used by many logins of one account at the same time.
type Memory struct {
	mu    sync.Mutex
	offer string // of the server, at that time
	way   string
}

// Remember notes in [Credentials.Memory] that the server took w, having refused others.
func (w Way) Remember() { w.remember(w.String()) }

// Forget undoes Remember, when the way that was remembered was refused, too.
func (w Way) Forget() { w.remember("") }

func (w Way) remember(name string) {
	m := w.cred.Memory
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.offer, m.way = w.offer, name
}

// favourite puts the way that is remembered for an offer before the others.
func (m *Memory) favourite(offer string, ways []Way) []Way {
	if m == nil {
		return ways
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(ways, func(w Way) bool { return w.String() == m.way })
	if m.offer != offer || i <= 0 {
		return ways
	}
	return slices.Concat(ways[i:i+1], ways[:i], ways[i+1:])
}

// offerOf names what a server offers to log in with, for a change in that makes memories worthless.
func offerOf(p Peer) string {
	names := p.Capabilities.Auth()
	slices.Sort(names)
	if p.TLS == nil {
		names = append(names, "without TLS")
	}
	if offered(p.Capabilities, LoginCommand) {
		names = append(names, string(LoginCommand))
	}
	return strings.Join(names, " ")
}
