package imap_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/internal/linear"
)

// testCharsets knows one charset: "x-upper", whose text is in upper case, and "x-broken", which
// fails while it is read.
func testCharsets(label string, input io.Reader) (io.Reader, error) {
	switch strings.ToLower(label) {
	case "x-upper":
		text, err := io.ReadAll(input)
		return strings.NewReader(strings.ToLower(string(text))), err
	case "x-broken":
		return io.MultiReader(input, brokenReader{}), nil
	}
	return nil, fmt.Errorf("unknown charset %q", label)
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("broken") }

func TestDecodeWords(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"plain", "plain"},
		{"already UTF-8: Grüße", "already UTF-8: Grüße"},
		// RFC 2047 section 8.
		{"=?ISO-8859-1?Q?a?=", "a"},
		{"=?ISO-8859-1?Q?a?= b", "a b"},
		{"=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"},
		{"=?ISO-8859-1?Q?a?=  \r\n\t =?ISO-8859-1?Q?b?=", "ab"},
		{"=?ISO-8859-1?Q?a_b?=", "a b"},
		{"=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a =?ISO-8859-2?Q?_b?="},
		{"=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n =?utf-8?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=", "If you can read this you understand the example."},
		{"=?US-ASCII*EN?Q?Keith_Moore?= <moore@cs.utk.edu>", "Keith Moore <moore@cs.utk.edu>"},
		// Adjacent words of different charsets, text before and after.
		{"Re: =?utf-8?q?Gr=C3=BC=C3=9Fe?= an =?iso-8859-1?q?J=F6rg?=", "Re: Grüße an Jörg"},
		{"=?utf-8?q?=C3=A4?= =?iso-8859-1?q?=E4?= =?x-upper?q?BIG?=", "ääbig"},
		// Cut inside a character, and inside a group of base64.
		{"=?utf-8?Q?Gr=C3?= =?utf-8?Q?=BC=C3=9Fe?=", "Grüße"},
		{"=?UTF-8?B?w6TD?= =?utf-8?B?tg==?=", "äö"},
		{"=?utf-8?Q?=C3?= =?utf-8?B?pA==?=", "ä"},
		{"=?utf-8?B?R3LD?=\n =?utf-8?B?vMOfZQ?=", "Grüße"},
		{"=?utf-8?B?R3L?= =?utf-8?B?DvMOfZQ==?=", "Grüße"},
		{"=?utf-8?Q?cut_off_=C3?=", "cut off \uFFFD"},
		// Against the rules.
		{"=?utf-8?Q?hello world?=", "hello world"},
		{"=?utf-8?Q?What??=", "What?"},
		{"=?utf-8?Q?a?==?utf-8?Q?b?=", "ab"},
		{"x=?utf-8?Q?a?=y", "xay"},
		{"=?utf-8?Q?=?=", "="},
		{"=?utf-8?Q?100=25_=zz?=", "100% =zz"},
		{"=?utf-8?Q??=", ""},
		{"=?utf-8?B?aGVsbG8?=", "hello"},
		{"=?utf-8?B?aGVs bG8=?=", "hello"},
		{"=?utf-8?B?aGVsbG8=IQ==?=", "hello!"},
		{"=?utf-8?B?aGVsbG8hA?=", "hello!"},
		{`=?UTF-8?Q?"Dummy, Inc."?=`, `"Dummy, Inc."`}, // Gmail
		{"=?unknown-8bit?Q?Gr=C3=BC=DFe?=", "GrÃ¼ße"},
		{"=?us-ascii?Q?Gr=C3=BC?=", "Grü"},
		{"=?iso-8859-1?Q?=80_=93quoted=94?=", "€ “quoted”"},
		{"=?windows-1252?Q?=81?=", "\uFFFD"},
		// What cannot be decoded stays.
		{"=?x-nobody?Q?a?=", "=?x-nobody?Q?a?="},
		{"=?x-nobody?Q?a?= =?x-nobody?Q?b?= c =?utf-8?Q?d?=", "=?x-nobody?Q?a?= =?x-nobody?Q?b?= c d"},
		{"=?x-broken?Q?a?=", "=?x-broken?Q?a?="},
		{"=?utf-8?B?!!!!?=", "=?utf-8?B?!!!!?="},
		{"=?utf-8?X?a?=", "=?utf-8?X?a?="},
		{"=?utf-8?Q?no end", "=?utf-8?Q?no end"},
		{"=?utf-8?Q?broken =?utf-8?Q?ok?=", "=?utf-8?Q?broken ok"},
		{"=??Q?a?=", "=??Q?a?="},
		{"=?", "=?"},
		{"=?=?=", "=?=?="},
		{"1 =? 2 ?= 3", "1 =? 2 ?= 3"},
		{"=?" + strings.Repeat("x", 100) + "?Q?a?=", "=?" + strings.Repeat("x", 100) + "?Q?a?="},
		// Raw 8-bit text.
		{"Gr\xfc\xdfe", "Grüße"},
		{"Gr\xc3\xbc\xc3\x9fe", "Grüße"},
		{"\x80 5 =?utf-8?Q?=C3=A4?=", "€ 5 ä"},
		// Control characters are for the reader.
		{"=?utf-8?Q?a=1B[31mb=0D=0A?=", "a\x1b[31mb\r\n"},
	} {
		if got := imap.DecodeWords(c.in, testCharsets); got != c.want {
			t.Errorf("DecodeWords(%q)\n got %q\nwant %q", c.in, got, c.want)
		}
	}
}

func TestDecodeWordsWithoutCharsets(t *testing.T) {
	if got, want := imap.DecodeWords("=?x-upper?Q?A?= =?utf8?Q?b?=", nil), "=?x-upper?Q?A?= b"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Work must not grow faster than the text: the text is the sender's, and can be as long as a literal.
func TestDecodeWordsIsLinear(t *testing.T) {
	for _, unit := range []string{
		"=?utf-8?Q?", "=?utf-8?Q?x=?", "=?a?B?x?= ", "=?utf-8?Q?a?= =?utf-8?B?Y?= ", "=?", "?=", "=?=", "=?x-nobody?Q?a?=",
	} {
		linear.Check(t, unit, 1<<20/len(unit), func(n int) { imap.DecodeWords(strings.Repeat(unit, n), testCharsets) })
	}
}

func ExampleDecodeWords() {
	fmt.Println(imap.DecodeWords("=?utf-8?q?Gr=C3=BC=C3=9Fe?= aus =?iso-8859-1?q?K=F6ln?=", nil))
	// Output: Grüße aus Köln
}

func FuzzDecodeWords(f *testing.F) {
	f.Add("Re: =?utf-8?q?Gr=C3=BC?= =?utf-8?B?w58=?= \xff")
	f.Add("=?utf-8?Q?a?==?iso-8859-1?b?AA?=")
	f.Fuzz(func(t *testing.T, in string) {
		out := imap.DecodeWords(in, testCharsets)
		if !utf8.ValidString(out) {
			t.Errorf("DecodeWords(%q) = %q: not UTF-8", in, out)
		}
		if !strings.Contains(in, "=?") && utf8.ValidString(in) && out != in {
			t.Errorf("DecodeWords(%q) = %q: changed text without words", in, out)
		}
	})
}

func BenchmarkDecodeWords(b *testing.B) {
	for name, in := range map[string]string{
		"plain": "Re: the quarterly report, second draft",
		"word":  "=?UTF-8?Q?Gr=C3=BC=C3=9Fe_aus_K=C3=B6ln?= =?UTF-8?Q?_und_Umgebung?=",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				imap.DecodeWords(in, nil)
			}
		})
	}
}
