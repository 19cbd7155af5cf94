package imap

import (
	"strings"
	"unicode/utf8"
)

// Parent returns the name of the mailbox one level up, or "" at the top. Such a mailbox need not exist.
func (l *List) Parent() string {
	parent, _ := l.cut()
	return parent
}

// Base returns the last level of the mailbox's name, which is what people call it.
func (l *List) Base() string {
	_, base := l.cut()
	return base
}

func (l *List) cut() (parent, base string) {
	if l.Delim == 0 {
		return "", l.Mailbox
	}
	delim := string(l.Delim)
	// Some servers end the name of a mailbox that only has others below with the delimiter.
	name := strings.TrimSuffix(l.Mailbox, delim)
	if i := strings.LastIndex(name, delim); i >= 0 {
		return name[:i], name[i+len(delim):]
	}
	return "", name
}

// SameMailbox reports whether two names are those of one mailbox: they are equal, or both are INBOX,
// which has no case (RFC 9051 section 5.1). Other names may have; it is up to the server.
func SameMailbox(a, b string) bool {
	return a == b || strings.EqualFold(a, inbox) && strings.EqualFold(b, inbox)
}

const inbox = "INBOX"

// MatchMailbox reports whether the name of a mailbox matches a pattern as LIST has them: "*" stands for
// anything, "%" for anything without the delimiter (RFC 9051 section 6.3.9). Delim 0 means that names
// have no levels. The cost is bounded by the product of the lengths.
func MatchMailbox(pattern, name string, delim rune) bool {
	if strings.EqualFold(name, inbox) {
		name, pattern = inbox, strings.ToUpper(pattern)
	}
	switch {
	case pattern == "*", pattern == name:
		return true
	case !strings.ContainsAny(pattern, "*%"):
		return false
	}
	var level [utf8.UTFMax]byte
	delimiter := ""
	if delim != 0 {
		delimiter = string(utf8.AppendRune(level[:0], delim))
	}
	reach := make([]bool, len(name)+1) // reach[i]: the pattern so far matches name[:i]
	reach[0] = true
	for k := range len(pattern) {
		switch c := pattern[k]; c {
		case '*', '%':
			for i := 1; i <= len(name); i++ {
				stop := c == '%' && delimiter != "" && strings.HasSuffix(name[:i], delimiter)
				reach[i] = reach[i] || reach[i-1] && !stop
			}
		default:
			for i := len(name); i > 0; i-- {
				reach[i] = reach[i-1] && name[i-1] == c
			}
			reach[0] = false
		}
	}
	return reach[len(name)]
}
