package imapwire

import (
	"strconv"
	"strings"
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

// isAString reports whether s can be written as it is where an astring is expected.
func isAString(s string) bool {
	for i := range len(s) {
		if !isAStringChar(s[i]) {
			return false
		}
	}
	// NIL is the one word that would be read as something else.
	return s != "" && !strings.EqualFold(s, "NIL")
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

func hasNUL(s string) bool { return strings.IndexByte(s, 0) >= 0 }
