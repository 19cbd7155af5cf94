package imapwire

import (
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
	if depth > d.lim.Depth || len(d.b)-pos < 8 {
		return -1
	}
	switch d.b[pos+1] {
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
		slab, size = &d.mem.parts[depth], d.chunk(childChunk)
	}
	mark := len(slab.chunk)
	for ; most > 0 && pos < len(d.b) && d.b[pos] == '('; most-- {
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
	b := d.b
	parts, pos := d.fastChildren(pos, depth, len(b))
	if pos < 0 || len(b)-pos < 3 || b[pos] != ' ' || b[pos+1] != '"' {
		return -1
	}
	subtype, pos := d.text(pos + 1)
	if pos < 0 || subtype == "" || pos >= len(b) {
		return -1
	}
	p.Type, p.Subtype, p.Parts = "multipart", subtype, parts
	if b[pos] == ')' {
		return pos + 1
	}
	if p.Params, pos = d.fastParams(pos); pos < 0 {
		return -1
	}
	const noMore, language, noLocation = " NIL NIL NIL)", ` NIL ("`, `) NIL)`
	switch {
	case at(b, pos, noMore):
		return pos + len(noMore)
	case at(b, pos, language):
		tag, end := d.text(pos + len(language) - 1)
		if end < 0 || !at(b, end, noLocation) {
			return -1
		}
		if d.elements++; d.elements > d.lim.Tokens {
			return -1
		}
		ext(p).Language = []string{tag}
		return end + len(noLocation)
	}
	return d.slowly(p, pos, (*Decoder).multipartMore)
}

// slowly lets read go on at pos on the careful path.
func (d *Decoder) slowly(p *imap.BodyPart, pos int, read func(*Decoder, *imap.BodyPart)) int {
	d.own()
	d.pos, d.strings = pos, true
	read(d, p)
	d.strings = false
	if d.failed {
		d.failed = false // the item will be read again
		return -1
	}
	return d.pos
}

// fastSingle reads a part that is no multipart from its type on.
func (d *Decoder) fastSingle(p *imap.BodyPart, pos, depth int) int {
	b := d.b
	kind, pos := d.fastType(p, pos)
	if pos < 0 {
		return -1
	}
	const noMore = " NIL NIL "
	if at(b, pos, noMore) {
		pos += len(noMore) - 1
	} else {
		if p.ID, pos = d.spText(pos); pos < 0 {
			return -1
		}
		if p.Description, pos = d.spText(pos); pos < 0 {
			return -1
		}
	}
	if p.Encoding, pos = d.fastEncoding(pos); pos < 0 || pos >= len(b) || b[pos] != ' ' {
		return -1
	}
	size, pos := shortNumber(b, pos+1)
	if pos < 0 {
		return -1
	}
	p.Size = int64(size)
	switch kind {
	case kindOther:
		if b[pos] == ')' {
			return pos + 1
		}
		if pos+1 < len(b) && b[pos+1]-'0' <= 9 {
			return -1
		}
		return d.fastExt(p, pos)
	case kindMessage:
		if pos = d.fastMessage(p, pos, depth); pos < 0 {
			return -1
		}
	}
	if b[pos] != ' ' {
		return -1
	}
	lines, pos := shortNumber(b, pos+1)
	if pos < 0 {
		return -1
	}
	p.Lines = int64(lines)
	if b[pos] == ')' {
		return pos + 1
	}
	return d.fastExt(p, pos)
}

// fastType reads type, subtype and parameters of a part, and looks at the space after them.
func (d *Decoder) fastType(p *imap.BodyPart, pos int) (kind, end int) {
	start := pos
	if h := d.heads.find(d.b, pos); h != nil {
		if d.elements += len(h.params); d.elements > d.lim.Tokens {
			return 0, -1
		}
		p.Type, p.Subtype, p.Params = h.mediaType, h.subtype, d.sameParams(h.params)
		return kindText, pos + len(h.text) - 1
	}
	if p.Type, p.Subtype, pos = d.twoTexts(pos); pos < 0 || p.Type == "" || d.b[pos-1] != '"' {
		return 0, -1
	}
	kind = kindOf(p.Type, p.Subtype)
	if p.Params, pos = d.fastParams(pos); pos > 0 && d.b[pos] == ' ' && kind == kindText {
		d.heads = d.heads.learn(d.b, start, pos+1, p)
	}
	return kind, pos
}

// sameParams returns a copy of params.
func (d *Decoder) sameParams(params []imap.Param) []imap.Param {
	if len(params) == 0 {
		return nil
	}
	slab := &d.mem.params
	mark, size := len(slab.chunk), d.chunk(paramChunk)
	for i := range params {
		var p *imap.Param
		p, mark = slab.take(mark, size)
		*p = params[i]
	}
	return slab.since(mark)
}

// fastEncoding reads a space and a transfer encoding.
func (d *Decoder) fastEncoding(pos int) (encoding string, end int) {
	const seven, eight, base64, quotedPrintable = ` "7bit"`, ` "8bit"`, ` "base64"`, ` "quoted-printable"`
	b := d.b
	if len(b)-pos < len(quotedPrintable) {
		return "", -1
	}
	switch b[pos+2] {
	case '7':
		if string(b[pos:pos+len(seven)]) == seven {
			return "7bit", pos + len(seven)
		}
	case '8':
		if string(b[pos:pos+len(eight)]) == eight {
			return "8bit", pos + len(eight)
		}
	case 'b':
		if string(b[pos:pos+len(base64)]) == base64 {
			return "base64", pos + len(base64)
		}
	case 'q':
		if string(b[pos:pos+len(quotedPrintable)]) == quotedPrintable {
			return "quoted-printable", pos + len(quotedPrintable)
		}
	}
	return d.spText(pos)
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
	b := d.b
	if len(b)-pos < 4 || b[pos] != ' ' || b[pos+1] != '(' {
		return -1
	}
	if p.Envelope, pos = d.fastEnvelope(pos + 1); pos < 0 || len(b)-pos < 4 || b[pos] != ' ' || b[pos+1] != '(' {
		return -1
	}
	if p.Parts, pos = d.fastChildren(pos+1, depth, 1); pos < 0 || pos >= len(b) {
		return -1
	}
	return pos
}

// fastParams reads a space and parameters or NIL, and looks at what follows.
func (d *Decoder) fastParams(pos int) ([]imap.Param, int) {
	b := d.b
	if len(b)-pos < 5 || b[pos] != ' ' {
		return nil, -1
	}
	pos++
	if b[pos] != '(' {
		if string(b[pos:pos+3]) == "NIL" && (b[pos+3] == ' ' || b[pos+3] == ')') {
			return nil, pos + 3
		}
		return nil, -1
	}
	slab := &d.mem.params
	mark, size := len(slab.chunk), d.chunk(paramChunk)
	for {
		pos++
		if pos >= len(b) || b[pos] != '"' {
			return nil, -1
		}
		var p *imap.Param
		p, mark = slab.take(mark, size)
		if p.Name, p.Value, pos = d.twoTexts(pos); pos < 0 || pos >= len(b) || b[pos-1] == 'L' {
			return nil, -1
		}
		if d.elements++; d.elements > d.lim.Tokens {
			return nil, -1
		}
		if b[pos] != ' ' {
			break
		}
	}
	if b[pos] != ')' || !d.fastEnd(pos+1) {
		return nil, -1
	}
	return slab.since(mark), pos + 1
}

// fastExt reads the extension data of a part that is no multipart.
func (d *Decoder) fastExt(p *imap.BodyPart, pos int) int {
	b := d.b
	const none, some, noMore = " NIL NIL NIL NIL)", ` NIL ("`, ") NIL NIL)"
	if len(b)-pos >= 17 && string(b[pos:pos+16]) == none[:16] && b[pos+16] == ')' { // sixteen bytes are compared without a call
		return pos + len(none)
	}
	if at(b, pos, some) {
		word, end := dispositionWord(b, pos+len(some))
		if end > 0 {
			params, end := d.fastParams(end)
			if end > 0 && at(b, end, noMore) {
				p.Disposition, p.DispositionParams = word, params
				return end + len(noMore)
			}
		}
	}
	return d.slowly(p, pos, (*Decoder).partExt)
}

// dispositionWord reads one of the two words that dispositions are, and its quote.
func dispositionWord(b []byte, pos int) (word string, end int) {
	for _, w := range [...]string{`attachment"`, `inline"`} {
		if at(b, pos, w) {
			return w[:len(w)-1], pos + len(w)
		}
	}
	return "", -1
}
