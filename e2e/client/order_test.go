package client

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/charmap"

	"github.com/pushmail/pushmail/e2e/dovecot"
	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
)

// oddMail are messages with everything in a header that an order can depend on, in ways that senders and programs
// get wrong. The seed makes it the same mail each time.
func oddMail(n int, seed uint64) [][]byte {
	r := rand.New(rand.NewPCG(seed, seed))
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	messages := make([][]byte, n)
	for i := range messages {
		var b strings.Builder
		field := func(name, value string) {
			if value != "" {
				fmt.Fprintf(&b, "%s: %s\r\n", name, value)
			}
		}
		topic := pick("lunch", "Lunch at noon", "minutes", "=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "=?utf-8?b?w4l2aWFu?=", "Evian", "Zoo", "=?iso-8859-1?q?=E9vian?=", "[list] lunch",
			"Apple", "apple pie", "budget 2026", "budget  2026", "=?utf-8?q?=E6=98=BC=E9=A3=9F?=")
		topic = pick("", "", "", "Re: ", "RE: ", "Re: Re: ", "Fwd: ", "fw:", "[list] Re: ", "Re[2]: ", "re : ") + topic + pick("", "", "", " (fwd)", "  ")
		if r.IntN(12) == 0 {
			topic = "[fwd: " + topic + "]"
		}
		field("Subject", pick(topic, topic, topic, topic, topic, topic, topic, "", "Re:", "[list]"))
		day := time.Date(2026, 1, 1+r.IntN(20), r.IntN(24), r.IntN(60), 0, 0, time.FixedZone("", (r.IntN(25)-12)*3600))
		date := day.Format(time.RFC1123Z)
		field("Date", pick(date, date, date, date, date, day.Format("2 Jan 2006 15:04 -0700"), day.Format("Mon, 2 Jan 2006 15:04:05 MST")[:25]+" GMT", "", "some day"))
		people := []string{
			"Zoe <zoe@example.org>", "adam@example.org", "\"Bob B.\" <Bob@example.com>", "=?utf-8?q?=C3=89mile?= <emile@example.org>", "Carl <ADAM@example.net>", "", "friends: ann@example.org, bob@example.org;",
			"undisclosed-recipients:;", "\"\" <dora@example.org>", "Jo\r\n Folded <jo@example.org>", "nobody",
		}
		field("From", pick(people[:6]...))
		field("To", pick(people...))
		field("Cc", pick(people...))
		id := func(k int) string {
			return pick(fmt.Sprintf("<m%d@example.org>", k), fmt.Sprintf("<m%d@example.org>", k), fmt.Sprintf("<m%d@example.org>", k), fmt.Sprintf("<\"m%d\"@example.org>", k))
		}
		if r.IntN(15) > 0 {
			field("Message-ID", pick(id(i), id(i), id(i), id(i), id(i), id(i), id(i), id(i), id(r.IntN(n))))
		}
		var ancestors []string
		for k := i - r.IntN(8); k < i && len(ancestors) < 4; k += 1 + r.IntN(3) {
			if k >= 0 {
				ancestors = append(ancestors, id(k))
			}
		}
		if r.IntN(10) == 0 {
			ancestors = append([]string{fmt.Sprintf("<gone%d@example.org>", r.IntN(6))}, ancestors...)
		}
		if r.IntN(10) == 0 {
			ancestors = append(ancestors, id(r.IntN(n)))
		}
		if r.IntN(20) == 0 {
			ancestors = append(ancestors, id(i))
		}
		switch r.IntN(6) {
		case 0, 1, 2:
			field("References", strings.Join(ancestors, pick(" ", "\r\n ")))
		case 3:
			if len(ancestors) > 0 {
				field("In-Reply-To", ancestors[len(ancestors)-1]+pick("", " <jo@elsewhere.org>"))
			}
		}
		b.WriteString("\r\n" + strings.Repeat("x", r.IntN(40)) + "\r\n")
		messages[i] = []byte(b.String())
	}
	r.Shuffle(n, func(i, j int) { messages[i], messages[j] = messages[j], messages[i] })
	return messages
}

// mask are the capabilities to hide so that nothing is put in order by the server.
var mask = []imap.Capability{"SORT", "SORT=DISPLAY", "ESORT", "CONTEXT=SORT", "THREAD=REFERENCES", "THREAD=REFS", "THREAD=ORDEREDSUBJECT"}

// twoWays returns a connection on which the server sorts, and one on which it must not. No two messages came at the
// same time: where Dovecot finds threads that are of one time, it looks at the UID of parents that nobody sees.
func twoWays(t *testing.T, mail [][]byte) (server, local *imapclient.Conn) {
	t.Helper()
	s := dovecot.Start(t, dovecot.Options{})
	server, _ = connected(t, s, "jo", nil)
	messages := make([]imap.AppendMessage, len(mail))
	for i, m := range mail {
		messages[i] = imap.AppendMessage{Data: m, Date: time.Date(2026, 1, 15, 0, i*97%1009, 0, 0, time.UTC)}
	}
	_, err := server.AppendMessages(within(t, 30*time.Second), "INBOX", messages...)
	check(t, err)
	o := options(t, s, imapclient.ImplicitTLS)
	o.MaskCapabilities = mask
	local, _ = connected(t, s, "jo", o)
	for _, c := range []*imapclient.Conn{server, local} {
		_, err := c.Select(within(t, 20*time.Second), "INBOX", nil)
		check(t, err)
	}
	return server, local
}

func TestSortingHereIsSortingThere(t *testing.T) {
	server, local := twoWays(t, oddMail(300, 1))
	ctx := within(t, 60*time.Second)
	for _, text := range []string{
		"ARRIVAL", "CC", "DATE", "FROM", "SIZE", "SUBJECT", "TO", "DISPLAYFROM", "DISPLAYTO", "REVERSE DATE", "REVERSE SUBJECT", "SUBJECT REVERSE DATE", "FROM SIZE REVERSE ARRIVAL",
		"REVERSE TO CC SUBJECT",
	} {
		var keys []imap.SortKey
		reverse := false
		for word := range strings.FieldsSeq(text) {
			if reverse = word == "REVERSE"; !reverse {
				keys = append(keys, imap.SortKey{Key: word, Reverse: strings.Contains(text, "REVERSE "+word)})
			}
		}
		want, err := server.Sort(ctx, keys, imap.All(), nil)
		check(t, err)
		got, err := local.Sort(ctx, keys, imap.All(), nil)
		check(t, err)
		if want.Local || !got.Local {
			t.Fatalf("%s: local is %v and %v", text, want.Local, got.Local)
		}
		if !slices.Equal(got.Order, want.Order) {
			t.Errorf("%s: here  %v\nthere %v\n%s", text, got.Order, want.Order, difference(ctx, t, server, slices.Collect(got.Order.All()), slices.Collect(want.Order.All())))
		}
	}
}

// difference shows the first place at which two orders differ.
func difference(ctx context.Context, t *testing.T, c *imapclient.Conn, got, want []imap.UID) string {
	t.Helper()
	for i := range min(len(got), len(want)) {
		if got[i] == want[i] {
			continue
		}
		var b strings.Builder
		for m, err := range c.Fetch(ctx, imap.UIDs(got[i], want[i]), &imap.FetchOptions{Items: imap.ItemEnvelope | imap.ItemInternalDate}) {
			check(t, err)
			fmt.Fprintf(&b, "%d: %v %+v\n", m.UID, m.InternalDate, *m.Envelope)
		}
		return fmt.Sprintf("at %d: here %d, there %d\n%s", i, got[i], want[i], b.String())
	}
	return ""
}

func TestThreadingHereIsThreadingThere(t *testing.T) {
	for seed := range uint64(4) {
		server, local := twoWays(t, oddMail(200, seed))
		ctx := within(t, 60*time.Second)
		for _, algorithm := range []string{"ORDEREDSUBJECT", "REFERENCES", "REFS"} {
			want, err := server.Thread(ctx, algorithm, imap.All(), nil)
			check(t, err)
			got, err := local.Thread(ctx, algorithm, imap.All(), nil)
			check(t, err)
			if want.Local || !got.Local {
				t.Fatalf("%s: local is %v and %v", algorithm, want.Local, got.Local)
			}
			if a, b := showThreads(got.Roots), showThreads(want.Roots); a != b {
				t.Errorf("seed %d: %s: here  %s\nthere %s", seed, algorithm, a, b)
			}
		}
	}
}

func showThreads(nodes []imap.ThreadNode) string {
	var b strings.Builder
	for _, n := range nodes {
		fmt.Fprint(&b, "(", n.Num, showThreads(n.Children), ")")
	}
	return b.String()
}

// Where Dovecot 2.3 puts a message elsewhere than RFC 5256 says, or than the message deserves. The first two messages
// are of 1 and 6 January, "d" and "f"; the third is the one in question, and came on the 15th or later.
func TestWhereDovecotSortsDifferently(t *testing.T) {
	tests := []struct {
		what, key, header string
		here, there       string
	}{
		// RFC 5256 section 2.2: "If the time is also invalid, the time SHOULD be treated as 00:00:00." Dovecot takes
		// the INTERNALDATE.
		{"an invalid time", "DATE", "Date: Sun, 4 Jan 2026 25:61:00 +0000", "1 3 2", "1 2 3"},
		{"no time", "DATE", "Date: Sun, 4 Jan 2026", "1 3 2", "1 2 3"},
		{"a leap second too late", "DATE", "Date: Sun, 4 Jan 2026 10:00:61 +0000", "1 3 2", "1 2 3"},
		// The RFC would have the INTERNALDATE, as it cannot be parsed by RFC 5322. It says clearly what it means.
		{"ISO 8601", "DATE", "Date: 2026-01-04 10:00:00", "1 3 2", "1 2 3"},
		// Dovecot keeps dates as numbers from 1970 on.
		{"before 1970", "DATE", "Date: Sun, 4 Jan 1969 10:00:00 +0000", "3 1 2", "1 2 3"},
		{"the first second of 1970", "DATE", "Date: Thu, 1 Jan 1970 00:00:00 +0000", "3 1 2", "1 2 3"},
		// Bytes that are not UTF-8 are taken for windows-1252 here, and for nothing there.
		{"raw bytes", "SUBJECT", "Subject: \xe9vian", "1 3 2", "1 2 3"},
		// Dovecot sorts by the first and has the last in its ENVELOPE.
		{"two subjects", "SUBJECT", "Subject: x\r\nSubject: e", "1 3 2", "1 2 3"},
		// And two where they agree.
		{"an invalid zone", "DATE", "Date: Sun, 4 Jan 2026 10:00:00 NOPE", "1 3 2", "1 3 2"},
		{"no date", "DATE", "Date: some day", "1 2 3", "1 2 3"},
	}
	mail := [][]byte{
		[]byte("Subject: d\r\nDate: Thu, 1 Jan 2026 12:00:00 +0000\r\n\r\n1\r\n"),
		[]byte("Subject: f\r\nDate: Tue, 6 Jan 2026 12:00:00 +0000\r\n\r\n2\r\n"),
	}
	for _, test := range tests {
		mail = append(mail, []byte("From: jo@example.org\r\n"+test.header+"\r\n\r\n3\r\n"))
	}
	server, local := twoWays(t, mail)
	ctx := within(t, 60*time.Second)
	for i, test := range tests {
		uid := imap.UID(3 + i)
		sorted := func(c *imapclient.Conn) string {
			res, err := c.Sort(ctx, []imap.SortKey{{Key: test.key}}, imap.UIDIn(imap.UIDs(1, 2, uid)), nil)
			check(t, err)
			var out []string
			for n := range res.Order.All() {
				out = append(out, fmt.Sprint(min(n, 3)))
			}
			return strings.Join(out, " ")
		}
		if here, there := sorted(local), sorted(server); here != test.here || there != test.there {
			t.Errorf("%s: here %s, there %s; want %s and %s", test.what, here, there, test.here, test.there)
		}
	}
}

// Encoded words in a character set that the library does not know by itself need a reader for it.
func TestSortingHereInOtherCharacterSets(t *testing.T) {
	server, local := twoWays(t, [][]byte{
		[]byte("Subject: =?koi8-r?q?=C2?=\r\n\r\n1\r\n"),                // б
		[]byte("Subject: =?utf-8?q?=D0=B0?=\r\n\r\n2\r\n"),              // а
		[]byte("Subject: =?utf-8?q?=D0=B2?=\r\n\r\n3\r\n"),              // в
		[]byte("Subject: =?utf-8?q?=EF=BC=A1?= fullwidth\r\n\r\n4\r\n"), // A in full width
		[]byte("Subject: b\r\n\r\n5\r\n"),
	})
	ctx := within(t, 20*time.Second)
	keys := []imap.SortKey{{Key: "SUBJECT"}}
	want, err := server.Sort(ctx, keys, imap.All(), nil)
	check(t, err)
	got, err := local.Sort(ctx, keys, imap.All(), &imapclient.SearchOptions{Charset: func(label string, r io.Reader) (io.Reader, error) {
		return charmap.KOI8R.NewDecoder().Reader(r), nil
	}})
	check(t, err)
	if got.Order.String() != want.Order.String() || want.Order.String() != "4:5,2,1,3" {
		t.Errorf("here %v, there %v", got.Order, want.Order)
	}
}

func TestSearchReturnsOnTheRealThing(t *testing.T) {
	server, _ := twoWays(t, oddMail(40, 7))
	ctx := within(t, 30*time.Second)
	all := &imapclient.SearchOptions{Return: imap.ReturnMin | imap.ReturnMax | imap.ReturnAll | imap.ReturnCount | imap.ReturnSave}
	found, err := server.SearchWith(ctx, imap.Larger(300), all)
	check(t, err)
	saved, err := server.SearchWith(ctx, imap.Saved(), nil)
	check(t, err)
	if found.Count == 0 || found.Count == 40 || !saved.UIDs.Equal(found.UIDs) || uint64(found.Count) != found.UIDs.Len() || found.Min != found.UIDs.Min() || found.Max != found.UIDs.Max() {
		t.Errorf("found %+v, saved %+v", found, saved)
	}
	window, err := server.SearchWith(ctx, imap.Larger(300), &imapclient.SearchOptions{Partial: &imap.PartialRange{First: 2, Last: 4}})
	check(t, err)
	if cut := imap.UIDList(found.UIDs).Slice(1, 4).Set(); window.Local || !window.Partial.Nums.Equal(cut) {
		t.Errorf("window %+v, want %v", window.Partial, cut)
	}
	sorted, err := server.Sort(ctx, []imap.SortKey{{Key: "SIZE"}}, imap.All(), nil)
	check(t, err)
	edges, err := server.Sort(ctx, []imap.SortKey{{Key: "SIZE"}}, imap.All(), &imapclient.SearchOptions{Return: imap.ReturnMin | imap.ReturnMax | imap.ReturnCount})
	check(t, err)
	if edges.Min != sorted.Order.First() || edges.Max != sorted.Order.Last() || edges.Count != 40 || edges.Local {
		t.Errorf("edges %+v of %v", edges, sorted.Order)
	}
	for name, key := range map[string]imap.SearchKey{
		"within": imap.OlderThan(time.Hour), "saved": imap.SavedBefore(time.Now().AddDate(0, 0, 2)), "saved dates": imap.SaveDateSupported(),
		"mod-sequence": imap.ModSeqSince(1), "text": imap.Or(imap.Subject("Grüße"), imap.UIDBefore(41)), "empty": imap.Not(imap.UIDIn(nil)),
	} {
		if got, err := server.Search(ctx, key); err != nil || got.Count != 40 {
			t.Errorf("%s: found %+v (%v)", name, got, err)
		}
	}
}

func TestLiveSearchOnTheRealThing(t *testing.T) {
	s := dovecot.Start(t, dovecot.Options{})
	c, other := connected(t, s, "jo", nil)
	ctx := within(t, 30*time.Second)
	for range 3 {
		_, err := other.Append("INBOX", message("one"))
		check(t, err)
	}
	_, err := c.Select(ctx, "INBOX", nil)
	check(t, err)
	var updates []string
	l, err := c.SearchLive(ctx, imap.WithoutFlag(imap.FlagSeen), &imapclient.LiveOptions{OnUpdate: func(u imap.ESearchUpdate) {
		updates = append(updates, fmt.Sprint(u.Remove, u.Nums))
	}})
	check(t, err)
	if l.UIDs().String() != "1:3" {
		t.Errorf("at first %v", l.UIDs())
	}
	_, err = other.Append("INBOX", message("four"))
	check(t, err)
	check(t, c.Noop(ctx))
	check(t, other.Store("+FLAGS", `\Seen`, 2))
	check(t, c.Noop(ctx))
	if l.UIDs().String() != "1,3:4" || l.Err() != nil {
		t.Errorf("then %v (%v), updates %v", l.UIDs(), l.Err(), updates)
	}
	check(t, l.Close(ctx))
	check(t, other.Store("+FLAGS", `\Seen`, 3))
	check(t, c.Noop(ctx))
	if l.UIDs().String() != "1,3:4" {
		t.Errorf("after its end %v, updates %v", l.UIDs(), updates)
	}
}
