package imapwire

import (
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// mailboxStatus reads "* STATUS" after its name (RFC 9051 section 7.3.3).
func (d *Decoder) mailboxStatus() imap.Response {
	r := &imap.MailboxStatus{}
	d.sp()
	r.Mailbox = d.statusMailbox()
	d.sp()
	if !d.open() {
		return nil
	}
	for first := true; d.more(first); first = false {
		start := d.pos
		name := d.s[start:d.word()]
		if name == "" {
			d.fail("expected an item")
		}
		d.sp()
		d.statusItem(r, upper(name))
		d.element()
	}
	return r
}

// statusMailbox reads the mailbox name, which may have spaces if it is not quoted: the items are in
// the last parentheses.
func (d *Decoder) statusMailbox() string {
	if d.atString() || !d.tolerates(QuirkUnquotedMailbox) {
		return d.mailbox()
	}
	n := strings.LastIndex(d.s[d.pos:], " (")
	if end := strings.IndexByte(d.s[d.pos:], ' '); end < 0 || n <= end || strings.HasPrefix(d.s[d.pos+end:], " (") {
		return d.mailbox()
	}
	text := strings.TrimRight(d.s[d.pos:d.pos+n], " ")
	d.checkMailbox(text)
	d.pos = min(len(d.s), d.pos+n)
	return d.mailboxName(text)
}

func (d *Decoder) statusItem(r *imap.MailboxStatus, name string) {
	switch name {
	case "MESSAGES":
		setStatus(d, r, imap.StatusMessages, &r.Messages, d.number32())
	case "UIDNEXT":
		setStatus(d, r, imap.StatusUIDNext, &r.UIDNext, imap.UID(d.number32()))
	case "UIDVALIDITY":
		setStatus(d, r, imap.StatusUIDValidity, &r.UIDValidity, d.number32())
	case "UNSEEN":
		setStatus(d, r, imap.StatusUnseen, &r.Unseen, d.number32())
	case "RECENT":
		setStatus(d, r, imap.StatusRecent, &r.Recent, d.number32())
	case "DELETED":
		setStatus(d, r, imap.StatusDeleted, &r.Deleted, d.number32())
	case "SIZE":
		setStatus(d, r, imap.StatusSize, &r.Size, d.number63())
	case "DELETED-STORAGE":
		setStatus(d, r, imap.StatusDeletedStorage, &r.DeletedStorage, d.number63())
	case "HIGHESTMODSEQ":
		setStatus(d, r, imap.StatusHighestModSeq, &r.HighestModSeq, imap.ModSeq(d.number63()))
	case "APPENDLIMIT":
		limit := int64(-1) // NIL: none
		if !d.null() {
			limit = d.number63()
		}
		setStatus(d, r, imap.StatusAppendLimit, &r.AppendLimit, limit)
	case "MAILBOXID":
		if !d.skipBinaryID() {
			setStatus(d, r, imap.StatusMailboxID, &r.MailboxID, d.objectID())
		}
	default:
		value := d.raw()
		r.Unknown = append(r.Unknown, imap.RawItem{Name: name, Value: value})
	}
}

func setStatus[T any](d *Decoder, r *imap.MailboxStatus, item imap.StatusItems, field *T, value T) {
	if !d.failed {
		*field = value
		r.Items |= item
	}
}

// skipBinaryID skips "(…)" if what is in it is neither text nor a string.
func (d *Decoder) skipBinaryID() bool {
	text := d.s[d.pos:]
	end := strings.IndexByte(text, ')')
	if !strings.HasPrefix(text, "(") || end < 2 || strings.IndexByte(`"{~`, text[1]) >= 0 || !hasBinary(text[:end]) || d.failQuirk(QuirkMailboxID, "expected an object id") {
		return false
	}
	d.pos += end + 1
	return true
}

func hasBinary(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return true
		}
	}
	return false
}
