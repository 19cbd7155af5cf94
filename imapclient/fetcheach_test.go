package imapclient_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
)

// eachOptions ask for something of everything that has memory of its own.
var eachOptions = &imap.FetchOptions{Items: imap.ItemFlags | imap.ItemEnvelope | imap.ItemBody}

// eachRow is a row of message n, and what eachText makes of it.
func eachRow(n int) (row, text string) {
	row = fmt.Sprintf(`* %d FETCH (UID %d FLAGS (\Seen word%d) ENVELOPE ("date" "subject %d" (("name %d" NIL "jo" "example.org")) NIL NIL (("to \"%d\"" NIL "li" NIL)) NIL NIL NIL "<%d>") `+
		`BODYSTRUCTURE (("text" "plain" ("charset" "utf-8" "format" "flowed") NIL NIL "7bit" %d 2 NIL NIL NIL NIL)("image" "png" ("name" "%d.png") NIL NIL "base64" 9 NIL ("inline" NIL) NIL NIL) "mixed" ("boundary" "b%d") NIL NIL NIL))`,
		n, n, n%3, n, n, n, n, n, n, n)
	return row, fmt.Sprintf(`%d [\Seen word%d] subject %d name %d to "%d" <%d> plain %d %d.png b%d`, n, n%3, n, n, n, n, n, n, n)
}

func eachText(m *imap.Message) string {
	e, parts := m.Envelope, m.Body.Parts
	return fmt.Sprintf("%d %v %s %s %s %s %s %d %s %s", m.UID, m.Flags, e.Subject, e.From[0].Name, e.To[0].Name, e.MessageID,
		parts[0].Subtype, parts[0].Size, parts[1].Param("name"), m.Body.Param("boundary"))
}

func fetchEach(c *imapclient.Conn, ctx context.Context, use func(*imap.Message) error) error {
	return c.FetchEach(ctx, imap.SetOfRange[imap.UID](1, 0), eachOptions, use)
}

const eachCommand = "\tC: {f} UID FETCH 1:* (UID FLAGS ENVELOPE BODYSTRUCTURE)\n"

// eachScript is a FETCH that is answered with n rows; extra has lines before some of them.
func eachScript(n int, extra map[int]string) string {
	b := strings.Builder{}
	b.WriteString(eachCommand)
	for i := 1; i <= n; i++ {
		row, _ := eachRow(i)
		b.WriteString(extra[i] + "\tS: " + row + "\n")
	}
	return b.String() + "\tS: {f} OK done\n"
}

func TestFetchEachUsesMemoryAgain(t *testing.T) {
	const n = 200
	for _, observed := range []bool{false, true} {
		o := plain()
		if observed {
			o.Observer = func(imap.Response) {}
		}
		session(t, eachScript(n, nil), o, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
			next, places := 0, map[*imap.Message]bool{}
			err := fetchEach(c, ctx, func(m *imap.Message) error {
				next++
				if _, want := eachRow(next); eachText(m) != want {
					t.Errorf("message %d:\n got %s\nwant %s", next, eachText(m), want)
				}
				places[m] = true
				return nil
			})
			if err != nil || next != n {
				t.Errorf("%d messages, %v", next, err)
			}
			if reused := len(places) < n; reused == observed {
				t.Errorf("with an observer %v: %d messages lay at %d places", observed, n, len(places))
			}
		})
	}
}

// Rows that are no results go to the Handler, and rows that are but a part wait for the rest. Their memory is theirs.
func TestFetchEachLeavesOtherRowsAlone(t *testing.T) {
	var news []*imap.Message
	o := plain()
	o.Handler = func(r imap.Response) {
		if m, ok := r.(*imap.Message); ok {
			news = append(news, m)
		}
	}
	row, _ := eachRow(150)
	body := strings.Index(row, " BODYSTRUCTURE")
	extra := map[int]string{
		10:  "\tS: * 77 FETCH (FLAGS (\\Deleted first) UID 77)\n",
		20:  "\tS: " + row[:body] + ")\n",
		99:  "\tS: * 78 FETCH (FLAGS (second $Forwarded))\n",
		140: "\tS: * 150 FETCH (" + row[body+1:] + "\n",
	}
	session(t, eachScript(149, extra), o, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		var got []string
		if err := fetchEach(c, ctx, func(m *imap.Message) error { got = append(got, eachText(m)); return nil }); err != nil {
			t.Error(err)
		}
		if _, want := eachRow(150); len(got) != 150 || got[139] != want {
			t.Errorf("%d messages; the one in two parts is %q, want %q", len(got), got[min(139, len(got)-1)], want)
		}
		if len(news) != 2 || fmt.Sprint(news[0].Flags, news[1].Flags) != `[\Deleted first] [second $Forwarded]` {
			t.Errorf("handler has %v", news)
		}
	})
}

// While use asks something else, rows arrive. They must not be written over the message that use has, nor
// be overwritten before it is their turn.
func TestFetchEachMayUseTheConn(t *testing.T) {
	const before = 100 // rows, until memory is really used again
	_, want := eachRow(before)
	later := map[int]string{before + 1: "\twait 1s\n", before + 2: "\twait 1s\n"}
	script := eachScript(before+2, later) + "\tC: {n} NOOP\n\tS: {n} OK done\n"
	session(t, script, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		n := 0
		err := fetchEach(c, ctx, func(m *imap.Message) error {
			n++
			if _, want := eachRow(n); eachText(m) != want {
				t.Errorf("message %d is %s, want %s", n, eachText(m), want)
			}
			ctx, cancel := context.WithTimeout(ctx, 1500*time.Millisecond)
			defer cancel()
			switch n {
			case before: // reads the next, and gives up before the last
				if err := c.Noop(ctx); !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
				if eachText(m) != want {
					t.Errorf("the message became %s, want %s", eachText(m), want)
				}
			case before + 1:
				if err := c.Noop(ctx); err != nil {
					t.Error(err)
				}
			}
			return nil
		})
		if err != nil || n != before+2 {
			t.Errorf("%d messages, %v", n, err)
		}
	})
}

func TestFetchEachEndsWithTheErrorOfUse(t *testing.T) {
	enough := errors.New("enough")
	session(t, eachScript(60, nil)+"\tC: {n} NOOP\n\tS: {n} OK done\n", nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		n := 0
		err := fetchEach(c, ctx, func(*imap.Message) error {
			if n++; n == 5 {
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) || n != 5 {
			t.Errorf("%d calls, error %v", n, err)
		}
		if err := c.Noop(ctx); err != nil {
			t.Error(err)
		}
	})
	session(t, eachCommand+"\tS: {f} NO never\n", nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		err := fetchEach(c, ctx, func(*imap.Message) error { t.Error("a message"); return nil })
		if _, refused := errors.AsType[*imap.StatusError](err); !refused {
			t.Error(err)
		}
	})
}
