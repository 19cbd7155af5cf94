package imapwire

import "github.com/pushmail/pushmail/imap"

// acl reads "* ACL" after its name (RFC 4314 section 3.6).
func (d *Decoder) acl() imap.Response {
	r := &imap.ACL{}
	d.sp()
	r.Mailbox = d.mailbox()
	for d.another() {
		e := imap.IdentifierRights{Identifier: d.astring()}
		d.sp()
		e.Rights = d.astring()
		r.Rights = append(r.Rights, e)
	}
	return r
}

// listRights reads "* LISTRIGHTS" after its name (RFC 4314 section 3.7).
func (d *Decoder) listRights() imap.Response {
	r := &imap.ListRights{}
	d.sp()
	r.Mailbox = d.mailbox()
	d.sp()
	r.Identifier = d.astring()
	d.sp()
	r.Required = d.astring()
	for d.another() {
		r.Optional = append(r.Optional, d.astring())
	}
	return r
}

// myRights reads "* MYRIGHTS" after its name (RFC 4314 section 3.8).
func (d *Decoder) myRights() imap.Response {
	r := &imap.MyRights{}
	d.sp()
	r.Mailbox = d.mailbox()
	d.sp()
	r.Rights = d.astring()
	return r
}
