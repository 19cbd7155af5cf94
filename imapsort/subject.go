package imapsort

import "strings"

// BaseSubject removes from a subject, of which encoded words are decoded, what replying and forwarding
// add to it: the procedure of RFC 5256 section 2.1. reply says that it was a reply or a forward: that a
// "Re:", "Fwd:" or the like, a "(fwd)" or a "[fwd: …]" was among what was removed.
func BaseSubject(subject string) (base string, reply bool) {
	s := singleSpaced(subject) // step 1
	for {
		s, reply = trimTrailer(s, reply) // step 2
		s, reply = trimLeader(s, reply)  // steps 3 to 5
		inner, ok := unwrapForward(s)    // step 6
		if !ok {
			return s, reply
		}
		s, reply = inner, true
	}
}

// singleSpaced turns each run of white space into one space.
func singleSpaced(s string) string {
	space := func(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
	clean := true
	for i := range len(s) {
		if space(s[i]) && (s[i] != ' ' || i > 0 && s[i-1] == ' ') {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := range len(s) {
		switch {
		case !space(s[i]):
			out = append(out, s[i])
		case len(out) == 0 || out[len(out)-1] != ' ':
			out = append(out, ' ')
		}
	}
	return string(out)
}

// hasFold reports whether s starts with prefix, which is in lower case and US-ASCII.
func hasFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// trimTrailer removes every "subj-trailer" from the end.
func trimTrailer(s string, reply bool) (string, bool) {
	const fwd = "(fwd)"
	for {
		s = strings.TrimRight(s, " ")
		if n := len(s) - len(fwd); n < 0 || !hasFold(s[n:], fwd) {
			return s, reply
		}
		s, reply = s[:len(s)-len(fwd)], true
	}
}

// trimLeader removes every "subj-leader", and "subj-blob" as long as something is left, from the start.
//
// When blobs are not followed by a "subj-refwd", then neither are the last few of them: so each is looked
// at once, however many there are.
func trimLeader(s string, reply bool) (string, bool) {
	for {
		s = strings.TrimLeft(s, " ")
		rest := s
		for n := blob(rest); n > 0; n = blob(rest) {
			rest = rest[n:]
		}
		n := refwd(rest)
		if n == 0 {
			break
		}
		s, reply = rest[n:], true
	}
	for n := blob(s); n > 0 && n < len(s); n = blob(s) {
		s = s[n:]
	}
	return s, reply
}

// blob returns the length of the "subj-blob" that s starts with, or 0.
func blob(s string) int {
	if s == "" || s[0] != '[' {
		return 0
	}
	end := strings.IndexAny(s[1:], "[]") + 1
	if end == 0 || s[end] == '[' {
		return 0
	}
	return spaces(s, end+1)
}

// refwd returns the length of the "subj-refwd" that s starts with, or 0.
func refwd(s string) int {
	n := 0
	switch {
	case hasFold(s, "re"):
		n = 2
	case hasFold(s, "fwd"):
		n = 3
	case hasFold(s, "fw"):
		n = 2
	default:
		return 0
	}
	n = spaces(s, n)
	n += blob(s[n:])
	if n == len(s) || s[n] != ':' {
		return 0
	}
	return n + 1
}

// spaces returns the position after the spaces at i.
func spaces(s string, i int) int {
	for i < len(s) && s[i] == ' ' {
		i++
	}
	return i
}

// unwrapForward returns what is in "[fwd: …]".
func unwrapForward(s string) (string, bool) {
	const header = "[fwd:"
	if !hasFold(s, header) || s[len(s)-1] != ']' {
		return s, false
	}
	return s[len(header) : len(s)-1], true
}
