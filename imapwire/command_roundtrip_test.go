package imapwire

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pushmail/pushmail/imap"
)

// readBack gives what a server reads of a command: its Framer and ParseCommand.
func readBack(t *rapid.T, c *Command) (wire []byte, args []Arg) {
	segs, err := c.Segments()
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range segs {
		var b bytes.Buffer
		if _, err := s.WriteTo(&b); err != nil {
			t.Fatal(err)
		}
		wire = append(wire, b.Bytes()...)
		if i+1 < len(segs) && segs[i+1].Wait != endsInSyncLiteral(s) {
			t.Fatalf("segment %d of %q: the next one waits: %v", i, wire, segs[i+1].Wait)
		}
	}
	fr := NewFramer(bytes.NewReader(wire), &Options{Limits: Limits{Line: 1 << 24, Literal: 1 << 24, Response: 1 << 25}})
	frame, err := fr.Next()
	if err != nil {
		t.Fatalf("%q: %v", wire, err)
	}
	tag, name, args, err := ParseCommand(frame)
	if err != nil || tag != c.Tag() || name != c.Name() {
		t.Fatalf("%q is read as %q %q, %v", wire, tag, name, err)
	}
	if fr, err := fr.Next(); err != io.EOF {
		t.Fatalf("%q is more than one command: %q, %v", wire, fr.Data, err)
	}
	return wire, args
}

func endsInSyncLiteral(s Segment) bool {
	return bytes.HasSuffix(s.Data, []byte("}\r\n")) && !bytes.HasSuffix(s.Data, []byte("+}\r\n")) && s.Body == nil
}

// anyString has the bytes that make trouble more often than others, but for NUL.
var anyString = rapid.Map(rapid.OneOf(
	rapid.StringMatching(`[a-zA-Z0-9.]{0,8}`),
	rapid.String(),
	rapid.SampledFrom([]string{"", "NIL", "nil", `"`, `\`, "{5}", "{5+}\r\n", "a\r\nb", "\r", "\n", ")", "(", "a b", "ä", "\xff", "\x7f", "*", "%", "~{1}"}),
	rapid.Map(rapid.SliceOfN(rapid.ByteRange(1, 255), 0, 40), func(b []byte) string { return string(b) }),
	rapid.Map(rapid.IntRange(maxQuoted-2, maxQuoted+2), func(n int) string { return strings.Repeat("x", n) }),
), func(s string) string { return strings.ReplaceAll(s, "\x00", "0") })

var anyEncodeOptions = rapid.Custom(func(t *rapid.T) EncodeOptions {
	return EncodeOptions{
		LiteralPlus:  rapid.Bool().Draw(t, "LITERAL+"),
		LiteralMinus: rapid.Bool().Draw(t, "LITERAL-"),
		UTF8:         rapid.Bool().Draw(t, "UTF8"),
		Binary:       rapid.Bool().Draw(t, "BINARY"),
	}
})

// textsOf returns the values without how they were written.
func textsOf(args []Arg) (out []any) {
	for _, a := range args {
		if a.Kind == ArgList {
			out = append(out, textsOf(a.List))
		} else {
			out = append(out, a.Text)
		}
	}
	return out
}

func TestCommandsAreReadAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		opts := anyEncodeOptions.Draw(t, "opts")
		c := NewCommand("a1", "UID X", opts)
		want := fillCommand(t, c, opts, 0)
		wire, args := readBack(t, c)
		if got := textsOf(args); !reflect.DeepEqual(got, want) {
			t.Fatalf("%q:\n got %q\nwant %q", wire, got, want)
		}
	})
}

// fillCommand appends random arguments and returns their values.
func fillCommand(t *rapid.T, c *Command, opts EncodeOptions, depth int) (want []any) {
	for range rapid.IntRange(0, 4).Draw(t, "n") {
		s := anyString.Draw(t, "s")
		switch rapid.IntRange(0, 9).Draw(t, "what") {
		case 0:
			c.String(s)
		case 1:
			c.AString(s)
		case 2:
			c.Secret(s)
		case 3:
			c.Literal(s)
		case 4:
			c.Literal8(s)
		case 5:
			c.LiteralReader(strings.NewReader(s), int64(len(s)))
		case 6:
			s = MailboxFromWire(s, opts.UTF8)
			c.Mailbox(s)
			s = MailboxToWire(s, opts.UTF8)
		case 7:
			s = MailboxFromWire(s, opts.UTF8)
			c.ListMailbox(s)
			s = MailboxToWire(s, opts.UTF8)
		case 8:
			if !isAtom(s) {
				s = "atom"
			}
			c.Atom(s)
		case 9:
			if depth > 3 {
				continue
			}
			var inner []any
			c.List(func(c *Command) { inner = fillCommand(t, c, opts, depth+1) })
			want = append(want, inner)
			continue
		}
		want = append(want, s)
	}
	return want
}

var anySearchText = rapid.OneOf(rapid.StringMatching(`[ -~]{0,9}`), rapid.SampledFrom([]string{"ä", "a\r\nb", `"`, ")"}))

func drawSearchKey(t *rapid.T, depth int) imap.SearchKey {
	switch rapid.IntRange(0, 8).Draw(t, "op") {
	case 0:
		return imap.WithFlag(rapid.SampledFrom([]imap.Flag{imap.FlagSeen, imap.FlagRecent, "$Junk"}).Draw(t, "flag"))
	case 1:
		return imap.Subject(anySearchText.Draw(t, "text"))
	case 2:
		return imap.Larger(rapid.Uint64().Draw(t, "num"))
	case 3:
		return imap.UIDIn(imap.UIDs(rapid.SliceOfN(rapid.Map(rapid.Uint32(), func(n uint32) imap.UID { return imap.UID(n) }), 0, 3).Draw(t, "uids")...))
	case 4:
		return imap.Header("X-A", anySearchText.Draw(t, "text"))
	}
	if depth > 4 {
		return imap.All()
	}
	keys := make([]imap.SearchKey, rapid.IntRange(0, 4).Draw(t, "n"))
	for i := range keys {
		keys[i] = drawSearchKey(t, depth+1)
	}
	switch rapid.IntRange(0, 2).Draw(t, "tree") {
	case 0:
		return imap.And(keys...)
	case 1:
		return imap.Or(keys...)
	}
	return imap.Not(imap.And(keys...))
}

// verdict says by chance, but always the same, whether a message matches a key without keys in it.
func verdict(seed uint64, words ...string) bool {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%d %q", seed, words)
	return h.Sum64()>>17&1 == 1
}

// matches evaluates a query as its documentation has it.
func matches(seed uint64, k imap.SearchKey) bool {
	switch k.Op {
	case imap.SearchAnd:
		return !slices.ContainsFunc(k.Keys, func(k imap.SearchKey) bool { return !matches(seed, k) })
	case imap.SearchOr:
		return slices.ContainsFunc(k.Keys, func(k imap.SearchKey) bool { return matches(seed, k) })
	case imap.SearchNot:
		return !matches(seed, k.Keys[0])
	case imap.SearchFlag:
		return verdict(seed, "flag", string(k.Flag))
	case imap.SearchUID:
		return !k.UIDs.Empty() && verdict(seed, "UID", k.UIDs.String())
	case imap.SearchLarger:
		return verdict(seed, "LARGER", strconv.FormatUint(k.Num, 10))
	case imap.SearchHeader:
		return verdict(seed, "HEADER", k.Name, k.Text)
	}
	return verdict(seed, string(k.Op), k.Text)
}

// searchReader evaluates a query as it is on the wire, as a server would.
type searchReader struct {
	t    *rapid.T
	seed uint64
	args []Arg
}

func (r *searchReader) next() Arg {
	if len(r.args) == 0 {
		r.t.Fatal("the query ends too soon")
	}
	a := r.args[0]
	r.args = r.args[1:]
	return a
}

func (r *searchReader) all() bool {
	if len(r.args) == 0 {
		r.t.Fatal("nothing is no query")
	}
	result := true
	for len(r.args) > 0 {
		result = r.key() && result
	}
	return result
}

func (r *searchReader) key() bool {
	a := r.next()
	if a.Kind == ArgList {
		inner := searchReader{r.t, r.seed, a.List}
		return inner.all()
	}
	flag := func(f imap.Flag) bool { return verdict(r.seed, "flag", string(f)) }
	switch a.Text {
	case "ALL":
		return true
	case "NOT":
		return !r.key()
	case "OR":
		x, y := r.key(), r.key()
		return x || y
	case "SEEN", "UNSEEN":
		return flag(imap.FlagSeen) == (a.Text == "SEEN")
	case "RECENT", "OLD":
		return flag(imap.FlagRecent) == (a.Text == "RECENT")
	case "KEYWORD", "UNKEYWORD":
		return flag(imap.Flag(r.next().Text)) == (a.Text == "KEYWORD")
	case "SUBJECT", "LARGER", "UID":
		return verdict(r.seed, a.Text, r.next().Text)
	case "HEADER":
		return verdict(r.seed, a.Text, r.next().Text, r.next().Text)
	}
	r.t.Fatalf("unexpected %q", a.Text)
	return false
}

func TestQueriesMeanOnTheWireWhatTheyMean(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := drawSearchKey(t, 0)
		opts := anyEncodeOptions.Draw(t, "opts")
		wire, args := readBack(t, NewCommand("a", "UID SEARCH", opts).Search(key))
		if args[0].Is("CHARSET") {
			args = args[2:]
		} else if !opts.UTF8 && !isASCII(string(wire)) {
			t.Fatalf("%q has no character set", wire)
		}
		for seed := range uint64(8) {
			r := searchReader{t, seed, args}
			if got, want := r.all(), matches(seed, key); got != want {
				t.Fatalf("%+v is sent as %q: matches %v, want %v", key, wire, got, want)
			}
		}
	})
}
