package imaptest

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

func TestParseAddresses(t *testing.T) {
	tests := []struct {
		text string
		want []imap.Address
	}{
		{"", nil},
		{"jo@example.org", []imap.Address{{Mailbox: "jo", Host: "example.org"}}},
		{"Jo Public <jo@example.org>", []imap.Address{{Name: "Jo Public", Mailbox: "jo", Host: "example.org"}}},
		{`"Public, \"Jo\"" <jo@example.org>`, []imap.Address{{Name: `Public, "Jo"`, Mailbox: "jo", Host: "example.org"}}},
		{"jo@example.org (Jo (the) Public)", []imap.Address{{Name: "Jo (the) Public", Mailbox: "jo", Host: "example.org"}}},
		{"=?utf-8?q?J=C3=B6?= <jo@example.org>", []imap.Address{{Name: "=?utf-8?q?J=C3=B6?=", Mailbox: "jo", Host: "example.org"}}},
		{"a@b, ,c@d,", []imap.Address{{Mailbox: "a", Host: "b"}, {Mailbox: "c", Host: "d"}}},
		{"Friends: a@b, C <c@d>;, e@f", []imap.Address{{Mailbox: "Friends"}, {Mailbox: "a", Host: "b"}, {Name: "C", Mailbox: "c", Host: "d"}, {}, {Mailbox: "e", Host: "f"}}},
		{"<@relay,@other:jo@example.org>", []imap.Address{{Mailbox: "jo", Host: "example.org"}}},
		{"jo @ example . org", []imap.Address{{Mailbox: "jo", Host: "example.org"}}},
		{"jo@[127.0.0.1]", []imap.Address{{Mailbox: "jo", Host: "[127.0.0.1]"}}},
		{"jo", []imap.Address{{Mailbox: "jo", Host: missingDomain}}},
		{"<>", []imap.Address{{Mailbox: missingMailbox, Host: missingDomain}}},
		{"Jo <jo@example.org", []imap.Address{{Name: "Jo", Mailbox: "jo", Host: syntaxError}}},
	}
	for _, test := range tests {
		if got := parseAddresses(test.text); !reflect.DeepEqual(got, test.want) {
			t.Errorf("parseAddresses(%q)\n got %+v\nwant %+v", test.text, got, test.want)
		}
	}
}

func TestMatchPattern(t *testing.T) {
	tests := []struct {
		pattern, name string
		want          bool
	}{
		{"*", "a/b", true},
		{"%", "a/b", false},
		{"%", "a", true},
		{"%/%", "a/b", true},
		{"a/*", "a", false},
		{"a*", "a", true},
		{"*b", "a/b", true},
		{"%b", "a/b", false},
		{"inbox", "INBOX", true},
		{"Inbox/%", "INBOX/x", true},
		{"a", "A", false},
		{"", "a", false},
		{strings.Repeat("*", 200) + "x", strings.Repeat("a", 2000), false},
	}
	for _, test := range tests {
		if got := matchPattern(test.pattern, test.name); got != test.want {
			t.Errorf("matchPattern(%.20q, %.20q) = %v", test.pattern, test.name, got)
		}
	}
}

// FuzzMessage: whatever a message is made of, the server describes it in a response that a client of
// ours reads back, and cuts sections out of it.
func FuzzMessage(f *testing.F) {
	files, _ := filepath.Glob("testdata/messages/*.eml")
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw, "BODY[1.2.HEADER.FIELDS (To)]<0.9>")
	}
	f.Add(bytes.Repeat([]byte("Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n"), 50), "BODY[1.1.1.1.1]")
	f.Add(bytes.Repeat([]byte("Content-Type: message/rfc822\r\n\r\n"), 100), "RFC822.TEXT")
	f.Fuzz(func(t *testing.T, raw []byte, section string) {
		c := newContent(raw)
		row := &imap.Message{
			SeqNum: 1, Items: imap.ItemEnvelope | imap.ItemBody, Envelope: c.envelope(), Body: c.root().bodyStructure(),
		}
		if r, is, err := parseSection(section); is && err == nil {
			row.Items |= imap.ItemSections
			row.Sections = []imap.Section{r.read(c)}
		}
		line, err := imapwire.AppendResponse(nil, row, nil)
		if err != nil {
			t.Fatalf("no response: %v", err)
		}
		limits := imapwire.Limits{Literal: 64 << 20, Line: 64 << 20, Response: 128 << 20, Tokens: 1 << 22}
		back, err := imapwire.Decode(string(line), &imapwire.Options{Limits: limits})
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if m, ok := back.(*imap.Message); !ok || len(m.Errs) > 0 {
			t.Fatalf("%q reads as %+v", line, back)
		}
	})
}
