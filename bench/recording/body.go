package recording

import (
	"strconv"
	"strings"
	"time"
)

// kind is a kind of message.
type kind struct {
	share int // of all messages, in percent
	robot bool
	list  bool
	to    int // most recipients
	cc    int
	body  func(*writer)
}

// kinds are what a mailbox of somebody at work is made of.
var kinds = []kind{
	{share: 13, to: 2, body: (*writer).text},
	{share: 24, to: 4, cc: 3, body: (*writer).alternative},
	{share: 17, robot: true, to: 1, body: (*writer).alternative},
	{share: 3, robot: true, to: 1, body: (*writer).html},
	{share: 18, to: 5, cc: 4, body: (*writer).withAttachments},
	{share: 12, to: 4, cc: 2, body: (*writer).withImages},
	{share: 6, list: true, to: 1, cc: 2, body: (*writer).listMail},
	{share: 3, to: 2, body: (*writer).forwarded},
	{share: 2, robot: true, to: 1, body: (*writer).report},
	{share: 2, to: 9, cc: 6, body: (*writer).invitation},
}

func (w *writer) kind() kind {
	n := w.rand.IntN(100)
	for _, k := range kinds {
		if n -= k.share; n < 0 {
			return k
		}
	}
	panic("the shares of the kinds of messages do not add up to 100")
}

// size is the size of a message of this kind; only attachments make it matter.
func (k kind) size(w *writer) int { return w.from(1200, 40_000) << w.rand.IntN(8) }

// leaf writes a part that is no multipart, up to its size. What comes after differs.
func (w *writer) leaf(mediaType, subtype, encoding string, size int, params ...string) {
	w.totals.Leaves++
	w.put("(")
	w.str(mediaType)
	w.put(" ")
	w.str(subtype)
	w.put(" ")
	w.params(params...)
	if mediaType != "text" && w.chance(60) {
		w.put(" ")
		w.str("<" + w.hex(12) + "@" + w.pick(hosts...) + ">")
	} else {
		w.put(" NIL")
	}
	w.put(" NIL ")
	w.str(encoding)
	w.putf(" %d", size)
}

func (w *writer) textPart(subtype string, more ...string) {
	size := w.from(80, 60_000)
	params := append([]string{"charset", w.pick("utf-8", "utf-8", "us-ascii", "iso-8859-1", "windows-1252")}, more...)
	w.leaf("text", subtype, w.pick("7bit", "8bit", "quoted-printable", "quoted-printable", "base64"), size, params...)
	w.putf(" %d NIL NIL NIL NIL)", size/61+1)
}

func (w *writer) text() {
	if w.chance(40) {
		w.textPart("plain", "format", "flowed")
		return
	}
	w.textPart("plain")
}

func (w *writer) html() { w.textPart("html") }

// multipart writes parts and what follows them.
func (w *writer) multipart(subtype string, parts func(), params ...string) {
	w.put("(")
	parts()
	w.put(" ")
	w.str(subtype)
	w.put(" ")
	w.params(append([]string{"boundary", w.boundary()}, params...)...)
	if w.chance(5) {
		w.put(` NIL ("en") NIL)`)
		return
	}
	w.put(" NIL NIL NIL)")
}

func (w *writer) boundary() string {
	switch w.rand.IntN(3) {
	case 0:
		return "----=_Part_" + strconv.Itoa(w.rand.IntN(1e6)) + "_" + strconv.Itoa(w.rand.IntN(1e9)) + "." + strconv.Itoa(w.rand.IntN(1e12))
	case 1:
		return "_000_" + strings.ToUpper(w.hex(40)) + "corp_"
	}
	return "00000000000" + w.hex(17)
}

func (w *writer) alternative() {
	w.multipart("alternative", func() {
		w.textPart("plain")
		w.textPart("html")
	})
}

// filename returns the name of a file and its media type.
func (w *writer) filename() (name, mediaType, subtype string) {
	base := w.pick("Report", "Invoice 2026", "minutes", "Vertrag", "scan_0001", "IMG_2231", "slides final v3", "data")
	switch w.rand.IntN(6) {
	case 0:
		return base + ".docx", "application", "vnd.openxmlformats-officedocument.wordprocessingml.document"
	case 1:
		return base + ".jpg", "image", "jpeg"
	case 2:
		return base + ".png", "image", "png"
	case 3:
		return base + ".zip", "application", "zip"
	}
	return base + ".pdf", "application", "pdf"
}

func (w *writer) attachment() {
	name, mediaType, subtype := w.filename()
	size := w.from(4_000, 4_000_000)
	w.leaf(mediaType, subtype, "base64", size, "name", name)
	w.put(` NIL ("attachment" `)
	if w.chance(30) {
		w.params("filename", name, "size", strconv.Itoa(size*3/4), "creation-date", w.moment(1).Format(time.RFC1123Z))
	} else {
		w.params("filename", name)
	}
	w.put(") NIL NIL)")
}

func (w *writer) inlineImage() {
	name := "image00" + strconv.Itoa(w.rand.IntN(9)) + ".png"
	w.leaf("image", "png", "base64", w.from(500, 90_000), "name", name)
	w.put(` NIL ("inline" `)
	w.params("filename", name)
	w.put(") NIL NIL)")
}

func (w *writer) withAttachments() {
	w.multipart("mixed", func() {
		if w.chance(70) {
			w.alternative()
		} else {
			w.text()
		}
		for range w.from(1, 3) {
			w.attachment()
		}
	})
}

func (w *writer) withImages() {
	related := func() {
		w.multipart("related", func() {
			w.alternative()
			for range w.from(1, 3) {
				w.inlineImage()
			}
		}, "type", "multipart/alternative")
	}
	if w.chance(60) {
		related()
		return
	}
	w.multipart("mixed", func() {
		related()
		w.attachment()
	})
}

func (w *writer) listMail() {
	w.multipart("mixed", func() {
		w.text()
		w.leaf("text", "plain", "7bit", 181, "charset", "us-ascii")
		w.put(` 4 NIL ("inline" NIL) NIL NIL)`)
	})
}

// message writes a message/rfc822 part.
func (w *writer) message(k kind) {
	size := w.from(2_000, 200_000)
	w.leaf("message", "rfc822", "7bit", size)
	w.put(" ")
	var ignored int
	w.envelope(k, w.moment(1), &ignored)
	w.put(" ")
	k.body(w)
	w.putf(` %d NIL ("attachment" NIL) NIL NIL)`, size/61+1)
}

func (w *writer) forwarded() {
	w.multipart("mixed", func() {
		w.text()
		w.message(kind{to: 2, cc: 1, body: (*writer).alternative})
	})
}

func (w *writer) report() {
	w.multipart("report", func() {
		w.textPart("plain")
		w.leaf("message", "delivery-status", "7bit", w.from(200, 900))
		w.put(" NIL NIL NIL NIL)")
		w.message(kind{to: 2, body: (*writer).text})
	}, "report-type", "delivery-status")
}

func (w *writer) invitation() {
	w.multipart("mixed", func() {
		w.multipart("alternative", func() {
			w.textPart("plain")
			w.textPart("html")
			w.textPart("calendar", "method", "REQUEST")
		})
		w.leaf("application", "ics", "base64", w.from(900, 4000), "name", "invite.ics")
		w.put(` NIL ("attachment" ("filename" "invite.ics")) NIL NIL)`)
	})
}
