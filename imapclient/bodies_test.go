package imapclient_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imaptest"
)

var whole = &imap.FetchOptions{Sections: []imap.SectionRequest{{}}}

// sessionWith is session with a server that offers more, for reading and writing.
func sessionWith(t *testing.T, caps, script string, o *imapclient.Options, client func(t *testing.T, ctx context.Context, c *imapclient.Conn)) {
	t.Helper()
	if o == nil {
		o = plain()
	}
	start := strings.NewReplacer("CONDSTORE]", "CONDSTORE "+caps+"]", "EXAMINE", "SELECT", "READ-ONLY", "READ-WRITE").Replace(selected)
	imaptest.Transcript(t, start+script, func(t *testing.T, nc net.Conn) {
		ctx := t.Context()
		c, err := imapclient.New(ctx, nc, o)
		if err == nil {
			err = c.Login(ctx, "jo", "secret")
		}
		if err == nil {
			_, err = c.Select(ctx, "INBOX", nil)
		}
		if err != nil {
			t.Error(err)
			return
		}
		client(t, ctx, c)
		c.Close()
	})
}

// twoSections asks for part 1 and for the header.
var twoSections = &imap.FetchOptions{Items: imap.ItemFlags, Sections: []imap.SectionRequest{{Part: []uint32{1}}, {Text: imap.SectionHeader}}}

// bodyText is a body as the tests write it: "7/0=text".
func bodyText(b *imapclient.Body) string {
	text, err := io.ReadAll(b)
	if b.Nil {
		text = []byte("NIL")
	}
	if err != nil {
		text = []byte(err.Error())
	}
	at := ""
	if b.Offset > 0 {
		at = fmt.Sprintf("@%d", b.Offset)
	}
	return fmt.Sprintf("%d/%d%s=%s", b.Message.UID, b.Section, at, text)
}

func TestBodiesAsServersSendThem(t *testing.T) {
	piece := &imap.FetchOptions{Sections: []imap.SectionRequest{{Offset: 4, Length: 100}}}
	start := &imap.FetchOptions{Sections: []imap.SectionRequest{{Length: 100}}}
	binary := &imap.FetchOptions{Sections: []imap.SectionRequest{{Item: imap.SectionItemBinary, Part: []uint32{1}}}}
	const noOrigin = "BODY.PEEK[]<4.100>: the server sent %d bytes and did not say where they start"
	for _, tt := range []struct {
		name string
		o    *imap.FetchOptions
		rows string // without their line ends
		want string
	}{
		{"short", whole, "* 1 FETCH (UID 7 BODY[] {5}\r\nhello)|* 2 FETCH (UID 8 BODY[] \"quoted\")", "7/0=hello|8/0=quoted"},
		{"long", whole, "* 1 FETCH (UID 7 BODY[] {12}\r\nhello world!)|* 2 FETCH (UID 8 BODY[] {11}\r\nsecond one.)", "7/0=hello world!|8/0=second one."},
		{"empty", whole, "* 1 FETCH (UID 7 BODY[] {0}\r\n)|* 2 FETCH (UID 8 BODY[] \"\")", "7/0=|8/0="},
		{"NIL", whole, "* 1 FETCH (UID 7 BODY[] NIL)", "7/0=NIL"},
		{"no value", whole, "* 1 FETCH (UID 7 BODY[] )", "7/0=NIL"},
		{"section left out", twoSections, "* 1 FETCH (UID 7 FLAGS () BODY[1] {2}\r\nhi)", "7/0=hi|7/1=NIL"},
		{"other order", twoSections, "* 1 FETCH (FLAGS () UID 7 BODY[HEADER] {12}\r\nhello world! BODY[1] {11}\r\nsecond one.)", "7/0=second one.|7/1=hello world!"},
		{"long and short", twoSections, "* 1 FETCH (UID 7 FLAGS () BODY[1] {12}\r\nhello world! BODY[HEADER] {2}\r\nhi)", "7/0=hello world!|7/1=hi"},
		{"short and long", twoSections, "* 1 FETCH (UID 7 FLAGS () BODY[1] {2}\r\nhi BODY[HEADER] {12}\r\nhello world!)", "7/0=hi|7/1=hello world!"},
		{"other case", twoSections, "* 1 fetch (uid 7 flags () body[1] {12}\r\nhello world! body[header] {2}\r\nhi)", "7/0=hello world!|7/1=hi"},
		{"other name", whole, "* 1 FETCH (UID 7 RFC822 {12}\r\nhello world!)|* 2 FETCH (UID 8 RFC822 {2}\r\nhi)", "7/0=hello world!|8/0=hi"},
		{"content like a header", whole, "* 1 FETCH (UID 7 BODY[] {14}\r\nhello w {99}\r\n)", "7/0=hello w {99}\r\n"},
		{"rows in parts", twoSections, "* 1 FETCH (UID 7 FLAGS ())|* 1 FETCH (UID 7 BODY[1] {12}\r\nhello world! FLAGS ())|* 1 FETCH (BODY[HEADER] {2}\r\nhi)", "7/0=hello world!|7/1=hi"},
		{"UID in a later row", twoSections, "* 1 FETCH (BODY[1] {12}\r\nhello world! FLAGS ())|* 1 FETCH (UID 7 BODY[HEADER] {12}\r\nhello again!)", "7/0=hello world!|7/1=hello again!"},
		{"UID after the content", whole, "* 1 FETCH (BODY[] {12}\r\nhello world! UID 7)", "7/0=hello world!"},
		{"piece", piece, "* 1 FETCH (UID 7 BODY[]<4> {10}\r\n0123456789)|* 2 FETCH (UID 8 BODY[]<4> \"\")", "7/0@4=0123456789|8/0@4="},
		{
			"piece without its origin", piece, "* 1 FETCH (UID 7 BODY[] {10}\r\n0123456789)|* 2 FETCH (UID 8 BODY[] {2}\r\nhi)",
			"7/0=" + fmt.Sprintf(noOrigin, 10) + "|8/0=" + fmt.Sprintf(noOrigin, 2),
		},
		{"first piece without its origin", start, "* 1 FETCH (UID 7 BODY[] {10}\r\n0123456789)", "7/0=0123456789"},
		{"whole with an origin", whole, "* 1 FETCH (UID 7 BODY[]<0> {10}\r\n0123456789)", "7/0=0123456789"},
		{"literal8", binary, "* 1 FETCH (UID 7 BINARY[1] ~{10}\r\n0123\x00567~9)|* 2 FETCH (UID 8 BINARY[1] ~{2}\r\n\x00\x01)", "7/0=0123\x00567~9|8/0=\x00\x01"},
		{"news of other messages", whole, "* 3 FETCH (FLAGS (\\Seen))|* 1 FETCH (UID 7 BODY[] {12}\r\nhello world!)|* 9 EXISTS", "7/0=hello world!"},
		{"a section that was not asked for", twoSections, "* 1 FETCH (UID 7 FLAGS () BODY[1] {9}\r\n123456789 BODY[HEADER] {2}\r\nhi BODY[3] {10}\r\n1234567890)", "7/0=123456789|7/1=hi"},
		{"a row that cannot be read", whole, "* 1 FETCH (UID 7 BODY[] {12}\r\nhello world!))|* 2 FETCH BODY[] {12}\r\nhello world!)|* 3 FETCH (UID 9 BODY[] {1}\r\nx)", "7/0=hello world!|9/0=x"},
		{"nothing", whole, "", ""},
	} {
		script := "C: {c} UID FETCH 7:9 ({*})\nS-raw: " + strconv.Quote(strings.ReplaceAll(tt.rows+"|", "|", "\r\n")+"{c} OK done\r\n") +
			"\nC: {d} NOOP\nS: {d} OK done"
		for _, inline := range []int64{8, 1000} {
			t.Run(fmt.Sprintf("%s, inline up to %d", tt.name, inline), func(t *testing.T) {
				o := plain()
				o.Wire.Limits.Inline = inline
				sessionWith(t, "BINARY", script, o, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
					var got []string
					for b, err := range c.FetchBodies(ctx, imap.SetOfRange[imap.UID](7, 9), tt.o) {
						if err != nil {
							t.Error(err)
							return
						}
						got = append(got, bodyText(b))
					}
					slices.Sort(got) // which of two sections comes first is up to the server
					if got := strings.Join(got, "|"); got != tt.want {
						t.Errorf("got  %q\nwant %q", got, tt.want)
					}
					if err := c.Noop(ctx); err != nil {
						t.Error(err)
					}
				})
			})
		}
	}
}
