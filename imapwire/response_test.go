package imapwire

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
)

func TestAppendResponse(t *testing.T) {
	tests := []struct {
		r    imap.Response
		want string // without the line end
	}{
		{imap.Exists(3), "* 3 EXISTS"},
		{imap.Recent(0), "* 0 RECENT"},
		{imap.Expunge(7), "* 7 EXPUNGE"},
		{&imap.Vanished{Earlier: true, UIDs: imap.SetOfRange[imap.UID](41, 42)}, "* VANISHED (EARLIER) 41:42"},
		{imap.MailboxFlags{`\Seen`, `\*`}, `* FLAGS (\Seen \*)`},
		{imap.CapabilityData{"IMAP4REV1", "AUTH=PLAIN"}, "* CAPABILITY IMAP4REV1 AUTH=PLAIN"},
		{imap.Enabled{}, "* ENABLED"},
		{&imap.Status{Kind: imap.OK, Code: &imap.Code{Name: imap.CodeUIDNext, Num: 5}, Text: "next"}, "* OK [UIDNEXT 5] next"},
		{&imap.Tagged{Tag: "a1", Status: imap.Status{Kind: imap.NO, Text: "no"}}, "a1 NO no"},
		{&imap.Continuation{Text: "AA=="}, "+ AA=="},
		{&imap.Continuation{}, "+ "},
		{&imap.Search{Nums: []uint32{2, 1}, ModSeq: 9}, "* SEARCH 2 1 (MODSEQ 9)"},
		{&imap.Search{Sort: true}, "* SORT"},
		{
			&imap.ESearch{Tag: "a", UID: true, Min: 1, Max: 9, All: imap.UIDs(1, 9), HasCount: true, Count: 2, ModSeq: 3},
			`* ESEARCH (TAG "a") UID MIN 1 MAX 9 ALL 1,9 COUNT 2 MODSEQ 3`,
		},
		{
			&imap.ESearch{Mailbox: "x", UIDValidity: 4, Partial: &imap.ESearchPartial{First: -1, Last: -9}, Updates: []imap.ESearchUpdate{{Remove: true, Position: 1, Nums: imap.UIDs(4)}}},
			"* ESEARCH (MAILBOX x UIDVALIDITY 4) PARTIAL (-1:-9 NIL) REMOVEFROM (1 4)",
		},
		{&imap.Thread{Roots: []imap.ThreadNode{ // RFC 5256 section 4
			{Num: 2},
			{Num: 3, Children: []imap.ThreadNode{{Num: 6, Children: []imap.ThreadNode{
				{Num: 4, Children: []imap.ThreadNode{{Num: 23}}},
				{Num: 44, Children: []imap.ThreadNode{{Num: 7, Children: []imap.ThreadNode{{Num: 96}}}}},
			}}}},
			{Children: []imap.ThreadNode{{Num: 3}, {Num: 5}}},
		}}, "* THREAD (2)(3 6 (4 23)(44 7 96))((3)(5))"},
		{&imap.List{Attrs: []imap.Attr{imap.AttrNoSelect}, Delim: '/', Mailbox: "ä"}, `* LIST (\Noselect) "/" "&AOQ-"`},
		{&imap.List{Kind: imap.ListKindLsub, Delim: '\\', Mailbox: "a b"}, `* LSUB () "\\" "a b"`},
		{
			&imap.List{Mailbox: "x", ChildInfo: []string{"SUBSCRIBED"}, OldName: "y", MyRights: "lrs", Unknown: []imap.RawItem{{Name: "Z", Value: `("a" {1}` + "\r\nb)"}}},
			`* LIST () NIL x ("CHILDINFO" ("SUBSCRIBED") "OLDNAME" (y) "MYRIGHTS" "lrs" "Z" ("a" {1}` + "\r\nb))",
		},
		{
			&imap.MailboxStatus{Mailbox: "INBOX", Items: imap.StatusMessages | imap.StatusAppendLimit | imap.StatusMailboxID, AppendLimit: -1, MailboxID: "F1"},
			"* STATUS INBOX (MESSAGES 0 APPENDLIMIT NIL MAILBOXID (F1))",
		},
		{
			&imap.Namespaces{Personal: []imap.Namespace{{Delim: '/'}, {Prefix: "#mh/", Delim: '/', Extensions: []imap.RawItem{{Name: "X-PARAM", Value: `("FLAG1")`}}}}},
			`* NAMESPACE (("" "/")("#mh/" "/" "X-PARAM" ("FLAG1"))) NIL NIL`,
		},
		{&imap.ID{}, "* ID NIL"},
		{&imap.ID{Pairs: []imap.Attribute{{Name: "name", Value: "x"}, {Name: "v", Nil: true}}}, `* ID ("name" "x" "v" NIL)`},
		{&imap.Quota{Resources: []imap.QuotaResource{{Name: "STORAGE", Usage: 1, Limit: 2}}}, `* QUOTA "" (STORAGE 1 2)`},
		{&imap.QuotaRoot{Mailbox: "INBOX", Roots: []string{""}}, `* QUOTAROOT INBOX ""`},
		{&imap.ACL{Mailbox: "x", Rights: []imap.IdentifierRights{{Identifier: "-jo", Rights: ""}}}, `* ACL x "-jo" ""`},
		{&imap.ListRights{Mailbox: "x", Identifier: "jo", Required: "", Optional: []string{"l", "r"}}, `* LISTRIGHTS x jo "" l r`},
		{&imap.MyRights{Mailbox: "x", Rights: "lrs"}, "* MYRIGHTS x lrs"},
		{&imap.Metadata{Values: []imap.Attribute{{Name: "/a", Value: "b"}}}, `* METADATA "" (/a "b")`},
		{&imap.Metadata{Mailbox: "x", Changed: []string{"/a", "/b c"}}, `* METADATA x /a "/b c"`},
		{&imap.Language{Tags: []string{"de", "x y"}}, `* LANGUAGE (de "x y")`},
		{&imap.Comparator{}, "* COMPARATOR"},
		{&imap.Comparator{Active: "i;octet"}, `* COMPARATOR "i;octet"`},
		{&imap.Comparator{Active: "i;octet", Matching: []string{"i;octet", "i;basic"}}, `* COMPARATOR "i;octet" ("i;octet" "i;basic")`},
		{&imap.JMAPAccess{URL: "https://x.example/.well-known/jmap"}, `* JMAPACCESS "https://x.example/.well-known/jmap"`},
		{&imap.Converted{SeqNum: 2, UID: 5, Tag: "a", Parts: []imap.ConvertedPart{{Section: imap.Section{Item: "BINARY.SIZE", Spec: "1", Offset: -1, Size: 7}}}}, `* 2 CONVERTED (TAG "a") (UID 5 BINARY.SIZE[1] 7)`},
		{&imap.Conversion{From: "a/b", To: "c/d", Params: []string{"x"}}, `* CONVERSION "a/b" "c/d" (x)`},
		{&imap.GenURLAuth{URLs: []string{"x", "y z"}}, `* GENURLAUTH x "y z"`},
		{&imap.URLFetch{Contents: []imap.URLContent{{URL: "x", Data: "ab"}, {URL: "y", Nil: true}}}, `* URLFETCH x "ab" y NIL`},
		{&imap.Unknown{Num: 4, Name: "X-Y", Data: "z"}, "* 4 X-Y z"},
		{&imap.Unknown{Name: "X-Y"}, "* X-Y"},
		{&imap.Message{SeqNum: 1}, "* 1 FETCH ()"},
		{&imap.Message{UID: 9, Items: imap.ItemUID | imap.ItemFlags}, "* 9 UIDFETCH (FLAGS ())"},
		{&imap.Message{
			SeqNum: 1, UID: 9, Items: imap.ItemUID | imap.ItemFlags | imap.ItemInternalDate | imap.ItemSize | imap.ItemModSeq | imap.ItemSections,
			Flags: []imap.Flag{`\Seen`}, InternalDate: time.Date(2026, 11, 2, 1, 2, 3, 0, time.FixedZone("", -3600)), Size: 7, ModSeq: 5,
			Sections: []imap.Section{
				{Item: "BODY", Offset: -1, Data: "a\r\n"},
				{Item: "BODY", Spec: `1.HEADER.FIELDS (FROM A"B)`, Offset: 5, Nil: true},
				{Item: "BINARY", Spec: "1", Offset: -1, Data: "\x00"},
				{Item: "BINARY.SIZE", Spec: "1", Offset: -1, Size: 4},
				{Item: "RFC822", Offset: -1},
			},
		}, "* 1 FETCH (UID 9 FLAGS (\\Seen) INTERNALDATE \" 2-Nov-2026 01:02:03 -0100\" RFC822.SIZE 7 MODSEQ (5) BODY[] {3}\r\na\r\n" +
			" BODY[1.HEADER.FIELDS (FROM \"A\\\"B\")]<5> NIL BINARY[1] ~{1}\r\n\x00 BINARY.SIZE[1] 4 RFC822 {0}\r\n)"},
		{&imap.Message{SeqNum: 1, Items: imap.ItemEnvelope, Envelope: &imap.Envelope{
			Date: "x", Subject: "ä", From: []imap.Address{{Name: `"`, Mailbox: "jo", Host: "example.org"}}, To: []imap.Address{{Mailbox: "g"}, {}}, MessageID: "a\nb",
		}}, "* 1 FETCH (ENVELOPE (\"x\" {2}\r\nä ((\"\\\"\" NIL \"jo\" \"example.org\")) NIL NIL ((NIL NIL \"g\" NIL)(NIL NIL NIL NIL)) NIL NIL NIL {3}\r\na\nb))"},
		{&imap.Message{SeqNum: 1, Items: imap.ItemBody | imap.ItemBodyBasic, Body: &imap.BodyPart{
			Type: "multipart", Subtype: "mixed", Params: []imap.Param{{Name: "boundary", Value: "b"}}, Parts: []imap.BodyPart{
				{Type: "text", Subtype: "plain", Encoding: "7bit", Size: 5, Lines: 1, Disposition: "attachment", DispositionParams: []imap.Param{{Name: "filename", Value: "f"}}},
				{
					Type: "message", Subtype: "rfc822", Encoding: "7bit", Size: 9, Lines: 2, Envelope: &imap.Envelope{},
					Parts: []imap.BodyPart{{Type: "image", Subtype: "png", ID: "i", Description: "d", Encoding: "base64", Size: 3, Ext: &imap.BodyExt{MD5: "m", Language: []string{"de"}, Location: "l", Unknown: "1 (2)"}}},
				},
			},
		}}, `* 1 FETCH (BODY (("text" "plain" NIL NIL NIL "7bit" 5 1)("message" "rfc822" NIL NIL NIL "7bit" 9 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) ` +
			`("image" "png" NIL "i" "d" "base64" 3) 2) "mixed") ` +
			`BODYSTRUCTURE (("text" "plain" NIL NIL NIL "7bit" 5 1 NIL ("attachment" ("filename" "f")) NIL NIL)` +
			`("message" "rfc822" NIL NIL NIL "7bit" 9 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) ("image" "png" NIL "i" "d" "base64" 3 "m" NIL ("de") "l" 1 (2)) 2 NIL NIL NIL NIL)` +
			` "mixed" ("boundary" "b") NIL NIL NIL))`},
		{&imap.Message{SeqNum: 1, Items: imap.ItemEmailID | imap.ItemThreadID | imap.ItemSaveDate | imap.ItemPreview | imap.ItemGmailMsgID | imap.ItemGmailThreadID | imap.ItemGmailLabels | imap.ItemAnnotations, More: &imap.MoreItems{
			EmailID: "M1", GmailMsgID: 1 << 63, GmailLabels: []string{`\Inbox`, "ä"},
			Annotations: []imap.Annotation{{Entry: "/comment", Values: []imap.Attribute{{Name: "value.priv", Nil: true}}}, {Entry: "/x"}},
			Unknown:     []imap.RawItem{{Name: "X-Y[1]", Value: "(z)"}},
		}}, `* 1 FETCH (EMAILID (M1) THREADID NIL SAVEDATE NIL PREVIEW NIL X-GM-MSGID 9223372036854775808 X-GM-THRID 0 X-GM-LABELS ("\\Inbox" "&AOQ-") ` +
			`ANNOTATION (/comment (value.priv NIL) /x) X-Y[1] (z))`},
	}
	for _, test := range tests {
		got, err := AppendResponse([]byte("x"), test.r, nil)
		if err != nil || string(got) != "x"+test.want+"\r\n" {
			t.Errorf("%T:\n got %q, %v\nwant %q", test.r, got, err, test.want)
		}
	}
	utf8On := &Options{UTF8: true}
	if got, err := AppendResponse(nil, &imap.List{Mailbox: "ä\"", Delim: '\xff'}, utf8On); err != nil || string(got) != "* LIST () \"ÿ\" \"ä\\\"\"\r\n" {
		t.Errorf("UTF8: got %q, %v", got, err)
	}
	if got, err := AppendResponse(nil, &imap.ID{Pairs: []imap.Attribute{{Name: "\xff"}}}, utf8On); err != nil || string(got) != "* ID ({1}\r\n\xff \"\")\r\n" {
		t.Errorf("UTF8: got %q, %v", got, err)
	}
}

func TestAppendResponseCode(t *testing.T) {
	for want, code := range map[string]*imap.Code{
		"[CLOSED] ":                           {Name: imap.CodeClosed},
		`[X-Y (a "]") b] `:                    {Name: "X-Y", Args: `(a "]") b`},
		"[CAPABILITY A B] ":                   {Name: imap.CodeCapability, Caps: imap.Capabilities{"A", "B"}},
		`[PERMANENTFLAGS (\Seen \*)] `:        {Name: imap.CodePermanentFlags, Flags: []imap.Flag{`\Seen`, `\*`}},
		"[PERMANENTFLAGS ()] ":                {Name: imap.CodePermanentFlags},
		"[HIGHESTMODSEQ 7] ":                  {Name: imap.CodeHighestModSeq, Num: 7},
		"[APPENDUID 3 4:5] ":                  {Name: imap.CodeAppendUID, UIDValidity: 3, Dest: imap.UIDs(4, 5)},
		"[COPYUID 3 1,7 4:5] ":                {Name: imap.CodeCopyUID, UIDValidity: 3, Source: imap.UIDs(1, 7), Dest: imap.UIDs(4, 5)},
		"[MODIFIED 9] ":                       {Name: imap.CodeModified, Source: imap.UIDs(9)},
		"[MESSAGELIMIT 1000 23221] ":          {Name: imap.CodeMessageLimit, Num: 1000, UID: 23221},
		"[BADCHARSET (UTF-8 \"a b\")] ":       {Name: imap.CodeBadCharset, Words: []string{"UTF-8", "a b"}},
		"[BADCHARSET] ":                       {Name: imap.CodeBadCharset},
		"[METADATA MAXSIZE 1024] ":            {Name: imap.CodeMetadata, Words: []string{"MAXSIZE", "1024"}},
		"[MAILBOXID (F22)] ":                  {Name: imap.CodeMailboxID, Words: []string{"F22"}},
		"[INPROGRESS (A001 454 NIL)] ":        {Name: imap.CodeInProgress, Words: []string{"A001", "454", ""}},
		"[BADURL imap://x/ y] ":               {Name: imap.CodeBadURL, Words: []string{"imap://x/ y"}},
		"[WEBALERT https://x?a=b] ":           {Name: imap.CodeWebAlert, Words: []string{"https://x?a=b"}},
		"[UNDEFINED-FILTER on-the-road] ":     {Name: imap.CodeUndefinedFilter, Words: []string{"on-the-road"}},
		"[BADEVENT (MessageNew FlagChange)] ": {Name: imap.CodeBadEvent, Words: []string{"MessageNew", "FlagChange"}},
		"[NOTIFICATIONOVERFLOW] ":             {Name: imap.CodeNotificationOverflow},
		"[APPENDUID as received] ":            {Name: imap.CodeAppendUID, Args: "as received", UIDValidity: 7},
	} {
		got, err := AppendResponse(nil, &imap.Status{Kind: imap.OK, Code: code, Text: "t"}, nil)
		if err != nil || string(got) != "* OK "+want+"t\r\n" {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
}

func TestAppendResponseRefuses(t *testing.T) {
	part := imap.BodyPart{Type: "a", Subtype: "b"}
	deep, thread := part, imap.ThreadNode{Num: 1}
	for range DefaultLimits.Depth {
		deep = imap.BodyPart{Type: "multipart", Subtype: "mixed", Parts: []imap.BodyPart{deep, part}}
		thread = imap.ThreadNode{Num: 1, Children: []imap.ThreadNode{thread, {Num: 2}}}
	}
	body := func(p imap.BodyPart) imap.Response {
		return &imap.Message{SeqNum: 1, Items: imap.ItemBody, Body: &p}
	}
	section := func(s imap.Section) imap.Response {
		return &imap.Message{SeqNum: 1, Sections: []imap.Section{s}}
	}
	status := func(c *imap.Code, text string) imap.Response {
		return &imap.Status{Kind: imap.OK, Code: c, Text: text}
	}
	item := func(name, value string) imap.Response {
		return &imap.Message{SeqNum: 1, More: &imap.MoreItems{Unknown: []imap.RawItem{{Name: name, Value: value}}}}
	}
	for name, r := range map[string]imap.Response{
		"nothing":                 nil,
		"malformed":               &imap.Malformed{Raw: []byte("x")},
		"expunge of 0":            imap.Expunge(0),
		"nothing vanished":        &imap.Vanished{},
		"vanished *":              &imap.Vanished{UIDs: imap.UIDs(0)},
		"flag":                    imap.MailboxFlags{"a b"},
		"flag with line end":      imap.MailboxFlags{"\\a\r\n"},
		"capability":              imap.CapabilityData{"A\r\nB"},
		"status kind":             &imap.Status{},
		"two lines":               status(nil, "a\r\nb"),
		"text like a code":        status(nil, "[a] b"),
		"continuation like code":  &imap.Continuation{Text: "[a]"},
		"code without a name":     status(&imap.Code{}, ""),
		"code with a bracket":     status(&imap.Code{Name: "X", Args: "a] b"}, ""),
		"code with a line end":    status(&imap.Code{Name: "X", Args: "a\r\nb"}, ""),
		"code with half a string": status(&imap.Code{Name: "X", Args: `"a`}, `]" ] t`),
		"code with a space":       status(&imap.Code{Name: "X", Args: "a "}, ""),
		"code with a literal":     status(&imap.Code{Name: imap.CodeBadCharset, Words: []string{"ä"}}, ""),
		"COPYUID without sets":    status(&imap.Code{Name: imap.CodeCopyUID}, ""),
		"no tag":                  &imap.Tagged{Status: imap.Status{Kind: imap.OK}},
		"tagged BYE":              &imap.Tagged{Tag: "a", Status: imap.Status{Kind: imap.BYE}},
		"mod-sequence":            &imap.Search{ModSeq: 1 << 63},
		"position":                &imap.ESearch{Partial: &imap.ESearchPartial{First: 1 << 32}},
		"update without messages": &imap.ESearch{Updates: []imap.ESearchUpdate{{}}},
		"empty thread":            &imap.Thread{Roots: []imap.ThreadNode{{}}},
		"deep thread":             &imap.Thread{Roots: []imap.ThreadNode{thread}},
		"attribute":               &imap.List{Attrs: []imap.Attr{`\a)`}},
		"raw list":                &imap.List{Unknown: []imap.RawItem{{Name: "x", Value: "(a"}}},
		"raw two":                 &imap.List{Unknown: []imap.RawItem{{Name: "x", Value: "a b"}}},
		"raw literal":             &imap.List{Unknown: []imap.RawItem{{Name: "x", Value: "({3}\r\na)"}}},
		"raw header":              &imap.ESearch{Unknown: []imap.RawItem{{Name: "X", Value: "{3}"}}},
		"raw line end":            &imap.MailboxStatus{Unknown: []imap.RawItem{{Name: "X", Value: "(a\r\nb)"}}},
		"negative size":           &imap.MailboxStatus{Items: imap.StatusSize, Size: -1},
		"no mailbox id":           &imap.MailboxStatus{Items: imap.StatusMailboxID},
		"quota":                   &imap.Quota{Resources: []imap.QuotaResource{{Name: "a b"}}},
		"metadata of nothing":     &imap.Metadata{},
		"metadata of both":        &imap.Metadata{Values: []imap.Attribute{{}}, Changed: []string{"x"}},
		"converted item":          &imap.Converted{SeqNum: 1, Parts: []imap.ConvertedPart{{Section: imap.Section{Item: "RFC822"}}}},
		"converted error":         &imap.Converted{SeqNum: 1, Parts: []imap.ConvertedPart{{Section: imap.Section{Item: "BINARY"}, Err: &imap.ConvertError{Code: "X", Args: "{7}"}}}},
		"converted body":          &imap.Converted{SeqNum: 1, Parts: []imap.ConvertedPart{{Section: imap.Section{Item: "BODYPARTSTRUCTURE"}}}},
		"no URL":                  &imap.GenURLAuth{},
		"no content":              &imap.URLFetch{},
		"unknown without a name":  &imap.Unknown{},
		"unknown number":          &imap.Unknown{Name: "1"},
		"unknown literal":         &imap.Unknown{Name: "X", Data: "{3}\r\nab"},
		"message 0":               &imap.Message{},
		"UID 0":                   &imap.Message{SeqNum: 1, Items: imap.ItemUID},
		"no envelope":             &imap.Message{SeqNum: 1, Items: imap.ItemEnvelope},
		"no body":                 &imap.Message{SeqNum: 1, Items: imap.ItemBody},
		"message size":            &imap.Message{SeqNum: 1, Items: imap.ItemSize, Size: -1},
		"date":                    &imap.Message{SeqNum: 1, Items: imap.ItemInternalDate, InternalDate: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
		"email id":                &imap.Message{SeqNum: 1, Items: imap.ItemEmailID},
		"item name":               item("a b\r\n", "x"),
		"item value":              item("X", ")"),
		"empty value":             item("X", ""),
		"deep body":               body(deep),
		"empty multipart":         body(imap.BodyPart{Type: "multipart", Subtype: "mixed"}),
		"no type":                 body(imap.BodyPart{Subtype: "a"}),
		"no subtype":              body(imap.BodyPart{Type: "a"}),
		"lines of an image":       body(imap.BodyPart{Type: "image", Subtype: "png", Lines: 1}),
		"message without a body":  body(imap.BodyPart{Type: "message", Subtype: "rfc822", Envelope: &imap.Envelope{}}),
		"message without a head":  body(imap.BodyPart{Type: "message", Subtype: "rfc822", Parts: []imap.BodyPart{part}}),
		"raw extension":           body(imap.BodyPart{Type: "a", Subtype: "b", Ext: &imap.BodyExt{Unknown: "a) (b"}}),
		"extension line end":      body(imap.BodyPart{Type: "a", Subtype: "b", Ext: &imap.BodyExt{Unknown: "a\r\nb"}}),
		"section item":            section(imap.Section{Item: "X"}),
		"section spec":            section(imap.Section{Item: "BODY", Spec: "a]"}),
		"section fields":          section(imap.Section{Item: "BODY", Spec: "HEADER.FIELDS (A"}),
		"streamed":                section(imap.Section{Item: "BODY", Streamed: true}),
		"binary size":             section(imap.Section{Item: "BINARY.SIZE", Size: -1}),
	} {
		got, err := AppendResponse([]byte("x"), r, nil)
		if _, ok := errors.AsType[*ResponseError](err); !ok || string(got) != "x" || !strings.HasPrefix(err.Error(), "response ") {
			t.Errorf("%s: got %.200q, %v; want a ResponseError", name, got, err)
		}
	}
}
