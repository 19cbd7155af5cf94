package imapwire

// hasLower reports whether s has ASCII letters in lower case.
func hasLower(s string) bool {
	for i := range len(s) {
		if s[i]-'a' < 26 {
			return true
		}
	}
	return false
}

// upper returns s with its ASCII letters in upper case, and s itself if there is nothing to change.
func upper(s string) string {
	if !hasLower(s) {
		return s
	}
	b := []byte(s)
	for i, c := range b {
		if c-'a' < 26 {
			b[i] = c - ('a' - 'A')
		}
	}
	return string(b)
}

// equalFold reports whether s is word, which has no letters in lower case.
func equalFold(s, word string) bool {
	if len(s) != len(word) {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if c-'a' < 26 {
			c -= 'a' - 'A'
		}
		if c != word[i] {
			return false
		}
	}
	return true
}
