package mailbox

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
)

// TestRowsThatMeanAnotherMessage: ten messages of which 1 is not remembered, 2 has \Seen, and 10 waits to be told.
func TestRowsThatMeanAnotherMessage(t *testing.T) {
	row := func(seq imap.SeqNum, flags ...imap.Flag) *imap.Message {
		return &imap.Message{SeqNum: seq, Items: imap.ItemFlags, Flags: flags}
	}
	whole := row(3)
	whole.Items |= imap.ItemEnvelope | imap.ItemUID
	whole.UID = 3
	for _, test := range []struct {
		name    string
		highest imap.ModSeq
		rows    []imap.Response
		want    string // the remembered, and the waiting ones
	}{
		{"new flags", 0, []imap.Response{row(3, imap.FlagSeen)}, " "},
		{"the flags that it has", 0, []imap.Response{row(2, imap.FlagSeen, imap.FlagRecent), row(3)}, "2:3 "},
		{"none of those that it had", 0, []imap.Response{row(2)}, "2 "},
		{"new flags, while others come", 0, []imap.Response{imap.Exists(11), row(3, imap.FlagSeen)}, "3 "},
		{"with mod-sequences", 7, []imap.Response{row(3)}, " "},
		{"one that is not remembered", 0, []imap.Response{row(1)}, " "},
		{"one that was not told", 0, []imap.Response{row(10)}, " 10"},
		{"one that is not known", 0, []imap.Response{imap.Exists(11), row(11)}, " "},
		{"the answer to a question", 0, []imap.Response{whole}, " "},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := &reuseBox{envelope: func(uid imap.UID) string { return fmt.Sprint(uid) }}
			l, _ := b.resync(t, nil)
			l.Renew(imap.UIDs(10))
			b.remember(l)
			l.acked.prints = l.acked.prints.without(imap.UIDs(1), l.acked.own)
			if err := l.Apply(row(2, imap.FlagSeen)); err != nil {
				t.Fatal(err)
			}
			l.view.state.highest = test.highest
			for _, r := range test.rows {
				if err := l.Apply(r); err != nil {
					t.Fatal(err)
				}
			}
			remembered, waiting := l.Doubted()
			if got := fmt.Sprint(remembered, " ", waiting); got != test.want {
				t.Errorf("doubted %q, want %q", got, test.want)
			}
			if len(test.want) > 1 && l.Fold() {
				t.Error("it was folded")
			}
			l.Trust()
			if a, b := l.Doubted(); len(a)+len(b) > 0 {
				t.Errorf("after Trust, %v %v", a, b)
			}
		})
	}
}

func TestAnotherMessage(t *testing.T) {
	header := func(id string) imap.Section {
		return imap.Section{Spec: "HEADER.FIELDS (MESSAGE-ID)", Data: "Message-ID: <" + id + ">\r\n\r\n"}
	}
	for _, test := range []struct {
		header, envelope string
		want             bool
	}{{"3", "3", false}, {"4", "4", true}, {"3", "4", false}, {"4", "3", false}, {"4", "", true}, {"", "", false}} {
		b := &reuseBox{envelope: func(uid imap.UID) string { return fmt.Sprint(uid) }}
		l, _ := b.resync(t, nil)
		b.remember(l)
		m := &imap.Message{SeqNum: 3, UID: 3, Items: imap.ItemUID | imap.ItemInternalDate | imap.ItemSize, InternalDate: time.Unix(1e9, 0)}
		if test.header != "" {
			m.Sections = []imap.Section{header(test.header)}
		}
		if test.envelope != "" {
			m.Envelope = &imap.Envelope{MessageID: "<" + test.envelope + ">"}
		}
		if got := l.Another(m); got != test.want {
			t.Errorf("header %q and envelope %q: %v, want %v", test.header, test.envelope, got, test.want)
		}
	}
}

// TestDoubtedMessagesAreCompared: also those that are not among the newest.
func TestDoubtedMessagesAreCompared(t *testing.T) {
	plain := func(uid imap.UID) string { return fmt.Sprint(uid) }
	before := &reuseBox{header: func(uid imap.UID, _ int) string { return plain(uid) }, envelope: plain}
	l, _ := before.resync(t, nil)
	old := before.remember(l)
	other := func(uid imap.UID) string {
		if uid == 3 || uid == 4 {
			return "other " + plain(uid)
		}
		return plain(uid)
	}
	now := &reuseBox{header: func(uid imap.UID, _ int) string { return other(uid) }, envelope: other, doubted: imap.UIDs(3, 99)}
	_, report := now.resync(t, old)
	if want := []string{"3,7:10 false", "3 true", "1:10 true"}; !slices.Equal(now.asked, want) || report.Replaced != 2 {
		t.Errorf("asked %q, want %q; %+v", now.asked, want, report)
	}
}
