package imapwire

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pushmail/pushmail/imap"
)

// EncodeOptions are what a session allows commands to use.
type EncodeOptions struct {
	// LiteralPlus: the server has LITERAL+, so literals need no waiting (RFC 7888).
	LiteralPlus bool
	// LiteralMinus: the same for literals of 4,096 bytes at most.
	LiteralMinus bool
	// UTF8: strings may be UTF-8 and mailbox names are, after ENABLE UTF8=ACCEPT (RFC 6855) or
	// IMAP4rev2 (RFC 9051).
	UTF8 bool
	// Binary: the server has BINARY, so content with NUL can be sent (RFC 3516).
	Binary bool
	// UIDOnly: sequence numbers must not be used, after ENABLE UIDONLY (RFC 9586) or while NOTIFY may shift
	// them at any time (RFC 5465 section 5.3). One is an error.
	UIDOnly bool
	// MaxLine is how long a line the server takes, for [Command.Room]. Zero means 8,192, which RFC
	// 7162 section 4 asks of servers.
	MaxLine int
}

// maxQuoted bounds a quoted string, in bytes; longer ones become literals. RFC 2683 section 3.2.1.5
// keeps command lines at about 1,000 bytes.
const maxQuoted = 1000

// maxLiteralMinus is what LITERAL- takes without waiting (RFC 7888 section 5).
const maxLiteralMinus = 4096

// ArgumentError says that a value cannot be sent as an argument of a command. It never holds the value.
type ArgumentError struct {
	Command  string // "LOGIN"
	Argument string // what kind of argument: "mailbox name"
	Position int    // of the argument, from 1; what is in a list counts too
	Reason   string
}

// Error returns one line.
func (e *ArgumentError) Error() string {
	return fmt.Sprintf("%s: argument %d, %s: %s", e.Command, e.Position, e.Argument, e.Reason)
}

// Command builds one command. Its methods append arguments and return the Command, so that calls
// chain. A space goes before each argument where one belongs, be it asked for with SP or not:
//
//	NewCommand("a1", "STATUS", o).Mailbox(name).List(func(c *Command) { c.Atom("UIDNEXT") })
//
// Whatever the values are, the server sees the arguments that were meant: CR, LF and NUL never get
// out of an atom or a quoted string. The first value that cannot be sent is kept as an
// *[ArgumentError], which Err and Segments return.
type Command struct {
	opts EncodeOptions
	name string
	tag  string

	segs    []Segment
	cur     Segment
	args    int
	open    bool  // an argument may follow without a space
	wait    int64 // literals of more bytes wait for the server; 0: as the session allows
	size    int   // bytes in earlier segments, without literals
	literal int   // bytes of literals in cur
	set     imap.NumSet
	seqs    bool // a set has sequence numbers
	err     error
}

// NewCommand starts the command name, such as "UID FETCH", with its tag.
func NewCommand(tag, name string, opts EncodeOptions) *Command {
	c := &Command{opts: opts, name: name, tag: tag}
	if !isAtom(tag) || strings.Contains(tag, "+") {
		c.fail("tag", "is no tag")
	}
	for word := range strings.SplitSeq(name, " ") {
		if !isAtom(word) {
			c.fail("command name", "is no atom")
		}
	}
	c.cur.Data = append(append(append(make([]byte, 0, 128), tag...), ' '), name...)
	return c
}

// Name returns the name of the command.
func (c *Command) Name() string { return c.name }

// Tag returns the tag of the command.
func (c *Command) Tag() string { return c.tag }

// NumSet returns the first set of messages among the arguments, or nil.
func (c *Command) NumSet() imap.NumSet { return c.set }

// UsesSeqNums reports whether an argument is a set of sequence numbers, which mean something else after an
// EXPUNGE (RFC 9051 section 5.5).
func (c *Command) UsesSeqNums() bool { return c.seqs }

// Err returns the first error, an *[ArgumentError] or nil.
func (c *Command) Err() error { return c.err }

// Len returns the length of the command so far, without its literals.
func (c *Command) Len() int { return c.size + len(c.cur.Data) - c.literal }

// Room returns how many bytes fit before the line is as long as [EncodeOptions.MaxLine] allows; zero
// if it is full. It is what to pass to [imap.Set.Chunks] for a long set, minus what follows the set.
func (c *Command) Room() int {
	limit := c.opts.MaxLine
	if limit <= 0 {
		limit = 8192
	}
	return max(0, limit-c.Len()-len(" \r\n"))
}

func (c *Command) fail(argument, reason string) *Command {
	if c.err == nil {
		c.err = &ArgumentError{Command: c.name, Argument: argument, Position: c.args, Reason: reason}
	}
	return c
}

// SP appends a space, unless the last thing was one, or the start of a list.
func (c *Command) SP() *Command {
	if !c.open {
		c.cur.Data = append(c.cur.Data, ' ')
		c.open = true
	}
	return c
}

// next begins an argument.
func (c *Command) next() {
	c.args++
	c.SP()
	c.open = false
}

// Format writes the command as traces show it, without its secrets, for every verb of package fmt.
func (c *Command) Format(f fmt.State, _ rune) {
	for _, s := range c.segs {
		_, _ = f.Write(s.Redacted())
	}
	_, _ = f.Write(c.cur.Redacted())
}

func (c *Command) raw(text string) *Command {
	c.next()
	c.cur.Data = append(c.cur.Data, text...)
	return c
}

// Atom appends an atom.
func (c *Command) Atom(text string) *Command {
	c.next()
	if !isAtom(text) {
		return c.fail("atom", "has bytes that no atom can have, or none")
	}
	c.cur.Data = append(c.cur.Data, text...)
	return c
}

// Raw appends text as it is. It must be printable US-ASCII and not end in what looks like a literal
// header; beyond that it is up to the caller.
func (c *Command) Raw(text string) *Command {
	c.next()
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return c.fail("raw text", "is not printable US-ASCII")
		}
	}
	if text == "" || strings.HasSuffix(text, "}") {
		return c.fail("raw text", "is empty or ends in a brace")
	}
	c.cur.Data = append(c.cur.Data, text...)
	return c
}

// Nil appends NIL.
func (c *Command) Nil() *Command { return c.raw("NIL") }

// Number appends a number.
func (c *Command) Number(n uint64) *Command {
	c.next()
	c.cur.Data = strconv.AppendUint(c.cur.Data, n, 10)
	return c
}

// ModSeq appends a mod-sequence: a number of 63 bits (RFC 7162 section 7).
func (c *Command) ModSeq(n imap.ModSeq) *Command {
	if n > 1<<63-1 {
		c.next()
		return c.fail("mod-sequence", "has more than 63 bits")
	}
	return c.Number(uint64(n))
}

// Set appends a set of messages, which must not be empty.
func (c *Command) Set(set imap.NumSet) *Command {
	c.next()
	if set == nil || set.Empty() {
		return c.fail("message set", "is empty")
	}
	if !set.ByUID() {
		if c.opts.UIDOnly {
			return c.fail("message set", "has sequence numbers, which UIDONLY or NOTIFY forbids: use UIDs")
		}
		c.seqs = true
	}
	if c.set == nil {
		c.set = set
	}
	var err error
	if c.cur.Data, err = set.AppendText(c.cur.Data); err != nil {
		return c.fail("message set", "cannot be written")
	}
	return c
}

// List appends what fill appends, in parentheses.
func (c *Command) List(fill func(c *Command)) *Command {
	c.next()
	c.cur.Data = append(c.cur.Data, '(')
	c.open = true
	fill(c)
	c.cur.Data = append(c.cur.Data, ')')
	c.open = false
	return c
}

// Flag appends a flag or keyword.
func (c *Command) Flag(f imap.Flag) *Command {
	c.next()
	// RFC 9051 section 9: "\" atom, or an atom. "\*" and \Recent are not for clients to set.
	if name := strings.TrimPrefix(string(f), `\`); !isAtom(name) {
		return c.fail("flag", "is no flag or keyword")
	}
	c.cur.Data = append(c.cur.Data, f...)
	return c
}

// Flags appends a list of flags.
func (c *Command) Flags(flags []imap.Flag) *Command {
	return c.List(func(c *Command) {
		for _, f := range flags {
			c.Flag(f)
		}
	})
}

// Date appends the day of t in its own location: "1-Feb-2006".
func (c *Command) Date(t time.Time) *Command {
	c.next()
	if y := t.Year(); y < 1 || y > 9999 {
		return c.fail("date", "has no year of four digits")
	}
	c.cur.Data = t.AppendFormat(c.cur.Data, "2-Jan-2006")
	return c
}

// DateTime appends "date-time" (RFC 9051 section 9), with seconds and the zone of t, which must be
// less than a day and in whole minutes.
func (c *Command) DateTime(t time.Time) *Command {
	c.next()
	text, ok := appendDateTime(nil, t)
	if !ok {
		return c.fail("date", "has no year of four digits, or an odd time zone")
	}
	c.cur.Data = append(c.cur.Data, text...)
	return c
}

// appendDateTime appends t quoted, its day padded with a space.
func appendDateTime(dst []byte, t time.Time) ([]byte, bool) {
	_, offset := t.Zone()
	if y := t.Year(); y < 1 || y > 9999 || offset%60 != 0 || offset <= -24*3600 || offset >= 24*3600 {
		return dst, false
	}
	return t.AppendFormat(dst, `"_2-Jan-2006 15:04:05 -0700"`), true
}

// String appends a quoted string, or a literal if s cannot be quoted or is longer than 1,000 bytes. If s
// holds NUL it becomes a literal8 where the server has BINARY, else an error.
func (c *Command) String(s string) *Command {
	c.next()
	return c.string("string", s)
}

func (c *Command) string(argument, s string) *Command {
	data, ok := appendString(c.cur.Data, s, c.opts.UTF8)
	if !ok {
		return c.literalBytes(argument, s, false)
	}
	c.cur.Data = data
	return c
}

// AString appends s as an atom if it is a plain word, else as String does.
func (c *Command) AString(s string) *Command {
	c.next()
	return c.aString("string", s)
}

func (c *Command) aString(argument, s string) *Command {
	if isPlainWord(s) {
		c.cur.Data = append(c.cur.Data, s...)
		return c
	}
	return c.string(argument, s)
}

// isPlainWord reports whether s is an atom that nobody can take for anything else. Servers disagree
// about some of the other characters that an atom may have.
func isPlainWord(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case c|0x20 >= 'a' && c|0x20 <= 'z', c >= '0' && c <= '9', c == '/', i > 0 && strings.IndexByte("._-@:", c) >= 0:
		default:
			return false
		}
	}
	return s != "" && len(s) <= maxQuoted && !strings.EqualFold(s, "NIL")
}

// NString appends s as String does, or NIL.
func (c *Command) NString(s string, isNil bool) *Command {
	if isNil {
		return c.Nil()
	}
	return c.String(s)
}

// Mailbox appends the name of a mailbox, in modified UTF-7 unless the session speaks UTF-8. See
// [MailboxToWire] for names that came from a server.
func (c *Command) Mailbox(name string) *Command {
	return c.mailbox(name, isPlainWord)
}

// ListMailbox appends a mailbox name with wildcards.
func (c *Command) ListMailbox(pattern string) *Command {
	return c.mailbox(pattern, func(s string) bool {
		return s != "" && (strings.Trim(s, "*%") == "" || isPlainWord(s))
	})
}

func (c *Command) mailbox(name string, plain func(string) bool) *Command {
	c.next()
	wire := MailboxToWire(name, c.opts.UTF8)
	switch {
	case hasNUL(name):
		return c.fail("mailbox name", "has a NUL")
	case !c.opts.UTF8 && !isRawMailbox(name) && !utf8.ValidString(name):
		return c.fail("mailbox name", "is not UTF-8")
	case plain(wire):
		c.cur.Data = append(c.cur.Data, wire...)
		return c
	}
	return c.string("mailbox name", wire)
}

// Secret appends s as AString does, and has traces hide it: see [Segment.AppendRedacted].
func (c *Command) Secret(s string) *Command {
	c.next()
	if hasNUL(s) {
		return c.fail("secret", "has a NUL")
	}
	return c.secret(func() { c.aString("secret", s) })
}

// SecretAtom appends an atom, and has traces hide it.
func (c *Command) SecretAtom(s string) *Command {
	c.next()
	if !isAtom(s) {
		return c.fail("secret", "has bytes that no atom can have, or none")
	}
	return c.secret(func() { c.cur.Data = append(c.cur.Data, s...) })
}

// secret marks what write appends. If it starts a new segment, both parts are marked: the size of a
// literal is no less a secret than a password's length.
func (c *Command) secret(write func()) *Command {
	segs, start := len(c.segs), len(c.cur.Data)
	write()
	if len(c.segs) > segs {
		old := &c.segs[segs]
		old.Secrets = append(old.Secrets, Span{start, len(old.Data) - len("\r\n")})
		start = 0
	}
	c.cur.Secrets = append(c.cur.Secrets, Span{start, len(c.cur.Data)})
	return c
}

// Literal appends data as a literal, or as a literal8 if it holds NUL and the server has BINARY.
func (c *Command) Literal(data string) *Command {
	c.next()
	return c.literalBytes("literal", data, false)
}

// Literal8 appends data as a literal8 (RFC 3516).
func (c *Command) Literal8(data string) *Command {
	c.next()
	return c.literalBytes("literal8", data, true)
}

func (c *Command) literalBytes(argument, data string, binary bool) *Command {
	if hasNUL(data) && !binary {
		if !c.opts.Binary {
			return c.fail(argument, "has a NUL, and the server has no BINARY")
		}
		binary = true
	}
	c.literalHeader(int64(len(data)), binary)
	c.cur.Data = append(c.cur.Data, data...)
	c.literal += len(data)
	return c
}

// LiteralReader appends a literal whose size bytes are read from r when the command is written. The
// caller answers for r having no NUL.
func (c *Command) LiteralReader(r io.Reader, size int64) *Command {
	return c.literalReader(r, size, false)
}

// Literal8Reader is LiteralReader for a literal8, which may have NUL (RFC 3516).
func (c *Command) Literal8Reader(r io.Reader, size int64) *Command {
	return c.literalReader(r, size, true)
}

func (c *Command) literalReader(r io.Reader, size int64, binary bool) *Command {
	c.next()
	switch {
	case r == nil:
		return c.fail("literal", "has no reader")
	case size < 0:
		return c.fail("literal", "has a negative size")
	}
	c.literalHeader(size, binary)
	c.cur.Body, c.cur.Size = r, size
	c.cut(false)
	return c
}

// SyncLiterals has literals of more than size bytes wait for the server also where it has LITERAL+, so that it can
// refuse them before they are sent (RFC 7889 section 4). Zero undoes it. It counts for what is appended after it.
func (c *Command) SyncLiterals(size int64) *Command {
	c.wait = size
	return c
}

// literalHeader appends the header, and cuts the command there if the server must be waited for.
func (c *Command) literalHeader(size int64, binary bool) {
	if binary {
		c.cur.Data = append(c.cur.Data, '~')
	}
	nonSync := (c.opts.LiteralPlus || c.opts.LiteralMinus && size <= maxLiteralMinus) && (c.wait == 0 || size <= c.wait)
	c.cur.Data = appendLiteralHeader(c.cur.Data, size, nonSync)
	if !nonSync {
		c.cut(true)
	}
}

// cut begins a new segment.
func (c *Command) cut(wait bool) {
	c.size += len(c.cur.Data) - c.literal
	c.literal = 0
	c.segs = append(c.segs, c.cur)
	c.cur = Segment{Wait: wait}
}

// Segments ends the command and returns it in the pieces in which it is to be written. It can be
// called once.
func (c *Command) Segments() ([]Segment, error) {
	if c.err != nil {
		return nil, c.err
	}
	c.cur.Data = append(c.cur.Data, "\r\n"...)
	c.segs = append(c.segs, c.cur)
	c.cur = Segment{}
	return c.segs, nil
}
