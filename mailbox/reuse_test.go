package mailbox

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
)

// reuseBox is a mailbox without mod-sequences of ten messages, of which each has the Message-ID that it says.
type reuseBox struct {
	header   func(uid imap.UID, ask int) string // what it says when asked for the ask-th time
	envelope func(uid imap.UID) string
	asked    []string
	doubted  imap.UIDSet
}

// resync compares the mailbox with old.
func (b *reuseBox) resync(t *testing.T, old *State) (*Ledger, Report) {
	t.Helper()
	r := Begin(old, Opened{UIDValidity: 7, UIDNext: 11, Exists: 10, Basis: BasisHeader, Doubted: b.doubted})
	for asks := 0; ; {
		step, more := r.Next()
		if !more {
			break
		}
		asks++
		if step.Kind == FetchIdentity {
			b.asked = append(b.asked, fmt.Sprint(step.UIDs, step.Envelope))
		}
		for uid := imap.UID(1); uid <= 10; uid++ {
			m := &imap.Message{SeqNum: imap.SeqNum(uid), UID: uid, Items: imap.ItemUID | imap.ItemFlags}
			if step.Kind == FetchIdentity {
				m.Items = imap.ItemUID | imap.ItemInternalDate | imap.ItemSize | imap.ItemSections
				m.InternalDate = time.Unix(1e9, 0)
				m.Sections = []imap.Section{{Spec: "HEADER.FIELDS (MESSAGE-ID)", Data: "Message-ID: <" + b.header(uid, asks) + ">\r\n\r\n"}}
			}
			if step.Envelope {
				m.Items |= imap.ItemEnvelope
				m.Envelope = &imap.Envelope{MessageID: "<" + b.envelope(uid) + ">"}
			}
			if step.UIDs.Contains(uid) || step.UIDs.Dynamic() {
				r.Feed(m)
			}
		}
		r.Feed(&imap.Tagged{Status: imap.Status{Kind: imap.OK}})
	}
	v, changes, report, err := r.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return NewLedger(v, changes), report
}

// remember gives the Ledger the fingerprints of all messages.
func (b *reuseBox) remember(l *Ledger) *State {
	for uid := imap.UID(1); uid <= 10; uid++ {
		m := &imap.Message{UID: uid, Items: imap.ItemInternalDate | imap.ItemSize, Envelope: &imap.Envelope{MessageID: "<" + b.envelope(uid) + ">"}}
		id, _ := Identify(BasisHeader, m)
		l.Remember(uid, id)
	}
	return l.State()
}

func TestReusedUIDs(t *testing.T) {
	plain := func(uid imap.UID) string { return fmt.Sprint(uid) }
	shifted := func(from imap.UID) func(imap.UID) string { // the message from came before the others
		return func(uid imap.UID) string {
			switch {
			case uid < from:
				return fmt.Sprint(uid)
			case uid == from:
				return "new"
			}
			return fmt.Sprint(uid - 1)
		}
	}
	for _, c := range []struct {
		name     string
		header   func(uid imap.UID, ask int) string
		envelope func(uid imap.UID) string
		asked    []string
		want     string // UIDs that are expunged and new again
	}{
		{"all are what they were", nil, plain, []string{"7:10 false"}, ""},
		{"the newest is another one", nil, shifted(10), []string{"7:10 false", "10 true", "1:10 true"}, "10"},
		{"five are others", nil, shifted(6), []string{"7:10 false", "7:10 true", "1:10 true"}, "6 7 8 9 10"},
		{
			"one wrong answer", func(uid imap.UID, ask int) string {
				if ask == 2 {
					return "wrong"
				}
				return plain(uid)
			}, plain, []string{"7:10 false", "7:10 true"}, "",
		},
		{
			"the header says something else than the envelope", func(uid imap.UID, _ int) string { return "x" + plain(uid) },
			plain,
			[]string{"7:10 false", "7:10 true"},
			"",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := &reuseBox{header: func(uid imap.UID, _ int) string { return plain(uid) }, envelope: plain}
			l, _ := before.resync(t, nil)
			old := before.remember(l)
			if c.header == nil {
				c.header = func(uid imap.UID, _ int) string { return c.envelope(uid) }
			}
			now := &reuseBox{header: c.header, envelope: c.envelope}
			l, report := now.resync(t, old)
			if !slices.Equal(now.asked, c.asked) {
				t.Errorf("asked %q, want %q", now.asked, c.asked)
			}
			var gone, fresh []string
			for ch, more := l.Next(); more; ch, more = l.Next() {
				uid := fmt.Sprint(ch.UID)
				if ch.Kind == New {
					fresh = append(fresh, uid)
				} else {
					gone = append(gone, uid)
				}
				if ch.Reused != (ch.Kind == New) {
					t.Errorf("%v: reused %v", ch, ch.Reused)
				}
				l.Ack()
			}
			if strings.Join(gone, " ") != c.want || strings.Join(fresh, " ") != c.want || report.Replaced != len(strings.Fields(c.want)) {
				t.Errorf("gone %v, new %v, want %v (%+v)", gone, fresh, c.want, report)
			}
			now.asked = nil
			if l, _ := now.resync(t, now.remember(l)); l.Len() > 0 {
				t.Errorf("and again: %d changes", l.Len())
			}
		})
	}
}

// TestReuseIsStored: what has the UID of another one is known by it after a restart, and a message that comes then and has a UID
// that was told, too. A checkpoint of an older program has neither.
func TestReuseIsStored(t *testing.T) {
	s := exampleState()
	plain, _ := s.MarshalBinary()
	s.told = 60
	s.prints = s.prints.reuse(3, s.own)
	s.prints = s.prints.name(3, Print{1, 2, 3}, s.own)
	data, _ := s.MarshalBinary()
	const want = "\x08\x0b\x3c\x01\x03\x01\x02\x03\x00\x00\x00\x00\x00"
	if got := string(data[:len(data)-4]); !strings.HasPrefix(got, string(plain[:len(plain)-4])) || !strings.HasSuffix(got, want) {
		t.Errorf("got %q", got)
	}
	var back State
	if err := back.UnmarshalBinary(data); err != nil || !sameState(s, &back) {
		t.Errorf("%v, %v became %v", err, dump(s), dump(&back))
	}
	if p, ok := back.prints.reused(3); !ok || p != (Print{1, 2, 3}) {
		t.Errorf("%v %v", p, ok)
	}
	if err := back.UnmarshalBinary(plain); err != nil || back.told != back.last {
		t.Errorf("%v, told %d, last %d", err, back.told, back.last)
	}
}

// TestReusedUIDIsNamedOnce: what its first event said of it is what all say, also where that was nothing.
func TestReusedUIDIsNamedOnce(t *testing.T) {
	for _, named := range []bool{true, false} {
		b := &reuseBox{header: func(uid imap.UID, _ int) string { return fmt.Sprint(uid) }, envelope: func(uid imap.UID) string { return fmt.Sprint(uid) }}
		l, _ := b.resync(t, nil)
		old := l.State()
		old.remove(10)
		l, _ = b.resync(t, old)
		if ch, _ := l.Next(); ch.Kind != New || !ch.Reused || ch.Print != (Print{}) {
			t.Fatalf("%+v", ch)
		}
		l.Ack()
		want := Print{}
		if named {
			want = Print{1}
			l.Remember(10, Identity{Basis: BasisHeader, Print: want})
		}
		l, _ = b.resync(t, l.State())
		l.Remember(10, Identity{Basis: BasisHeader, Print: Print{2}})
		if err := l.Apply(imap.Expunge(10)); err != nil {
			t.Fatal(err)
		}
		if ch, _ := l.Next(); ch.Kind != Expunge || !ch.Reused || ch.Print != want {
			t.Errorf("%+v, want %v", ch, want)
		}
	}
}
