package imapwire

import (
	"math"
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// bodyItem reads BODYSTRUCTURE or BODY (RFC 9051 section 7.5.2). It is nil for a body that is not there.
func (d *Decoder) bodyItem() *imap.BodyPart {
	if d.peek() != '(' && d.null() && !d.failQuirk(QuirkEmptyBody, "NIL for a body") {
		return nil
	}
	d.depth = 0
	p := d.mem.parts[0].one(d.chunk(partChunk))
	d.element()
	d.body(p)
	if d.failed || isEmptyPart(p) {
		*p = imap.BodyPart{}
		return nil
	}
	return p
}

// childParts reads the parts that are next, at most so many, into one slice. Each depth has a slab of
// its own, for the parts of one parent stand side by side while those inside them are read; deep ones
// are rare and share no chunks.
func (d *Decoder) childParts(most int) []imap.BodyPart {
	var own slab[imap.BodyPart]
	s, size := &own, 2
	if d.depth < sharedDepths {
		s, size = &d.mem.parts[d.depth], d.chunk(childChunk)
	}
	mark := len(s.chunk)
	for ; most > 0 && d.peek() == '('; most-- {
		var p *imap.BodyPart
		p, mark = s.take(mark, size)
		d.element()
		d.body(p)
		if d.failed {
			return nil
		}
		if isEmptyPart(p) {
			s.chunk = s.chunk[:len(s.chunk)-1]
		}
		if d.peek() == ' ' && d.tolerates(QuirkSpaces) && strings.HasPrefix(strings.TrimLeft(d.s[d.pos:min(len(d.s), d.pos+8)], " "), "(") && most > 1 {
			d.spaces()
		}
	}
	if mark == len(s.chunk) {
		return nil
	}
	return s.since(mark)
}

// isEmptyPart reports whether a "()" was read.
func isEmptyPart(p *imap.BodyPart) bool {
	return p.Type == "" && p.Subtype == "" && p.Encoding == "" && p.Parts == nil && p.Params == nil
}

// body reads a part into p, which is empty.
func (d *Decoder) body(p *imap.BodyPart) {
	if d.depth++; d.depth > d.lim.Depth {
		d.fail("body parts are nested too deeply")
	}
	if d.open() {
		switch d.peek() {
		case '(':
			p.Type, p.Parts = "multipart", d.childParts(math.MaxInt)
			if !d.failed {
				d.multipartSubtype(p)
			}
		case ')':
			if !d.failQuirk(QuirkEmptyBody, "empty body") {
				d.pos++
			}
		default:
			d.singlePart(p)
		}
	}
	d.depth--
}

// multipartSubtype reads the rest of a multipart, from the space before its subtype on.
func (d *Decoder) multipartSubtype(p *imap.BodyPart) {
	if d.peek() == ')' && !d.failQuirk(QuirkMissingSubtype, "multipart without a subtype") {
		d.pos++
		p.Subtype = "mixed"
		return
	}
	d.sp()
	if p.Subtype = d.nstring(); p.Subtype == "" && !d.failQuirk(QuirkNilType, "multipart without a subtype") {
		p.Subtype = "mixed"
	}
	d.multipartExt(p)
}

// multipartExt reads the extension data of a multipart: parameters, disposition, language, location.
func (d *Decoder) multipartExt(p *imap.BodyPart) {
	if d.partEnd() {
		return
	}
	p.Params = d.params()
	d.multipartMore(p)
}

// multipartMore reads what follows the parameters of a multipart.
func (d *Decoder) multipartMore(p *imap.BodyPart) {
	if d.skipText(" NIL NIL NIL)") || d.partEnd() {
		return
	}
	if d.peek() == '"' && d.tolerates(QuirkMultipartText) {
		p.Description = d.quoted()
	} else {
		d.disposition(p)
	}
	d.languageAndLocation(p)
}

// partEnd reads the ")" of a part, or the space before its next field.
func (d *Decoder) partEnd() bool {
	if d.accept(')') {
		return true
	}
	d.sp()
	if d.failed {
		return true
	}
	return d.peek() == ')' && d.tolerates(QuirkSpaces) && d.accept(')')
}

// singlePart reads a part that is no multipart after its "(".
func (d *Decoder) singlePart(p *imap.BodyPart) {
	start := d.pos
	p.Type = d.nstring()
	if p.Type == "" || d.pos+1 >= len(d.s) || d.s[d.pos] != ' ' || d.s[d.pos+1] != '"' && d.s[d.pos+1] != '{' {
		if d.irregularPart(p, start) {
			return
		}
	} else {
		p.Subtype = d.spNString()
	}
	d.sp()
	p.Params = d.params()
	if d.skipText(" NIL NIL ") {
		d.pos--
	} else {
		p.ID = d.spNString()
		p.Description = d.spNString()
	}
	p.Encoding = d.spNString()
	d.sp()
	p.Size = d.number63()
	if d.accept(')') {
		if equalFold(upper(p.Type), "TEXT") {
			d.failQuirk(QuirkMissingLines, "text part without a number of lines")
		}
		return
	}
	if d.typeFields(p) {
		d.partExt(p)
	}
}

// irregularPart reads the type and subtype of a part that starts in none of the usual ways. It
// reports whether it read the whole part. A multipart without parts has at most five values after its
// subtype; a part with less than six after its type and subtype lacks its size.
func (d *Decoder) irregularPart(p *imap.BodyPart, start int) bool {
	n := d.count(start, 8)
	if p.Type == "" && n < 7 || p.Type != "" && n < 6 && !isMediaType(p.Type) {
		if d.failQuirk(QuirkEmptyMultipart, "multipart without parts") {
			return true
		}
		p.Subtype = p.Type
		p.Type = "multipart"
		if p.Subtype != "" {
			d.multipartExt(p)
		} else {
			d.multipartSubtype(p)
		}
		return true
	}
	if p.Type == "" {
		if d.failQuirk(QuirkNilType, "NIL for a media type") {
			return true
		}
		d.sp()
		if p.Type, p.Subtype = "application", d.nstring(); p.Subtype == "" {
			p.Subtype = "octet-stream"
		}
		return false
	}
	d.sp()
	switch c := d.peek(); {
	case c == '(' || c != '"' && n == 7 && d.nullParams():
		// ("TEXT" ("CHARSET" …) …: the subtype is not there.
		if d.failQuirk(QuirkMissingSubtype, "part without a subtype") {
			return true
		}
		d.pos-- // the space is that before the parameters
		if d.s[d.pos] != ' ' {
			d.fail("expected a space")
		}
		d.defaultSubtype(p)
	default:
		if p.Subtype = d.nstring(); p.Subtype == "" {
			d.failQuirk(QuirkNilType, "NIL for a media subtype")
			d.defaultSubtype(p)
		}
	}
	return false
}

// nullParams reports whether NIL is next, with a value after it that is no list: then the subtype is
// missing, and the NIL is that of the parameters.
func (d *Decoder) nullParams() bool {
	saved := d.pos
	defer func() { d.pos = saved }()
	return d.null() && d.accept(' ') && d.peek() != '('
}

func isMediaType(s string) bool {
	switch upper(s) {
	case "TEXT", "IMAGE", "AUDIO", "VIDEO", "APPLICATION", "MESSAGE":
		return true
	}
	return false
}

// defaultSubtype completes a media type that came without its second half.
func (d *Decoder) defaultSubtype(p *imap.BodyPart) {
	switch {
	case equalFold(upper(p.Type), "TEXT"):
		p.Subtype = "plain"
	case equalFold(upper(p.Type), "MULTIPART"):
		p.Subtype = "mixed"
	case isMediaType(p.Type):
		p.Subtype = "octet-stream"
	default:
		p.Type, p.Subtype = "application", p.Type
	}
}

// typeFields reads what only parts of some types have. It reports whether extension data follows.
func (d *Decoder) typeFields(p *imap.BodyPart) bool {
	if (len(p.Type) == 4 || len(p.Type) == 7) && len(p.Type) > 0 {
		switch p.Type[0] | 0x20 {
		case 't':
			if equalFold(p.Type, "TEXT") {
				return d.lines(p, true)
			}
		case 'm':
			if equalFold(p.Type, "MESSAGE") && (equalFold(p.Subtype, "RFC822") || equalFold(p.Subtype, "GLOBAL")) {
				return d.messageFields(p)
			}
		}
	}
	if d.pos+1 < len(d.s) && d.s[d.pos+1]-'0' <= 9 {
		if d.failQuirk(QuirkMissingLines, "number of lines in a part without lines") {
			return false
		}
		return d.lines(p, false)
	}
	return true
}

// lines reads the number of lines. It reports whether extension data follows.
func (d *Decoder) lines(p *imap.BodyPart, must bool) bool {
	if d.pos+1 < len(d.s) && d.s[d.pos+1]-'0' <= 9 || !must {
		d.pos++
		p.Lines = d.number63()
	} else {
		saved := d.pos
		d.sp()
		c := d.peek()
		switch {
		case c == '-' || c-'0' <= 9:
			p.Lines = d.number63()
		case c == '"' || c == ')':
			if d.failQuirk(QuirkMissingLines, "text part without a number of lines") {
				return false
			}
			d.pos = saved
		default:
			// NIL: for the lines if it stands before the MD5, which is NIL as well, or a string.
			if d.failQuirk(QuirkMissingLines, "text part without a number of lines") {
				return false
			}
			if d.count(d.pos, 5) < 5 {
				d.pos = saved
			} else {
				d.null()
			}
		}
	}
	return !d.accept(')') && !d.failed
}

// messageFields reads envelope, body and lines of a message/rfc822 or message/global. It reports
// whether extension data follows.
func (d *Decoder) messageFields(p *imap.BodyPart) bool {
	saved := d.pos
	d.sp()
	if d.peek() != '(' {
		if d.failQuirk(QuirkMessageBasic, "message part without an envelope") {
			return false
		}
		d.pos = saved
		return true
	}
	p.Envelope = d.envelope()
	d.sp()
	switch {
	case d.null():
		d.failQuirk(QuirkEmptyBody, "NIL for a body")
	case d.peek() != '(':
		d.fail("expected a body")
	default:
		p.Parts = d.childParts(1)
	}
	if d.accept(')') {
		d.failQuirk(QuirkMissingLines, "message part without a number of lines")
		return false
	}
	return d.lines(p, true)
}
