package imapwire

import (
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// maxItemErrors bounds the errors that one row notes.
const maxItemErrors = 32

// fetch reads a row of a FETCH or UIDFETCH response after its name (RFC 9051 section 7.5.2, RFC 9586
// section 3.3). An item that cannot be read costs that item.
func (d *Decoder) fetch(seq imap.SeqNum, uid imap.UID) imap.Response {
	if seq == 0 && uid == 0 && d.failQuirk(QuirkSeqZero, "message number 0") {
		return nil
	}
	d.sp()
	if len(d.s) >= largeFrame {
		shared := d.mem
		d.mem = new(memory)
		defer func() { d.mem = shared }()
	}
	if !d.open() {
		return nil
	}
	m := d.mem.messages.one(d.chunk(messageChunk))
	m.SeqNum, m.UID = seq, uid
	if uid != 0 {
		m.Items |= imap.ItemUID
	}
	d.items(m)
	return m
}

// chunk is the size of a chunk for a slab: one for a large response.
func (d *Decoder) chunk(size int) int {
	if len(d.s) >= largeFrame {
		return 1
	}
	return size
}

// items reads the items of a row, and its end.
func (d *Decoder) items(m *imap.Message) {
	open := 1
	for {
		if d.b != nil {
			if d.fastItem(m) {
				continue
			}
			if d.pos == len(d.b)-1 && d.b[d.pos] == ')' && open == 1 {
				return
			}
			d.own()
		}
		if d.tolerates(QuirkSpaces) {
			d.spaces()
		}
		switch c := d.peek(); {
		case c == ')':
			d.pos++
			if open--; open == 0 {
				d.rowEnd(m)
				return
			}
			continue
		case c == '(' && d.tolerates(QuirkFetchParens):
			d.pos++
			open++
			continue
		}
		name := d.s[d.pos:d.run(classWordEnd)]
		d.pos += len(name)
		if hasLower(name) {
			name = upper(name)
		}
		value := d.pos
		if name == "" {
			d.fail("expected an item")
		} else {
			d.item(m, name)
		}
		if !d.failed && !d.atItemEnd() {
			d.fail("unexpected value after the item")
		}
		if d.failed && !d.resync(m, name, value) {
			return
		}
		d.element()
		d.accept(' ')
	}
}

// atItemEnd reports whether the item is over: a space or the end of the list follows, or, where the
// space is missing, the next item.
func (d *Decoder) atItemEnd() bool {
	if c := d.peek(); c == ' ' || c == ')' || d.pos == len(d.s) {
		return true
	}
	return d.tolerates(QuirkSpaces) && (isSpace(d.peek()) || d.atKnownItem(d.pos))
}

// atKnownItem reports whether the name of an item is at pos.
func (d *Decoder) atKnownItem(pos int) bool {
	end := pos
	for end < len(d.s) && lexClass[d.s[end]]&classWordEnd == 0 {
		end++
	}
	return itemNames[d.s[pos:end]]
}

// rowEnd checks that nothing follows the row.
func (d *Decoder) rowEnd(m *imap.Message) {
	d.end()
	if d.failed {
		d.note(m, "")
	}
}

// note takes the error as one of the row.
func (d *Decoder) note(m *imap.Message, item string) {
	if len(m.Errs) < maxItemErrors {
		m.Errs = append(m.Errs, d.syntaxError(item))
	}
	d.failed = false
}

// resync notes the error of the item whose value starts at value and moves to the next item. It
// reports whether there is one.
func (d *Decoder) resync(m *imap.Message, name string, value int) bool {
	d.note(m, strings.Clone(name))
	d.depth = 0
	if d.elements > d.lim.Tokens || len(m.Errs) == maxItemErrors {
		return false
	}
	pos := value
	for pos < len(d.s) && isSpace(d.s[pos]) {
		pos++
	}
	if name != "" && pos < len(d.s) {
		// A bracket with a list in it is one value with what follows.
		if d.s[pos] == '[' {
			if i := strings.IndexByte(d.s[pos:], ']'); i >= 0 {
				pos += i + 1
			}
		}
		if d.s[min(pos, len(d.s)-1)] == ' ' {
			pos++
		}
		if end, ok := d.skip(pos); ok {
			d.pos = end
			if d.atItemEnd() && end < len(d.s) {
				return true
			}
		}
	}
	return d.nextKnownItem(value)
}

// nextKnownItem looks for the name of an item after pos, for a row whose parentheses do not match.
func (d *Decoder) nextKnownItem(pos int) bool {
	quotes := true // a quote starts a string
	for pos < len(d.s) {
		switch c := d.s[pos]; {
		case isSpace(c), c == '(', c == ')', c == '"' && !quotes:
			pos++
			continue
		}
		if d.s[pos-1] == ' ' && d.atKnownItem(pos) {
			d.pos = pos
			return true
		}
		end, ok := d.skipOne(pos)
		if !ok {
			// A string without end: there is no closing quote for any other either.
			quotes, end = quotes && d.s[pos] != '"', pos+1
		}
		pos = end
	}
	d.pos = len(d.s)
	return false
}

// itemNames are the items that cannot be mistaken for a word of another item's value.
var itemNames = map[string]bool{
	"UID": true, "FLAGS": true, "INTERNALDATE": true, "RFC822.SIZE": true, "ENVELOPE": true, "BODYSTRUCTURE": true,
	"MODSEQ": true, "BODY": true, "BINARY": true, "RFC822": true, "RFC822.HEADER": true, "RFC822.TEXT": true,
	"EMAILID": true, "THREADID": true, "SAVEDATE": true, "PREVIEW": true, "X-GM-MSGID": true, "X-GM-THRID": true, "X-GM-LABELS": true,
}

// item reads the value of the item name.
func (d *Decoder) item(m *imap.Message, name string) {
	switch name {
	case "UID":
		d.sp()
		d.uidItem(m)
	case "FLAGS":
		d.sp()
		setItem(d, m, imap.ItemFlags, &m.Flags, d.flagList())
	case "INTERNALDATE":
		d.sp()
		setItem(d, m, imap.ItemInternalDate, &m.InternalDate, d.dateTime())
	case "RFC822.SIZE":
		d.sp()
		setItem(d, m, imap.ItemSize, &m.Size, d.number63())
	case "ENVELOPE":
		d.sp()
		d.strings = true
		setItem(d, m, imap.ItemEnvelope, &m.Envelope, d.envelope())
		d.strings = false
	case "BODYSTRUCTURE":
		d.sp()
		d.strings = true
		setItem(d, m, imap.ItemBody, &m.Body, d.bodyItem())
		d.strings = false
	case "BODY":
		if d.peek() == '[' {
			d.section(m, name)
			return
		}
		d.sp()
		d.strings = true
		setItem(d, m, imap.ItemBodyBasic, &m.Body, d.bodyItem())
		d.strings = false
	case "BINARY", "BINARY.SIZE", "BODY.PEEK":
		d.section(m, strings.TrimSuffix(name, ".PEEK"))
	case "RFC822", "RFC822.HEADER", "RFC822.TEXT":
		d.sectionValue(m, imap.Section{Item: name, Offset: -1})
	case "MODSEQ":
		d.sp()
		setItem(d, m, imap.ItemModSeq, &m.ModSeq, d.modSeq())
	default:
		d.rareItem(m, name)
	}
}

// setItem sets a field, unless its value could not be read.
func setItem[T any](d *Decoder, m *imap.Message, item imap.Items, field *T, value T) {
	if !d.failed {
		*field = value
		m.Items |= item
	}
}

// uidItem reads the value of UID.
func (d *Decoder) uidItem(m *imap.Message) {
	start := d.pos
	n := d.number32()
	if n == 0 && !d.failed {
		d.failAtPos(start, "a UID cannot be 0")
	}
	setItem(d, m, imap.ItemUID, &m.UID, imap.UID(n))
}

// modSeq reads "(n)" (RFC 7162 section 3.1.4). A zero is "none".
func (d *Decoder) modSeq() imap.ModSeq {
	if !d.open() {
		return 0
	}
	start := d.pos
	if d.peek() == '-' {
		if !d.failQuirk(QuirkModSeq, "negative mod-sequence") {
			d.pos++
			d.number()
		}
		return d.closeModSeq(0)
	}
	n := d.number()
	if n > 1<<63-1 {
		d.failAtPos(start, "mod-sequence does not fit in 63 bits")
	}
	return d.closeModSeq(imap.ModSeq(n))
}

func (d *Decoder) closeModSeq(n imap.ModSeq) imap.ModSeq {
	if !d.accept(')') {
		d.fail(`expected ")"`)
	}
	return n
}
