package imapauth

import "github.com/xdg-go/stringprep"

// prepare makes one form of the ways to write the same text (SASLprep, RFC 4013), as RFC 5802 section
// 2.2 wants it. What SASLprep forbids, such as an emoji, is left as it is: a server that keeps to the
// rules would not have taken it for a password, so one that did has it unchanged.
func prepare(text string) string {
	prepared, err := stringprep.SASLprep.Prepare(text)
	if err != nil || prepared == "" {
		return text
	}
	return prepared
}
