package imap

import (
	"bufio"
	"io"
	"strings"
	"unicode/utf8"
)

// DecodeTransfer returns a reader for the content of a part without its transfer encoding (RFC 2045
// section 6): encoding is "base64", "quoted-printable", or any other for content that stands for itself.
// It is what BINARY sections (RFC 3516) spare where a server has them.
//
// It never fails by itself, since senders, and pieces of a content, are not always right: in base64,
// whatever is no base64 is left out, padding ends a piece and not the content, and bits that make no byte at the end are
// dropped; in quoted-printable, a "=" without two hexadecimal digits stands for itself. Errors of r
// come after what could be decoded.
func DecodeTransfer(encoding string, r io.Reader) io.Reader {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "base64":
		return &byteReader{next: (&base64Reader{in: bufio.NewReader(r)}).next}
	case "quoted-printable":
		return &byteReader{next: (&quotedReader{in: bufio.NewReader(r)}).next}
	}
	return r
}

// byteReader is a reader that is made byte by byte.
type byteReader struct {
	next func() (byte, error)
	err  error
}

func (b *byteReader) Read(p []byte) (n int, err error) {
	for n < len(p) && b.err == nil {
		var c byte
		if c, b.err = b.next(); b.err == nil {
			p[n] = c
			n++
		}
	}
	if n > 0 || len(p) == 0 {
		return n, nil
	}
	return 0, b.err
}

// base64Reader decodes base64.
type base64Reader struct {
	in   *bufio.Reader
	bits uint32
	n    int // bits
}

func (b *base64Reader) next() (byte, error) {
	for b.n < 8 {
		c, err := b.in.ReadByte()
		if err != nil {
			return 0, err
		}
		switch v := base64Value[c]; {
		case c == '=':
			b.n = 0 // what follows starts anew
		case v >= 0:
			b.bits, b.n = b.bits<<6|uint32(v), b.n+6
		}
	}
	b.n -= 8
	return byte(b.bits >> b.n), nil
}

var base64Value = func() (t [256]int8) {
	for i := range t {
		t[i] = int8(strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", byte(i)))
	}
	return t
}()

// quotedReader decodes quoted-printable.
type quotedReader struct{ in *bufio.Reader }

func (q *quotedReader) next() (byte, error) {
	for {
		c, err := q.in.ReadByte()
		if c != '=' || err != nil {
			return c, err
		}
		// A line of quoted-printable has 76 characters, and may end in white space that was added on the way.
		ahead, _ := q.in.Peek(2)
		if b, ok := unhex(string(ahead), 0); ok {
			_, _ = q.in.Discard(2)
			return b, nil
		}
		if !q.skipLineEnd() {
			return c, nil
		}
	}
}

// skipLineEnd reads white space up to and with the end of the line, if there is nothing else.
func (q *quotedReader) skipLineEnd() bool {
	for n := 1; n <= 80; n++ {
		ahead, err := q.in.Peek(n)
		if err != nil {
			_, _ = q.in.Discard(len(ahead))
			return true // the content, or this piece of it, ends here
		}
		switch c := ahead[n-1]; {
		case c == '\n':
			_, _ = q.in.Discard(n)
			return true
		case !isSpace(c):
			return false
		}
	}
	return false
}

// DecodeText returns the text of the part, of which content is all, or the beginning: without its
// transfer encoding, in UTF-8, its lines ended by "\n". Where the character set is not known, and charset (see
// [DecodeWords]) does not know it either, it is taken for UTF-8 or else for windows-1252. The markup
// of HTML stays.
func (p *BodyPart) DecodeText(content []byte, charset CharsetReader) string {
	raw, _ := io.ReadAll(DecodeTransfer(p.Encoding, strings.NewReader(string(content))))
	label := p.Param("charset")
	text, ok := decodeCharset(label, cutRune(raw, label), charset)
	if !ok {
		text = fromRaw(string(raw))
	}
	return strings.ReplaceAll(text, "\r\n", "\n")
}

// cutRune takes the beginning of a character of UTF-8 off the end of raw.
func cutRune(raw []byte, label string) []byte {
	switch strings.ToLower(label) {
	case "utf-8", "utf8", "", "us-ascii", "ascii":
	default:
		return raw
	}
	for n := 1; n < utf8.UTFMax && n <= len(raw); n++ {
		if c := raw[len(raw)-n]; utf8.RuneStart(c) {
			if c >= utf8.RuneSelf && !utf8.FullRune(raw[len(raw)-n:]) {
				return raw[:len(raw)-n]
			}
			break
		}
	}
	return raw
}
