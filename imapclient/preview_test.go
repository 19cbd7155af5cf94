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

// previews collects what there is, sorted.
func previews(ctx context.Context, c *imapclient.Conn, uids imap.UIDSet, o *imapclient.PreviewOptions) (string, error) {
	var got []string
	var failed error
	for p, err := range c.Previews(ctx, uids, o) {
		if err != nil {
			failed = err
			continue
		}
		got = append(got, fmt.Sprintf("%d=%s", p.UID, p.Text))
	}
	slices.Sort(got)
	return strings.Join(got, "|"), failed
}

func TestPreviewsOfTheServer(t *testing.T) {
	long := strings.Repeat("long.", 100)
	sessionWith(t, "PREVIEW", `
		C: {c} UID FETCH 7:9 (UID PREVIEW)
		S: * 1 FETCH (UID 7 PREVIEW "Hello  world")
		S: * 2 FETCH (UID 8 PREVIEW "")
		S: * 3 FETCH (UID 9 PREVIEW "`+long+`")
		S: {c} OK done
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		got, err := previews(ctx, c, imap.SetOfRange[imap.UID](7, 9), nil)
		if want := "7=Hello world|8=|9=" + long[:256]; got != want || err != nil {
			t.Errorf("got  %s, %v\nwant %s", got, err, want)
		}
	})
}

func TestPreviewsOfTheServerComeInBatches(t *testing.T) {
	sessionWith(t, "PREVIEW", `
		C: {c} UID FETCH 1:* (UID)
		S: * 1 FETCH (UID 1)
		S: * 2 FETCH (UID 5)
		S: {c} OK done
		C: {d} UID FETCH 1,5 (UID PREVIEW)
		S: * 1 FETCH (UID 1 PREVIEW "one")
		S: * 2 FETCH (UID 5 PREVIEW "five")
		S: {d} OK done
		C: {e} UID FETCH 101:150 (UID PREVIEW)
		C: {f} UID FETCH 151:200 (UID PREVIEW)
		C: {g} UID FETCH 201 (UID PREVIEW)
		S: * 1 FETCH (UID 101 PREVIEW "one")
		S: {e} OK done
		S: * 2 FETCH (UID 151 PREVIEW "two")
		S: {f} OK done
		S: {g} NO too many
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		if got, err := previews(ctx, c, imap.SetOfRange[imap.UID](1, 0), nil); got != "1=one|5=five" || err != nil {
			t.Errorf("%s, %v", got, err)
		}
		got, err := previews(ctx, c, imap.SetOfRange[imap.UID](101, 201), nil)
		if got != "101=one|151=two" || !errors.As(err, new(*imap.StatusError)) {
			t.Errorf("%s, %v", got, err)
		}
	})
}

func TestPreviewsMadeHere(t *testing.T) {
	const (
		plainText = `("TEXT" "PLAIN" ("CHARSET" "utf-8") NIL NIL "QUOTED-PRINTABLE" %d 3)`
		htmlOnly  = `("TEXT" "HTML" ("CHARSET" "iso-8859-15") NIL NIL "BASE64" 40 3)`
		picture   = `("IMAGE" "PNG" NIL NIL NIL "BASE64" 4000)`
	)
	both := fmt.Sprintf(`(%s%s "ALTERNATIVE" ("BOUNDARY" "b"))`, fmt.Sprintf(plainText, 90), htmlOnly)
	long := strings.Repeat("words and more ", 20)
	quoted := "> " + strings.Repeat("quoted ", 300)
	script := `
		C: {c} UID FETCH 1:9 (UID BODYSTRUCTURE BODY.PEEK[1]<0.2048>)
		S: * 1 FETCH (UID 1 BODYSTRUCTURE ` + fmt.Sprintf(plainText, 12) + ` BODY[1]<0> "f=C3=BCr alle")
		S: * 2 FETCH (UID 2 BODYSTRUCTURE ` + htmlOnly + ` BODY[1]<0> "PGI+3GJlcjwvYj4gdW5zIKQ=")
		S: * 3 FETCH (UID 3 BODYSTRUCTURE ` + picture + ` BODY[1]<0> "iVBORw0KGgo")
		S: * 4 FETCH (UID 4 BODYSTRUCTURE (` + both + picture + ` "MIXED" ("BOUNDARY" "a")) BODY[1]<0> {50}
		S-raw: "--b\r\nContent-Type: text/plain\r\n\r\nIn both.\r\n--b\r\nab)\r\n"
		S: * 5 FETCH (UID 5 BODYSTRUCTURE (` + picture + fmt.Sprintf(plainText, 7000) + ` "MIXED" ("BOUNDARY" "a")) BODY[1]<0> "iVBORw0KGgo")
		S: * 6 FETCH (UID 6 BODYSTRUCTURE ` + fmt.Sprintf(plainText, 7000) + ` BODY[1]<0> "` + long + `")
		S: * 7 FETCH (UID 7 BODYSTRUCTURE ` + fmt.Sprintf(plainText, 7000) + ` BODY[1]<0> "` + quoted + `")
		S: * 8 FETCH (UID 8 BODYSTRUCTURE (` + picture + fmt.Sprintf(plainText, 8000) + ` "MIXED" ("BOUNDARY" "a")) BODY[1]<0> NIL)
		S: {c} OK done
		C: {d} UID FETCH 7 (UID BODY.PEEK[1]<0.16384>)
		C: {e} UID FETCH 5,8 (UID BODY.PEEK[2]<0.16384>)
		S: * 7 FETCH (UID 7 BODY[1]<0> {18}
		S-raw: "> quoted\r\nAnswered)\r\n"
		S: {d} OK done
		S: * 5 FETCH (UID 5 BODY[2]<0> "in part 2")
		S: {e} OK done
	`
	sessionWith(t, "", script, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		got, err := previews(ctx, c, imap.SetOfRange[imap.UID](1, 9), nil)
		want := "1=für alle|2=Über uns €|3=|4=In both.|5=in part 2|6=" + long[:200] + "|7=Answered|8="
		if got != strings.TrimSpace(want) || err != nil {
			t.Errorf("got  %s, %v\nwant %s", got, err, want)
		}
	})
}
