package mailbox

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
)

// told is a message of a renumbered mailbox: what identifies it and its INTERNALDATE.
type told struct {
	id   string
	date int64
}

func identityOf(m told) Identity {
	return Identity{Basis: BasisEmailID, Print: printOf(BasisEmailID, m.id, 0, 0), Date: m.date}
}

// renumbered plays a Reunion between a mailbox with the messages before, of which those after the first
// forgotten ones are remembered, and one with the messages now, whose UIDs begin with 1.
func renumbered(t *testing.T, before, now []told, forgotten int, search bool) (fresh imap.UIDSet, asked uint64) {
	t.Helper()
	old := newState()
	for i, m := range before {
		_ = old.append(imap.UID(1000+i), 0, 0)
		if i >= forgotten {
			old.prints = old.prints.with(imap.UID(1000+i), identityOf(m), old.own)
		}
	}
	v := &View{state: newState(), count: uint32(len(now))}
	v.state.appendRun(1, len(now), 0)
	ru := NewReunion(old, v, BasisEmailID)
	if since := ru.Since(); !since.IsZero() && search {
		var found imap.UIDSet
		for i, m := range now {
			if !time.Unix(m.date, 0).Before(since) {
				found.Add(imap.UID(i + 1))
			}
		}
		ru.Look(found)
	}
	for {
		set, more := ru.Next()
		if !more {
			break
		}
		asked += set.Len()
		for uid := range set.All() {
			if m := now[uid-1]; m.id != "not returned" {
				ru.Feed(&imap.Message{UID: uid, Items: imap.ItemUID | imap.ItemInternalDate, InternalDate: time.Unix(m.date, 0), More: &imap.MoreItems{EmailID: m.id}})
			}
		}
	}
	return ru.Fresh(), asked
}

func TestReunion(t *testing.T) {
	mails := func(from, to int) (list []told) {
		for i := from; i <= to; i++ {
			list = append(list, told{fmt.Sprint("m", i), int64(i) * 3600})
		}
		return list
	}
	old := func(id string) told { return told{id, 1} } // moved here, with a date of long ago
	for _, c := range []struct {
		name        string
		before, now []told
		forgotten   int
		want        string
	}{
		{"nothing else changed", mails(1, 5), mails(1, 5), 0, ""},
		{"mail in the gap", mails(1, 5), mails(1, 7), 0, "6:7"},
		{"mail in the gap, and some is gone", mails(1, 5), mails(4, 7), 0, "3:4"},
		{"mail with an old date", mails(1, 5), append(mails(1, 5), old("x")), 0, "6"},
		{"all is gone, then mail", mails(1, 5), mails(6, 8), 0, "1:3"},
		{"all is gone, then mail with an old date", mails(1, 5), []told{old("x")}, 0, "1"},
		{"all that is remembered is gone, then mail with an old date", mails(1, 5), []told{old("x")}, 1, ""},
		{"all that is remembered is gone, then mail of the same minute", mails(1, 5), []told{{"x", 5*3600 - 59}, {"y", 5*3600 - 61}}, 1, "1"},
		{"the mailbox was empty", nil, mails(1, 3), 0, "1:3"},
		{"nothing was remembered", mails(1, 5), mails(1, 7), 5, "1:7"},
		{"nothing of many was remembered", mails(1, 257), mails(1, 260), 257, ""},
		{"only the newest are remembered", mails(1, 5), mails(1, 7), 3, "6:7"},
		{"another order", mails(1, 6), append([]told{{"m6", 6 * 3600}, {"m4", 4 * 3600}, {"m7", 7 * 3600}, old("x"), {"m5", 5 * 3600}}, mails(1, 3)...), 0, "3:4"},
		{"another order, and not all are remembered", mails(1, 6), append([]told{{"m6", 6 * 3600}, {"m4", 4 * 3600}, {"m7", 7 * 3600}, old("x"), {"m5", 5 * 3600}}, mails(1, 3)...), 1, "3"},
		{"the reverse order", mails(1, 9), append(slices.Collect(func(yield func(told) bool) {
			for i := 10; i > 0; i-- {
				yield(told{fmt.Sprint("m", i), int64(i) * 3600})
			}
		}), old("x")), 0, "1,11"},
		{"an old one before a copy of what is gone", mails(1, 5), []told{old("x"), {"m9", 9 * 3600}, {"m5", 5 * 3600}}, 0, "1:2"},
		{"a copy of what was there", mails(1, 5), append(mails(1, 5), mails(4, 4)...), 0, "6"},
		{"two of the same, and one is gone", append(mails(4, 4), mails(4, 6)...), mails(4, 7), 0, "4"},
		{"the last one is gone and came again", mails(1, 5), append(mails(1, 3), mails(5, 5)[0], mails(4, 4)[0]), 0, "5"},
		{"one that is not returned, among new ones", mails(1, 5), append(mails(1, 5), told{"not returned", 0}), 0, "6"},
		{"a date that is not known", mails(1, 5), []told{{"x", 0}}, 0, "1"},
		{"the oldest remembered alone is left", mails(1, 300), append(mails(45, 45), mails(301, 700)...), 44, "2:401"},
		{"more mail than is looked at", mails(1, 5), append(mails(1, 5), mails(6, 6000)...), 0, "6:6000"},
	} {
		if fresh, _ := renumbered(t, c.before, c.now, c.forgotten, true); fresh.String() != c.want {
			t.Errorf("%s: new %v, want %s", c.name, fresh, c.want)
		}
	}
}

// TestReunionReadsLittle: of a large mailbox only what is remembered is asked for.
func TestReunionReadsLittle(t *testing.T) {
	var before []told
	for i := range 100_000 {
		before = append(before, told{fmt.Sprint(i), int64(i) * 3600})
	}
	now := append(slices.Clone(before), told{"new", 1e9})
	for _, search := range []bool{true, false} {
		fresh, asked := renumbered(t, before, now, 0, search)
		if fresh.String() != "100001" || asked > MaxRemembered+2*uint64(nextBatch) {
			t.Errorf("%d messages asked for, new %v", asked, fresh)
		}
	}
	if fresh, asked := renumbered(t, before, now[1000:2000], 0, true); !fresh.Empty() || asked > 1000 {
		t.Errorf("%d messages asked for, new %v", asked, fresh)
	}
}

func TestIdentity(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	all := imap.ItemUID | imap.ItemInternalDate | imap.ItemSize | imap.ItemSections
	header := func(data string) *imap.Message {
		return &imap.Message{Items: all, InternalDate: at, Size: 9, Sections: []imap.Section{{Spec: "HEADER.FIELDS (MESSAGE-ID)", Data: data}}}
	}
	envelope := func(id string) *imap.Message {
		return &imap.Message{Items: all | imap.ItemEnvelope, InternalDate: at.In(time.FixedZone("", 3600)), Size: 9, Envelope: &imap.Envelope{MessageID: id}}
	}
	want, ok := Identify(BasisHeader, header("Message-ID: <a@b>\r\n\r\n"))
	if !ok || want.Date != at.Unix() || fmt.Sprintf("%x", want.Print) != "e3244c05a86e60cc" {
		t.Errorf("%+v %x", want, want.Print) // what is stored must be found again for ever
	}
	for i, m := range []*imap.Message{
		header("message-id:\r\n <a@b>\r\n\r\n"), header("Message-Id: <a@b> (comment)\r\n"), envelope("<a@b>"), envelope(" <a@b> "),
		header("Message-ID: <a\r\n @b>\r\n\r\n"), header("Message-ID: <first@b>\r\n x\r\nMessage-Id: <a@b>\r\n\r\n"),
	} {
		if id, ok := Identify(BasisHeader, m); !ok || id != want {
			t.Errorf("%d: %+v", i, id)
		}
	}
	moved := header("Message-ID: <a@b>\r\n\r\n")
	moved.Size, moved.InternalDate = 10, at.Add(time.Hour)
	if id, _ := Identify(BasisHeader, moved); id.Print != want.Print {
		t.Error("another size and date make it another message")
	}
	none, ok := Identify(BasisHeader, header("\r\n"))
	if again, _ := Identify(BasisHeader, envelope("")); !ok || none != again || none.Print == want.Print {
		t.Errorf("without a Message-ID: %+v %+v", none, again)
	}
	for i, m := range []*imap.Message{
		{Items: all, InternalDate: at}, {Items: imap.ItemSections, Sections: header("").Sections}, {Items: all, InternalDate: at, More: &imap.MoreItems{EmailID: "x"}},
	} {
		if id, ok := Identify(BasisHeader, m); ok {
			t.Errorf("%d: %+v", i, id)
		}
	}
	emailID := &imap.Message{InternalDate: at, More: &imap.MoreItems{EmailID: "x", GmailMsgID: 7}}
	if a, ok := Identify(BasisEmailID, emailID); !ok || a.Print == want.Print {
		t.Errorf("%+v", a)
	}
	if _, ok := Identify(BasisGmail, emailID); !ok {
		t.Error("X-GM-MSGID")
	}
	if _, ok := Identify(BasisGmail, &imap.Message{More: &imap.MoreItems{}}); ok {
		t.Error("no X-GM-MSGID")
	}
}

func TestBasisStays(t *testing.T) {
	objects, gmail := imap.Capabilities{imap.CapObjectID}, imap.Capabilities{imap.CapGmail}
	for _, c := range []struct {
		before Basis
		caps   imap.Capabilities
		want   Basis
	}{
		{0, nil, BasisHeader},
		{0, gmail, BasisGmail},
		{0, objects, BasisEmailID},
		{BasisHeader, objects, BasisHeader},
		{BasisEmailID, objects, BasisEmailID},
		{BasisEmailID, nil, BasisHeader},
		{BasisGmail, objects, BasisEmailID},
		{77, nil, BasisHeader},
	} {
		if got := BasisFor(c.before, c.caps); got != c.want {
			t.Errorf("%d with %v: %d, want %d", c.before, c.caps, got, c.want)
		}
	}
}

func TestNewestAreRemembered(t *testing.T) {
	s := newState()
	s.appendRun(1, 400, 0)
	l := NewLedger(&View{state: s, count: 400}, nil)
	id := func(uid imap.UID) Identity { return identityOf(told{fmt.Sprint(uid), int64(uid)}) }
	for _, uid := range []imap.UID{400, 399, 300, 350} {
		l.Remember(uid, id(uid))
	}
	if got := l.State().Forgotten(BasisEmailID); got.String() != "145:299,301:349,351:398" {
		t.Errorf("forgotten: %v", got)
	}
	for uid := range imap.UID(500) {
		l.Remember(uid, id(uid))
	}
	s = l.State()
	if s.Remembered() != MaxRemembered || s.prints.list[0].uid != 145 || s.prints.newest != 400 || !s.Forgotten(BasisEmailID).Empty() {
		t.Errorf("%d, from %d, newest %d", s.Remembered(), s.prints.list[0].uid, s.prints.newest)
	}
	if err := l.Apply(vanished(200, 300)); err != nil {
		t.Fatal(err)
	}
	for l.Len() > 0 {
		l.Ack()
	}
	if got := l.State(); got.Remembered() != MaxRemembered-101 || s.Remembered() != MaxRemembered || !got.Forgotten(BasisEmailID).Empty() {
		t.Errorf("%d remembered, %v forgotten; the clone has %d", got.Remembered(), got.Forgotten(BasisEmailID), s.Remembered())
	}
	if err := l.Apply(vanished(301, 380)); err != nil {
		t.Fatal(err)
	}
	for l.Len() > 0 {
		l.Ack()
	}
	if got := l.State().Forgotten(BasisEmailID); got.String() != "1:144" {
		t.Errorf("forgotten: %v", got) // too few are left of those that are remembered
	}
	if got := l.State().Forgotten(BasisHeader); got.Len() != 219 {
		t.Errorf("of another basis: %v", got)
	}
}

func TestAnotherBasisStartsAnew(t *testing.T) {
	v := viewOf(1, 2, 3)
	l := NewLedger(v, nil)
	l.Remember(1, Identity{Basis: BasisHeader, Print: Print{1}, Date: 5})
	l.Remember(2, Identity{Basis: BasisEmailID, Print: Print{2}, Date: 4})
	if s := l.State(); s.Basis() != BasisEmailID || s.Remembered() != 1 || s.prints.newest != 5 {
		t.Errorf("%+v", s.prints)
	}
}

// TestRenewedMessagesAreLookedFor: a checkpoint that was written while some of them waited knows less than its UIDNEXT, also when
// the mailbox has as many messages as it knows by then, since others are gone.
func TestRenewedMessagesAreLookedFor(t *testing.T) {
	l := NewLedger(viewOf(1, 2, 3), nil)
	l.Renew(imap.UIDs(2, 3))
	l.Ack()
	old := new(State)
	if data, err := l.State().MarshalBinary(); err != nil || old.UnmarshalBinary(data) != nil || old.UIDNext() != 0 {
		t.Fatalf("UIDNEXT %d, %v", old.UIDNext(), err)
	}
	r := &Resync{old: old, opened: Opened{UIDValidity: 1, UIDNext: 4, Exists: 2}}
	if m := newMapping(r); m.proven || !m.doubt {
		t.Error("as many as were known are taken for those")
	}
	if l.Ack(); l.State().UIDNext() != 4 {
		t.Errorf("all are acknowledged, UIDNEXT %d", l.State().UIDNext())
	}
}

// TestRenewedMessagesAreNotClaimed: with HIGHESTMODSEQ, counting could take a renewed message for one that is gone.
func TestRenewedMessagesAreNotClaimed(t *testing.T) {
	l := NewLedger(viewOf(1, 2, 3), nil)
	l.Renew(imap.UIDs(2, 3, 9))
	if s := l.State(); s.HighestModSeq() != 0 || s.UIDs().String() != "1" || l.Len() != 2 {
		t.Errorf("%v, %d waiting", dump(s), l.Len())
	}
	if err := l.Apply(row(2, 2, "x")); err != nil {
		t.Fatal(err)
	}
	if err := l.Apply(vanished(3, 3)); err != nil {
		t.Fatal(err)
	}
	var got []Change
	for change, more := l.Next(); more; change, more = l.Next() {
		got = append(got, change)
		l.Ack()
	}
	if said(got) != "new 2, new 3, flags 2 +x (rev 1), expunge 3" || l.State().HighestModSeq() != 100 {
		t.Errorf("%s, then %v", said(got), dump(l.State()))
	}
}
