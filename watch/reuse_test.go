package watch_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/watch"
)

// reuseRungs are servers that find out in each way what has changed, and identify messages in each way.
var reuseRungs = []struct {
	name    string
	without imap.Capabilities
}{
	{"qresync", nil},
	{"condstore", imap.Capabilities{imap.CapQResync}},
	{"search", imap.Capabilities{imap.CapQResync, imap.CapCondStore}},
	{"uid-diff", imap.Capabilities{imap.CapQResync, imap.CapCondStore, imap.CapESearch}},
	{"uid-diff, header", imap.Capabilities{imap.CapQResync, imap.CapCondStore, imap.CapESearch, imap.CapObjectID}},
	{"qresync, header", imap.Capabilities{imap.CapObjectID}},
}

// TestUIDThatIsGivenToAnotherMessageLosesNone: the server dies before it has written down which UIDs it has announced. The
// message that comes next gets the UID of one that was told, which itself gets a new one.
func TestUIDThatIsGivenToAnotherMessageLosesNone(t *testing.T) {
	for _, rung := range reuseRungs {
		t.Run(rung.name, func(t *testing.T) {
			inBubble(t, &imaptest.ServerOptions{Without: rung.without}, func(b *bench) {
				for i := range 20 {
					b.box.Append(mail(fmt.Sprint("old ", i)))
				}
				b.start()
				b.box.Append(mail("A"))
				first := b.take()
				b.setDown(true)
				b.box.ReuseUIDs(21, mail("B"))
				b.setDown(false)
				b.wait(time.Minute)
				again := b.take()
				told := append(first, again...)
				if got, want := messages(told), "new 21 A, expunge 21 A, new 21 B, new 22 A"; got != want {
					t.Errorf("told %s, want %s", got, want)
				}
				differentIDs(t, told)
				b.box.AddFlags(21, imap.FlagSeen)
				b.box.Expunge(21)
				b.wait(time.Minute)
				told = append(told, b.take()...)
				differentIDs(t, told)
				if !strings.HasSuffix(messages(told), "expunge 21 B") {
					t.Errorf("told %s", messages(told))
				}
				b.stop()
				b.start()
				b.wait(time.Minute)
				if got := messages(b.take()); got != "" {
					t.Errorf("after a restart, told %s", got)
				}
			})
		})
	}
}

// TestCrashWhileAReusedUIDIsTold leaves the program at each event, as a crash does: what is told again has the id it had.
func TestCrashWhileAReusedUIDIsTold(t *testing.T) {
	for _, rung := range reuseRungs {
		for k := range 7 {
			t.Run(fmt.Sprint(rung.name, " at event ", k), func(t *testing.T) {
				inBubble(t, &imaptest.ServerOptions{Without: rung.without}, func(b *bench) {
					b.box.Append(mail("old"))
					b.start()
					b.box.Append(mail("A"))
					b.box.Append(mail("B"))
					all := b.take()
					b.stop()
					b.box.ReuseUIDs(2, mail("C"))
					n := 0
					b.stopAt = func(watch.Event) bool { n++; return n == k+1 }
					b.start()
					all = append(all, b.take()...)
					b.stop()
					b.stopAt = nil
					b.start()
					all = append(all, b.take()...)
					b.stop()
					ids := map[string]string{}
					for _, ev := range all {
						if was, told := ids[ev.ID]; told && was != line(ev) && ev.UID != 0 {
							t.Errorf("the id of %q is that of %q, too", line(ev), was)
						}
						ids[ev.ID] = line(ev)
					}
					var got []string
					for _, what := range ids {
						if strings.HasPrefix(what, "new ") || strings.HasPrefix(what, "expunge ") {
							got = append(got, what)
						}
					}
					slices.Sort(got)
					want := []string{"expunge 2 A", "expunge 3 B", "new 2 A", "new 2 C", "new 3 A", "new 3 B", "new 4 B"}
					if !slices.Equal(got, want) {
						t.Errorf("ids of %q, want %q", got, want)
					}
				})
			})
		}
	}
}

// TestProgramAndServerAreKilled: both at once, the program after it has told of messages and before it has stored that it did, the server
// before it has written down their UIDs. What has one of them now is another message; what has its own, is told again under its id.
func TestProgramAndServerAreKilled(t *testing.T) {
	for _, rung := range reuseRungs {
		if !slices.Contains(rung.without, imap.CapCondStore) {
			continue
		}
		for _, times := range []int{1, 2} {
			t.Run(fmt.Sprintf("%s, %d times", rung.name, times), func(t *testing.T) {
				inBubble(t, &imaptest.ServerOptions{Without: rung.without}, func(b *bench) {
					store := &mortalStore{Store: b.opts.Store}
					b.opts.Store = store
					b.box.Append(mail("old"))
					b.start()
					b.dieAt(store, "new 3 B")
					for _, subject := range []string{"A", "B", "C"} {
						b.box.Append(mail(subject))
					}
					told := b.killed(store)
					for i := range times {
						b.box.ReuseUIDs(3, mail(fmt.Sprint("other", i)))
						b.dieAt(store, fmt.Sprint("new 3 other", i))
						b.start()
						told = append(told, b.killed(store)...)
					}
					b.start()
					told = append(told, b.take()...)
					meant, named := map[string]string{}, map[string]string{}
					for _, ev := range told {
						if ev.Type != watch.MessageNew {
							continue
						}
						if was, known := meant[ev.ID]; known && was != line(ev) {
							t.Errorf("the id of %q is that of %q, too", line(ev), was)
						}
						meant[ev.ID] = line(ev)
						if was, known := named[line(ev)]; known && was != ev.ID {
							t.Errorf("%q has two ids", line(ev))
						}
						named[line(ev)] = ev.ID
					}
					b.agrees(told)
				})
			})
		}
	}
}

// mortalStore saves nothing any more when the program was killed.
type mortalStore struct {
	watch.Store
	dead atomic.Bool
}

func (s *mortalStore) Save(ctx context.Context, key watch.Key, value []byte) error {
	if s.dead.Load() {
		return nil
	}
	return s.Store.Save(ctx, key, value)
}

// dieAt has the watcher be killed when it has told of something.
func (b *bench) dieAt(store *mortalStore, last string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stopAt = func(ev watch.Event) bool {
		if line(ev) == last {
			store.dead.Store(true)
		}
		return store.dead.Load()
	}
}

// killed waits until the watcher is dead, and returns what it has told.
func (b *bench) killed(store *mortalStore) []watch.Event {
	b.t.Helper()
	told := b.take()
	if !store.dead.Load() {
		b.t.Fatalf("it lives; told %s", messages(told))
	}
	b.stop()
	b.stopAt = nil
	store.dead.Store(false)
	return told
}

// TestUIDOfAnExpungedMessageIsGivenAnew: the server counts from what is there, so what comes after the last one was deleted has
// its UID; also while the mailbox is open.
func TestUIDOfAnExpungedMessageIsGivenAnew(t *testing.T) {
	for _, rung := range reuseRungs {
		t.Run(rung.name, func(t *testing.T) {
			inBubble(t, &imaptest.ServerOptions{Without: rung.without}, func(b *bench) {
				b.box.Append(mail("old"))
				b.start()
				b.box.Append(mail("A"))
				told := b.take()
				b.box.Expunge(2)
				told = append(told, b.take()...)
				b.box.ReuseUIDs(2)
				b.wait(time.Minute)
				b.box.Append(mail("B"))
				b.wait(time.Minute)
				told = append(told, b.take()...)
				b.box.Expunge(2)
				b.wait(time.Minute)
				told = append(told, b.take()...)
				if got, want := messages(told), "new 2 A, expunge 2 A, new 2 B, expunge 2 B"; got != want {
					t.Errorf("told %s, want %s", got, want)
				}
				differentIDs(t, told)
			})
		})
	}
}

// TestRestoredBackupGivesUIDsAnew: what was told is gone, and what comes from then on gets its UIDs one after the other, also
// after the program was restarted.
func TestRestoredBackupGivesUIDsAnew(t *testing.T) {
	for _, rung := range reuseRungs {
		t.Run(rung.name, func(t *testing.T) {
			inBubble(t, &imaptest.ServerOptions{Without: rung.without}, func(b *bench) {
				b.box.Append(mail("old"))
				b.start()
				for _, subject := range []string{"A", "B", "C"} {
					b.box.Append(mail(subject))
				}
				told := b.take()
				b.setDown(true)
				b.box.Expunge(2, 3, 4)
				b.box.ReuseUIDs(2)
				b.setDown(false)
				b.wait(time.Minute)
				b.box.Append(mail("D"))
				b.wait(time.Minute)
				b.stop()
				b.start()
				b.box.Append(mail("E"))
				b.wait(time.Minute)
				b.box.Expunge(2, 3)
				b.wait(time.Minute)
				told = append(told, b.take()...)
				want := "new 2 A, new 3 B, new 4 C, expunge 2 A, expunge 3 B, expunge 4 C, new 2 D, new 3 E, expunge 2 D, expunge 3 E"
				if got := messages(told); got != want {
					t.Errorf("told %s, want %s", got, want)
				}
				differentIDs(t, told)
				which := map[string]string{}
				for _, ev := range told {
					if name := messages([]watch.Event{ev}); name != "" {
						subject := name[len(name)-1:]
						if was, ok := which[subject]; ok && was != ev.Reuse || (ev.Reuse == "") != (subject < "D") || strings.Trim(ev.Reuse, "0") == "" && subject >= "D" {
							t.Errorf("%s has the reuse %q", name, ev.Reuse)
						}
						which[subject] = ev.Reuse
					}
				}
			})
		})
	}
}

// TestUIDsThatShiftUnderAnOpenMailbox: the server does not write down which UIDs it gives, and a message comes before others,
// while the mailbox is open: each of them has the UID of the next one then, of which the server says no more than its flags. What it says
// of flags that have not changed alone, costs a question and is no event.
func TestUIDsThatShiftUnderAnOpenMailbox(t *testing.T) {
	for _, rung := range reuseRungs {
		if !slices.Contains(rung.without, imap.CapCondStore) {
			continue
		}
		for _, watcher := range []struct {
			name    string
			account *watch.AccountOptions
		}{{"mailbox", nil}, {"account on one connection", &watch.AccountOptions{MaxConnections: 1}}} {
			t.Run(rung.name+", "+watcher.name, func(t *testing.T) {
				inBubble(t, &imaptest.ServerOptions{Without: rung.without}, func(b *bench) {
					b.account = watcher.account
					b.box.Append(mail("old"))
					b.start()
					for i := range 20 {
						b.box.Append(mail(fmt.Sprint("m", i)))
					}
					b.box.AddFlags(9, imap.FlagSeen)
					b.box.AddFlags(9, imap.FlagFlagged)
					told := b.take()
					b.box.ShiftUIDs(10, mail("first"))
					for i := range 10 { // so that the newest ones have not changed
						b.box.Append(mail(fmt.Sprint("later", i)))
					}
					b.wait(time.Minute)
					told = append(told, b.take()...)
					differentIDs(t, told)
					b.agrees(told)
					b.stop()
					b.start()
					if got := messages(b.take()); got != "" {
						t.Errorf("after a restart, told %s", got)
					}
				})
			})
		}
	}
}

// agrees compares what was told with what is there.
func (b *bench) agrees(told []watch.Event) {
	b.t.Helper()
	is := map[imap.UID]string{}
	for _, ev := range told {
		switch ev.Type {
		case watch.MessageNew:
			is[ev.UID] = ev.Message.Envelope.Subject
		case watch.MessageExpunge:
			delete(is, ev.UID)
		}
	}
	for _, m := range b.box.Snapshot().Messages {
		if subject := is[m.UID]; m.UID > 1 && !strings.Contains(string(b.box.Raw(m.UID)), "Subject: "+subject+"\r\n") {
			b.t.Errorf("UID %d was told as %q, and is %q", m.UID, subject, b.box.Raw(m.UID))
		}
	}
}

// messages are the events of messages.
func messages(events []watch.Event) string {
	var lines []string
	for _, ev := range events {
		if ev.UID != 0 && ev.Type != watch.FlagChange {
			lines = append(lines, line(ev))
		}
	}
	return strings.Join(lines, ", ")
}

func differentIDs(t *testing.T, events []watch.Event) {
	t.Helper()
	ids := map[string]string{}
	for _, ev := range events {
		if was, told := ids[ev.ID]; told && ev.UID != 0 {
			t.Errorf("%s has the id of %s", line(ev), was)
		}
		ids[ev.ID] = line(ev)
	}
}
