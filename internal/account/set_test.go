package account_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/internal/account"
)

const (
	created = "mail.message.new"
	expunge = "mail.message.expunge"
	flags   = "mail.message.flags"
	named   = "mail.mailbox.name"
	reset   = "mail.mailbox.reset"
)

// changes are the types that a checkpoint covers: they have the same ids whenever they are reported.
var changes = []string{created, expunge, flags, reset}

func TestEventsAreWrittenWithTheCheckpointThatCoversThem(t *testing.T) {
	inWorld(t, func(w *world) {
		box := w.add("jo", "INBOX").Mailbox("INBOX")
		expect := func(want ...string) {
			t.Helper()
			if got := w.disk.take(); !slices.Equal(got, want) {
				t.Errorf("writes %q, want %q", got, want)
			}
		}
		expect("0 events, checkpoint of jo/INBOX", "1 events") // the baseline, and that it is open
		box.Append(mail("one"))
		expect("1 events, checkpoint of jo/INBOX", "0 events, checkpoint of jo/INBOXseen")
		box.Append(mail("two"))
		box.Append(mail("three"))
		box.AddFlags(1, imap.FlagSeen)
		got := w.disk.take()
		if len(got) == 0 || slices.ContainsFunc(got, func(s string) bool { return !strings.HasSuffix(s, "events, checkpoint of jo/INBOX") }) {
			t.Errorf("writes %q, want checkpoints with all", got)
		}
		if got := w.disk.of(changes...); len(got) != 4 {
			t.Errorf("records %q", got)
		}
	})
}

func TestMailboxNamesAreWrittenWithTheList(t *testing.T) {
	inWorld(t, func(w *world) {
		jo := w.add("jo", "")
		w.disk.take()
		jo.Mailbox("Work")
		w.wait(3 * time.Minute)
		got := w.disk.take()
		if !slices.Contains(got, "1 events, checkpoint of jo/names") {
			t.Errorf("writes %q, want the event with the list of names", got)
		}
	})
}

// story is what happens to a mailbox while it is watched; steps come after each other.
var story = []func(w *world){
	func(w *world) {
		w.jo().Mailbox("INBOX").Append(mail("one"))
		w.jo().Mailbox("INBOX").Append(mail("two"))
	},
	func(w *world) { w.jo().Mailbox("INBOX").AddFlags(1, imap.FlagFlagged) },
	func(w *world) { w.jo().Mailbox("Work").Append(mail("at work")) },
	func(w *world) { w.wait(3 * time.Minute) },
	func(w *world) { w.jo().Mailbox("INBOX").Expunge(1) },
	func(w *world) {
		for i := range 20 {
			w.jo().Mailbox("INBOX").Append(mail(fmt.Sprint("many ", i)))
		}
	},
	func(w *world) { w.jo().Mailbox("INBOX").ResetUIDValidity() },
	func(w *world) { w.wait(3 * time.Minute) },
	func(w *world) { w.jo().Mailbox("INBOX").Append(mail("last")) },
}

// play has the story happen. The program dies at the write dieAt, and a new one comes up soon after.
func play(t *testing.T, dieAt int, dying error) (got, names []string, writes int) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, server: imaptest.NewServer(nil), disk: newDisk()}
		defer w.server.Close()
		w.disk.deadAfter, w.disk.dying = dieAt, dying
		w.start()
		w.add("jo", "")
		for _, step := range story {
			w.restartIfDead()
			step(w)
			synctest.Wait()
		}
		w.restartIfDead()
		w.wait(10 * time.Minute)
		w.stop()
		got, names, writes = w.disk.of(changes...), w.disk.of(named), len(w.disk.writes)
		if len(w.failed) > 0 {
			t.Errorf("failed: %q", w.failed)
		}
	})
	slices.SortStableFunc(got, func(a, b string) int { return strings.Compare(mailboxOf(a), mailboxOf(b)) })
	return got, names, writes
}

// mailboxOf is the account and the mailbox of a line.
func mailboxOf(line string) string {
	words := strings.Fields(line)
	return words[0] + " " + words[1]
}

// restartIfDead has a new program come up if the disk did not take what the old one wrote.
func (w *world) restartIfDead() {
	if w.disk.alive() {
		return
	}
	w.stop() // all that this one still writes is lost, too
	w.disk.revive()
	w.start()
	w.addAgain("jo", "")
}

func TestDeathAtAnyWriteLosesNothingAndRepeatsTheSameIDs(t *testing.T) {
	want, names, writes := play(t, -1, nil)
	if len(want) < 26 || len(names) != 1 || writes < 10 {
		t.Fatalf("the story has %d events, %d names in %d writes: %q", len(want), len(names), writes, want)
	}
	for _, dying := range []error{nil, errFull} {
		for k := 1; k < writes; k++ { // before the first one nothing was promised
			got, names, _ := play(t, k, dying)
			if !slices.Equal(got, want) {
				t.Errorf("dead at write %d (%v): %d events\n\t%s\nwant %d\n\t%s", k, dying,
					len(got), strings.Join(got, "\n\t"), len(want), strings.Join(want, "\n\t"))
			}
			if len(names) != 1 {
				t.Errorf("dead at write %d (%v): names %q", k, dying, names)
			}
			if t.Failed() {
				return
			}
		}
	}
}

// Who is told that the journal can be written again need not wait for the next attempt of each mailbox.
func TestJournalThatFailsForAnHourLosesNothing(t *testing.T) {
	t.Run("it goes on by itself", func(t *testing.T) {
		afterAnHourOfFailures(t, func(w *world) { w.wait(20 * time.Minute) })
	})
	t.Run("and soon when told", func(t *testing.T) {
		afterAnHourOfFailures(t, func(w *world) {
			w.set.Retry()
			w.wait(time.Minute)
		})
	})
}

func afterAnHourOfFailures(t *testing.T, goOn func(w *world)) {
	inWorld(t, func(w *world) {
		jo, al := w.add("jo", "INBOX"), w.add("al", "")
		w.disk.set(errFull)
		for i := range 30 {
			jo.Mailbox("INBOX").Append(mail(fmt.Sprint("jo ", i)))
			al.Mailbox("INBOX").Append(mail(fmt.Sprint("al ", i)))
			switch i {
			case 5:
				al.Mailbox("New").Append(mail("in a new one"))
			case 12:
				for _, session := range w.server.Sessions() {
					session.Hangup()
				}
			case 15:
				al.DeleteMailbox("New")
				al.Mailbox("Newer").Append(mail("in a newer one"))
			}
			w.wait(2 * time.Minute)
		}
		if !w.set.Failing() {
			t.Error("Failing is false")
		}
		if got := w.disk.of(created); len(got) != 0 {
			t.Errorf("records of a full disk: %q", got)
		}
		w.disk.set(nil)
		goOn(w)
		if w.set.Failing() {
			t.Error("Failing is true")
		}
		if got := w.disk.of(created); len(got) != 61 {
			t.Errorf("%d messages, want 61: %q", len(got), got)
		}
		if got := w.disk.of(named); len(got) != 1 {
			t.Errorf("names %q, want that one was created", got)
		}
		if len(w.failed) > 0 {
			t.Errorf("accounts have ended: %q", w.failed)
		}
		for _, st := range w.set.Status() {
			for _, m := range st.Mailboxes {
				if !m.Up {
					t.Errorf("%s %q is not up: %s", st.Name, m.Name, m.Reason)
				}
			}
		}
	})
}

func TestAccountRemovedWhileTheJournalFailsReportsAgain(t *testing.T) {
	inWorld(t, func(w *world) {
		box := w.add("jo", "INBOX").Mailbox("INBOX")
		w.disk.set(errFull)
		box.Append(mail("one"))
		synctest.Wait()
		if ok, err := w.set.Remove(context.Background(), "jo"); !ok || err != nil {
			t.Errorf("removing: %v, %v", ok, err)
		}
		w.disk.set(nil)
		w.wait(time.Hour)
		if got := w.disk.of(created); len(got) != 0 {
			t.Errorf("written after it was removed: %q", got)
		}
		w.addAgain("jo", "INBOX")
		w.wait(time.Minute)
		if got := w.disk.of(created); len(got) != 1 {
			t.Errorf("records %q, want the message", got)
		}
	})
}

func TestAnAccountThatIsWatchedInAnotherWayGoesOnWhereItWas(t *testing.T) {
	inWorld(t, func(w *world) {
		jo := w.add("jo", "INBOX")
		jo.Mailbox("INBOX").Append(mail("one"))
		synctest.Wait()
		if err := w.set.Watch(context.Background(), w.options("jo", "INBOX")); err != nil {
			t.Fatal(err)
		}
		jo.Mailbox("INBOX").Append(mail("two"))
		synctest.Wait()
		if got := w.disk.of(created); len(got) != 2 {
			t.Errorf("records %q", got)
		}
		if st := w.set.Status(); len(st) != 1 || len(st[0].Mailboxes) != 1 || !st[0].Mailboxes[0].Up {
			t.Errorf("status %+v", st)
		}
		wrong := w.options("jo", "INBOX")
		wrong.Client.Addr, wrong.Dial = "", nil
		if err := w.set.Watch(context.Background(), wrong); err == nil {
			t.Error("an account without a server was taken")
		}
		jo.Mailbox("INBOX").Append(mail("three"))
		w.wait(time.Minute)
		if got := w.disk.of(created); len(got) != 3 {
			t.Errorf("after a wrong change: records %q", got)
		}
	})
}

func TestChangesOfASetThatIsClosed(t *testing.T) {
	inWorld(t, func(w *world) {
		w.add("jo", "INBOX")
		if err := w.set.Watch(context.Background(), w.options("", "INBOX")); err == nil {
			t.Error("an account without a name was added")
		}
		w.stop()
		if err := w.set.Watch(context.Background(), w.options("al", "INBOX")); !errors.Is(err, account.ErrClosed) {
			t.Errorf("adding after Close: %v", err)
		}
		if _, err := w.set.Remove(context.Background(), "jo"); !errors.Is(err, account.ErrClosed) {
			t.Errorf("removing after Close: %v", err)
		}
	})
}

func TestAThousandAccountsComeAndGo(t *testing.T) {
	inWorld(t, func(w *world) {
		const n = 1000
		var all sync.WaitGroup
		for i := range n {
			name := fmt.Sprint("user", i)
			u := w.server.AddUser(name, "secret")
			all.Go(func() {
				if err := w.set.Watch(context.Background(), w.options(name, "INBOX")); err != nil {
					t.Error(err)
				}
				u.Mailbox("INBOX").Append(mail("to " + name))
				switch i % 3 {
				case 0:
					if ok, err := w.set.Remove(context.Background(), name); !ok || err != nil {
						t.Errorf("removing %s: %v, %v", name, ok, err)
					}
				case 1:
					if err := w.set.Watch(context.Background(), w.options(name, "INBOX")); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		w.wait(10 * time.Minute)
		if got := len(w.set.Names()); got != n-334 {
			t.Errorf("%d accounts are left, want %d", got, n-334)
		}
		for _, name := range w.set.Names() {
			w.server.AddUser(name, "secret").Mailbox("INBOX").Append(mail("last"))
		}
		w.wait(time.Minute)
		last := map[string]int{}
		for _, r := range w.disk.of(created) {
			name, _, _ := strings.Cut(r, " ")
			last[name]++
		}
		for _, name := range w.set.Names() {
			if last[name] == 0 {
				t.Errorf("%s has no message", name)
			}
		}
	})
}
