package imapwire

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
)

// show prints a response so that two can be compared by eye.
func show(r imap.Response) string {
	b, err := json.Marshal(r)
	if err != nil {
		return fmt.Sprintf("%#v", r)
	}
	return fmt.Sprintf("%T%s", r, b)
}

// decodeCase is a response, written with \n for CRLF, and what it means.
type decodeCase struct {
	in   string
	want imap.Response
}

func runDecodeCases(t *testing.T, cases []decodeCase) {
	t.Helper()
	d := NewDecoder(nil)
	for _, tc := range cases {
		in := strings.ReplaceAll(tc.in, "\n", "\r\n")
		fr, err := NewFramer(strings.NewReader(in+"\r\n"), nil).Next()
		if err != nil || string(fr.Data) != in {
			t.Errorf("%q: framed as %q, %v", tc.in, fr.Data, err)
			continue
		}
		got, err := d.Decode(fr)
		if err != nil {
			t.Errorf("%q: %v", tc.in, err)
			continue
		}
		if !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%q\n got %s\nwant %s", tc.in, show(got), show(tc.want))
		}
	}
}

func TestDecodeStatus(t *testing.T) {
	status := func(kind imap.Kind, code *imap.Code, text string) *imap.Status {
		return &imap.Status{Kind: kind, Code: code, Text: text}
	}
	tagged := func(tag string, kind imap.Kind, code *imap.Code, text string) *imap.Tagged {
		return &imap.Tagged{Tag: tag, Status: imap.Status{Kind: kind, Code: code, Text: text}}
	}
	runDecodeCases(t, []decodeCase{
		{"* OK IMAP4rev1 server ready", status(imap.OK, nil, "IMAP4rev1 server ready")},
		{"* ok x", status(imap.OK, nil, "x")},
		{"* NO Disk is 98% full {5}", status(imap.NO, nil, "Disk is 98% full {5}")},
		{"* PREAUTH IMAP4rev2 server logged in as Smith", status(imap.PREAUTH, nil, "IMAP4rev2 server logged in as Smith")},
		{"* BYE Autologout; idle for too long", status(imap.BYE, nil, "Autologout; idle for too long")},
		{"* BYE [UNAVAILABLE] x", status(imap.BYE, &imap.Code{Name: imap.CodeUnavailable}, "x")},
		{"* OK [ALERT]", status(imap.OK, &imap.Code{Name: imap.CodeAlert}, "")},
		{"* OK [alert] System shutdown", status(imap.OK, &imap.Code{Name: imap.CodeAlert}, "System shutdown")},
		{"* OK [no code", status(imap.OK, nil, "[no code")},
		{"* OK [] x", status(imap.OK, nil, "[] x")},
		{"A044 BAD No such command as \"BLURDYBLOOP\"", tagged("A044", imap.BAD, nil, `No such command as "BLURDYBLOOP"`)},
		{"a1 NO [AUTHENTICATIONFAILED] no", tagged("a1", imap.NO, &imap.Code{Name: imap.CodeAuthenticationFailed}, "no")},
		{"]]] OK x", tagged("]]]", imap.OK, nil, "x")},
		{"+ ", &imap.Continuation{}},
		{"+ idling", &imap.Continuation{Text: "idling"}},
		{"+ YGgGCSqGSIb3EgECAgIAb1kwV6ADAgEFoQMCAQ+iSzBJoAMC", &imap.Continuation{Text: "YGgGCSqGSIb3EgECAgIAb1kwV6ADAgEFoQMCAQ+iSzBJoAMC"}},
		{"+ [ALERT] x {5}", &imap.Continuation{Code: &imap.Code{Name: imap.CodeAlert}, Text: "x {5}"}},
	})
}

func TestDecodeCodes(t *testing.T) {
	tests := []struct {
		in   string
		want imap.Code
	}{
		{"READ-WRITE", imap.Code{}},
		{"UIDNEXT 4392", imap.Code{Num: 4392}},
		{"UIDVALIDITY 3857529045", imap.Code{Num: 3857529045}},
		{"UNSEEN 12", imap.Code{Num: 12}},
		{"UIDNEXT many", imap.Code{}},
		{"HIGHESTMODSEQ 9223372036854775807", imap.Code{Num: 1<<63 - 1}},
		{`PERMANENTFLAGS (\Deleted \seen $X \*)`, imap.Code{Flags: []imap.Flag{imap.FlagDeleted, imap.FlagSeen, "$X", imap.FlagWildcard}}},
		{"CAPABILITY IMAP4rev1 auth=plain", imap.Code{Caps: imap.Capabilities{"IMAP4REV1", "AUTH=PLAIN"}}},
		{"APPENDUID 38505 3955", imap.Code{UIDValidity: 38505, Dest: imap.UIDs(3955)}},
		{"APPENDUID 38505 3955:3957", imap.Code{UIDValidity: 38505, Dest: imap.UIDs(3955, 3956, 3957)}},
		{"COPYUID 38505 304,319:320 3956:3958", imap.Code{UIDValidity: 38505, Source: imap.UIDs(304, 319, 320), Dest: imap.UIDs(3956, 3957, 3958)}},
		{"COPYUID 38505 x y", imap.Code{}},
		{"MODIFIED 7,9", imap.Code{Source: imap.UIDs(7, 9)}},
		{"BADCHARSET", imap.Code{}},
		{`BADCHARSET ({5}` + "\r\nUTF-8" + ` "US-ASCII")`, imap.Code{Words: []string{"UTF-8", "US-ASCII"}}},
		{"METADATA LONGENTRIES 2199", imap.Code{Words: []string{"LONGENTRIES", "2199"}, Num: 2199}},
		{"METADATA (MAXSIZE 1024)", imap.Code{Words: []string{"MAXSIZE", "1024"}, Num: 1024}},
		{"METADATA TOOMANY", imap.Code{Words: []string{"TOOMANY"}}},
		{"MAILBOXID (F2212ea87-6097-4256-9d51-71338625)", imap.Code{Words: []string{"F2212ea87-6097-4256-9d51-71338625"}}},
		{`NOUPDATE "A]01"`, imap.Code{Words: []string{"A]01"}}},
		{"BADEVENT (FlagChange MessageNew)", imap.Code{Words: []string{"FlagChange", "MessageNew"}}},
		{"UNDEFINED-FILTER on-the-road", imap.Code{Words: []string{"on-the-road"}}},
		{"ANNOTATIONS 20480 NOPRIVATE", imap.Code{Words: []string{"20480", "NOPRIVATE"}}},
		{`INPROGRESS ("A001" 454 1000)`, imap.Code{Words: []string{"A001", "454", "1000"}}},
		{`INPROGRESS (NIL 454 NIL)`, imap.Code{Words: []string{"", "454", ""}}},
		{"MESSAGELIMIT 1000 23221", imap.Code{Num: 1000, UID: 23221}},
		{"BADURL /INBOX;UIDVALIDITY=785799047/;UID=113330;section=1.5.9", imap.Code{Words: []string{"/INBOX;UIDVALIDITY=785799047/;UID=113330;section=1.5.9"}}},
		{"REFERRAL imap://user;AUTH=*@SERVER2/", imap.Code{Words: []string{"imap://user;AUTH=*@SERVER2/"}}},
		{"WEBALERT https://accounts.example.com/ContinueSignIn?sarp=1", imap.Code{Words: []string{"https://accounts.example.com/ContinueSignIn?sarp=1"}}},
		{"X-NEW (a b) 5", imap.Code{}},
	}
	for _, tc := range tests {
		name, args, _ := strings.Cut(tc.in, " ")
		tc.want.Name, tc.want.Args = imap.CodeName(name), args
		for _, line := range []string{"* OK [" + tc.in + "] some [text] {3}", "* OK [" + strings.ToLower(name) + tc.in[len(name):] + "]"} {
			r, err := Decode(line, nil)
			if err != nil {
				t.Errorf("%q: %v", line, err)
				continue
			}
			s := r.(*imap.Status)
			if !reflect.DeepEqual(s.Code, &tc.want) {
				t.Errorf("%q\n got %+v\nwant %+v", line, s.Code, tc.want)
			}
			if strings.Contains(line, "text") && s.Text != "some [text] {3}" {
				t.Errorf("%q: text %q", line, s.Text)
			}
		}
	}
}

func uids(text string) imap.UIDSet {
	s, err := imap.ParseSet[imap.UID](text)
	if err != nil {
		panic(err)
	}
	return s
}

func TestDecodeUntagged(t *testing.T) {
	runDecodeCases(t, []decodeCase{
		{"* 172 EXISTS", imap.Exists(172)},
		{"* 0 EXISTS", imap.Exists(0)},
		{"* 1 Recent", imap.Recent(1)},
		{"* 44 EXPUNGE", imap.Expunge(44)},
		{`* FLAGS (\Answered \Flagged \Deleted \Seen \Draft $x)`, imap.MailboxFlags{
			imap.FlagAnswered, imap.FlagFlagged, imap.FlagDeleted, imap.FlagSeen, imap.FlagDraft, "$x",
		}},
		{"* CAPABILITY IMAP4rev1 STARTTLS AUTH=GSSAPI LOGINDISABLED", imap.CapabilityData{"IMAP4REV1", "STARTTLS", "AUTH=GSSAPI", "LOGINDISABLED"}},
		{"* capability imap4rev1", imap.CapabilityData{"IMAP4REV1"}},
		{"* ENABLED CONDSTORE X-GOOD-IDEA", imap.Enabled{"CONDSTORE", "X-GOOD-IDEA"}},
		{"* ENABLED", imap.Enabled{}},

		{"* SEARCH 2 84 882", &imap.Search{Nums: []uint32{2, 84, 882}}},
		{"* SEARCH", &imap.Search{}},
		{"* SEARCH 2 5 6 7 11 12 18 19 20 23 (MODSEQ 917162500)", &imap.Search{Nums: []uint32{2, 5, 6, 7, 11, 12, 18, 19, 20, 23}, ModSeq: 917162500}},
		{"* SORT 5 3 4 1 2", &imap.Search{Sort: true, Nums: []uint32{5, 3, 4, 1, 2}}},
		{"* SORT", &imap.Search{Sort: true}},

		{`* ESEARCH (TAG "A282") MIN 2 COUNT 3`, &imap.ESearch{Tag: "A282", Min: 2, HasCount: true, Count: 3}},
		{`* ESEARCH`, &imap.ESearch{}},
		{`* ESEARCH UID ALL 17,900,901`, &imap.ESearch{UID: true, All: uids("17,900:901")}},
		{`* ESEARCH (TAG "A283") ALL 2,10:11`, &imap.ESearch{Tag: "A283", All: uids("2,10:11")}},
		{`* ESEARCH (TAG "a567") UID COUNT 18 ALL 23765,28545`, &imap.ESearch{Tag: "a567", UID: true, HasCount: true, Count: 18, All: uids("23765,28545")}},
		{`* ESEARCH (TAG "a") ALL 1:3 MODSEQ 917162500`, &imap.ESearch{Tag: "a", All: uids("1:3"), ModSeq: 917162500}},
		{`* ESEARCH (TAG "tag1" MAILBOX "folder1" UIDVALIDITY 1) UID ALL 4001,4003,4005,4007,4009`, &imap.ESearch{
			Tag: "tag1", Mailbox: "folder1", UIDValidity: 1, UID: true, All: uids("4001,4003,4005,4007,4009"),
		}},
		{`* ESEARCH (TAG "A01") UID PARTIAL (-1:-100 265:364)`, &imap.ESearch{
			Tag: "A01", UID: true, Partial: &imap.ESearchPartial{First: -1, Last: -100, Nums: uids("265:364")},
		}},
		{`* ESEARCH (TAG "A04") UID PARTIAL (24000:24500 NIL)`, &imap.ESearch{
			Tag: "A04", UID: true, Partial: &imap.ESearchPartial{First: 24000, Last: 24500},
		}},
		{`* ESEARCH (TAG "B01") UID ADDTO (0 32768:32769) REMOVEFROM (0 5 1 6)`, &imap.ESearch{
			Tag: "B01", UID: true, Updates: []imap.ESearchUpdate{
				{Nums: uids("32768:32769")}, {Remove: true, Nums: uids("5")}, {Remove: true, Position: 1, Nums: uids("6")},
			},
		}},
		{`* ESEARCH (TAG "E01") UID ALL 23765,23764,23763,12:10`, &imap.ESearch{
			Tag: "E01", UID: true, All: uids("10:12,23763:23765"),
			Order: imap.UIDList{{First: 23765, Last: 23765}, {First: 23764, Last: 23764}, {First: 23763, Last: 23763}, {First: 10, Last: 12}},
		}},
		{`* ESEARCH (TAG "C01") UID ADDTO (1 2733,2731)`, &imap.ESearch{
			Tag: "C01", UID: true, Updates: []imap.ESearchUpdate{
				{Position: 1, Nums: uids("2731,2733"), Order: imap.UIDList{{First: 2733, Last: 2733}, {First: 2731, Last: 2731}}},
			},
		}},
		{`* ESEARCH (TAG "C1") ALL 1,5,10 RELEVANCY (4 99 42)`, &imap.ESearch{Tag: "C1", All: uids("1,5,10"), Relevancy: []uint32{4, 99, 42}}},
		{`* ESEARCH (TAG "C1") X-NEW (a "b)" {1}` + "\n" + `)) COUNT 1 X-OTHER 5`, &imap.ESearch{
			Tag: "C1", HasCount: true, Count: 1, Unknown: []imap.RawItem{{Name: "X-NEW", Value: "(a \"b)\" {1}\r\n))"}, {Name: "X-OTHER", Value: "5"}},
		}},

		{"* THREAD (2)(3 6 (4 23)(44 7 96))", &imap.Thread{Roots: []imap.ThreadNode{
			{Num: 2},
			{Num: 3, Children: []imap.ThreadNode{{Num: 6, Children: []imap.ThreadNode{
				{Num: 4, Children: []imap.ThreadNode{{Num: 23}}},
				{Num: 44, Children: []imap.ThreadNode{{Num: 7, Children: []imap.ThreadNode{{Num: 96}}}}},
			}}}},
		}}},
		{"* THREAD ((3)(5))", &imap.Thread{Roots: []imap.ThreadNode{{Children: []imap.ThreadNode{{Num: 3}, {Num: 5}}}}}},
		{"* THREAD", &imap.Thread{}},

		{"* VANISHED 405,407,410,425", &imap.Vanished{UIDs: uids("405,407,410,425")}},
		{"* VANISHED (EARLIER) 300:310,405,411", &imap.Vanished{Earlier: true, UIDs: uids("300:310,405,411")}},
		{"* VANISHED 1:4294967295", &imap.Vanished{UIDs: uids("1:4294967295")}},
		{"* VANISHED 310:300,5", &imap.Vanished{UIDs: uids("5,300:310")}},

		{`* NAMESPACE (("" "/")) NIL NIL`, &imap.Namespaces{Personal: []imap.Namespace{{Delim: '/'}}}},
		{`* NAMESPACE (("" "/")("#mh/" "/" "X-PARAM" ("FLAG1" "FLAG2"))) (("~" "/")) (("#shared/" "/")("#public/" "/"))`, &imap.Namespaces{
			Personal: []imap.Namespace{{Delim: '/'}, {Prefix: "#mh/", Delim: '/', Extensions: []imap.RawItem{{Name: "X-PARAM", Value: `("FLAG1" "FLAG2")`}}}},
			Other:    []imap.Namespace{{Prefix: "~", Delim: '/'}},
			Shared:   []imap.Namespace{{Prefix: "#shared/", Delim: '/'}, {Prefix: "#public/", Delim: '/'}},
		}},
		{`* NAMESPACE NIL NIL (("" NIL))`, &imap.Namespaces{Shared: []imap.Namespace{{}}}},

		{`* ID ("name" "Cyrus" "version" NIL "os" {5}` + "\nsunos)", &imap.ID{Pairs: []imap.Attribute{
			{Name: "name", Value: "Cyrus"}, {Name: "version", Nil: true}, {Name: "os", Value: "sunos"},
		}}},
		{"* ID NIL", &imap.ID{}},
		{"* LANGUAGE (EN DE IT i-default)", &imap.Language{Tags: []string{"EN", "DE", "IT", "i-default"}}},
		{"* COMPARATOR", &imap.Comparator{}},
		{"* COMPARATOR i;unicode-casemap", &imap.Comparator{Active: "i;unicode-casemap"}},
		{`* COMPARATOR i;basic ("i;basic" i;octet)`, &imap.Comparator{Active: "i;basic", Matching: []string{"i;basic", "i;octet"}}},
		{`* JMAPACCESS "https://x.example/"`, &imap.JMAPAccess{URL: "https://x.example/"}},

		{`* QUOTA "" (STORAGE 10 512 message 3 9223372036854775807)`, &imap.Quota{Resources: []imap.QuotaResource{
			{Name: "STORAGE", Usage: 10, Limit: 512}, {Name: "MESSAGE", Usage: 3, Limit: 1<<63 - 1},
		}}},
		{`* QUOTA "!partition/sda4" ()`, &imap.Quota{Root: "!partition/sda4"}},
		{`* QUOTAROOT INBOX "" x`, &imap.QuotaRoot{Mailbox: "INBOX", Roots: []string{"", "x"}}},
		{`* QUOTAROOT comp.mail.mime`, &imap.QuotaRoot{Mailbox: "comp.mail.mime"}},
		{`* ACL INBOX Fred rwipslxetad "-Fred" l`, &imap.ACL{Mailbox: "INBOX", Rights: []imap.IdentifierRights{{Identifier: "Fred", Rights: "rwipslxetad"}, {Identifier: "-Fred", Rights: "l"}}}},
		{`* LISTRIGHTS ~/Mail/saved smith la r swicdkxte`, &imap.ListRights{Mailbox: "~/Mail/saved", Identifier: "smith", Required: "la", Optional: []string{"r", "swicdkxte"}}},
		{`* LISTRIGHTS archive/imap anyone "" l r`, &imap.ListRights{Mailbox: "archive/imap", Identifier: "anyone", Optional: []string{"l", "r"}}},
		{`* MYRIGHTS INBOX rwiptsldaex`, &imap.MyRights{Mailbox: "INBOX", Rights: "rwiptsldaex"}},
		{`* METADATA "INBOX" (/shared/comment "Shared comment" /private/comment NIL /x {3}` + "\n\n))", &imap.Metadata{Mailbox: "INBOX", Values: []imap.Attribute{
			{Name: "/shared/comment", Value: "Shared comment"}, {Name: "/private/comment", Nil: true}, {Name: "/x", Value: "\r\n)"},
		}}},
		{`* METADATA "" /shared/comment`, &imap.Metadata{Changed: []string{"/shared/comment"}}},
		{`* METADATA "INBOX" /shared/comment "/private/comment"`, &imap.Metadata{Mailbox: "INBOX", Changed: []string{"/shared/comment", "/private/comment"}}},

		{"* 1 converted (tag a) (UID 13 BINARY[1]<5> ~{2}\n\n BODY[HEADER] NIL)", &imap.Converted{SeqNum: 1, UID: 13, Tag: "a", Parts: []imap.ConvertedPart{
			{Section: imap.Section{Item: "BINARY", Spec: "1", Offset: 5, Size: 2, Data: "\r\n"}},
			{Section: imap.Section{Item: "BODY", Spec: "HEADER", Offset: -1, Nil: true}},
		}}},
		{`* 2 CONVERTED (TAG "b") (X-NEW[2] (a) BINARY[3] (error "no" tempfail 30))`, &imap.Converted{SeqNum: 2, Tag: "b", Parts: []imap.ConvertedPart{
			{Section: imap.Section{Item: "BINARY", Spec: "3", Offset: -1}, Err: &imap.ConvertError{Text: "no", Code: "TEMPFAIL", Args: "30"}},
		}, Unknown: []imap.RawItem{{Name: "X-NEW[2]", Value: "(a)"}}}},
		{`* CONVERSION "a/b" c/d`, &imap.Conversion{From: "a/b", To: "c/d"}},
		{`* 3 STORE (FLAGS (\Seen))`, &imap.Message{SeqNum: 3, Items: imap.ItemFlags, Flags: []imap.Flag{imap.FlagSeen}}},
		{`* GENURLAUTH "imap://x" y`, &imap.GenURLAuth{URLs: []string{"imap://x", "y"}}},
		{"* URLFETCH \"imap://x\" {2}\n\n y NIL z \"\"", &imap.URLFetch{Contents: []imap.URLContent{{URL: "imap://x", Data: "\r\n"}, {URL: "y", Nil: true}, {URL: "z"}}}},
		{"* X-FOO bar (1)", &imap.Unknown{Name: "X-FOO", Data: "bar (1)"}},
		{"* 5 x-foo", &imap.Unknown{Num: 5, Name: "X-FOO"}},
		{"* {25}\nThis should be skipped...", &imap.Unknown{Data: "{25}\r\nThis should be skipped..."}},
	})
}

func TestDecodeList(t *testing.T) {
	runDecodeCases(t, []decodeCase{
		{`* LIST (\Noselect) "/" ~/Mail/foo`, &imap.List{Attrs: []imap.Attr{imap.AttrNoSelect}, Delim: '/', Mailbox: "~/Mail/foo"}},
		{`* LIST () NIL inbox`, &imap.List{Mailbox: "INBOX"}},
		{`* LIST (\Marked \NoInferiors) "\\" "a\\b"`, &imap.List{Attrs: []imap.Attr{imap.AttrMarked, imap.AttrNoInferiors}, Delim: '\\', Mailbox: `a\b`}},
		{`* LSUB () "." #news.comp.mail.misc`, &imap.List{Kind: imap.ListKindLsub, Delim: '.', Mailbox: "#news.comp.mail.misc"}},
		{`* XLIST (\Inbox) "/" Posteingang`, &imap.List{Kind: imap.ListKindXList, Attrs: []imap.Attr{`\Inbox`}, Delim: '/', Mailbox: "Posteingang"}},
		{`* LIST (\sent) "/" {5}` + "\n&AOk-", &imap.List{Attrs: []imap.Attr{imap.AttrSent}, Delim: '/', Mailbox: "é"}},
		{`* LIST (\NonExistent) "/" "Foo" ("CHILDINFO" ("SUBSCRIBED" "REMOTE"))`, &imap.List{
			Attrs: []imap.Attr{imap.AttrNonExistent}, Delim: '/', Mailbox: "Foo", ChildInfo: []string{"SUBSCRIBED", "REMOTE"},
		}},
		{`* LIST () "/" "NewMailbox" ("OLDNAME" ("OldMailbox"))`, &imap.List{Delim: '/', Mailbox: "NewMailbox", OldName: "OldMailbox"}},
		{`* LIST () "/" INBOX (METADATA ("/shared/color" "#b71c1c" "/x" NIL) X-Y 5)`, &imap.List{
			Delim: '/', Mailbox: "INBOX", Unknown: []imap.RawItem{{Name: "METADATA", Value: `("/shared/color" "#b71c1c" "/x" NIL)`}, {Name: "X-Y", Value: "5"}},
		}},
		{`* LIST () "/" NIL`, &imap.List{Delim: '/', Mailbox: "NIL"}},
		{`* LIST () "/" ""`, &imap.List{Delim: '/'}},
	})
}

func TestDecodeMailboxStatus(t *testing.T) {
	runDecodeCases(t, []decodeCase{
		{"* STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292)", &imap.MailboxStatus{
			Mailbox: "blurdybloop", Items: imap.StatusMessages | imap.StatusUIDNext, Messages: 231, UIDNext: 44292,
		}},
		{"* STATUS INBOX ()", &imap.MailboxStatus{Mailbox: "INBOX"}},
		{`* STATUS "x y" (messages 1 UIDVALIDITY 2 UNSEEN 3 RECENT 4 DELETED 5 SIZE 5000000000 DELETED-STORAGE 7 HIGHESTMODSEQ 8 APPENDLIMIT NIL MAILBOXID (F1) X-A (b))`, &imap.MailboxStatus{
			Mailbox: "x y", Messages: 1, UIDValidity: 2, Unseen: 3, Recent: 4, Deleted: 5, Size: 5e9, DeletedStorage: 7,
			HighestModSeq: 8, AppendLimit: -1, MailboxID: "F1", Unknown: []imap.RawItem{{Name: "X-A", Value: "(b)"}},
			Items: imap.StatusMessages | imap.StatusUIDValidity | imap.StatusUnseen | imap.StatusRecent | imap.StatusDeleted | imap.StatusSize |
				imap.StatusDeletedStorage | imap.StatusHighestModSeq | imap.StatusAppendLimit | imap.StatusMailboxID,
		}},
		{"* STATUS {3}\nfoo (APPENDLIMIT 35651584)", &imap.MailboxStatus{Mailbox: "foo", Items: imap.StatusAppendLimit, AppendLimit: 35651584}},
		{"* STATUS nil (MESSAGES 1)", &imap.MailboxStatus{Mailbox: "nil", Items: imap.StatusMessages, Messages: 1}},
	})
}

func TestUTF8SessionsDoNotDecodeMailboxNames(t *testing.T) {
	for utf8, want := range map[bool]string{false: "é", true: "&AOk-"} {
		r, err := Decode(`* LIST () "/" "&AOk-"`, &Options{UTF8: utf8})
		if err != nil || r.(*imap.List).Mailbox != want {
			t.Errorf("UTF8 %v: %s, %v", utf8, show(r), err)
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	for _, in := range []string{
		"", "*", "* ", "*OK x", "a1", "a1 ", "a1 FOO x", "a1 PREAUTH x", "\x00", "* 1", "* 1 ", "* x\x00", "garbage",
		"* 4294967296 EXISTS", "* 1 EXISTS x", "* 0 EXPUNGE", "* 1 FETCH", "* 1 FETCH x",
		"* SEARCH x", "* SEARCH 1 (MODSEQ)", "* SEARCH 4294967296", "* ESEARCH (TAG \"x\" COUNT 1", "* ESEARCH COUNT", "* ESEARCH ALL 0", "* ESEARCH ALL 1:*", "* ESEARCH ADDTO (0 *)", "* ESEARCH PARTIAL (a 1)",
		"* VANISHED", "* VANISHED 0", "* VANISHED *", "* VANISHED 5:*", "* VANISHED (LATER) 1", "* VANISHED 1,,2", "* VANISHED 1:", "* VANISHED 1:2:3", "* VANISHED 4294967296",
		"* THREAD (1", "* THREAD 1", "* THREAD (0)", "* THREAD ((1) 2)", "* THREAD ()", "* THREAD (1 ())", "* THREAD (1))", "* THREAD )", "* FLAGS", "* FLAGS (", "* FLAGS ((a))",
		"* LIST", "* LIST ()", "* LIST () \"/\"", "* LIST () \"//\" x", "* LIST (\\x \"/\" y", "* LIST () \"/\" \"x\" (CHILDINFO", "* STATUS", "* STATUS x", "* STATUS x (", "* STATUS x (MESSAGES)", "* STATUS x (MESSAGES y)",
		"* NAMESPACE", "* NAMESPACE NIL", "* NAMESPACE ((", "* ID", "* ID (", "* ID (a)", "* QUOTA", "* QUOTA x (STORAGE 1)", "* QUOTAROOT", "* ACL", "* ACL x y", "* LISTRIGHTS x", "* MYRIGHTS x", "* METADATA", "* METADATA x (", "* METADATA x (/y)", "* LANGUAGE",
		"* GENURLAUTH", "* GENURLAUTH (", "* URLFETCH", "* URLFETCH x", "* URLFETCH x (BINARY y)", "* CONVERSION", "* CONVERSION a", "* CONVERSION a b (", "* 1 CONVERTED", "* 1 CONVERTED (UID 3) (BINARY[1] NIL)",
		"* 1 CONVERTED (TAG x", "* 1 CONVERTED (TAG x) BINARY[1] NIL", "* 1 CONVERTED (TAG x) (BINARY[1] (ERROR x", "* 1 CONVERTED (TAG x) (BINARY.SIZE[1] x)", "* 1 CONVERTED (TAG x) (AVAILABLECONVERSIONS[1] a)",
	} {
		r, err := Decode(in, nil)
		e, ok := errors.AsType[*SyntaxError](err)
		if !ok || r != nil {
			t.Errorf("%q: %s, %v", in, show(r), err)
			continue
		}
		if e.Offset < 0 || e.Offset > len(in) || e.Reason == "" || len(e.Near) > nearBytes || len(e.Error()) > 1000 {
			t.Errorf("%q: %+v", in, e)
		}
	}
}

func TestDecodedResponsesDoNotShareTheFrame(t *testing.T) {
	data := []byte(`* LIST (\X) "/" "name"`)
	r, err := NewDecoder(nil).Decode(Frame{Data: data})
	for i := range data {
		data[i] = '?'
	}
	if want := (&imap.List{Attrs: []imap.Attr{`\X`}, Delim: '/', Mailbox: "name"}); err != nil || !reflect.DeepEqual(r, want) {
		t.Errorf("%s, %v", show(r), err)
	}
}

func TestDateTimes(t *testing.T) {
	for in, want := range map[string]string{
		"17-Jul-1996 02:44:25 -0700": "1996-07-17T02:44:25-07:00",
		" 1-feb-2024 00:00:00 +0000": "2024-02-01T00:00:00Z",
		"29-Feb-2024 23:59:60 +0530": "2024-03-01T00:00:00+05:30",
		"29-Feb-2000 12:00:00 -0030": "2000-02-29T12:00:00-00:30",
		"31-Dec-1969 23:59:59 +0000": "1969-12-31T23:59:59Z",
		"01-Jan-0001 00:00:00 +1400": "0001-01-01T00:00:00+14:00",
		"31-Dec-9999 23:59:59 -1200": "9999-12-31T23:59:59-12:00",
	} {
		got, ok := parseDateTime(in)
		if !ok || got.Format(time.RFC3339) != want {
			t.Errorf("%q: %v, %v", in, got, ok)
		}
		if day, err := time.Parse("_2-Jan-2006 15:04:05 -0700", in); err == nil && !day.Equal(got) {
			t.Errorf("%q: %v, package time says %v", in, got, day)
		}
	}
	for _, in := range []string{
		"", "00-Jan-0000 00:00:00 +0000", "29-Feb-2023 00:00:00 +0000", "31-Apr-2023 00:00:00 +0000", "17-Jux-1996 02:44:25 -0700",
		"17-Jul-1996 24:44:25 -0700", "17-Jul-1996 02:60:25 -0700", "17-Jul-1996 02:44:61 -0700", "17-Jul-1996 02:44:25 *0700", "17-Jul-1996 02:44:25 -2400",
		"17-Jul-1996 02:44:25 -0700x", "1:-Jul-1996 02:44:25 -0700", "  -Jul-1996 02:44:25 -0700",
	} {
		if got, ok := parseDateTime(in); ok {
			t.Errorf("%q: %v", in, got)
		}
	}
	d := NewDecoder(nil)
	d.start(`"17-Jul-1996 02:44:25 -0700"`)
	if n := testing.AllocsPerRun(100, func() { d.pos = 0; d.dateTime() }); n > 0 {
		t.Error("a date costs allocations:", n)
	}
}

func TestEveryDayOfTheCalendar(t *testing.T) {
	for day := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() < 10000; day = day.AddDate(0, 0, 1) {
		if got := daysSinceEpoch(day.Year(), int(day.Month()), day.Day()) * 86400; got != day.Unix() {
			t.Fatalf("%v: %d, want %d", day, got, day.Unix())
		}
	}
}
