package watch_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/watch"
)

// TestHugeAccountDelaysNoSmallOne: one account has to look at a great many mailboxes, for minutes, and there is one slot to work. What
// happens in a small account meanwhile is told soon: at the worst the slot is the huge one's for slotPatience.
func TestHugeAccountDelaysNoSmallOne(t *testing.T) {
	const patience = 2 * time.Second
	mailboxes := 1500
	if testing.Short() {
		mailboxes = 300
	}
	for _, tells := range []bool{true, false} { // a slot is given back with each event
		t.Run(fmt.Sprintf("tells=%v", tells), func(t *testing.T) {
			inManager(t, watch.ManagerOptions{Active: 1}, func(b *managed) {
				b.opts.Client.Trace, b.opts.Logger = nil, nil // there is too much of it
				huge := b.server.AddUser("huge", "secret")
				for i := range mailboxes {
					huge.Mailbox(fmt.Sprint("box", i))
				}
				b.add("huge", "")
				var users []*imaptest.User
				for i := range 10 {
					users = append(users, b.add(fmt.Sprint("small", i), "INBOX"))
				}
				b.wait(5 * time.Minute)

				var looked, told, urgent atomic.Int32
				b.mu.Lock()
				b.handle = func(_ context.Context, ev watch.Event) error {
					switch {
					case ev.Type != watch.MessageNew:
					case ev.Account == "huge":
						told.Add(1)
					default:
						urgent.Add(1)
					}
					return nil
				}
				b.mu.Unlock()
				b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
					if c.Name != "EXAMINE" || c.Session.User().Name() != "huge" {
						return imaptest.Pass
					}
					looked.Add(1)
					answer := make(chan struct{})
					time.AfterFunc(100*time.Millisecond, func() { close(answer) })
					return imaptest.DelayUntil(answer)
				})
				for i := range mailboxes {
					box := huge.Mailbox(fmt.Sprint("box", i))
					if uid := box.Append(mail("one of many")); !tells {
						box.Expunge(uid)
					}
				}
				for looked.Load() == 0 { // until a sweep has begun
					b.wait(time.Second)
				}
				for i, u := range users {
					before := looked.Load()
					u.Mailbox("INBOX").Append(mail("urgent"))
					b.wait(patience)
					if n := int(urgent.Load()); n != i+1 {
						t.Errorf("%d of %d messages were told in %v", n, i+1, patience)
					}
					if looked.Load() == before {
						t.Errorf("the huge account is not at work: it has looked at %d mailboxes", before)
					}
				}
				b.server.SetOnCommand(nil)
				b.wait(5 * time.Minute)
				if n := told.Load(); tells && int(n) != mailboxes {
					t.Errorf("%d of %d messages of the huge account were told", n, mailboxes)
				}
			})
		})
	}
}
