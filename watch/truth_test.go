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

// After a suspension nobody knows what became of the connection: it is asked at once, not when the next restart of IDLE is due.
func TestSuspendedMachineAsksWhatItMissed(t *testing.T) {
	alone(t, func(t *testing.T, b *bench) {
		b.opts.Client.IdleRestart, b.opts.VerifyInterval = 9*time.Hour, 10*time.Hour
		b.start()
		b.session().Stall()
		b.box.Append(mail("while asleep"))
		b.expect("open 0 initial idle")
		watch.Suspend(t, time.Hour)
		b.wait(20*time.Second + 45*time.Second)
		b.expect("link up=false stale=false", "link up=true stale=false", "open 1 qresync idle", "new 1 while asleep")
	})
}

// A push that has failed is not relied upon: the truth is asked for each minute from then on, for an hour. A server whose STATUS
// and SELECT disagree for good is not opened anew each time.
func TestDeafPushIsReplacedByPolling(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.start()
		validity := b.expect("open 0 initial idle")[0].UIDValidity
		var asked, opened atomic.Int32
		b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
			switch c.Name {
			case "STATUS":
				asked.Add(1)
				return imaptest.Reply(fmt.Sprintf("* STATUS INBOX (MESSAGES 1 UIDNEXT 2 UIDVALIDITY %d)\r\n{tag} OK done\r\n", validity))
			case "EXAMINE":
				opened.Add(1)
			}
			return imaptest.Pass
		})
		b.wait(10*time.Minute + time.Second)
		b.expect("link up=true stale=false", "open 0 qresync idle")
		asked.Store(0)
		b.wait(30 * time.Minute)
		b.expect()
		if asked.Load() < 50 { // twice a minute, since they disagree
			t.Errorf("the server was asked %d times in 30 minutes", asked.Load())
		}
		if opened.Load() != 1 {
			t.Errorf("the mailbox was opened anew %d times, want 1", opened.Load())
		}
	})
}

// UIDNEXT has moved on in a session that stands still, and SEARCH, which would tell whether a message was missed, is refused: the
// mailbox is looked at instead. So a message that came for one that went is found, and a STATUS that is wrong is no reason to look
// for ever.
func TestTruthCheckWithARefusedSearch(t *testing.T) {
	for name, verdict := range map[string]imaptest.Verdict{
		"NO":  imaptest.Refuse(imap.NO, "", "not now"),
		"BAD": imaptest.Refuse(imap.BAD, "", "what?"),
	} {
		for _, wrong := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, STATUS is wrong: %v", name, wrong), func(t *testing.T) {
				inBubble(t, nil, func(b *bench) {
					b.box.Append(mail("one"))
					b.start()
					validity := b.expect("open 1 initial idle")[0].UIDValidity
					var searched, looked atomic.Int32
					b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
						switch c.Name {
						case "STATUS":
							if !wrong && searched.Load() == 0 {
								b.box.Append(mail("two"))
								b.box.Expunge(1)
							}
							return imaptest.Reply(fmt.Sprintf("* STATUS INBOX (MESSAGES 1 UIDNEXT 3 UIDVALIDITY %d)\r\n{tag} OK done\r\n", validity))
						case "UID SEARCH":
							searched.Add(1)
							return verdict
						case "EXAMINE":
							looked.Add(1)
						}
						return imaptest.Pass
					})
					b.wait(3 * time.Hour)
					if wrong {
						b.expect()
					} else {
						b.expect("expunge 1", "new 2 two")
					}
					if searched.Load() == 0 || looked.Load() != 1 {
						t.Errorf("%d times searched, %d times looked at, want once", searched.Load(), looked.Load())
					}
				})
			})
		}
	}
}

// A mailbox is verified by each truth check, also where STATUS is refused and a NOOP is all there is, or says what SELECT contradicts.
func TestTruthChecksVerify(t *testing.T) {
	for name, v := range map[string]imaptest.Verdict{
		"STATUS":                   imaptest.Pass,
		"STATUS refused":           imaptest.Refuse(imap.NO, "", "not of the selected one"),
		"STATUS that is not right": imaptest.Reply("* STATUS INBOX (MESSAGES 7)\r\n{tag} OK done\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			inManager(t, watch.ManagerOptions{}, func(b *managed) {
				b.add("jo2", "INBOX")
				b.on("STATUS", v)
				b.wait(5 * time.Hour)
				for _, st := range b.m.Status()[0].Mailboxes {
					if age := time.Since(st.VerifiedAt); age > 11*time.Minute {
						t.Errorf("%q was verified %v ago", st.Mailbox, age)
					}
				}
			})
		})
	}
}

// That STATUS was wrong once does not mean that it is when it says the same again later: the mailbox is looked at.
func TestStatusThatWasWrongOnceIsBelievedTheNextTime(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.start()
		b.take()
		for _, want := range [][]string{
			{"link up=true stale=false", "open 0 qresync idle"},
			{"link up=true stale=false", "link up=false stale=false", "link up=true stale=false", "open 0 qresync idle"}, // on another connection
		} {
			b.on("STATUS", imaptest.Reply("* STATUS INBOX (MESSAGES 1)\r\n{tag} OK done\r\n"))
			b.wait(3 * time.Hour)
			b.expect(want...)
			b.server.SetOnCommand(nil)
			b.wait(3 * time.Hour)
			b.expect()
		}
	})
}

// A mailbox that takes the name of the one that is open, with as many messages, is found by its UIDVALIDITY.
func TestMailboxThatIsReplacedWhileItIsOpen(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.opts.Mailbox = "Work"
		b.user.Mailbox("Work").Append(mail("one"))
		b.start()
		b.take()
		b.user.RenameMailbox("Work", "Old")
		b.user.Mailbox("Work").Append(mail("another one"))
		b.wait(15 * time.Minute)
		if got := strings.Join(b.toldOf("Work"), ", "); !strings.Contains(got, "another one") {
			t.Errorf("told of %s", got)
		}
	})
}

// The truth is asked for when that is due, also where the server's regular word is expected later.
func TestTruthCheckDoesNotWaitForTheRegularWord(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.opts.Client.IdleRestart = 20 * time.Hour
		b.start()
		b.expect("open 0 initial idle")
		b.wait(9 * time.Minute)
		b.session().Inject("* OK Still here\r\n")
		b.server.SetDeafIdle(true)
		b.box.Append(mail("unheard"))
		b.wait(time.Minute + time.Second)
		b.expect("new 1 unheard")
	})
}

// What a server says that has no UIDVALIDITY, or calls the UIDNEXT of an empty mailbox 0, is no difference.
func TestFiguresThatAreNone(t *testing.T) {
	for name, status := range map[string]string{
		"UIDVALIDITY that SELECT does not tell": "MESSAGES 0 UIDNEXT 1 UIDVALIDITY 7",
		"UIDNEXT 0":                             "MESSAGES 0 UIDNEXT 0",
		"none":                                  "",
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, nil, func(b *bench) {
				b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
					switch c.Name {
					case "EXAMINE":
						return imaptest.Reply("* 0 EXISTS\r\n* OK [UIDNEXT 1] next\r\n{tag} OK [READ-ONLY] done\r\n")
					case "STATUS":
						return imaptest.Reply("* STATUS INBOX (" + status + ")\r\n{tag} OK done\r\n")
					}
					return imaptest.Pass
				})
				b.start()
				b.wait(3 * time.Hour)
				b.expect("open 0 initial idle")
			})
		})
	}
}

// A truth check searches for a message that was missed only where UIDNEXT has moved on beyond what is known, and once for each time it has.
func TestTruthCheckSearchesOnlyForWhatItDoesNotKnow(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.start()
		searches := b.count("UID SEARCH")
		b.box.Append(mail("one"))
		b.wait(time.Hour)
		if n := searches(); n != 0 {
			t.Errorf("%d times SEARCH, while all is known", n)
		}
		searched := 0
		b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
			switch c.Name {
			case "STATUS":
				return imaptest.Reply("* STATUS INBOX (MESSAGES 1 UIDNEXT 9)\r\n{tag} OK done\r\n")
			case "UID SEARCH":
				searched++
			}
			return imaptest.Pass
		})
		b.wait(3 * time.Hour)
		b.server.SetOnCommand(nil)
		if b.expect("open 0 initial idle", "new 1 one"); searched != 1 {
			t.Errorf("%d times SEARCH, want once", searched)
		}
	})
}
