package imapclient

import (
	"encoding/binary"
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

// words is a list that a server gives: the connections to a service have the same.
type words[W ~string] struct{ list []W }

var (
	sharedOffers shared[string, words[imap.Capability]]
	sharedFlags  shared[string, words[imap.Flag]]
)

// wordsOf returns a list that is equal to list, nil for none.
func wordsOf[W ~string](s *shared[string, words[W]], list []W) *words[W] {
	if len(list) == 0 {
		return nil
	}
	return s.get(listed(list), func() *words[W] {
		kept := make([]W, len(list))
		for i, w := range list {
			kept[i] = W(strings.Clone(string(w))) // they are pieces of a whole line
		}
		return &words[W]{kept}
	})
}

func (w *words[W]) all() []W {
	if w == nil {
		return nil
	}
	return w.list
}

// listed is a text that no other list has: each word behind its length.
func listed[W ~string](list []W) string {
	n := 0
	for _, w := range list {
		n += len(w) + 2
	}
	b := make([]byte, 0, n)
	for _, w := range list {
		b = append(binary.AppendUvarint(b, uint64(len(w))), w...)
	}
	return string(b)
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
