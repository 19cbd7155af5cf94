package watch_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/watch"
)

// A mailbox that has another name now is not told to be deleted under its old one, not at the next looks and not by the next
// watcher, with MAILBOXID and without.
func TestRenamedMailboxIsNotDeletedLater(t *testing.T) {
	for name, o := range map[string]*imaptest.ServerOptions{
		"MAILBOXID":   nil,
		"UIDVALIDITY": {Without: imap.Capabilities{imap.CapObjectID}},
		"NOTIFY":      {Capabilities: withNotify()},
	} {
		t.Run(name, func(t *testing.T) {
			inAccount(t, o, func(b *bench) {
				b.user.Mailbox("Work").Append(mail("old"))
				b.start()
				b.wait(time.Minute)
				b.take()
				b.user.RenameMailbox("Work", "Job")
				b.wait(2*time.Minute + time.Second)
				b.tellsNames("renamed Job Work")
				b.wait(time.Hour)
				b.tellsNames()
				_ = b.stop()
				b.start()
				b.wait(time.Hour)
				b.tellsNames()
			}, "Work")
		})
	}
}

// A mailbox is renamed and another one made under its name between two looks, as when archives are rotated: what was known goes with
// the new name, so that nothing is told again, and the other one is new.
func TestRotatedMailboxesAreFollowed(t *testing.T) {
	for name, o := range map[string]*imaptest.ServerOptions{
		"MAILBOXID":   nil,
		"UIDVALIDITY": {Without: imap.Capabilities{imap.CapObjectID}},
		"NOTIFY":      {Capabilities: withNotify()},
	} {
		for _, stopped := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " ", stopped), func(t *testing.T) {
				inAccount(t, o, func(b *bench) {
					b.user.Mailbox("Log").Append(mail("one"))
					b.user.Mailbox("Log.1").Append(mail("two"))
					b.start()
					b.wait(time.Minute)
					b.take()
					if stopped {
						_ = b.stop()
					}
					b.user.RenameMailbox("Log.1", "Log.2")
					b.user.RenameMailbox("Log", "Log.1")
					b.user.Mailbox("Log").Append(mail("three"))
					b.user.Mailbox("Log.1").Append(mail("four"))
					if stopped {
						b.start()
					}
					b.wait(20 * time.Minute)
					events := b.take()
					want := map[string]string{"Log": "created Log; new 1 three", "Log.1": "renamed Log.1 Log; new 2 four", "Log.2": "renamed Log.2 Log.1"}
					for mailbox, want := range want {
						if got := toldOf(mailbox, events); strings.Join(got, "; ") != want {
							t.Errorf("told of %s: %q, want %q", mailbox, got, want)
						}
					}
					_ = b.stop()
					b.start()
					b.wait(20 * time.Minute)
					for _, ev := range b.take() {
						if ev.Type != watch.MailboxOpen && ev.Type != watch.Link {
							t.Errorf("told again: %s", line(ev))
						}
					}
				}, "Log", "Log.1")
			})
		}
	}
}

// A mailbox is renamed and another one made under its name after it was listed, in the moment in which it is opened: it is not taken
// for renumbered.
func TestMailboxThatIsReplacedBeforeItIsOpened(t *testing.T) {
	for name, o := range map[string]*imaptest.ServerOptions{
		"MAILBOXID":   nil,
		"UIDVALIDITY": {Without: imap.Capabilities{imap.CapObjectID}},
		"NOTIFY":      {Capabilities: withNotify()},
	} {
		for _, connections := range []int{1, 3} {
			t.Run(fmt.Sprint(name, " ", connections), func(t *testing.T) {
				inAccount(t, o, func(b *bench) {
					b.account.MaxConnections = connections
					b.account.Hot = []string{}
					b.user.Mailbox("Log").Append(mail("one"))
					b.start()
					b.wait(time.Minute)
					b.take()
					var once sync.Once
					b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
						if c.Name == "EXAMINE" && c.Args[0].Is("Log") {
							once.Do(func() {
								b.user.RenameMailbox("Log", "Log.1")
								b.user.Mailbox("Log").Append(mail("three"))
							})
						}
						return imaptest.Pass
					})
					b.user.Mailbox("Log").Append(mail("two"))
					b.wait(5 * time.Minute)
					events := b.take()
					for mailbox, want := range map[string]string{"Log": "created Log; new 1 three", "Log.1": "renamed Log.1 Log; new 2 two"} {
						if got := strings.Join(toldOf(mailbox, events), "; "); got != want {
							t.Errorf("told of %s: %q, want %q", mailbox, got, want)
						}
					}
					b.user.Mailbox("Log").ResetUIDValidity()
					b.wait(5 * time.Minute)
					if got := toldOf("Log", b.take()); len(got) != 1 || !strings.HasPrefix(got[0], "reset") {
						t.Errorf("told of a mailbox that was renumbered: %q", got)
					}
				}, "Log")
			})
		}
	}
}

// tellsNames compares what was said of names since the last call.
func (b *bench) tellsNames(want ...string) {
	b.t.Helper()
	var got []string
	for _, ev := range b.take() {
		if ev.Type == watch.MailboxName {
			got = append(got, line(ev))
		}
	}
	if len(got) != len(want) || len(got) == 1 && got[0] != want[0] {
		b.t.Errorf("told of names: %q, want %q", got, want)
	}
}

// A mailbox is renamed while the Store fails, which has not what was told of it: it keeps what is known under its new name, and
// nothing is told again.
func TestRenameWhileTheStoreFails(t *testing.T) {
	inAccount(t, nil, func(b *bench) {
		store := &brokenStore{}
		b.opts.Store = store
		b.start()
		b.wait(time.Minute)
		b.take()
		store.set(true)
		b.user.Mailbox("Work").Append(mail("one"))
		b.wait(3 * time.Minute)
		b.expectAll("Work: new 1 one")
		b.user.RenameMailbox("Work", "Job")
		b.wait(3 * time.Minute)
		store.set(false)
		b.user.Mailbox("Job").Append(mail("two"))
		b.wait(20 * time.Minute)
		b.tellsAllOf("Job", "renamed Job Work", "new 2 two")
	}, "Work")
}

// A mailbox that is renamed and renumbered at the same time is known by its MAILBOXID (RFC 8474).
func TestRenamedMailboxIsKnownByItsID(t *testing.T) {
	for _, without := range []imap.Capabilities{nil, {imap.CapListStatus}} {
		t.Run(fmt.Sprint("without ", without), func(t *testing.T) {
			inAccount(t, &imaptest.ServerOptions{Without: without}, func(b *bench) {
				b.start()
				b.take()
				work := b.user.Mailbox("Work")
				b.user.RenameMailbox("Work", "Job")
				work.ResetUIDValidity()
				b.wait(3 * time.Minute)
				b.tellsNames("renamed Job Work")
			}, "Work")
		})
	}
}

// A list of names that could not be saved is saved later, though nothing has changed since: the next watcher must not take a mailbox
// for one that was just created.
func TestNamesAreSavedLater(t *testing.T) {
	inAccount(t, nil, func(b *bench) {
		store := &brokenStore{names: true}
		b.opts.Store, b.opts.KeepTrying = store, true
		b.start()
		b.wait(time.Minute)
		b.take()
		b.user.Mailbox("Job").Append(mail("one"))
		store.set(true)
		b.wait(3 * time.Minute)
		if store.set(false) == 0 {
			t.Error("the list was not to be saved")
		}
		b.wait(20 * time.Minute)
		b.tellsAllOf("Job", "created Job", "new 1 one")
		_ = b.stop()
		b.start()
		b.wait(20 * time.Minute)
		b.tellsAllOf("Job")
	})
}

// What is in a mailbox that was created is new, also where the server refused its STATUS when it was found.
func TestMailIsNewInACreatedMailboxWhoseStatusIsRefused(t *testing.T) {
	inAccount(t, &imaptest.ServerOptions{Without: imap.Capabilities{imap.CapListStatus}}, func(b *bench) {
		b.start()
		b.wait(time.Minute)
		b.take()
		b.user.Mailbox("Job").Append(mail("one"))
		b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
			if c.Name == "STATUS" && strings.Contains(fmt.Sprint(c.Args), "Job") {
				return imaptest.Refuse(imap.NO, "", "not now")
			}
			return imaptest.Pass
		})
		b.wait(3 * time.Minute)
		b.tellsAllOf("Job", "created Job", "new 1 one")
		_ = b.stop() // it was noted, though nothing but its name is known
		b.server.SetOnCommand(nil)
		b.start()
		b.wait(20 * time.Minute)
		b.tellsAllOf("Job")
	})
}

// tellsAllOf compares what was said of a mailbox since the last call, beside that it is open.
func (b *bench) tellsAllOf(name string, want ...string) {
	b.t.Helper()
	got := toldOf(name, b.take())
	if len(got) != len(want) {
		b.t.Fatalf("told of %s: %q, want %q", name, got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			b.t.Errorf("told of %s: %q, want %q", name, got, want)
		}
	}
}

// toldOf returns what was said of a mailbox, beside that it is open.
func toldOf(name string, events []watch.Event) (lines []string) {
	for _, ev := range events {
		if ev.Mailbox == name && ev.Type != watch.MailboxOpen {
			lines = append(lines, line(ev))
		}
	}
	return lines
}

// The connection of a hot mailbox can be the first to see that another one has its name now. That is told as renumbered then; the list,
// which shows what happened, must not have it told once more.
func TestHotMailboxThatIsReplacedBeforeTheListIsSeen(t *testing.T) {
	for name, o := range map[string]*imaptest.ServerOptions{
		"MAILBOXID":   nil,
		"UIDVALIDITY": {Without: imap.Capabilities{imap.CapObjectID}},
	} {
		t.Run(name, func(t *testing.T) {
			inAccount(t, o, func(b *bench) {
				b.account.Hot = []string{"Log"}
				b.user.Mailbox("Log").Append(mail("one"))
				b.start()
				b.wait(time.Minute)
				b.take()
				b.user.RenameMailbox("Log", "Log.1")
				b.user.Mailbox("Log").Append(mail("three"))
				b.cutAll()
				b.wait(20 * time.Minute)
				events := b.take()
				ids := map[string]bool{}
				for _, ev := range events {
					if ids[ev.ID] && ev.Type != watch.Link {
						t.Errorf("told twice: %s in %s", line(ev), ev.Mailbox)
					}
					ids[ev.ID] = true
				}
				for mailbox, want := range map[string]string{"Log": "new 1 three", "Log.1": "created Log.1; new 1 one"} {
					if got := strings.Join(toldOf(mailbox, events), "; "); !strings.HasSuffix(got, want) || strings.Contains(got, "renamed") {
						t.Errorf("told of %s: %q, want %q", mailbox, got, want)
					}
				}
				b.user.Mailbox("Log").Append(mail("four"))
				b.user.Mailbox("Log.1").Append(mail("five"))
				b.wait(5 * time.Minute)
				b.expectAll("Log: new 2 four", "Log.1: new 2 five")
			}, "Log")
		})
	}
}
