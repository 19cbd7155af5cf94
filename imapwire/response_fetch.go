package imapwire

import (
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// message writes a row of FETCH, or of UIDFETCH where there is no sequence number.
func (w *responseWriter) message(m *imap.Message) {
	if m.SeqNum == 0 {
		w.numbered(w.positive(uint32(m.UID)), "UIDFETCH")
	} else {
		w.numbered(uint32(m.SeqNum), "FETCH")
	}
	w.raw(" (")
	first := len(w.dst)
	item := func(i imap.Items, name string) bool {
		if m.Items.Has(i) {
			w.next(first).raw(name)
			return true
		}
		return false
	}
	if m.SeqNum != 0 && item(imap.ItemUID, "UID ") {
		w.number(uint64(w.positive(uint32(m.UID))))
	}
	if item(imap.ItemFlags, "FLAGS ") {
		w.flags(m.Flags)
	}
	if item(imap.ItemInternalDate, "INTERNALDATE ") {
		w.dateTime(m.InternalDate)
	}
	if item(imap.ItemSize, "RFC822.SIZE ") {
		w.number63(m.Size)
	}
	if item(imap.ItemModSeq, "MODSEQ (") {
		w.modSeq(m.ModSeq).raw(")")
	}
	if item(imap.ItemEnvelope, "ENVELOPE ") {
		w.envelope(m.Envelope)
	}
	if item(imap.ItemBodyBasic, "BODY ") {
		w.body(m.Body, false)
	}
	if item(imap.ItemBody, "BODYSTRUCTURE ") {
		w.body(m.Body, true)
	}
	w.more(m, item)
	if m.More != nil {
		w.rawItems(m.More.Unknown, first)
	}
	for i := range m.Sections {
		w.next(first).section(&m.Sections[i])
	}
	w.raw(")")
}

// next writes the space before an item, unless it is the first, which is to start at first.
func (w *responseWriter) next(first int) *responseWriter {
	if len(w.dst) > first {
		w.sp()
	}
	return w
}

// more writes the rarer items.
func (w *responseWriter) more(m *imap.Message, item func(imap.Items, string) bool) {
	more := m.More
	if more == nil {
		more = &imap.MoreItems{}
	}
	if item(imap.ItemEmailID, "EMAILID ") {
		w.objectID(more.EmailID)
	}
	if item(imap.ItemThreadID, "THREADID ") {
		if more.ThreadID == "" {
			w.raw("NIL")
		} else {
			w.objectID(more.ThreadID)
		}
	}
	if item(imap.ItemSaveDate, "SAVEDATE ") {
		if more.SaveDate.IsZero() {
			w.raw("NIL")
		} else {
			w.dateTime(more.SaveDate)
		}
	}
	if item(imap.ItemPreview, "PREVIEW ") {
		w.nString(more.Preview)
	}
	if item(imap.ItemGmailMsgID, "X-GM-MSGID ") {
		w.number(more.GmailMsgID)
	}
	if item(imap.ItemGmailThreadID, "X-GM-THRID ") {
		w.number(more.GmailThreadID)
	}
	if item(imap.ItemGmailLabels, "X-GM-LABELS ") {
		w.labels(more.GmailLabels)
	}
	if item(imap.ItemAnnotations, "ANNOTATION ") {
		w.annotations(more.Annotations)
	}
}

// rawItems writes the items that this module does not know.
func (w *responseWriter) rawItems(items []imap.RawItem, first int) {
	for _, u := range items {
		if u.Name == "" || strings.ContainsFunc(u.Name, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '(' || r == ')' }) {
			w.fail("has an unknown item without a name")
		}
		w.next(first).raw(u.Name).sp().rawValue(u.Value)
	}
}

// objectID writes "(id)" (RFC 8474 section 7).
func (w *responseWriter) objectID(id string) *responseWriter {
	if id == "" {
		w.fail("has an empty object id")
	}
	return w.raw("(").aString(id).raw(")")
}

func (w *responseWriter) labels(labels []string) {
	w.raw("(")
	for i, l := range labels {
		if i > 0 {
			w.sp()
		}
		w.mailbox(l)
	}
	w.raw(")")
}

func (w *responseWriter) annotations(all []imap.Annotation) {
	w.raw("(")
	for i, a := range all {
		if i > 0 {
			w.sp()
		}
		w.aString(a.Entry)
		if a.Values != nil {
			w.sp().attributes(a.Values, w.aString)
		}
	}
	w.raw(")")
}

// section writes the content of a section (RFC 9051 section 7.5.2).
func (w *responseWriter) section(s *imap.Section) {
	switch s.Item {
	case "RFC822", "RFC822.HEADER", "RFC822.TEXT":
		w.raw(s.Item)
	case "BODY", "BINARY", "BINARY.SIZE":
		w.sectionHead(s)
	default:
		w.fail("has a section of an unknown item")
	}
	w.sp()
	w.sectionContent(s)
}

// sectionHead writes the name of the item, the part, and where in it the content starts.
func (w *responseWriter) sectionHead(s *imap.Section) {
	w.raw(s.Item).raw("[").sectionSpec(s.Spec).raw("]")
	if s.Offset >= 0 {
		w.raw("<").number(uint64(s.Offset)).raw(">")
	}
}

func (w *responseWriter) sectionContent(s *imap.Section) {
	switch {
	case s.Item == "BINARY.SIZE":
		w.number63(s.Size)
	case s.Streamed:
		w.fail("has a section whose content was streamed")
	case s.Nil:
		w.raw("NIL")
	default:
		w.literal(s.Data)
	}
}

// sectionSpec writes what stands in the brackets, with those header field names quoted that need it.
func (w *responseWriter) sectionSpec(spec string) *responseWriter {
	text, fields, ok := strings.Cut(spec, " (")
	for i := range len(text) {
		if !isAtomChar(text[i]) {
			w.fail("has a section that cannot be written")
		}
	}
	w.raw(text)
	if !ok {
		return w
	}
	fields, ok = strings.CutSuffix(fields, ")")
	if !ok || fields == "" {
		w.fail("has a section that cannot be written")
	}
	w.raw(" (")
	for i, f := range strings.Split(fields, " ") {
		if i > 0 {
			w.sp()
		}
		if isAtom(f) && !strings.EqualFold(f, "NIL") {
			w.raw(f)
		} else {
			w.string(f)
		}
	}
	return w.raw(")")
}
