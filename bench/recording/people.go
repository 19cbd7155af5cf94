package recording

import (
	"mime"
	"strings"
)

var (
	firstNames = strings.Fields("Anna Bo Chidi Dolores Émile Fatima Gustav Hiroko Ivan Jo Katarzyna Li María Noor Olga Priya Quentin Rosa Sam Thu Uma Viktor Wei Xenia Yusuf Zoë")
	lastNames  = strings.Fields("Andersson Brown Chen Dubois Eriksen Fischer García Hansen Ito Jones Kowalski López Müller Nguyen Okafor Petrov Quist Rossi Smith Tanaka Usman Virtanen Watanabe Xu Yılmaz Zhang")
	hosts      = strings.Fields("example.org example.com mail.example.net students.example.edu corp.example.de gmail.example uni.example.ac.uk partner.example.co.jp")
	shops      = strings.Fields("Bookshop Trains Energy Telecom Pharmacy Airline Bank Garden Tickets Museum")
	words      = strings.Fields("minutes of the meeting your order has shipped invoice weekly digest release candidate question about schedule lunch draft photos from Saturday " +
		"proposal budget review reminder tomorrow final version contract renewal agenda notes changes requested build failed on main security advisory welcome aboard travel plans " +
		"Grüße aus Köln réunion déplacée größere Änderung niño mañana 会議 資料 заметки встреча")
)

// address is a person or a sender of many mails.
type address struct{ name, mailbox, host string }

func (w *writer) person() address {
	first, last := w.pick(firstNames...), w.pick(lastNames...)
	a := address{mailbox: plain(strings.ToLower(first + "." + last)), host: w.pick(hosts...)}
	switch n := w.rand.IntN(10); {
	case n < 2: // no name
	case n < 3:
		a.name = last + ", " + first
	case n < 4:
		a.name = first + ` "` + first[:1] + `" ` + last
	default:
		a.name = first + " " + last
	}
	return a
}

// robot is who writes newsletters and notifications.
func (w *writer) robot() address {
	shop := w.pick(shops...)
	return address{
		name:    "Example " + shop,
		mailbox: w.pick("no-reply", "news", "notifications", "bounce+"+w.hex(8)),
		host:    "mail." + strings.ToLower(shop) + ".example.com",
	}
}

// plain leaves out what is not US-ASCII.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 0x80 {
			return -1
		}
		return r
	}, s)
}

// encode writes text as it stands in a header: with encoded words where it is not US-ASCII.
func (w *writer) encode(text string) string {
	charset := "utf-8"
	if w.chance(25) && latin1(text) {
		charset = "iso-8859-1"
		text = string(toLatin1(text))
	}
	if w.chance(50) {
		return mime.BEncoding.Encode(charset, text)
	}
	return mime.QEncoding.Encode(charset, text)
}

func latin1(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r > 0xff }) < 0
}

func toLatin1(text string) []byte {
	var b []byte
	for _, r := range text {
		b = append(b, byte(r))
	}
	return b
}

// subject returns a subject line.
func (w *writer) subject() string {
	var s []string
	switch n := w.rand.IntN(10); {
	case n < 3:
		s = append(s, "Re:")
	case n < 4:
		s = append(s, "Fwd:")
	case n < 5:
		s = append(s, "["+w.pick("dev", "announce", "board", "JIRA")+"]")
	}
	start := w.rand.IntN(len(words))
	for i := range w.from(3, 8) {
		s = append(s, words[(start+i)%len(words)])
	}
	switch w.rand.IntN(20) {
	case 0:
		s = append(s, `"`+w.pick(words...)+`"`)
	case 1:
		s = append(s, "#"+w.hex(4))
	}
	return strings.Join(s, " ")
}

const hexDigits = "0123456789abcdef"

func (w *writer) hex(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = hexDigits[w.rand.IntN(16)]
	}
	return string(b)
}

func (w *writer) messageID(host string) string {
	switch w.rand.IntN(3) {
	case 0:
		return "<" + w.hex(8) + "-" + w.hex(4) + "-" + w.hex(4) + "-" + w.hex(12) + "@" + host + ">"
	case 1:
		return "<CA+" + w.hex(32) + "@" + host + ">"
	}
	return "<" + w.hex(16) + "." + w.hex(8) + "@" + host + ">"
}
