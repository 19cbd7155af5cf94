package watch_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/watch"
)

func TestChangesArePushedAsTheyHappen(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.box.Append(mail("old"))
		b.start()
		b.expect("open 1 initial idle")
		uid := b.box.Append(mail("Lunch?"))
		ev := b.expect("new 2 Lunch?")[0]
		if ev.Message.Envelope.From[0].Address != "jo@example.org" || ev.Message.Size != int64(len(mail("Lunch?"))) {
			t.Errorf("summary is %+v", ev.Message)
		}
		b.box.AddFlags(uid, imap.FlagSeen, "$Work")
		b.expect(`flags 2 [+$Work +\Seen]`)
		b.box.RemoveFlags(uid, imap.FlagSeen)
		b.expect(`flags 2 [-\Seen]`)
		b.box.Expunge(uid)
		b.expect("expunge 2 Lunch?")
		b.box.Expunge(1)
		b.expect("expunge 1")
	})
}

func TestNothingIsSetOrChangedByWatching(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		selects := b.count("SELECT")
		b.start()
		b.box.Append(mail("one"))
		b.expect("open 0 initial idle", "new 1 one")
		if got := b.box.Snapshot().Messages[0].Flags; slices.Contains(got, imap.FlagSeen) {
			t.Errorf("flags are %v after watching", got)
		}
		if selects() != 0 {
			t.Error("SELECT was sent; want EXAMINE")
		}
	})
}

func TestIdleRestartsBeforeServerForgets(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.opts.VerifyInterval = -1
		idles := b.count("IDLE")
		b.start()
		b.wait(9*time.Minute - time.Second)
		if got := idles(); got != 1 {
			t.Errorf("%d IDLEs before 9 minutes, want 1", got)
		}
		b.wait(2 * time.Second)
		if got := idles(); got != 2 {
			t.Errorf("%d IDLEs after 9 minutes, want 2", got)
		}
		b.wait(24 * time.Hour)
		if got := idles(); got < 155 || got > 165 {
			t.Errorf("%d IDLEs in a day, want about 160", got)
		}
		b.box.Append(mail("after a day"))
		b.expect("open 0 initial idle", "new 1 after a day")
	})
}

func TestServerWithoutIdleIsPolledEveryMinute(t *testing.T) {
	inBubble(t, &imaptest.ServerOptions{Without: imap.Capabilities{imap.CapIdle}}, func(b *bench) {
		b.opts.VerifyInterval = -1
		noops := b.count("NOOP")
		b.start()
		b.box.Append(mail("one"))
		b.expect("open 0 initial poll")
		b.wait(61 * time.Second)
		b.expect("new 1 one")
		b.wait(10 * time.Minute)
		if got := noops(); got < 10 || got > 12 {
			t.Errorf("%d NOOPs in 11 minutes", got)
		}
	})
}

func TestIdleThatIsRefusedIsReplacedByPolling(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.on("IDLE", imaptest.Refuse(imap.BAD, "", "no such command"))
		b.start()
		b.box.Append(mail("one"))
		b.wait(61 * time.Second)
		b.expect("open 0 initial idle", "new 1 one")
		if n := b.dialed(); n != 1 {
			t.Errorf("%d connections, want 1", n)
		}
	})
}

// The rungs of resynchronising, by what the server lacks.
var rungs = []struct {
	method  string
	without imap.Capabilities
}{
	{"qresync", nil},
	{"condstore", imap.Capabilities{imap.CapQResync}},
	{"uid-diff", imap.Capabilities{imap.CapQResync, imap.CapCondStore}},
	{"uid-diff", imap.Capabilities{imap.CapQResync, imap.CapCondStore, imap.CapESearch, imap.CapEnable, imap.CapUIDPlus, imap.CapID}},
}

func TestWhatHappenedWhileAwayIsReportedOnEveryRung(t *testing.T) {
	for _, rung := range rungs {
		for _, how := range []string{"cut", "restart"} {
			t.Run(fmt.Sprintf("%s, without %v, %s", rung.method, rung.without, how), func(t *testing.T) {
				inBubble(t, &imaptest.ServerOptions{Without: rung.without}, func(b *bench) {
					for i := range 10 {
						b.box.Append(mail(fmt.Sprint("m", i+1)))
					}
					b.start()
					b.expect("open 10 initial idle")
					if how == "restart" {
						b.stop()
					} else {
						b.setDown(true)
						b.session().Cut()
						b.expect("link up=false stale=false")
					}
					b.box.Expunge(3, 7)
					b.box.AddFlags(5, imap.FlagFlagged)
					b.box.AddFlags(6, imap.FlagSeen)
					b.box.RemoveFlags(6, imap.FlagSeen) // set and taken back: nothing happened
					b.box.Append(mail("m11"))
					b.box.Expunge(b.box.Append(mail("came and went")))
					b.box.Append(mail("m13"), imap.FlagSeen)
					want := []string{
						"open 10 " + rung.method + " idle",
						"expunge 3", "expunge 7", `flags 5 [+\Flagged]`, "new 11 m11", "new 13 m13",
					}
					if how == "restart" {
						b.start()
					} else {
						b.setDown(false)
						b.wait(10 * time.Minute)
						want = append([]string{"link up=true stale=false"}, want...)
					}
					b.expect(want...)
				})
			})
		}
	}
}

func TestExistsAfterVanishedSameCount(t *testing.T) {
	for _, rung := range rungs {
		t.Run(rung.method, func(t *testing.T) {
			inBubble(t, &imaptest.ServerOptions{Without: rung.without}, func(b *bench) {
				for i := range 10 {
					b.box.Append(mail(fmt.Sprint("m", i+1)))
				}
				b.start()
				b.box.Expunge(5)
				b.box.Append(mail("new one"))
				b.expect("open 10 initial idle", "expunge 5", "new 11 new one")
			})
		})
	}
}

func TestLeavingTheLoopDoesNotAcknowledge(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.start()
		b.stop()
		b.take()
		for i := range 5 {
			b.box.Append(mail(fmt.Sprint("m", i+1)))
		}
		b.stopAt = func(ev watch.Event) bool { return ev.UID == 3 }
		b.start()
		first := b.expect("open 5 qresync idle", "new 1 m1", "new 2 m2", "new 3 m3")
		b.stop()
		b.stopAt = nil
		b.start()
		again := b.expect("open 5 qresync idle", "new 3 m3", "new 4 m4", "new 5 m5")
		if first[3].ID != again[1].ID {
			t.Errorf("the event that is reported again has id %s, and had %s", again[1].ID, first[3].ID)
		}
	})
}

func TestEventIDsAreTheSameInAReplayAndDifferOtherwise(t *testing.T) {
	for _, rung := range rungs[1:3] {
		t.Run(rung.method, func(t *testing.T) {
			inBubble(t, &imaptest.ServerOptions{Without: rung.without}, func(b *bench) {
				uid := b.box.Append(mail("one"))
				b.start()
				seen := map[string]bool{}
				for range 3 {
					b.box.AddFlags(uid, imap.FlagSeen)
					for _, ev := range b.take() {
						if seen[ev.ID] {
							t.Errorf("id %s twice, now for %s", ev.ID, line(ev))
						}
						seen[ev.ID] = true
					}
					b.box.RemoveFlags(uid, imap.FlagSeen)
					b.take()
				}
				b.stopAt = func(ev watch.Event) bool { return ev.Type == watch.FlagChange }
				b.box.AddFlags(uid, imap.FlagFlagged)
				first := b.expect(`flags 1 [+\Flagged]`)
				b.stop()
				b.stopAt = nil
				b.start()
				again := b.take()
				if len(again) != 2 || again[1].ID != first[0].ID {
					t.Errorf("reported again: %v, want id %s", again, first[0].ID)
				}
			})
		})
	}
}

func TestUIDValidityChangeIsAReset(t *testing.T) {
	for _, rung := range rungs[:3] {
		t.Run(rung.method, func(t *testing.T) {
			inBubble(t, &imaptest.ServerOptions{Without: rung.without}, func(b *bench) {
				b.box.Append(mail("one"))
				b.start()
				old := b.expect("open 1 initial idle")[0].UIDValidity
				b.setDown(true)
				b.session().Cut()
				b.expect("link up=false stale=false")
				now := b.box.ResetUIDValidity()
				b.setDown(false)
				b.wait(time.Minute)
				b.expect("link up=true stale=false", "open 1 initial idle", fmt.Sprintf("reset %d -> %d", old, now))
				b.box.Append(mail("two"))
				b.expect("new 2 two")
			})
		})
	}
}

func TestResetThatIsNotAcknowledgedIsReportedAgain(t *testing.T) {
	for _, at := range []watch.Type{watch.MailboxOpen, watch.MailboxReset} {
		t.Run(at.String(), func(t *testing.T) {
			inBubble(t, nil, func(b *bench) {
				b.box.Append(mail("one"))
				b.start()
				b.stop()
				b.take()
				b.box.ResetUIDValidity()
				b.stopAt = func(ev watch.Event) bool { return ev.Type == at }
				b.start()
				first := b.take()
				b.stop()
				b.stopAt = nil
				b.start()
				again := b.take()
				if len(again) != 2 || again[1].Type != watch.MailboxReset {
					t.Fatalf("%d events, want open and reset", len(again))
				}
				if at == watch.MailboxReset && first[1].ID != again[1].ID {
					t.Errorf("reset has id %s, and had %s", again[1].ID, first[1].ID)
				}
				b.stop()
				b.start()
				b.expect("open 1 qresync idle")
			})
		})
	}
}

func TestBaselineIsSavedBeforeAnythingIsSaid(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.stopAt = func(ev watch.Event) bool { return true } // as a crash at the first event
		b.start()
		b.stop()
		b.take()
		b.stopAt = nil
		b.box.Append(mail("after the crash"))
		b.start()
		b.expect("open 1 qresync idle", "new 1 after the crash")
	})
}

func TestServerThatNeverContinuesIdleIsLeft(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.once("IDLE", imaptest.Ignore)
		b.start()
		b.box.Append(mail("one"))
		b.wait(29 * time.Second)
		b.expect("open 0 initial idle")
		b.wait(time.Minute)
		b.expect("link up=false stale=false", "link up=true stale=false", "open 1 qresync idle", "new 1 one")
	})
}

func TestServerThatForgetsDoneIsLeft(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.once("DONE", imaptest.Ignore)
		b.start()
		b.wait(9*time.Minute + 29*time.Second)
		b.expect("open 0 initial idle")
		b.wait(time.Minute)
		b.expect("link up=false stale=false", "link up=true stale=false", "open 0 qresync idle")
	})
}

func TestDeadLinkIsFoundByTheRestart(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.opts.Client.IdleRestart = 2 * time.Minute
		b.start()
		b.session().Stall()
		b.box.Append(mail("into the void"))
		b.expect("open 0 initial idle")
		b.wait(2*time.Minute + 31*time.Second)
		b.wait(time.Minute)
		b.expect("link up=false stale=false", "link up=true stale=false", "open 1 qresync idle", "new 1 into the void")
	})
}

func TestDeafIdleIsFoundByTheTruthCheck(t *testing.T) {
	for _, change := range []struct {
		name string
		do   func(b *bench)
		want string
	}{
		{"append", func(b *bench) { b.box.Append(mail("unheard")) }, "new 2 unheard"},
		{"expunge", func(b *bench) { b.box.Expunge(1) }, "expunge 1"},
	} {
		t.Run(change.name, func(t *testing.T) {
			alone(t, func(_ *testing.T, b *bench) {
				b.opts.Client.IdleRestart = 20 * time.Hour
				b.box.Append(mail("one"))
				b.start()
				b.server.SetDeafIdle(true)
				change.do(b)
				b.expect("open 1 initial idle")
				b.wait(10*time.Minute + time.Second)
				b.expect(change.want)
			})
		})
	}
}

func TestWrongPasswordEndsTheSequence(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.opts.Login = func(ctx context.Context, c *imapclient.Conn) error { return c.Login(ctx, "jo", "wrong") }
		b.start()
		b.expect()
		if err := b.stop(); imapclient.Classify(err).Class != imapclient.ClassAuth {
			t.Errorf("error %v", err)
		}
	})
}

func TestRefusedPasswordIsTriedAgainRarely(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.start()
		b.expect("open 0 initial idle")
		b.opts.KeepTrying = true
		logins := b.count("LOGIN")
		b.server.AddUser("jo", "changed")
		b.session().Cut()
		b.wait(time.Hour)
		if got := logins(); got < 4 || got > 5 {
			t.Errorf("%d logins with a refused password in an hour", got)
		}
		b.server.AddUser("jo", "secret")
		b.wait(80 * time.Minute)
		var lines []string
		for _, ev := range b.take() {
			lines = append(lines, line(ev))
		}
		got := strings.Join(lines, ", ")
		if want := "link up=false stale=false, link up=false stale=false, link up=false stale=true, link up=true stale=false, open 0 qresync idle"; got != want {
			t.Errorf("events: %s\nwant: %s", got, want)
		}
	})
}

func TestReconnectsBackOffAndGoOnForEver(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.start()
		b.setDown(true)
		b.session().Cut()
		before := b.dialed()
		b.wait(24 * time.Hour)
		if got := b.dialed() - before; got < 24*60/5 || got > 24*60*3 {
			t.Errorf("%d attempts in a day, want between one in 5 minutes and a few", got)
		}
		b.setDown(false)
		b.box.Append(mail("next day"))
		b.wait(6 * time.Minute)
		b.expect("open 0 initial idle", "link up=false stale=false", "link up=false stale=true",
			"link up=true stale=false", "open 1 qresync idle", "new 1 next day")
	})
}

func TestMissingMailboxEndsTheSequence(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.opts.Mailbox = "Nowhere"
		b.start()
		b.expect()
		var missing *watch.MailboxError
		if err := b.stop(); !errors.As(err, &missing) || missing.Mailbox != "Nowhere" {
			t.Errorf("error %v", err)
		}
	})
}

func TestExpungeBeforeTheSummaryIsFetchedLosesNothing(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.start()
		b.expect("open 0 initial idle")
		release := make(chan struct{})
		b.on("UID FETCH", imaptest.DelayUntil(release))
		b.box.Append(mail("one"))
		b.take()
		b.box.Expunge(1)
		b.box.Append(mail("two"))
		close(release)
		b.wait(time.Second)
		// The first one came and went unseen, or was seen and is gone: both are true.
		for _, ev := range b.take() {
			if l := line(ev); l != "new 2 two" && l != "new 1 one" && !strings.HasPrefix(l, "expunge 1") {
				t.Errorf("unexpected %s", l)
			}
		}
		b.box.Append(mail("three"))
		b.expect("new 3 three")
	})
}

func TestSummariesThatDoNotComeAreAskedForOnce(t *testing.T) {
	for name, answer := range map[string]string{"nothing": "{tag} OK done\r\n", "refusal": "{tag} NO not now\r\n"} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, nil, func(b *bench) {
				b.start()
				b.stop()
				b.take()
				var want []string
				for i := range 5 {
					b.box.Append(mail(fmt.Sprint("m", i+1)))
					want = append(want, fmt.Sprint("new ", i+1))
				}
				var asked atomic.Int32
				b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
					if c.Name != "UID FETCH" {
						return imaptest.Pass
					}
					for _, item := range c.Args[1].List {
						if item.Is("ENVELOPE") {
							asked.Add(1)
							return imaptest.Reply(answer)
						}
					}
					return imaptest.Pass
				})
				b.start()
				b.expect(append([]string{"open 5 qresync idle"}, want...)...)
				if n := asked.Load(); n != 1 {
					t.Errorf("asked %d times, want once", n)
				}
				b.server.SetOnCommand(nil)
				b.box.Append(mail("m6"))
				b.expect("new 6 m6")
			})
		})
	}
}

// A message that is pushed, and of which the server does not say what it is, is told all the same, and so are those after it.
func TestPushedMessageWhoseContentIsRefused(t *testing.T) {
	for name, verdict := range map[string]imaptest.Verdict{
		"NO":  imaptest.Refuse(imap.NO, "", "cannot be read"),
		"BAD": imaptest.Refuse(imap.BAD, "", "what?"),
	} {
		for _, rung := range rungs[:3] {
			t.Run(name+", "+rung.method, func(t *testing.T) {
				inBubble(t, &imaptest.ServerOptions{Without: rung.without}, func(b *bench) {
					b.start()
					b.expect("open 0 initial idle")
					b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
						if asksContent(c) {
							return verdict
						}
						return imaptest.Pass
					})
					b.box.Append(mail("one"))
					b.expect("new 1")
					b.box.Append(mail("two"))
					b.expect("new 2")
					b.server.SetOnCommand(nil)
					b.box.Append(mail("three"))
					b.expect("new 3 three")
				})
			})
		}
	}
}

// What is gone while nobody watches is still told by its subject, if it was seen before.
func TestExpungeWhileDownTellsWhatIsGone(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.start()
		b.box.Append(mail("one"))
		b.box.Append(mail("two"))
		b.expect("open 0 initial idle", "new 1 one", "new 2 two")
		b.stop()
		b.box.Expunge(1)
		b.start()
		b.expect("open 1 qresync idle", "expunge 1 one")
		b.stop()
		b.box.ResetUIDValidity()
		b.box.Append(mail("three"))
		b.start()
		b.take()
		b.box.Expunge(1)
		b.expect("expunge 1") // not what had that UID before
	})
}
