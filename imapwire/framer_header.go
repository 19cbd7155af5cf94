package imapwire

import (
	"bytes"
	"math"
)

// header is a literal header (RFC 9051 section 4.3, RFC 7888, RFC 3516).
type header struct {
	start    int   // where its "{" (or "~{") stands in the line
	size     int64 // math.MaxInt64 if it does not fit
	overflow bool
	sync     bool // the sender waits for a "+"
}

// maxHeader is the length of the longest literal header that is understood.
const maxHeader = 48

// header returns the literal header at the end of text, which follows before in the response.
func (f *Framer) header(text, before []byte) (header, bool) {
	h, ok := parseHeader(text, f.quirks)
	if !ok {
		return h, false
	}
	if len(before) > 0 {
		// Past the first literal of a status response its code is still open, or it is text.
		return h, !isText(before) || bytes.IndexByte(text, ']') < 0
	}
	return h, !isText(text) || isOpenBadCharset(text)
}

// parseHeader reads the literal header at the end of line.
func parseHeader(line []byte, quirks QuirkSet) (header, bool) {
	n := len(line)
	if !quirks.Has(QuirkLiteralHeader) {
		for n > 0 && (line[n-1] == ' ' || line[n-1] == '\t') {
			n--
		}
	}
	if n == 0 || line[n-1] != '}' {
		return header{}, false
	}
	from := max(0, n-maxHeader)
	open := bytes.LastIndexByte(line[from:n], '{')
	if open < 0 {
		return header{}, false
	}
	open += from
	h, rest := headerSize(line[open+1 : n-1])
	if h.size < 0 {
		return header{}, false
	}
	if len(rest) > 0 {
		h.sync = rest[0] != '+' && rest[0] != '-'
		if (h.sync || len(rest) > 1) && quirks.Has(QuirkLiteralHeader) {
			return header{}, false
		}
	}
	h.start = open
	if open > 0 && line[open-1] == '~' {
		h.start--
	}
	return h, true
}

// headerSize reads the number at the start of b. The size is -1 if there is none.
func headerSize(b []byte) (h header, rest []byte) {
	h.sync = true
	i := 0
	for ; i < len(b) && b[i]-'0' <= 9; i++ {
		if h.size > (math.MaxInt64-9)/10 {
			h.overflow = true
			continue
		}
		h.size = h.size*10 + int64(b[i]-'0')
	}
	switch {
	case i == 0:
		h.size = -1
	case h.overflow:
		h.size = math.MaxInt64
	}
	return h, b[i:]
}

// isText reports whether a response that starts with b ends in free text, so that what looks like a
// literal header at its end is none.
func isText(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	word, rest, _ := bytes.Cut(firstLine(b), space)
	if b[0] == '[' || len(word) == 1 && b[0] == '+' {
		return true
	}
	if len(rest) > 0 && rest[0] == '[' && len(word) == 1 && b[0] == '*' {
		return true // "* [CODE] text"
	}
	word, _, _ = bytes.Cut(rest, space)
	return isStatusWord(word)
}

var (
	space      = []byte(" ")
	badCharset = []byte("[BADCHARSET")
)

// firstLine returns the part of the first line of b that the decisions here need.
func firstLine(b []byte) []byte {
	b = b[:min(len(b), 512)]
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		b = b[:i]
	}
	return trimCR(b)
}

func isStatusWord(w []byte) bool {
	if len(w) < 2 || len(w) > 7 {
		return false
	}
	_, ok := statusKind(string(w))
	return ok
}

// isOpenBadCharset reports whether text is a status response whose code BADCHARSET is not closed.
func isOpenBadCharset(text []byte) bool {
	_, rest, _ := bytes.Cut(text, space)
	_, rest, _ = bytes.Cut(rest, space)
	return len(rest) > len(badCharset) && bytes.EqualFold(rest[:len(badCharset)], badCharset) &&
		bytes.IndexByte(rest, ']') < 0
}

// isSection reports whether head, which ends in a literal header, is a FETCH or UIDFETCH response
// whose literal is the value of a body section: BODY[…], BINARY[…], RFC822, RFC822.HEADER, RFC822.TEXT.
func isSection(head []byte) bool {
	if !isFetch(head) {
		return false
	}
	open := bytes.LastIndexByte(head, '{')
	b := bytes.TrimRight(head[:max(0, open)], "~ ")
	if n := len(b); n > 0 && b[n-1] == '>' {
		b = b[:max(0, bytes.LastIndexByte(b, '<'))]
	}
	n := len(b)
	if n > 0 && b[n-1] == ']' {
		b = b[:max(0, bytes.LastIndexByte(b, '['))]
		return hasSuffixFold(b, "BODY") || hasSuffixFold(b, "BINARY") || hasSuffixFold(b, "BODY.PEEK")
	}
	return hasSuffixFold(b, "RFC822") || hasSuffixFold(b, "RFC822.HEADER") || hasSuffixFold(b, "RFC822.TEXT")
}

// hasSuffixFold reports whether b ends in word, which starts an item.
func hasSuffixFold(b []byte, word string) bool {
	n := len(b) - len(word)
	return n > 0 && (b[n-1] == ' ' || b[n-1] == '(') && bytes.EqualFold(b[n:], []byte(word))
}

// isFetch reports whether head starts with "* n FETCH " or "* n UIDFETCH ".
func isFetch(head []byte) bool {
	b, ok := bytes.CutPrefix(head, []byte("* "))
	if !ok {
		return false
	}
	b = bytes.TrimLeft(b, "0123456789")
	if len(b) < 7 || b[0] != ' ' {
		return false
	}
	word, _, _ := bytes.Cut(b[1:min(len(b), 16)], space)
	return bytes.EqualFold(word, []byte("FETCH")) || bytes.EqualFold(word, []byte("UIDFETCH"))
}

// isLong reports whether the response is one whose lines are bounded by Limits.Response alone: a list of
// message numbers.
func (f *Framer) isLong() bool {
	b, ok := bytes.CutPrefix(f.buf[f.start:f.end], []byte("* "))
	if !ok {
		return false
	}
	word, _, _ := bytes.Cut(b[:min(len(b), 16)], space)
	for _, long := range [...]string{"SEARCH", "SORT", "THREAD", "ESEARCH", "VANISHED"} {
		if bytes.EqualFold(word, []byte(long)) {
			return true
		}
	}
	return false
}

// stray says what an empty line after a literal is.
type stray uint8

const (
	strayNo stray = iota
	strayYes
	strayUnknown // the byte after it has not come
)

// strayEnd decides what the empty line is that starts at line, right after a literal, and ends at lf: the
// end of the response, or line ends that belong to a literal announced too short. A FETCH response
// cannot end right after a literal, for its ")" is missing; the response goes on if the next line starts
// like the rest of one.
func (f *Framer) strayEnd(start, line, lf int) stray {
	if line == start || f.quirks.Has(QuirkStrayLineEnd) || !isFetch(f.buf[start:line]) {
		return strayNo
	}
	if lf+1 >= f.end {
		return strayUnknown
	}
	if c := f.buf[lf+1]; c == ' ' || c == ')' {
		return strayYes
	}
	return strayNo
}

// afterLiteral reports whether the current line follows a literal directly.
func (f *Framer) afterLiteral() bool {
	k := len(f.lits) - 1
	if k < 0 {
		return false
	}
	pos := f.start + f.lits[k].Offset
	if !f.lits[k].Streamed {
		pos += int(f.lits[k].Size)
	}
	return pos == f.line
}
