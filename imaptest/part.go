package imaptest

import (
	"bytes"
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// Bounds on what a message can make the server build.
const (
	maxPartDepth = 20
	maxParts     = 1000
)

// part is a message or a part of one. All slices point into the raw message.
type part struct {
	header []byte // with the empty line
	body   []byte
	fields []field
	kind   headerValue // Content-Type, never empty
	// children are the parts of a multipart.
	children []*part
	// message is what a message/rfc822 part holds.
	message *part
}

// parseMessage reads a whole message. It never fails: what makes no sense is text.
func parseMessage(raw []byte) *part {
	budget := maxParts
	return parsePart(raw, "text/plain", 0, &budget)
}

func parsePart(raw []byte, defaultType string, depth int, budget *int) *part {
	*budget--
	p := &part{}
	p.header, p.body = splitMessage(raw)
	p.fields = parseHeader(p.header)
	p.kind = parseHeaderValue(firstOr(p.fields, "Content-Type"))
	if major, minor, ok := strings.Cut(p.kind.word, "/"); !ok || major == "" || minor == "" {
		p.kind = headerValue{word: defaultType}
	}
	if p.isType("text/") && !p.kind.has("charset") {
		// The default (RFC 2045 section 5.2), which servers write out.
		p.kind.params = append(p.kind.params, imap.Param{Name: "charset", Value: "us-ascii"})
	}
	if depth >= maxPartDepth {
		return p
	}
	switch {
	case p.isType("multipart/"):
		p.parseChildren(depth, budget)
	case p.isType("message/rfc822"), p.isType("message/global"):
		if *budget > 0 {
			p.message = parsePart(p.body, "text/plain", depth+1, budget)
		}
	}
	return p
}

// isType reports whether the media type is name, or starts with it when name ends in "/".
func (p *part) isType(name string) bool {
	if strings.HasSuffix(name, "/") {
		return len(p.kind.word) >= len(name) && strings.EqualFold(p.kind.word[:len(name)], name)
	}
	return strings.EqualFold(p.kind.word, name)
}

// parseChildren cuts a multipart at its boundary (RFC 2046 section 5.1.1). The line end before a
// boundary belongs to the boundary.
func (p *part) parseChildren(depth int, budget *int) {
	boundary := p.kind.param("boundary")
	if boundary == "" {
		return
	}
	defaultType := "text/plain"
	if p.isType("multipart/digest") {
		defaultType = "message/rfc822"
	}
	mark := []byte("--" + boundary)
	start := -1 // of the current part
	add := func(end int) {
		if start >= 0 && *budget > 0 {
			p.children = append(p.children, parsePart(trimLineEnd(p.body[start:max(start, end)]), defaultType, depth+1, budget))
		}
	}
	for pos := 0; pos < len(p.body); {
		line := nextLine(p.body[pos:])
		rest, ok := bytes.CutPrefix(line, mark)
		last := bytes.HasPrefix(rest, []byte("--"))
		if ok && len(bytes.Trim(bytes.TrimPrefix(rest, []byte("--")), " \t\r\n")) == 0 {
			add(pos)
			start = pos + len(line)
			if last {
				return
			}
		}
		pos += len(line)
	}
	if start >= 0 && start < len(p.body) {
		p.children = append(p.children, parsePart(p.body[start:], defaultType, depth+1, budget))
	}
}

func trimLineEnd(b []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("\n")), []byte("\r"))
}
