package imapwire

import (
	"math/bits"
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// The fast path reads the items of a FETCH row in the one form in which nearly all servers send them:
// upper case, single spaces, quoted strings. It keeps its position in a register, looks at each byte
// once, and knows of no error: at the first thing that it does not expect it returns -1, and the
// careful path (decode_fetch.go and what it calls) reads the whole item again, with its quirks and the
// exact positions of its errors. What was taken from slabs until then is lost, which costs a little
// memory and nothing else.
//
// So a function here must accept less than its careful twin and give the same result for what it
// accepts. Mind [Decoder.isAfterText]: a quote ends a string only if something follows that can. That
// holds by itself where a ")" or a space with a quoted string, a list, NIL or a number is demanded next.
//
// TestFastPathAgrees compares the two.

// fastItem reads one item and the space after it. It reads nothing at all if it returns false.
func (d *Decoder) fastItem(m *imap.Message) bool {
	s, start, elements := d.s, d.pos, d.elements
	if d.careful || len(s)-start < 8 {
		return false
	}
	end := -1
	switch s[start] {
	case 'U':
		if s[start:start+4] == "UID " {
			if n, p := shortNumber(s, start+4); p > 0 && n-1 < 1<<32-1 {
				m.UID = imap.UID(n)
				m.Items |= imap.ItemUID
				end = p
			}
		}
	case 'F':
		if s[start:start+7] == "FLAGS (" {
			end = d.fastFlags(m, start+7)
		}
	case 'I':
		if strings.HasPrefix(s[start:], `INTERNALDATE "`) && len(s)-start > 41 && s[start+40] == '"' && d.fastEnd(start+41) {
			if t, ok := parseDateTime(s[start+14 : start+40]); ok {
				m.InternalDate = t
				m.Items |= imap.ItemInternalDate
				end = start + 41
			}
		}
	case 'R':
		if strings.HasPrefix(s[start:], "RFC822.SIZE ") {
			if n, p := shortNumber(s, start+12); p > 0 {
				m.Size = int64(n)
				m.Items |= imap.ItemSize
				end = p
			}
		}
	case 'E':
		if strings.HasPrefix(s[start:], "ENVELOPE (") {
			d.strings = true
			var e *imap.Envelope
			if e, end = d.fastEnvelope(start + 9); end > 0 && d.fastEnd(end) {
				m.Envelope = e
				m.Items |= imap.ItemEnvelope
			}
			d.strings = false
		}
	case 'B':
		if strings.HasPrefix(s[start:], "BODYSTRUCTURE (") {
			d.strings = true
			p := d.slabs.parts[0].one(d.chunk(partChunk))
			if end = d.fastBody(p, start+14); end > 0 && d.fastEnd(end) {
				m.Body = p
				m.Items |= imap.ItemBody
			}
			d.strings = false
		}
	case 'M':
		if s[start:start+8] == "MODSEQ (" {
			if n, p := shortNumber(s, start+8); p > 0 && s[p] == ')' && d.fastEnd(p+1) {
				m.ModSeq = imap.ModSeq(n)
				m.Items |= imap.ItemModSeq
				end = p + 1
			}
		}
	}
	if end > 0 && d.fastEnd(end) {
		if d.elements++; d.elements <= d.lim.Tokens {
			if s[end] == ' ' {
				end++
			}
			d.pos = end
			return true
		}
	}
	d.pos, d.elements, d.failed = start, elements, false
	return false
}

// fastEnd reports whether an item can end at p.
func (d *Decoder) fastEnd(p int) bool { return p < len(d.s) && (d.s[p] == ' ' || d.s[p] == ')') }

// shortNumber reads a number of up to 18 digits, with something after it that can follow one.
func shortNumber(s string, p int) (n uint64, end int) {
	start := p
	for ; p < len(s); p++ {
		c := s[p] - '0'
		if c > 9 {
			if p == start || p-start > 18 || s[p] != ' ' && s[p] != ')' {
				break
			}
			return n, p
		}
		n = n*10 + uint64(c)
	}
	return 0, -1
}

// textEnd returns where the quote is that ends the quoted string whose text starts at p; -1 if there
// is a backslash before it, or no quote. It looks at eight bytes at once.
func textEnd(s string, p int) int {
	for p+8 <= len(s) {
		w := load64(s[p : p+8])
		x, y := w^quotes, w^slashes
		if m := ((x-lowBits)&^x | (y-lowBits)&^y) & highBits; m != 0 {
			p += bits.TrailingZeros64(m) >> 3
			if p < len(s) && s[p] == '"' {
				return p
			}
			return -1
		}
		p += 8
	}
	for ; p < len(s) && s[p] != '\\'; p++ {
		if s[p] == '"' {
			return p
		}
	}
	return -1
}

// load64 is one instruction.
func load64(b string) uint64 {
	_ = b[7]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// text reads a string or NIL, which is "". The caller demands what must follow.
func (d *Decoder) text(p int) (text string, end int) {
	s := d.s
	if p < len(s) && s[p] == '"' {
		if end := textEnd(s, p+1); end > 0 {
			return s[p+1 : end], end + 1
		}
	} else if p+3 <= len(s) && s[p:p+3] == "NIL" {
		return "", p + 3
	}
	return d.rareText(p)
}

// rareText reads a string with escapes, or a literal.
func (d *Decoder) rareText(p int) (text string, end int) {
	if p >= len(d.s) || d.s[p] != '"' && d.s[p] != '{' {
		return "", -1
	}
	d.pos = p
	if text = d.stringValue(); d.failed {
		return "", -1
	}
	return text, d.pos
}

// spText is text after a space.
func (d *Decoder) spText(p int) (text string, end int) {
	if p >= len(d.s) || d.s[p] != ' ' {
		return "", -1
	}
	return d.text(p + 1)
}

func (d *Decoder) fastFlags(m *imap.Message, p int) int {
	s, slab := d.s, &d.slabs.flags
	mark := len(slab.chunk)
	for p < len(s) && s[p] != ')' {
		start := p
		for p < len(s) && lexClass[s[p]]&classAtomEnd == 0 {
			p++
		}
		if p >= len(s) || s[p] != ' ' && s[p] != ')' || p == start {
			return -1
		}
		text := s[start:p]
		f := systemFlag(text)
		if f == "" {
			if f = d.keywords[text]; f == "" {
				return -1
			}
		}
		if s[p] == ' ' {
			p++
			if p < len(s) && s[p] <= ' ' || p < len(s) && s[p] == ')' {
				return -1
			}
		}
		var to *imap.Flag
		to, mark = slab.take(mark, flagChunk)
		*to = f
		if d.elements++; d.elements > d.lim.Tokens {
			return -1
		}
	}
	if !d.fastEnd(p) || !d.fastEnd(p+1) {
		return -1
	}
	m.Flags = slab.since(mark)
	m.Items |= imap.ItemFlags
	return p + 1
}

// fastEnvelope reads an envelope at p, where its "(" is.
func (d *Decoder) fastEnvelope(p int) (*imap.Envelope, int) {
	date, p := d.text(p + 1)
	if p < 0 {
		return nil, -1
	}
	subject, p := d.spText(p)
	if p < 0 || p >= len(d.s) {
		return nil, -1
	}
	e := d.slabs.envelopes.one(d.chunk(envelopeChunk))
	e.Date, e.Subject = date, subject
	from := p
	if e.From, p = d.fastAddresses(p); p < 0 {
		return nil, -1
	}
	// Most mail has the author as sender and for replies, too: in the same bytes, so in the same slice.
	fromText := d.s[from:p]
	if e.Sender, p = d.sameAddresses(p, fromText, e.From); p < 0 {
		return nil, -1
	}
	if e.ReplyTo, p = d.sameAddresses(p, fromText, e.From); p < 0 {
		return nil, -1
	}
	if e.To, p = d.fastAddresses(p); p < 0 {
		return nil, -1
	}
	if e.Cc, p = d.fastAddresses(p); p < 0 {
		return nil, -1
	}
	if e.Bcc, p = d.fastAddresses(p); p < 0 {
		return nil, -1
	}
	inReplyTo, p := d.spText(p)
	if p < 0 {
		return nil, -1
	}
	id, p := d.spText(p)
	if p < 0 || p >= len(d.s) || d.s[p] != ')' {
		return nil, -1
	}
	e.InReplyTo, e.MessageID = inReplyTo, id
	return e, p + 1
}

// sameAddresses is fastAddresses for what may well be text again, of which the addresses are known.
func (d *Decoder) sameAddresses(p int, text string, known []imap.Address) ([]imap.Address, int) {
	if known != nil && strings.HasPrefix(d.s[p:], text) && d.lits == nil {
		if d.elements += len(known); d.elements > d.lim.Tokens {
			return nil, -1
		}
		return known, p + len(text)
	}
	return d.fastAddresses(p)
}

// fastAddresses reads a space and a list of addresses or NIL, and looks at the space after it.
func (d *Decoder) fastAddresses(p int) ([]imap.Address, int) {
	s := d.s
	if len(s)-p < 5 || s[p] != ' ' {
		return nil, -1
	}
	if s[p:p+5] == " NIL " {
		return nil, p + 4
	}
	if s[p+1] != '(' || s[p+2] != '(' {
		return nil, -1
	}
	p += 2
	slab := &d.slabs.addresses
	mark, size := len(slab.chunk), d.chunk(addressChunk)
	for p < len(s) && s[p] == '(' {
		var name, mailbox, host string
		if name, p = d.text(p + 1); p < 0 || len(s)-p < 6 || s[p:p+5] != " NIL " {
			return nil, -1
		}
		if mailbox, p = d.text(p + 5); p < 0 {
			return nil, -1
		}
		if host, p = d.spText(p); p < 0 || p >= len(s) || s[p] != ')' {
			return nil, -1
		}
		p++
		var a *imap.Address
		a, mark = slab.take(mark, size)
		a.Name, a.Mailbox, a.Host = name, mailbox, host
		if host == "" {
			if len(name) > 2 && name[0] == '<' {
				return nil, -1 // perhaps a reversed address
			}
		} else if host[0] == 'M' || host[0] == '.' {
			d.missingDomain(a)
		}
		if d.elements++; d.elements > d.lim.Tokens {
			return nil, -1
		}
	}
	if len(s)-p < 2 || s[p] != ')' || s[p+1] != ' ' {
		return nil, -1
	}
	return slab.since(mark), p + 1
}
