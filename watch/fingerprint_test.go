package watch_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/watch"
)

// bases are servers that identify messages in different ways.
var bases = []struct {
	name    string
	without imap.Capabilities
	content watch.Content
}{
	{"EMAILID", nil, watch.Content{}},
	{"EMAILID, UID diff", imap.Capabilities{imap.CapQResync, imap.CapCondStore}, watch.Content{}},
	{"header", imap.Capabilities{imap.CapObjectID}, watch.Content{}},
	{"header, without envelopes", imap.Capabilities{imap.CapObjectID}, watch.Content{Brief: true}},
}

func TestMailThatComesWhileUIDValidityChangesIsReported(t *testing.T) {
	for _, base := range bases {
		t.Run(base.name, func(t *testing.T) {
			inBubble(t, &imaptest.ServerOptions{Without: base.without}, func(b *bench) {
				b.opts.Content = base.content
				b.box.Append(mail("one"))
				b.start()
				old := b.expect("open 1 initial idle")[0].UIDValidity
				b.box.Append(mail("two"))
				b.wait(time.Hour)
				uid := b.box.Append(mail("three"))
				b.take()
				b.setDown(true)
				b.session().Cut()
				b.expect("link up=false stale=false")
				b.box.Expunge(uid)
				b.box.Append(mail("four"))
				now := b.box.ResetUIDValidity()
				b.box.AppendAt(time.Unix(1e9, 0), mail("five")) // moved here, with the date it had
				b.setDown(false)
				b.wait(time.Minute)
				var got []string
				for _, ev := range b.take() {
					subject, _, _ := strings.Cut(line(ev), " f")
					got = append(got, subject)
				}
				want := []string{"link up=true stale=false", "open 4 initial idle", fmt.Sprintf("reset %d -> %d", old, now), "new 3", "new 4"}
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("got %q, want %q", got, want)
				}
				b.stop()
				b.start()
				if got := b.take(); len(got) != 1 || got[0].Open.Exists != 4 {
					t.Errorf("after a restart: %d events", len(got))
				}
			})
		})
	}
}

// TestCrashWhileUIDValidityChangesLosesNothing leaves the program at each event, as a crash does.
func TestCrashWhileUIDValidityChangesLosesNothing(t *testing.T) {
	for k := range 4 { // open, reset, new, new
		t.Run(fmt.Sprint("at event ", k), func(t *testing.T) {
			inBubble(t, nil, func(b *bench) {
				b.box.Append(mail("one"))
				b.start()
				b.stop()
				b.take()
				b.box.Append(mail("two"))
				b.box.ResetUIDValidity()
				b.box.Append(mail("three"))
				n := 0
				b.stopAt = func(watch.Event) bool { n++; return n == k+1 }
				b.start()
				first := b.take()
				b.stop()
				b.stopAt = nil
				b.start()
				again := b.take()
				ids := map[string]string{}
				for _, ev := range append(first, again...) {
					if ev.Type == watch.MailboxOpen {
						continue // its id is that of the moment, and time stands still here
					}
					if was := ids[ev.ID]; was != "" && was != line(ev) {
						t.Errorf("id of %q is that of %q, too", line(ev), was)
					}
					ids[ev.ID] = line(ev)
				}
				counts := map[string]int{}
				for _, what := range ids {
					counts[what]++
				}
				for _, what := range []string{"new 2 two", "new 3 three"} {
					if counts[what] != 1 {
						t.Errorf("%q has %d ids", what, counts[what])
					}
				}
				if counts["new 1 one"] != 0 {
					t.Error("old mail is reported again")
				}
				if len(first) != k+1 || (again[1].Type == watch.MailboxReset) != (k < 2) {
					t.Errorf("first %d events, then %q", len(first), line(again[1]))
				}
			})
		})
	}
}

// TestUIDValidityThatIsWrongOnceIsNotBelieved: as behind a proxy that has asked another backend.
func TestUIDValidityThatIsWrongOnceIsNotBelieved(t *testing.T) {
	for _, c := range []struct {
		name  string
		wrong int // how many answers
		want  []string
	}{
		{"once", 1, []string{"link up=true stale=false", "open 2 qresync idle", "new 2 two"}},
		{"another one each time", 1000, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, nil, func(b *bench) {
				b.box.Append(mail("one"))
				b.start()
				b.setDown(true)
				b.session().Cut()
				b.take()
				b.box.Append(mail("two"))
				wrong := 0
				b.server.SetOnCommand(func(cmd imaptest.Command) imaptest.Verdict {
					if cmd.Name != "EXAMINE" || wrong >= c.wrong {
						return imaptest.Pass
					}
					wrong++
					return imaptest.Reply(fmt.Sprintf("* 0 EXISTS\r\n* OK [UIDVALIDITY %d] x\r\n* OK [UIDNEXT 1] x\r\n{tag} OK [READ-ONLY] done\r\n", wrong))
				})
				b.setDown(false)
				b.wait(time.Minute)
				var got []string
				for _, ev := range b.take() {
					if ev.Type == watch.MailboxReset {
						t.Errorf("a reset to %d", ev.UIDValidity)
					}
					got = append(got, line(ev))
				}
				if c.want != nil && fmt.Sprint(got) != fmt.Sprint(c.want) {
					t.Errorf("got %q, want %q", got, c.want)
				}
				b.server.SetOnCommand(nil)
				b.wait(10 * time.Minute)
				b.box.Append(mail("three"))
				if got := b.take(); len(got) == 0 || line(got[len(got)-1]) != "new 3 three" {
					t.Errorf("%d events afterwards", len(got))
				}
			})
		})
	}
}

// TestServerThatDoesNotSayWhatIdentifiesMessages costs the reports of a renumbering their precision, no more.
func TestServerThatDoesNotSayWhatIdentifiesMessages(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.box.Append(mail("one"))
		b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
			if c.Name == "UID FETCH" && strings.Contains(fmt.Sprint(c.Args), "INTERNALDATE EMAILID") {
				return imaptest.Refuse(imap.NO, "", "no")
			}
			return imaptest.Pass
		})
		b.start()
		b.expect("open 1 initial idle")
		b.box.Append(mail("two"))
		b.expect("new 2 two")
		b.stop()
		b.box.ResetUIDValidity()
		b.start()
		if got := b.take(); len(got) < 2 || got[1].Type != watch.MailboxReset {
			t.Errorf("%d events", len(got))
		}
		b.box.Append(mail("three"))
		b.expect("new 3 three")
	})
}

// A server that refuses at first to say which messages are in a renumbered mailbox is asked again: what has arrived is not taken for old.
func TestRenumberedMailboxWhoseMessagesAreRefusedAtFirst(t *testing.T) {
	everyRung(t, func(_ *testing.T, b *bench) {
		b.box.Append(mail("one"))
		b.start()
		b.wait(time.Hour)
		b.take()
		b.setDown(true)
		b.cutAll()
		b.box.ResetUIDValidity()
		b.box.Append(mail("two"))
		refused := 0
		b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
			what := fmt.Sprint(c.Args)
			if c.Name != "UID FETCH" || !strings.Contains(what, "INTERNALDATE") || strings.Contains(what, "ENVELOPE") || refused == 2 {
				return imaptest.Pass
			}
			refused++
			return imaptest.Refuse(imap.NO, "", "not now")
		})
		b.setDown(false)
		b.wait(2 * time.Hour)
		if got := b.told(); len(got) != 2 || got[0] != "new 2 two" || refused != 2 {
			b.t.Errorf("told of %q, refused %d times", got, refused)
		}
		if strings.Contains(b.trace.String(), `mailbox \"\" cannot be opened`) {
			b.t.Error("the reason does not name the mailbox")
		}
	})
}

// TestMessageThatIsNeverReturnedHoldsUpNoOther: EXISTS counts it, FETCH does not return it. It is reported when it
// shows up.
func TestMessageThatIsNeverReturnedHoldsUpNoOther(t *testing.T) {
	inBubble(t, &imaptest.ServerOptions{Without: rungs[3].without}, func(b *bench) {
		b.box.Append(mail("one"))
		b.start()
		b.expect("open 1 initial idle")
		row := func(seq, uid int, subject string) string {
			return fmt.Sprintf("* %d FETCH (UID %d FLAGS () INTERNALDATE \"01-Jan-2026 10:00:00 +0000\" RFC822.SIZE 9 ENVELOPE (NIL %q NIL NIL NIL NIL NIL NIL NIL NIL))\r\n", seq, uid, subject)
		}
		b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
			if c.Name == "UID FETCH" {
				return imaptest.Reply(row(3, 3, "three") + "{tag} OK done\r\n")
			}
			return imaptest.Pass
		})
		b.session().Inject("* 3 EXISTS\r\n")
		b.expect("new 3 three")
		fetches := b.count("UID FETCH")
		b.wait(5 * time.Minute)
		if n := fetches(); n > 5 {
			t.Errorf("%d fetches while nothing happens", n)
		}
		session := b.session()
		session.Stall()
		b.box.Append(mail("two"))
		b.box.Append(mail("three"))
		session.Inject("* 2 EXPUNGE\r\n") // nobody knows which one that is
		session.Resume()
		got := b.take()
		if len(got) < 2 || line(got[len(got)-1]) != "new 2 two" {
			t.Errorf("%d events when it shows up", len(got))
		}
	})
}

// TestMailboxThatTookThePlaceOfAnotherOne: what was fetched of messages that wait to be told is not believed of those that have their UIDs
// when the mailbox is opened anew; neither what they are nor by what they are known again.
func TestMailboxThatTookThePlaceOfAnotherOne(t *testing.T) {
	for _, refused := range []bool{false, true} {
		t.Run(fmt.Sprintf("FETCH is refused %v", refused), func(t *testing.T) {
			inBubble(t, &imaptest.ServerOptions{Without: rungs[2].without}, func(b *bench) {
				b.opts.Mailbox = "Work"
				old := b.user.Mailbox("Work")
				old.Append(mail("one"))
				b.start()
				b.wait(time.Minute)
				b.take()
				contradicted, replaced := false, false
				b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
					switch {
					case asksContent(c) && !contradicted:
						contradicted = true
						c.Session.Inject("* 4711 EXPUNGE\r\n")
					case asksContent(c) && refused:
						return imaptest.Refuse(imap.NO, "", "not now")
					case c.Name == "EXAMINE" && !replaced:
						replaced = true
						b.user.RenameMailbox("Work", "Old")
						b.user.Mailbox("Work").Append(mail("another one"))
						b.user.Mailbox("Work").Append(mail("another two"))
					}
					return imaptest.Pass
				})
				old.Append(mail("two"))
				want := []string{"new 1 another one", "new 2 another two"}
				if refused {
					want = []string{"new 1", "new 2"}
				}
				if got := b.toldOf("Work"); len(got) != 3 || !slices.Equal(got[:2], want) || !strings.HasPrefix(got[2], "reset ") {
					t.Errorf("told of %q, want %q and that it was renumbered", got, want)
				}
				b.outage(func() {})
				if got := b.toldOf("Work"); len(got) > 0 {
					t.Errorf("then told of %q", got)
				}
			})
		})
	}
}
