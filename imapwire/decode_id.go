package imapwire

import "github.com/pushmail/pushmail/imap"

// id reads "* ID" after its name (RFC 2971 section 3.2).
func (d *Decoder) id() imap.Response {
	r := &imap.ID{}
	d.sp()
	if !d.null() {
		r.Pairs = d.attributes()
	}
	return r
}

// language reads "* LANGUAGE" after its name (RFC 5255 section 3.3).
func (d *Decoder) language() imap.Response {
	d.sp()
	return &imap.Language{Tags: d.stringList()}
}

// comparator reads the comparator in use and, if there is one, the list of those that match (RFC 5255
// section 4.8). Both can be left out.
func (d *Decoder) comparator() imap.Response {
	r := &imap.Comparator{}
	d.spaces()
	if d.pos == len(d.s) {
		return r
	}
	if d.peek() != '(' {
		r.Active = d.astring()
		if d.pos == len(d.s) {
			return r
		}
		d.sp()
	}
	r.Matching = d.stringList()
	return r
}
