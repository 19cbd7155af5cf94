package mailbox

import (
	"fmt"
	"testing"

	"github.com/pushmail/pushmail/imap"
)

// TestNobodySeesThatALedgerWasFolded: one that is folded before each response tells the same as one that never is.
func TestNobodySeesThatALedgerWasFolded(t *testing.T) {
	for _, c := range []struct {
		name string
		view *View
		in   []imap.Response // nil acknowledges a change
	}{
		{"nothing has happened", viewOf(1, 2, 3), []imap.Response{ok()}},
		{"flags that wait", viewOf(1, 2, 3), []imap.Response{row(2, 0, imap.FlagSeen), row(3, 0, imap.FlagSeen), nil, ok()}},
		{"a message that is announced", viewOf(1, 2, 3), []imap.Response{imap.Exists(4), ok(), row(4, 7), ok(), nil}},
		{"messages whose rows come out of order", viewOf(1, 2, 3), []imap.Response{imap.Exists(5), row(5, 8), row(4, 7), ok(), nil, nil}},
		{"a message that comes and goes before it is known", viewOf(1, 2, 3), []imap.Response{imap.Exists(4), vanished(4, 4), ok()}},
		{"a HIGHESTMODSEQ before the end of its command", viewOf(1, 2, 3), []imap.Response{code(imap.CodeHighestModSeq, 200), ok()}},
		{"a HIGHESTMODSEQ while changes wait", viewOf(1, 2, 3), []imap.Response{row(2, 0, imap.FlagSeen), code(imap.CodeHighestModSeq, 200), ok(), nil}},
		{"a later one than was acknowledged", viewOf(1, 2, 3), []imap.Response{imap.Expunge(1), code(imap.CodeHighestModSeq, 200), ok(), vanished(2, 2), nil, code(imap.CodeHighestModSeq, 201), nil, ok()}},
		{"messages without numbers", unnumbered(viewOf(1, 2, 3)), []imap.Response{ok(), row(0, 2, imap.FlagSeen), nil, imap.Expunge(1)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			view := *c.view
			view.state = c.view.state.Clone()
			plain, folded := NewLedger(c.view, nil), NewLedger(&view, nil)
			plain.Remember(3, Identity{Print: Print{1}})
			folded.Remember(3, Identity{Print: Print{1}})
			for i, r := range c.in {
				folded.Fold()
				if r == nil {
					plain.Ack()
					folded.Ack()
					r = imap.Exists(plain.Exists()) // says nothing
				}
				if want, got := fmt.Sprint(plain.Apply(r)), fmt.Sprint(folded.Apply(r)); got != want {
					t.Fatalf("response %d: %s, want %s", i, got, want)
				}
				if want, got := ledgerText(t, plain), ledgerText(t, folded); got != want {
					t.Fatalf("after response %d it is\n%s, want\n%s", i, got, want)
				}
			}
		})
	}
}

func unnumbered(v *View) *View {
	v.unnumbered = true
	return v
}

// ledgerText is all that a Ledger tells.
func ledgerText(t *testing.T, l *Ledger) string {
	t.Helper()
	stored, err := l.State().MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	seen, err := l.View().State().MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	next, waits := l.Next()
	set, need := l.View().NeedFetch()
	return fmt.Sprintf("%x %x %v %v, %d wait, %d exist, %d of which are pending, fetch %v %v, UIDs %v, the first is %d", stored, seen, next, waits, l.Len(), l.Exists(), l.View().Pending(), set, need, l.View().State().UIDs(), l.View().UIDAt(1))
}

// TestFoldGivesBackTheView: of a small mailbox in which nothing happens only a checkpoint stays; for a large one it would take too long to
// make that each time.
func TestFoldGivesBackTheView(t *testing.T) {
	for n, want := range map[int]bool{0: true, 1: true, chunkSize: true, chunkSize + 1: false} {
		v := viewOf()
		v.state.appendRun(1, n, 0)
		v.count = uint32(n)
		l := NewLedger(v, nil)
		if folded := l.Fold(); folded != want || (l.view == nil) != want {
			t.Errorf("%d messages: folded %v, want %v", n, folded, want)
		}
		if l.Exists() != uint32(n) || l.State().Len() != n {
			t.Errorf("%d messages: %d exist, %d are known", n, l.Exists(), l.State().Len())
		}
	}
}
