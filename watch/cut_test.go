package watch_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/watch"
)

// TestCutEverywhere cuts the first connection after byte k of what the server sends, for every k of a
// whole session. Nothing may be lost, and nothing invented.
func TestCutEverywhere(t *testing.T) {
	for _, rung := range rungs[:3] {
		t.Run(rung.method, func(t *testing.T) {
			total := int64(0)
			for k := int64(0); k == 0 || k < total; k++ {
				if testing.Short() && k%7 != 0 {
					continue
				}
				n := cutSession(t, rung.without, k)
				if k == 0 {
					total = n
				}
				if t.Failed() {
					t.Fatalf("cut after byte %d of %d", k, total)
				}
			}
			t.Logf("cut at each of %d bytes", total)
		})
	}
}

// cutSession runs a history with a cut after k bytes (0: none) and returns how many bytes were sent.
func cutSession(t *testing.T, without imap.Capabilities, k int64) (sent int64) {
	inBubble(t, &imaptest.ServerOptions{Without: without}, func(b *bench) {
		b.opts.KeepTrying = true
		uid := b.box.Append(mail("old"))
		// A checkpoint, so that no cut can hide what comes after it.
		b.start()
		b.stop()
		b.take()
		b.box.Append(mail("while away"))
		if k > 0 {
			first := true
			b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
				if first {
					first = false
					c.Session.CutAfter(k)
				}
				return imaptest.Pass
			})
		}
		b.start()
		b.box.Append(mail("one"))
		b.wait(time.Minute)
		b.box.AddFlags(uid, imap.FlagSeen)
		b.wait(time.Minute)
		b.box.Append(mail("two"))
		b.box.Expunge(uid)
		b.wait(10 * time.Minute)
		b.box.Append(mail("three"))
		b.wait(10 * time.Minute)
		for _, s := range b.server.Sessions() {
			sent += s.Sent()
		}
		var got []string
		ids := map[string]string{}
		for _, ev := range b.take() {
			if ev.Type == watch.MailboxOpen || ev.Type == watch.Link {
				continue
			}
			if before, twice := ids[ev.ID]; twice && before != line(ev) {
				t.Errorf("id %s is %s and %s", ev.ID, before, line(ev))
			} else if twice {
				continue
			}
			ids[ev.ID] = line(ev)
			got = append(got, line(ev))
		}
		// Flags that were set while nobody was connected, on a message that is gone by then, are no event.
		got = slices.DeleteFunc(got, func(l string) bool { return l == fmt.Sprintf(`flags %d [+\Seen]`, uid) })
		slices.Sort(got)
		want := []string{"expunge 1", "new 2 while away", "new 3 one", "new 4 two", "new 5 three"}
		if !slices.Equal(got, want) {
			t.Errorf("events %q, want %q", got, want)
		}
	})
	return sent
}
