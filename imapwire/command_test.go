package imapwire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/pushmail/pushmail/imap"
)

// wireOf returns a command as it goes out, with "|" where the client waits for the server.
func wireOf(t *testing.T, c *Command) string {
	t.Helper()
	segs, err := c.Segments()
	if err != nil {
		t.Fatal(err)
	}
	return wireOfSegments(t, segs)
}

func wireOfSegments(t interface{ Fatal(...any) }, segs []Segment) string {
	var b bytes.Buffer
	for i, s := range segs {
		if s.Wait {
			b.WriteByte('|')
		}
		if i == 0 && s.Wait {
			t.Fatal("the first segment waits")
		}
		if _, err := s.WriteTo(&b); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

var (
	plus   = EncodeOptions{LiteralPlus: true}
	minus  = EncodeOptions{LiteralMinus: true}
	utf8On = EncodeOptions{UTF8: true, LiteralPlus: true}
)

func TestCommandArguments(t *testing.T) {
	cet := time.FixedZone("", 3600)
	tests := []struct {
		opts EncodeOptions
		add  func(c *Command)
		want string // without "a X" and the line end
	}{
		{plus, func(*Command) {}, ""},
		{plus, func(c *Command) { c.Atom("b").Atom("c") }, " b c"},
		{plus, func(c *Command) { c.SP().Atom("b").SP().SP().Atom("c") }, " b c"},
		{plus, func(c *Command) { c.List(func(*Command) {}) }, " ()"},
		{plus, func(c *Command) {
			c.List(func(c *Command) { c.Atom("b").List(func(c *Command) { c.SP().Nil() }).Number(7) })
		}, " (b (NIL) 7)"},
		{plus, func(c *Command) { c.String("").String(`a"b\`) }, ` "" "a\"b\\"`},
		{plus, func(c *Command) { c.AString("a1.b-c_d/e@f:").AString("").AString("nil").AString(".a").AString("a b") }, ` a1.b-c_d/e@f: "" "nil" ".a" "a b"`},
		{plus, func(c *Command) { c.String("ä") }, " {2+}\r\nä"},
		{utf8On, func(c *Command) { c.String("ä").String("\xff") }, " \"ä\" {1+}\r\n\xff"},
		{plus, func(c *Command) { c.String("a\r\nb") }, " {4+}\r\na\r\nb"},
		{plus, func(c *Command) { c.String("\x01\x7f") }, " {2+}\r\n\x01\x7f"},
		{EncodeOptions{}, func(c *Command) { c.String("\n").Atom("x") }, " {1}\r\n|\n x"},
		{EncodeOptions{Binary: true}, func(c *Command) { c.String("\x00") }, " ~{1}\r\n|\x00"},
		{EncodeOptions{LiteralPlus: true}, func(c *Command) { c.Literal8("\x00") }, " ~{1+}\r\n\x00"},
		{plus, func(c *Command) { c.NString("", true).NString("", false) }, ` NIL ""`},
		{plus, func(c *Command) { c.Mailbox("Entwürfe").Mailbox("R&D").Mailbox("INBOX").Mailbox("") }, ` "Entw&APw-rfe" "R&-D" INBOX ""`},
		{utf8On, func(c *Command) { c.Mailbox("Entwürfe").Mailbox("R&D") }, ` "Entwürfe" "R&D"`},
		{plus, func(c *Command) { c.Mailbox(RawMailbox("R&D")).Mailbox(RawMailbox("\xe4")) }, " \"R&D\" {1+}\r\n\xe4"},
		{utf8On, func(c *Command) { c.Mailbox("\xe4") }, " {1+}\r\n\xe4"},
		{plus, func(c *Command) { c.ListMailbox("*").ListMailbox("%").ListMailbox("a/%").ListMailbox("ä*") }, ` * % "a/%" "&AOQ-*"`},
		{plus, func(c *Command) { c.Flags([]imap.Flag{`\Seen`, "$Junk"}).Flags(nil) }, ` (\Seen $Junk) ()`},
		{plus, func(c *Command) { c.Set(imap.UIDSet{{First: 1, Last: 3}, {First: 7}}).Set(imap.SetOf[imap.SeqNum](0)) }, " 1:3,7:* *"},
		{plus, func(c *Command) { c.Set(imap.SavedResult{}) }, " $"},
		{plus, func(c *Command) { c.ModSeq(1<<63 - 1).Number(math.MaxUint64) }, " 9223372036854775807 18446744073709551615"},
		{plus, func(c *Command) { c.Date(time.Date(2026, 11, 2, 23, 59, 0, 0, cet)) }, " 2-Nov-2026"},
		{plus, func(c *Command) { c.DateTime(time.Date(2026, 11, 2, 23, 59, 1, 9, cet)) }, ` " 2-Nov-2026 23:59:01 +0100"`},
		{plus, func(c *Command) { c.LiteralReader(strings.NewReader("a\r\n"), 3).Atom("x") }, " {3+}\r\na\r\n x"},
		{EncodeOptions{}, func(c *Command) { c.LiteralReader(strings.NewReader("a\r\n"), 3) }, " {3}\r\n|a\r\n"},
		{EncodeOptions{}, func(c *Command) {
			c.LiteralReader(strings.NewReader(""), 0).Literal8Reader(strings.NewReader("\x00"), 1)
		}, " {0}\r\n| ~{1}\r\n|\x00"},
		{plus, func(c *Command) { c.Raw(`(a "b" {c})`) }, ` (a "b" {c})`},
	}
	for _, test := range tests {
		c := NewCommand("a", "X", test.opts)
		test.add(c)
		if got := wireOf(t, c); got != "a X"+test.want+"\r\n" {
			t.Errorf("got  %q\nwant %q", got, "a X"+test.want+"\r\n")
		}
	}
}

func TestLiteralsWaitUnlessTheServerSaysOtherwise(t *testing.T) {
	for _, test := range []struct {
		opts EncodeOptions
		size int
		wait bool
	}{
		{EncodeOptions{}, 1, true},
		{minus, maxLiteralMinus, false},
		{minus, maxLiteralMinus + 1, true},
		{plus, maxLiteralMinus + 1, false},
	} {
		data := strings.Repeat("x", test.size)
		for _, c := range []*Command{
			NewCommand("a", "X", test.opts).Literal(data),
			NewCommand("a", "X", test.opts).LiteralReader(strings.NewReader(data), int64(test.size)),
		} {
			wire := wireOf(t, c)
			if got := strings.Contains(wire, "|"); got != test.wait || strings.Contains(wire, "+}") == test.wait {
				t.Errorf("%+v: %d bytes wait: %v, want %v: %.20q", test.opts, test.size, got, test.wait, wire)
			}
		}
	}
}

func TestLongStringsBecomeLiterals(t *testing.T) {
	for size, quoted := range map[int]bool{maxQuoted: true, maxQuoted + 1: false} {
		s := strings.Repeat("x", size)
		for _, c := range []*Command{NewCommand("a", "X", plus).String(s), NewCommand("a", "X", plus).AString(s)} {
			if got := !strings.Contains(wireOf(t, c), "{"); got != quoted {
				t.Errorf("%d bytes inline: %v, want %v", size, got, quoted)
			}
		}
	}
}

func TestCommandRefuses(t *testing.T) {
	for name, add := range map[string]func(c *Command){
		"empty atom":           func(c *Command) { c.Atom("") },
		"line end in atom":     func(c *Command) { c.Atom("hunter2\r\n") },
		"space in atom":        func(c *Command) { c.Atom("hunter2 x") },
		"8-bit atom":           func(c *Command) { c.Atom("hunter2ä") },
		"list in atom":         func(c *Command) { c.Atom("hunter2)") },
		"raw line end":         func(c *Command) { c.Raw("hunter2\r\nb LOGOUT") },
		"raw literal":          func(c *Command) { c.Raw("hunter2 {5}") },
		"empty raw":            func(c *Command) { c.Raw("") },
		"NUL without BINARY":   func(c *Command) { c.String("hunter2\x00") },
		"NUL in a literal":     func(c *Command) { c.Literal("hunter2\x00") },
		"NUL in a mailbox":     func(c *Command) { c.Mailbox("hunter2\x00") },
		"NUL in a raw mailbox": func(c *Command) { c.Mailbox(RawMailbox("hunter2\x00")) },
		"NUL in a secret":      func(c *Command) { c.Secret("hunter2\x00") },
		"bad secret atom":      func(c *Command) { c.SecretAtom("hunter2 ") },
		"mailbox not UTF-8":    func(c *Command) { c.Mailbox("hunter2\xff") },
		"empty set":            func(c *Command) { c.Set(imap.UIDSet{}) },
		"no set":               func(c *Command) { c.Set(nil) },
		"bare backslash":       func(c *Command) { c.Flag(`\`) },
		"flag with line end":   func(c *Command) { c.Flag("\\hunter2\r\n") },
		"wildcard flag":        func(c *Command) { c.Flag(imap.FlagWildcard) },
		"mod-sequence":         func(c *Command) { c.ModSeq(1 << 63) },
		"no reader":            func(c *Command) { c.LiteralReader(nil, 1) },
		"negative size":        func(c *Command) { c.LiteralReader(strings.NewReader(""), -1) },
		"year 10000":           func(c *Command) { c.Date(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)) },
		"year 0":               func(c *Command) { c.DateTime(time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)) },
		"zone with seconds":    func(c *Command) { c.DateTime(time.Now().In(time.FixedZone("", 1))) },
		"zone of a day":        func(c *Command) { c.DateTime(time.Now().In(time.FixedZone("", 24*3600))) },
		"ID too many":          func(c *Command) { c.ID(make([]imap.Attribute, 31)) },
		"ID too long":          func(c *Command) { c.ID([]imap.Attribute{{Name: strings.Repeat("hunter2", 5)}}) },
		"ENABLE nothing":       func(c *Command) { c.Capabilities() },
		"QRESYNC without 0":    func(c *Command) { c.SelectParams(false, false, &imap.QResync{UIDValidity: 1}) },
		"QRESYNC uneven match": func(c *Command) {
			c.SelectParams(false, false, &imap.QResync{UIDValidity: 1, ModSeq: 1, MatchSeq: imap.SetOf[imap.SeqNum](1)})
		},
		"QRESYNC star": func(c *Command) {
			c.SelectParams(false, false, &imap.QResync{UIDValidity: 1, ModSeq: 1, Known: imap.UIDs(0)})
		},
		"STATUS nothing":       func(c *Command) { c.StatusItems(0) },
		"RECURSIVEMATCH alone": func(c *Command) { c.ListMailboxes(&imap.ListOptions{RecursiveMatch: true, Remote: true}) },
		"FETCH nothing":        func(c *Command) { c.Fetch(&imap.FetchOptions{}) },
		"FETCH bad section":    func(c *Command) { c.Fetch(&imap.FetchOptions{Sections: []imap.SectionRequest{{Text: "hunter2"}}}) },
		"VANISHED alone":       func(c *Command) { c.Fetch(&imap.FetchOptions{Items: imap.ItemUID, Vanished: true}) },
		"annotations of what":  func(c *Command) { c.Fetch(&imap.FetchOptions{Items: imap.ItemAnnotations}) },
		"partial of both signs": func(c *Command) {
			c.SearchWith(&imap.SearchOptions{Partial: &imap.PartialRange{First: 1, Last: -1}}, imap.All())
		},
		"partial from 0": func(c *Command) {
			c.SearchWith(&imap.SearchOptions{Partial: &imap.PartialRange{First: 0, Last: 1}}, imap.All())
		},
		"APPEND nothing": func(c *Command) { c.Messages() },
		"NOTIFY nothing": func(c *Command) { c.Notify(&imap.NotifyOptions{}) },
		"NOTIFY unknown": func(c *Command) { c.Notify(&imap.NotifyOptions{Groups: []imap.NotifyGroup{{}}}) },
		"names for inboxes": func(c *Command) {
			c.Notify(&imap.NotifyOptions{Groups: []imap.NotifyGroup{{Mailboxes: imap.MailboxSelector{Kind: "inboxes", Names: []string{"hunter2"}}}}})
		},
		"subtree of what": func(c *Command) {
			c.Notify(&imap.NotifyOptions{Groups: []imap.NotifyGroup{{Mailboxes: imap.MailboxSelector{Kind: "subtree"}}}})
		},
		"GETMETADATA nothing": func(c *Command) { c.GetMetadata("", nil, nil) },
		"SETMETADATA nothing": func(c *Command) { c.SetMetadata("", nil) },
		"negative quota":      func(c *Command) { c.Quotas([]imap.QuotaResource{{Name: "STORAGE", Limit: -1}}) },
		"search unknown":      func(c *Command) { c.Search(imap.SearchKey{Op: "hunter2"}) },
		"search NOT of two":   func(c *Command) { c.Search(imap.SearchKey{Op: imap.SearchNot, Keys: make([]imap.SearchKey, 2)}) },
		"search FUZZY of two": func(c *Command) { c.Search(imap.SearchKey{Op: imap.SearchFuzzy, Keys: make([]imap.SearchKey, 2)}) },
		"search system flag":  func(c *Command) { c.Search(imap.WithFlag(`\hunter2`)) },
		"search field name":   func(c *Command) { c.Search(imap.Header("hunter2:", "")) },
		"search raw":          func(c *Command) { c.Search(imap.Raw("hunter2\r\n")) },
		"search not UTF-8":    func(c *Command) { c.Search(imap.Subject("hunter2\xff")) },
		"search filter":       func(c *Command) { c.Search(imap.Filter("hunter2/x")) },
		"search age":          func(c *Command) { c.Search(imap.SearchKey{Op: imap.SearchOlder}) },
	} {
		c := NewCommand("a", "X", plus)
		c.Nil()
		add(c)
		c.Atom("b").Literal("\x00") // later errors do not count
		segs, err := c.Segments()
		aerr, ok := errors.AsType[*ArgumentError](err)
		if !ok || segs != nil || c.Err() != err {
			t.Errorf("%s: got %v, %v; want an ArgumentError", name, segs, err)
			continue
		}
		if aerr.Command != "X" || aerr.Argument == "" || aerr.Position < 1 || strings.Contains(aerr.Error(), "hunter2") {
			t.Errorf("%s: the error is %q (%+v)", name, aerr, aerr)
		}
	}
	for _, c := range []*Command{
		NewCommand("", "X", plus), NewCommand("a b", "X", plus), NewCommand("+", "X", plus), NewCommand("a\r\n", "X", plus),
		NewCommand("a", "", plus), NewCommand("a", "X\r\n", plus), NewCommand("a", "UID  X", plus),
	} {
		if c.Err() == nil {
			t.Errorf("%q %q: no error", c.Tag(), c.Name())
		}
	}
}

func TestCommandKnowsItsLength(t *testing.T) {
	c := NewCommand("a", "UID FETCH", EncodeOptions{MaxLine: 50})
	if got, want := c.Room(), 50-len("a UID FETCH ")-len("\r\n"); got != want {
		t.Errorf("Room is %d, want %d", got, want)
	}
	c.Literal("0123456789").Literal("0123456789").Atom("x")
	c.LiteralReader(strings.NewReader("0123456789"), 10)
	if got, want := c.Len(), len("a UID FETCH {10}\r\n {10}\r\n x {10}\r\n"); got != want {
		t.Errorf("Len is %d, want %d: literals do not count", got, want)
	}
	if got := c.Atom(strings.Repeat("x", 50)).Room(); got != 0 {
		t.Errorf("Room of a full line is %d", got)
	}
	if got, want := NewCommand("a", "X", plus).Room(), 8192-len("a X \r\n"); got != want {
		t.Errorf("Room is %d, want %d", got, want)
	}
}

func TestLongSetsAreSplitByRoom(t *testing.T) {
	var set imap.UIDSet
	for n := range imap.UID(5000) {
		set.Add(n*2 + 1)
	}
	const rest = " (FLAGS)\r\n"
	var got imap.UIDSet
	commands := 0
	for chunk := range set.Chunks(NewCommand("a", "UID FETCH", plus).Room() - len(rest)) {
		wire := wireOf(t, NewCommand("a", "UID FETCH", plus).Set(chunk).Fetch(&imap.FetchOptions{Items: imap.ItemFlags}))
		if len(wire) > 8192 {
			t.Errorf("a line has %d bytes", len(wire))
		}
		got = got.Union(chunk)
		commands++
	}
	if !got.Equal(set) || commands != 3 {
		t.Errorf("%d commands for %d of %d messages", commands, got.Len(), set.Len())
	}
}

func TestSegmentNoticesAReaderOfTheWrongSize(t *testing.T) {
	for _, test := range []struct {
		content string
		size    int64
		read    int64
	}{{"abc", 4, 3}, {"", 1, 0}, {"abc", 2, 3}, {"abc", 0, 1}} {
		for _, r := range []io.Reader{strings.NewReader(test.content), iotest.OneByteReader(strings.NewReader(test.content)), iotest.DataErrReader(strings.NewReader(test.content))} {
			var out bytes.Buffer
			n, err := Segment{Data: []byte("x"), Body: r, Size: test.size}.WriteTo(&out)
			serr, ok := errors.AsType[*LiteralSizeError](err)
			if !ok || serr.Size != test.size || serr.Read != test.read || n != int64(out.Len()) || n > 1+test.size {
				t.Errorf("%q for %d bytes: %d written, %v", test.content, test.size, n, err)
			}
		}
	}
	boom := errors.New("boom")
	for _, r := range []io.Reader{iotest.ErrReader(boom), io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(boom))} {
		if _, err := (Segment{Body: r, Size: 3}).WriteTo(io.Discard); err != boom {
			t.Errorf("got %v, want the reader's own error", err)
		}
	}
}

func TestSecretsAreMaskedWhereTheyStand(t *testing.T) {
	tests := []struct {
		opts EncodeOptions
		add  func(c *Command)
		want string
	}{
		{plus, func(c *Command) { c.AString("LOGIN").Secret("LOGIN") }, "a X LOGIN ********\r\n"},
		{plus, func(c *Command) { c.Secret("a").Secret("").Secret("a b").Atom("c") }, "a X ******** ******** ******** c\r\n"},
		{plus, func(c *Command) { c.Secret(`a"b`).Secret("ä\r\n").Atom("c") }, "a X ******** ******** c\r\n"},
		{EncodeOptions{}, func(c *Command) { c.Secret("ä").Secret("\n").Atom("c") }, "a X ********\r\n******** ********\r\n******** c\r\n"},
		{plus, func(c *Command) { c.InitialResponse([]byte("\x00jo\x00pw")) }, "a X ********\r\n"},
		{plus, func(c *Command) { c.InitialResponse(nil) }, "a X ********\r\n"},
		{plus, func(c *Command) { c.List(func(c *Command) { c.Secret("x") }) }, "a X (********)\r\n"},
	}
	for _, test := range tests {
		c := NewCommand("a", "X", test.opts)
		test.add(c)
		if got := fmt.Sprintf("%v%+v%#v%s%q%d", c, c, c, c, c, c); got != strings.Repeat(strings.TrimSuffix(test.want, "\r\n"), 6) {
			t.Errorf("an unfinished command is printed as %q", got)
		}
		segs, err := c.Segments()
		if err != nil {
			t.Fatal(err)
		}
		var got []byte
		for _, s := range segs {
			got = s.AppendRedacted(got)
		}
		if string(got) != test.want {
			t.Errorf("got  %q\nwant %q", got, test.want)
		}
	}
	if got := string(SASLResponse([]byte("pw")).Redacted()); got != "********\r\n" {
		t.Errorf("SASL response: %q", got)
	}
	if got := fmt.Sprintf("%v %+v %#v %s", SASLResponse([]byte("pw")), SASLCancel(), IdleDone(), []Segment{{Data: []byte("x"), Body: strings.NewReader("abc"), Size: 3}}); got !=
		`"********\r\n" "*\r\n" "DONE\r\n" ["x" + 3 bytes]` {
		t.Errorf("printed as %s", got)
	}
}

func FuzzSecretsNeverSurvive(f *testing.F) {
	f.Add("hunter2", "jo", byte(0))
	f.Add("pass\"word\\\r\n", "x", byte(1))
	f.Add("pässwörd", "", byte(2))
	f.Fuzz(func(t *testing.T, secret, public string, mode byte) {
		// The secret is made of bytes that nothing else here has, so that each run of it can be looked for.
		secret = strings.Map(func(r rune) rune {
			if r < 0x80 && strings.ContainsRune("aXlogin0123456789{}+~\r\n*() \"\\8b/", r) || r == 0 {
				return 'Z'
			}
			return r
		}, secret)
		public = strings.Map(func(r rune) rune {
			if strings.ContainsRune(secret, r) {
				return 'b'
			}
			return r
		}, strings.ToValidUTF8(public, "b"))
		if secret == "" || strings.ContainsRune(public, 0) || strings.ContainsRune(secret, 'b') {
			return
		}
		opts := EncodeOptions{LiteralPlus: mode&1 != 0, LiteralMinus: mode&2 != 0, UTF8: mode&4 != 0}
		c := NewCommand("a", "X", opts).String(public).Secret(secret).List(func(c *Command) { c.Secret(secret + secret).AString(public) })
		segs, err := c.Segments()
		if err != nil {
			t.Fatal(err)
		}
		var traced []byte
		for _, s := range segs {
			traced = s.AppendRedacted(traced)
		}
		for _, b := range []byte(secret) {
			if bytes.IndexByte(traced, b) >= 0 && strings.IndexByte(public, b) < 0 {
				t.Fatalf("byte %q of %q is in %q", b, secret, traced)
			}
		}
		other := NewCommand("a", "X", opts).String(public).Secret("q").List(func(c *Command) { c.Secret("q").AString(public) })
		otherSegs, _ := other.Segments()
		var otherTraced []byte
		for _, s := range otherSegs {
			otherTraced = s.AppendRedacted(otherTraced)
		}
		if len(segs) == len(otherSegs) && !bytes.Equal(traced, otherTraced) {
			t.Fatalf("the trace depends on the secret: %q, %q", traced, otherTraced)
		}
	})
}

func TestSyncLiteralsWaitInSpiteOfLiteralPlus(t *testing.T) {
	c := NewCommand("a1", "X", EncodeOptions{LiteralPlus: true}).SyncLiterals(4).Literal("1234").Literal("12345").SyncLiterals(0).Literal("12345")
	wire, waits := "", ""
	segs, err := c.Segments()
	for _, s := range segs {
		wire += string(s.Data)
		waits += fmt.Sprint(s.Wait, " ")
	}
	if want := "a1 X {4+}\r\n1234 {5}\r\n12345 {5+}\r\n12345\r\n"; wire != want || waits != "false true " || err != nil {
		t.Errorf("got %q, waits %s, %v", wire, waits, err)
	}
}
