package imapwire

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/internal/linear"
)

func addr(name, mailbox, host string) imap.Address {
	return imap.Address{Name: name, Mailbox: mailbox, Host: host}
}

func date(t *testing.T, s string) time.Time {
	t.Helper()
	got, ok := parseDateTime(s)
	if !ok {
		t.Fatal(s)
	}
	return got
}

func TestDecodeFetch(t *testing.T) {
	rfcEnvelope := &imap.Envelope{
		Date: "Wed, 17 Jul 1996 02:23:25 -0700 (PDT)", Subject: "IMAP4rev1 WG mtg summary and minutes",
		From:      []imap.Address{addr("Terry Gray", "gray", "cac.washington.edu")},
		Sender:    []imap.Address{addr("Terry Gray", "gray", "cac.washington.edu")},
		ReplyTo:   []imap.Address{addr("Terry Gray", "gray", "cac.washington.edu")},
		To:        []imap.Address{addr("", "imap", "cac.washington.edu")},
		Cc:        []imap.Address{addr("", "minutes", "CNRI.Reston.VA.US"), addr("John Klensin", "KLENSIN", "MIT.EDU")},
		MessageID: "<B27397-0100000@cac.washington.edu>",
	}
	runDecodeCases(t, []decodeCase{
		// RFC 3501 section 8, with its typing error repaired.
		{`* 12 FETCH (FLAGS (\Seen) INTERNALDATE "17-Jul-1996 02:44:25 -0700" RFC822.SIZE 4286 ENVELOPE ("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev1 WG mtg summary and minutes" (("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu")) ((NIL NIL "imap" "cac.washington.edu")) ((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL "<B27397-0100000@cac.washington.edu>") BODY ("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 3028 92))`, &imap.Message{
			SeqNum: 12, Items: imap.ItemFlags | imap.ItemInternalDate | imap.ItemSize | imap.ItemEnvelope | imap.ItemBodyBasic,
			Flags: []imap.Flag{imap.FlagSeen}, InternalDate: date(t, "17-Jul-1996 02:44:25 -0700"), Size: 4286, Envelope: rfcEnvelope,
			Body: &imap.BodyPart{Type: "TEXT", Subtype: "PLAIN", Params: []imap.Param{{Name: "CHARSET", Value: "US-ASCII"}}, Encoding: "7BIT", Size: 3028, Lines: 92},
		}},
		{"* 12 FETCH (BODY[HEADER] {20}\nDate: x\nFrom: y\n\nUID 7)", &imap.Message{
			SeqNum: 12, Items: imap.ItemSections | imap.ItemUID, UID: 7,
			Sections: []imap.Section{{Item: "BODY", Spec: "HEADER", Offset: -1, Size: 20, Data: "Date: x\r\nFrom: y\r\n\r\n"}},
		}},
		{"* 1 UIDFETCH (FLAGS ())", &imap.Message{UID: 1, Items: imap.ItemUID | imap.ItemFlags, Flags: []imap.Flag{}}},
		{"* 1 fetch (uid 5 modseq (12345) flags (\\seen $Junk))", &imap.Message{
			SeqNum: 1, UID: 5, Items: imap.ItemUID | imap.ItemModSeq | imap.ItemFlags, ModSeq: 12345, Flags: []imap.Flag{imap.FlagSeen, imap.FlagJunk},
		}},
		{"* 1 FETCH ()", &imap.Message{SeqNum: 1}},
		{`* 1 FETCH (BODY[] NIL BODY[1.2.MIME]<5> "" BODY[header.fields ("From" {2}` + "\n" + `To subject)] NIL BODY[HEADER.FIELDS.NOT (X)]<0> "a\"b" BINARY[1] ~{3}` + "\na\x00b" + ` BINARY.SIZE[2] 77 RFC822 "x" RFC822.HEADER NIL RFC822.TEXT {0}` + "\n)", &imap.Message{
			SeqNum: 1, Items: imap.ItemSections, Sections: []imap.Section{
				{Item: "BODY", Offset: -1, Nil: true},
				{Item: "BODY", Spec: "1.2.MIME", Offset: 5},
				{Item: "BODY", Spec: "HEADER.FIELDS (FROM TO SUBJECT)", Offset: -1, Nil: true},
				{Item: "BODY", Spec: "HEADER.FIELDS.NOT (X)", Offset: 0, Size: 3, Data: `a"b`},
				{Item: "BINARY", Spec: "1", Offset: -1, Size: 3, Data: "a\x00b"},
				{Item: "BINARY.SIZE", Spec: "2", Offset: -1, Size: 77},
				{Item: "RFC822", Offset: -1, Size: 1, Data: "x"},
				{Item: "RFC822.HEADER", Offset: -1, Nil: true},
				{Item: "RFC822.TEXT", Offset: -1},
			},
		}},
		{`* 3 FETCH (EMAILID (M6d99ac3275bb4e) THREADID (T64b478a75b7ea9) SAVEDATE "28-Apr-2018 01:02:03 +0000" PREVIEW "Hello \\o/" X-GM-MSGID 1278455344230334865 X-GM-THRID 1266894439832287888 X-GM-LABELS (\Inbox "\\Sent" Important "Muy &AOk-"))`, &imap.Message{
			SeqNum: 3, Items: imap.ItemEmailID | imap.ItemThreadID | imap.ItemSaveDate | imap.ItemPreview | imap.ItemGmailMsgID | imap.ItemGmailThreadID | imap.ItemGmailLabels,
			More: &imap.MoreItems{
				EmailID: "M6d99ac3275bb4e", ThreadID: "T64b478a75b7ea9", SaveDate: date(t, "28-Apr-2018 01:02:03 +0000"), Preview: `Hello \o/`,
				GmailMsgID: 1278455344230334865, GmailThreadID: 1266894439832287888, GmailLabels: []string{`\Inbox`, `\Sent`, "Important", "Muy é"},
			},
		}},
		{`* 3 FETCH (THREADID NIL SAVEDATE NIL PREVIEW NIL)`, &imap.Message{
			SeqNum: 3, Items: imap.ItemThreadID | imap.ItemSaveDate | imap.ItemPreview, More: &imap.MoreItems{},
		}},
		// RFC 5257 section 4.3.
		{`* 12 FETCH (UID 1123 ANNOTATION (/comment (value.priv "My comment" size.priv "10") /altsubject (value.shared NIL)))`, &imap.Message{
			SeqNum: 12, UID: 1123, Items: imap.ItemUID | imap.ItemAnnotations, More: &imap.MoreItems{Annotations: []imap.Annotation{
				{Entry: "/comment", Values: []imap.Attribute{{Name: "value.priv", Value: "My comment"}, {Name: "size.priv", Value: "10"}}},
				{Entry: "/altsubject", Values: []imap.Attribute{{Name: "value.shared", Nil: true}}},
			}},
		}},
		{`* 12 FETCH (ANNOTATION (/comment "/altsubject"))`, &imap.Message{
			SeqNum: 12, Items: imap.ItemAnnotations, More: &imap.MoreItems{Annotations: []imap.Annotation{{Entry: "/comment"}, {Entry: "/altsubject"}}},
		}},
		{`* 12 FETCH (XAOL.SPAM.REASON 0 UID 5 XAOL-PAREN-LIST (a (b {4}` + "\n(\")) c" + `)) X[1 (a)] "v")`, &imap.Message{
			SeqNum: 12, UID: 5, Items: imap.ItemUID, More: &imap.MoreItems{Unknown: []imap.RawItem{
				{Name: "XAOL.SPAM.REASON", Value: "0"}, {Name: "XAOL-PAREN-LIST", Value: "(a (b {4}\r\n(\")) c))"}, {Name: "X[1 (a)]", Value: `"v"`},
			}},
		}},
	})
}

// body decodes a BODYSTRUCTURE.
func body(t *testing.T, text string, opts *Options) *imap.BodyPart {
	t.Helper()
	r, err := Decode("* 1 FETCH (BODYSTRUCTURE "+strings.ReplaceAll(text, "\n", "\r\n")+" UID 5)", opts)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	m := r.(*imap.Message)
	if len(m.Errs) > 0 || m.UID != 5 {
		t.Fatalf("%q: UID %d, %v", text, m.UID, m.Errs)
	}
	return m.Body
}

func TestDecodeBodyStructure(t *testing.T) {
	ascii := []imap.Param{{Name: "CHARSET", Value: "US-ASCII"}}
	tests := []struct {
		in   string
		want *imap.BodyPart
	}{
		// RFC 3501 section 7.4.2.
		{`(("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 1152 23)("TEXT" "PLAIN" ("CHARSET" "US-ASCII" "NAME" "cc.diff") "<960723163407.20117h@cac.washington.edu>" "Compiler diff" "BASE64" 4554 73) "MIXED")`, &imap.BodyPart{
			Type: "multipart", Subtype: "MIXED", Parts: []imap.BodyPart{
				{Type: "TEXT", Subtype: "PLAIN", Params: ascii, Encoding: "7BIT", Size: 1152, Lines: 23},
				{
					Type: "TEXT", Subtype: "PLAIN", Params: []imap.Param{{Name: "CHARSET", Value: "US-ASCII"}, {Name: "NAME", Value: "cc.diff"}},
					ID: "<960723163407.20117h@cac.washington.edu>", Description: "Compiler diff", Encoding: "BASE64", Size: 4554, Lines: 73,
				},
			},
		}},
		{`("application" "pdf" ("name" {5}` + "\n" + `a.pdf) NIL NIL "base64" 1234 "Q2hlY2sgSW50ZWdyaXR5IQ==" ("attachment" ("filename" "a.pdf" "size" "900")) ("en" "de") "http://x" NIL (1 "2"))`, &imap.BodyPart{
			Type: "application", Subtype: "pdf", Params: []imap.Param{{Name: "name", Value: "a.pdf"}}, Encoding: "base64", Size: 1234,
			Disposition: "attachment", DispositionParams: []imap.Param{{Name: "filename", Value: "a.pdf"}, {Name: "size", Value: "900"}},
			Ext: &imap.BodyExt{MD5: "Q2hlY2sgSW50ZWdyaXR5IQ==", Language: []string{"en", "de"}, Location: "http://x", Unknown: `NIL (1 "2")`},
		}},
		{`("message" "rfc822" NIL NIL NIL "7bit" 500 ("d" "s" NIL NIL NIL NIL NIL NIL NIL "<i>") ("text" "plain" NIL NIL NIL "7bit" 10 1 NIL NIL NIL NIL) 12 NIL ("inline" NIL) "en" NIL)`, &imap.BodyPart{
			Type: "message", Subtype: "rfc822", Encoding: "7bit", Size: 500, Lines: 12, Envelope: &imap.Envelope{Date: "d", Subject: "s", MessageID: "<i>"},
			Parts: []imap.BodyPart{{Type: "text", Subtype: "plain", Encoding: "7bit", Size: 10, Lines: 1}}, Disposition: "inline", Ext: &imap.BodyExt{Language: []string{"en"}},
		}},
		{`("MESSAGE" "GLOBAL" NIL NIL NIL "8bit" 500 (NIL "sübject" NIL NIL NIL NIL NIL NIL NIL NIL) (("text" "plain" NIL NIL NIL "8bit" 1 1)("text" "html" NIL NIL NIL "8bit" 2 2) "alternative") 3)`, &imap.BodyPart{
			Type: "MESSAGE", Subtype: "GLOBAL", Encoding: "8bit", Size: 500, Lines: 3, Envelope: &imap.Envelope{Subject: "sübject"},
			Parts: []imap.BodyPart{{Type: "multipart", Subtype: "alternative", Parts: []imap.BodyPart{
				{Type: "text", Subtype: "plain", Encoding: "8bit", Size: 1, Lines: 1}, {Type: "text", Subtype: "html", Encoding: "8bit", Size: 2, Lines: 2},
			}}},
		}},
		{`(("text" "plain" NIL NIL NIL "7bit" 1 1 NIL NIL NIL NIL) "mixed" ("boundary" "=_x") ("inline" NIL) NIL "loc")`, &imap.BodyPart{
			Type: "multipart", Subtype: "mixed", Params: []imap.Param{{Name: "boundary", Value: "=_x"}}, Disposition: "inline", Ext: &imap.BodyExt{Location: "loc"},
			Parts: []imap.BodyPart{{Type: "text", Subtype: "plain", Encoding: "7bit", Size: 1, Lines: 1}},
		}},
	}
	for _, tc := range tests {
		for name, opts := range map[string]*Options{"lenient": nil, "strict": {Quirks: AllQuirks}} {
			if got := body(t, tc.in, opts); !reflect.DeepEqual(got, tc.want) {
				t.Errorf("%s: %q\n got %+v\nwant %+v", name, tc.in, got, tc.want)
			}
		}
	}
}

func TestBadItemCostsThatItem(t *testing.T) {
	bad := map[string]string{
		"UID":                       "x",
		"UID ":                      "0",
		"FLAGS":                     "(a (b) c)",
		"INTERNALDATE":              "(1)",
		"RFC822.SIZE":               "(abc)",
		"ENVELOPE":                  `("date" "subject" x (NIL "{" ")") "a\"b" {3}` + "\r\n)))" + `)`,
		"ENVELOPE ":                 `("date" "subject" (("a" "b" "c" "d" "e")) NIL NIL NIL NIL NIL NIL NIL)`,
		"BODYSTRUCTURE":             `("text" "plain" NIL NIL NIL "7bit" x 1)`,
		"BODY":                      `(("text" "plain" NIL NIL NIL "7bit" 1 1)(("x")) "mixed" 5)`,
		"BODY ":                     strings.Repeat("(", 70) + strings.Repeat(")", 70),
		"MODSEQ":                    "12",
		"EMAILID":                   "x",
		"BINARY.SIZE[1]":            "x",
		"BODY[1]":                   "(a b)",
		"BODY[HEADER.FIELDS ((A))]": "{3}\r\nabc",
		"X-GM-LABELS":               "5",
		"ANNOTATION":                "5",
	}
	for name, value := range bad {
		item := strings.TrimSpace(name)
		in := "* 7 FETCH (RFC822.SIZE 12 " + item + " " + value + " MODSEQ (9) FLAGS (\\Seen))"
		r, err := Decode(in, nil)
		if err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		m := r.(*imap.Message)
		if m.SeqNum != 7 || m.Size != 12 || m.ModSeq != 9 || !imap.HasFlag(m.Flags, imap.FlagSeen) {
			t.Errorf("%q: %s", in, show(m))
		}
		if len(m.Errs) != 1 {
			t.Errorf("%q: errors %v", in, m.Errs)
			continue
		}
		e := m.Errs[0].(*SyntaxError)
		if e.Item == "" || !strings.HasPrefix(item, e.Item) || e.Offset < 25 || e.Offset > len(in) {
			t.Errorf("%q: %+v", in, e)
		}
	}
}

func TestRowWithUnbalancedItemGoesOnAtNextItem(t *testing.T) {
	for _, in := range []string{
		`* 7 FETCH (ENVELOPE ("date" "subject" (("a" NIL "b" "c") NIL NIL NIL NIL NIL NIL NIL) UID 5 FLAGS (\Seen))`,
		`* 7 FETCH (ENVELOPE ("date" "subject) NIL NIL NIL NIL NIL NIL NIL NIL) UID 5 FLAGS (\Seen))`,
		`* 7 FETCH (ENVELOPE "date" "subject") UID 5 FLAGS (\Seen))`,
	} {
		r, err := Decode(in, nil)
		if err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		if m := r.(*imap.Message); len(m.Errs) == 0 || m.UID != 5 || m.Flags == nil {
			t.Errorf("%q: %s", in, show(m))
		}
	}
}

func TestStreamedLiteralIsASection(t *testing.T) {
	data := "* 5 FETCH (BODY[] {70000}\r\n UID 9 BODY[1]<0> ~{100}\r\n)"
	fr := Frame{Data: []byte(data), Literals: []Literal{
		{Offset: strings.Index(data, " UID"), Size: 70000, Streamed: true}, {Offset: len(data) - 1, Size: 100, Streamed: true},
	}}
	r, err := NewDecoder(nil).Decode(fr)
	want := &imap.Message{SeqNum: 5, UID: 9, Items: imap.ItemUID | imap.ItemSections, Sections: []imap.Section{
		{Item: "BODY", Offset: -1, Size: 70000, Streamed: true}, {Item: "BODY", Spec: "1", Offset: 0, Size: 100, Streamed: true},
	}}
	if err != nil || !reflect.DeepEqual(r, want) {
		t.Errorf("%s, %v", show(r), err)
	}
}

func TestStringsOfAnyFormAnywhere(t *testing.T) {
	long := strings.Repeat("x", 5000)
	forms := map[string]string{`"a"`: "a", "{1}\r\na": "a", "~{1}\r\na": "a", "{5000}\r\n" + long: long, "NIL": "", "nil": "", `""`: "", "{0}\r\n": ""}
	for form, want := range forms {
		in := "* 1 FETCH (ENVELOPE (S S ((S S S S)) NIL NIL NIL NIL NIL S S) BODYSTRUCTURE (\"x\" S (\"n\" S) S S S 5 S (S (\"n\" S)) (S) S))"
		r, err := Decode(strings.ReplaceAll(in, "S", form)[2:], nil)
		_ = r
		if err == nil {
			t.Error("a response without its star")
		}
		in = "* 1 FETCH (ENVELOPE (@ @ ((@ @ @ @)) NIL NIL NIL NIL NIL @ @) BODYSTRUCTURE (\"x\" @ (\"n\" @) @ @ @ 5 @ (@ (\"n\" @)) (@) @))"
		r, err = Decode(strings.ReplaceAll(in, "@", form), nil)
		if err != nil {
			t.Fatalf("%.20q: %v", form, err)
		}
		m := r.(*imap.Message)
		if len(m.Errs) > 0 {
			t.Errorf("%.20q: %v", form, m.Errs)
			continue
		}
		e, b := m.Envelope, m.Body
		got := []string{e.Date, e.Subject, e.From[0].Name, e.From[0].Mailbox, e.From[0].Host, e.InReplyTo, e.MessageID, b.Params[0].Value, b.ID, b.Description, b.Encoding, b.Disposition, b.DispositionParams[0].Value}
		for i, g := range got {
			if g != want {
				t.Errorf("%.20q: value %d is %.20q", form, i, g)
			}
		}
	}
}

func TestKeywordsAreSharedAndFlagsKeepNoResponse(t *testing.T) {
	d := NewDecoder(nil)
	for range 3 {
		r, err := d.Decode(Frame{Data: []byte("* 1 FETCH (FLAGS (\\Seen NonJunk \\SEEN $junk " + strings.Repeat("k", 10) + "))")})
		if err != nil {
			t.Fatal(err)
		}
		want := []imap.Flag{imap.FlagSeen, "NonJunk", imap.FlagSeen, imap.FlagJunk, "kkkkkkkkkk"}
		if got := r.(*imap.Message).Flags; !reflect.DeepEqual(got, want) {
			t.Error(got)
		}
	}
	for i := range 1000 {
		_, _ = d.Decode(Frame{Data: fmt.Appendf(nil, "* 1 FETCH (FLAGS (keyword%d))", i)})
	}
	if len(d.keywords) != maxKeywords {
		t.Error("remembers", len(d.keywords))
	}
}

func TestDecoderLimits(t *testing.T) {
	nest := func(n int) string {
		return "* 1 FETCH (BODYSTRUCTURE " + strings.Repeat("(", n) + `"text" "plain" NIL NIL NIL "7bit" 1 1` + strings.Repeat(`) "mixed"`, n-1) + "))"
	}
	addrs := func(n int) string {
		return "* 1 FETCH (ENVELOPE (NIL NIL " + "(" + strings.Repeat(`(NIL NIL "a" "b")`, n) + ") NIL NIL NIL NIL NIL NIL NIL))"
	}
	tests := []struct {
		name           string
		limits         Limits
		within, beyond string
	}{
		{"depth of parts", Limits{Depth: 10}, nest(10), nest(11)},
		{"depth of threads", Limits{Ranges: 6}, "* THREAD (1 (2 (3)))", "* THREAD (1 (2 (3 (4))))"},
		{"addresses", Limits{Tokens: 51}, addrs(50), addrs(51)},
		{"flags", Limits{Tokens: 3}, "* FLAGS (a b c)", "* FLAGS (a b c d)"},
		{"items", Limits{Tokens: 3}, "* 1 FETCH (X 1 X 1 X 1)", "* 1 FETCH (X 1 X 1 X 1 X 1)"},
		{"words", Limits{Tokens: 3}, "* METADATA x (a b c d e f)", "* METADATA x (a b c d e f g h)"},
		{"capabilities", Limits{Tokens: 3}, "* CAPABILITY a b c", "* CAPABILITY a b c d"},
		{"ranges", Limits{Ranges: 3}, "* VANISHED 1,3,5", "* VANISHED 1,3,5,7"},
		{"numbers", Limits{Ranges: 3}, "* SEARCH 1 2 3", "* SEARCH 1 2 3 4"},
		{"threads", Limits{Ranges: 5}, "* THREAD (1)(2 3)", "* THREAD (1)(2 3)(4)"},
	}
	for _, tc := range tests {
		opts := &Options{Limits: tc.limits}
		if r, err := Decode(tc.within, opts); err != nil || hasErrs(r) {
			t.Errorf("%s: %q: %s, %v", tc.name, tc.within, show(r), err)
		}
		if r, err := Decode(tc.beyond, opts); err == nil && !hasErrs(r) {
			t.Errorf("%s: %q: no error: %s", tc.name, tc.beyond, show(r))
		}
	}
}

// RFC 5256 section 4: there is no limit to the nesting of threads.
func TestThreadsNestAsDeepAsDiscussionsDo(t *testing.T) {
	const depth = 100_000
	var line strings.Builder
	line.WriteString("* THREAD ")
	for i := range depth {
		fmt.Fprintf(&line, "(%d (%d)", 2*i+1, 2*i+2)
	}
	line.WriteString("(7)" + strings.Repeat(")", depth))
	r, err := Decode(line.String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	node := &r.(*imap.Thread).Roots[0]
	for i := range depth - 1 {
		if len(node.Children) != 2 || node.Num != uint32(2*i+1) || node.Children[0].Num != uint32(2*i+2) {
			t.Fatalf("at depth %d: message %d with %d children", i, node.Num, len(node.Children))
		}
		node = &node.Children[1]
	}
}

func hasErrs(r imap.Response) bool {
	m, ok := r.(*imap.Message)
	return ok && len(m.Errs) > 0
}

func TestManyBadItemsAreBounded(t *testing.T) {
	r, err := Decode("* 1 FETCH ("+strings.Repeat("UID x ", 10000)+"FLAGS ())", nil)
	if err != nil || len(r.(*imap.Message).Errs) != maxItemErrors {
		t.Errorf("%d errors, %v", len(r.(*imap.Message).Errs), err)
	}
}

func TestHostileNestingCostsWhatItIsLong(t *testing.T) {
	for _, in := range []struct{ before, again, after string }{
		{"* 1 FETCH (X ", "(", ""},
		{"* 1 FETCH (BODYSTRUCTURE ", "(", ""},
		{"* 1 FETCH (ENVELOPE ", "(", ")"},
		{"* THREAD ", "(", ""},
		{"* X ", "(", ""},
		{"* 1 FETCH (FLAGS (", `"`, ""},
		{"* 1 FETCH (", "UID (", ""},
		{"* 1 FETCH (BODYSTRUCTURE (", `("x" `, ""},
		{"* 1 FETCH (ENVELOPE (NIL NIL (", "({1}\r\na ", ""},
		{"* 1 FETCH (", "BODY[ (", ""},
	} {
		linear.Check(t, in.before+in.again, 1<<20/len(in.again), func(n int) {
			_, _ = Decode(in.before+strings.Repeat(in.again, n)+strings.Repeat(in.after, n), nil)
		})
	}
}

func TestManyLiteralsNextToAStreamedOneCostWhatTheyAreMany(t *testing.T) {
	linear.Check(t, "literals", 90_000, func(n int) {
		data := "* 1 FETCH (BODY[] {99999}\r\n"
		lits := []Literal{{Offset: len(data), Size: 99999, Streamed: true}}
		b := []byte(data + " X (")
		for range n {
			b = append(b, "{1}\r\n"...)
			lits = append(lits, Literal{Offset: len(b), Size: 1})
			b = append(b, "a "...)
		}
		b = append(b, "z))"...)
		r, err := NewDecoder(nil).Decode(Frame{Data: b, Literals: lits})
		if err != nil || hasErrs(r) || len(r.(*imap.Message).Sections) != 1 {
			t.Error(err)
		}
	})
}

// heap returns the bytes in use after a collection.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestKeptMessageKeepsFewNeighbours(t *testing.T) {
	all := rows(4000, 9)
	big := "* 1 FETCH (BODY[] {1000000}\r\n" + strings.Repeat("x", 1000000) + ")"
	d := NewDecoder(nil)
	var kept []imap.Response
	before := heap()
	for i, row := range all {
		r, err := d.Decode(Frame{Data: []byte(row)})
		if err != nil {
			t.Fatal(err)
		}
		if i%1000 == 500 {
			kept = append(kept, r)
		}
		if i%1000 == 501 {
			if _, err := d.Decode(Frame{Data: []byte(big)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	d.Release()
	each := (heap() - before) / int64(len(kept))
	if each > 100<<10 {
		t.Error("each message that is kept keeps", each, "bytes")
	}
	t.Log(each, "bytes for each message of 1.1 KB that is kept alone")
	runtime.KeepAlive(kept)
	runtime.KeepAlive(all)
	runtime.KeepAlive(big)
}
