package imapwire

import (
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
)

// BenchmarkAppendResponse writes the row that a client asks for most.
func BenchmarkAppendResponse(b *testing.B) {
	from := []imap.Address{{Name: "Jo Example", Mailbox: "jo", Host: "example.org"}}
	m := &imap.Message{
		SeqNum: 4711, UID: 123456, Items: imap.ItemUID | imap.ItemsAll | imap.ItemBody | imap.ItemModSeq,
		Flags: []imap.Flag{imap.FlagSeen, "$Junk"}, InternalDate: time.Unix(1700000000, 0), Size: 4321, ModSeq: 99,
		Envelope: &imap.Envelope{
			Date: "Tue, 14 Nov 2023 22:13:20 +0000", Subject: "A subject of the usual length, more or less", MessageID: "<0123456789@example.org>",
			From: from, Sender: from, ReplyTo: from, To: []imap.Address{{Mailbox: "list", Host: "example.net"}},
		},
		Body: &imap.BodyPart{Type: "multipart", Subtype: "alternative", Params: []imap.Param{{Name: "boundary", Value: "b1"}}, Parts: []imap.BodyPart{
			{Type: "text", Subtype: "plain", Params: []imap.Param{{Name: "charset", Value: "utf-8"}}, Encoding: "quoted-printable", Size: 1000, Lines: 40},
			{Type: "text", Subtype: "html", Params: []imap.Param{{Name: "charset", Value: "utf-8"}}, Encoding: "quoted-printable", Size: 3000, Lines: 90},
		}},
	}
	buf := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		out, err := AppendResponse(buf, m, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(out)))
	}
}

// BenchmarkCommand builds the command for that row.
func BenchmarkCommand(b *testing.B) {
	set := imap.SetOfRange[imap.UID](1, 0)
	o := &imap.FetchOptions{Items: imap.ItemsAll | imap.ItemBody, Sections: []imap.SectionRequest{{Text: imap.SectionHeader}}, ChangedSince: 5}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := NewCommand("P1", "UID FETCH", EncodeOptions{}).Set(set).Fetch(o).Segments(); err != nil {
			b.Fatal(err)
		}
	}
}
