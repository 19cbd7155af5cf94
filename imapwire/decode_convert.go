package imapwire

import "github.com/pushmail/pushmail/imap"

// converted reads "* n CONVERTED" after its name (RFC 5259 section 8.1).
func (d *Decoder) converted(seq imap.SeqNum) imap.Response {
	r := &imap.Converted{SeqNum: seq}
	d.sp()
	if !d.open() {
		return nil
	}
	start := d.pos
	if upper(d.s[start:d.word()]) != "TAG" {
		d.failAtPos(start, "expected TAG")
		return nil
	}
	d.sp()
	r.Tag = d.astring()
	d.close()
	d.sp()
	if !d.open() {
		return nil
	}
	for first := true; d.more(first); first = false {
		d.convertedItem(r)
		d.element()
	}
	return r
}

func (d *Decoder) close() {
	if !d.accept(')') {
		d.fail(`expected ")"`)
	}
}

// convertedItem reads one item of a CONVERTED response.
func (d *Decoder) convertedItem(r *imap.Converted) {
	start := d.pos
	name := upper(d.s[start:d.word()])
	switch {
	case name == "":
		d.fail("expected an item")
	case name == "UID":
		d.sp()
		r.UID = imap.UID(d.number32())
	case d.peek() == '[':
		d.convertedPart(r, start, name)
	default:
		d.sp()
		r.Unknown = append(r.Unknown, imap.RawItem{Name: name, Value: d.raw()})
	}
}

// convertedPart reads an item that starts at start and is about a part, from the part on.
func (d *Decoder) convertedPart(r *imap.Converted, start int, name string) {
	p := imap.ConvertedPart{Section: d.sectionHead(name)}
	end := d.pos
	d.sp()
	switch {
	case d.isConvertError():
		p.Err = d.convertError()
	case name == "BINARY", name == "BODY":
		d.content(&p.Section)
	case name == "BINARY.SIZE":
		p.Size = d.number63()
	case name == "BODYPARTSTRUCTURE":
		d.strings = true
		p.Body = d.bodyItem()
		d.strings = false
	case name == "AVAILABLECONVERSIONS":
		if d.open() {
			p.Types = d.stringList()
			d.close()
		}
	default:
		r.Unknown = append(r.Unknown, imap.RawItem{Name: d.s[start:end], Value: d.raw()})
		return
	}
	r.Parts = append(r.Parts, p)
}

func (d *Decoder) isConvertError() bool {
	const phrase = "(ERROR "
	return len(d.s)-d.pos > len(phrase) && equalFold(d.s[d.pos:d.pos+len(phrase)], phrase)
}

// convertError reads a converterror-phrase (RFC 5259 section 10).
func (d *Decoder) convertError() *imap.ConvertError {
	d.pos += len("(ERROR")
	d.sp()
	e := &imap.ConvertError{Text: d.stringValue()}
	d.sp()
	start := d.pos
	e.Code = upper(d.s[start:d.word()])
	e.Args = d.remainder()
	return e
}

// conversion reads "* CONVERSION" after its name (RFC 5259 section 5.1).
func (d *Decoder) conversion() imap.Response {
	r := &imap.Conversion{}
	d.sp()
	r.From = d.astring()
	d.sp()
	if r.To = d.astring(); d.pos < len(d.s) {
		d.sp()
		r.Params = d.stringList()
	}
	return r
}
