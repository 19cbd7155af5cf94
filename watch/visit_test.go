package watch_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imaptest"
)

// The STATUS of a message comes while its mailbox is visited, too late for the visit to see the message: the figures are what the next
// visit is for, not what this one has accounted for.
func TestStatusThatComesDuringAVisitIsNotAccountedFor(t *testing.T) {
	o := &imaptest.ServerOptions{Capabilities: withNotify(), Without: imap.Capabilities{imap.CapCondStore, imap.CapQResync}}
	inAccount(t, o, func(b *bench) {
		work := b.user.Mailbox("Work")
		b.start()
		b.take()
		validity := work.Snapshot().UIDValidity
		step := 0
		b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
			switch {
			case step == 0 && c.Name == "UID FETCH" && strings.Contains(fmt.Sprint(c.Args), "ENVELOPE"):
				step++
				c.Session.Inject(fmt.Sprintf("* STATUS Work (MESSAGES 2 UIDNEXT 3 UIDVALIDITY %d UNSEEN 2)\r\n", validity))
			case step == 1 && c.Name == "UNSELECT":
				step++
				work.Append(mail("two"))
			}
			return imaptest.Pass
		})
		work.Append(mail("one"))
		b.wait(time.Minute)
		b.server.SetOnCommand(nil)
		if step != 2 {
			t.Fatalf("the visit went otherwise: %d", step)
		}
		b.tellsAllOf("Work", "new 1 one", "new 2 two")
	}, "Work")
}

// A server that does not want to give a mailbox up tells of it as of the selected one, and not by STATUS.
func TestMailboxThatIsNotGivenUpIsStillWatched(t *testing.T) {
	inAccount(t, &imaptest.ServerOptions{Capabilities: withNotify()}, func(b *bench) {
		work := b.user.Mailbox("Work")
		b.on("UNSELECT", imaptest.Refuse(imap.NO, "", "not now"))
		b.start()
		b.take()
		work.Append(mail("one"))
		b.tellsAllOf("Work", "new 1 one")
		for i := range 3 {
			work.Append(mail("next"))
			b.wait(10 * time.Second)
			b.tellsAllOf("Work", fmt.Sprintf("new %d next", i+2))
		}
	}, "Work")
}

// What is told of the mailbox that stays selected while all are listed is reported at once: no other push says it again.
func TestNewsDuringASweepIsReported(t *testing.T) {
	for _, command := range []string{"DONE", "NOOP", "LIST"} {
		t.Run(command, func(t *testing.T) {
			inAccount(t, nil, func(b *bench) {
				b.account.MaxConnections = 1
				b.start()
				b.take()
				b.wait(time.Minute)
				var once sync.Once
				b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
					if c.Name == command {
						once.Do(func() { b.box.Append(mail("meanwhile")) })
					}
					return imaptest.Pass
				})
				b.wait(time.Minute + time.Second)
				b.tells("new 1 meanwhile")
			}, "Work")
		})
	}
}
