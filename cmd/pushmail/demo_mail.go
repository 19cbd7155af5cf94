package main

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"time"
)

// letter is one message of the demo before it is written as one.
type letter struct {
	name, address string
	subject       string
	text          string
	attachments   []enclosure
}

// enclosure is an attachment: size bytes of noise, since nobody opens it.
type enclosure struct {
	filename, mediaType string
	size                int
}

// letters are what people write to the demo.
var letters = []letter{
	{"Mia Okafor", "mia@okafor.example", "Lunch?", "The Thai place at half past twelve? I can book a table.", nil},
	{"Björn Håkansson", "bjorn@nordljus.example", "Angående mötet på fredag", "Kan vi flytta mötet till klockan tre?", nil},
	{"Nordwind GmbH", "rechnung@nordwind.example", "Invoice 2026-1178", "Please find our invoice attached. It is due in 14 days.", []enclosure{{"invoice-2026-1178.pdf", "application/pdf", 84_000}}},
	{"build-bot", "ci@builds.example", "[main] build #4711 passed", "412 tests passed in 38 s.", nil},
	{"佐藤 美咲", "misaki@sakura.example", "来週の打ち合わせについて", "火曜日の午後はいかがでしょうか。", nil},
	{"Dana Whitfield", "dana@whitfield.example", "Photos from Sunday 📷", "The lake was lovely. Three of them attached!", []enclosure{{"lake-1.jpg", "image/jpeg", 240_000}, {"lake-2.jpg", "image/jpeg", 310_000}, {"dog.jpg", "image/jpeg", 190_000}}},
	{"Support", "support@hosting.example", "Re: [#83321] Certificate about to expire", "We have renewed it. Nothing is left to do for you.", nil},
	{"Tomás Pereira", "tomas@pereira.example", "Re: Re: draft of the contract", "Two remarks in the margin, otherwise fine with me.", []enclosure{{"contract-v3.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", 52_000}}},
	{"Library", "noreply@library.example", "Your books are due on Thursday", "Two books: renew them online, or bring them back.", nil},
	{"Amina Yusuf", "amina@yusuf.example", "Are you coming tonight?", "Eight o'clock, bring a jumper, the heating is broken.", nil},
	{"monitoring", "alerts@monitoring.example", "RESOLVED: disk usage on db-2 is back to 61 %", "It was above 90 % for 12 minutes.", nil},
	{"Dad", "dad@family.example", "how do I print this", "It says the printer is offline but I am looking at it", nil},
	{"Railway", "tickets@railway.example", "Your ticket: 6:42 to the coast", "Platform 4. Have a good journey.", []enclosure{{"ticket.pkpass", "application/vnd.apple.pkpass", 18_000}}},
	{"Élodie Martin", "elodie@martin.example", "Compte rendu de la réunion", "Le compte rendu est en pièce jointe. Bonne lecture !", []enclosure{{"réunion.odt", "application/vnd.oasis.opendocument.text", 33_000}}},
	{"Newsletter", "hello@gardening.example", "10 plants that survive anything", "Number seven will not surprise you.", nil},
	{"Priya Raman", "priya@raman.example", "Fwd: quarterly figures", "See below. Call me when you have read it.", nil},
}

// encode writes the letter as a message (RFC 5322), at a date, with an identifier of its own.
func (l *letter) encode(at time.Time, id int, noise *rand.Rand) []byte {
	from := mail.Address{Name: l.name, Address: l.address}
	var b strings.Builder
	header := func(name, value string) { fmt.Fprintf(&b, "%s: %s\r\n", name, value) }
	header("Date", at.Format(time.RFC1123Z))
	header("From", from.String())
	header("To", "demo@pushmail.example")
	header("Subject", mime.QEncoding.Encode("utf-8", l.subject))
	header("Message-ID", fmt.Sprintf("<demo-%d@%s>", id, domain(l.address)))
	header("MIME-Version", "1.0")
	if len(l.attachments) == 0 {
		writeText(&b, l.text)
		return []byte(b.String())
	}
	const boundary = "=_next_part"
	header("Content-Type", `multipart/mixed; boundary="`+boundary+`"`)
	b.WriteString("\r\n--" + boundary + "\r\n")
	writeText(&b, l.text)
	for _, e := range l.attachments {
		b.WriteString("--" + boundary + "\r\n")
		e.write(&b, noise)
	}
	b.WriteString("--" + boundary + "--\r\n")
	return []byte(b.String())
}

func domain(address string) string {
	_, host, _ := strings.Cut(address, "@")
	return host
}

// writeText writes a text part with its header.
func writeText(b *strings.Builder, text string) {
	b.WriteString("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n")
	w := quotedprintable.NewWriter(b)
	_, _ = w.Write([]byte(text + "\r\n")) // a strings.Builder never fails
	_ = w.Close()
}

// write writes the part with its header.
func (e *enclosure) write(b *strings.Builder, noise *rand.Rand) {
	fmt.Fprintf(b, "Content-Type: %s\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: %s\r\n\r\n",
		e.mediaType, mime.FormatMediaType("attachment", map[string]string{"filename": e.filename}))
	data := make([]byte, e.size)
	for i := range data {
		data[i] = byte(noise.Uint32())
	}
	text := base64.StdEncoding.EncodeToString(data)
	for len(text) > 0 {
		n := min(76, len(text))
		b.WriteString(text[:n] + "\r\n")
		text = text[n:]
	}
}
