package event_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pushmail/pushmail/event"
)

// Receivers keep ids for days, and nodes of different versions watch the same mailbox: what is
// written here must not change.
func TestIDsArePinned(t *testing.T) {
	for name, c := range map[string]struct {
		data event.Data
		want string
	}{
		"new":     {&event.MessageNew{Ref: ref, UID: 42}, "7jgrkxyndc5kfsjx3ibqwuczxe"},
		"expunge": {&event.MessageExpunge{Ref: ref, UID: 42}, "oqgrna26pcp6dulgo3nvapwmpi"},
		"flags":   {&event.FlagChange{Ref: ref, UID: 42, ModSeq: 7, Flags: []string{`\Seen`, "$Junk"}}, "cg7ejnqf6b6dphqfnqbcmffbtm"},
		"rev":     {&event.FlagChange{Ref: ref, UID: 42, Rev: 7}, "rmx3ucv32osnkurix2tixb6r4e"},
		"reset":   {&event.MailboxReset{Ref: ref, Before: 1}, "ewxmi2lsor76qm7h5inj7lakgi"},
		"open":    {&event.MailboxOpen{Account: "jo", Mailbox: "INBOX", UIDValidity: 1}, "jswwzb6s7i4bocuv7gmkap757i"},
		"name":    {&event.MailboxName{Account: "jo", Mailbox: "a", OldMailbox: "b", Change: event.NameRenamed}, "atvdbyvdo2m75673b4surtbeju"},
		"link":    {&event.Link{Account: "jo", Up: true}, "qae35mw7q4jtvjaafzzkc4zu5q"},
	} {
		if got := event.ID(c.data, seenAt); got != c.want {
			t.Errorf("%s: ID = %q, want %q", name, got, c.want)
		}
	}
}

// The same happening, found twice, at other times and with more or less known about it.
func TestIDsRepeat(t *testing.T) {
	later := seenAt.Add(time.Hour)
	for name, pair := range map[string][2]event.Data{
		"new":     {&event.MessageNew{Ref: ref, UID: 1}, &event.MessageNew{Ref: ref, UID: 1, ModSeq: 9, Flags: []string{`\Seen`}, Summary: summary()}},
		"expunge": {&event.MessageExpunge{Ref: ref, UID: 1}, &event.MessageExpunge{Ref: ref, UID: 1, ModSeq: 9, Summary: summary()}},
		"flags in another order, case and session": {
			&event.FlagChange{Ref: ref, UID: 1, ModSeq: 9, Flags: []string{`\Seen`, "a", "$Junk"}, Added: []string{"a"}},
			&event.FlagChange{Ref: ref, UID: 1, ModSeq: 9, Rev: 4, Flags: []string{"$junk", `\Recent`, `\SEEN`, "a", "a"}, Removed: []string{"b"}},
		},
		"reset": {&event.MailboxReset{Ref: ref, Before: 1}, &event.MailboxReset{Ref: ref, Before: 1, Exists: 5}},
	} {
		if a, b := event.ID(pair[0], seenAt), event.ID(pair[1], later); a != b {
			t.Errorf("%s: %s and %s", name, a, b)
		}
	}
}

func TestIDsDiffer(t *testing.T) {
	other := event.Ref{Account: "jo", Mailbox: "INBOX", UIDValidity: 2}
	data := []event.Data{
		&event.MessageNew{Ref: ref, UID: 1},
		&event.MessageNew{Ref: ref, UID: 2},
		&event.MessageNew{Ref: other, UID: 1},
		&event.MessageNew{Ref: event.Ref{Account: "j", Mailbox: "oINBOX", UIDValidity: ref.UIDValidity}, UID: 1},
		&event.MessageExpunge{Ref: ref, UID: 1},
		&event.FlagChange{Ref: ref, UID: 1, ModSeq: 1},
		&event.FlagChange{Ref: ref, UID: 1, ModSeq: 2},
		&event.FlagChange{Ref: ref, UID: 1, Rev: 1},
		&event.FlagChange{Ref: ref, UID: 1, Rev: 2},
		&event.FlagChange{Ref: ref, UID: 1, ModSeq: 1, Flags: []string{"ab", "c"}},
		&event.FlagChange{Ref: ref, UID: 1, ModSeq: 1, Flags: []string{"a", "bc"}},
		&event.MailboxReset{Ref: ref, Before: 1},
		&event.MailboxReset{Ref: ref, Before: 2},
		&event.MailboxOpen{Account: "jo", Mailbox: "INBOX"},
		&event.MailboxOpen{Account: "jo", Mailbox: "INBOX", UIDValidity: 1},
		&event.MailboxName{Account: "jo", Mailbox: "a", Change: event.NameCreated},
		&event.MailboxName{Account: "jo", Mailbox: "a", Change: event.NameDeleted},
		&event.MailboxName{Account: "jo", Mailbox: "a", Change: event.NameRenamed, OldMailbox: "b"},
		&event.MailboxName{Account: "jo", Mailbox: "a", Change: event.NameRenamed, OldMailbox: "c"},
		&event.Link{Account: "jo"},
		&event.Link{Account: "jo", Up: true},
		&event.Link{Account: "jo", Up: true, Stale: true},
		&event.Link{Account: "jo", Mailbox: "INBOX"},
	}
	seen := map[string]event.Data{}
	for _, d := range data {
		id := event.ID(d, seenAt)
		if before, ok := seen[id]; ok {
			t.Errorf("%#v and %#v have the same id", before, d)
		}
		seen[id] = d
	}
	for _, d := range []event.Data{&event.MailboxOpen{}, &event.MailboxName{}, &event.Link{}} {
		if event.ID(d, seenAt) == event.ID(d, seenAt.Add(1)) {
			t.Errorf("%T: two of them have the same id", d)
		}
	}
}

func TestIDOfFlagsIsThatOfASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		flags := rapid.SliceOf(rapid.StringMatching(`[\\$]?[a-zA-Z]{0,4}`)).Draw(t, "flags")
		shuffled := rapid.Permutation(flags).Draw(t, "shuffled")
		a := &event.FlagChange{Ref: ref, UID: 1, ModSeq: 1, Flags: flags}
		b := &event.FlagChange{Ref: ref, UID: 1, ModSeq: 1, Flags: slices.Concat(shuffled, flags)}
		if event.ID(a, seenAt) != event.ID(b, seenAt) {
			t.Fatalf("%q and %q differ", a.Flags, b.Flags)
		}
		c := &event.FlagChange{Ref: ref, UID: 1, ModSeq: 1, Flags: append(slices.Clone(flags), "onemore")}
		if event.ID(a, seenAt) == event.ID(c, seenAt) {
			t.Fatalf("%q and %q are the same", a.Flags, c.Flags)
		}
	})
}
