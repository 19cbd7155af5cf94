package watch_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/watch"
)

// poison has each FETCH of what these messages are do harm, which is counted.
func (b *bench) poison(word string, harm imaptest.Verdict, uids ...imap.UID) *atomic.Int32 {
	b.t.Helper()
	var done atomic.Int32
	b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
		if c.Name != "UID FETCH" || !strings.Contains(fmt.Sprint(c.Args), word) {
			return imaptest.Pass
		}
		var set imap.UIDSet
		if err := set.UnmarshalText([]byte(strings.ReplaceAll(c.Args[0].Text, "*", "4294967295"))); err != nil {
			b.t.Error(err)
		}
		for _, uid := range uids {
			if set.Contains(uid) {
				done.Add(1)
				return harm
			}
		}
		return imaptest.Pass
	})
	return &done
}

// A message that ends the connection whenever it is asked what it is, is reported without that after three times, and
// holds up no other. So it is however it comes: alone, among others, while nobody watches.
func TestMessageThatEndsTheConnectionHoldsUpNoOther(t *testing.T) {
	for _, tt := range []struct {
		name, word string
		harm       imaptest.Verdict
		text       int
		live       bool
		before     int // messages before it in one batch
	}{
		{name: "alone", word: "ENVELOPE", harm: imaptest.Drop, live: true},
		{name: "first of a batch", word: "ENVELOPE", harm: imaptest.Drop},
		{name: "in the middle of a batch", word: "ENVELOPE", harm: imaptest.Drop, before: 3},
		{name: "by not answering", word: "ENVELOPE", harm: imaptest.Ignore, before: 1},
		{name: "by its text", word: "BODY.PEEK", harm: imaptest.Drop, text: 100, before: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, nil, func(b *bench) {
				b.opts.Content.Text = tt.text
				b.opts.KeepTrying = true
				b.start()
				b.expect("open 0 initial idle")
				if !tt.live {
					b.stop()
				}
				bad := imap.UID(tt.before + 1)
				harmed := b.poison(tt.word, tt.harm, bad)
				var want []string
				for i := range tt.before {
					b.box.Append(mail(fmt.Sprint("before", i)))
					want = append(want, fmt.Sprintf("new %d before%d", i+1, i))
				}
				b.box.Append(mail("bad"))
				want = append(want, fmt.Sprintf("new %d", bad))
				if !tt.live {
					b.box.Append(mail("after"))
					want = append(want, fmt.Sprintf("new %d after", bad+1))
					b.start()
				}
				b.wait(time.Hour)
				var got []string
				for _, ev := range b.take() {
					if ev.Type == watch.MessageNew {
						got = append(got, line(ev))
						if (ev.UID == bad) != (ev.Message == nil) {
							t.Errorf("UID %d has the summary %+v", ev.UID, ev.Message)
						}
					}
				}
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%q, want %q", got, want)
				}
				if n := harmed.Load(); n != 3 {
					t.Errorf("it was asked for %d times, want 3", n)
				}
				later := b.box.Append(mail("later"))
				b.wait(time.Minute)
				if got := b.take(); len(got) != 1 || line(got[0]) != fmt.Sprintf("new %d later", later) {
					t.Errorf("what came later: %d events", len(got))
				}
			})
		})
	}
}

// Two of them in one batch cost three connections each, at most.
func TestTwoMessagesThatEndTheConnection(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.start()
		b.stop()
		harmed := b.poison("ENVELOPE", imaptest.Drop, 2, 4)
		for i := range 5 {
			b.box.Append(mail(fmt.Sprint("m", i+1)))
		}
		b.take()
		b.start()
		b.wait(time.Hour)
		var got []string
		for _, ev := range b.take() {
			if ev.Type == watch.MessageNew {
				got = append(got, line(ev))
			}
		}
		if want := "[new 1 m1 new 2 new 3 m3 new 4 new 5 m5]"; fmt.Sprint(got) != want {
			t.Errorf("%v, want %s", got, want)
		}
		if n := harmed.Load(); n > 6 {
			t.Errorf("asked for %d times", n)
		}
	})
}

// A connection that ends for another reason costs no summary.
func TestLostConnectionCostsNoSummary(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.start()
		b.expect("open 0 initial idle")
		for i := range 5 {
			b.once("UID FETCH", imaptest.Drop)
			b.box.Append(mail(fmt.Sprint("m", i)))
			b.wait(10 * time.Minute)
		}
		n := 0
		for _, ev := range b.take() {
			if ev.Type == watch.MessageNew {
				if n++; ev.Message == nil {
					t.Errorf("UID %d has no summary", ev.UID)
				}
			}
		}
		if n != 5 {
			t.Errorf("%d new messages, want 5", n)
		}
	})
}
