package imapsort_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapsort"
)

func day(n int) time.Time { return time.Date(2026, 1, n, 12, 0, 0, 0, time.UTC) }

// sortKeys reads "REVERSE DATE SUBJECT".
func sortKeys(text string) (keys []imap.SortKey) {
	reverse := false
	for word := range strings.FieldsSeq(text) {
		if word == "REVERSE" {
			reverse = true
			continue
		}
		keys = append(keys, imap.SortKey{Key: word, Reverse: reverse})
		reverse = false
	}
	return keys
}

func TestSort(t *testing.T) {
	messages := []imapsort.Message{
		{Num: 1, Arrival: day(5), Sent: day(1), Size: 30, Subject: "Re: banana", From: "zoe", To: "b", Cc: "", DisplayFrom: "Anna", DisplayTo: "x"},
		{Num: 2, Arrival: day(4), Size: 10, Subject: "Apple", From: "adam", To: "", Cc: "y", DisplayFrom: "zed", DisplayTo: "X"},
		{Num: 3, Arrival: day(3), Sent: day(9), Size: 20, Subject: "[list] BANANA", From: "Bob", To: "a", Cc: "x", DisplayFrom: "", DisplayTo: "w"},
		{Num: 4, Arrival: day(4), Sent: day(9), Size: 10, Subject: "", From: "", To: "a", Cc: "X", DisplayFrom: "émile", DisplayTo: ""},
	}
	for _, test := range []struct{ keys, want string }{
		{"ARRIVAL", "3 2 4 1"},
		{"arrival", "3 2 4 1"},
		{"REVERSE ARRIVAL", "1 2 4 3"}, // messages 2 and 4 are equal, and stay in their order
		{"DATE", "1 2 3 4"},            // message 2 has no Date and counts by its arrival
		{"REVERSE DATE", "3 4 2 1"},
		{"SIZE", "2 4 3 1"},
		{"SUBJECT", "4 2 1 3"}, // base subjects; empty first; without regard to case
		{"SUBJECT REVERSE DATE", "4 2 3 1"},
		{"FROM", "4 2 3 1"},
		{"TO", "2 3 4 1"},
		{"TO REVERSE SIZE", "2 3 4 1"},
		{"CC", "1 3 4 2"},
		{"CC REVERSE ARRIVAL", "1 4 3 2"},
		{"DISPLAYFROM", "3 1 2 4"},
		{"DISPLAYTO", "4 3 1 2"},
		{"", "1 2 3 4"},
	} {
		for range 5 {
			rand.Shuffle(len(messages), func(i, j int) { messages[i], messages[j] = messages[j], messages[i] })
			got, err := imapsort.Sort(messages, sortKeys(test.keys), nil)
			if err != nil || fmt.Sprint(got) != "["+test.want+"]" {
				t.Errorf("%s: got %v (%v), want %s", test.keys, got, err, test.want)
			}
		}
	}
}

func TestSortRefusesWhatItCannotDo(t *testing.T) {
	for _, key := range []string{"RELEVANCY", "", "X-SPAM"} {
		_, err := imapsort.Sort(nil, []imap.SortKey{{Key: "DATE"}, {Key: key}}, nil)
		if e, ok := errors.AsType[*imapsort.KeyError](err); !ok || e.Key != key {
			t.Errorf("%q: error %v", key, err)
		}
	}
	_, err := imapsort.Thread(nil, "X-JWZ", nil)
	if e, ok := errors.AsType[*imapsort.AlgorithmError](err); !ok || e.Algorithm != "X-JWZ" {
		t.Errorf("error %v", err)
	}
}

func TestSortBySubjectWithAFoldOfOnesOwn(t *testing.T) {
	messages := []imapsort.Message{{Num: 1, Subject: "Zoo"}, {Num: 2, Subject: "Évian"}}
	if got, _ := imapsort.Sort(messages, sortKeys("SUBJECT"), nil); !slices.Equal(got, []uint32{1, 2}) {
		t.Errorf("with Casemap: %v", got)
	}
	fold := func(s string) string { return strings.ReplaceAll(imapsort.Casemap(s), "É", "E\u0301") }
	if got, _ := imapsort.Sort(messages, sortKeys("SUBJECT"), fold); !slices.Equal(got, []uint32{2, 1}) {
		t.Errorf("with decomposition: %v", got)
	}
}

func TestCasemap(t *testing.T) {
	for in, want := range map[string]string{"": "", "aZ1": "AZ1", "straße": "STRAßE", "éÉ": "ÉÉ", "ǆ": "ǅ", "\xff": "\ufffd"} {
		if got := imapsort.Casemap(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestFromFetch(t *testing.T) {
	row := &imap.Message{
		SeqNum: 4, UID: 7, Size: 99, InternalDate: day(3),
		Envelope: &imap.Envelope{
			Date: "Fri, 2 Jan 2026 01:00:00 +0200", Subject: "=?utf-8?q?Gr=C3=BC=C3=9Fe?=", InReplyTo: "<b@x> <jo@example.org>", MessageID: `<"a"@x>`,
			From: []imap.Address{{Name: "=?utf-8?q?J=C3=B6?=", Mailbox: "joe", Host: "x"}, {Mailbox: "other"}},
			To:   []imap.Address{{Mailbox: "ann", Host: "y"}},
			Cc:   []imap.Address{{Mailbox: "friends"}, {Mailbox: "bob", Host: "z"}, {}},
		},
	}
	got := imapsort.FromFetch(row, nil)
	want := imapsort.Message{
		Num: 7, Arrival: day(3), Sent: time.Date(2026, 1, 1, 23, 0, 0, 0, time.UTC), Size: 99, Subject: "Grüße",
		From: "joe", To: "ann", Cc: "friends", DisplayFrom: "Jö", DisplayTo: "ann@y", ID: "a@x", References: []string{"b@x"},
	}
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}

	row.Sections = []imap.Section{{Item: "BODY", Spec: "HEADER.FIELDS (REFERENCES)", Data: "References: <r@x>\r\n <s@x>\r\n\r\n"}}
	if got := imapsort.FromFetch(row, nil); !slices.Equal(got.References, []string{"r@x", "s@x"}) {
		t.Errorf("references %q", got.References)
	}
	// RFC 5256 section 3: References without a valid ID count as none.
	row.Sections[0].Data = "X: <x@x>\r\nREFERENCES : none\r\nReferences: <late@x>\r\n"
	if got := imapsort.FromFetch(row, nil); !slices.Equal(got.References, []string{"b@x"}) {
		t.Errorf("references %q", got.References)
	}
	if got := imapsort.FromFetch(&imap.Message{SeqNum: 4}, nil); got.Num != 4 || !got.SentDate().IsZero() || got.References != nil {
		t.Errorf("nothing at all: %+v", got)
	}
}

// RFC 5256 section 2.2.
func TestSentDate(t *testing.T) {
	arrival := time.Date(2020, 2, 2, 2, 2, 2, 0, time.UTC)
	for date, want := range map[string]string{
		"31 Dec 2000 16:01:33 -0800":      "2001-01-01T00:01:33Z", // the example
		"Sun, 31 Dec 2000 16:01:33 NOPE":  "2000-12-31T16:01:33Z", // invalid zone: UTC
		"Sun, 31 Dec 2000 16:01:33 +9900": "2000-12-31T16:01:33Z",
		"Sun, 31 Dec 2000 25:61:33 +0000": "2000-12-31T00:00:00Z", // invalid time
		"Sun, 31 Dec 2000":                "2000-12-31T00:00:00Z",
		"Sun, 31 Foo 2000 16:01:33 +0000": "2020-02-02T02:02:02Z", // no date
		"16:01:33":                        "2020-02-02T02:02:02Z",
		"":                                "2020-02-02T02:02:02Z",
	} {
		m := imapsort.FromFetch(&imap.Message{InternalDate: arrival, Envelope: &imap.Envelope{Date: date}}, nil)
		if got := m.SentDate().Format(time.RFC3339); got != want {
			t.Errorf("%q: got %s, want %s", date, got, want)
		}
	}
}
