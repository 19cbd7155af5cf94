package watch_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/watch"
)

// refuseToOpen has EXAMINE of one mailbox be refused.
func (b *bench) refuseToOpen(name, text string) {
	b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
		if c.Name == "EXAMINE" && strings.Contains(fmt.Sprint(c.Args), name) {
			return imaptest.Refuse(imap.NO, "", text)
		}
		return imaptest.Pass
	})
}

// A mailbox that is deleted while it is watched is waited for. One of the same name is another one: its UIDVALIDITY says so.
func TestMailboxDeletedWhileWatchedIsWaitedFor(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.opts.Mailbox = "Work"
		b.user.Mailbox("Work").Append(mail("one"))
		b.start()
		was := b.expect("open 1 initial idle")[0].UIDValidity
		b.user.DeleteMailbox("Work")
		b.wait(3 * time.Hour)
		events := b.expect("link up=false stale=false", "link up=false stale=true")
		if reason := events[len(events)-1].Link.Reason; !strings.Contains(reason, "Work") {
			t.Errorf("the reason is %q", reason)
		}
		if err := b.err; err != nil {
			t.Fatalf("the sequence ended: %v", err)
		}
		b.user.Mailbox("Work").Append(mail("two"))
		b.wait(time.Hour)
		var got []string
		for _, ev := range b.take() {
			got = append(got, line(ev))
		}
		now := b.user.Mailbox("Work").Snapshot().UIDValidity
		want := []string{"link up=true stale=false", "open 1 initial idle", fmt.Sprintf("reset %d -> %d", was, now), "new 1 two"}
		if !slices.Equal(got, want) {
			t.Errorf("events %q, want %q", got, want)
		}
	})
}

// A mailbox of an account that can no longer be opened harms no other, whatever connection it is on, and is looked at again.
func TestMailboxThatLosesItsSelectabilityHarmsNoOther(t *testing.T) {
	for _, connections := range []int{1, 2} {
		for _, lost := range []string{"INBOX", "Work"} {
			t.Run(fmt.Sprintf("%s, %d connections", lost, connections), func(t *testing.T) {
				inAccount(t, nil, func(b *bench) {
					b.account.MaxConnections = connections
					b.start()
					b.take()
					b.refuseToOpen(lost, "mailbox is not selectable")
					b.cutAll()
					for _, name := range []string{"INBOX", "Work", "Other"} {
						b.user.Mailbox(name).Append(mail("to " + name))
					}
					b.wait(10 * time.Minute)
					got := b.happenings()
					for _, name := range []string{"INBOX", "Work", "Other"} {
						if told := slices.Contains(got, name+" new 1 to "+name); told == (name == lost) {
							t.Errorf("mail to %s: told %v; %q", name, told, got)
						}
					}
					b.server.SetOnCommand(nil)
					b.wait(2 * time.Hour)
					if got := b.happenings(); !slices.Equal(got, []string{lost + " new 1 to " + lost}) {
						t.Errorf("when it is back: %q", got)
					}
				}, "Work", "Other")
			})
		}
	}
}

// An empty LIST at the first start is no statement: what is listed later was there before.
func TestEmptyListAtTheFirstStartInventsNothing(t *testing.T) {
	inAccount(t, nil, func(b *bench) {
		b.box.Append(mail("old"))
		b.user.Mailbox("Work").Append(mail("old, too"))
		b.on("LIST", imaptest.Reply("{tag} OK done\r\n"))
		b.start()
		if got := b.take(); len(got) > 0 {
			t.Errorf("there are mailboxes: %s", line(got[0]))
		}
		b.server.SetOnCommand(nil)
		b.wait(5 * time.Minute)
		if got := b.happenings(); len(got) > 0 {
			t.Errorf("invented: %q", got)
		}
		b.user.Mailbox("Work").Append(mail("new"))
		b.wait(3 * time.Minute)
		if got := b.happenings(); !slices.Equal(got, []string{"Work new 2 new"}) {
			t.Errorf("told %q", got)
		}
	}, "Work")
}

// A consumer that keeps an event for an hour gets all others afterwards, once.
func TestConsumerThatBlocksForAnHour(t *testing.T) {
	everyWay(t, nil, func(t *testing.T, b *bench) {
		var blocked atomic.Bool
		b.stopAt = func(ev watch.Event) bool {
			if ev.Type == watch.MessageNew && blocked.CompareAndSwap(false, true) {
				time.Sleep(time.Hour)
			}
			return false
		}
		b.start()
		var want []string
		for i := range 20 {
			b.box.Append(mail(fmt.Sprint("m", i+1)))
			want = append(want, fmt.Sprintf("new %d m%d", i+1, i+1))
			time.Sleep(2 * time.Minute)
		}
		time.Sleep(40 * time.Minute)
		b.tells(want...)
		b.box.Append(mail("at once again"))
		b.tells("new 21 at once again")
	})
}
