package imapsort

import (
	"strings"
	"time"

	"github.com/pushmail/pushmail/imap"
)

// Message is what sorting and threading look at. A field that an order does not use can be left zero.
type Message struct {
	// Num is the UID or the sequence number of the message, which no other has. It is what results name,
	// and the last criterion of every order: both say which message came first into the mailbox.
	Num uint32
	// Arrival is the internal date.
	Arrival time.Time
	// Sent is the time that the Date field says; zero if it says none. See [Message.SentDate].
	Sent time.Time
	// Size is in bytes.
	Size int64
	// Subject is the text of the Subject field, with encoded words decoded.
	Subject string
	// From, To and Cc are the mailbox (the part before the "@") of the first address of each field.
	From, To, Cc string
	// DisplayFrom and DisplayTo are what people see of the first address: its name, else the address.
	DisplayFrom, DisplayTo string
	// ID is the Message-ID in the form of [MessageIDs], or "" without a valid one.
	ID string
	// References are the message IDs of the ancestors, in that form, oldest first.
	References []string
}

// SentDate is the "sent date" of RFC 5256 section 2.2: what the Date field says, and the internal date
// where it says nothing.
func (m *Message) SentDate() time.Time {
	if m.Sent.IsZero() {
		return m.Arrival
	}
	return m.Sent
}

// FromFetch makes a Message of a row of FETCH, from its ENVELOPE, INTERNALDATE, RFC822.SIZE and
// BODY[HEADER.FIELDS (REFERENCES)], as far as they are there. Num is the UID, or the sequence number of
// a row without UID. charset is as in [imap.DecodeWords]. The result keeps no memory of m.
func FromFetch(m *imap.Message, charset imap.CharsetReader) Message {
	out := Message{Num: uint32(m.UID), Arrival: m.InternalDate, Size: m.Size}
	if out.Num == 0 {
		out.Num = uint32(m.SeqNum)
	}
	references := ""
	for i := range m.Sections {
		if s := &m.Sections[i]; strings.HasPrefix(s.Spec, "HEADER") {
			references = headerField(s.Data, "References")
		}
	}
	out.References = MessageIDs(references)
	if m.Envelope != nil {
		out.fill(m.Envelope, charset)
	}
	return out
}

func (m *Message) fill(e *imap.Envelope, charset imap.CharsetReader) {
	m.Sent = sentDate(e.Date)
	m.Subject = strings.Clone(imap.DecodeWords(e.Subject, charset))
	m.From, m.DisplayFrom = firstAddress(e.From, charset)
	m.To, m.DisplayTo = firstAddress(e.To, charset)
	m.Cc, _ = firstAddress(e.Cc, charset)
	if ids := MessageIDs(e.MessageID); len(ids) > 0 {
		m.ID = ids[0]
	}
	if len(m.References) == 0 {
		// RFC 5256 section 3: only the first, for what follows may be addresses.
		ids := MessageIDs(e.InReplyTo)
		m.References = ids[:min(1, len(ids))]
	}
}

// firstAddress returns the two ways to sort by an address field (RFC 5256 section 3, RFC 5957 section 3).
// The name of a group, which starts a list in the form of an address, counts as its mailbox.
func firstAddress(list []imap.Address, charset imap.CharsetReader) (mailbox, display string) {
	if len(list) == 0 {
		return "", ""
	}
	display = imap.DecodeWords(list[0].Name, charset)
	if display == "" {
		display = list[0].Addr()
	}
	return strings.Clone(list[0].Mailbox), strings.Clone(display)
}

// headerField returns the text of the first field of that name in a header, folded as it is.
func headerField(header, name string) string {
	for header != "" {
		end := fieldEnd(header)
		key, value, ok := strings.Cut(header[:end], ":")
		if ok && strings.EqualFold(strings.TrimRight(key, " \t"), name) {
			return value
		}
		header = header[end:]
	}
	return ""
}

// fieldEnd returns where the field ends that starts a header: before a line that does not continue it.
func fieldEnd(header string) int {
	for i := 0; i < len(header); i++ {
		if header[i] == '\n' && (i+1 == len(header) || header[i+1] != ' ' && header[i+1] != '\t') {
			return i + 1
		}
	}
	return len(header)
}
