package imapwire

import "github.com/pushmail/pushmail/imap"

// metadata reads "* METADATA" after its name, in both its forms (RFC 5464 section 4.4): entries with
// values in parentheses, or the names of entries that changed.
func (d *Decoder) metadata() imap.Response {
	r := &imap.Metadata{}
	d.sp()
	r.Mailbox = d.mailbox()
	d.sp()
	switch {
	case d.peek() == '(':
		r.Values = d.attributes()
		return r
	case d.null():
		d.failQuirk(QuirkMetadataNil, "expected entries")
		return r
	}
	r.Changed = append(r.Changed, d.astring())
	for d.another() {
		r.Changed = append(r.Changed, d.astring())
	}
	return r
}
