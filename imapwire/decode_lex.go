package imapwire

import (
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"
)

// Errors are sticky: fail notes the first and moves to the end, where everything that is read after it
// fails in its turn and every loop stops. So callers need not check after each value.

// tolerates reports whether a quirk is on.
func (d *Decoder) tolerates(q Quirk) bool { return !d.off.Has(q) }

func (d *Decoder) fail(why string) { d.failAtPos(d.pos, why) }

func (d *Decoder) failAtPos(pos int, why string) {
	if !d.failed {
		d.failed, d.failAt, d.why = true, pos, why
	}
	d.pos = len(d.s)
}

// failQuirk fails unless the quirk is on.
func (d *Decoder) failQuirk(q Quirk, why string) bool {
	if d.tolerates(q) {
		return false
	}
	d.fail(why)
	return true
}

// element counts one element of the response, such as a flag or an address.
func (d *Decoder) element() {
	if d.elements++; d.elements > d.lim.Tokens {
		d.fail("too many elements")
	}
}

// peek returns the next byte, or 0 at the end.
func (d *Decoder) peek() byte {
	if d.pos < len(d.s) {
		return d.s[d.pos]
	}
	return 0
}

// accept reads the byte c if it is next.
func (d *Decoder) accept(c byte) bool {
	if d.pos < len(d.s) && d.s[d.pos] == c {
		d.pos++
		return true
	}
	return false
}

// skipText reads text if it is next. It is a short cut for what servers send most, and never needed.
func (d *Decoder) skipText(text string) bool {
	if strings.HasPrefix(d.s[d.pos:], text) {
		d.pos += len(text)
		return true
	}
	return false
}

func (d *Decoder) open() bool {
	if !d.accept('(') {
		d.fail(`expected "("`)
		return false
	}
	return true
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// spaces skips white space.
func (d *Decoder) spaces() {
	p := d.pos
	for p < len(d.s) && isSpace(d.s[p]) {
		p++
	}
	d.pos = p
}

// sp reads the space between two values.
func (d *Decoder) sp() {
	s, p := d.s, d.pos
	if p+1 < len(s) && s[p] == ' ' && s[p+1] > ' ' {
		d.pos = p + 1
		return
	}
	d.spSlow()
}

func (d *Decoder) spSlow() {
	if d.tolerates(QuirkSpaces) {
		if d.pos == len(d.s) && !d.failed {
			d.fail("unexpected end")
		}
		d.spaces()
		return
	}
	if !d.accept(' ') {
		d.fail("expected a space")
	}
}

// more reports whether another element of a list follows, and reads the ")" if not. first says that
// none was read yet.
func (d *Decoder) more(first bool) bool {
	s, p := d.s, d.pos
	if p < len(s) && s[p] == ')' {
		d.pos = p + 1
		return false
	}
	if d.failed {
		return false
	}
	if !first {
		d.sp()
	} else if d.tolerates(QuirkSpaces) {
		d.spaces()
	}
	switch c := d.peek(); {
	case c == 0 && d.pos == len(d.s):
		d.fail(`expected ")"`)
		return false
	case c == ')' && d.tolerates(QuirkSpaces):
		d.pos++
		return false
	}
	return true
}

// lexClass are classes of bytes, by bit.
const (
	classWordEnd   = 1 << iota // ends the name of a response or an item
	classAtomEnd               // ends an atom
	classAfterText             // can follow the closing quote of a string
	classString                // can start a string, a list, NIL or a number
)

var lexClass = func() (t [256]uint8) {
	for c := range t {
		if c <= ' ' || c == 0x7f || strings.IndexByte(`()[]{"\<~`, byte(c)) >= 0 || c >= 0x80 {
			t[c] |= classWordEnd
		}
		if c <= ' ' || c == 0x7f || strings.IndexByte(`()"{`, byte(c)) >= 0 {
			t[c] |= classAtomEnd
		}
		if strings.IndexByte(" )]\r\n\t", byte(c)) >= 0 {
			t[c] |= classAfterText
		}
		if strings.IndexByte(`"({~Nn-0123456789) `, byte(c)) >= 0 {
			t[c] |= classString
		}
	}
	return t
}()

// run returns the position of the first byte of the class, or the end.
func (d *Decoder) run(class uint8) int {
	s, p := d.s, d.pos
	for p < len(s) && lexClass[s[p]]&class == 0 {
		p++
	}
	return p
}

// word reads a name and returns where it ends.
func (d *Decoder) word() int {
	d.pos = d.run(classWordEnd)
	return d.pos
}

// atom reads a run of bytes that are no specials: more than an atom, for real servers put anything there.
func (d *Decoder) atom() string {
	start := d.pos
	p := d.run(classAtomEnd)
	if p == start {
		d.fail("expected a value")
		return ""
	}
	d.pos = p
	return d.s[start:p]
}

// nstring reads a string or NIL, which is "".
func (d *Decoder) nstring() string {
	if d.pos < len(d.s) && d.s[d.pos] == '"' {
		return d.quoted()
	}
	if d.null() {
		return ""
	}
	return d.stringValue()
}

// spNString reads a space and a string or NIL.
func (d *Decoder) spNString() string {
	if s, p := d.s, d.pos; p+1 < len(s) && s[p] == ' ' {
		if s[p+1] == '"' {
			d.pos = p + 1
			return d.quoted()
		}
		if d.skipText(" NIL ") {
			d.pos--
			return ""
		}
	}
	d.sp()
	return d.nstring()
}

// nullable is nstring that tells NIL from "".
func (d *Decoder) nullable() (s string, null bool) {
	if d.null() {
		return "", true
	}
	return d.stringValue(), false
}

// null reads NIL, if it is next.
func (d *Decoder) null() bool {
	s, p := d.s, d.pos
	if len(s)-p < 3 || s[p]|0x20 != 'n' || s[p+1]|0x20 != 'i' || s[p+2]|0x20 != 'l' {
		return false
	}
	if p+3 < len(s) && lexClass[s[p+3]]&(classAtomEnd|classAfterText) == 0 {
		return false
	}
	d.pos = p + 3
	return true
}

// stringValue reads a quoted string or a literal, or an atom where one is tolerated.
func (d *Decoder) stringValue() string {
	switch d.peek() {
	case '"':
		return d.quoted()
	case '{':
		return d.literal()
	case '~':
		if strings.HasPrefix(d.s[d.pos:], "~{") {
			return d.literal()
		}
	}
	if d.failQuirk(QuirkAtomForString, "expected a string") {
		return ""
	}
	return d.atom()
}

// astring reads a string in any form, or an atom.
func (d *Decoder) astring() string {
	switch c := d.peek(); {
	case c == '"':
		return d.quoted()
	case c == '{', c == '~' && strings.HasPrefix(d.s[d.pos:], "~{"):
		return d.literal()
	}
	return d.atom()
}

// Eight bytes at once, as in "Hacker's Delight": a byte of x is zero where the high bit of
// (x-low)&^x is set, exact for the lowest of them.
const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
	quotes   = lowBits * '"'
	slashes  = lowBits * '\\'
)

// quoted reads a quoted string.
func (d *Decoder) quoted() string {
	s, start := d.s, d.pos+1
	p := start
	for p+8 <= len(s) {
		b := s[p : p+8]
		w := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
			uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		x, y := w^quotes, w^slashes
		if m := ((x-lowBits)&^x | (y-lowBits)&^y) & highBits; m != 0 {
			p += bits.TrailingZeros64(m) / 8
			break
		}
		p += 8
	}
	for p < len(s) && s[p] != '"' && s[p] != '\\' {
		p++
	}
	if p < len(s) && s[p] == '"' && d.isAfterText(p+1) {
		d.pos = p + 1
		return s[start:p]
	}
	return d.quotedSlow(start)
}

// isAfterText reports whether what stands at pos can follow the closing quote of a string.
func (d *Decoder) isAfterText(pos int) bool {
	s := d.s
	if pos+1 >= len(s) {
		return pos == len(s) || lexClass[s[pos]]&classAfterText != 0
	}
	return lexClass[s[pos]]&classAfterText != 0 && (!d.strings || s[pos] != ' ' || lexClass[s[pos+1]]&classString != 0)
}

// quotedSlow reads a quoted string from start on that may hold escapes and quotes without them.
func (d *Decoder) quotedSlow(start int) string {
	s := d.s
	escapes := false
	for p := start; p < len(s); p++ {
		switch s[p] {
		case '\\':
			p++
			escapes = true
			if p < len(s) && s[p] != '"' && s[p] != '\\' && d.failQuirk(QuirkBackslash, "backslash before something that needs none") {
				return ""
			}
		case '"':
			if !d.isAfterText(p+1) && d.tolerates(QuirkUnescapedQuote) {
				continue
			}
			d.pos = p + 1
			if escapes {
				return d.unescape(s[start:p])
			}
			return s[start:p]
		}
	}
	d.fail("quoted string without end")
	return ""
}

// unescape removes the backslashes before quotes and backslashes.
func (d *Decoder) unescape(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for {
		i := strings.IndexByte(s, '\\')
		if i < 0 || i+1 == len(s) {
			break
		}
		if c := s[i+1]; c == '"' || c == '\\' {
			b.WriteString(s[:i])
		} else {
			b.WriteString(s[:i+1])
		}
		b.WriteByte(s[i+1])
		s = s[i+2:]
	}
	b.WriteString(s)
	return b.String()
}

// literal reads a literal or literal8.
func (d *Decoder) literal() string {
	text, streamed := d.literalValue()
	if streamed >= 0 {
		d.fail("the literal was streamed")
	}
	return text
}

// literalValue reads a literal. Its size is streamed if it was handed to a writer, else streamed is -1.
func (d *Decoder) literalValue() (text string, streamed int64) {
	pos, size, ok := d.literalHeader()
	if !ok {
		d.fail("bad literal header")
		return "", -1
	}
	if l, ok := d.streamed(pos); ok {
		d.pos = pos
		return "", l.Size
	}
	if size > int64(len(d.s)-pos) {
		d.fail("literal is cut")
		return "", -1
	}
	d.pos = pos + int(size)
	return d.s[pos:d.pos], -1
}

// streamed returns the literal at pos, if it is one that went to a writer.
func (d *Decoder) streamed(pos int) (Literal, bool) {
	i, ok := slices.BinarySearchFunc(d.lits, pos, func(l Literal, pos int) int { return l.Offset - pos })
	if !ok || !d.lits[i].Streamed {
		return Literal{}, false
	}
	return d.lits[i], true
}

// literalHeader reads the header that is next and returns where its literal starts.
func (d *Decoder) literalHeader() (pos int, size int64, ok bool) {
	s := d.s[d.pos:]
	line := strings.IndexByte(s[:min(len(s), maxHeader+2)], '\n')
	if line < 0 {
		return 0, 0, false
	}
	p := strings.IndexByte(s[:line], '{') + 1
	digits := p
	for ; p < line && s[p]-'0' <= 9; p++ {
		if size > math.MaxInt64/20 {
			return 0, 0, false
		}
		size = size*10 + int64(s[p]-'0')
	}
	if p == digits {
		return 0, 0, false
	}
	// What stands between the number and the line end was checked by the framer.
	if end := strings.IndexByte(s[p:line], '}'); end < 0 || strings.Trim(s[p+end+1:line], " \t\r") != "" {
		return 0, 0, false
	}
	return d.pos + line + 1, size, true
}

// number reads a number.
func (d *Decoder) number() uint64 {
	s, p := d.s, d.pos
	start := p
	var n uint64
	for p < len(s) {
		c := s[p] - '0'
		if c > 9 {
			break
		}
		if p-start >= 18 {
			return d.numberSlow()
		}
		n = n*10 + uint64(c)
		p++
	}
	if p == start || p < len(s) && lexClass[s[p]]&(classAtomEnd|classAfterText) == 0 {
		return d.numberSlow()
	}
	d.pos = p
	return n
}

// numberSlow reads a number in the forms that are wrong, or too long for a look.
func (d *Decoder) numberSlow() uint64 {
	start := d.pos
	var text string
	switch {
	case d.peek() == '"':
		text = d.quoted()
	case d.null():
		text = "0"
	default:
		end := d.pos
		for end < len(d.s) && (d.s[end] > ' ' && strings.IndexByte("()[]{},:;*\"", d.s[end]) < 0) {
			end++
		}
		text, d.pos = d.s[start:end], end
		if n, err := strconv.ParseUint(text, 10, 64); err == nil {
			return n
		}
	}
	if strings.HasPrefix(text, "-") && d.tolerates(QuirkNegativeNumber) {
		if _, err := strconv.ParseInt(text, 10, 64); err == nil {
			return 0
		}
	}
	if len(text) < 32 && d.tolerates(QuirkNumber) {
		if f, err := strconv.ParseFloat(text, 64); err == nil && f >= 0 && f < 1<<63 {
			return uint64(f)
		}
	}
	d.failAtPos(start, "expected a number")
	return 0
}

// number32 reads a number of 32 bits.
func (d *Decoder) number32() uint32 {
	start := d.pos
	n := d.number()
	if n > math.MaxUint32 {
		d.failAtPos(start, "number does not fit in 32 bits")
	}
	return uint32(n)
}

// number63 reads a number of 63 bits.
func (d *Decoder) number63() int64 {
	start := d.pos
	n := d.number()
	if n > math.MaxInt64 {
		d.failAtPos(start, "number does not fit in 63 bits")
		return 0
	}
	return int64(n)
}

// raw reads one value of any kind and returns it as it was received.
func (d *Decoder) raw() string {
	start := d.pos
	end, ok := d.skip(start)
	if !ok {
		d.fail("expected a value")
		return ""
	}
	d.pos = end
	return d.s[start:end]
}

// skip returns where the value at pos ends: a string, an atom, or a list with all that is in it. It
// needs no stack, so nesting costs nothing.
func (d *Decoder) skip(pos int) (end int, ok bool) {
	s, depth := d.s, 0
	defer func(p int) {
		if !ok {
			d.pos = p
		}
	}(d.pos)
	for pos < len(s) {
		switch c := s[pos]; {
		case c == '(':
			depth++
			pos++
		case c == ')':
			if depth--; depth < 0 {
				return pos, false
			}
			pos++
		case isSpace(c):
			if depth == 0 {
				return pos, false
			}
			pos++
			continue
		default:
			if pos, ok = d.skipOne(pos); !ok {
				return pos, false
			}
		}
		if depth == 0 {
			return pos, true
		}
	}
	return pos, false
}

// skipOne returns where the string or atom at pos ends.
func (d *Decoder) skipOne(pos int) (end int, ok bool) {
	s := d.s
	switch c := s[pos]; {
	case c == '"':
		return d.skipQuoted(pos)
	case c == '{', c == '~' && strings.HasPrefix(s[pos:], "~{"):
		d.pos = pos
		if start, size, ok := d.literalHeader(); ok {
			if _, ok := d.streamed(start); ok {
				return start, true
			}
			if size <= int64(len(s)-start) {
				return start + int(size), true
			}
			return pos, false
		}
	}
	for pos++; pos < len(s) && lexClass[s[pos]]&classAtomEnd == 0; pos++ {
	}
	return pos, true
}

// skipQuoted returns where the quoted string at pos ends.
func (d *Decoder) skipQuoted(pos int) (end int, ok bool) {
	s := d.s
	for p := pos + 1; p < len(s); p++ {
		switch s[p] {
		case '\\':
			p++
		case '"':
			if d.isAfterText(p+1) || !d.tolerates(QuirkUnescapedQuote) {
				return p + 1, true
			}
		}
	}
	return pos, false
}

// count returns how many values stand before the ")" that closes the list in which pos is, up to most.
func (d *Decoder) count(pos, most int) int {
	saved := d.pos
	defer func() { d.pos = saved }()
	for n := 0; ; n++ {
		for pos < len(d.s) && isSpace(d.s[pos]) {
			pos++
		}
		if n == most || pos >= len(d.s) || d.s[pos] == ')' {
			return n
		}
		end, ok := d.skip(pos)
		if !ok {
			return n
		}
		pos = end
	}
}

// remainder reads the values before the ")" that closes the current list and returns them as received,
// and reads that ")".
func (d *Decoder) remainder() string {
	d.spaces()
	start := d.pos
	for {
		end := d.pos
		d.spaces()
		if d.accept(')') {
			return d.s[start:end]
		}
		if d.raw(); d.failed {
			return ""
		}
	}
}
