package imapclient_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
)

// threadText writes threads with every parent before its children in parentheses: "3(6(4(23)44))".
func threadText(nodes []imap.ThreadNode) string {
	var b strings.Builder
	for i, n := range nodes {
		if i > 0 {
			b.WriteByte(' ')
		}
		if n.Num == 0 {
			b.WriteByte('-')
		} else {
			fmt.Fprint(&b, n.Num)
		}
		if len(n.Children) > 0 {
			b.WriteString("(" + threadText(n.Children) + ")")
		}
	}
	return b.String()
}

func TestThread(t *testing.T) {
	for _, test := range []struct {
		name, caps, algorithm, script string
		want                          string
		local                         bool
	}{
		{"by the server", "THREAD=REFERENCES", "references", `
			C: {c} UID THREAD REFERENCES US-ASCII UNSEEN
			S: * THREAD (2)(3 6 (4 23)(44 7 96))
			S: {c} OK done
		`, "2 3(6(4(23) 44(7(96))))", false},
		{"a parent that is not there", "THREAD=REFS", "REFS", `
			C: {c} UID THREAD REFS US-ASCII UNSEEN
			S: * THREAD ((3)(5))
			S: {c} OK done
		`, "-(3 5)", false},
		{"nothing found", "THREAD=REFERENCES", "REFERENCES", `
			C: {c} UID THREAD REFERENCES US-ASCII UNSEEN
			S: * THREAD
			S: {c} OK done
		`, "", false},
		{"an algorithm of the server's own", "THREAD=X-JWZ", "X-JWZ", `
			C: {c} UID THREAD X-JWZ US-ASCII UNSEEN
			S: * THREAD (1 2)
			S: {c} OK done
		`, "1(2)", false},
		// RFC 5256 section 3: "treat descendents of a child … as being siblings of that child".
		{"grandchildren by subject", "THREAD=ORDEREDSUBJECT", "ORDEREDSUBJECT", `
			C: {c} UID THREAD ORDEREDSUBJECT US-ASCII UNSEEN
			S: * THREAD (1 2 3 (4 5)(6))(7)
			S: {c} OK done
		`, "1(2 3 4 5 6) 7", false},
		{"here", "THREAD=ORDEREDSUBJECT", "REFERENCES", `
			C: {c} UID SEARCH UNSEEN
			S: * SEARCH 4 5 6 7
			S: {c} OK done
			C: {d} UID FETCH 4:7 (UID INTERNALDATE ENVELOPE BODY.PEEK[HEADER.FIELDS (References)])
			S-raw: "* 1 FETCH (UID 4 INTERNALDATE \" 1-Jan-2026 10:00:00 +0000\" ENVELOPE (NIL \"Lunch\" NIL NIL NIL NIL NIL NIL NIL \"<a@x>\") BODY[HEADER.FIELDS (REFERENCES)] {2}\r\n\r\n)\r\n"
			S-raw: "* 2 FETCH (UID 5 INTERNALDATE \" 2-Jan-2026 10:00:00 +0000\" ENVELOPE (NIL \"Re: Lunch\" NIL NIL NIL NIL NIL NIL \"<a@x>\" \"<b@x>\") BODY[HEADER.FIELDS (REFERENCES)] {2}\r\n\r\n)\r\n"
			S-raw: "* 3 FETCH (UID 6 INTERNALDATE \" 3-Jan-2026 10:00:00 +0000\" ENVELOPE (NIL \"Re: Lunch\" NIL NIL NIL NIL NIL NIL \"<a@x>\" \"<c@x>\") BODY[HEADER.FIELDS (REFERENCES)] {29}\r\nReferences: <a@x>\r\n <b@x>\r\n\r\n)\r\n"
			S: * 4 FETCH (UID 7 INTERNALDATE " 4-Jan-2026 10:00:00 +0000" ENVELOPE (NIL "Dinner" NIL NIL NIL NIL NIL NIL NIL "<d@x>") BODY[HEADER.FIELDS ("References")] "")
			S: {d} OK done
		`, "4(5(6)) 7", true},
		{"here, by subject", "", "ORDEREDSUBJECT", `
			C: {c} UID SEARCH UNSEEN
			S: * SEARCH 4 5
			S: {c} OK done
			C: {d} UID FETCH 4:5 (UID INTERNALDATE ENVELOPE)
			S: * 1 FETCH (UID 4 INTERNALDATE " 1-Jan-2026 10:00:00 +0000" ENVELOPE (NIL "Lunch" NIL NIL NIL NIL NIL NIL NIL NIL))
			S: * 2 FETCH (UID 5 INTERNALDATE " 2-Jan-2026 10:00:00 +0000" ENVELOPE (NIL "Re: Lunch" NIL NIL NIL NIL NIL NIL NIL NIL))
			S: {d} OK done
		`, "4(5)", true},
		{"here, nothing", "", "REFS", `
			C: {c} UID SEARCH UNSEEN
			S: * SEARCH
			S: {c} OK done
		`, "", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			sessionOn(t, test.caps, test.script, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
				got, err := c.Thread(ctx, test.algorithm, imap.WithoutFlag(imap.FlagSeen), nil)
				if err != nil {
					t.Fatal(err)
				}
				if text := threadText(got.Roots); text != test.want || got.Local != test.local {
					t.Errorf("got %s, local %v; want %s, %v", text, got.Local, test.want, test.local)
				}
			})
		})
	}
}

func TestThreadThatCannotBeDone(t *testing.T) {
	sessionOn(t, "THREAD=X-JWZ THREAD=REFS", `
		C: {c} UID THREAD REFS US-ASCII ALL
		S: * THREAD (1 2
		S: {c} OK done
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		if got := c.ThreadAlgorithms(); !slices.Equal(got, []string{"X-JWZ", "REFS"}) {
			t.Errorf("algorithms %q", got)
		}
		for algorithm, o := range map[string]*imapclient.SearchOptions{"X-MAGIC": nil, "REFERENCES": {ServerOnly: true}} {
			_, err := c.Thread(ctx, algorithm, imap.All(), o)
			if e, ok := errors.AsType[*imapclient.UnsupportedError](err); !ok || string(e.Capability) != "THREAD="+algorithm || !imapclient.SafeToRetry(err) {
				t.Errorf("%s: error %v", algorithm, err)
			}
		}
		if got, err := c.Thread(ctx, "REFS", imap.All(), nil); err == nil {
			t.Errorf("an answer that cannot be read is %v", got)
		}
	})
}

// A hostile answer with very many threads of a kind that there should not be.
func TestThreadsBySubjectAreMadeFlatQuickly(t *testing.T) {
	line := "* THREAD (1 " + strings.Repeat("(2 3 4)", 200_000) + ")" + strings.Repeat("(1 2 3)", 10)
	sessionOn(t, "THREAD=ORDEREDSUBJECT", `
		C: {c} UID THREAD ORDEREDSUBJECT US-ASCII ALL
		S: `+line+`
		S: {c} OK done
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		got, err := c.Thread(ctx, "ORDEREDSUBJECT", imap.All(), nil)
		if err != nil || len(got.Roots) != 11 || len(got.Roots[0].Children) != 600_000 {
			t.Errorf("error %v", err)
		}
	})
}
