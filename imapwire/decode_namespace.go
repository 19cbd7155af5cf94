package imapwire

import "github.com/pushmail/pushmail/imap"

// namespaces reads "* NAMESPACE" after its name (RFC 2342 section 5).
func (d *Decoder) namespaces() imap.Response {
	r := &imap.Namespaces{}
	for _, list := range []*[]imap.Namespace{&r.Personal, &r.Other, &r.Shared} {
		d.sp()
		*list = d.namespaceList()
	}
	return r
}

func (d *Decoder) namespaceList() []imap.Namespace {
	if d.null() || !d.open() {
		return nil
	}
	var list []imap.Namespace
	for !d.failed && !d.accept(')') {
		if isSpace(d.peek()) && d.tolerates(QuirkSpaces) {
			d.spaces()
			continue
		}
		list = append(list, d.namespace())
		d.element()
	}
	return list
}

// namespace reads one namespace with its extensions, each a name and a list of values.
func (d *Decoder) namespace() imap.Namespace {
	var n imap.Namespace
	if !d.open() {
		return n
	}
	n.Prefix = d.mailboxName(d.nstring())
	d.sp()
	n.Delim = d.delimiter()
	for d.more(false) {
		name := d.astring()
		d.sp()
		value := d.raw()
		n.Extensions = append(n.Extensions, imap.RawItem{Name: name, Value: value})
		d.element()
	}
	return n
}
