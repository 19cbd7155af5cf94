package mailbox

import (
	"fmt"
	"testing"

	"github.com/pushmail/pushmail/imap"
)

// TestForetold: messages 8 to 10 wait; whoever tells of them is killed, and finds others there.
func TestForetold(t *testing.T) {
	id := func(k byte) Identity { return Identity{Basis: BasisHeader, Print: Print{k}} }
	b := &reuseBox{envelope: func(uid imap.UID) string { return fmt.Sprint(uid) }}
	l, _ := b.resync(t, nil)
	old := l.State()
	for uid := imap.UID(8); uid <= 10; uid++ {
		old.remove(uid)
	}
	old.last, old.told, old.uidNext = 7, 7, 8
	l, _ = b.resync(t, old)
	if !l.Foretell(8, id(8)) || !l.Foretell(9, id(9)) || l.Foretell(9, id(9)) || l.Foretell(10, Identity{Basis: BasisHeader}) {
		t.Fatal("what is new is to be stored, and nothing else")
	}
	stored, _ := l.State().MarshalBinary()
	l.Ack() // of which nothing is stored

	var s State
	if err := s.UnmarshalBinary(stored); err != nil {
		t.Fatal(err)
	}
	l, _ = b.resync(t, &s)
	told := func() string {
		c, _ := l.Next()
		return fmt.Sprint(c, " ", c.Reused)
	}
	if l.Foretell(8, id(8)); told() != "new 8 false" {
		t.Errorf("the same message: %s", told())
	}
	l.Ack()
	if l.Foretell(9, id(99)); told() != "new 9 true" {
		t.Errorf("another one: %s", told())
	}
	again, _ := l.State().MarshalBinary()
	l.Ack()
	l.Remember(9, id(99))
	if l.Foretell(10, id(10)); told() != "new 10 false" {
		t.Errorf("one that was not foretold: %s", told())
	}
	l.Ack()
	if p, ok := l.acked.prints.reused(9); !ok || p != (Print{99}) || len(l.acked.prints.ahead) > 0 {
		t.Errorf("in the end %v %v, ahead %v", p, ok, l.acked.prints.ahead)
	}

	if err := s.UnmarshalBinary(again); err != nil { // killed once more, and it is the first one again
		t.Fatal(err)
	}
	l, _ = b.resync(t, &s)
	if l.Foretell(9, id(9)); told() != "new 9 true" {
		t.Errorf("once more another one: %s", told())
	}
}

// TestForetoldIsBounded and stored; a checkpoint of an older program has none.
func TestForetoldIsBounded(t *testing.T) {
	s := withPrints()
	plain, _ := s.MarshalBinary()
	for uid := imap.UID(1000); uid < 1000+2*MaxRemembered; uid++ {
		s.prints, _ = s.prints.foretell(uid, Identity{Basis: s.Basis(), Print: Print{1}}, s.own)
	}
	if n := len(s.prints.ahead); n != MaxRemembered || s.prints.ahead[0].uid != 1000+MaxRemembered {
		t.Errorf("%d are kept, from %d on", n, s.prints.ahead[0].uid)
	}
	data, _ := s.MarshalBinary()
	var back State
	if err := back.UnmarshalBinary(data); err != nil || !sameState(s, &back) {
		t.Errorf("%v", err)
	}
	if grown := len(data) - len(plain); grown > 9*MaxRemembered+20 {
		t.Errorf("the checkpoint has %d bytes more", grown)
	}
	if err := back.UnmarshalBinary(plain); err != nil || back.prints.ahead != nil {
		t.Errorf("%v, %v", err, back.prints.ahead)
	}
}
