package recording

import (
	"hash/crc32"
	"time"
)

// row writes the row of message n.
func (w *writer) row(n int) {
	w.uid += uint32(w.from(1, 3))
	date := w.moment(n)
	w.putf("* %d FETCH (UID %d FLAGS (", n, w.uid)
	w.flags()
	kind := w.kind()
	size := kind.size(w)
	w.putf(`) INTERNALDATE "%s" RFC822.SIZE %d ENVELOPE `, date.Add(3*time.Second).Format("_2-Jan-2006 15:04:05 -0700"), size)
	subject, sent := w.envelope(kind, date, &w.totals.Addresses)
	w.put(" BODYSTRUCTURE ")
	kind.body(w)
	w.put(")\r\n")
	w.totals.UIDs += uint64(w.uid)
	w.totals.Sizes += uint64(size)
	w.totals.Subjects += uint64(crc32.ChecksumIEEE([]byte(sent)))
	w.totals.Decoded += uint64(crc32.ChecksumIEEE([]byte(subject)))
}

func (w *writer) flags() {
	if w.chance(80) {
		w.put(`\Seen`)
		if w.chance(25) {
			w.put(` \Answered`)
		}
		if w.chance(8) {
			w.put(` \Flagged`)
		}
		if w.chance(15) {
			w.put(w.pick(" $Forwarded", " NonJunk", " $NotJunk", " $label1", " $MDNSent"))
		}
	}
}

// envelope writes an envelope and returns its subject, also as it was sent. count grows by its addresses.
func (w *writer) envelope(k kind, date time.Time, count *int) (subject, sent string) {
	subject = w.subject()
	sent = w.encode(subject)
	w.put(`(`)
	w.str(date.Format("Mon, 2 Jan 2006 15:04:05 -0700"))
	w.put(" ")
	if w.chance(3) {
		w.literal(sent)
	} else {
		w.str(sent)
	}
	sender := w.person()
	if k.robot {
		sender = w.robot()
	}
	from := w.encodedAddress(sender)
	replyTo := from
	if k.list {
		replyTo = w.encodedAddress(address{mailbox: "dev", host: "lists.example.org"})
	}
	for _, a := range []encodedAddress{from, from, replyTo} { // From, Sender, Reply-To
		w.put(" ")
		w.addresses([]encodedAddress{a}, count)
	}
	w.put(" ")
	w.addresses(w.people(1, k.to), count)
	w.put(" ")
	w.addresses(w.people(0, k.cc), count)
	w.put(" NIL ")
	if k.robot || w.chance(45) {
		w.put("NIL")
	} else {
		w.str(w.messageID(w.pick(hosts...)))
	}
	w.put(" ")
	w.str(w.messageID(sender.host))
	w.put(")")
	return subject, sent
}

// encodedAddress is an address whose name is as in a header.
type encodedAddress struct{ name, mailbox, host string }

func (w *writer) encodedAddress(a address) encodedAddress {
	if a.name == "" {
		return encodedAddress{"", a.mailbox, a.host}
	}
	return encodedAddress{w.encode(a.name), a.mailbox, a.host}
}

// people returns some people.
func (w *writer) people(least, most int) []encodedAddress {
	list := make([]encodedAddress, w.from(least, most))
	for i := range list {
		list[i] = w.encodedAddress(w.person())
	}
	return list
}

func (w *writer) addresses(list []encodedAddress, count *int) {
	if len(list) == 0 {
		w.put("NIL")
		return
	}
	w.put("(")
	for _, a := range list {
		w.put("(")
		w.str(a.name)
		w.put(" NIL ")
		w.str(a.mailbox)
		w.put(" ")
		w.str(a.host)
		w.put(")")
	}
	w.put(")")
	*count += len(list)
}
