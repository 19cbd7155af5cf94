package imap

import (
	"encoding/base64"
	"io"
	"strings"
	"unicode/utf8"
)

// CharsetReader turns text in the character set that label names into UTF-8. It returns an error
// for a label that it does not know. golang.org/x/net/html/charset.NewReaderLabel is one.
type CharsetReader = func(label string, input io.Reader) (io.Reader, error)

// DecodeWords returns text with its encoded words (RFC 2047) decoded. It never fails: a word that
// cannot be decoded stays as it is. The result is valid UTF-8; raw bytes that are not are taken
// for windows-1252. Control characters stay, also those that were encoded: see [Printable].
//
// UTF-8, US-ASCII, ISO-8859-1 and windows-1252 need no charset, which can be nil; it is asked for
// all others.
//
// Beyond RFC 2047: white space and "?" inside a word, words without white space around them, base64
// without padding, and characters that were cut in two at the border of two words.
func DecodeWords(text string, charset CharsetReader) string {
	first := strings.Index(text, "=?")
	if first < 0 {
		return fromRaw(text)
	}
	d := wordDecoder{in: text, charset: charset}
	d.out.Grow(len(text))
	d.decode(first)
	return d.out.String()
}

// encodedWord is one "=?charset?encoding?text?=".
type encodedWord struct {
	charset string // without a language (RFC 2231 section 5)
	base64  bool
	text    string
	end     int // the position after it
}

// wordDecoder copies in to out, run by run: text, then words of one charset, and so on.
type wordDecoder struct {
	in      string
	charset CharsetReader
	out     strings.Builder
	copied  int // what of in is in out
	// afterWord says that out ends in a decoded word: white space up to the next one is dropped.
	afterWord bool
}

func (d *wordDecoder) decode(at int) {
	for at >= 0 {
		w, ok := parseWord(d.in, at)
		if !ok {
			at = nextWord(d.in, at+2)
			continue
		}
		run := []encodedWord{w}
		for {
			w, ok := parseWord(d.in, skipSpace(d.in, run[len(run)-1].end))
			if !ok || !strings.EqualFold(w.charset, run[0].charset) {
				break
			}
			run = append(run, w)
		}
		end := run[len(run)-1].end
		if decoded, ok := d.decodeRun(run); ok {
			d.copyTo(at, true)
			d.out.WriteString(decoded)
			d.copied, d.afterWord = end, true
		}
		at = nextWord(d.in, end)
	}
	d.copyTo(len(d.in), false)
}

func nextWord(text string, from int) int {
	if i := strings.Index(text[from:], "=?"); i >= 0 {
		return from + i
	}
	return -1
}

func skipSpace(text string, i int) int {
	for i < len(text) && isSpace(text[i]) {
		i++
	}
	return i
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// copyTo copies text that is no word. RFC 2047 section 6.2: white space between two words goes.
func (d *wordDecoder) copyTo(end int, word bool) {
	text := d.in[d.copied:end]
	if !(d.afterWord && word && skipSpace(text, 0) == len(text)) {
		d.out.WriteString(fromRaw(text))
	}
	d.copied = end
}

// maxCharset bounds the name of a character set; the longest that IANA knows has 45 bytes.
const maxCharset = 64

// parseWord reads the word at i. Its cost is bounded by the distance to the next "=?", so a text
// full of beginnings costs no more than its length.
func parseWord(text string, i int) (w encodedWord, ok bool) {
	if !strings.HasPrefix(text[i:], "=?") {
		return w, false
	}
	i += 2
	n := strings.IndexByte(text[i:min(len(text), i+maxCharset)], '?')
	if n <= 0 || strings.ContainsAny(text[i:i+n], " \t\r\n=") || i+n+2 >= len(text) || text[i+n+2] != '?' {
		return w, false
	}
	w.charset, _, _ = strings.Cut(text[i:i+n], "*")
	switch text[i+n+1] {
	case 'B', 'b':
		w.base64 = true
	case 'Q', 'q':
	default:
		return w, false
	}
	i += n + 3
	n, ok = wordEnd(text[i:])
	w.text, w.end = text[i:i+n], i+n+2
	return w, ok
}

// wordEnd returns where the "?=" is. The beginning of another word before it means that there is none;
// in "=?=" the first "=" belongs to the text.
func wordEnd(text string) (int, bool) {
	for i := 0; i+1 < len(text); i++ {
		switch {
		case text[i] == '?' && text[i+1] == '=':
			return i, true
		case text[i] == '=' && text[i+1] == '?' && !strings.HasPrefix(text[i+2:], "="):
			return 0, false
		}
	}
	return 0, false
}

// decodeRun decodes words of one charset, separated by nothing but white space. Their bytes are
// joined before they become characters, for many senders cut words inside one.
func (d *wordDecoder) decodeRun(run []encodedWord) (string, bool) {
	var raw []byte
	for i := 0; i < len(run); i++ {
		text := run[i].text
		if !run[i].base64 {
			raw = appendQ(raw, text)
			continue
		}
		// Base64 that was cut outside a group of four goes on in the next word.
		for i+1 < len(run) && run[i+1].base64 && !wholeBase64(text) {
			i++
			text += run[i].text
		}
		var ok bool
		if raw, ok = appendBase64(raw, text); !ok {
			return "", false
		}
	}
	return decodeCharset(run[0].charset, raw, d.charset)
}

// appendQ decodes the Q encoding (RFC 2047 section 4.2). A "=" without two hexadecimal digits is
// taken for itself.
func appendQ(dst []byte, text string) []byte {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '_':
			dst = append(dst, ' ')
		case '=':
			if b, ok := unhex(text, i+1); ok {
				dst = append(dst, b)
				i += 2
				continue
			}
			dst = append(dst, c)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// unhex reads two hexadecimal digits at i.
func unhex(text string, i int) (byte, bool) {
	if i+2 > len(text) {
		return 0, false
	}
	hi, ok1 := hexDigit(text[i])
	lo, ok2 := hexDigit(text[i+1])
	return hi<<4 | lo, ok1 && ok2
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case isDigit(c):
		return c - '0', true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

// wholeBase64 reports whether text ends at the border of a group of four, or in padding.
func wholeBase64(text string) bool {
	n := 0
	for i := range len(text) {
		if text[i] == '=' {
			return true
		}
		if !isSpace(text[i]) {
			n++
		}
	}
	return n%4 == 0
}

// appendBase64 decodes base64 with or without padding, also where padded pieces were put together
// in one word. White space does not count.
func appendBase64(dst []byte, text string) ([]byte, bool) {
	text = strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && isSpace(byte(r)) {
			return -1
		}
		return r
	}, text)
	for piece := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '=' }) {
		var err error
		// A lone character at the end has only six bits: it is the rest of something lost.
		if len(piece)%4 == 1 {
			piece = piece[:len(piece)-1]
		}
		if dst, err = base64.RawStdEncoding.AppendDecode(dst, []byte(piece)); err != nil {
			return dst, false
		}
	}
	return dst, true
}

// decodeCharset turns raw into UTF-8. It returns false for a charset that nobody knows.
func decodeCharset(label string, raw []byte, charset CharsetReader) (string, bool) {
	switch strings.ToLower(label) {
	case "utf-8", "utf8":
		return strings.ToValidUTF8(string(raw), "\uFFFD"), true
	case "us-ascii", "ascii", "", "unknown-8bit", "x-unknown", "unknown", "default":
		return fromRaw(string(raw)), true
	case "iso-8859-1", "iso8859-1", "iso_8859-1", "latin1", "windows-1252", "cp1252", "cp-1252":
		// Who says ISO-8859-1 and uses its C1 control characters means windows-1252.
		return fromWindows1252(string(raw)), true
	}
	if charset == nil {
		return "", false
	}
	r, err := charset(label, strings.NewReader(string(raw)))
	if err != nil {
		return "", false
	}
	out, err := io.ReadAll(r)
	if err != nil {
		return "", false
	}
	return strings.ToValidUTF8(string(out), "\uFFFD"), true
}

// fromRaw returns text of an unknown charset: itself if it is valid UTF-8, else as windows-1252.
func fromRaw(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return fromWindows1252(text)
}

// windows1252 has the characters 0x80 to 0x9f; the rest is as in ISO-8859-1.
const windows1252 = "€\uFFFD‚ƒ„…†‡ˆ‰Š‹Œ\uFFFDŽ\uFFFD\uFFFD‘’“”•–—˜™š›œ\uFFFDžŸ"

var windows1252Runes = []rune(windows1252)

func fromWindows1252(text string) string {
	var b strings.Builder
	b.Grow(len(text) + len(text)/2)
	for i := range len(text) {
		if c := text[i]; c >= 0x80 && c < 0xa0 {
			b.WriteRune(windows1252Runes[c-0x80])
		} else {
			b.WriteRune(rune(c))
		}
	}
	return b.String()
}
