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

// noLink fails if a link was said to be lost or deaf since the last call; it returns the events.
func (b *bench) noLink() []watch.Event {
	b.t.Helper()
	got := b.take()
	for _, ev := range got {
		if ev.Link != nil {
			b.t.Errorf("%s: %s", line(ev), ev.Link.Reason)
		}
	}
	return got
}

// What one IDLE was silent of is one case of it, be it ever so much; and one that has pushed something was not silent.
func TestSilenceOfOneIdleIsChance(t *testing.T) {
	for name, inOneIdle := range map[string]func(b *bench){
		"two things at once": func(b *bench) {
			b.server.SetDeafIdle(true)
			b.wait(time.Minute)
			b.box.Expunge(1)
			b.box.Append(mail("late"))
		},
		"the last of several": func(b *bench) {
			b.box.Append(mail("pushed"))
			b.wait(time.Minute)
			b.server.SetDeafIdle(true)
			b.box.Append(mail("late"))
			b.wait(9 * time.Minute) // to the next IDLE
			b.box.Append(mail("late, too"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, nil, func(b *bench) {
				b.opts.VerifyInterval = -1
				b.fill(2)
				b.start()
				inOneIdle(b)
				b.wait(9 * time.Minute)
				if last := b.noLink(); line(last[len(last)-1]) != "new 3 late" && line(last[len(last)-1]) != "new 5 late, too" {
					t.Errorf("%d events, the last is %s", len(last), line(last[len(last)-1]))
				}
			})
		})
	}
}

// An IDLE that lasted for some seconds proves nothing.
func TestShortIdlesMayBeSilent(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.opts.VerifyInterval = 20 * time.Second
		b.server.SetDeafIdle(true)
		b.start()
		for i := range 5 {
			b.box.Append(mail(fmt.Sprint("m", i+1)))
			b.wait(21 * time.Second)
		}
		b.expect("open 0 initial idle", "new 1 m1", "new 2 m2", "new 3 m3", "new 4 m4", "new 5 m5")
	})
}

// While a server that is deaf is polled, that it is so is not said again.
func TestDeafnessIsSaidOnce(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.server.SetDeafIdle(true)
		b.start()
		for range 2 {
			b.wait(time.Minute)
			b.box.Append(mail("late"))
			b.wait(9 * time.Minute)
		}
		b.expect("open 0 initial idle", "new 1 late", "new 2 late", "link up=true stale=false")
		for i := range 55 { // for almost an hour
			b.box.Append(mail("polled"))
			b.wait(time.Minute + time.Second)
			b.expect(fmt.Sprintf("new %d polled", i+3))
		}
	})
}

// How many messages there are is no news where it is what is known.
func TestCountThatIsRepeatedIsNoNews(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.fill(1)
		b.start()
		b.expect("open 1 initial idle")
		b.on("STATUS", imaptest.Reply("* 1 EXISTS\r\n* STATUS INBOX (MESSAGES 1 UIDNEXT 2)\r\n{tag} OK done\r\n"))
		b.wait(5 * time.Hour)
		b.expect()
	})
}

// A server that is polled and says nothing in answer to one NOOP, but all in answer to the next, is not mute.
func TestServerThatAnswersNoopIsNotTakenForMute(t *testing.T) {
	inBubble(t, &imaptest.ServerOptions{Without: noIdle}, func(b *bench) {
		var opened atomic.Int32
		b.box.Append(mail("old"))
		b.start()
		b.expect("open 1 initial poll")
		for i := range 4 {
			b.mute(false, &opened)
			b.box.AddFlags(1, imap.Flag(fmt.Sprint("$late", i)))
			b.wait(10*time.Minute + time.Second)
			b.expect(fmt.Sprintf("flags 1 [+$late%d]", i))
			b.server.SetOnCommand(nil)
			b.box.AddFlags(1, imap.Flag(fmt.Sprint("$told", i)))
			b.wait(time.Minute + time.Second)
			b.expect(fmt.Sprintf("flags 1 [+$told%d]", i))
		}
	})
}

// Flags that only FETCH tells of, since HIGHESTMODSEQ has moved on: twice in a row the push is deaf, unless it told of others in between, or
// there was a time when it had nothing to tell.
func TestFlagsThatIdleDoesNotTellOf(t *testing.T) {
	for _, tt := range []struct {
		name    string
		pushes  bool
		nothing int // the check that finds nothing
		want    string
	}{
		{"none are pushed", false, -1, "1 deaf: the server did not push: flags have changed"},
		{"others are pushed", true, -1, ""},
		{"nothing has changed in between", false, 1, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, nil, func(b *bench) {
				b.box.Append(mail("old"))
				b.start()
				b.expect("open 1 initial idle")
				highest := b.box.Snapshot().HighestModSeq
				var deaf []string
				for i := range 3 {
					highest += 10
					b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
						switch {
						case c.Name == "STATUS":
							return imaptest.Reply(fmt.Sprintf("* STATUS INBOX (MESSAGES 1 UIDNEXT 2 HIGHESTMODSEQ %d)\r\n{tag} OK done\r\n", highest))
						case c.Name == "UID FETCH" && strings.Contains(fmt.Sprint(c.Args), "CHANGEDSINCE"):
							if i == tt.nothing {
								return imaptest.Reply("{tag} OK done\r\n")
							}
							return imaptest.Reply(fmt.Sprintf("* 1 FETCH (UID 1 FLAGS ($k%d) MODSEQ (%d))\r\n{tag} OK done\r\n", i, highest))
						}
						return imaptest.Pass
					})
					b.wait(10*time.Minute + time.Second)
					b.server.SetOnCommand(nil)
					if tt.pushes {
						b.session().Inject(fmt.Sprintf("* 1 FETCH (UID 1 FLAGS ($pushed%d) MODSEQ (%d))\r\n", i, highest+1))
					}
					for _, ev := range b.take() {
						if ev.Link != nil {
							deaf = append(deaf, fmt.Sprintf("%d %s: %s", i, ev.Link.Class, ev.Link.Reason))
						}
					}
				}
				if got := strings.Join(deaf, ", "); got != tt.want {
					t.Errorf("told of %q, want %q", got, tt.want)
				}
			})
		})
	}
}

// That a mailbox is looked at again is no event, but that it was opened anew after that, since the push was deaf, is one.
func TestOpeningAnewIsToldAfterALook(t *testing.T) {
	inBubble(t, &imaptest.ServerOptions{Without: noModSeqs}, func(b *bench) {
		b.start()
		validity := b.expect("open 0 initial poll")[0].UIDValidity
		b.wait(2 * time.Hour) // it is looked at each hour
		b.expect()
		b.on("STATUS", imaptest.Reply(fmt.Sprintf("* STATUS INBOX (MESSAGES 1 UIDNEXT 2 UIDVALIDITY %d)\r\n{tag} OK done\r\n", validity)))
		b.wait(11 * time.Minute)
		b.expect("link up=true stale=false", "open 0 uid-diff poll")
	})
}

// What an IDLE was silent of may come to light with a truth check, too.
func TestSilenceIsNoticedByTruthChecks(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.opts.Client.IdleRestart = 25 * time.Minute
		b.server.SetDeafIdle(true)
		b.start()
		for range 2 {
			b.box.Append(mail("late"))
			b.wait(10*time.Minute + time.Second)
		}
		b.expect("open 0 initial idle", "new 1 late", "new 2 late", "link up=true stale=false")
	})
}
