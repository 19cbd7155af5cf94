package imap_test

import (
	"fmt"
	"math/rand/v2"
	"net/mail"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
)

func TestParseDate(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		// By the rules (RFC 5322 section 3.3 and appendix A).
		{"Fri, 21 Nov 1997 09:55:06 -0600", "1997-11-21T09:55:06-06:00"},
		{"Tue, 1 Jul 2003 10:52:37 +0200", "2003-07-01T10:52:37+02:00"},
		{"Thu, 13 Feb 1969 23:32:54 -0330", "1969-02-13T23:32:54-03:30"},
		{"Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n               -0330 (Newfoundland Time)", "1969-02-13T23:32:00-03:30"},
		{"21 Nov 97 09:55:06 GMT", "1997-11-21T09:55:06Z"},
		{"Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", "1997-11-21T09:55:06-06:00"},
		{"Mon, 29 Feb 2016 12:00:00 +0000", "2016-02-29T12:00:00Z"},
		{"Sat, 31 Dec 2016 23:59:60 +0000", "2017-01-01T00:00:00Z"}, // a leap second
		// Comments.
		{"Tue, 1 Jul 2003 10:52:37 +0200 (CEST)", "2003-07-01T10:52:37+02:00"},
		{`Tue, 1 Jul (a (nested \) one) 7) 2003 10:52:37 +0200`, "2003-07-01T10:52:37+02:00"},
		{"Tue, 1 Jul 2003 10:52:37 +0200 (no end", "2003-07-01T10:52:37+02:00"},
		{"(only", ""},
		// Years.
		{"1 Jul 49 00:00:00 +0000", "2049-07-01T00:00:00Z"},
		{"1 Jul 50 00:00:00 +0000", "1950-07-01T00:00:00Z"},
		{"1 Jul 103 00:00:00 +0000", "2003-07-01T00:00:00Z"},
		// Names of zones mean the same on every machine.
		{"Tue, 1 Jul 2003 10:52:37 EST", "2003-07-01T10:52:37-05:00"},
		{"Tue, 1 Jul 2003 10:52:37 PDT", "2003-07-01T10:52:37-07:00"},
		{"Tue, 1 Jul 2003 10:52:37 CEST", "2003-07-01T10:52:37+02:00"},
		{"Tue, 1 Jul 2003 10:52:37 Z", "2003-07-01T10:52:37Z"},
		{"Tue, 1 Jul 2003 10:52:37 A", "2003-07-01T10:52:37Z"}, // military
		{"Tue, 1 Jul 2003 10:52:37 XYZT", "2003-07-01T10:52:37Z"},
		{"Tue, 1 Jul 2003 10:52:37", "2003-07-01T10:52:37Z"},
		// Offsets.
		{"Tue, 1 Jul 2003 10:52:37 +02:00", "2003-07-01T10:52:37+02:00"},
		{"Tue, 1 Jul 2003 10:52:37 +2", "2003-07-01T10:52:37+02:00"},
		{"Tue, 1 Jul 2003 10:52:37 -330", "2003-07-01T10:52:37-03:30"},
		{"Tue, 1 Jul 2003 10:52:37+0200", "2003-07-01T10:52:37+02:00"},
		{"Tue, 1 Jul 2003 10:52:37 GMT+0200", "2003-07-01T10:52:37+02:00"},
		{"Tue, 1 Jul 2003 10:52:37 GMT +0200 (CEST)", "2003-07-01T10:52:37+02:00"},
		{"Tue, 1 Jul 2003 10:52:37 +0200 EST", "2003-07-01T10:52:37+02:00"},
		{"Tue, 1 Jul 2003 10:52:37 +9999", "2003-07-01T10:52:37Z"},
		{"Tue, 1 Jul 2003 10:52:37 -0000", "2003-07-01T10:52:37Z"},
		// Weekdays: missing, wrong, glued, in full.
		{"1 Jul 2003 10:52:37 +0200", "2003-07-01T10:52:37+02:00"},
		{"Mon, 1 Jul 2003 10:52:37 +0200", "2003-07-01T10:52:37+02:00"},
		{"Tue,1 Jul 2003 10:52:37 +0200", "2003-07-01T10:52:37+02:00"},
		{"Tuesday, 01 July 2003 10:52:37 +0200", "2003-07-01T10:52:37+02:00"},
		{", 1 Jul 2003 10:52:37 +0200", "2003-07-01T10:52:37+02:00"},
		// Other orders.
		{"Fri Nov 21 09:55:06 1997", "1997-11-21T09:55:06Z"},
		{"Fri Nov 21 09:55:06 PST 1997", "1997-11-21T09:55:06-08:00"},
		{"Fri Nov 21 09:55:06 +0100 1997", "1997-11-21T09:55:06+01:00"},
		{"Fri, Nov 21, 1997 9:55 PM", "1997-11-21T21:55:00Z"},
		{"Nov 21, 1997 12:05:00 AM EST", "1997-11-21T00:05:00-05:00"},
		{"Tue, 1-Jul-2003 10:52:37 GMT", "2003-07-01T10:52:37Z"},
		{"10:52:37 1-Jul-2003", "2003-07-01T10:52:37Z"},
		{"17-Jul-1996 02:44:25 -0700", "1996-07-17T02:44:25-07:00"},
		{"2003-07-01T10:52:37Z", "2003-07-01T10:52:37Z"},
		{"2003-07-01T10:52:37.123456+02:00", "2003-07-01T10:52:37+02:00"},
		{"2003-07-01 10:52:37 -0500", "2003-07-01T10:52:37-05:00"},
		{"2003/07/01 10:52", "2003-07-01T10:52:00Z"},
		{"01.07.2003 10:52:37", "2003-07-01T10:52:37Z"},
		{"Tue, 1 Jul 2003", "2003-07-01T00:00:00Z"},
		{"1 Sept 2003 24:00:00 +0000", "2003-09-02T00:00:00Z"},
		// No dates.
		{"", ""},
		{"yesterday", ""},
		{"00-Jan-0000 00:00:00 +0000", ""}, // Domino
		{"30 Feb 2003 10:00:00 +0000", ""},
		{"0 Feb 2003 10:00:00 +0000", ""},
		{"1 Jul 10:52:37 +0200", ""},
		{"Jul 2003", ""},
		{"1/7/2003 10:52:37", ""},
		{"1 Jul 2003 25:00:00 +0000", ""},
		{"1 Jul 2003 10:61:00 +0000", ""},
		{"1 Jul 2003 10:52:99999999999999999999 +0000", ""},
		{"1 Jul 99999999999999999999 10:52:37 +0000", ""},
		{"+", ""},
		{"1:2:", ""},
	} {
		got, ok := imap.ParseDate(c.in)
		text := ""
		if ok {
			text = got.Format(time.RFC3339)
		}
		if text != c.want {
			t.Errorf("ParseDate(%q) = %q, want %q", c.in, text, c.want)
		}
		if again, ok2 := (&imap.Envelope{Date: c.in}).Time(); ok2 != ok || !again.Equal(got) {
			t.Errorf("Envelope.Time of %q = %v, %v", c.in, again, ok2)
		}
	}
	if _, ok := (*imap.Envelope)(nil).Time(); ok {
		t.Error("no envelope has a date")
	}
}

func TestParseDateAgreesWithNetMail(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	layouts := []string{
		"Mon, _2 Jan 2006 15:04:05 -0700", "2 Jan 2006 15:04:05 -0700", "Mon, 02 Jan 2006 15:04 -0700",
		"Mon, 2 Jan 2006 15:04:05 -0700 (MST)",
	}
	for range 5000 {
		at := time.Unix(r.Int64N(4e9), 0).In(time.FixedZone("X", (r.IntN(28*60)-14*60)*60))
		text := at.Format(layouts[r.IntN(len(layouts))])
		want, err := mail.ParseDate(text)
		if err != nil {
			t.Fatalf("net/mail: %v", err)
		}
		if got, ok := imap.ParseDate(text); !ok || !got.Equal(want) || got.Format(time.RFC3339) != want.Format(time.RFC3339) {
			t.Fatalf("ParseDate(%q) = %v, %v, want %v", text, got, ok, want)
		}
	}
}

func ExampleEnvelope_Time() {
	e := &imap.Envelope{Date: "1 Jul 03 10:52 EDT (an old hand)"}
	date, ok := e.Time()
	fmt.Println(date.Format(time.RFC3339), ok)
	// Output: 2003-07-01T10:52:00-04:00 true
}

func FuzzParseDate(f *testing.F) {
	f.Add("Fri, 21 Nov 1997 09:55:06 -0600")
	f.Add("2003-07-01T10:52:37.1+02:00")
	f.Fuzz(func(t *testing.T, in string) {
		at, ok := imap.ParseDate(in)
		if !ok {
			return
		}
		text := at.Format("Mon, 2 Jan 2006 15:04:05 -0700")
		if again, ok := imap.ParseDate(text); !ok || !again.Equal(at) {
			t.Errorf("ParseDate(%q) = %v, and of that as text %v, %v", in, at, again, ok)
		}
	})
}

func BenchmarkParseDate(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		imap.ParseDate("Tue, 1 Jul 2003 10:52:37 +0200 (CEST)")
	}
}
