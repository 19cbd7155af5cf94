package imapsort

import (
	"strings"
	"unicode"
)

// Fold turns a string into one whose bytes are in the order, and equal in the cases, that strings are to be
// sorted by. Where a Fold can be given, nil is [Casemap].
type Fold = func(string) string

// Casemap is the collation i;unicode-casemap (RFC 5051), which SORT and THREAD use, but for one step: every
// character becomes its title case, and bytes of UTF-8 compare. What is missing is to decompose characters,
// for which the standard library has no tables: so "É" comes after "Z" here, while servers have it next
// to "E". With golang.org/x/text the whole is
//
//	func(s string) string { return norm.NFKD.String(imapsort.Casemap(s)) }
//
// Bytes that are not UTF-8 become U+FFFD.
func Casemap(s string) string { return strings.Map(unicode.ToTitle, s) }
