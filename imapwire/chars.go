package imapwire

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// isAtomChar reports whether c is an ATOM-CHAR (RFC 9051 section 9).
func isAtomChar(c byte) bool {
	switch c {
	case '(', ')', '{', ' ', '%', '*', '"', '\\', ']', 0x7f:
		return false
	}
	return c > ' ' && c < 0x80
}

// isAStringChar reports whether c is an ASTRING-CHAR: an ATOM-CHAR or "]".
func isAStringChar(c byte) bool { return c == ']' || isAtomChar(c) }

// isAtom reports whether s is an atom.
func isAtom(s string) bool {
	for i := range len(s) {
		if !isAtomChar(s[i]) {
			return false
		}
	}
	return s != ""
}

// appendQuoted appends s as a quoted string. It must not hold CR, LF or NUL.
func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, s[i])
	}
	return append(dst, '"')
}

// appendLiteralHeader appends "{size}" or "{size+}" and the line end.
func appendLiteralHeader(dst []byte, size int64, nonSync bool) []byte {
	dst = append(dst, '{')
	dst = strconv.AppendInt(dst, size, 10)
	if nonSync {
		dst = append(dst, '+')
	}
	return append(dst, "}\r\n"...)
}

// quoting says how a string can be written.
type quoting uint8

const (
	quotePlain   quoting = iota // between quotes, as it is
	quoteEscaped                // between quotes, with backslashes
	quoteNever                  // as a literal
)

// quoteClass has the quoting that a byte needs.
var quoteClass = func() (t [256]quoting) {
	for c := range t {
		switch {
		case c < ' ' || c >= 0x7f:
			t[c] = quoteNever
		case c == '"' || c == '\\':
			t[c] = quoteEscaped
		}
	}
	return t
}()

// quotingOf returns how s can be written. Quoted strings have printable US-ASCII, and UTF-8 where agreed
// (RFC 6855 section 3); the other control characters are allowed, but no reason to rely on it. Strings
// longer than maxQuoted become literals.
func quotingOf(s string, utf8Agreed bool) quoting {
	if len(s) > maxQuoted {
		return quoteNever
	}
	q, eight := quotePlain, false
	for i := range len(s) {
		c := quoteClass[s[i]]
		if c == quoteNever && s[i] >= 0x80 && utf8Agreed {
			c, eight = quotePlain, true
		}
		q = max(q, c)
	}
	if eight && !utf8.ValidString(s) {
		return quoteNever
	}
	return q
}

// appendString appends s as a quoted string, if it can be one.
func appendString(dst []byte, s string, utf8Agreed bool) ([]byte, bool) {
	switch quotingOf(s, utf8Agreed) {
	case quotePlain:
		dst = append(dst, '"')
		dst = append(dst, s...)
		return append(dst, '"'), true
	case quoteEscaped:
		return appendQuoted(dst, s), true
	}
	return dst, false
}

func hasNUL(s string) bool { return strings.IndexByte(s, 0) >= 0 }
