package client

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/e2e/dovecot"
	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
)

// mail with parts: a text in quoted-printable, its HTML, and an attachment in base64.
func mixed(n int) []byte {
	return fmt.Appendf(nil, "From: jo@example.org\r\nSubject: mail %d\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n"+
		"--a\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n"+
		"--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe %d\r\n"+
		"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Gr&uuml;&szlig;e <b>%d</b></p>\r\n--b--\r\n"+
		"--a\r\nContent-Type: application/octet-stream; name=x.bin\r\nContent-Transfer-Encoding: base64\r\n\r\nAAECAwQ=\r\n--a--\r\n", n, n, n)
}

func TestMessagesGoThereAndBack(t *testing.T) {
	s := dovecot.Start(t, dovecot.Options{})
	ctx := within(t, time.Minute)
	c, _ := connected(t, s, "there-and-back", nil)
	random := rand.New(rand.NewPCG(1, 2))
	var messages []imap.AppendMessage
	var sums [][32]byte
	for i := range 40 {
		raw := mixed(i)
		if i%4 == 0 { // longer than what is streamed
			for len(raw) < 200<<10 {
				raw = fmt.Appendf(raw, "%x\r\n", random.Uint64())
			}
		}
		sums = append(sums, sha256.Sum256(raw))
		m := imap.AppendMessage{Data: raw, Flags: []imap.Flag{imap.FlagSeen}}
		if i%2 == 0 {
			m = imap.AppendMessage{Reader: bytes.NewReader(raw), Size: int64(len(raw))}
		}
		messages = append(messages, m)
	}
	done, err := c.AppendMessages(ctx, "INBOX", messages...)
	check(t, err)
	_, err = c.Select(ctx, "INBOX", nil)
	check(t, err)
	o := &imap.FetchOptions{Items: imap.ItemFlags | imap.ItemSize, Sections: []imap.SectionRequest{{}, {Item: imap.SectionItemBinary, Part: []uint32{2}}, {Part: []uint32{9}}}}
	n := 0
	for b, err := range c.FetchBodies(ctx, imap.SetOfRange[imap.UID](1, 0), o) {
		check(t, err)
		text, err := io.ReadAll(b)
		check(t, err)
		i := slices.IndexFunc(done, func(a imapclient.Appended) bool { return a.UID == b.Message.UID })
		switch n++; b.Section {
		case 0:
			if i < 0 || sha256.Sum256(text) != sums[i] || b.Message.Size != b.Size {
				t.Errorf("message %d (%d) has changed: %d of %d bytes", i, b.Message.UID, len(text), b.Size)
			}
		case 1:
			if !bytes.HasPrefix(text, []byte{0, 1, 2, 3, 4}) {
				t.Errorf("part 2 of %d is %q", i, text)
			}
		case 2:
			if len(text) > 0 {
				t.Errorf("part 9 of %d is %q", i, text)
			}
		}
	}
	if n != 3*len(messages) {
		t.Errorf("%d bodies", n)
	}
	// A download that goes on where it ended.
	var first, rest bytes.Buffer
	_, err = c.FetchSection(ctx, done[0].UID, imap.SectionRequest{Length: 1000}, &first)
	check(t, err)
	_, err = c.FetchSection(ctx, done[0].UID, imap.SectionRequest{Offset: 1000, Length: imap.ToEnd}, io.MultiWriter(&rest, &first))
	check(t, err)
	if sha256.Sum256(first.Bytes()) != sums[0] {
		t.Errorf("%d bytes, and %d", first.Len(), rest.Len())
	}
}

func TestPreviewsOfBothSidesAgree(t *testing.T) {
	s := dovecot.Start(t, dovecot.Options{})
	ctx := within(t, time.Minute)
	c, _ := connected(t, s, "previews", nil)
	bodies := []string{
		"Content-Type: text/plain\r\n\r\nHello world.\r\nSecond line.\r\n",
		"Content-Type: text/html; charset=utf-8\r\n\r\n<html><head><style>p{color:red}</style></head><body><p>Hello <b>HTML</b></p><p>world</p></body></html>\r\n",
		"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=FC=DFe\r\n",
		"Content-Type: text/plain\r\n\r\n> quoted\r\n> quoted\r\n\r\nAnswer\r\n",
	}
	var messages []imap.AppendMessage
	for _, b := range bodies {
		messages = append(messages, imap.AppendMessage{Data: []byte("Subject: x\r\nMIME-Version: 1.0\r\n" + b)})
	}
	for i := range 3 {
		messages = append(messages, imap.AppendMessage{Data: mixed(i)})
	}
	_, err := c.AppendMessages(ctx, "INBOX", messages...)
	check(t, err)
	_, err = c.Select(ctx, "INBOX", nil)
	check(t, err)
	all := func(own bool) map[imap.UID]string {
		got := map[imap.UID]string{}
		for p, err := range c.Previews(ctx, imap.SetOfRange[imap.UID](1, 0), &imapclient.PreviewOptions{OwnText: own}) {
			check(t, err)
			got[p.UID] = p.Text
		}
		return got
	}
	theirs, ours := all(false), all(true)
	for i := range messages {
		uid := imap.UID(i + 1)
		if theirs[uid] == "" || ours[uid] != theirs[uid] {
			t.Errorf("message %d: ours %q, Dovecot's %q", uid, ours[uid], theirs[uid])
		}
	}
}

func TestMoveAndReplaceInStepsAndAtOnce(t *testing.T) {
	s := dovecot.Start(t, dovecot.Options{})
	for _, masked := range []bool{false, true} {
		t.Run(fmt.Sprint("in steps ", masked), func(t *testing.T) {
			ctx := within(t, time.Minute)
			o := options(t, s, imapclient.ImplicitTLS)
			if masked {
				o.MaskCapabilities = []imap.Capability{imap.CapMove, imap.CapReplace}
			}
			c, other := connected(t, s, fmt.Sprint("move-", masked), o)
			for i := range 6 {
				_, err := c.AppendMessages(ctx, "INBOX", imap.AppendMessage{Data: message(fmt.Sprint(i))})
				check(t, err)
			}
			_, err := c.Select(ctx, "INBOX", nil)
			check(t, err)
			_, err = other.Do(`UID STORE 1,6 +FLAGS (\Deleted)`)
			check(t, err)
			if _, err := c.Move(ctx, imap.SetOfRange[imap.UID](2, 4), "Archive", nil); !hasCode(err, imap.CodeTryCreate) {
				t.Fatalf("error %v", err)
			}
			_, err = c.Create(ctx, "Archive")
			check(t, err)
			copied, err := c.Copy(ctx, imap.UIDs(5, 99), "Archive")
			check(t, err)
			if d, _ := copied.UIDs.Dest(5); d != 1 || copied.UIDs.Len() != 1 || copied.UIDValidity == 0 {
				t.Errorf("copied %+v", copied)
			}
			moved, err := c.Move(ctx, imap.SetOfRange[imap.UID](2, 4), "Archive", nil)
			check(t, err)
			if moved.UIDs.Sources().String() != "2:4" || moved.UIDs.Dests().String() != "2:4" || !moved.LeftDeleted.Empty() {
				t.Errorf("moved %+v", moved)
			}
			replaced, err := c.Replace(ctx, 5, "Archive", imap.AppendMessage{Data: message("new")})
			check(t, err)
			if replaced.UID != 5 {
				t.Errorf("replaced: %+v", replaced)
			}
			if _, err := c.Replace(ctx, 77, "Archive", imap.AppendMessage{Data: message("new")}); !errors.Is(err, imapclient.ErrNoSection) && !errors.As(err, new(*imap.StatusError)) {
				t.Errorf("replaced what is not there: %v", err)
			}
			// What somebody else has flagged is still there.
			if got := uidsOf(t, c); got != "1,6" {
				t.Errorf("in the mailbox: %s", got)
			}
		})
	}
}

func hasCode(err error, code imap.CodeName) bool {
	s, ok := errors.AsType[*imap.StatusError](err)
	return ok && s.HasCode(code)
}

func uidsOf(t *testing.T, c *imapclient.Conn) string {
	var set imap.UIDSet
	for m, err := range c.Fetch(within(t, 10*time.Second), imap.SetOfRange[imap.UID](1, 0), &imap.FetchOptions{Items: imap.ItemSize}) {
		check(t, err)
		set.Add(m.UID)
	}
	return set.String()
}

func TestEveryItemAndKindOfAppend(t *testing.T) {
	s := dovecot.Start(t, dovecot.Options{})
	ctx := within(t, time.Minute)
	c, _ := connected(t, s, "items", nil)
	binary := "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\na\x00b"
	done, err := c.AppendMessages(ctx, "INBOX", imap.AppendMessage{Data: mixed(1)}, imap.AppendMessage{Binary: true, Data: []byte(binary)})
	check(t, err)
	catenated, err := c.AppendMessages(ctx, "INBOX", imap.AppendMessage{Flags: []imap.Flag{"$Work"}, Parts: []imap.CatenatePart{
		{Data: []byte("Subject: put together\r\n")},
		{URL: fmt.Sprintf("/INBOX;UIDVALIDITY=%d/;UID=%d/;SECTION=HEADER", done[0].UIDValidity, done[0].UID)},
		{Reader: strings.NewReader("text\r\n"), Size: 6},
	}})
	check(t, err)
	_, err = c.AppendMessages(ctx, "INBOX", imap.AppendMessage{Parts: []imap.CatenatePart{{URL: "/INBOX;UIDVALIDITY=1/;UID=77"}}})
	if !hasCode(err, imap.CodeBadURL) {
		t.Errorf("a part that is not there: %v", err)
	}
	_, err = c.Select(ctx, "INBOX", &imap.SelectOptions{CondStore: true})
	check(t, err)
	o := &imap.FetchOptions{
		Items: imap.ItemsFull | imap.ItemBody | c.Supported(imap.ItemModSeq|imap.ItemSaveDate|imap.ItemPreview|imap.ItemEmailID|imap.ItemGmailLabels),
		Sections: []imap.SectionRequest{
			{Text: imap.SectionHeaderFields, Fields: []string{"Subject", "X-None"}},
			{Text: imap.SectionBody, Offset: 1, Length: 4},
			{Part: []uint32{1}, Text: imap.SectionMIME},
			{Item: imap.SectionItemBinarySize, Part: []uint32{1}},
		},
	}
	rows := 0
	for m, err := range c.Fetch(ctx, imap.UIDs(done[1].UID, catenated[0].UID), o) {
		check(t, err)
		rows++
		if !m.Items.Has(o.Items) || len(m.Sections) != len(o.Sections) {
			t.Errorf("row %+v", m)
		}
		for i := range o.Sections {
			if !o.Sections[i].Answers(&m.Sections[i]) {
				t.Errorf("%s is answered with %+v", o.Sections[i].String(), m.Sections[i])
			}
		}
		if m.UID == catenated[0].UID && (!imap.HasFlag(m.Flags, "$Work") || !strings.HasPrefix(m.Sections[0].Data, "Subject: put together\r\n")) {
			t.Errorf("put together: %+v, %+v", m, m.Envelope)
		}
	}
	if rows != 2 {
		t.Errorf("%d rows", rows)
	}
	stored, err := c.Store(ctx, imap.SetOfRange[imap.UID](1, 0), &imap.StoreOptions{Mode: imap.StoreAdd, Flags: []imap.Flag{imap.FlagSeen}, UnchangedSince: 1})
	if err != nil || stored.Modified.Empty() {
		t.Errorf("stored %+v, %v", stored, err)
	}
	stored, err = c.Store(ctx, imap.SetOfRange[imap.SeqNum](1, 0), &imap.StoreOptions{Mode: imap.StoreAdd, Flags: []imap.Flag{imap.FlagSeen}, UnchangedSince: 1})
	if err != nil || stored.ModifiedSeq.Empty() {
		t.Errorf("stored %+v, %v", stored, err)
	}
	if _, err := c.AppendMessages(ctx, "Nowhere", imap.AppendMessage{Data: mixed(1)}); !hasCode(err, imap.CodeTryCreate) {
		t.Errorf("append to nowhere: %v", err)
	}
}
