package imapwire

import "github.com/pushmail/pushmail/imap"

// esearch reads "* ESEARCH" after its name (RFC 9051 section 7.3.4, RFC 4466 section 2.6.2).
func (d *Decoder) esearch() imap.Response {
	r := &imap.ESearch{}
	parens := false
	for d.pos < len(d.s) {
		d.sp()
		switch {
		case d.failed || d.pos == len(d.s):
			return r
		case d.peek() == '(' && r.Tag == "" && !parens && d.isCorrelator():
			d.correlator(r)
			continue
		case d.peek() == '(' && !parens && !d.failQuirk(QuirkESearchParens, "unexpected parenthesis"):
			parens = true
			d.pos++
		case d.peek() == ')' && parens:
			d.pos++
			continue
		}
		d.esearchItem(r)
		if parens && d.peek() == ')' {
			d.pos++
		}
		d.element()
	}
	return r
}

// isCorrelator reports whether "(TAG" or "(MAILBOX" or "(UIDVALIDITY" is next.
func (d *Decoder) isCorrelator() bool {
	saved := d.pos
	defer func() { d.pos = saved }()
	d.pos++
	start := d.pos
	switch upper(d.s[start:d.word()]) {
	case "TAG", "MAILBOX", "UIDVALIDITY":
		return true
	}
	return false
}

// correlator reads what the response answers (RFC 9051 section 9, search-correlator; RFC 7377 section 2.1).
func (d *Decoder) correlator(r *imap.ESearch) {
	d.pos++
	for first := true; d.more(first); first = false {
		start := d.pos
		name := upper(d.s[start:d.word()])
		d.sp()
		switch name {
		case "TAG":
			r.Tag = d.astring()
		case "MAILBOX":
			r.Mailbox = d.mailboxBeforeParen()
		case "UIDVALIDITY":
			r.UIDValidity = d.number32()
		default:
			d.raw()
		}
	}
}

// esearchItem reads "UID" or one item of return data.
func (d *Decoder) esearchItem(r *imap.ESearch) {
	start := d.pos
	name := upper(d.s[start:d.word()])
	switch name {
	case "UID":
		r.UID = true
		return
	case "":
		d.fail("expected return data")
		return
	}
	d.sp()
	switch name {
	case "COUNT":
		r.HasCount, r.Count = true, d.number32()
	case "MIN":
		r.Min = d.number32()
	case "MAX":
		r.Max = d.number32()
	case "ALL":
		r.All, r.Order = orderedSet(d)
	case "MODSEQ":
		r.ModSeq = imap.ModSeq(d.number63())
	case "PARTIAL":
		r.Partial = d.partial()
	case "RELEVANCY":
		r.Relevancy = d.relevancy()
	case "ADDTO", "REMOVEFROM":
		d.updates(r, name == "REMOVEFROM")
	default:
		value := d.raw()
		r.Unknown = append(r.Unknown, imap.RawItem{Name: name, Value: value})
	}
}

// partial reads "(first:last nums)", where NIL is no numbers (RFC 9394 section 3.1).
func (d *Decoder) partial() *imap.ESearchPartial {
	p := &imap.ESearchPartial{}
	if !d.open() {
		return nil
	}
	p.First = d.position()
	if d.accept(':') {
		p.Last = d.position()
	} else {
		p.Last = p.First
	}
	d.sp()
	if !d.null() {
		p.Nums, p.Order = orderedSet(d)
	}
	d.closeList()
	return p
}

// position reads a position in a result, which is negative when it counts from the end.
func (d *Decoder) position() int64 {
	negative := d.accept('-')
	start := d.pos
	var n int64
	for d.pos < len(d.s) && d.s[d.pos]-'0' <= 9 && n < 1<<32 {
		n = n*10 + int64(d.s[d.pos]-'0')
		d.pos++
	}
	if d.pos == start || n >= 1<<32 {
		d.failAtPos(start, "expected a position")
	}
	if negative {
		return -n
	}
	return n
}

// relevancy reads "(scores)" (RFC 6203 section 4).
func (d *Decoder) relevancy() []uint32 {
	if !d.open() {
		return nil
	}
	var scores []uint32
	for first := true; d.more(first); first = false {
		scores = append(scores, d.number32())
		d.element()
	}
	return scores
}

// updates reads "(position nums position nums …)" (RFC 5267 section 4.3).
func (d *Decoder) updates(r *imap.ESearch, remove bool) {
	if !d.open() {
		return
	}
	for first := true; d.more(first); first = false {
		u := imap.ESearchUpdate{Remove: remove, Position: d.number32()}
		d.sp()
		u.Nums, u.Order = orderedSet(d)
		r.Updates = append(r.Updates, u)
		d.element()
	}
}
