package watch

import (
	"container/list"

	"github.com/pushmail/pushmail/imap"
)

// summaries remembers what the messages were that were seen last, so that an expunge can say what is
// gone. When it is full, the one that was used the longest time ago is forgotten.
type summaries struct {
	most  int
	byUID map[imap.UID]*list.Element
	order list.List // of remembered; the latest first
}

type remembered struct {
	uid imap.UID
	sum *Summary
}

func newSummaries(most int) *summaries { return &summaries{most: most} }

func (s *summaries) put(uid imap.UID, sum *Summary) {
	if s.most <= 0 || sum == nil {
		return
	}
	s.drop(uid)
	if s.byUID == nil {
		s.byUID = map[imap.UID]*list.Element{}
	}
	s.byUID[uid] = s.order.PushFront(remembered{uid, sum})
	if s.order.Len() > s.most {
		s.drop(s.order.Back().Value.(remembered).uid)
	}
}

func (s *summaries) get(uid imap.UID) *Summary {
	e := s.byUID[uid]
	if e == nil {
		return nil
	}
	s.order.MoveToFront(e)
	return e.Value.(remembered).sum
}

func (s *summaries) drop(uid imap.UID) {
	if e := s.byUID[uid]; e != nil {
		s.order.Remove(e)
		delete(s.byUID, uid)
	}
}

// forget drops all: the UIDs mean something else now.
func (s *summaries) forget() {
	s.order.Init()
	clear(s.byUID)
}
