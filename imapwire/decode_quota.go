package imapwire

import "github.com/pushmail/pushmail/imap"

// quota reads "* QUOTA" after its name (RFC 9208 section 4.2.1).
func (d *Decoder) quota() imap.Response {
	r := &imap.Quota{}
	d.sp()
	r.Root = d.mailbox()
	if d.pos == len(d.s) && d.tolerates(QuirkQuotaList) {
		return r
	}
	d.sp()
	if !d.open() {
		return nil
	}
	for first := true; d.more(first); first = false {
		q := imap.QuotaResource{Name: upper(d.astring())}
		d.sp()
		q.Usage = d.number63()
		d.sp()
		q.Limit = d.number63()
		r.Resources = append(r.Resources, q)
		d.element()
	}
	return r
}

// quotaRoot reads "* QUOTAROOT" after its name (RFC 9208 section 4.2.2).
func (d *Decoder) quotaRoot() imap.Response {
	r := &imap.QuotaRoot{}
	d.sp()
	r.Mailbox = d.mailbox()
	for d.another() {
		r.Roots = append(r.Roots, d.mailbox())
	}
	return r
}

// another reads the space before one more value of a response without parentheses, if there is one.
func (d *Decoder) another() bool {
	if d.pos == len(d.s) {
		return false
	}
	d.element()
	d.sp()
	return d.pos < len(d.s)
}
