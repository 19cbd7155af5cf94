package imapwire

import "github.com/pushmail/pushmail/imap"

// statusKind reads the word of a status response.
func statusKind(word string) (imap.Kind, bool) {
	switch word {
	case "OK":
		return imap.OK, true
	case "NO":
		return imap.NO, true
	case "BAD":
		return imap.BAD, true
	case "BYE":
		return imap.BYE, true
	case "PREAUTH":
		return imap.PREAUTH, true
	}
	if hasLower(word) {
		return statusKind(upper(word))
	}
	return 0, false
}
