package imaptest

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// sectionRequest is one BODY[…], BODY.PEEK[…] or RFC822… of a FETCH.
type sectionRequest struct {
	item   string // "BODY", "RFC822", "RFC822.HEADER", "RFC822.TEXT"
	spec   string // what stands between the brackets, as it goes into the answer
	path   []int
	what   string // "", HEADER, HEADER.FIELDS, HEADER.FIELDS.NOT, TEXT, MIME
	names  []string
	offset int64 // -1: the whole
	length int64
	peek   bool
}

var errSection = errors.New("unknown section")

// parseSection reads what a client sent as one argument, such as "BODY.PEEK[1.HEADER.FIELDS (To)]<0.9>".
// It reports false if it is no section at all.
func parseSection(text string) (sectionRequest, bool, error) {
	r := sectionRequest{offset: -1}
	switch upper := strings.ToUpper(text); upper {
	case "RFC822":
		r.item = upper
		return r, true, nil
	case "RFC822.HEADER":
		r.item, r.what, r.peek = upper, "HEADER", true
		return r, true, nil
	case "RFC822.TEXT":
		r.item, r.what = upper, "TEXT"
		return r, true, nil
	}
	name, rest, ok := strings.Cut(text, "[")
	if !ok {
		return r, false, nil
	}
	switch strings.ToUpper(name) {
	case "BODY":
	case "BODY.PEEK":
		r.peek = true
	default:
		return r, true, errSection
	}
	r.item = "BODY"
	end := strings.LastIndexByte(rest, ']')
	if end < 0 {
		return r, true, errSection
	}
	if err := r.parsePartial(rest[end+1:]); err != nil {
		return r, true, err
	}
	return r, true, r.parseSpec(rest[:end])
}

// parsePartial reads "<offset.length>", or nothing.
func (r *sectionRequest) parsePartial(text string) error {
	if text == "" {
		return nil
	}
	inner, ok := strings.CutPrefix(text, "<")
	inner, ok2 := strings.CutSuffix(inner, ">")
	offset, length, ok3 := strings.Cut(inner, ".")
	var err1, err2 error
	r.offset, err1 = strconv.ParseInt(offset, 10, 63)
	r.length, err2 = strconv.ParseInt(length, 10, 63)
	if ok && ok2 && ok3 && err1 == nil && err2 == nil && r.offset >= 0 && r.length > 0 {
		return nil
	}
	return errSection
}

func (r *sectionRequest) parseSpec(spec string) error {
	what := spec
	for what != "" {
		number, rest, _ := strings.Cut(what, ".")
		n, err := strconv.Atoi(number)
		if err != nil {
			break
		}
		if n < 1 {
			return errSection
		}
		r.path = append(r.path, n)
		what = rest
	}
	word, list, hasList := strings.Cut(what, " ")
	r.what = strings.ToUpper(word)
	r.spec = strings.ToUpper(spec)
	switch r.what {
	case "", "HEADER", "TEXT":
	case "MIME":
		if len(r.path) == 0 {
			return errSection
		}
	case "HEADER.FIELDS", "HEADER.FIELDS.NOT":
		if !hasList || !strings.HasPrefix(list, "(") || !strings.HasSuffix(list, ")") {
			return errSection
		}
		return r.parseNames(list[1 : len(list)-1])
	default:
		return errSection
	}
	if hasList {
		return errSection
	}
	return nil
}

func (r *sectionRequest) parseNames(list string) error {
	for name := range strings.FieldsSeq(list) {
		if unquoted, err := strconv.Unquote(name); err == nil && name[0] == '"' {
			name = unquoted
		}
		r.names = append(r.names, name)
	}
	if len(r.names) == 0 {
		return errSection
	}
	i := strings.IndexByte(r.spec, '(')
	r.spec = r.spec[:i] + "(" + strings.ToUpper(strings.Join(r.names, " ")) + ")"
	return nil
}

// read returns what a message has for a request. A part that does not exist is empty.
func (r *sectionRequest) read(c *content) imap.Section {
	s := imap.Section{Item: r.item, Spec: r.spec, Offset: r.offset}
	data := r.find(c)
	if r.offset >= 0 {
		start := min(r.offset, int64(len(data)))
		data = data[start:min(start+r.length, int64(len(data)))]
	}
	s.Data, s.Size = string(data), int64(len(data))
	return s
}

func (r *sectionRequest) find(c *content) []byte {
	if len(r.path) == 0 && r.what == "" {
		return c.raw
	}
	root := c.root()
	if len(r.path) == 0 {
		return r.findIn(root)
	}
	p := root.descend(r.path)
	switch {
	case p == nil:
		return nil
	case r.what == "":
		return p.body
	case r.what == "MIME":
		return p.header
	case p.message == nil:
		return nil // RFC 9051 section 6.4.5: HEADER and TEXT are of messages only
	}
	return r.findIn(p.message)
}

// findIn returns a part of the message p.
func (r *sectionRequest) findIn(p *part) []byte {
	switch r.what {
	case "HEADER":
		return p.header
	case "TEXT":
		return p.body
	}
	var out []byte
	for _, f := range p.fields {
		if hasName(r.names, f.name) == (r.what == "HEADER.FIELDS") {
			out = append(out, f.raw...)
		}
	}
	if len(out) > 0 && !bytes.HasSuffix(out, []byte("\n")) {
		out = append(out, "\r\n"...)
	}
	return append(out, "\r\n"...)
}

func hasName(names []string, name string) bool {
	for _, n := range names {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// descend finds the part with the numbers in path (RFC 9051 section 6.4.5.1): a message that is not
// a multipart has one part, its body.
func (p *part) descend(path []int) *part {
	msg := p // part numbers count in this message, or this multipart
	for _, n := range path {
		if msg == nil {
			return nil
		}
		switch {
		case msg.isType("multipart/"):
			if n > len(msg.children) {
				return nil
			}
			p = msg.children[n-1]
		case n == 1:
			p = msg
		default:
			return nil
		}
		switch {
		case p.message != nil:
			msg = p.message
		case p.isType("multipart/") && p != msg:
			msg = p
		default:
			msg = nil
		}
	}
	return p
}
