package imapsort

import (
	"strings"
	"time"

	"github.com/pushmail/pushmail/imap"
)

// sentDate reads a Date field by RFC 5256 section 2.2: a zone that is invalid is UTC, a time that is
// invalid is 00:00:00. It returns zero if there is no date.
func sentDate(text string) time.Time {
	t, ok := imap.ParseDate(text)
	if !ok {
		t, ok = imap.ParseDate(withoutTime(text))
	}
	if !ok {
		return time.Time{}
	}
	return t.UTC()
}

// withoutTime cuts a date before the word with the first colon.
func withoutTime(text string) string {
	colon := strings.IndexByte(text, ':')
	if colon < 0 {
		return ""
	}
	return text[:strings.LastIndexAny(text[:colon], " \t")+1]
}
