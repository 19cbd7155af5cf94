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

// mute has the server say nothing of messages in answer to NOOP, and, if figures is set, in answer to STATUS: only the
// figures themselves, which are right.
func (b *bench) mute(figures bool, opened *atomic.Int32) {
	b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
		switch {
		case c.Name == "NOOP":
			return imaptest.Reply("{tag} OK nothing to say\r\n")
		case c.Name == "EXAMINE":
			opened.Add(1)
		case c.Name == "STATUS" && figures:
			s := b.box.Snapshot()
			text := fmt.Sprintf("MESSAGES %d UIDNEXT %d UIDVALIDITY %d", len(s.Messages), s.UIDNext, s.UIDValidity)
			if strings.Contains(fmt.Sprint(c.Args), "HIGHESTMODSEQ") {
				text += fmt.Sprintf(" HIGHESTMODSEQ %d", s.HighestModSeq)
			}
			return imaptest.Reply("* STATUS INBOX (" + text + ")\r\n{tag} OK done\r\n")
		}
		return imaptest.Pass
	})
}

var (
	noIdle    = imap.Capabilities{imap.CapIdle}
	noModSeqs = imap.Capabilities{imap.CapIdle, imap.CapCondStore, imap.CapQResync}
)

// A server that is polled and says nothing in answer to NOOP: what the truth check brings to light twice has the server be
// asked for figures each minute, and all that happens is found, flags as well.
func TestMuteNoopIsNoticedAndCured(t *testing.T) {
	for _, tt := range []struct {
		name    string
		without imap.Capabilities
		figures bool
	}{
		{"STATUS brings it", noIdle, false},
		{"STATUS brings it, without CONDSTORE", noModSeqs, false},
		{"only its figures tell", noIdle, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, &imaptest.ServerOptions{Without: tt.without}, func(b *bench) {
				var opened atomic.Int32
				b.box.Append(mail("old"))
				b.mute(tt.figures, &opened)
				b.start()
				b.expect("open 1 initial poll")
				for i := range 2 {
					if i == 0 {
						b.box.AddFlags(1, imap.FlagSeen)
					} else {
						b.box.AddFlags(1, imap.FlagFlagged)
					}
					b.wait(10*time.Minute + time.Second)
				}
				b.expect(`flags 1 [+\Seen]`, `flags 1 [+\Flagged]`, "link up=true stale=false")
				b.box.RemoveFlags(1, imap.FlagSeen)
				b.wait(time.Minute + time.Second)
				b.expect(`flags 1 [-\Seen]`)
				b.box.Append(mail("new"))
				b.wait(time.Minute + time.Second)
				b.expect("new 2 new")
				b.box.Expunge(1)
				b.wait(time.Minute + time.Second)
				b.expect("expunge 1")
				if n := b.dialed(); n != 1 {
					t.Errorf("%d connections, want 1", n)
				}
			})
		})
	}
}

// Without mod-sequences nothing but a comparison of all flags finds one that nobody tells of: once an hour, where
// the push is not to be relied upon.
func TestFlagsThatNobodyTellsOfAreFoundInAnHour(t *testing.T) {
	inBubble(t, &imaptest.ServerOptions{Without: noModSeqs}, func(b *bench) {
		var opened atomic.Int32
		b.box.Append(mail("old"))
		b.mute(true, &opened)
		b.start()
		b.expect("open 1 initial poll")
		for _, f := range []imap.Flag{imap.FlagSeen, "$Work"} {
			b.box.AddFlags(1, f)
			b.wait(time.Hour + 11*time.Minute)
			b.expect(fmt.Sprintf("flags 1 [+%s]", f))
		}
		opened.Store(0)
		b.wait(24 * time.Hour)
		b.expect()
		if n := opened.Load(); n < 18 || n > 24 {
			t.Errorf("the mailbox was opened anew %d times in a day, want at most one an hour", n)
		}
	})
}

// A server that pushes is not asked for all flags.
func TestFlagsAreNotComparedWhereThePushWorks(t *testing.T) {
	inBubble(t, &imaptest.ServerOptions{Without: imap.Capabilities{imap.CapCondStore, imap.CapQResync}}, func(b *bench) {
		b.box.Append(mail("old"))
		b.start()
		opened := b.count("EXAMINE")
		for range 5 {
			b.wait(time.Hour)
			b.box.AddFlags(1, imap.FlagSeen)
			b.wait(time.Hour)
			b.box.RemoveFlags(1, imap.FlagSeen)
		}
		if n := opened(); n != 0 {
			t.Errorf("opened anew %d times", n)
		}
		for _, ev := range b.take() {
			if ev.Type == watch.Link {
				t.Errorf("%s: %s", line(ev), ev.Link.Reason)
			}
		}
	})
}

// A truth check costs no more than its STATUS while flags are told as they change.
func TestHighestModSeqThatIsAheadIsAskedAboutOnce(t *testing.T) {
	inBubble(t, &imaptest.ServerOptions{Without: imap.Capabilities{imap.CapQResync}}, func(b *bench) {
		b.box.Append(mail("old"))
		b.start()
		b.expect("open 1 initial idle")
		fetches := b.count("UID FETCH")
		b.box.AddFlags(1, imap.FlagSeen)
		b.wait(24 * time.Hour)
		b.expect(`flags 1 [+\Seen]`)
		if n := fetches(); n > 1 {
			t.Errorf("%d FETCHes in a day, want at most 1", n)
		}
	})
}

// A server that does not answer the truth check is known to be dead: no LOGOUT is waited for.
func TestDeadLinkCostsNoLogout(t *testing.T) {
	inBubble(t, &imaptest.ServerOptions{Without: noIdle}, func(b *bench) {
		b.opts.VerifyInterval, b.opts.Client.PollInterval = time.Minute, time.Hour
		b.start()
		b.expect("open 0 initial poll")
		began := time.Now()
		b.session().Stall()
		b.wait(2 * time.Minute)
		got := b.take()
		if len(got) == 0 || got[0].Link == nil || got[0].Link.Up {
			t.Fatalf("events %v", got)
		}
		if took := got[0].Time.Sub(began); took > time.Minute+30*time.Second {
			t.Errorf("noticed after %v, want the minute and the 30 seconds for an answer", took)
		}
	})
}

// The answer to the last NOOP can come when the mailbox is opened anew already: it is about the mailbox as it was.
func TestLateAnswerIsNotPartOfOpeningAnew(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			o := &imaptest.ServerOptions{Without: noModSeqs}
			if way.notify {
				o.Capabilities = withNotify()
			}
			inBubble(t, o, func(b *bench) {
				way.use(b)
				b.fill(6)
				b.start()
				b.take()
				b.wait(58*time.Minute + 30*time.Second)
				var opened atomic.Int32
				b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
					switch c.Name {
					case "EXAMINE":
						opened.Add(1)
					case "NOOP":
						late := make(chan struct{})
						time.AfterFunc(70*time.Second, func() { close(late) }) // an hour after the start it is time to look anew
						return imaptest.DelayUntil(late)
					}
					return imaptest.Pass
				})
				b.box.Expunge(4)
				b.wait(4 * time.Minute)
				b.tells("expunge 4")
				if opened.Load() == 0 {
					b.t.Error("the mailbox was not opened anew")
				}
				b.server.SetOnCommand(nil)
				b.wait(time.Hour)
				b.tells()
			})
		})
	}
}

// Some servers raise HIGHESTMODSEQ before they show what has changed: what is asked for reaches back to the check before the last one. A
// refusal is no reason to give up the connection.
func TestFlagsAreAskedForSinceTheCheckBeforeTheLast(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.box.Append(mail("old"))
		b.start()
		b.expect("open 1 initial idle")
		first := b.box.Snapshot().HighestModSeq
		highest := first
		var since []string
		b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
			switch c.Name {
			case "STATUS":
				highest += 10
				return imaptest.Reply(fmt.Sprintf("* STATUS INBOX (MESSAGES 1 UIDNEXT 2 HIGHESTMODSEQ %d)\r\n{tag} OK done\r\n", highest))
			case "UID FETCH":
				since = append(since, string(c.Args[2].List[1].Text))
				return imaptest.Refuse(imap.NO, "", "not now")
			}
			return imaptest.Pass
		})
		b.wait(40*time.Minute + time.Second)
		b.expect()
		b.server.SetOnCommand(nil)
		if got, want := fmt.Sprint(since), fmt.Sprint([]imap.ModSeq{first, first, first + 10, first + 20}); got != want {
			t.Errorf("asked for changes since %s, want %s", got, want)
		}
	})
}
