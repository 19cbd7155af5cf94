package imapwire

import (
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// envelope reads ENVELOPE (RFC 9051 section 7.5.2): ten fields in a list.
func (d *Decoder) envelope() *imap.Envelope {
	if d.peek() != '(' && d.tolerates(QuirkEnvelopeLength) && d.null() {
		return nil
	}
	if !d.open() {
		return nil
	}
	e := d.mem.envelopes.one(d.chunk(envelopeChunk))
	e.Date = d.nstring()
	e.Subject = d.envelopeString()
	start := d.pos
	e.From = d.envelopeAddresses()
	from := d.s[min(start, d.pos):d.pos]
	e.Sender = d.repeatedAddresses(from, e.From)
	e.ReplyTo = d.repeatedAddresses(from, e.From)
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

// repeatedAddresses reads a list of addresses that is mostly the same as an earlier one, text, which reads as
// list: a server repeats From where a message has no Sender and no Reply-To (RFC 9051 section 7.5.2).
func (d *Decoder) repeatedAddresses(text string, list []imap.Address) []imap.Address {
	if len(list) == 0 || !strings.HasPrefix(d.s[d.pos:], text) {
		return d.envelopeAddresses()
	}
	d.pos += len(text)
	for range list {
		d.element()
	}
	return list
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
