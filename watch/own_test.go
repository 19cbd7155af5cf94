package watch_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/watch"
)

// What the application has marked is told apart from the same done by others: once, also if the watcher was away meanwhile,
// and not for ever.
func TestOwnChangesAreToldApart(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.opts.Own = &watch.Own{}
		for _, subject := range []string{"one", "two", "three"} {
			b.box.Append(mail(subject))
		}
		b.start()
		validity := b.expect("open 3 initial idle")[0].UIDValidity
		own := func(want bool, lines ...string) {
			b.t.Helper()
			for _, ev := range b.expect(lines...) {
				if ev.UID != 0 && ev.Own != want {
					b.t.Errorf("%s: own is %v", line(ev), ev.Own)
				}
				text, err := json.Marshal(ev.CloudEvent())
				if says := strings.Contains(string(text), `"own":true`); err != nil || ev.UID != 0 && says != want {
					b.t.Errorf("%s: %s, %v", line(ev), text, err)
				}
				if ev.Own = !ev.Own; ev.CloudEvent().ID != ev.ID {
					b.t.Errorf("%s: the id depends on whose doing it is", line(ev))
				}
			}
		}
		b.opts.Own.Mark("inbox", validity, watch.FlagChange, imap.UIDs(1, 2))
		b.box.AddFlags(1, imap.FlagSeen)
		own(true, `flags 1 [+\Seen]`)
		b.box.RemoveFlags(1, imap.FlagSeen)
		own(false, `flags 1 [-\Seen]`)
		b.box.AddFlags(3, imap.FlagSeen)
		own(false, `flags 3 [+\Seen]`)

		b.setDown(true)
		b.cutAll()
		b.box.AddFlags(2, imap.FlagSeen)
		b.setDown(false)
		b.wait(2 * time.Minute)
		own(true, "link up=false stale=false", "link up=true stale=false", "open 3 qresync idle", `flags 2 [+\Seen]`)

		b.opts.Own.Mark("INBOX", validity, watch.MessageExpunge, imap.UIDs(1))
		b.box.Expunge(1)
		own(true, "expunge 1")
		b.opts.Own.Mark("INBOX", validity, watch.MessageExpunge, imap.UIDs(2))
		b.opts.Own.Unmark("INBOX", validity, watch.MessageExpunge, imap.UIDs(2))
		b.box.Expunge(2)
		own(false, "expunge 2")
		b.opts.Own.Mark("INBOX", validity+1, watch.FlagChange, imap.UIDs(3))
		b.opts.Own.Mark("Other", validity, watch.FlagChange, imap.UIDs(3))
		b.box.RemoveFlags(3, imap.FlagSeen)
		own(false, `flags 3 [-\Seen]`)
		b.opts.Own.Mark("INBOX", validity, watch.FlagChange, imap.UIDs(3))
		b.wait(10*time.Minute + time.Second)
		b.box.AddFlags(3, imap.FlagSeen)
		own(false, `flags 3 [+\Seen]`)
	})
}

// An event that the handler refused is given again with its mark.
func TestOwnChangeThatIsGivenAgainIsStillOwn(t *testing.T) {
	own := &watch.Own{}
	var marked []bool
	inManager(t, watch.ManagerOptions{}, func(b *managed) {
		b.opts.Own = own
		inbox := b.add("jo2", "INBOX").Mailbox("INBOX")
		b.wait(time.Second)
		fails := 1
		b.mu.Lock()
		b.handle = func(_ context.Context, ev watch.Event) error {
			if ev.Type != watch.MessageNew {
				return nil
			}
			b.mu.Lock()
			defer b.mu.Unlock()
			marked = append(marked, ev.Own)
			if fails--; fails >= 0 {
				return errors.New("not now")
			}
			return nil
		}
		b.mu.Unlock()
		own.Mark("INBOX", inbox.Snapshot().UIDValidity, watch.MessageNew, imap.UIDs(1))
		inbox.Append(mail("mine"))
		b.wait(10 * time.Minute)
		if len(marked) != 2 || !marked[0] || !marked[1] {
			b.t.Errorf("marks %v, want two", marked)
		}
	})
}
