package imapwire

import (
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// fastBody reads a body structure at pos, where its "(" is.
func (d *Decoder) fastBody(p *imap.BodyPart, pos int) int {
	if d.elements++; d.elements > d.lim.Tokens {
		return -1
	}
	return d.fastPart(p, pos, 1)
}

// fastPart reads a part at pos into p. The outermost has the depth 1.
func (d *Decoder) fastPart(p *imap.BodyPart, pos, depth int) int {
	if depth > d.lim.Depth || len(d.s)-pos < 8 {
		return -1
	}
	switch d.s[pos+1] {
	case '"':
		return d.fastSingle(p, pos+1, depth)
	case '(':
		return d.fastMultipart(p, pos+1, depth)
	}
	return -1
}

// fastChildren reads up to most parts at pos, one directly after the other.
func (d *Decoder) fastChildren(pos, depth, most int) ([]imap.BodyPart, int) {
	var own slab[imap.BodyPart]
	slab, size := &own, 2
	if depth < sharedDepths {
		slab, size = &d.slabs.parts[depth], d.chunk(childChunk)
	}
	mark := len(slab.chunk)
	for ; most > 0 && pos < len(d.s) && d.s[pos] == '('; most-- {
		var p *imap.BodyPart
		p, mark = slab.take(mark, size)
		if d.elements++; d.elements > d.lim.Tokens {
			return nil, -1
		}
		if pos = d.fastPart(p, pos, depth+1); pos < 0 {
			return nil, -1
		}
	}
	return slab.since(mark), pos
}

// fastMultipart reads a multipart from its first part on.
func (d *Decoder) fastMultipart(p *imap.BodyPart, pos, depth int) int {
	s := d.s
	parts, pos := d.fastChildren(pos, depth, len(s))
	if pos < 0 || len(s)-pos < 3 || s[pos] != ' ' || s[pos+1] != '"' {
		return -1
	}
	subtype, pos := d.text(pos + 1)
	if pos < 0 || subtype == "" || pos >= len(s) {
		return -1
	}
	p.Type, p.Subtype, p.Parts = "multipart", subtype, parts
	if s[pos] == ')' {
		return pos + 1
	}
	if p.Params, pos = d.fastParams(pos); pos < 0 {
		return -1
	}
	if strings.HasPrefix(s[pos:], " NIL NIL NIL)") {
		return pos + len(" NIL NIL NIL)")
	}
	return d.slowly(p, pos, (*Decoder).multipartMore)
}

// slowly lets read go on at pos on the careful path.
func (d *Decoder) slowly(p *imap.BodyPart, pos int, read func(*Decoder, *imap.BodyPart)) int {
	d.pos = pos
	if read(d, p); d.failed {
		return -1
	}
	return d.pos
}

// fastSingle reads a part that is no multipart from its type on.
func (d *Decoder) fastSingle(p *imap.BodyPart, pos, depth int) int {
	s := d.s
	mediaType, pos := d.text(pos)
	if pos < 0 || mediaType == "" || len(s)-pos < 2 || s[pos] != ' ' || s[pos+1] != '"' {
		return -1
	}
	subtype, pos := d.text(pos + 1)
	if pos < 0 {
		return -1
	}
	params, pos := d.fastParams(pos)
	if pos < 0 {
		return -1
	}
	p.Type, p.Subtype, p.Params = mediaType, subtype, params
	if len(s)-pos > 9 && s[pos:pos+9] == " NIL NIL " {
		pos += 8
	} else {
		if p.ID, pos = d.spText(pos); pos < 0 {
			return -1
		}
		if p.Description, pos = d.spText(pos); pos < 0 {
			return -1
		}
	}
	encoding, pos := d.spText(pos)
	if pos < 0 || pos >= len(s) || s[pos] != ' ' {
		return -1
	}
	size, pos := shortNumber(s, pos+1)
	if pos < 0 {
		return -1
	}
	p.Encoding, p.Size = encoding, int64(size)
	switch kindOf(mediaType, subtype) {
	case kindOther:
		if s[pos] == ')' {
			return pos + 1
		}
		if pos+1 < len(s) && s[pos+1]-'0' <= 9 {
			return -1
		}
		return d.fastExt(p, pos)
	case kindMessage:
		if pos = d.fastMessage(p, pos, depth); pos < 0 {
			return -1
		}
	}
	if s[pos] != ' ' {
		return -1
	}
	lines, pos := shortNumber(s, pos+1)
	if pos < 0 {
		return -1
	}
	p.Lines = int64(lines)
	if s[pos] == ')' {
		return pos + 1
	}
	return d.fastExt(p, pos)
}

// Kinds of media types, by what a part has between its size and its extension data.
const (
	kindOther   = iota
	kindText    // a number of lines
	kindMessage // envelope, body, number of lines
)

func kindOf(mediaType, subtype string) int {
	switch {
	case len(mediaType) == 4 && equalFold(mediaType, "TEXT"):
		return kindText
	case len(mediaType) == 7 && mediaType[0]|0x20 == 'm' && equalFold(mediaType, "MESSAGE") &&
		(equalFold(subtype, "RFC822") || equalFold(subtype, "GLOBAL")):
		return kindMessage
	}
	return kindOther
}

// fastMessage reads the envelope and the body of a message/rfc822.
func (d *Decoder) fastMessage(p *imap.BodyPart, pos, depth int) int {
	s := d.s
	if len(s)-pos < 4 || s[pos] != ' ' || s[pos+1] != '(' {
		return -1
	}
	if p.Envelope, pos = d.fastEnvelope(pos + 1); pos < 0 || len(s)-pos < 4 || s[pos] != ' ' || s[pos+1] != '(' {
		return -1
	}
	if p.Parts, pos = d.fastChildren(pos+1, depth, 1); pos < 0 || pos >= len(s) {
		return -1
	}
	return pos
}

// fastParams reads a space and parameters or NIL, and looks at what follows.
func (d *Decoder) fastParams(pos int) ([]imap.Param, int) {
	s := d.s
	if len(s)-pos < 5 || s[pos] != ' ' {
		return nil, -1
	}
	pos++
	if s[pos] != '(' {
		if s[pos:pos+3] == "NIL" && (s[pos+3] == ' ' || s[pos+3] == ')') {
			return nil, pos + 3
		}
		return nil, -1
	}
	slab := &d.slabs.params
	mark, size := len(slab.chunk), d.chunk(paramChunk)
	for {
		pos++
		if pos >= len(s) || s[pos] != '"' {
			return nil, -1
		}
		var name, value string
		if name, pos = d.text(pos); pos < 0 || len(s)-pos < 3 || s[pos] != ' ' || s[pos+1] == 'N' {
			return nil, -1
		}
		if value, pos = d.text(pos + 1); pos < 0 || pos >= len(s) {
			return nil, -1
		}
		var p *imap.Param
		p, mark = slab.take(mark, size)
		p.Name, p.Value = name, value
		if d.elements++; d.elements > d.lim.Tokens {
			return nil, -1
		}
		if s[pos] != ' ' {
			break
		}
	}
	if s[pos] != ')' || !d.fastEnd(pos+1) {
		return nil, -1
	}
	return slab.since(mark), pos + 1
}

// fastExt reads the extension data of a part that is no multipart.
func (d *Decoder) fastExt(p *imap.BodyPart, pos int) int {
	s := d.s
	const none, file, inline, noMore = " NIL NIL NIL NIL)", ` NIL ("attachment" (`, ` NIL ("inline" (`, ") NIL NIL)"
	if len(s)-pos >= 17 && s[pos:pos+16] == none[:16] && s[pos+16] == ')' { // sixteen bytes are compared without a call
		return pos + len(none)
	}
	start, word := pos, 0
	switch {
	case strings.HasPrefix(s[pos:], file):
		word = len("attachment")
	case strings.HasPrefix(s[pos:], inline):
		word = len("inline")
	default:
		return d.slowly(p, pos, (*Decoder).partExt)
	}
	word += pos + len(` NIL ("`)
	p.Disposition = s[pos+len(` NIL ("`) : word]
	if p.DispositionParams, pos = d.fastParams(word + 1); pos < 0 {
		return -1
	}
	if strings.HasPrefix(s[pos:], noMore) {
		return pos + len(noMore)
	}
	p.Disposition, p.DispositionParams = "", nil
	return d.slowly(p, start, (*Decoder).partExt)
}
