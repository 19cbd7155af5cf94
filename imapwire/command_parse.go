package imapwire

import (
	"fmt"
	"strconv"
	"strings"
)

// ArgKind says how an [Arg] was written.
type ArgKind uint8

// Kinds of arguments.
const (
	// ArgAtom is everything that is not one of the others: atoms, numbers, sets, flags, list
	// patterns, and section requests such as "BODY.PEEK[HEADER.FIELDS (From)]<0.100>" as a whole.
	ArgAtom ArgKind = iota + 1
	ArgQuoted
	ArgLiteral
	ArgLiteral8 // RFC 3516
	ArgList     // "(…)"
)

// String returns the name of the kind.
func (k ArgKind) String() string {
	switch k {
	case ArgAtom:
		return "atom"
	case ArgQuoted:
		return "quoted string"
	case ArgLiteral:
		return "literal"
	case ArgLiteral8:
		return "literal8"
	case ArgList:
		return "list"
	}
	return "nothing"
}

// Arg is one argument of a client's command.
type Arg struct {
	Kind ArgKind
	// Text is the value without the quoting of the wire; "" for a list. A literal inside the
	// brackets of a section request stands there as a quoted string.
	Text string
	// NonSync: the literal was announced with "+" (RFC 7888).
	NonSync bool
	// List has the elements of a list.
	List []Arg
}

// Is reports whether a is the atom word, without regard to case.
func (a Arg) Is(word string) bool { return a.Kind == ArgAtom && strings.EqualFold(a.Text, word) }

// AString returns the value of an argument that can be an "astring" (RFC 9051 section 9): anything
// but a list.
func (a Arg) AString() (string, bool) { return a.Text, a.Kind != ArgList && a.Kind != 0 }

// ParseCommand reads a client's command as a server does: its tag, its name in upper case (with its
// prefix, if any: "UID FETCH"), and its arguments. It is strict: one space between arguments, none
// at the end, no bare CR, LF or NUL. Depth and number of the arguments are bounded as in
// [DefaultLimits]. What the arguments mean is up to the caller. The result shares no memory with fr.
//
// A *SyntaxError says what is wrong, without quoting the command, which may hold a password; tag and
// name are set if they were readable, so that a server can answer "tag BAD".
//
// The DONE that ends an IDLE and the lines of a SASL exchange are no commands: look for them first.
func ParseCommand(fr Frame) (tag, name string, args []Arg, err error) {
	p := commandParser{s: string(fr.Data)}
	for _, l := range fr.Literals {
		if l.Streamed {
			return "", "", nil, &SyntaxError{Offset: l.Offset, Reason: "a literal was streamed away"}
		}
	}
	if tag, err = p.tag(); err != nil {
		return "", "", nil, err
	}
	if name, err = p.name(); err != nil {
		return tag, "", nil, err
	}
	for p.pos < len(p.s) {
		if err = p.space(); err != nil {
			return tag, name, nil, err
		}
		a, err := p.arg(0)
		if err != nil {
			return tag, name, nil, err
		}
		args = append(args, a)
	}
	return tag, name, args, nil
}

type commandParser struct {
	s   string
	pos int
	n   int // arguments so far
}

func (p *commandParser) fail(format string, a ...any) error {
	return &SyntaxError{Offset: p.pos, Reason: fmt.Sprintf(format, a...)}
}

func (p *commandParser) peek() byte {
	if p.pos < len(p.s) {
		return p.s[p.pos]
	}
	return 0
}

func (p *commandParser) space() error {
	if p.peek() != ' ' {
		return p.fail("expected a space")
	}
	p.pos++
	return nil
}

// tag reads "tag": one or more ASTRING-CHAR but no "+" (RFC 9051 section 9).
func (p *commandParser) tag() (string, error) {
	start := p.pos
	for p.pos < len(p.s) && isAStringChar(p.s[p.pos]) && p.s[p.pos] != '+' {
		p.pos++
	}
	if p.pos == start {
		return "", p.fail("expected a tag")
	}
	return p.s[start:p.pos], nil
}

func (p *commandParser) word() (string, error) {
	if err := p.space(); err != nil {
		return "", err
	}
	start := p.pos
	for p.pos < len(p.s) && isAtomChar(p.s[p.pos]) {
		p.pos++
	}
	if p.pos == start {
		return "", p.fail("expected a command name")
	}
	return strings.ToUpper(p.s[start:p.pos]), nil
}

func (p *commandParser) name() (string, error) {
	name, err := p.word()
	if err != nil || name != "UID" {
		return name, err
	}
	sub, err := p.word()
	return "UID " + sub, err
}

func (p *commandParser) arg(depth int) (Arg, error) {
	if p.n++; p.n > DefaultLimits.Tokens {
		return Arg{}, p.fail("more than %d arguments", DefaultLimits.Tokens)
	}
	switch c := p.peek(); {
	case c == '(':
		return p.list(depth)
	case c == '"':
		text, err := p.quoted()
		return Arg{Kind: ArgQuoted, Text: text}, err
	case c == '{' || c == '~' && strings.HasPrefix(p.s[p.pos:], "~{"):
		return p.literal()
	}
	return p.atom()
}

func (p *commandParser) list(depth int) (Arg, error) {
	if depth >= DefaultLimits.Depth {
		return Arg{}, p.fail("more than %d lists inside each other", DefaultLimits.Depth)
	}
	p.pos++
	list := Arg{Kind: ArgList}
	for first := true; p.peek() != ')'; first = false {
		if !first {
			if err := p.space(); err != nil {
				return Arg{}, err
			}
		}
		a, err := p.arg(depth + 1)
		if err != nil {
			return Arg{}, err
		}
		list.List = append(list.List, a)
	}
	p.pos++
	return list, nil
}

func (p *commandParser) quoted() (string, error) {
	start := p.pos
	p.pos++
	var b strings.Builder
	for p.pos < len(p.s) {
		c := p.s[p.pos]
		switch c {
		case '"':
			p.pos++
			return b.String(), nil
		case '\\':
			p.pos++
			if c = p.peek(); c != '"' && c != '\\' {
				return "", p.fail("backslash before something that needs none")
			}
		case '\r', '\n', 0:
			return "", p.fail("control character in a quoted string")
		}
		b.WriteByte(c)
		p.pos++
	}
	p.pos = start
	return "", p.fail("quoted string without end")
}

func (p *commandParser) literal() (Arg, error) {
	a := Arg{Kind: ArgLiteral}
	if p.peek() == '~' {
		a.Kind = ArgLiteral8
		p.pos++
	}
	p.pos++ // "{"
	digits, rest, ok := strings.Cut(p.s[p.pos:], "}\r\n")
	if !ok {
		return a, p.fail("bad literal header")
	}
	number, plus := strings.CutSuffix(digits, "+")
	size, err := strconv.ParseUint(number, 10, 63)
	if err != nil || number[0] == '+' {
		return a, p.fail("bad literal size")
	}
	if size > uint64(len(rest)) {
		return a, p.fail("literal of %d bytes is cut", size)
	}
	a.NonSync, a.Text = plus, rest[:size]
	if a.Kind == ArgLiteral && strings.IndexByte(a.Text, 0) >= 0 {
		return a, p.fail("NUL in a literal that is no literal8")
	}
	p.pos += len(digits) + len("}\r\n") + int(size)
	return a, nil
}

// atom reads anything up to a space or a parenthesis; after the name of a section item also its
// brackets.
func (p *commandParser) atom() (Arg, error) {
	start := p.pos
	var b strings.Builder
	for p.pos < len(p.s) {
		c := p.s[p.pos]
		if c == '[' && isSectionItem(p.s[start:p.pos]) {
			b.WriteString(p.s[start:p.pos])
			text, err := p.brackets()
			if err != nil {
				return Arg{}, err
			}
			b.WriteString(text)
			start = p.pos
			continue
		}
		if !isArgChar(c) {
			break
		}
		p.pos++
	}
	b.WriteString(p.s[start:p.pos])
	if b.Len() == 0 {
		return Arg{}, p.fail("expected an argument")
	}
	return Arg{Kind: ArgAtom, Text: b.String()}, nil
}

// brackets reads the "[…]" of a section request: atoms, strings, and one list of them.
func (p *commandParser) brackets() (string, error) {
	var b strings.Builder
	for p.pos < len(p.s) {
		switch c := p.s[p.pos]; {
		case c == ']':
			b.WriteByte(c)
			p.pos++
			return b.String(), nil
		case c == '"':
			text, err := p.quoted()
			if err != nil {
				return "", err
			}
			b.Write(appendQuoted(nil, text))
		case c == '{':
			a, err := p.literal()
			if err != nil {
				return "", err
			}
			if strings.ContainsAny(a.Text, "\r\n") {
				return "", p.fail("line break in a header field name")
			}
			b.Write(appendQuoted(nil, a.Text))
		case c < ' ' || c == 0x7f:
			return "", p.fail("control character in a section")
		default:
			b.WriteByte(c)
			p.pos++
		}
	}
	return "", p.fail("section without end")
}

func isSectionItem(s string) bool {
	switch strings.ToUpper(s) {
	case "BODY", "BODY.PEEK", "BINARY", "BINARY.PEEK", "BINARY.SIZE":
		return true
	}
	return false
}

// isArgChar reports whether c can be in an [ArgAtom]: ASTRING-CHAR, "*", "%", "\" and 8-bit bytes
// (RFC 6855 has UTF-8 in quoted strings only, but what is wrong with it is up to the server).
func isArgChar(c byte) bool {
	return c > ' ' && c != 0x7f && c != '(' && c != ')' && c != '{' && c != '"'
}
