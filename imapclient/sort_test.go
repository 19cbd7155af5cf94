package imapclient_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
)

// by reads "REVERSE DATE SUBJECT".
func by(text string) (keys []imap.SortKey) {
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

// rows are what a server without SORT is asked for.
const rows = `
	S: * 1 FETCH (UID 4 INTERNALDATE " 1-Jan-2026 10:00:00 +0000" RFC822.SIZE 30 ENVELOPE ("Fri, 2 Jan 2026 10:00:00 +0000" "Zoo" (("Zoe" NIL "zoe" "x")) NIL NIL NIL NIL NIL NIL "<a@x>"))
	S: * 2 FETCH (UID 5 INTERNALDATE " 2-Jan-2026 10:00:00 +0000" RFC822.SIZE 20 ENVELOPE ("Thu, 1 Jan 2026 10:00:00 +0000" "=?utf-8?q?=C3=89vian?=" (("Adam" NIL "adam" "x")) NIL NIL NIL NIL NIL NIL "<b@x>"))
	S: * 3 FETCH (FLAGS (\Seen))
	S: * 3 FETCH (UID 7 INTERNALDATE " 3-Jan-2026 10:00:00 +0000" RFC822.SIZE 20 ENVELOPE (NIL "Re: EVIAN" ((NIL NIL "bob" "x")) NIL NIL NIL NIL NIL NIL NIL))
	S: * 9 FETCH (UID 99 INTERNALDATE " 1-Jan-2001 10:00:00 +0000" RFC822.SIZE 1 ENVELOPE (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL))
`

func TestSort(t *testing.T) {
	window := &imap.PartialRange{First: 2, Last: 3}
	for _, test := range []struct {
		name, caps, keys, script string
		key                      imap.SearchKey
		o                        *imapclient.SearchOptions
		want                     string
	}{
		{
			name: "by the server", caps: "SORT", keys: "SUBJECT REVERSE DATE", key: imap.All(), script: `
				C: {c} UID SORT (SUBJECT REVERSE DATE) US-ASCII ALL
				S: * SORT 5 3 4 1 2
				S: {c} OK done
			`, want: "order 5,3:4,1:2 count 5 min 5 max 2",
		},
		{
			name: "nothing found", caps: "SORT", keys: "SUBJECT", key: imap.Text("Grüße"), script: `
				C: {c} UID SORT (SUBJECT) UTF-8 TEXT {7+}
				C: Grüße
				S: * SORT
				S: {c} OK done
			`,
		},
		{
			name: "a server that only names what extends SORT", caps: "SORT=DISPLAY", keys: "DISPLAYFROM", key: imap.All(), script: `
				C: {c} UID SORT (DISPLAYFROM) US-ASCII ALL
				S: * SORT 2 1
				S: {c} OK done
			`, want: "order 2,1 count 2 min 2 max 1",
		},
		{
			name: "by relevancy", caps: "SORT ESORT ESEARCH SEARCH=FUZZY", keys: "RELEVANCY", key: imap.Fuzzy(imap.Text("Helo")),
			o: &imapclient.SearchOptions{Return: imap.ReturnRelevancy | imap.ReturnAll}, script: `
				C: {c} UID SORT RETURN (ALL RELEVANCY) (RELEVANCY) US-ASCII FUZZY TEXT "Helo"
				S: * ESEARCH (TAG "{c}") UID ALL 5,10,1 RELEVANCY (99 42 4)
				S: {c} OK done
			`, want: "order 5,10,1 count 3 min 5 max 1 relevancy [99 42 4]",
		},
		{
			name: "counted by ESORT", caps: "SORT ESORT", keys: "DATE", key: imap.All(),
			o: &imapclient.SearchOptions{Return: imap.ReturnCount | imap.ReturnMin | imap.ReturnMax}, script: `
				C: {c} UID SORT RETURN (MIN MAX COUNT) (DATE) US-ASCII ALL
				S: * ESEARCH (TAG "{c}") UID MIN 9 MAX 3 COUNT 4000000000
				S: {c} OK done
			`, want: "count 4000000000 min 9 max 3",
		},
		{
			name: "counted here", caps: "SORT", keys: "DATE", key: imap.All(), o: &imapclient.SearchOptions{Return: imap.ReturnMin}, script: `
				C: {c} UID SORT (DATE) US-ASCII ALL
				S: * SORT 9 4 3
				S: {c} OK done
			`, want: "min 9 max 0 local",
		},
		{
			name: "saved by ESORT", caps: "SORT ESORT ESEARCH SEARCHRES", keys: "DATE", key: imap.All(),
			o: &imapclient.SearchOptions{Return: imap.ReturnSave | imap.ReturnAll}, script: `
				C: {c} UID SORT RETURN (ALL SAVE) (DATE) US-ASCII ALL
				S: * ESEARCH (TAG "{c}") UID ALL 9,4:5,3
				S: {c} OK done
			`, want: "order 9,4:5,3 count 4 min 9 max 3",
		},
		{
			name: "a window by CONTEXT", caps: "SORT ESORT CONTEXT=SORT", keys: "DATE", key: imap.All(), o: &imapclient.SearchOptions{Partial: window}, script: `
				C: {c} UID SORT RETURN (PARTIAL 2:3) (DATE) US-ASCII ALL
				S: * ESEARCH (TAG "{c}") UID PARTIAL (2:3 42,9)
				S: {c} OK done
			`, want: "partial 2:3 [9,42] in order 42,9",
		},
		{
			name: "a window cut here", caps: "SORT", keys: "DATE", key: imap.All(), o: &imapclient.SearchOptions{Partial: window, Return: imap.ReturnCount}, script: `
				C: {c} UID SORT (DATE) US-ASCII ALL
				S: * SORT 1 42 9 2
				S: {c} OK done
			`, want: "count 4 partial 2:3 [9,42] in order 42,9 local",
		},
		{
			name: "here", keys: "SUBJECT", key: imap.WithoutFlag(imap.FlagDeleted), script: `
				C: {c} UID SEARCH UNDELETED
				S: * SEARCH 4 5 6 7
				S: {c} OK done
				C: {d} UID FETCH 4:7 (UID ENVELOPE)
				` + rows + `
				S: {d} OK done
			`, want: "order 7,5,4 count 3 min 7 max 4 local", // E before É before Z
		},
		{
			name: "here, since the server cannot sort by names", caps: "SORT ESEARCH", keys: "REVERSE DISPLAYFROM SIZE", key: imap.All(),
			o: &imapclient.SearchOptions{Partial: &imap.PartialRange{First: -1, Last: -1}}, script: `
				C: {c} UID SEARCH RETURN (ALL) ALL
				S: * ESEARCH (TAG "{c}") UID ALL 4:7
				S: {c} OK done
				C: {d} UID FETCH 4:7 (UID RFC822.SIZE ENVELOPE)
				` + rows + `
				S: {d} OK done
			`, want: "partial -1:-1 [5] in order 5 local",
		},
		{
			name: "here, by all that is not in an envelope", keys: "SIZE REVERSE ARRIVAL", key: imap.All(), script: `
				C: {c} UID SEARCH ALL
				S: * SEARCH 4 5 7
				S: {c} OK done
				C: {d} UID FETCH 4:5,7 (UID INTERNALDATE RFC822.SIZE)
				` + rows + `
				S: {d} OK done
			`, want: "order 7,5,4 count 3 min 7 max 4 local",
		},
		{
			name: "here, where a message has no date", keys: "DATE", key: imap.All(), script: `
				C: {c} UID SEARCH ALL
				S: * SEARCH 4 5 7
				S: {c} OK done
				C: {d} UID FETCH 4:5,7 (UID INTERNALDATE ENVELOPE)
				` + rows + `
				S: {d} OK done
			`, want: "order 5,4,7 count 3 min 5 max 7 local",
		},
		{
			name: "here, nothing", keys: "DATE", key: imap.All(), script: `
				C: {c} UID SEARCH ALL
				S: * SEARCH
				S: {c} OK done
			`, want: "local",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			sessionOn(t, test.caps, test.script, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
				got, err := c.Sort(ctx, by(test.keys), test.key, test.o)
				if err != nil || describe(got) != test.want {
					t.Errorf("got %s (%v)\nwant %s", describe(got), err, test.want)
				}
			})
		})
	}
}

func TestSortThatCannotBeDone(t *testing.T) {
	for _, test := range []struct {
		name, caps, keys string
		o                imapclient.SearchOptions
		want             imap.Capability
	}{
		{"by the server alone", "SEARCH=FUZZY", "DATE", imapclient.SearchOptions{ServerOnly: true}, "SORT"},
		{"by the server alone, by names", "SORT SEARCH=FUZZY", "DISPLAYTO", imapclient.SearchOptions{ServerOnly: true}, "SORT=DISPLAY"},
		{"relevancy", "SEARCH=FUZZY", "RELEVANCY", imapclient.SearchOptions{}, "SORT"},
		{"save without ESORT", "SORT ESEARCH SEARCHRES SEARCH=FUZZY", "DATE", imapclient.SearchOptions{Return: imap.ReturnSave}, "ESORT"},
		{"save without SORT", "ESEARCH SEARCHRES SEARCH=FUZZY", "DATE", imapclient.SearchOptions{Return: imap.ReturnSave}, "SORT"},
		{"save without SEARCHRES", "SORT ESORT ESEARCH SEARCH=FUZZY", "DATE", imapclient.SearchOptions{Return: imap.ReturnSave}, "SEARCHRES"},
		{"fuzzy", "SORT", "DATE", imapclient.SearchOptions{}, "SEARCH=FUZZY"},
	} {
		sessionOn(t, test.caps, "", nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
			_, err := c.Sort(ctx, by(test.keys), imap.Fuzzy(imap.Subject("x")), &test.o)
			if e, ok := errors.AsType[*imapclient.UnsupportedError](err); !ok || e.Capability != test.want || !imapclient.SafeToRetry(err) {
				t.Errorf("%s: error %v, want one for %s", test.name, err, test.want)
			}
		})
	}
	sessionOn(t, "", `
		C: {c} UID SEARCH ALL
		S: * SEARCH 1 2 3 4
		S: {c} OK done
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		_, err := c.Sort(ctx, by("DATE"), imap.All(), &imapclient.SearchOptions{MaxLocal: 3})
		if e, ok := errors.AsType[*imapclient.TooManyError](err); !ok || e.Found != 4 || e.Max != 3 {
			t.Errorf("error %v", err)
		}
	})
	sessionOn(t, "ESEARCH", `
		C: {c} UID SEARCH RETURN (ALL) ALL
		S: * ESEARCH (TAG "{c}") UID ALL 1:4294967295
		S: {c} OK done
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		_, err := c.Thread(ctx, "REFERENCES", imap.All(), nil)
		if e, ok := errors.AsType[*imapclient.TooManyError](err); !ok || e.Found != 4294967295 {
			t.Errorf("error %v", err)
		}
	})
	sessionOn(t, "SORT MESSAGELIMIT=10", `
		C: {c} UID SORT (DATE) US-ASCII ALL
		S: * SORT 4 3
		S: {c} OK [MESSAGELIMIT 10 3] in part
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		if got, err := c.Sort(ctx, by("DATE"), imap.All(), nil); err == nil {
			t.Errorf("of some of the messages only: %s and no error", describe(got))
		}
	})
	sessionOn(t, "SORT", `
		C: {c} UID SORT (DATE) US-ASCII ALL
		S: {c} NO [UNAVAILABLE] later
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		if _, err := c.Sort(ctx, by("DATE"), imap.All(), nil); err == nil {
			t.Error("no error")
		}
	})
	sessionOn(t, "", `
		C: {c} UID SEARCH ALL
		S: * SEARCH 1 2
		S: {c} OK done
		C: {d} UID FETCH 1:2 (UID INTERNALDATE)
		S: {d} NO [UNAVAILABLE] later
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		if _, err := c.Sort(ctx, by("ARRIVAL"), imap.All(), nil); err == nil {
			t.Error("no error")
		}
	})
}
