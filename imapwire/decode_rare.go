package imapwire

import (
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// rareItem reads the items that few servers send; they are in imap.MoreItems.
func (d *Decoder) rareItem(m *imap.Message, name string) {
	if m.More == nil {
		m.More = new(imap.MoreItems)
	}
	more := m.More
	switch name {
	case "EMAILID":
		d.sp()
		setItem(d, m, imap.ItemEmailID, &more.EmailID, d.objectID())
	case "THREADID":
		d.sp()
		setItem(d, m, imap.ItemThreadID, &more.ThreadID, d.objectID())
	case "SAVEDATE":
		d.sp()
		if d.null() {
			m.Items |= imap.ItemSaveDate
			return
		}
		setItem(d, m, imap.ItemSaveDate, &more.SaveDate, d.dateTime())
	case "PREVIEW", "SNIPPET":
		d.sp()
		setItem(d, m, imap.ItemPreview, &more.Preview, d.preview())
	case "X-GM-MSGID":
		d.sp()
		setItem(d, m, imap.ItemGmailMsgID, &more.GmailMsgID, d.number())
	case "X-GM-THRID":
		d.sp()
		setItem(d, m, imap.ItemGmailThreadID, &more.GmailThreadID, d.number())
	case "X-GM-LABELS":
		d.sp()
		setItem(d, m, imap.ItemGmailLabels, &more.GmailLabels, d.labels())
	case "ANNOTATION":
		d.sp()
		setItem(d, m, imap.ItemAnnotations, &more.Annotations, d.annotations())
	default:
		d.unknownItem(more, name)
	}
}

// unknownItem reads an item that nobody here knows: a name, perhaps with brackets, and one value.
func (d *Decoder) unknownItem(more *imap.MoreItems, name string) {
	if d.peek() == '[' {
		start := d.pos - len(name)
		end := strings.IndexByte(d.s[d.pos:], ']')
		if end < 0 {
			d.fail(`expected "]"`)
			return
		}
		d.pos += end + 1
		name = d.s[start:d.pos]
	}
	d.sp()
	value := d.raw()
	if !d.failed {
		more.Unknown = append(more.Unknown, imap.RawItem{Name: name, Value: value})
	}
}

// objectID reads "(id)" or NIL (RFC 8474 section 7).
func (d *Decoder) objectID() string {
	if d.null() || !d.open() {
		return ""
	}
	id := d.astring()
	if !d.accept(')') {
		d.fail(`expected ")"`)
	}
	return id
}

// preview reads a string or NIL (RFC 8970 section 4). The draft before it had the algorithm with it:
// (FUZZY "text").
func (d *Decoder) preview() string {
	if d.peek() != '(' || d.failQuirk(QuirkPreviewList, "expected a string") {
		return d.nstring()
	}
	d.pos++
	var text string
	for first := true; d.more(first); first = false {
		text, _ = d.wordOrNil()
	}
	return text
}

// labels reads X-GM-LABELS: names of mailboxes and of system labels such as \Inbox.
func (d *Decoder) labels() []string {
	var labels []string
	if !d.open() {
		return nil
	}
	for first := true; d.more(first); first = false {
		text, null := d.wordOrNil()
		if null {
			d.failQuirk(QuirkLabelNil, "NIL among labels")
			continue
		}
		labels = append(labels, MailboxFromWire(text, d.utf8))
		d.element()
	}
	return labels
}

// annotations reads the value of ANNOTATION (RFC 5257 section 4.2.2): entries with attributes, or entries alone.
func (d *Decoder) annotations() []imap.Annotation {
	if !d.open() {
		return nil
	}
	var all []imap.Annotation
	for first := true; d.more(first); first = false {
		if d.peek() == '(' && len(all) > 0 && all[len(all)-1].Values == nil {
			all[len(all)-1].Values = d.attributes()
			continue
		}
		all = append(all, imap.Annotation{Entry: d.astring()})
		d.element()
	}
	return all
}

// attributes reads "(name value …)".
func (d *Decoder) attributes() []imap.Attribute {
	if !d.open() {
		return nil
	}
	attrs := []imap.Attribute{}
	for first := true; d.more(first); first = false {
		a := imap.Attribute{Name: d.astring()}
		d.sp()
		a.Value, a.Nil = d.wordOrNil()
		attrs = append(attrs, a)
		d.element()
	}
	return attrs
}
