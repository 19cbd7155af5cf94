package watch_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pushmail/pushmail/watch"
)

// A mailbox that is hot, or stays selected on the only connection, is deleted: its connection is given up, and it is not tried again.
func TestHotMailboxIsDeleted(t *testing.T) {
	for _, connections := range []int{1, 3} {
		t.Run(fmt.Sprint(connections, " connections"), func(t *testing.T) {
			inAccount(t, nil, func(b *bench) {
				b.account.MaxConnections, b.account.Hot = connections, []string{"Work"}
				b.start()
				b.take()
				b.user.DeleteMailbox("Work")
				b.wait(10 * time.Minute)
				b.tellsNames("deleted Work")
				if n := len(b.server.Sessions()); n != 1 {
					t.Errorf("%d connections, want 1", n)
				}
				dialed := b.dialed()
				b.wait(5 * time.Hour)
				if b.expectAll(); b.dialed() != dialed {
					t.Errorf("%d more connections", b.dialed()-dialed)
				}
			}, "Work", "Lists")
		})
	}
}

// One that is renamed takes what is known of it with it, and is not hot any more, or hot from then on.
func TestHotMailboxIsRenamed(t *testing.T) {
	for _, connections := range []int{1, 3} {
		for _, hot := range [][]string{{"Work"}, {"Work", "Job"}} {
			t.Run(fmt.Sprint(connections, " connections, hot ", hot), func(t *testing.T) {
				inAccount(t, nil, func(b *bench) {
					b.account.MaxConnections, b.account.Hot = connections, hot
					b.start()
					b.take()
					work := b.user.Mailbox("Work")
					work.Append(mail("one"))
					b.tellsAllOf("Work", "new 1 one")
					b.user.RenameMailbox("Work", "Job")
					work.Append(mail("two"))
					b.wait(10 * time.Minute)
					if told := b.toldOfAll(); len(told) != 2 || !slices.Contains(told, "Job: renamed Job Work") {
						t.Errorf("told of %q", told)
					}
					work.Append(mail("three"))
					if len(hot) == 1 {
						b.wait(2*time.Minute + time.Second)
					}
					if told := b.toldOfAll(); !slices.Equal(told, []string{"Job: new 3 three"}) {
						t.Errorf("told of %q", told)
					}
				}, "Work", "Lists")
			})
		}
	}
}

// toldOfAll returns what was said since the last call, beside that mailboxes are open.
func (b *bench) toldOfAll() (told []string) {
	for _, ev := range b.take() {
		if ev.Type != watch.MailboxOpen {
			told = append(told, ev.Mailbox+": "+line(ev))
		}
	}
	return told
}

// After a suspension all mailboxes are looked at, not when the next sweep is due.
func TestSuspendedMachineLooksAtAllMailboxes(t *testing.T) {
	for _, connections := range []int{1, 2} {
		t.Run(fmt.Sprint(connections, " connections"), func(t *testing.T) {
			inAccount(t, nil, func(b *bench) {
				b.account.MaxConnections, b.account.SweepInterval, b.opts.VerifyInterval = connections, 10*time.Hour, 10*time.Hour
				b.start()
				b.take()
				b.user.Mailbox("Work").Append(mail("while asleep"))
				watch.Suspend(t, time.Hour)
				b.wait(21 * time.Second)
				b.expectAll("Work: new 1 while asleep")
			}, "Work")
		})
	}
}
