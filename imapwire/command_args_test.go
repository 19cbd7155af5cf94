package imapwire

import (
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
)

func TestTypedArguments(t *testing.T) {
	day := time.Date(2026, 2, 1, 23, 0, 0, 0, time.FixedZone("", -5*3600))
	one := imap.UIDs(1)
	tests := []struct {
		name string
		add  func(c *Command)
		want string
	}{
		{"ID", func(c *Command) { c.ID(nil) }, "NIL"},
		{"ID", func(c *Command) {
			c.ID([]imap.Attribute{{Name: "name", Value: `a"b`}, {Name: "os", Nil: true}})
		}, `("name" "a\"b" "os" NIL)`},
		{"ENABLE", func(c *Command) { c.Capabilities(imap.CapQResync, imap.CapUTF8Accept) }, "QRESYNC UTF8=ACCEPT"},
		{"AUTHENTICATE", func(c *Command) { c.Atom("PLAIN").InitialResponse([]byte("\x00jo\x00pw")) }, "PLAIN AGpvAHB3"},
		{"AUTHENTICATE", func(c *Command) { c.Atom("EXTERNAL").InitialResponse([]byte{}) }, "EXTERNAL ="},

		{"SELECT", func(c *Command) { c.Mailbox("INBOX").SelectParams(false, false, nil) }, "INBOX"},
		{"SELECT", func(c *Command) { c.Mailbox("INBOX").SelectParams(true, false, nil) }, "INBOX (CONDSTORE)"},
		{"SELECT", func(c *Command) { c.Mailbox("INBOX").SelectParams(false, true, nil) }, "INBOX (ANNOTATE)"},
		{"SELECT", func(c *Command) { c.Mailbox("INBOX").SelectParams(true, true, nil) }, "INBOX (CONDSTORE ANNOTATE)"},
		{"SELECT", func(c *Command) {
			c.Mailbox("INBOX").SelectParams(true, false, &imap.QResync{UIDValidity: 67890007, ModSeq: 20050715194045000})
		}, "INBOX (QRESYNC (67890007 20050715194045000))"},
		{"SELECT", func(c *Command) { // RFC 7162 section 3.2.5.2
			c.Mailbox("INBOX").SelectParams(false, false, &imap.QResync{
				UIDValidity: 67890007, ModSeq: 90060115194045000, Known: imap.SetOfRange[imap.UID](41, 211),
				MatchSeq: imap.SetOf[imap.SeqNum](1, 3), MatchUID: imap.UIDs(2, 7),
			})
		}, "INBOX (QRESYNC (67890007 90060115194045000 41:211 (1,3 2,7)))"},
		{"SELECT", func(c *Command) {
			c.Mailbox("INBOX").SelectParams(false, false, &imap.QResync{UIDValidity: 1, ModSeq: 2, MatchSeq: imap.SetOf[imap.SeqNum](1), MatchUID: imap.UIDs(2)})
		}, "INBOX (QRESYNC (1 2 (1 2)))"},
		{"STATUS", func(c *Command) { c.Mailbox("a b").StatusItems(imap.StatusUIDNext | imap.StatusMessages) }, `"a b" (MESSAGES UIDNEXT)`},
		{
			"STATUS", func(c *Command) { c.Mailbox("x").StatusItems(1<<11 - 1) },
			"x (MESSAGES UIDNEXT UIDVALIDITY UNSEEN RECENT DELETED SIZE HIGHESTMODSEQ APPENDLIMIT MAILBOXID DELETED-STORAGE)",
		},
		{"CREATE", func(c *Command) { c.Mailbox("x").CreateUse() }, "x"},
		{"CREATE", func(c *Command) { c.Mailbox("x").CreateUse(imap.AttrDrafts, imap.AttrSent) }, `x (USE (\Drafts \Sent))`},
		{"SETQUOTA", func(c *Command) { c.AString("").Quotas([]imap.QuotaResource{{Name: "STORAGE", Limit: 512}}) }, `"" (STORAGE 512)`},
		{"SETQUOTA", func(c *Command) { c.AString("user.jo").Quotas(nil) }, `user.jo ()`},
		{"SETACL", func(c *Command) { c.Mailbox("x").AString("-jo").Rights(imap.StoreAdd, "lrs") }, `x "-jo" "+lrs"`},
		{"SETACL", func(c *Command) { c.Mailbox("x").AString("jo").Rights(imap.StoreRemove, "a") }, `x jo "-a"`},
		{"SETACL", func(c *Command) { c.Mailbox("x").AString("jo").Rights(imap.StoreReplace, "") }, `x jo ""`},
		{"GETMETADATA", func(c *Command) { c.GetMetadata("", []string{"/shared/comment"}, nil) }, `"" (/shared/comment)`},
		{"GETMETADATA", func(c *Command) {
			c.GetMetadata("INBOX", []string{"/a", "/b c"}, &imap.GetMetadataOptions{MaxSize: 1024, Depth: "infinity"})
		}, `(MAXSIZE 1024 DEPTH infinity) INBOX (/a "/b c")`},
		{"SETMETADATA", func(c *Command) {
			c.SetMetadata("INBOX", []imap.Attribute{{Name: "/a", Value: "x"}, {Name: "/b", Nil: true}, {Name: "/c", Value: "\x00"}})
		}, "INBOX (/a \"x\" /b NIL /c ~{1}\r\n|\x00)"},

		{"LIST", func(c *Command) { c.ListMailboxes(nil) }, `"" *`},
		{"LIST", func(c *Command) {
			c.ListMailboxes(&imap.ListOptions{Reference: "a/", Patterns: []string{"%"}})
		}, `a/ %`},
		{"LIST", func(c *Command) {
			c.ListMailboxes(&imap.ListOptions{
				Patterns: []string{"INBOX", "ä/%"}, Subscribed: true, Remote: true, RecursiveMatch: true, SpecialUse: true,
				ReturnSubscribed: true, ReturnChildren: true, ReturnSpecialUse: true, ReturnMyRights: true,
				ReturnStatus: imap.StatusUnseen, ReturnMetadata: []string{"/shared/comment"},
			})
		}, `(SUBSCRIBED REMOTE RECURSIVEMATCH SPECIAL-USE) "" (INBOX "&AOQ-/%") ` +
			`RETURN (SUBSCRIBED CHILDREN SPECIAL-USE MYRIGHTS STATUS (UNSEEN) METADATA (/shared/comment))`},
		{"LIST", func(c *Command) { c.ListMailboxes(&imap.ListOptions{ReturnStatus: imap.StatusUnseen}) }, `"" * RETURN (STATUS (UNSEEN))`},

		{"APPEND", func(c *Command) { c.Mailbox("x").Messages(imap.AppendMessage{Data: []byte("a\r\n")}) }, "x {3+}\r\na\r\n"},
		{"APPEND", func(c *Command) {
			c.Mailbox("x").Messages(
				imap.AppendMessage{Flags: []imap.Flag{`\Seen`}, Date: day, Data: []byte("a")},
				imap.AppendMessage{Reader: strings.NewReader("bc"), Size: 2, Binary: true},
			)
		}, "x (\\Seen) \" 1-Feb-2026 23:00:00 -0500\" {1+}\r\na ~{2+}\r\nbc"},
		{"APPEND", func(c *Command) { c.Mailbox("x").Messages(imap.AppendMessage{Data: []byte("ä"), UTF8: true}) }, "x UTF8 (~{2+}\r\nä)"},
		{"APPEND", func(c *Command) { c.Mailbox("x").Messages(imap.AppendMessage{Data: []byte("a\x00"), Binary: true}) }, "x ~{2+}\r\na\x00"},
		{"APPEND", func(c *Command) {
			c.Mailbox("x").Messages(imap.AppendMessage{Parts: []imap.CatenatePart{{URL: "/x;UID=1"}, {Data: []byte("y")}, {Reader: strings.NewReader("z"), Size: 1}}})
		}, "x CATENATE (URL \"/x;UID=1\" TEXT {1+}\r\ny TEXT {1+}\r\nz)"},
		{"APPEND", func(c *Command) {
			c.Mailbox("x").Messages(imap.AppendMessage{UTF8: true, Parts: []imap.CatenatePart{{URL: "/x"}, {Data: []byte("y")}}})
		}, "x CATENATE (URL /x UTF8 (~{1+}\r\ny))"},
		{"APPEND", func(c *Command) {
			c.Mailbox("x").Messages(imap.AppendMessage{Annotations: []imap.Annotation{{Entry: "/comment", Values: []imap.Attribute{{Name: "value.priv", Value: "v"}}}}})
		}, "x ANNOTATION (/comment (value.priv \"v\")) {0+}\r\n"},
		{"UID REPLACE", func(c *Command) { c.Number(7).Mailbox("x").Messages(imap.AppendMessage{Data: []byte("a")}) }, "7 x {1+}\r\na"},

		{"UID FETCH", func(c *Command) { c.Set(one).Fetch(&imap.FetchOptions{Items: imap.ItemFlags}) }, "1 (FLAGS)"},
		{"UID FETCH", func(c *Command) {
			c.Set(one).Fetch(&imap.FetchOptions{
				Items: 1<<17 - 1, PreviewLazy: true,
				AnnotationEntries: []string{"/comment"}, AnnotationAttributes: []string{"value.priv", "size.priv"},
				Sections: []imap.SectionRequest{{}, {Part: []uint32{1}, Text: imap.SectionHeaderFields, Fields: []string{"X"}, Length: 9}}, Extra: []string{"X-Y"},
				ChangedSince: 12, Vanished: true, Partial: &imap.PartialRange{First: -1, Last: -30},
			})
		}, "1 (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY MODSEQ EMAILID THREADID SAVEDATE PREVIEW (LAZY) " +
			"X-GM-MSGID X-GM-THRID X-GM-LABELS ANNOTATION ((/comment) (value.priv size.priv)) BODY.PEEK[] " +
			"BODY.PEEK[1.HEADER.FIELDS (X)]<0.9> X-Y) (CHANGEDSINCE 12 VANISHED PARTIAL -1:-30)"},
		{"FETCH", func(c *Command) {
			c.Set(imap.SetOf[imap.SeqNum](1)).Fetch(&imap.FetchOptions{Items: imap.ItemPreview | imap.ItemsFull, ChangedSince: 3})
		}, "1 (FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY PREVIEW) (CHANGEDSINCE 3)"},

		{"STORE", func(c *Command) { c.Set(one).Store(&imap.StoreOptions{Flags: []imap.Flag{`\Seen`}}) }, `1 FLAGS (\Seen)`},
		{"STORE", func(c *Command) { c.Set(one).Store(&imap.StoreOptions{}) }, `1 FLAGS ()`},
		{"STORE", func(c *Command) {
			c.Set(one).Store(&imap.StoreOptions{Mode: imap.StoreAdd, Silent: true, Flags: []imap.Flag{"x"}, UnchangedSince: 5})
		}, `1 (UNCHANGEDSINCE 5) +FLAGS.SILENT (x)`},
		{"STORE", func(c *Command) {
			c.Set(one).Store(&imap.StoreOptions{Mode: imap.StoreRemove, Labels: []string{`\Inbox`, "ä", `\ x`, "foo"}})
		}, `1 -X-GM-LABELS (\Inbox "&AOQ-" "\\ x" foo)`},
		{"STORE", func(c *Command) {
			c.Set(one).Store(&imap.StoreOptions{Annotations: []imap.Annotation{{Entry: "/comment", Values: []imap.Attribute{{Name: "value.priv", Nil: true}, {Name: "value.shared", Value: "x"}}}}})
		}, `1 ANNOTATION (/comment (value.priv NIL value.shared "x"))`},

		{"NOTIFY", func(c *Command) { c.Notify(nil) }, "NONE"},
		{"NOTIFY", func(c *Command) {
			c.Notify(&imap.NotifyOptions{Status: true, Groups: []imap.NotifyGroup{
				{Mailboxes: imap.MailboxSelector{Kind: "selected"}, Events: []imap.NotifyEvent{{Name: "MessageNew", Fetch: &imap.FetchOptions{Items: imap.ItemUID}}, {Name: "MessageExpunge"}}},
				{Mailboxes: imap.MailboxSelector{Kind: "subtree", Names: []string{"a", "b c"}}},
			}})
		}, `SET STATUS (SELECTED (MessageNew (UID) MessageExpunge)) (SUBTREE (a "b c") NONE)`},
	}
	for _, test := range tests {
		c := NewCommand("a", test.name, EncodeOptions{LiteralPlus: true, Binary: true})
		test.add(c)
		if got, want := wireOf(t, c), "a "+test.name+" "+test.want+"\r\n"; got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}

func TestSearchArguments(t *testing.T) {
	day := time.Date(2026, 2, 1, 23, 0, 0, 0, time.FixedZone("", -5*3600))
	seen := imap.WithFlag(imap.FlagSeen)
	tests := []struct {
		key  imap.SearchKey
		want string
	}{
		{imap.All(), "ALL"},
		{imap.And(), "ALL"},
		{imap.Or(), "NOT ALL"},
		{imap.And(imap.And(), imap.And()), "ALL"},
		{imap.And(seen), "SEEN"},
		{imap.And(seen, imap.And(imap.Larger(5), imap.And(imap.Smaller(9)))), "SEEN LARGER 5 SMALLER 9"},
		{imap.Not(imap.And(seen, imap.Larger(5))), "NOT (SEEN LARGER 5)"},
		{imap.Not(imap.And(seen)), "NOT SEEN"},
		{imap.Not(imap.All()), "NOT ALL"},
		{imap.Not(imap.Not(seen)), "NOT UNSEEN"},
		{imap.Or(seen), "SEEN"},
		{imap.Or(seen, imap.And(imap.From("a"), imap.To("b"))), `OR SEEN (FROM "a" TO "b")`},
		{imap.Or(imap.From("a"), imap.From("b"), imap.From("c"), imap.From("d")), `OR OR FROM "a" FROM "b" OR FROM "c" FROM "d"`},
		{imap.Or(imap.From("a"), imap.From("b"), imap.From("c")), `OR FROM "a" OR FROM "b" FROM "c"`},
		{imap.And(imap.Or(imap.All(), seen), imap.Not(imap.Or(seen, seen))), "OR ALL SEEN NOT OR SEEN SEEN"},
		{imap.Fuzzy(imap.Subject("x")), `FUZZY SUBJECT "x"`},
		{imap.And(imap.WithFlag(`\seen`), imap.WithoutFlag(`\ANSWERED`), imap.WithFlag(`\Recent`), imap.WithoutFlag(`\Recent`)), "SEEN UNANSWERED RECENT OLD"},
		{imap.And(imap.WithFlag("$Junk"), imap.WithoutFlag("$Junk"), imap.SearchKey{Op: imap.SearchNew}), "KEYWORD $Junk UNKEYWORD $Junk NEW"},
		{imap.And(imap.UIDIn(imap.SetOfRange[imap.UID](3, 0)), imap.SeqIn(imap.SetOf[imap.SeqNum](1, 2)), imap.Saved()), "UID 3:* 1:2 $"},
		{imap.And(imap.UIDIn(nil), imap.Not(imap.SeqIn(nil))), "NOT ALL NOT NOT ALL"},
		{imap.And(imap.From("a"), imap.To("b"), imap.Cc("c"), imap.Bcc("d"), imap.Subject("e"), imap.Body("f"), imap.Text("")), `FROM "a" TO "b" CC "c" BCC "d" SUBJECT "e" BODY "f" TEXT ""`},
		{imap.And(imap.Header("Message-ID", "<x>"), imap.Header(`X"`, "")), `HEADER Message-ID "<x>" HEADER "X\"" ""`},
		{
			imap.And(imap.Before(day), imap.On(day), imap.Since(day), imap.SentBefore(day), imap.SentOn(day), imap.SentSince(day)),
			"BEFORE 1-Feb-2026 ON 1-Feb-2026 SINCE 1-Feb-2026 SENTBEFORE 1-Feb-2026 SENTON 1-Feb-2026 SENTSINCE 1-Feb-2026",
		},
		{
			imap.And(imap.SavedBefore(day), imap.SavedOn(day), imap.SavedSince(day), imap.SearchKey{Op: imap.SearchSaveDateSupported}),
			"SAVEDBEFORE 1-Feb-2026 SAVEDON 1-Feb-2026 SAVEDSINCE 1-Feb-2026 SAVEDATESUPPORTED",
		},
		{imap.And(imap.Within(time.Hour), imap.OlderThan(time.Millisecond)), "YOUNGER 3600 OLDER 1"},
		{imap.ModSeqSince(620162338), "MODSEQ 620162338"},
		{imap.SearchKey{Op: imap.SearchModSeq, Name: `/flags/\draft`, Text: "all", Num: 5}, `MODSEQ "/flags/\\draft" all 5`},
		{imap.And(imap.WithEmailID("M1"), imap.WithThreadID("T_1")), "EMAILID M1 THREADID T_1"},
		{imap.Filter("on-the-road"), "FILTER on-the-road"},
		{imap.SearchKey{Op: imap.SearchAnnotation, Name: "/comment", Attribute: "value", Text: "IMAP4"}, `ANNOTATION /comment value "IMAP4"`},
		{
			imap.And(imap.GmailMsgID(1<<63), imap.GmailThreadID(2), imap.GmailLabel(`\Inbox`), imap.GmailLabel("ä"), imap.GmailRaw("in:unread")),
			`X-GM-MSGID 9223372036854775808 X-GM-THRID 2 X-GM-LABELS \Inbox X-GM-LABELS "&AOQ-" X-GM-RAW "in:unread"`,
		},
		{imap.Raw(`UNSEEN (X-Y "z")`), `UNSEEN (X-Y "z")`},
		{imap.Not(imap.Subject("ä")), "CHARSET UTF-8 NOT SUBJECT {2+}\r\nä"},
	}
	for _, test := range tests {
		if got, want := wireOf(t, NewCommand("a", "SEARCH", plus).Search(test.key)), "a SEARCH "+test.want+"\r\n"; got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}

func TestSearchOptions(t *testing.T) {
	ascii, other := imap.Subject("a"), imap.Subject("ä")
	tests := []struct {
		opts EncodeOptions
		o    *imap.SearchOptions
		key  imap.SearchKey
		want string
	}{
		{plus, nil, ascii, `UID SEARCH SUBJECT "a"`},
		{utf8On, nil, other, `UID SEARCH SUBJECT "ä"`},
		{plus, &imap.SearchOptions{Charset: "ISO-8859-1"}, imap.Subject("\xe4"), "UID SEARCH CHARSET ISO-8859-1 SUBJECT {1+}\r\n\xe4"},
		{
			plus, &imap.SearchOptions{Return: 1<<8 - 1, Partial: &imap.PartialRange{First: 1, Last: 500}}, ascii,
			`UID SEARCH RETURN (MIN MAX ALL COUNT SAVE RELEVANCY UPDATE CONTEXT PARTIAL 1:500) SUBJECT "a"`,
		},
		{plus, &imap.SearchOptions{Partial: &imap.PartialRange{First: -1, Last: -5}}, other, "UID SEARCH RETURN (PARTIAL -1:-5) CHARSET UTF-8 SUBJECT {2+}\r\nä"},
		{
			plus, &imap.SearchOptions{Sort: []imap.SortKey{{Key: "SUBJECT"}, {Key: "DATE", Reverse: true}}, Return: imap.ReturnAll}, ascii,
			`UID SORT RETURN (ALL) (SUBJECT REVERSE DATE) US-ASCII SUBJECT "a"`,
		},
		{utf8On, &imap.SearchOptions{Sort: []imap.SortKey{{Key: "DATE"}}}, other, `UID SORT (DATE) UTF-8 SUBJECT "ä"`},
		{plus, &imap.SearchOptions{Thread: "REFERENCES"}, ascii, `UID THREAD REFERENCES US-ASCII SUBJECT "a"`},
		{
			plus, &imap.SearchOptions{In: []imap.MailboxSelector{{Kind: "personal"}, {Kind: "subtree-one", Names: []string{"x"}}}, Return: imap.ReturnCount}, ascii,
			`ESEARCH IN (PERSONAL SUBTREE-ONE (x)) RETURN (COUNT) SUBJECT "a"`,
		},
	}
	for _, test := range tests {
		c := NewCommand("a", SearchCommand(test.o, true), test.opts).SearchWith(test.o, test.key)
		if got, want := wireOf(t, c), "a "+test.want+"\r\n"; got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
	if got := SearchCommand(&imap.SearchOptions{Thread: "x"}, false); got != "THREAD" {
		t.Errorf("SearchCommand is %q", got)
	}
}

func TestSearchDepthIsBounded(t *testing.T) {
	nest := func(n int) imap.SearchKey {
		key := imap.All()
		for range n {
			key = imap.Not(key)
		}
		return key
	}
	if err := NewCommand("a", "SEARCH", plus).Search(nest(maxSearchDepth)).Err(); err != nil {
		t.Errorf("at the bound: %v", err)
	}
	for name, key := range map[string]imap.SearchKey{
		"NOT": nest(maxSearchDepth + 1),
		"AND": func() imap.SearchKey {
			key := imap.Subject("x")
			for range 100_000 {
				key = imap.And(key)
			}
			return key
		}(),
		"mix": func() imap.SearchKey {
			key := imap.Subject("x")
			for range 100_000 {
				key = imap.Not(imap.And(imap.Or(key, key), key))
			}
			return key
		}(),
	} {
		if NewCommand("a", "SEARCH", plus).Search(key).Err() == nil {
			t.Errorf("%s: no error", name)
		}
	}
	bomb := imap.All()
	for range maxSearchDepth / 2 {
		bomb = imap.Not(imap.And(bomb, bomb))
	}
	if NewCommand("a", "SEARCH", plus).Search(bomb).Err() == nil {
		t.Error("a query of 2^32 keys: no error")
	}
	wide := make([]imap.SearchKey, 10_000)
	for i := range wide {
		wide[i] = imap.Larger(uint64(i))
	}
	if err := NewCommand("a", "SEARCH", plus).Search(imap.Or(wide...)).Err(); err != nil {
		t.Errorf("10,000 alternatives: %v", err)
	}
}
