package watch

import (
	"testing"

	"github.com/pushmail/pushmail/imap"
)

func TestManyMailboxesRememberNoMoreThanTheirBoundTogether(t *testing.T) {
	m := &memory{most: 3}
	a, b := summaries{most: 2, memory: m}, summaries{most: 10, memory: m}
	for uid := range imap.UID(3) {
		a.put(uid+1, false, &Summary{}) // the bound of the mailbox: 1 goes
	}
	b.put(1, false, &Summary{})
	if a.get(2, false) == nil { // which makes it the latest
		t.Fatal("forgotten too early")
	}
	b.put(2, false, &Summary{}) // the bound of all: UID 3 of a goes
	for _, tt := range []struct {
		of   *summaries
		uid  imap.UID
		want bool
	}{{&a, 1, false}, {&a, 2, true}, {&a, 3, false}, {&b, 1, true}, {&b, 2, true}} {
		if got := tt.of.get(tt.uid, false) != nil; got != tt.want {
			t.Errorf("UID %d is remembered: %v", tt.uid, got)
		}
	}
	if all, due := a.unsaved(true); !due || len(all) != 1 || all[0].UID != 2 {
		t.Errorf("to store: %v, %v", all, due)
	}
	b.forget()
	if n := m.order.Len(); n != 1 {
		t.Errorf("%d are remembered together, want the one of the other", n)
	}
	a.drop(2)
	if n := m.order.Len(); n != 0 {
		t.Errorf("%d are remembered together after the last was dropped", n)
	}
	none := summaries{most: 10, memory: &memory{}}
	none.put(1, false, &Summary{})
	if none.get(1, false) != nil {
		t.Error("a memory for none remembers one")
	}
}

// What was stored may be of the message that had the UID before.
func TestSummaryOfAReusedUID(t *testing.T) {
	s := summaries{most: 2}
	s.put(1, false, &Summary{Size: 1})
	if s.get(1, true) != nil || s.get(1, false) == nil {
		t.Error("the summary of the first message is that of the second")
	}
	s.put(1, true, &Summary{Size: 2})
	if got := s.get(1, true); got == nil || got.Size != 2 || s.get(1, false) != nil {
		t.Error("the summary of the second message is that of the first")
	}
}
