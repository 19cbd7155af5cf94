package imapwire

import (
	"github.com/pushmail/pushmail/imap"
)

// The fast path reads the items of a FETCH row in the one form in which nearly all servers send them:
// upper case, single spaces, quoted strings. It reads the bytes of the frame, keeps its position in a
// register, and copies only what becomes a value; it knows of no error. At the first thing that it does
// not expect it returns -1, and the careful path (decode_fetch.go and what it calls) reads the whole item
// again, from a copy of the whole row, with its quirks and the exact positions of its errors. What was
// taken from slabs until then is lost, which costs a little memory and nothing else.
//
// So a function here must accept less than its careful twin and give the same result for what it
// accepts. Mind [Decoder.isAfterText]: a quote ends a string only if something follows that can. That
// holds by itself where a ")" or a space with a quoted string, a list, NIL or a number is demanded next.
// And whatever of the frame becomes part of a value goes through keep: the frame is overwritten by the
// next one.
//
// TestFastPathAgrees compares the two.

// fastRow reads a row of a FETCH response. It returns nil if it does not start as nearly all do.
func (d *Decoder) fastRow() *imap.Message {
	const fetch = " FETCH ("
	b, p, seq := d.b, 2, uint32(0)
	if d.careful || len(b) < 16 || len(b) >= largeFrame || b[0] != '*' || b[1] != ' ' {
		return nil
	}
	for p < 11 && b[p]-'0' <= 9 {
		seq = seq*10 + uint32(b[p]-'0')
		p++
	}
	if seq == 0 || len(b) < p+len(fetch) || string(b[p:p+len(fetch)]) != fetch {
		return nil
	}
	d.pos = p + len(fetch)
	if d.scratch != nil {
		return d.intoScratch(imap.SeqNum(seq))
	}
	return d.row(imap.SeqNum(seq))
}

// row reads the items of a row.
func (d *Decoder) row(seq imap.SeqNum) *imap.Message {
	m := d.mem.messages.one(messageChunk)
	m.SeqNum = seq
	d.items(m)
	return m
}

// fastItem reads one item and the space after it. It reads nothing at all if it returns false.
func (d *Decoder) fastItem(m *imap.Message) bool {
	b, start, elements := d.b, d.pos, d.elements
	if d.careful || len(b)-start < 8 {
		return false
	}
	end := -1
	switch b[start] {
	case 'U':
		if string(b[start:start+4]) == "UID " {
			if n, p := shortNumber(b, start+4); p > 0 && n-1 < 1<<32-1 {
				m.UID = imap.UID(n)
				m.Items |= imap.ItemUID
				end = p
			}
		}
	case 'F':
		if string(b[start:start+7]) == "FLAGS (" {
			end = d.fastFlags(m, start+7)
		}
	case 'I':
		if at(b, start, `INTERNALDATE "`) && len(b)-start > 41 && b[start+40] == '"' && d.fastEnd(start+41) {
			if t, ok := parseDateTime(string(b[start+14 : start+40])); ok {
				m.InternalDate = t
				m.Items |= imap.ItemInternalDate
				end = start + 41
			}
		}
	case 'R':
		if at(b, start, "RFC822.SIZE ") {
			if n, p := shortNumber(b, start+12); p > 0 {
				m.Size = int64(n)
				m.Items |= imap.ItemSize
				end = p
			}
		}
	case 'E':
		if at(b, start, "ENVELOPE (") {
			var e *imap.Envelope
			if e, end = d.fastEnvelope(start + 9); end > 0 && d.fastEnd(end) {
				m.Envelope = e
				m.Items |= imap.ItemEnvelope
			}
		}
	case 'B':
		if at(b, start, "BODYSTRUCTURE (") {
			p := d.mem.parts[0].one(d.chunk(partChunk))
			if end = d.fastBody(p, start+14); end > 0 && d.fastEnd(end) {
				m.Body = p
				m.Items |= imap.ItemBody
			}
		}
	case 'M':
		if string(b[start:start+8]) == "MODSEQ (" {
			if n, p := shortNumber(b, start+8); p > 0 && b[p] == ')' && d.fastEnd(p+1) {
				m.ModSeq = imap.ModSeq(n)
				m.Items |= imap.ItemModSeq
				end = p + 1
			}
		}
	}
	if end > 0 && d.fastEnd(end) {
		if d.elements++; d.elements <= d.lim.Tokens {
			if b[end] == ' ' {
				end++
			}
			d.pos = end
			return true
		}
	}
	d.pos, d.elements = start, elements
	return false
}

// at reports whether word stands at p.
func at(b []byte, p int, word string) bool {
	return len(b)-p >= len(word) && string(b[p:p+len(word)]) == word
}

// fastEnd reports whether an item can end at p.
func (d *Decoder) fastEnd(p int) bool { return p < len(d.b) && (d.b[p] == ' ' || d.b[p] == ')') }

// shortNumber reads a number of up to 18 digits, with something after it that can follow one.
func shortNumber(b []byte, p int) (n uint64, end int) {
	start := p
	for ; p < len(b); p++ {
		c := b[p] - '0'
		if c > 9 {
			if p == start || p-start > 18 || b[p] != ' ' && b[p] != ')' {
				break
			}
			return n, p
		}
		n = n*10 + uint64(c)
	}
	return 0, -1
}

func (d *Decoder) fastFlags(m *imap.Message, p int) int {
	b, slab := d.b, &d.mem.flags
	mark := len(slab.chunk)
	for p < len(b) && b[p] != ')' {
		start := p
		for p < len(b) && lexClass[b[p]]&classAtomEnd == 0 {
			p++
		}
		if p >= len(b) || b[p] != ' ' && b[p] != ')' || p == start {
			return -1
		}
		f := systemFlag(b[start:p])
		if f == "" {
			if f = d.keywords[string(b[start:p])]; f == "" {
				return -1
			}
		}
		if b[p] == ' ' {
			p++
			if p < len(b) && b[p] <= ' ' || p < len(b) && b[p] == ')' {
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
	date, subject, p := d.twoTexts(p + 1)
	if p < 0 {
		return nil, -1
	}
	e := d.mem.envelopes.one(d.chunk(envelopeChunk))
	e.Date, e.Subject = date, subject
	from := p
	if e.From, p = d.fastAddresses(p); p < 0 {
		return nil, -1
	}
	// Most mail has the author as sender and for replies, too: in the same bytes, so in the same slice.
	fromText := d.b[from:p]
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
	inReplyTo, id, p := d.twoTexts(p + 1)
	if p < 0 || p >= len(d.b) || d.b[p] != ')' {
		return nil, -1
	}
	e.InReplyTo, e.MessageID = inReplyTo, id
	return e, p + 1
}

// sameAddresses is fastAddresses for what may well be text again, of which the addresses are known.
func (d *Decoder) sameAddresses(p int, text []byte, known []imap.Address) ([]imap.Address, int) {
	if known != nil && len(d.b)-p >= len(text) && string(d.b[p:p+len(text)]) == string(text) {
		if d.elements += len(known); d.elements > d.lim.Tokens {
			return nil, -1
		}
		return known, p + len(text)
	}
	return d.fastAddresses(p)
}

// fastAddresses reads a space and a list of addresses or NIL, and looks at the space after it.
func (d *Decoder) fastAddresses(p int) ([]imap.Address, int) {
	b := d.b
	if len(b)-p < 5 || b[p] != ' ' {
		return nil, -1
	}
	if string(b[p:p+5]) == " NIL " {
		return nil, p + 4
	}
	if b[p+1] != '(' || b[p+2] != '(' {
		return nil, -1
	}
	p += 2
	slab := &d.mem.addresses
	mark, size := len(slab.chunk), d.chunk(addressChunk)
	for p < len(b) && b[p] == '(' {
		var a *imap.Address
		a, mark = slab.take(mark, size)
		if p = d.fastAddress(a, p+1); p < 0 {
			return nil, -1
		}
		if a.Host == "" {
			if len(a.Name) > 2 && a.Name[0] == '<' {
				return nil, -1 // perhaps a reversed address
			}
		} else if a.Host[0] == 'M' || a.Host[0] == '.' {
			d.missingDomain(a)
		}
		if d.elements++; d.elements > d.lim.Tokens {
			return nil, -1
		}
	}
	if len(b)-p < 2 || b[p] != ')' || b[p+1] != ' ' {
		return nil, -1
	}
	return slab.since(mark), p + 1
}

// fastAddress reads an address from its name on, and its ")". It copies it in one piece if it can.
func (d *Decoder) fastAddress(a *imap.Address, p int) int {
	const noRoute = ` NIL "`
	b, name := d.b, p
	if len(b)-p < 16 {
		return -1
	}
	if b[p] == '"' {
		if p = textEnd(b, p+1) + 1; p == 0 {
			return d.rareAddress(a, name)
		}
	} else if string(b[p:p+3]) == "NIL" {
		p += 3
	} else {
		return d.rareAddress(a, name)
	}
	if !at(b, p, noRoute) {
		return d.rareAddress(a, name)
	}
	mailbox := p + len(noRoute)
	host := textEnd(b, mailbox) + 3
	if host < 3 || host >= len(b) || b[host-1] != '"' || b[host-2] != ' ' {
		return d.rareAddress(a, name)
	}
	end := textEnd(b, host)
	if end < 0 || end+1 >= len(b) || b[end+1] != ')' {
		return d.rareAddress(a, name)
	}
	if b[name] != '"' {
		text := d.keep(mailbox, end)
		a.Mailbox, a.Host = text[:host-3-mailbox], text[host-mailbox:]
		return end + 2
	}
	name++
	text := d.keep(name, end)
	a.Name, a.Mailbox, a.Host = text[:p-1-name], text[mailbox-name:host-3-name], text[host-name:]
	return end + 2
}

// rareAddress reads an address in which something is no quoted string, or has escapes.
func (d *Decoder) rareAddress(a *imap.Address, p int) int {
	if a.Name, p = d.text(p); p < 0 || !at(d.b, p, " NIL ") {
		return -1
	}
	if a.Mailbox, a.Host, p = d.twoTexts(p + 5); p < 0 || p >= len(d.b) || d.b[p] != ')' {
		return -1
	}
	return p + 1
}
