package imaptest

import (
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// newEnvelope reads the ENVELOPE from a header (RFC 9051 section 7.5.2). Sender and Reply-To default
// to From.
func newEnvelope(fields []field) *imap.Envelope {
	e := &imap.Envelope{
		Date:      firstOr(fields, "Date"),
		Subject:   strings.Join(strings.Fields(firstOr(fields, "Subject")), " "),
		InReplyTo: firstOr(fields, "In-Reply-To"),
		MessageID: firstOr(fields, "Message-ID"),
		From:      addressField(fields, "From"),
		Sender:    addressField(fields, "Sender"),
		ReplyTo:   addressField(fields, "Reply-To"),
		To:        addressField(fields, "To"),
		Cc:        addressField(fields, "Cc"),
		Bcc:       addressField(fields, "Bcc"),
	}
	if len(e.Sender) == 0 {
		e.Sender = e.From
	}
	if len(e.ReplyTo) == 0 {
		e.ReplyTo = e.From
	}
	return e
}

// addressField reads the addresses of all fields with that name.
func addressField(fields []field, name string) []imap.Address {
	value, _ := first(fields, name)
	return parseAddresses(value)
}
