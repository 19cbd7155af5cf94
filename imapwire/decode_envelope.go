package imapwire

import "github.com/pushmail/pushmail/imap"

// envelope reads ENVELOPE (RFC 9051 section 7.5.2): ten fields in a list.
func (d *Decoder) envelope() *imap.Envelope {
	if d.peek() != '(' && d.tolerates(QuirkEnvelopeLength) && d.null() {
		return nil
	}
	if !d.open() {
		return nil
	}
	e := d.slabs.envelopes.one(d.chunk(envelopeChunk))
	e.Date = d.nstring()
	e.Subject = d.envelopeString()
	e.From = d.envelopeAddresses()
	e.Sender = d.envelopeAddresses()
	e.ReplyTo = d.envelopeAddresses()
	e.To = d.envelopeAddresses()
	e.Cc = d.envelopeAddresses()
	e.Bcc = d.envelopeAddresses()
	e.InReplyTo = d.envelopeString()
	e.MessageID = d.envelopeString()
	if !d.accept(')') {
		d.envelopeEnd()
	}
	if d.failed {
		*e = imap.Envelope{}
		return nil
	}
	return e
}

// envelopeString reads a string field after another field.
func (d *Decoder) envelopeString() string {
	if d.envelopeOver() {
		return ""
	}
	return d.spNString()
}

func (d *Decoder) envelopeAddresses() []imap.Address {
	if d.skipText(" NIL ") {
		d.pos--
		return nil
	}
	if d.envelopeOver() {
		return nil
	}
	d.sp()
	return d.addresses()
}

// envelopeOver reports whether the envelope ends before its last field.
func (d *Decoder) envelopeOver() bool {
	return d.pos < len(d.s) && d.s[d.pos] == ')' && d.tolerates(QuirkEnvelopeLength)
}

// envelopeEnd reads what is wrong at the end of an envelope.
func (d *Decoder) envelopeEnd() {
	if d.tolerates(QuirkSpaces) {
		d.spaces()
		if d.accept(')') {
			return
		}
	}
	if !d.failQuirk(QuirkEnvelopeLength, "envelope with more than ten fields") {
		d.remainder()
	}
}
