package imapwire

import "github.com/pushmail/pushmail/imap"

// search reads "* SEARCH" or "* SORT" after its name (RFC 3501 section 7.2.5, RFC 5256 section 4).
func (d *Decoder) search(sort bool) imap.Response {
	r := &imap.Search{Sort: sort}
	for d.pos < len(d.s) {
		if !d.accept(' ') {
			d.spSlow()
		}
		if d.pos == len(d.s) && d.tolerates(QuirkSpaces) {
			break
		}
		if d.peek() == '(' {
			r.ModSeq = d.searchModSeq()
			break
		}
		n := d.number32()
		if len(r.Nums) >= d.lim.Ranges {
			d.fail("too many numbers")
		}
		if r.Nums == nil {
			r.Nums = make([]uint32, 0, min(d.lim.Ranges, (len(d.s)-d.pos)/5+4))
		}
		r.Nums = append(r.Nums, n)
	}
	return r
}

// searchModSeq reads "(MODSEQ n)" (RFC 7162 section 3.1.5).
func (d *Decoder) searchModSeq() imap.ModSeq {
	d.pos++
	start := d.pos
	if name := d.s[start:d.word()]; !equalFold(upper(name), "MODSEQ") {
		d.failAtPos(start, "expected MODSEQ")
	}
	d.sp()
	return d.closeModSeq(imap.ModSeq(d.number63()))
}
