package imapwire

import "github.com/pushmail/pushmail/imap"

// vanished reads "* VANISHED" after its name (RFC 7162 section 3.2.10).
func (d *Decoder) vanished() imap.Response {
	r := &imap.Vanished{}
	d.sp()
	if d.accept('(') {
		start := d.pos
		if name := d.s[start:d.word()]; upper(name) != "EARLIER" {
			d.failAtPos(start, "expected EARLIER")
		}
		d.closeList()
		d.sp()
		r.Earlier = true
	}
	r.UIDs = set[imap.UID](d)
	if r.UIDs.Dynamic() {
		d.fail(`"*" among UIDs that are gone`)
	}
	return r
}
