package imapsort

import "strings"

// MessageIDs returns the message IDs in the text of a Message-ID, References or In-Reply-To field, in
// their order and normalized as RFC 5256 section 3 asks: without the angle brackets, white space and
// quoting, so that <"01KF8"@example.org> and <01KF8@example.org> are the same. What has no "@" with
// something on both sides is not valid and left out; apart from that any character will do. They compare
// byte by byte.
func MessageIDs(text string) []string {
	var ids []string
	for {
		start := strings.IndexByte(text, '<')
		if start < 0 {
			return ids
		}
		id, end := messageID(text[start+1:])
		if id != "" {
			ids = append(ids, id)
		}
		text = text[start+1+end:]
	}
}

// messageID reads a message ID after its "<". It returns "" if it is not valid, and where to go on. A
// bracket ends it even within quotes: one quote too many must not cost all that follow.
func messageID(text string) (id string, end int) {
	var out strings.Builder
	at, quoted := -1, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '>':
			if id = out.String(); at < 1 || at == len(id)-1 {
				return "", i + 1
			}
			return id, i + 1
		case c == '<':
			return "", i // the one before was not finished
		case c == '"':
			quoted = !quoted
		case c <= ' ':
		case quoted && c == '\\' && i+1 < len(text):
			i++
			out.WriteByte(text[i])
		default:
			if c == '@' && !quoted && at < 0 {
				at = out.Len()
			}
			out.WriteByte(c)
		}
	}
	return "", len(text)
}
