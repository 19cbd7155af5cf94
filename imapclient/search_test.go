package imapclient_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imapwire"
)

// sessionOn is session on a server with these capabilities, besides IMAP4rev1 and LITERAL+.
func sessionOn(t *testing.T, caps, script string, o *imapclient.Options, client func(t *testing.T, ctx context.Context, c *imapclient.Conn)) {
	t.Helper()
	start := strings.ReplaceAll(selected, "IDLE LITERAL+ UIDPLUS SASL-IR ENABLE CONDSTORE]", "LITERAL+ "+caps+"]")
	playSelected(t, start+script, o, client)
}

// describe shows a result without what is zero.
func describe(r *imapclient.SearchResult) string {
	if r == nil {
		return "nil"
	}
	var b strings.Builder
	put := func(format string, args ...any) { fmt.Fprintf(&b, " "+format, args...) }
	if r.Mailbox != "" {
		put("in %s/%d", r.Mailbox, r.UIDValidity)
	}
	if len(r.UIDs) > 0 {
		put("uids %v", r.UIDs)
	}
	if len(r.Order) > 0 {
		put("order %v", r.Order)
	}
	if r.Count > 0 {
		put("count %d", r.Count)
	}
	if r.Min > 0 || r.Max > 0 {
		put("min %d max %d", r.Min, r.Max)
	}
	if r.Partial != nil {
		put("partial %d:%d [%v]", r.Partial.First, r.Partial.Last, r.Partial.Nums)
		if r.Partial.Order != nil {
			put("in order %v", r.Partial.Order)
		}
	}
	if r.Relevancy != nil {
		put("relevancy %v", r.Relevancy)
	}
	if r.ModSeq > 0 {
		put("modseq %d", r.ModSeq)
	}
	if len(r.Unknown) > 0 {
		put("unknown %v", r.Unknown)
	}
	if r.Local {
		put("local")
	}
	return strings.TrimSpace(b.String())
}

func TestSearchWith(t *testing.T) {
	for _, test := range []struct {
		name, caps, script string
		key                imap.SearchKey
		o                  *imapclient.SearchOptions
		want               string
	}{
		{
			name: "all", caps: "ESEARCH", key: imap.WithoutFlag(imap.FlagSeen),
			script: `
				C: {c} UID SEARCH RETURN (ALL) UNSEEN
				S: * ESEARCH (TAG "{c}") UID ALL 2,10:11
				S: {c} OK done
			`,
			want: "uids 2,10:11 count 3 min 2 max 11",
		},
		{
			name: "nothing found", caps: "ESEARCH", key: imap.All(),
			script: `
				C: {c} UID SEARCH RETURN (ALL) ALL
				S: * ESEARCH (TAG "{c}") UID
				S: {c} OK done
			`,
		},
		{
			name: "all, without ESEARCH", key: imap.All(),
			script: `
				C: {c} UID SEARCH ALL
				S: * SEARCH 11 2 10
				S: {c} OK done
			`,
			want: "uids 2,10:11 count 3 min 2 max 11",
		},
		{
			name: "all, answered as if without ESEARCH (Cyrus 2.4)", caps: "ESEARCH", key: imap.All(),
			o: &imapclient.SearchOptions{Return: imap.ReturnCount | imap.ReturnMin},
			script: `
				C: {c} UID SEARCH RETURN (MIN COUNT) ALL
				S: * SEARCH 2 10 11
				S: {c} OK done
			`,
			want: "count 3 min 2 max 0",
		},
		{
			name: "count, min and max", caps: "ESEARCH", key: imap.All(),
			o: &imapclient.SearchOptions{Return: imap.ReturnCount | imap.ReturnMin | imap.ReturnMax},
			script: `
				C: {c} UID SEARCH RETURN (MIN MAX COUNT) ALL
				S: * ESEARCH (TAG "{c}") UID MIN 2 MAX 4294967295 COUNT 4294967295
				S: {c} OK done
			`,
			want: "count 4294967295 min 2 max 4294967295",
		},
		{
			name: "count, min and max, without ESEARCH", key: imap.All(),
			o: &imapclient.SearchOptions{Return: imap.ReturnCount | imap.ReturnMax},
			script: `
				C: {c} UID SEARCH ALL
				S: * SEARCH 2 10 11
				S: {c} OK done
			`,
			want: "count 3 min 0 max 11 local",
		},
		{
			name: "billions", caps: "ESEARCH", key: imap.All(),
			script: `
				C: {c} UID SEARCH RETURN (ALL) ALL
				S: * ESEARCH (TAG "{c}") UID ALL 1:4294967295
				S: {c} OK done
			`,
			want: "uids 1:4294967295 count 4294967295 min 1 max 4294967295",
		},
		{
			name: "by mod-sequence", caps: "ESEARCH CONDSTORE", key: imap.ModSeqOf(`/flags/\draft`, "all", 620162338),
			o: &imapclient.SearchOptions{Return: imap.ReturnMin},
			script: `
				C: {c} UID SEARCH RETURN (MIN) MODSEQ "/flags/\\draft" all 620162338
				S: * ESEARCH (TAG "{c}") UID MIN 2 MODSEQ 917162488
				S: {c} OK done
			`,
			want: "min 2 max 0 modseq 917162488",
		},
		{
			name: "saved", caps: "ESEARCH SEARCHRES", key: imap.WithFlag(imap.FlagFlagged),
			o: &imapclient.SearchOptions{Return: imap.ReturnSave},
			script: `
				C: {c} UID SEARCH RETURN (SAVE) FLAGGED
				S: {c} OK done
			`,
		},
		{
			name: "of what was saved, saved again", caps: "ESEARCH SEARCHRES", key: imap.And(imap.Saved(), imap.Smaller(4096)),
			o: &imapclient.SearchOptions{Return: imap.ReturnSave | imap.ReturnAll},
			script: `
				C: {c} UID SEARCH RETURN (ALL SAVE) $ SMALLER 4096
				S: * ESEARCH (TAG "{c}") UID ALL 17
				S: {c} OK done
			`,
			want: "uids 17 count 1 min 17 max 17",
		},
		{
			name: "relevancy", caps: "ESEARCH SEARCH=FUZZY", key: imap.Fuzzy(imap.Text("Helo")),
			o: &imapclient.SearchOptions{Return: imap.ReturnRelevancy | imap.ReturnAll},
			script: `
				C: {c} UID SEARCH RETURN (ALL RELEVANCY) FUZZY TEXT "Helo"
				S: * ESEARCH (TAG "{c}") UID ALL 1,5,10 RELEVANCY (4 99 42)
				S: {c} OK done
			`,
			want: "uids 1,5,10 count 3 min 1 max 10 relevancy [4 99 42]",
		},
		{
			name: "a window", caps: "ESEARCH PARTIAL", key: imap.All(), o: &imapclient.SearchOptions{Partial: &imap.PartialRange{First: -1, Last: -100}},
			script: `
				C: {c} UID SEARCH RETURN (PARTIAL -1:-100) ALL
				S: * ESEARCH (TAG "{c}") UID PARTIAL (-1:-100 265:364)
				S: {c} OK done
			`,
			want: "partial -1:-100 [265:364]",
		},
		{
			name: "a window beyond the end, by CONTEXT", caps: "ESEARCH CONTEXT=SEARCH", key: imap.All(),
			o: &imapclient.SearchOptions{Partial: &imap.PartialRange{First: 24000, Last: 24500}, Return: imap.ReturnContext | imap.ReturnCount},
			script: `
				C: {c} UID SEARCH RETURN (COUNT CONTEXT PARTIAL 24000:24500) ALL
				S: * ESEARCH (TAG "{c}") UID COUNT 7 PARTIAL (24000:24500 NIL)
				S: {c} OK done
			`,
			want: "count 7 partial 24000:24500 []",
		},
		{
			name: "a window from the end, cut here: CONTEXT has none", caps: "ESEARCH CONTEXT=SEARCH", key: imap.All(),
			o: &imapclient.SearchOptions{Partial: &imap.PartialRange{First: -3, Last: -2}},
			script: `
				C: {c} UID SEARCH RETURN (ALL) ALL
				S: * ESEARCH (TAG "{c}") UID ALL 1:4,8,4294967290:4294967295
				S: {c} OK done
			`,
			want: "partial -3:-2 [4294967293:4294967294] local",
		},
		{
			name: "a window cut here; the hint is left out", caps: "ESEARCH", key: imap.All(),
			o: &imapclient.SearchOptions{Partial: &imap.PartialRange{First: 6, Last: 3}, Return: imap.ReturnCount | imap.ReturnContext},
			script: `
				C: {c} UID SEARCH RETURN (ALL COUNT) ALL
				S: * ESEARCH (TAG "{c}") UID ALL 5:7,20:22 COUNT 6
				S: {c} OK done
			`,
			want: "count 6 partial 6:3 [7,20:22] local",
		},
		{
			name: "a window of nothing", key: imap.All(), o: &imapclient.SearchOptions{Partial: &imap.PartialRange{First: -5, Last: -1}},
			script: `
				C: {c} UID SEARCH ALL
				S: * SEARCH
				S: {c} OK done
			`,
			want: "partial -5:-1 [] local",
		},
		{
			name: "return data of the future", caps: "ESEARCH", key: imap.All(),
			script: `
				C: {c} UID SEARCH RETURN (ALL) ALL
				S: * ESEARCH (TAG "{c}") UID ALL 3 X-WEIGHT (1 2)
				S: {c} OK done
			`,
			want: "uids 3 count 1 min 3 max 3 unknown [{X-WEIGHT (1 2)}]",
		},
		{
			name: "in two responses", caps: "ESEARCH", key: imap.All(),
			script: `
				C: {c} UID SEARCH RETURN (ALL) ALL
				S: * ESEARCH (TAG "{c}") UID ALL 3
				S: * ESEARCH UID ALL 4
				S: {c} OK done
			`,
			want: "uids 3:4 count 2 min 3 max 4",
		},
		{
			name: "a server that stops at its limit of messages", caps: "ESEARCH MESSAGELIMIT=1000", key: imap.Subject("x"),
			o: &imapclient.SearchOptions{Return: imap.ReturnAll | imap.ReturnCount},
			script: `
				C: {c} UID SEARCH RETURN (ALL COUNT) SUBJECT "x"
				S: * ESEARCH (TAG "{c}") UID ALL 5001,5003 COUNT 2
				S: {c} OK [MESSAGELIMIT 1000 5000] searched in part
				C: {d} UID SEARCH RETURN (ALL COUNT) UID 1:4999 SUBJECT "x"
				S: * ESEARCH (TAG "{d}") UID ALL 4100 COUNT 1
				S: {d} OK [MESSAGELIMIT 1000 4000] searched in part
				C: {e} UID SEARCH RETURN (ALL COUNT) UID 1:3999 SUBJECT "x"
				S: * ESEARCH (TAG "{e}") UID ALL 1 COUNT 1
				S: {e} OK done
			`,
			want: "uids 1,4100,5001,5003 count 4 min 1 max 5003",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			sessionOn(t, test.caps, test.script, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
				got, err := c.SearchWith(ctx, test.key, test.o)
				if err != nil || describe(got) != test.want {
					t.Errorf("got %s (%v)\nwant %s", describe(got), err, test.want)
				}
			})
		})
	}
}

func TestSearchAmongManyUIDsIsSentInParts(t *testing.T) {
	var many imap.UIDSet
	for uid := imap.UID(1001); uid < 9999; uid += 2 {
		many.Add(uid)
	}
	sessionOn(t, "ESEARCH", `
		C: {c} UID SEARCH RETURN (ALL COUNT) UNSEEN UID 1001,1003,{*}
		S: * ESEARCH (TAG "{c}") UID ALL 1001,1003 COUNT 2
		S: {c} OK done
		C: {d} UID SEARCH RETURN (ALL COUNT) UNSEEN UID 4{*}
		S: * ESEARCH (TAG "{d}") UID COUNT 0
		S: {d} OK done
		C: {e} UID SEARCH RETURN (ALL COUNT) UNSEEN UID 7{*},9997
		S: * ESEARCH (TAG "{e}") UID ALL 9997 COUNT 1
		S: {e} OK done
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		key := imap.And(imap.Not(imap.WithFlag(imap.FlagSeen)), imap.UIDIn(many))
		got, err := c.SearchWith(ctx, key, &imapclient.SearchOptions{Return: imap.ReturnAll | imap.ReturnCount})
		if want := "uids 1001,1003,9997 count 3 min 1001 max 9997"; err != nil || describe(got) != want {
			t.Errorf("got %s (%v)\nwant %s", describe(got), err, want)
		}
	})
}

func TestSearchTakesOnlyItsOwnAnswer(t *testing.T) {
	var h heard
	o := plain()
	o.Handler = h.handle
	sessionOn(t, "ESEARCH", `
		C: {c} UID SEARCH RETURN (ALL) ALL
		S: * ESEARCH (TAG "nobody") UID ALL 1:9
		S: * SORT 4
		S: * THREAD (5)
		S: * ESEARCH (TAG "{c}") UID ALL 3
		S: * ESEARCH (TAG "nobody") UID ADDTO (0 6)
		S: {c} OK done
	`, o, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		h = nil
		if got, err := c.Search(ctx, imap.All()); err != nil || got.UIDs.String() != "3" {
			t.Errorf("got %s (%v)", describe(got), err)
		}
		if len(h) != 4 {
			t.Errorf("the Handler heard %q", h)
		}
	})
}

// A result that is lost must not pass for "nothing found".
func TestSearchFailsWhenItsAnswerCannotBeRead(t *testing.T) {
	for _, test := range []struct{ name, caps, return_, answer string }{
		{"SEARCH", "", "", "* SEARCH 1 2 x"},
		{"ESEARCH", "ESEARCH", "RETURN (ALL) ", "* ESEARCH (TAG {c}) UID ALL 1:*"},
		{"too long", "", "", "* SEARCH " + strings.Repeat("1 ", 200)},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := plain()
			o.Wire.Limits.Response = 300
			sessionOn(t, test.caps, `
				C: {c} UID SEARCH `+test.return_+`ALL
				S: `+test.answer+`
				S: {c} OK done
				C: {d} NOOP
				S: {d} OK done
			`, o, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
				got, err := c.Search(ctx, imap.All())
				if !errors.As(err, new(*imapclient.AnswerError)) {
					t.Errorf("got %s (%v)", describe(got), err)
				}
				if err := c.Noop(ctx); err != nil {
					t.Error("the connection did not go on:", err)
				}
			})
		})
	}
	sessionOn(t, "ESEARCH", `
		C: {c} UID SEARCH RETURN (COUNT) ALL
		S: * ESEARCH (TAG "{c}") UID
		S: {c} OK done
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		got, err := c.SearchWith(ctx, imap.All(), &imapclient.SearchOptions{Return: imap.ReturnCount})
		if !errors.As(err, new(*imapclient.AnswerError)) {
			t.Errorf("without a count: got %s (%v)", describe(got), err)
		}
	})
	sessionOn(t, "MESSAGELIMIT=10", `
		C: {c} UID SEARCH ALL
		S: * SEARCH 7
		S: {c} OK [MESSAGELIMIT 10 5] in part
		C: {d} UID SEARCH UID 1:4
		S: {d} OK [MESSAGELIMIT 10 5] in part
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		if got, err := c.Search(ctx, imap.All()); err == nil {
			t.Errorf("from a server that does not get on: %s and no error", describe(got))
		}
	})
}

func TestSearchSeq(t *testing.T) {
	sessionOn(t, "ESEARCH", `
		C: {c} SEARCH RETURN (ALL) DELETED
		S: * ESEARCH (TAG "{c}") ALL 2:4
		S: {c} OK done
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		if got, err := c.SearchSeq(ctx, imap.WithFlag(imap.FlagDeleted)); err != nil || got.String() != "2:4" {
			t.Errorf("got %v (%v)", got, err)
		}
	})
	sessionOn(t, "", `
		C: {c} SEARCH 5:*
		S: * SEARCH 5 6
		S: {c} OK done
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		if got, err := c.SearchSeq(ctx, imap.SeqIn(imap.SetOfRange[imap.SeqNum](5, 0))); err != nil || got.String() != "5:6" {
			t.Errorf("got %v (%v)", got, err)
		}
	})
}

// Every key of an extension, and what it needs.
func TestSearchKeysNeedTheirExtensions(t *testing.T) {
	day := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		key  imap.SearchKey
		need imap.Capability
		want string
	}{
		{imap.Within(time.Hour), "WITHIN", "YOUNGER 3600"},
		{imap.OlderThan(time.Minute), "WITHIN", "OLDER 60"},
		{imap.ModSeqSince(7), "CONDSTORE", "MODSEQ 7"},
		{imap.SavedBefore(day), "SAVEDATE", "SAVEDBEFORE 2-Jan-2026"},
		{imap.SavedOn(day), "SAVEDATE", "SAVEDON 2-Jan-2026"},
		{imap.SavedSince(day), "SAVEDATE", "SAVEDSINCE 2-Jan-2026"},
		{imap.SaveDateSupported(), "SAVEDATE", "SAVEDATESUPPORTED"},
		{imap.WithEmailID("M1"), "OBJECTID", "EMAILID M1"},
		{imap.WithThreadID("T1"), "OBJECTID", "THREADID T1"},
		{imap.Fuzzy(imap.Subject("x")), "SEARCH=FUZZY", `FUZZY SUBJECT "x"`},
		{imap.Filter("on-the-road"), "FILTERS", "FILTER on-the-road"},
		{imap.Saved(), "SEARCHRES", "$"},
		{imap.WithAnnotation("/comment", "value", "IMAP4"), "ANNOTATE-EXPERIMENT-1", `ANNOTATION /comment value "IMAP4"`},
		{imap.GmailRaw("has:attachment"), "X-GM-EXT-1", `X-GM-RAW "has:attachment"`},
		{imap.GmailMsgID(12), "X-GM-EXT-1", "X-GM-MSGID 12"},
		{imap.GmailThreadID(13), "X-GM-EXT-1", "X-GM-THRID 13"},
		{imap.GmailLabel("work"), "X-GM-EXT-1", `X-GM-LABELS work`},
	} {
		t.Run(test.want, func(t *testing.T) {
			key := imap.Or(imap.From("jo"), imap.Not(test.key)) // however deep it is
			sessionOn(t, "", "", nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
				_, err := c.Search(ctx, key)
				if e, ok := errors.AsType[*imapclient.UnsupportedError](err); !ok || e.Capability != test.need || !imapclient.SafeToRetry(err) {
					t.Errorf("error %v, want one for %s", err, test.need)
				}
			})
			sessionOn(t, string(test.need), `
				C: {c} UID SEARCH OR FROM "jo" NOT `+test.want+`
				S: * SEARCH 1
				S: {c} OK done
			`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
				if got, err := c.Search(ctx, key); err != nil || got.Count != 1 {
					t.Errorf("got %s (%v)", describe(got), err)
				}
			})
		})
	}
}

func TestSearchArgumentsThatCannotBeSent(t *testing.T) {
	const caps = "ESEARCH SEARCHRES SEARCH=FUZZY PARTIAL MULTISEARCH FILTERS SORT ESORT CONTEXT=SEARCH"
	window := func(first, last int64) *imapclient.SearchOptions {
		return &imapclient.SearchOptions{Partial: &imap.PartialRange{First: first, Last: last}}
	}
	for _, test := range []struct {
		name string
		key  imap.SearchKey
		o    *imapclient.SearchOptions
	}{
		{"NUL in a string", imap.Subject("a\x00b"), nil},
		{"line break in a raw key", imap.Raw("SEEN\r\nx LOGOUT"), nil},
		{"line break in a keyword", imap.WithFlag("a\r\nb"), nil},
		{"line break in a filter", imap.Filter("a\r\nb"), nil},
		{"slash in a filter", imap.Filter("a/b"), nil},
		{"field name", imap.Header("Subject: x\r\n", ""), nil},
		{"not UTF-8", imap.Subject("\xff"), nil},
		{"NOT of nothing", imap.SearchKey{Op: imap.SearchNot}, nil},
		{"unknown key", imap.SearchKey{Op: "X"}, nil},
		{"updates", imap.All(), &imapclient.SearchOptions{Return: imap.ReturnUpdate}},
		{"window and all", imap.All(), &imapclient.SearchOptions{Return: imap.ReturnAll, Partial: &imap.PartialRange{First: 1, Last: 2}}},
		{"window from zero", imap.All(), window(0, 5)},
		{"window from both ends", imap.All(), window(1, -1)},
		{"window of billions too many", imap.All(), window(1, 1<<32)},
		{"relevancy without FUZZY", imap.Subject("x"), &imapclient.SearchOptions{Return: imap.ReturnRelevancy}},
	} {
		t.Run(test.name, func(t *testing.T) {
			sessionOn(t, caps, "", nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
				for what, err := range map[string]error{
					"searched": second(c.SearchWith(ctx, test.key, test.o)),
					"sorted":   second(c.Sort(ctx, by("DATE"), test.key, test.o)),
				} {
					if !errors.As(err, new(*imapwire.ArgumentError)) || !imapclient.SafeToRetry(err) {
						t.Errorf("%s: error %v", what, err)
					}
				}
			})
		})
	}
	sessionOn(t, caps, "", nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		for name, err := range map[string]error{
			"no sort keys":     second(c.Sort(ctx, nil, imap.All(), nil)),
			"bad sort key":     second(c.Sort(ctx, []imap.SortKey{{Key: "DATE) ALL\r\n"}}, imap.All(), nil)),
			"no mailboxes":     second(c.SearchMailboxes(ctx, nil, imap.All(), nil)),
			"SELECTED-DELAYED": second(c.SearchMailboxes(ctx, []imap.MailboxSelector{{Kind: "SELECTED-DELAYED"}}, imap.All(), nil)),
			"saved elsewhere": second(c.SearchMailboxes(ctx, []imap.MailboxSelector{{Kind: "PERSONAL"}}, imap.All(),
				&imapclient.SearchOptions{Return: imap.ReturnSave})),
			"algorithm": second(c.Thread(ctx, "a b\r\n", imap.All(), nil)),
		} {
			if err == nil || !imapclient.SafeToRetry(err) {
				t.Errorf("%s: error %v", name, err)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }

// An empty set, which no server understands, is what matches nothing.
func TestSearchForAnEmptySet(t *testing.T) {
	sessionOn(t, "", `
		C: {c} UID SEARCH OR NOT ALL UID 5:4294967295
		S: * SEARCH
		S: {c} OK done
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		if got, err := c.Search(ctx, imap.Or(imap.UIDIn(nil), imap.UIDAfter(4))); err != nil || got.Count != 0 {
			t.Errorf("got %s (%v)", describe(got), err)
		}
	})
}

func TestSearchCharsets(t *testing.T) {
	refused := func(t *testing.T, err error, known ...string) {
		t.Helper()
		e, ok := errors.AsType[*imapclient.CharsetError](err)
		if !ok || !slices.Equal(e.Known, known) {
			t.Errorf("error %v, want one with the character sets %q", err, known)
		}
		if status, ok := errors.AsType[*imap.StatusError](err); !ok || !status.HasCode(imap.CodeBadCharset) {
			t.Errorf("error %v has no BADCHARSET", err)
		}
	}
	for _, test := range []struct {
		name, script string
		key          imap.SearchKey
		check        func(t *testing.T, err error)
	}{
		{"US-ASCII needs none", `
			C: {c} UID SEARCH SUBJECT "Gruss"
			S: * SEARCH 1
			S: {c} OK done
		`, imap.Subject("Gruss"), nil},
		{"UTF-8", `
			C: {c} UID SEARCH CHARSET UTF-8 SUBJECT {7+}
			C: Grüße
			S: * SEARCH 1
			S: {c} OK done
		`, imap.Subject("Grüße"), nil},
		{"once more in ISO-8859-1", `
			C: {c} UID SEARCH CHARSET UTF-8 OR SUBJECT {7+}
			C: Grüße FROM "jo"
			S: {c} NO [BADCHARSET (US-ASCII ISO-8859-1)] what is that
			C: {d} UID SEARCH CHARSET ISO-8859-1 OR SUBJECT {5+}
			C-raw: "Gr\xfc\xdfe FROM \"jo\"\r\n"
			S: * SEARCH 1
			S: {d} OK done
		`, imap.Or(imap.Subject("Grüße"), imap.From("jo")), nil},
		{"not in ISO-8859-1", `
			C: {c} UID SEARCH CHARSET UTF-8 SUBJECT {6+}
			C: 昼食
			S: {c} NO [BADCHARSET (ISO-8859-1)] what is that
		`, imap.Subject("昼食"), func(t *testing.T, err error) { refused(t, err, "ISO-8859-1") }},
		{"not at all (Exchange)", `
			C: {c} UID SEARCH CHARSET UTF-8 SUBJECT {7+}
			C: Grüße
			S: {c} NO [BADCHARSET (US-ASCII)] The specified charset is not supported.
		`, imap.Subject("Grüße"), func(t *testing.T, err error) { refused(t, err, "US-ASCII") }},
		{"nor once more", `
			C: {c} UID SEARCH CHARSET UTF-8 SUBJECT {7+}
			C: Grüße
			S: {c} NO [BADCHARSET (ISO-8859-1)] no
			C: {d} UID SEARCH CHARSET ISO-8859-1 SUBJECT {5+}
			C-raw: "Gr\xfc\xdfe\r\n"
			S: {d} NO [BADCHARSET] no
		`, imap.Subject("Grüße"), func(t *testing.T, err error) { refused(t, err) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			sessionOn(t, "", test.script, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
				_, err := c.Search(ctx, test.key)
				switch {
				case test.check != nil:
					test.check(t, err)
				case err != nil:
					t.Error(err)
				}
			})
		})
	}
	// RFC 5182 section 2.2, example 5.
	sessionOn(t, "ESEARCH SEARCHRES", `
		C: {c} UID SEARCH RETURN (SAVE) CHARSET UTF-8 $ SUBJECT {7+}
		C: Grüße
		S: {c} NO [BADCHARSET (ISO-8859-1)] and now it is empty
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		_, err := c.SearchWith(ctx, imap.And(imap.Saved(), imap.Subject("Grüße")), &imapclient.SearchOptions{Return: imap.ReturnSave})
		refused(t, err, "ISO-8859-1")
	})
	// RFC 6855 section 3.
	for _, word := range []string{"UTF8=ACCEPT", "IMAP4rev2"} {
		sessionOn(t, "ENABLE "+word, `
			C: {c} ENABLE {*}
			S: * ENABLED `+word+`
			S: {c} OK done
			C: {d} UID SEARCH {*}SUBJECT "Grüße"
			S: {d} OK done
		`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
			if _, err := c.Enable(ctx, imap.Capability(strings.ToUpper(word))); err != nil {
				t.Error(err)
			}
			if _, err := c.Search(ctx, imap.Subject("Grüße")); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSearchIsRefused(t *testing.T) {
	for _, test := range []struct {
		answer string
		code   imap.CodeName
	}{
		{"NO [UNDEFINED-FILTER on-the-road] no such filter", imap.CodeUndefinedFilter},
		{"NO [NOTSAVED] not now", imap.CodeNotSaved},
		{"BAD what", ""},
	} {
		sessionOn(t, "FILTERS ESEARCH SEARCHRES", `
			C: {c} UID SEARCH RETURN (SAVE) FILTER on-the-road
			S: {c} `+test.answer+`
			C: {d} NOOP
			S: {d} OK done
		`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
			_, err := c.SearchWith(ctx, imap.Filter("on-the-road"), &imapclient.SearchOptions{Return: imap.ReturnSave})
			status, ok := errors.AsType[*imap.StatusError](err)
			if !ok || status.Command != "UID SEARCH" || test.code != "" && !status.HasCode(test.code) {
				t.Errorf("%s: error %v", test.answer, err)
			}
			if err := c.Noop(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSearchCancelledLeavesTheConnectionUsable(t *testing.T) {
	sessionOn(t, "ESEARCH SORT", `
		C: {c} UID SEARCH RETURN (ALL) ALL
		wait 3s
		S: * ESEARCH (TAG "{c}") UID ALL 1:9
		S: {c} OK done
		C: {d} UID SORT (DATE) US-ASCII SEEN
		S: * SORT 5 4
		S: {d} OK done
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if _, err := c.Search(short, imap.All()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		time.Sleep(2 * time.Second)
		got, err := c.Sort(ctx, []imap.SortKey{{Key: "DATE"}}, imap.WithFlag(imap.FlagSeen), nil)
		if err != nil || got.Order.String() != "5,4" {
			t.Errorf("got %s (%v)", describe(got), err)
		}
	})
}
