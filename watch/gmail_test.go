package watch_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/watch"
)

// inGmail runs a test with an account on a server like Gmail: each message is in All Mail, Spam or Trash, and labels are mailboxes.
func inGmail(t *testing.T, test func(b *bench)) {
	t.Helper()
	inAccount(t, &imaptest.ServerOptions{Capabilities: append(imaptest.DefaultCapabilities(), imap.CapGmail)}, func(b *bench) {
		for name, use := range map[string]imap.Attr{
			"[Gmail]/All Mail": imap.AttrAll, "[Gmail]/Spam": imap.AttrJunk, "[Gmail]/Trash": imap.AttrTrash, "[Gmail]/Sent Mail": imap.AttrSent,
		} {
			b.user.SetSpecialUse(name, use)
		}
		test(b)
	}, "Work")
}

// On Gmail all that there is has each message once, and All Mail is the one that is hot; what is asked for is what is watched.
func TestGmailIsWatchedWithEachMessageOnce(t *testing.T) {
	for _, tt := range []struct {
		name   string
		o      watch.AccountOptions
		hidden bool // All Mail is not shown in IMAP
		want   []string
	}{
		{"all", watch.AccountOptions{}, false, []string{"[Gmail]/All Mail idle", "[Gmail]/Spam sweep", "[Gmail]/Trash sweep"}},
		{"without spam", watch.AccountOptions{Exclude: []string{`\Junk`}}, false, []string{"[Gmail]/All Mail idle", "[Gmail]/Trash sweep"}},
		{"labels", watch.AccountOptions{Patterns: []string{"INBOX", "W*"}}, false, []string{"INBOX idle", "Work sweep"}},
		{"a label and all", watch.AccountOptions{Patterns: []string{"INBOX", `\All`}}, false, []string{"INBOX idle", "[Gmail]/All Mail sweep"}},
		{"labels, and spam", watch.AccountOptions{Patterns: []string{"INBOX", `\Junk`}}, false, []string{"INBOX idle", "[Gmail]/Spam sweep"}},
		{"special uses", watch.AccountOptions{SpecialUses: []imap.Attr{imap.AttrAll, imap.AttrSent}}, false, []string{"[Gmail]/All Mail sweep", "[Gmail]/Sent Mail sweep"}},
		{"hot", watch.AccountOptions{Hot: []string{"[Gmail]/Spam"}}, false, []string{"[Gmail]/All Mail sweep", "[Gmail]/Spam idle", "[Gmail]/Trash sweep"}},
		{"All Mail is hidden", watch.AccountOptions{}, true, []string{"INBOX idle", "Work sweep", "[Gmail]/Sent Mail sweep", "[Gmail]/Spam sweep", "[Gmail]/Trash sweep"}},
		{"All Mail is excluded", watch.AccountOptions{Exclude: []string{`\All`, "[Gmail]/S*"}}, false, []string{"INBOX idle", "Work sweep", "[Gmail]/Trash sweep"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inGmail(t, func(b *bench) {
				b.account = &tt.o
				if tt.hidden {
					b.user.DeleteMailbox("[Gmail]/All Mail")
				}
				b.start()
				var got []string
				for _, ev := range b.take() {
					got = append(got, ev.Mailbox+" "+ev.Open.Push)
				}
				if slices.Sort(got); !slices.Equal(got, tt.want) {
					t.Errorf("watches %q, want %q", got, tt.want)
				}
			})
		})
	}
}

// All Mail is hidden from IMAP, and shown again: the labels are watched instead meanwhile. Neither is news of mailboxes, or of the mail in them.
func TestGmailWhoseAllMailIsHiddenForAWhile(t *testing.T) {
	inGmail(t, func(b *bench) {
		all, work := b.user.Mailbox("[Gmail]/All Mail"), b.user.Mailbox("Work")
		all.Append(mail("old"))
		work.Append(mail("old"))
		b.start()
		b.expectAll("[Gmail]/All Mail: open 1 initial idle", "[Gmail]/Spam: open 0 initial sweep", "[Gmail]/Trash: open 0 initial sweep")
		for _, tt := range []struct{ from, to, opened string }{ // Spam and Trash are as they were
			{"[Gmail]/All Mail", "hidden", "INBOX Work [Gmail]/Sent Mail hidden"},
			{"hidden", "[Gmail]/All Mail", "[Gmail]/All Mail"},
		} {
			b.user.SetSpecialUse(tt.from, "")
			b.user.RenameMailbox(tt.from, tt.to)
			if tt.from == "hidden" {
				b.user.SetSpecialUse(tt.to, imap.AttrAll)
			}
			b.wait(2*time.Minute + time.Second)
			var opened []string
			for _, ev := range b.take() {
				if ev.Type != watch.MailboxOpen {
					t.Errorf("%s: %s", ev.Mailbox, line(ev))
				}
				opened = append(opened, ev.Mailbox)
			}
			if slices.Sort(opened); strings.Join(opened, " ") != tt.opened {
				t.Errorf("opened %q, want %q", opened, tt.opened)
			}
		}
		all.Append(mail("new"))
		b.expectAll("[Gmail]/All Mail: new 2") // the server does not know Gmail's items
		work.Append(mail("new, too"))
		b.wait(2 * time.Hour)
		if told := b.toldOf("Work"); len(told) > 0 {
			t.Errorf("told of a label: %q", told)
		}
	})
}

// Gmail's ids are those of the message and its thread where the server has none of RFC 8474, and its labels are told.
func TestGmailTellsIDsAndLabels(t *testing.T) {
	inGmail(t, func(b *bench) {
		b.start()
		b.take()
		b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
			if asksContent(c) {
				return imaptest.Reply("* 1 FETCH (UID 1 FLAGS () MODSEQ (5) RFC822.SIZE 9 X-GM-MSGID 1278455344230334865 X-GM-THRID 1266894439832287888 X-GM-LABELS (\\Inbox Work))\r\n{tag} OK done\r\n")
			}
			return imaptest.Pass
		})
		b.user.Mailbox("[Gmail]/All Mail").Append(mail("one"))
		got := b.expectAll("[Gmail]/All Mail: new 1")
		m := got[0].Message
		if m == nil || m.EmailID != "1278455344230334865" || m.ThreadID != "1266894439832287888" || !slices.Equal(m.Labels, []string{`\Inbox`, "Work"}) {
			t.Errorf("message %+v", m)
		}
	})
}
