package imapwire

import "github.com/pushmail/pushmail/imap"

// genURLAuth reads "* GENURLAUTH" after its name (RFC 4467 section 9).
func (d *Decoder) genURLAuth() imap.Response {
	r := &imap.GenURLAuth{}
	for more := true; more; more = !d.failed && d.pos < len(d.s) {
		d.sp()
		r.URLs = append(r.URLs, d.astring())
		d.element()
	}
	return r
}

// urlFetch reads "* URLFETCH" after its name (RFC 4467 section 9).
func (d *Decoder) urlFetch() imap.Response {
	r := &imap.URLFetch{}
	for more := true; more; more = !d.failed && d.pos < len(d.s) {
		d.sp()
		c := imap.URLContent{URL: d.astring()}
		d.sp()
		c.Data, c.Nil = d.nullable()
		r.Contents = append(r.Contents, c)
		d.element()
	}
	return r
}
