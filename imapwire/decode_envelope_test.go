package imapwire

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/pushmail/pushmail/imap"
)

func envelopeWith(t *testing.T, opts *Options, from, sender, replyTo string) (*imap.Envelope, []error) {
	t.Helper()
	r, err := Decode(fmt.Sprintf(`* 1 FETCH (UID 7 ENVELOPE (NIL "s" %s %s %s NIL NIL NIL NIL "<m@x>"))`, from, sender, replyTo), opts)
	if err != nil {
		t.Fatal(err)
	}
	m := r.(*imap.Message)
	return m.Envelope, m.Errs
}

// A list that is the same as From is not read again; it must be what reading it again would give.
func TestRepeatedAddressesReadAsTheyAreWritten(t *testing.T) {
	const (
		jo       = `("Jo" NIL "jo" "example.org")`
		ann      = `("Ann \"A\"" NIL "ann" "example.org")`
		literal  = "({2}\r\nJo NIL {2}\r\njo \"example.org\")"
		nameless = `(NIL NIL "jo" "example.org")`
	)
	for _, lists := range [][3]string{
		{"(" + jo + ")", "(" + jo + ")", "(" + jo + ")"},
		{"(" + ann + ")", "(" + ann + ")", "(" + jo + ")"},
		{"(" + jo + ")", "(" + jo + ann + ")", "(" + jo + ")"}, // starts the same
		{"(" + jo + ann + ")", "(" + jo + ")", "(" + jo + ann + ")"},
		{"(" + literal + ")", "(" + literal + ")", "(" + jo + ")"},
		{"(" + nameless + ")", "NIL", "(" + nameless + ")"},
		{"NIL", "NIL", "(" + jo + ")"},
		{"NIL", "NIL", "NIL"},
	} {
		e, errs := envelopeWith(t, nil, lists[0], lists[1], lists[2])
		if len(errs) > 0 {
			t.Errorf("%q: %v", lists, errs)
			continue
		}
		for i, got := range [][]imap.Address{e.From, e.Sender, e.ReplyTo} {
			alone, _ := envelopeWith(t, nil, lists[i], "NIL", "NIL")
			if !reflect.DeepEqual(got, alone.From) {
				t.Errorf("%q: list %d is %+v, want %+v", lists, i, got, alone.From)
			}
		}
		if e.MessageID != "<m@x>" {
			t.Errorf("%q: what follows reads as %q", lists, e.MessageID)
		}
	}
}

// What was appended to one list must not show up in another.
func TestRepeatedAddressesHaveNoRoomToGrow(t *testing.T) {
	const jo = `(("Jo" NIL "jo" "example.org"))`
	e, _ := envelopeWith(t, nil, jo, jo, `(("Ann" NIL "ann" "example.org"))`)
	_ = append(e.Sender, imap.Address{Mailbox: "intruder"})
	if e.ReplyTo[0].Mailbox != "ann" || len(e.From) != 1 || e.From[0].Mailbox != "jo" {
		t.Errorf("got %+v", e)
	}
}

func TestRepeatedAddressesCountForTheLimit(t *testing.T) {
	const (
		two   = `((NIL NIL "a" "x")(NIL NIL "b" "x"))`
		other = `((NIL NIL "c" "x")(NIL NIL "d" "x"))`
	)
	// Six addresses and the two items of the row.
	const elements = 8
	for _, sender := range []string{two, other} {
		for _, limit := range []int{elements - 1, elements} {
			_, errs := envelopeWith(t, &Options{Limits: Limits{Tokens: limit}}, two, sender, two)
			if failed := len(errs) > 0; failed != (limit < elements) {
				t.Errorf("sender %s, limit of %d elements: %v", sender, limit, errs)
			}
		}
	}
}
