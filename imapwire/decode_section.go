package imapwire

import (
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// section reads BODY[…], BINARY[…] or BINARY.SIZE[…] after its name (RFC 9051 section 7.5.2).
func (d *Decoder) section(m *imap.Message, name string) {
	s := d.sectionHead(name)
	if name == "BINARY.SIZE" {
		d.sp()
		s.Size = d.number63()
		d.addSection(m, s)
		return
	}
	d.sectionValue(m, s)
}

// sectionHead reads "[…]" and "<…>" after a name.
func (d *Decoder) sectionHead(name string) imap.Section {
	s := imap.Section{Item: name, Offset: -1, Spec: d.sectionSpec()}
	if d.accept('<') {
		s.Offset = d.position()
		if !d.accept('>') {
			d.fail(`expected ">"`)
		}
	}
	return s
}

// sectionSpec reads "[…]" and returns what is in it, in upper case and with header names unquoted.
func (d *Decoder) sectionSpec() string {
	if !d.accept('[') {
		d.fail(`expected "["`)
		return ""
	}
	start := d.pos
	end := strings.IndexByte(d.s[start:], ']')
	if end < 0 {
		d.fail(`expected "]"`)
		return ""
	}
	spec := d.s[start : start+end]
	if strings.IndexByte(spec, '(') < 0 {
		d.pos = start + end + 1
		return upper(spec)
	}
	return d.fieldsSpec()
}

// fieldsSpec reads "HEADER.FIELDS (names)]".
func (d *Decoder) fieldsSpec() string {
	start := d.pos
	d.pos += strings.IndexByte(d.s[start:], '(')
	var b strings.Builder
	b.WriteString(upper(strings.TrimRight(d.s[start:d.pos], " ")))
	b.WriteString(" (")
	d.pos++
	for first := true; d.more(first); first = false {
		if !first {
			b.WriteByte(' ')
		}
		b.WriteString(upper(d.astring()))
		d.element()
	}
	b.WriteByte(')')
	if !d.accept(']') {
		d.fail(`expected "]"`)
	}
	return b.String()
}

// sectionValue reads a space and the content of a section.
func (d *Decoder) sectionValue(m *imap.Message, s imap.Section) {
	d.sp()
	d.content(&s)
	d.addSection(m, s)
}

// content reads the content of a section: a string, a literal8, or NIL.
func (d *Decoder) content(s *imap.Section) {
	switch c := d.peek(); {
	case c == '{', c == '~':
		var streamed int64
		if s.Data, streamed = d.literalValue(); streamed >= 0 {
			s.Streamed, s.Size = true, streamed
		}
	case c == ')' && !d.failQuirk(QuirkMissingSection, "section without a value"):
		s.Nil = true
	default:
		s.Data, s.Nil = d.nullable()
	}
	if !s.Streamed {
		s.Size = int64(len(s.Data))
	}
}

func (d *Decoder) addSection(m *imap.Message, s imap.Section) {
	if d.failed {
		return
	}
	m.Items |= imap.ItemSections
	slab := &d.mem.sections
	mark := len(slab.chunk) - len(m.Sections)
	if len(m.Sections) > 0 && (mark < 0 || &slab.chunk[mark] != &m.Sections[0]) {
		m.Sections = append(m.Sections, s)
		return
	}
	p, mark := slab.take(mark, d.chunk(sectionChunk))
	*p = s
	m.Sections = slab.since(mark)
}
