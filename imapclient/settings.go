package imapclient

import (
	"runtime"
	"strings"
	"sync"
	"time"
	"weak"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// settings are what an open connection needs of its Options.
type settings struct {
	Handler  func(imap.Response)
	Observer func(imap.Response)
	Progress func(Progress)
	Trace    *Trace
	*rules
}

// rules are the part of Options that connections share.
type rules struct {
	CommandTimeout   time.Duration
	IdleTimeout      time.Duration
	IdleRestart      time.Duration
	PollInterval     time.Duration
	MaxCommandLine   int
	Wire             imapwire.Options
	MaskCapabilities []imap.Capability
}

// rulesKey is what rules are equal by.
type rulesKey struct {
	command, idle, restart, poll time.Duration
	line                         int
	wire                         imapwire.Options
	mask                         string
}

var sharedRules shared[rulesKey, rules]

func (o *Options) settings() settings {
	key := rulesKey{o.CommandTimeout, o.IdleTimeout, o.IdleRestart, o.PollInterval, o.MaxCommandLine, o.Wire, listed(o.MaskCapabilities)}
	return settings{o.Handler, o.Observer, o.Progress, o.Trace, sharedRules.get(key, func() *rules {
		mask := append([]imap.Capability(nil), o.MaskCapabilities...)
		return &rules{o.CommandTimeout, o.IdleTimeout, o.IdleRestart, o.PollInterval, o.MaxCommandLine, o.Wire, mask}
	})}
}

// offer is a list of capabilities. The connections to a service have the same.
type offer struct{ caps imap.Capabilities }

var sharedOffers shared[string, offer]

// offerOf returns the offer of caps.
func offerOf(caps imap.Capabilities) *offer {
	return sharedOffers.get(listed(caps), func() *offer {
		kept := make(imap.Capabilities, len(caps))
		for i, w := range caps {
			kept[i] = imap.Capability(strings.Clone(string(w))) // they are pieces of a whole line
		}
		return &offer{kept}
	})
}

func listed(caps []imap.Capability) string {
	var b strings.Builder
	for _, w := range caps {
		b.WriteString(string(w))
		b.WriteByte(' ') // is in none
	}
	return b.String()
}

// shared has values that do not change, each once as long as somebody has it.
type shared[K comparable, V any] struct {
	mu     sync.Mutex
	values map[K]weak.Pointer[V] // guarded by mu
}

// get returns the value for key, made if nobody has it.
func (s *shared[K, V]) get(key K, make func() *V) *V {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.values[key].Value(); v != nil {
		return v
	}
	v := make()
	if s.values == nil {
		s.values = map[K]weak.Pointer[V]{}
	}
	s.values[key] = weak.Make(v)
	runtime.AddCleanup(v, s.drop, key)
	return v
}

// drop forgets the value for key if it is gone.
func (s *shared[K, V]) drop(key K) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.values[key].Value() == nil {
		delete(s.values, key)
	}
}
