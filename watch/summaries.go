package watch

import (
	"container/list"
	"context"
	"encoding/json"
	"time"

	"github.com/pushmail/pushmail/imap"
)

// summaries remembers what the messages were that were seen last, so that an expunge can say what is
// gone. When it is full, the one that was used the longest time ago is forgotten.
type summaries struct {
	most int
	*kept
}

// kept is what there is for those that remember anything; many mailboxes hear of nothing for weeks.
type kept struct {
	byUID   map[imap.UID]*list.Element
	order   list.List // of remembered; the latest first
	changed bool      // since it was stored
	savedAt time.Time
}

type remembered struct {
	UID     imap.UID `json:"uid"`
	Summary *Summary `json:"summary"`
}

func (s *summaries) put(uid imap.UID, sum *Summary) {
	if s.most <= 0 || sum == nil {
		return
	}
	if s.kept == nil {
		s.kept = &kept{byUID: map[imap.UID]*list.Element{}}
	}
	s.drop(uid)
	s.byUID[uid] = s.order.PushFront(remembered{uid, sum})
	s.changed = true
	if s.order.Len() > s.most {
		s.drop(s.order.Back().Value.(remembered).UID)
	}
}

func (s *summaries) get(uid imap.UID) *Summary {
	if s.kept == nil {
		return nil
	}
	e := s.byUID[uid]
	if e == nil {
		return nil
	}
	s.order.MoveToFront(e)
	return e.Value.(remembered).Summary
}

func (s *summaries) drop(uid imap.UID) {
	if s.kept == nil {
		return
	}
	if e := s.byUID[uid]; e != nil {
		s.order.Remove(e)
		delete(s.byUID, uid)
		s.changed = true
	}
}

// forget drops all: the UIDs mean something else now.
func (s *summaries) forget() {
	if s.kept != nil {
		s.order.Init()
		clear(s.byUID)
		s.changed = true
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
		b.seen.put(m.UID, m.Summary)
	}
	if b.seen.kept != nil {
		b.seen.changed = false
	}
}

// saveSeen stores the summaries if that is due, or at the end.
func (b *box) saveSeen(ctx context.Context, atEnd bool) {
	s := b.seen
	if s.kept == nil || !s.changed || b.uidValidity == 0 || !atEnd && time.Since(s.savedAt) < saveSeenEvery {
		return
	}
	s.changed, s.savedAt = false, time.Now()
	stored := seenMessages{Version: seenVersion, UIDValidity: b.uidValidity, Messages: make([]remembered, 0, s.order.Len())}
	for e := s.order.Back(); e != nil; e = e.Prev() {
		stored.Messages = append(stored.Messages, e.Value.(remembered))
	}
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
