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
