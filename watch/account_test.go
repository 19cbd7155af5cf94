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

// inAccount runs a test with a watcher of jo's whole account, which has the given mailboxes beside INBOX.
func inAccount(t *testing.T, o *imaptest.ServerOptions, test func(b *bench), names ...string) {
	t.Helper()
	inBubble(t, o, func(b *bench) {
		b.account = &watch.AccountOptions{}
		for _, n := range names {
			b.user.Mailbox(n)
		}
		test(b)
	})
}

// expectAll compares the events since the last call with lines such as "Work: new 3 Lunch?", whatever the order of mailboxes.
func (b *bench) expectAll(want ...string) []watch.Event {
	b.t.Helper()
	got := b.take()
	var lines []string
	for _, ev := range got {
		lines = append(lines, ev.Mailbox+": "+line(ev))
	}
	order := func(a, b string) int { return strings.Compare(mailboxOf(a), mailboxOf(b)) }
	slices.SortStableFunc(lines, order)
	slices.SortStableFunc(want, order)
	if !slices.Equal(lines, want) {
		b.t.Errorf("events:\n\t%s\nwant:\n\t%s", strings.Join(lines, "\n\t"), strings.Join(want, "\n\t"))
	}
	return got
}

func mailboxOf(line string) string {
	name, _, _ := strings.Cut(line, ":")
	return name
}

func TestAccountWatchesAllMailboxes(t *testing.T) {
	for _, connections := range []int{1, 4} {
		t.Run(fmt.Sprintf("%d connections", connections), func(t *testing.T) {
			inAccount(t, nil, func(b *bench) {
				b.account.MaxConnections = connections
				b.user.Mailbox("Work").Append(mail("old"))
				b.start()
				b.expectAll("INBOX: open 0 initial idle", "Work: open 1 initial sweep", "Lists/Go: open 0 initial sweep")
				b.box.Append(mail("hot"))
				b.expectAll("INBOX: new 1 hot")
				b.user.Mailbox("Work").Append(mail("cold"))
				b.user.Mailbox("Work").AddFlags(1, imap.FlagFlagged)
				b.user.Mailbox("Lists/Go").Append(mail("announce"))
				b.expectAll()
				b.wait(2*time.Minute + time.Second)
				b.expectAll("Work: flags 1 [+\\Flagged]", "Work: new 2 cold", "Lists/Go: new 1 announce")
				b.user.Mailbox("Work").Expunge(1)
				b.wait(2 * time.Minute)
				b.expectAll("Work: expunge 1")
				b.box.Append(mail("still hot"))
				b.expectAll("INBOX: new 2 still hot")
			}, "Work", "Lists/Go")
		})
	}
}

func TestAccountKeepsToItsBudget(t *testing.T) {
	for budget, want := range map[int]int{1: 1, 2: 2, 3: 3, 10: 5} {
		inAccount(t, nil, func(b *bench) {
			b.account.MaxConnections = budget
			b.account.Hot = []string{"INBOX", "missing", "a", "b", "c"}
			b.start()
			b.take()
			if n := len(b.server.Sessions()); n != want {
				t.Errorf("budget %d: %d connections, want %d", budget, n, want)
			}
		}, "a", "b", "c", "d")
	}
}

func TestAccountWatchesWhatIsChosen(t *testing.T) {
	for _, tt := range []struct {
		name string
		o    watch.AccountOptions
		want []string
	}{
		{"all", watch.AccountOptions{}, []string{"INBOX", "Lists/Go", "Lists/IMAP", "Sent", "Work"}},
		{"patterns", watch.AccountOptions{Patterns: []string{"Lists/%", "inbox"}}, []string{"INBOX", "Lists/Go", "Lists/IMAP"}},
		{"exclude", watch.AccountOptions{Exclude: []string{"Lists/*", "Work"}}, []string{"INBOX", "Sent"}},
		{"patterns and special uses", watch.AccountOptions{Patterns: []string{"Lists/Go", `\sent`}}, []string{"Lists/Go", "Sent"}},
		{"special uses left out", watch.AccountOptions{Exclude: []string{`\Sent`, `\inbox`, "Lists/*"}}, []string{"Work"}},
		{"special uses", watch.AccountOptions{SpecialUses: []imap.Attr{imap.AttrSent, watch.AttrInbox}}, []string{"INBOX", "Sent"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inAccount(t, nil, func(b *bench) {
				b.account = &tt.o
				b.user.SetSpecialUse("Sent", imap.AttrSent)
				b.start()
				var opened []string
				for _, ev := range b.take() {
					opened = append(opened, ev.Mailbox)
				}
				slices.Sort(opened)
				if !slices.Equal(opened, tt.want) {
					t.Errorf("watches %v, want %v", opened, tt.want)
				}
			}, "Lists/Go", "Lists/IMAP", "Sent", "Work")
		})
	}
}

func TestMailboxesThatComeAndGoAreTold(t *testing.T) {
	inAccount(t, nil, func(b *bench) {
		b.start()
		b.take()
		b.user.Mailbox("Fresh").Append(mail("in a new mailbox"))
		b.wait(2*time.Minute + time.Second)
		b.expectAll("Fresh: created Fresh", "Fresh: open 1 uid-diff sweep", "Fresh: new 1 in a new mailbox")
		b.user.RenameMailbox("Work", "Job")
		b.user.Mailbox("Job").Append(mail("after the rename"))
		b.user.DeleteMailbox("Fresh")
		b.wait(2 * time.Minute)
		b.expectAll("Job: renamed Job Work", "Job: open 1 qresync sweep", "Job: new 1 after the rename", "Fresh: deleted Fresh")
	}, "Work")
}

func TestAccountOpensOnlyWhatHasChangedAtAStart(t *testing.T) {
	inAccount(t, nil, func(b *bench) {
		b.user.Mailbox("Busy").Append(mail("one"))
		b.start()
		b.take()
		b.stop()
		b.user.Mailbox("Busy").AddFlags(1, imap.FlagFlagged)
		examined := b.count("EXAMINE")
		b.start()
		b.expectAll("INBOX: open 0 qresync idle", "Busy: open 1 qresync sweep", "Busy: flags 1 [+\\Flagged]")
		if n := examined(); n != 2 {
			t.Errorf("%d mailboxes were opened, want INBOX and Busy", n)
		}
	}, "Busy", "Quiet", "Silent")
}

// What happened to names and mail while nobody watched is found at the next start.
func TestAccountFindsWhatHappenedWhileItWasDown(t *testing.T) {
	inAccount(t, nil, func(b *bench) {
		b.start()
		b.take()
		b.stop()
		b.user.Mailbox("Fresh").Append(mail("in a new mailbox"))
		b.user.Mailbox("Work").Append(mail("while down"))
		b.user.RenameMailbox("Old", "Older")
		b.user.Mailbox("Older").Append(mail("in a renamed one"))
		b.start()
		b.expectAll("INBOX: open 0 qresync idle",
			"Fresh: created Fresh", "Fresh: open 1 uid-diff sweep", "Fresh: new 1 in a new mailbox",
			"Work: open 1 qresync sweep", "Work: new 1 while down",
			"Older: renamed Older Old", "Older: open 1 qresync sweep", "Older: new 1 in a renamed one")
	}, "Work", "Old")
}

// Choosing other mailboxes is no news of them: none is deleted, and what is in those that come in is not new.
func TestChoosingOtherMailboxesIsNoNews(t *testing.T) {
	inAccount(t, nil, func(b *bench) {
		b.user.Mailbox("Work").Append(mail("old"))
		b.account.Exclude = []string{"Work"}
		b.start()
		b.expectAll("INBOX: open 0 initial idle", "Lists: open 0 initial sweep")
		b.stop()
		b.account.Exclude = []string{"Lists"}
		b.start()
		b.expectAll("INBOX: open 0 qresync idle", "Work: open 1 initial sweep")
	}, "Work", "Lists")
}

func TestAccountSurvivesAnEmptyList(t *testing.T) {
	inAccount(t, nil, func(b *bench) {
		b.start()
		b.take()
		b.on("LIST", imaptest.Reply("{tag} OK done\r\n"))
		b.wait(5 * time.Minute)
		b.expectAll()
		b.server.SetOnCommand(nil)
		b.user.Mailbox("Work").Append(mail("still watched"))
		b.wait(2*time.Minute + time.Second)
		b.expectAll("Work: new 1 still watched")
	}, "Work")
}

func TestMailboxThatCannotBeOpenedHarmsNoOther(t *testing.T) {
	inAccount(t, nil, func(b *bench) {
		b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
			if c.Name == "EXAMINE" && strings.Contains(fmt.Sprint(c.Args), "Phantom") {
				return imaptest.Reply("{tag} NO [NONEXISTENT] no such mailbox\r\n")
			}
			return imaptest.Pass
		})
		b.start()
		b.expectAll("INBOX: open 0 initial idle", "Work: open 0 initial sweep")
		b.user.Mailbox("Work").Append(mail("one"))
		b.wait(2*time.Minute + time.Second)
		b.expectAll("Work: new 1 one")
	}, "Phantom", "Work")
}

// Flags that STATUS does not show, on a server without CONDSTORE, are found once an hour.
func TestChangesThatStatusDoesNotShowAreFoundInAnHour(t *testing.T) {
	inAccount(t, &imaptest.ServerOptions{Capabilities: imap.Capabilities{imap.CapIdle, imap.CapUnselect}}, func(b *bench) {
		b.user.Mailbox("Work").Append(mail("one"))
		b.start()
		b.take()
		b.user.Mailbox("Work").AddFlags(1, imap.FlagFlagged)
		b.wait(30 * time.Minute)
		b.expectAll()
		b.wait(33 * time.Minute)
		b.expectAll("Work: flags 1 [+\\Flagged]")
	}, "Work")
}

func TestAccountReconnects(t *testing.T) {
	inAccount(t, nil, func(b *bench) {
		b.start()
		b.take()
		b.setDown(true)
		for _, s := range b.server.Sessions() {
			s.Cut()
		}
		b.user.Mailbox("Work").Append(mail("meanwhile"))
		b.box.Append(mail("meanwhile, too"))
		b.wait(3 * time.Minute)
		b.setDown(false)
		b.wait(6 * time.Minute)
		b.expectAll(": link up=false stale=false", ": link up=true stale=false",
			"INBOX: link up=false stale=false", "INBOX: link up=true stale=false", "INBOX: open 1 qresync idle", "INBOX: new 1 meanwhile, too",
			"Work: new 1 meanwhile")
	}, "Work")
}
