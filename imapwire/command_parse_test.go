package imapwire

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func atom(s string) Arg      { return Arg{Kind: ArgAtom, Text: s} }
func quoted(s string) Arg    { return Arg{Kind: ArgQuoted, Text: s} }
func literal(s string) Arg   { return Arg{Kind: ArgLiteral, Text: s} }
func literal8(s string) Arg  { return Arg{Kind: ArgLiteral8, Text: s} }
func nonSync(a Arg) Arg      { a.NonSync = true; return a }
func listOf(args ...Arg) Arg { return Arg{Kind: ArgList, List: args} }

func TestParseCommand(t *testing.T) {
	tests := []struct {
		line, tag, name string
		args            []Arg
	}{
		{"a NOOP", "a", "NOOP", nil},
		{"A1 login jo \"p \\\"w\\\\\"", "A1", "LOGIN", []Arg{atom("jo"), quoted(`p "w\`)}},
		{"a LOGIN {2}\r\njo {3+}\r\npw ", "a", "LOGIN", []Arg{literal("jo"), nonSync(literal("pw "))}},
		{"a UID fetch 1:*,7 (FLAGS BODY.PEEK[HEADER.FIELDS (From \"To\")]<0.100>)", "a", "UID FETCH", []Arg{
			atom("1:*,7"),
			listOf(atom("FLAGS"), atom(`BODY.PEEK[HEADER.FIELDS (From "To")]<0.100>`)),
		}},
		{"a FETCH 1 body[HEADER.FIELDS.NOT ({3}\r\nCc])]", "a", "FETCH", []Arg{atom("1"), atom(`body[HEADER.FIELDS.NOT ("Cc]")]`)}},
		{"a SELECT foo[bar", "a", "SELECT", []Arg{atom("foo[bar")}},
		{`a LIST "" %/*`, "a", "LIST", []Arg{quoted(""), atom("%/*")}},
		{"a STORE 1 +FLAGS.SILENT (\\Seen $Junk)", "a", "STORE", []Arg{atom("1"), atom("+FLAGS.SILENT"), listOf(atom(`\Seen`), atom("$Junk"))}},
		{"a APPEND x (\\Seen) {4}\r\n\r\n\r\n", "a", "APPEND", []Arg{atom("x"), listOf(atom(`\Seen`)), literal("\r\n\r\n")}},
		{"a APPEND x UTF8 (~{2+}\r\n\x00\xff)", "a", "APPEND", []Arg{atom("x"), atom("UTF8"), listOf(nonSync(literal8("\x00\xff")))}},
		{"a SEARCH () ((()))", "a", "SEARCH", []Arg{listOf(), listOf(listOf(listOf()))}},
		{`a ID ("k" NIL)`, "a", "ID", []Arg{listOf(quoted("k"), atom("NIL"))}},
		{"a AUTHENTICATE PLAIN =", "a", "AUTHENTICATE", []Arg{atom("PLAIN"), atom("=")}},
		{"a SELECT ~jo", "a", "SELECT", []Arg{atom("~jo")}},
		{"a SELECT {0}\r\n", "a", "SELECT", []Arg{literal("")}},
	}
	for _, test := range tests {
		tag, name, args, err := ParseCommand(Frame{Data: []byte(test.line)})
		if err != nil || tag != test.tag || name != test.name || !reflect.DeepEqual(args, test.args) {
			t.Errorf("%q:\n got %q %q %v, %v\nwant %q %q %v", test.line, tag, name, args, err, test.tag, test.name, test.args)
		}
	}
}

func TestParseCommandRefuses(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("(", n) + strings.Repeat(")", n) }
	if _, _, _, err := ParseCommand(Frame{Data: []byte("a x " + deep(DefaultLimits.Depth))}); err != nil {
		t.Errorf("lists at the bound: %v", err)
	}
	for _, line := range []string{
		"", " ", "a", "a ", "+ x", "a  NOOP", "a NOOP ", "a (x)", "a UID", "a UID ", "DONE",
		"a x  y", "a x (a", "a x )", "a x (a  b)", "a x ( a)", "a x (a )", "a x (a)b", `a x "a"b`, `a x "a`, `a x "\a"`, "a x \"\r\"",
		"a x \"\x00\"", "a x {1}\r\n", "a x {1}", "a x {}\r\n", "a x {+}\r\n", "a x {-1}\r\nx", "a x {+1}\r\nx", "a x {1++}\r\nx",
		"a x {9223372036854775808}\r\nx", "a x {1}\r\n\x00", "a x {1}\r\nabc", "a x a\x00", "a x a\rb", "a x BODY[", "a x BODY[\x01]",
		"a x BODY[({3}\r\na\r\n)]", "a x a{1}\r\nb", "a x a\"b\"",
		"a x " + deep(DefaultLimits.Depth+1), "a x" + strings.Repeat(" y", DefaultLimits.Tokens+1),
	} {
		_, _, args, err := ParseCommand(Frame{Data: []byte(line)})
		if serr := (*SyntaxError)(nil); !errors.As(err, &serr) || args != nil {
			t.Errorf("%.60q: got %.60v, %v; want a SyntaxError", line, args, err)
		}
	}
	fr := Frame{Data: []byte("a APPEND x {5}\r\n"), Literals: []Literal{{Offset: 16, Size: 5, Streamed: true}}}
	if _, _, _, err := ParseCommand(fr); err == nil {
		t.Error("a streamed literal was overlooked")
	}
}

func TestParseCommandErrorsKeepSecrets(t *testing.T) {
	tag, name, _, err := ParseCommand(Frame{Data: []byte(`a LOGIN jo hunter2"`)})
	if err == nil || strings.Contains(err.Error(), "hunter") || tag != "a" || name != "LOGIN" {
		t.Errorf("got %q %q %v", tag, name, err)
	}
}

func FuzzParseCommand(f *testing.F) {
	for _, seed := range []string{
		"a LOGIN {2}\r\njo {3+}\r\npw ", `A UID FETCH 1:* (BODY.PEEK[1.HEADER.FIELDS ("x")]<1.2>)`, "a x UTF8 (~{2+}\r\n\x00\xff) ()",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		tag, name, args, err := ParseCommand(Frame{Data: data})
		if err != nil {
			return
		}
		line := append([]byte(tag+" "+name), appendArgs(nil, args, true)...)
		_, _, again, err := ParseCommand(Frame{Data: line})
		if err != nil || !reflect.DeepEqual(args, again) {
			t.Fatalf("%q, written again as %q: got %v, %v; want %v", data, line, again, err, args)
		}
	})
}

// appendArgs writes args as they were.
func appendArgs(dst []byte, args []Arg, lead bool) []byte {
	for i, a := range args {
		if lead || i > 0 {
			dst = append(dst, ' ')
		}
		switch a.Kind {
		case ArgAtom:
			dst = append(dst, a.Text...)
		case ArgQuoted:
			dst = appendQuoted(dst, a.Text)
		case ArgLiteral, ArgLiteral8:
			if a.Kind == ArgLiteral8 {
				dst = append(dst, '~')
			}
			dst = appendLiteralHeader(dst, int64(len(a.Text)), a.NonSync)
			dst = append(dst, a.Text...)
		case ArgList:
			dst = append(dst, '(')
			dst = appendArgs(dst, a.List, false)
			dst = append(dst, ')')
		}
	}
	return dst
}
