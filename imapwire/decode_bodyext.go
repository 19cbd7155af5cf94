package imapwire

import (
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// partExt reads the extension data of a part that is no multipart: MD5, disposition, language,
// location.
func (d *Decoder) partExt(p *imap.BodyPart) {
	if d.skipText(" NIL NIL NIL NIL)") || d.partEnd() {
		return
	}
	if d.peek() == '(' {
		// A multipart described like a single part: nothing from here on is where it should be.
		if !d.failQuirk(QuirkBodyExtension, "expected a string") {
			ext(p).Unknown = d.remainder()
		}
		return
	}
	if md5 := d.nstring(); md5 != "" {
		ext(p).MD5 = md5
	}
	if d.partEnd() {
		return
	}
	d.disposition(p)
	d.languageAndLocation(p)
}

func ext(p *imap.BodyPart) *imap.BodyExt {
	if p.Ext == nil {
		p.Ext = new(imap.BodyExt)
	}
	return p.Ext
}

// languageAndLocation reads the last extension data known today, what follows it, and the ")" of the part.
func (d *Decoder) languageAndLocation(p *imap.BodyPart) {
	if d.skipText(" NIL NIL)") || d.partEnd() {
		return
	}
	d.bodyLanguage(p)
	if d.partEnd() {
		return
	}
	switch {
	case d.peek() == '(':
		if !d.failQuirk(QuirkBodyExtension, "expected a string") {
			if raw := d.raw(); raw != "()" {
				ext(p).Location = raw
			}
		}
	default:
		if location := d.nstring(); location != "" {
			ext(p).Location = location
		}
	}
	if d.partEnd() {
		return
	}
	if rest := d.remainder(); rest != "" {
		ext(p).Unknown = rest
	}
}

// bodyLanguage reads the language: a string, a list of strings, or NIL.
func (d *Decoder) bodyLanguage(p *imap.BodyPart) {
	if d.peek() != '(' {
		if lang := d.nstring(); lang != "" {
			ext(p).Language = []string{lang}
		}
		return
	}
	d.pos++
	for first := true; d.more(first); first = false {
		lang, null := d.nullable()
		if null {
			d.failQuirk(QuirkLanguageNil, "NIL in a list of languages")
			continue
		}
		ext(p).Language = append(ext(p).Language, lang)
		d.element()
	}
}

// params reads the parameters of a media type or of a disposition, or NIL.
func (d *Decoder) params() []imap.Param {
	if c := d.peek(); c != '(' {
		if d.null() {
			return nil
		}
		if c == '"' && d.tolerates(QuirkBodyExtension) {
			if d.quoted() == "" {
				return nil
			}
		}
		d.fail("expected parameters")
		return nil
	}
	d.pos++
	slab := &d.mem.params
	mark, size := len(slab.chunk), d.chunk(paramChunk)
	for first := true; d.more(first); first = false {
		name, value, ok := d.param()
		if !ok {
			continue
		}
		var p *imap.Param
		p, mark = slab.take(mark, size)
		p.Name, p.Value = name, value
		d.element()
	}
	if d.failed {
		return nil
	}
	if mark == len(slab.chunk) {
		d.failQuirk(QuirkParamNil, "empty list of parameters")
		return nil
	}
	return slab.since(mark)
}

// param reads a name and a value. It is not ok for a NIL that names nothing.
func (d *Decoder) param() (name, value string, ok bool) {
	if d.peek() == '"' {
		name = d.quoted()
	} else {
		var null bool
		if name, null = d.nullable(); null {
			d.failQuirk(QuirkParamNil, "NIL for the name of a parameter")
			return "", "", false
		}
	}
	if d.skipText(` "`) {
		d.pos--
		return name, d.quoted(), true
	}
	if d.peek() == ')' {
		d.failQuirk(QuirkParamNil, "parameter without a value")
		return name, "", true
	}
	d.sp()
	value, null := d.nullable()
	if null {
		d.failQuirk(QuirkParamNil, "NIL for the value of a parameter")
	}
	return name, value, true
}

// disposition reads ("attachment" ("filename" "a")) or NIL.
func (d *Decoder) disposition(p *imap.BodyPart) {
	switch d.peek() {
	case '(':
		d.pos++
	case '"', '{':
		if !d.failQuirk(QuirkDispositionText, "disposition as a string") {
			p.Disposition = dispositionText(d.stringValue())
		}
		return
	default:
		if !d.null() {
			d.fail("expected a disposition")
		}
		return
	}
	if d.peek() == ')' && !d.failQuirk(QuirkDispositionText, "empty disposition") {
		d.pos++
		return
	}
	text, null := d.nullable()
	if null {
		d.failQuirk(QuirkDispositionText, "NIL in a disposition")
	}
	if strings.ContainsAny(text, "\"; \t") && !d.failQuirk(QuirkDispositionText, "disposition with more than a word") {
		text = dispositionText(text)
	}
	p.Disposition = text
	if d.partEnd() {
		return
	}
	p.DispositionParams = d.params()
	if d.partEnd() {
		return
	}
	if !d.failQuirk(QuirkDispositionText, "disposition of more than two values") {
		d.remainder()
	}
}

// dispositionText returns the word of a disposition from what may be the whole header field, or quoted.
func dispositionText(s string) string {
	s, _, _ = strings.Cut(s, ";")
	return strings.Trim(s, "\" \t")
}
