package mailbox

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// Basis is what fingerprints of messages are made of.
type Basis uint8

// The bases. Fingerprints of different bases do not compare, so a mailbox keeps to one as long as the server has it.
// 1 was Message-ID, INTERNALDATE and RFC822.SIZE of every message; but Exchange estimates sizes, and dates are not the same
// after a mailbox was copied file by file.
const (
	// BasisGmail: X-GM-MSGID.
	BasisGmail Basis = 2 + iota
	// BasisEmailID: EMAILID (RFC 8474 section 5.1).
	BasisEmailID
	// BasisHeader, which every server has: Message-ID; of a message without one INTERNALDATE to the second and RFC822.SIZE.
	BasisHeader
)

// BasisFor returns the basis for a mailbox that had the basis before, or had none, on a server with these
// capabilities.
func BasisFor(before Basis, caps imap.Capabilities) Basis {
	emailID, gmail := caps.Has(imap.CapObjectID), caps.Has(imap.CapGmail)
	switch {
	case before == BasisHeader, before == BasisGmail && gmail, before == BasisEmailID && emailID:
		return before
	case emailID:
		return BasisEmailID
	case gmail:
		return BasisGmail
	}
	return BasisHeader
}

// Fetch returns what to fetch of a message to [Identify] it.
func (b Basis) Fetch() *imap.FetchOptions {
	o := &imap.FetchOptions{Items: imap.ItemUID | imap.ItemInternalDate}
	switch b {
	case BasisEmailID:
		o.Items |= imap.ItemEmailID
	case BasisGmail:
		o.Items |= imap.ItemGmailMsgID
	default:
		o.Items |= imap.ItemSize
		o.Sections = []imap.SectionRequest{messageIDField}
	}
	return o
}

// messageIDField is BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)].
var messageIDField = imap.SectionRequest{Text: imap.SectionHeaderFields, Fields: []string{"Message-ID"}}

// Print is a fingerprint of a message: the first 64 bits of the SHA-256 of its basis, which needs no key and
// is the same on every machine. The zero value is that of a message that cannot be identified.
type Print [8]byte

// Identity is what identifies a message beyond its UID, for the day the UIDs become void.
type Identity struct {
	Basis Basis
	Print Print
	// Date is the INTERNALDATE in Unix seconds, 0 if it is not known. A date in the future should be
	// replaced by the present: it would make mail that comes until then look old.
	Date int64
}

// Identify returns the identity of a message by what a row says of it; false if the row does not have all
// that is needed. With [BasisHeader], ENVELOPE will do for the header field.
func Identify(b Basis, m *imap.Message) (Identity, bool) {
	id := Identity{Basis: b}
	if !m.InternalDate.IsZero() {
		id.Date = max(m.InternalDate.Unix(), 0)
	}
	switch b {
	case BasisEmailID:
		if m.More == nil || m.More.EmailID == "" {
			return id, false
		}
		id.Print = printOf(b, m.More.EmailID, 0, 0)
	case BasisGmail:
		if m.More == nil || m.More.GmailMsgID == 0 {
			return id, false
		}
		id.Print = printOf(b, "", m.More.GmailMsgID, 0)
	default:
		messageID, ok := messageIDOf(m)
		if !ok || !m.Items.Has(imap.ItemInternalDate|imap.ItemSize) {
			return id, false
		}
		if id.Print = printOf(b, messageID, 0, 0); messageID == "" {
			id.Print = printOf(b, "", uint64(id.Date), uint64(m.Size))
		}
	}
	return id, true
}

func printOf(b Basis, text string, x, y uint64) Print {
	in := make([]byte, 0, 128)
	in = append(in, byte(b))
	in = binary.BigEndian.AppendUint64(in, x)
	in = binary.BigEndian.AppendUint64(in, y)
	sum := sha256.Sum256(append(in, text...))
	return Print(sum[:8])
}

// messageIDOf returns the Message-ID that a row tells of, "" for a message without one.
func messageIDOf(m *imap.Message) (string, bool) {
	if m.Envelope != nil {
		return normalID(m.Envelope.MessageID), true
	}
	for _, s := range m.Sections {
		if !strings.HasPrefix(s.Spec, "HEADER.FIELDS (MESSAGE-ID)") {
			continue
		}
		return normalID(lastField(s.Data)), true
	}
	return "", false
}

// lastField returns the value of the last field in data: of a message with two Message-IDs, Dovecot's ENVELOPE has
// the last one.
func lastField(data string) (value string) {
	for line := range strings.Lines(data) {
		if line[0] == ' ' || line[0] == '\t' {
			value += line
		} else if _, v, ok := strings.Cut(line, ":"); ok {
			value = v
		}
	}
	return value
}

// normalID is what servers agree on: the header field may be folded, have a comment or blanks around
// the identifier, and ENVELOPE may have it with or without them.
func normalID(text string) string {
	if i := strings.IndexByte(text, '<'); i >= 0 {
		if j := strings.IndexByte(text[i:], '>'); j >= 0 {
			text = text[i : i+j+1]
		}
	}
	return strings.Join(strings.Fields(text), "")
}
