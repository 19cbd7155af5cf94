package watch_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/provider"
	"github.com/pushmail/pushmail/watch"
)

// with returns a provider of which something is known.
func with(rows string) *provider.Provider {
	table, err := provider.Standard().Extend(strings.NewReader(`[{"id": "test", "hosts": ["mail.example.org"], ` + rows + `}]`))
	if err != nil {
		panic(err)
	}
	return table.Get("test")
}

// The bounds that Options.DeadPeer tells of, where TCP tells nothing: the peer falls silent at some moment, and it is noticed
// in time, whatever that moment was.
func TestDeadPeerIsNoticedWithinTheBound(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(o *watch.Options)
		beat   time.Duration // the server says something that often
		most   time.Duration // the bound
	}{
		{"as of old", nil, 0, 9*time.Minute + 30*time.Second},
		{"provider that forgets soon", func(o *watch.Options) { o.Provider = with(`"idle_restart": "4m"`) }, 0, 4*time.Minute + 30*time.Second},
		{"set by hand", func(o *watch.Options) { o.Client.IdleRestart = 2 * time.Minute }, 0, 2*time.Minute + 30*time.Second},
		{"server that says something each 2 minutes", nil, 2 * time.Minute, 3*time.Minute + 30*time.Second},
		{"polled", func(o *watch.Options) { o.Client.PollInterval = time.Minute; o.Provider = with(`"mask": ["IDLE"]`) }, 0, time.Minute + 2*time.Minute},
	} {
		for _, silentAfter := range []time.Duration{time.Second, 70 * time.Second, 8*time.Minute + 50*time.Second} {
			t.Run(fmt.Sprintf("%s/%v", tt.name, silentAfter), func(t *testing.T) {
				inBubble(t, nil, func(b *bench) {
					b.opts.VerifyInterval = -1
					if tt.change != nil {
						tt.change(&b.opts)
					}
					b.start()
					for passed := time.Duration(0); tt.beat > 0 && passed < 10*time.Minute; passed += tt.beat {
						b.wait(tt.beat)
						b.session().Inject("* OK Still here\r\n")
					}
					if tt.beat > 0 {
						silentAfter %= tt.beat
					}
					b.wait(silentAfter)
					b.take()
					b.session().Stall()
					began, took := time.Now(), time.Duration(0)
					for took == 0 && time.Since(began) < time.Hour {
						b.wait(time.Second)
						for _, ev := range b.take() {
							if ev.Link != nil && !ev.Link.Up {
								took = time.Since(began)
							}
						}
					}
					if took == 0 || took > tt.most+time.Second {
						t.Errorf("noticed after %v, want at most %v", took, tt.most)
					}
				})
			})
		}
	}
}

// A server without a word for some time, but there: a NOOP is answered, and nothing is reported.
func TestMissingWordOfALivingServerIsNoEvent(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.opts.VerifyInterval = -1
		noops := b.count("NOOP")
		b.start()
		b.wait(2 * time.Minute)
		b.session().Inject("* OK Still here\r\n")
		b.wait(time.Hour)
		b.expect("open 0 initial idle")
		if got := noops(); got == 0 || got > 2 {
			t.Errorf("%d NOOPs, want 1 or 2: it is not asked for ever", got)
		}
	})
}

// What a server says once, of itself or of the mailbox, is no regular word that could be missing.
func TestOnlyTheRegularWordIsMissed(t *testing.T) {
	for _, word := range []string{"* OK [ALERT] disk is full", "* NO disk is full", "* BAD what was that?", "* 0 RECENT"} {
		t.Run(word, func(t *testing.T) {
			inBubble(t, nil, func(b *bench) {
				b.opts.VerifyInterval = -1
				noops := b.count("NOOP")
				b.start()
				b.wait(2 * time.Minute)
				b.session().Inject(word + "\r\n")
				b.wait(time.Hour)
				if n := noops(); n != 0 {
					t.Errorf("%d NOOPs", n)
				}
			})
		})
	}
}

// What is on the way forgets connections that are silent for 5 minutes: after some losses it does not happen any more.
func TestIntervalIsLearnedFromSilentDeath(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.opts.VerifyInterval = -1
		var losses int
		var lastIdle atomic.Int64
		b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
			if c.Name == "IDLE" {
				lastIdle.Store(time.Now().UnixNano())
			}
			return imaptest.Pass
		})
		b.start()
		for range 4 * 60 * 6 { // four hours
			b.wait(10 * time.Second)
			if time.Since(time.Unix(0, lastIdle.Load())) >= 5*time.Minute {
				for _, s := range b.server.Sessions() {
					s.Stall()
				}
			}
			for _, ev := range b.take() {
				if ev.Link != nil && !ev.Link.Up {
					losses++
				}
			}
		}
		if losses != 2 { // 9 minutes, 6 minutes
			t.Errorf("the connection was lost %d times, want 2", losses)
		}
		if d := watch.IdleRestart(b.opts); d < 4*time.Minute || d >= 5*time.Minute {
			t.Errorf("IDLE is begun anew each %v", d)
		}
		if !strings.Contains(b.trace.String(), "interval=4m0s") {
			t.Error("the log does not tell the interval")
		}
	})
}

func TestHangUpIsALessonAndRestIsNot(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(s *imaptest.Session)
		when time.Duration
		want time.Duration
	}{
		{"hung up after 5 minutes", (*imaptest.Session).Hangup, 5 * time.Minute, 4 * time.Minute},
		{"BYE after 5 minutes", func(s *imaptest.Session) { s.Bye("Autologout") }, 5 * time.Minute, 4 * time.Minute},
		{"hung up after 20 seconds", (*imaptest.Session).Hangup, 20 * time.Second, 9 * time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, nil, func(b *bench) {
				b.opts.VerifyInterval = -1
				b.start()
				b.wait(tt.when)
				tt.end(b.session())
				b.wait(10 * time.Second)
				if got := watch.IdleRestart(b.opts); got != tt.want {
					t.Errorf("IDLE is begun anew each %v, want %v", got, tt.want)
				}
			})
		})
	}
	t.Run("ended by this side", func(t *testing.T) {
		inBubble(t, nil, func(b *bench) {
			b.start()
			b.wait(5 * time.Minute)
			_ = b.stop()
			if got := watch.IdleRestart(b.opts); got != 9*time.Minute {
				t.Errorf("IDLE is begun anew each %v", got)
			}
		})
	})
}

// A server that pushes nothing and tells all with DONE: twice in a row is no chance. It is polled for an hour, and then
// trusted once more.
func TestServerThatTellsOnlyAfterDoneIsPolled(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.server.SetDeafIdle(true)
		b.start()
		b.expect("open 0 initial idle")
		b.wait(time.Minute)
		b.box.Append(mail("one"))
		b.wait(9 * time.Minute)
		b.expect("new 1 one") // once may be chance
		b.box.Append(mail("two"))
		b.wait(9 * time.Minute)
		got := b.expect("new 2 two", "link up=true stale=false")
		if len(got) == 2 && got[1].Link.Class != "deaf" {
			t.Errorf("class %q", got[1].Link.Class)
		}
		b.box.Append(mail("three"))
		b.wait(time.Minute + time.Second)
		b.expect("new 3 three") // it is asked each minute
		b.wait(time.Hour)
		statuses := b.count("STATUS")
		b.wait(time.Hour)
		b.expect()
		if n := statuses(); n > 7 {
			t.Errorf("the server was asked %d times in the hour after", n)
		}
	})
}

func TestServerThatPushesIsNotTakenForDeaf(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.start()
		b.expect("open 0 initial idle")
		for i := range 6 {
			// By chance a message comes in the very moment of DONE, but others are pushed.
			b.server.SetDeafIdle(true)
			b.wait(5 * time.Minute)
			b.box.Append(mail(fmt.Sprintf("chance %d", i)))
			b.wait(5 * time.Minute)
			b.expect(fmt.Sprintf("new %d chance %d", 2*i+1, i))
			b.server.SetDeafIdle(false)
			b.box.Append(mail(fmt.Sprintf("pushed %d", i)))
			b.expect(fmt.Sprintf("new %d pushed %d", 2*i+2, i))
		}
	})
}

// A consumer that keeps events for long finds news waiting: that is no fault of the server.
func TestSlowConsumerDoesNotMakeTheServerDeaf(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.opts.VerifyInterval = 30 * time.Second // so the truth is asked for as soon as the consumer is back, and IDLE ended
		b.box.Append(mail("one"))
		var slow atomic.Bool
		b.stopAt = func(ev watch.Event) bool {
			if slow.Load() && ev.Type == watch.FlagChange {
				b.mu.Unlock()
				time.Sleep(45 * time.Second)
				b.mu.Lock()
			}
			return false
		}
		b.start()
		b.expect("open 1 initial idle")
		slow.Store(true)
		for i := range 4 {
			b.wait(time.Minute)
			b.box.SetFlags(1, imap.Flag(fmt.Sprintf("k%d", i)))
			b.wait(time.Second)
			b.box.Append(mail("while away"))
			b.wait(2 * time.Minute)
			for _, ev := range b.take() {
				if ev.Link != nil {
					t.Errorf("%s", line(ev))
				}
			}
		}
	})
}

// After an hour with the consumer nobody knows what became of the connection: the server is asked before more is reported.
func TestConnectionIsVerifiedAfterTheConsumerWasAway(t *testing.T) {
	for _, dead := range []bool{false, true} {
		t.Run(fmt.Sprintf("dead=%v", dead), func(t *testing.T) {
			inBubble(t, nil, func(b *bench) {
				b.opts.VerifyInterval = 10 * time.Hour
				block := make(chan struct{})
				b.stopAt = func(ev watch.Event) bool {
					if ev.Type == watch.MessageNew && ev.UID == 1 {
						b.mu.Unlock() // the test looks at what was seen meanwhile
						<-block
						b.mu.Lock()
					}
					return false
				}
				both := make(chan struct{}) // are there before one is fetched
				b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
					if strings.HasSuffix(c.Name, "FETCH") {
						return imaptest.DelayUntil(both)
					}
					return imaptest.Pass
				})
				b.start()
				b.expect("open 0 initial idle")
				b.box.Append(mail("one"))
				b.box.Append(mail("two"))
				close(both)
				b.wait(time.Second)
				b.box.Expunge(2)
				b.box.Append(mail("three"))
				if dead {
					b.session().Stall()
				}
				b.wait(time.Hour)
				b.expect("new 1 one")
				close(block)
				b.wait(time.Minute)
				if !dead {
					b.expect("new 2 two", "expunge 2 two", "new 3 three")
					return
				}
				b.expect("link up=false stale=false", "link up=true stale=false", "open 2 qresync idle", "new 3 three")
			})
		})
	}
}

// A server without IDLE whose NOOP tells nothing.
func TestServerIsPolledTheWayItNeeds(t *testing.T) {
	for _, tt := range []struct {
		name, rows string
		deny       string // commands that tell nothing
	}{
		{"STATUS", `"poll": "status", "poll_interval": "55s", "idle_restart": "55s"`, "NOOP"},
		{"SELECT", `"poll": "select", "poll_interval": "55s", "idle_restart": "55s"`, "NOOP STATUS"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, &imaptest.ServerOptions{Without: imap.Capabilities{imap.CapIdle}}, func(b *bench) {
				b.opts.Provider = with(tt.rows)
				var last atomic.Int64
				var longest atomic.Int64
				validity := uint32(0)
				b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
					now := time.Now().UnixNano()
					if was := last.Swap(now); was != 0 && c.Name != "NOOP" {
						longest.Store(max(longest.Load(), now-was))
					}
					if strings.Contains(tt.deny, c.Name) {
						if c.Name == "STATUS" {
							return imaptest.Reply(fmt.Sprintf("* STATUS INBOX (MESSAGES 0 UIDNEXT 1 UIDVALIDITY %d)\r\n{tag} OK done\r\n", validity))
						}
						return imaptest.Reply("{tag} OK nothing to say\r\n")
					}
					return imaptest.Pass
				})
				b.start()
				validity = b.expect("open 0 initial poll")[0].UIDValidity
				for i := 1; i <= 5; i++ {
					b.box.Append(mail(fmt.Sprint(i)))
					b.wait(56 * time.Second)
					b.expect(fmt.Sprintf("new %d %d", i, i))
				}
				b.wait(time.Hour)
				b.expect() // neither links nor mailboxes opened
				if d := time.Duration(longest.Load()); d > 56*time.Second {
					t.Errorf("the server was left alone for %v", d)
				}
			})
		})
	}
}

// IDLE that is there and tells nothing: the provider's data say that it is polled all the same.
func TestPushThatIsNotReliedUponIsPolled(t *testing.T) {
	inBubble(t, &imaptest.ServerOptions{DeafIdle: true}, func(b *bench) {
		b.opts.Provider = with(`"poll": "select", "poll_interval": "55s", "always_poll": true`)
		b.start()
		b.expect("open 0 initial poll")
		b.box.Append(mail("one"))
		b.wait(56 * time.Second)
		b.expect("new 1 one")
	})
}

func TestMaskedCapabilityIsNotUsed(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.opts.Provider = with(`"mask": ["IDLE", "QRESYNC"]`)
		idles := b.count("IDLE")
		b.start()
		b.wait(time.Hour)
		b.expect("open 0 initial poll")
		if idles() != 0 || strings.Contains(b.trace.String(), "ENABLE QRESYNC") {
			t.Error("it was used")
		}
	})
}

// What a server is turns out only when it has said so, on the connection that is there.
func TestServerThatSaysWhoItIsIsWaitedForAsItNeeds(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		var idles atomic.Int32
		b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
			switch c.Name {
			case "ID":
				return imaptest.Reply("* ID (\"name\" \"Lotus Domino\")\r\n{tag} OK done\r\n")
			case "IDLE":
				idles.Add(1)
			}
			return imaptest.Pass
		})
		b.start()
		b.expect("open 0 initial poll")
		b.box.Append(mail("one"))
		b.wait(61 * time.Second)
		b.expect("new 1 one")
		if idles.Load() != 0 {
			t.Error("IDLE was used although it is known not to work there")
		}
	})
}
