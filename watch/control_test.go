package watch_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/watch"
)

// All mailboxes are listed at each sweep, where there is NOTIFY at each truth check, and not for each push in between.
func TestMailboxesAreListedAsOftenAsTheOptionsSay(t *testing.T) {
	for name, c := range map[string]struct {
		caps imap.Capabilities
		want int
	}{"STATUS": {imaptest.DefaultCapabilities(), 30}, "NOTIFY": {withNotify(), 6}} {
		t.Run(name, func(t *testing.T) {
			inAccount(t, &imaptest.ServerOptions{Capabilities: c.caps}, func(b *bench) {
				b.account.MaxConnections = 1
				b.start()
				lists := b.count("LIST")
				for range 60 {
					b.box.Append(mail("pushed"))
					b.wait(time.Minute)
				}
				if n := lists(); n < c.want-1 || n > c.want+1 {
					t.Errorf("%d times LIST in an hour, want %d", n, c.want)
				}
			}, "Work")
		})
	}
}

// visits counts from now on how often a mailbox is opened, or is tried to, each with the verdict of a hook.
func (b *bench) visits(name string, hook func(imaptest.Command) imaptest.Verdict) *atomic.Int32 {
	var n atomic.Int32
	b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
		if c.Name == "EXAMINE" && len(c.Args) > 0 && string(c.Args[0].Text) == name {
			n.Add(1)
		}
		return hook(c)
	})
	return &n
}

// A server whose STATUS is never what its mailbox is, is visited ever more seldom, and soon again when it has come to its senses.
func TestMailboxThatContradictsItsStatusIsVisitedEverMoreSeldom(t *testing.T) {
	inAccount(t, &imaptest.ServerOptions{Capabilities: withNotify()}, func(b *bench) {
		work := b.user.Mailbox("Work")
		b.start()
		b.take()
		for i := range 2 {
			modSeq := 1000
			visits := b.visits("Work", func(c imaptest.Command) imaptest.Verdict {
				if c.Name != "STATUS" {
					return imaptest.Pass
				}
				modSeq++
				is := work.Snapshot()
				return imaptest.Reply(fmt.Sprintf("* STATUS Work (MESSAGES %d UIDNEXT %d UIDVALIDITY %d HIGHESTMODSEQ %d)\r\n{tag} OK done\r\n", len(is.Messages), is.UIDNext, is.UIDValidity, modSeq))
			})
			work.Append(mail("one"))
			b.wait(15 * time.Second)
			if n := visits.Load(); n < 6 {
				t.Errorf("time %d: %d visits in 15 seconds, want two rounds", i, n)
			}
			b.wait(time.Hour)
			if n := visits.Load(); n > 60 {
				t.Errorf("time %d: %d visits in an hour", i, n)
			}
			b.server.SetOnCommand(nil)
			b.wait(2 * time.Hour)
			b.take()
		}
	}, "Work")
}

// A mailbox that the server refuses to open is tried again after a minute, then ever more seldom, and after a minute again when it was
// opened in between. That others are pushed in between, or swept seldom, does not matter.
func TestRefusedMailboxIsTriedEverMoreSeldom(t *testing.T) {
	for _, connections := range []int{1, 2} {
		t.Run(fmt.Sprint(connections, " connections"), func(t *testing.T) {
			inAccount(t, nil, func(b *bench) {
				b.account.MaxConnections, b.account.SweepInterval = connections, 5*time.Minute
				work := b.user.Mailbox("Work")
				b.start()
				b.take()
				for i := range 2 {
					visits := b.visits("Work", func(c imaptest.Command) imaptest.Verdict {
						if c.Name == "EXAMINE" && string(c.Args[0].Text) == "Work" {
							return imaptest.Refuse(imap.NO, "", "not now")
						}
						return imaptest.Pass
					})
					work.Append(mail("one"))
					b.wait(5*time.Minute - time.Second) // a sweep
					first := visits.Load()
					b.wait(time.Minute + 2*time.Second)
					if n := visits.Load(); first > 3 || n < 2 {
						t.Errorf("time %d: %d attempts, then %d", i, first, n)
					}
					b.wait(4 * time.Hour)
					if n := visits.Load(); n > 13 {
						t.Errorf("time %d: %d attempts in four hours", i, n)
					}
					b.server.SetOnCommand(nil)
					b.wait(time.Hour + time.Minute)
					if got := b.toldOf("Work"); !slices.Equal(got, []string{fmt.Sprintf("new %d one", i+1)}) {
						t.Errorf("time %d: told of %q", i, got)
					}
				}
			}, "Work")
		})
	}
}

// The connection that looks at all mailboxes says something before the service takes it for dead, however seldom they are looked at.
func TestConnectionThatSweepsSeldomIsNotSilent(t *testing.T) {
	inAccount(t, nil, func(b *bench) {
		b.account.MaxConnections, b.account.SweepInterval = 2, 3*time.Hour
		b.start()
		lists := b.count("LIST")
		b.wait(time.Hour)
		if n := lists(); n < 2 {
			t.Errorf("%d times LIST in an hour", n)
		}
	}, "Work")
}

// The mailbox that stays selected is asked for its figures in time, however seldom the others are looked at.
func TestSelectedMailboxIsCheckedHoweverSeldomTheSweepsAre(t *testing.T) {
	inAccount(t, nil, func(b *bench) {
		b.account.MaxConnections, b.account.SweepInterval = 1, 3*time.Hour
		b.opts.Client.IdleRestart = 25 * time.Minute
		b.start()
		b.take()
		b.server.SetDeafIdle(true)
		b.box.Append(mail("unheard"))
		b.wait(11 * time.Minute)
		b.tells("new 1 unheard")
	}, "Work")
}

// Without mod-sequences, that a message was seen shows in STATUS.
func TestSeenShowsInStatus(t *testing.T) {
	inAccount(t, &imaptest.ServerOptions{Without: rungs[2].without}, func(b *bench) {
		work := b.user.Mailbox("Work")
		work.Append(mail("one"))
		b.start()
		b.take()
		work.AddFlags(1, imap.FlagSeen)
		b.wait(2*time.Minute + time.Second)
		b.expectAll(`Work: flags 1 [+\Seen]`)
	}, "Work")
}

func TestMailboxOpenSaysThatNewsComeByNotify(t *testing.T) {
	inAccount(t, &imaptest.ServerOptions{Capabilities: withNotify()}, func(b *bench) {
		b.start()
		b.expectAll("INBOX: open 0 initial notify", "Work: open 0 initial notify")
	}, "Work")
}

// A link that has worked for a day is not stale as soon as it is lost.
func TestLinkIsNotStaleAsSoonAsItIsLost(t *testing.T) {
	everyWay(t, nil, func(t *testing.T, b *bench) {
		b.start()
		b.wait(24 * time.Hour)
		b.take()
		b.setDown(true)
		b.cutAll()
		b.wait(2 * time.Minute)
		for _, ev := range b.take() {
			if ev.Type == watch.Link && ev.Link.Stale {
				t.Errorf("stale after two minutes: %+v", ev.Link)
			}
		}
	})
}

// What was acknowledged of a mailbox that is visited is not told again after the loop was left in the middle, and what its messages were
// is known still.
func TestVisitThatIsLeftInTheMiddle(t *testing.T) {
	inAccount(t, nil, func(b *bench) {
		b.account.MaxConnections = 1
		work := b.user.Mailbox("Work")
		b.start()
		b.take()
		b.stopAt = func(ev watch.Event) bool { return ev.Mailbox == "Work" && ev.UID == 3 }
		for i := range 4 {
			work.Append(mail(fmt.Sprint("m", i+1)))
		}
		b.wait(3 * time.Minute)
		b.tellsAllOf("Work", "new 1 m1", "new 2 m2", "new 3 m3")
		b.stop()
		b.stopAt = nil
		b.start()
		b.tellsAllOf("Work", "new 3 m3", "new 4 m4")
		b.stop()
		b.start()
		work.Expunge(1, 4)
		b.wait(3 * time.Minute)
		if got := strings.Join(b.toldOf("Work"), ", "); got != "expunge 1 m1, expunge 4 m4" {
			t.Errorf("told of %s", got)
		}
	}, "Work")
}

// Who watches something else than before hears of no mailbox that was created or deleted thereby, and of none of its old messages.
func TestAnotherSelectionIsNoNews(t *testing.T) {
	selections := map[string]watch.AccountOptions{
		"all":      {},
		"patterns": {Patterns: []string{"INBOX", "W*"}},
		"exclude":  {Exclude: []string{"Work"}},
		"uses":     {SpecialUses: []imap.Attr{watch.AttrInbox}},
		"all uses": {SpecialUses: []imap.Attr{watch.AttrInbox, imap.AttrSent}},
	}
	for from, before := range selections {
		for to, after := range selections {
			t.Run(from+" to "+to, func(t *testing.T) {
				inAccount(t, nil, func(b *bench) {
					b.user.Mailbox("Work").Append(mail("old"))
					b.account = &before
					b.start()
					b.stop()
					b.take()
					b.account = &after
					b.start()
					b.wait(3 * time.Minute)
					for _, ev := range b.take() {
						if ev.Type != watch.MailboxOpen {
							t.Errorf("%s: %s", ev.Mailbox, line(ev))
						}
					}
				}, "Sent", "Other")
			})
		}
	}
}

// A server that lists nothing at all for a while is not believed, whatever is to be watched.
func TestEmptyListIsNotBelieved(t *testing.T) {
	for _, patterns := range [][]string{nil, {"INBOX", "W*"}} {
		t.Run(fmt.Sprint(patterns), func(t *testing.T) {
			inAccount(t, nil, func(b *bench) {
				b.account.Patterns = patterns
				b.start()
				b.take()
				b.on("LIST", imaptest.Reply("{tag} OK nothing\r\n"))
				b.wait(5 * time.Minute)
				b.server.SetOnCommand(nil)
				b.wait(5 * time.Minute)
				b.expectAll()
			}, "Work")
		})
	}
}

// With NOTIFY a message costs one visit, and so does one that comes during that.
func TestMessageCostsOneVisit(t *testing.T) {
	inAccount(t, &imaptest.ServerOptions{Capabilities: withNotify()}, func(b *bench) {
		b.start()
		b.take()
		work := b.user.Mailbox("Work")
		var once sync.Once
		visits := b.visits("Work", func(c imaptest.Command) imaptest.Verdict {
			if asksContent(c) {
				once.Do(func() { work.Append(mail("two")) })
			}
			return imaptest.Pass
		})
		work.Append(mail("one"))
		b.wait(9 * time.Minute)
		b.expectAll("Work: new 1 one", "Work: new 2 two")
		if n := visits.Load(); n != 1 {
			t.Errorf("%d visits", n)
		}
	}, "Work")
}

// An outage is no reason to do with fewer connections.
func TestOutageDoesNotCutTheBudget(t *testing.T) {
	inAccount(t, nil, func(b *bench) {
		b.account.MaxConnections, b.account.Hot = 4, []string{"INBOX", "a", "b"}
		b.start()
		for range 3 {
			b.outage(func() {})
			b.wait(6 * time.Minute)
			if n := len(b.server.Sessions()); n != 4 {
				t.Errorf("%d connections, want 4", n)
			}
		}
	}, "a", "b")
}
