package watch

import (
	"container/list"
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/pushmail/pushmail/imap"
)

// summaries remembers what the messages were that were seen last, so that an expunge can say what is
// gone. When it is full, the one that was used the longest time ago is forgotten.
type summaries struct {
	most   int
	memory *memory // shared with other mailboxes, or nil
	*kept
}

// memory bounds what many mailboxes remember together: what was used the longest time ago in any of them is forgotten.
type memory struct {
	mu    sync.Mutex
	most  int
	order list.List // guarded by mu: of *entry; the latest first
}

// kept is what there is for those that remember anything; many mailboxes hear of nothing for weeks. memory.mu guards it, if
// there is one.
type kept struct {
	byUID   map[imap.UID]*entry
	order   list.List // of *entry; the latest first
	changed bool      // since it was stored
	savedAt time.Time
}

type remembered struct {
	UID imap.UID `json:"uid"`
	// Reused: another message had the UID before; what is stored may be that one's.
	Reused  bool     `json:"reused,omitempty"`
	Summary *Summary `json:"summary"`
}

// entry is a summary, and its places in kept.order and memory.order.
type entry struct {
	remembered
	of        *kept
	here, all *list.Element
}

func (s *summaries) lock() {
	if s.memory != nil {
		s.memory.mu.Lock()
	}
}

func (s *summaries) unlock() {
	if s.memory != nil {
		s.memory.mu.Unlock()
	}
}

func (s *summaries) put(uid imap.UID, reused bool, sum *Summary) {
	if s.most <= 0 || sum == nil {
		return
	}
	s.lock()
	defer s.unlock()
	if s.kept == nil {
		s.kept = &kept{byUID: map[imap.UID]*entry{}}
	}
	s.dropLocked(s.byUID[uid])
	e := &entry{remembered: remembered{uid, reused, sum}, of: s.kept}
	s.byUID[uid], e.here = e, s.order.PushFront(e)
	s.changed = true
	if s.order.Len() > s.most {
		s.dropLocked(s.order.Back().Value.(*entry))
	}
	if s.memory != nil {
		e.all = s.memory.order.PushFront(e)
		if s.memory.order.Len() > s.memory.most {
			s.dropLocked(s.memory.order.Back().Value.(*entry))
		}
	}
}

func (s *summaries) get(uid imap.UID, reused bool) *Summary {
	if s.kept == nil {
		return nil
	}
	s.lock()
	defer s.unlock()
	e := s.byUID[uid]
	if e == nil || e.Reused != reused {
		return nil
	}
	s.order.MoveToFront(e.here)
	if s.memory != nil {
		s.memory.order.MoveToFront(e.all)
	}
	return e.Summary
}

func (s *summaries) drop(uid imap.UID) {
	if s.kept == nil {
		return
	}
	s.lock()
	defer s.unlock()
	s.dropLocked(s.byUID[uid])
}

// dropLocked forgets one, which may be that of another mailbox in the same memory.
func (s *summaries) dropLocked(e *entry) {
	if e == nil {
		return
	}
	e.of.order.Remove(e.here)
	delete(e.of.byUID, e.UID)
	e.of.changed = true
	if s.memory != nil {
		s.memory.order.Remove(e.all)
	}
}

// forget drops all: the UIDs mean something else now, or nobody asks any more.
func (s *summaries) forget() {
	if s.kept == nil {
		return
	}
	s.lock()
	defer s.unlock()
	for _, e := range s.byUID {
		s.dropLocked(e)
	}
	s.changed = true
}

// unsaved returns what is to be stored, the latest last, if that is due.
func (s *summaries) unsaved(atEnd bool) (all []remembered, due bool) {
	if s.kept == nil {
		return nil, false
	}
	s.lock()
	defer s.unlock()
	if !s.changed || !atEnd && time.Since(s.savedAt) < saveSeenEvery {
		return nil, false
	}
	s.changed, s.savedAt = false, time.Now()
	all = make([]remembered, 0, s.order.Len())
	for e := s.order.Back(); e != nil; e = e.Prev() {
		all = append(all, e.Value.(*entry).remembered)
	}
	return all, true
}

// loaded notes that what is remembered is what is stored.
func (s *summaries) loaded() {
	if s.kept != nil {
		s.lock()
		defer s.unlock()
		s.changed = false
	}
}

// seenMessages is how summaries are stored, the latest last.
type seenMessages struct {
	Version     int          `json:"version"`
	UIDValidity uint32       `json:"uidvalidity"`
	Messages    []remembered `json:"messages"`
}

const seenVersion = 1

// saveSeenEvery is how often summaries are stored: they are only worth it for an expunge that happens
// while nobody watches.
const saveSeenEvery = 5 * time.Minute

// loadSeen reads the summaries that were stored. What cannot be read is done without.
func (b *box) loadSeen(ctx context.Context) {
	text, err := b.o.Store.Load(ctx, b.seenKey())
	if err != nil || text == nil || b.seen.most <= 0 {
		return
	}
	var stored seenMessages
	err = json.Unmarshal(text, &stored)
	if err != nil || stored.Version != seenVersion || b.stored == nil || stored.UIDValidity != b.stored.UIDValidity() {
		b.o.Logger.Info("summaries of messages seen cannot be used", "account", b.o.Account, "mailbox", b.name, "version", stored.Version, "err", err)
		return
	}
	for _, m := range stored.Messages {
		b.seen.put(m.UID, m.Reused, m.Summary)
	}
	b.seen.loaded()
}

// saveSeen stores the summaries if that is due, or at the end.
func (b *box) saveSeen(ctx context.Context, atEnd bool) {
	if b.uidValidity == 0 {
		return
	}
	all, due := b.seen.unsaved(atEnd)
	if !due {
		return
	}
	stored := seenMessages{Version: seenVersion, UIDValidity: b.uidValidity, Messages: all}
	text, err := json.Marshal(stored)
	if err == nil {
		err = b.o.Store.Save(context.WithoutCancel(ctx), b.seenKey(), text)
	}
	if err != nil {
		b.o.Logger.Warn("summaries of messages seen not saved", "account", b.o.Account, "mailbox", b.name, "err", err)
	}
}

func (b *box) seenKey() Key {
	return Key{Account: b.o.Account, Mailbox: b.name, Kind: SeenMessages}
}
