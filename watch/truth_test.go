package watch_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/watch"
)

// A session that the server has forgotten: commands are answered, but the mailbox in it stands still.
// Only figures from outside of the session tell.
func TestSessionThatStandsStillIsOpenedAnew(t *testing.T) {
	for _, tt := range []struct {
		name, status, search string
		deaf                 bool
	}{
		{"more messages", "MESSAGES 2 UIDNEXT 3", "", true},
		{"fewer messages", "MESSAGES 0 UIDNEXT 2", "", true},
		{"one came, one went", "MESSAGES 1 UIDNEXT 3", "* SEARCH 2", true},
		{"one came and went unseen", "MESSAGES 1 UIDNEXT 3", "* SEARCH 1", false},
		{"UIDNEXT went back", "MESSAGES 1 UIDNEXT 1", "", true},
		{"nothing", "MESSAGES 1 UIDNEXT 2", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, nil, func(b *bench) {
				b.box.Append(mail("one"))
				b.start()
				validity := b.expect("open 1 initial idle")[0].UIDValidity
				b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
					switch c.Name {
					case "STATUS":
						return imaptest.Reply(fmt.Sprintf("* STATUS INBOX (%s UIDVALIDITY %d)\r\n{tag} OK done\r\n", tt.status, validity))
					case "UID SEARCH":
						return imaptest.Reply(tt.search + "\r\n{tag} OK done\r\n")
					}
					return imaptest.Pass
				})
				b.wait(10*time.Minute + time.Second)
				b.server.SetOnCommand(nil)
				b.wait(time.Minute)
				got := b.take()
				if !tt.deaf {
					if len(got) > 0 {
						t.Errorf("events %s", line(got[0]))
					}
					return
				}
				if len(got) < 2 || got[0].Link == nil || got[0].Link.Class != "deaf" || got[len(got)-1].Type != watch.MailboxOpen {
					t.Errorf("%d events", len(got))
				}
			})
		})
	}
}

func TestMailboxThatIsVerifiedIsNotStale(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		statuses := b.count("STATUS")
		b.start()
		b.wait(24 * time.Hour)
		b.expect("open 0 initial idle")
		if got := statuses(); got < 140 || got > 146 {
			t.Errorf("%d truth checks in a day, want about 144", got)
		}
	})
}

func TestServerThatRefusesStatusOfTheSelectedMailboxIsAskedByNoop(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.on("STATUS", imaptest.Refuse(imap.NO, "", "not of the selected mailbox"))
		b.start()
		b.server.SetDeafIdle(true)
		b.box.Append(mail("unheard"))
		b.wait(11 * time.Minute)
		b.expect("open 0 initial idle", "new 1 unheard")
		if !strings.Contains(b.trace.String(), " NOOP") {
			t.Error("no NOOP was sent")
		}
	})
}
