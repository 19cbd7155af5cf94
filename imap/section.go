package imap

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// SectionText is the last word of a section: which text of the message or part is meant (RFC 9051
// section 6.4.5.1).
type SectionText string

// Section texts.
const (
	SectionAll             SectionText = ""                  // the whole message, or the content of the part
	SectionHeader          SectionText = "HEADER"            // of the message, or of a message/rfc822 part
	SectionHeaderFields    SectionText = "HEADER.FIELDS"     // the header, only with Fields
	SectionHeaderFieldsNot SectionText = "HEADER.FIELDS.NOT" // the header without Fields
	SectionBody            SectionText = "TEXT"              // what follows that header
	SectionMIME            SectionText = "MIME"              // the MIME header of a part
)

// SectionItem is what is asked of a section.
type SectionItem string

// Section items.
const (
	SectionItemBody       SectionItem = ""            // BODY: as it stands in the message
	SectionItemBinary     SectionItem = "BINARY"      // without its transfer encoding (RFC 3516)
	SectionItemBinarySize SectionItem = "BINARY.SIZE" // the size of that
)

// SectionRequest asks FETCH for a section of a message. The zero value asks for the whole message
// and leaves \Seen alone: BODY.PEEK[].
type SectionRequest struct {
	Item SectionItem
	// Part is the path to a part, such as 1.2; nil is the message itself.
	Part []uint32
	Text SectionText
	// Fields are the header field names for the two HEADER.FIELDS texts.
	Fields []string
	// SetSeen has the server set \Seen: it leaves out ".PEEK".
	SetSeen bool
	// Offset and Length ask for a piece only, if Length is not zero. A Length of ToEnd asks for the rest.
	Offset, Length int64
}

// ToEnd is a Length that reaches beyond the end of every section that RFC 3501 allows: it has 32 bits.
const ToEnd = 1<<32 - 1

var errSection = errors.New("not a section")

// Validate reports what is wrong with r, if anything.
func (r *SectionRequest) Validate() error {
	switch r.Item {
	case SectionItemBody:
	case SectionItemBinary, SectionItemBinarySize:
		// RFC 3516 section 4: a part, or the whole message, but no header or text of it.
		if r.Text != SectionAll {
			return fmt.Errorf("%w: %s of %s", errSection, r.Item, r.Text)
		}
	default:
		return fmt.Errorf("%w: unknown item %q", errSection, r.Item)
	}
	if slices.Contains(r.Part, 0) {
		return fmt.Errorf("%w: parts count from 1", errSection)
	}
	if err := r.validateText(); err != nil {
		return err
	}
	return r.validatePartial()
}

func (r *SectionRequest) validateText() error {
	withFields := false
	switch r.Text {
	case SectionAll, SectionHeader, SectionBody:
	case SectionMIME:
		if len(r.Part) == 0 {
			return fmt.Errorf("%w: MIME needs a part", errSection)
		}
	case SectionHeaderFields, SectionHeaderFieldsNot:
		withFields = true
	default:
		return fmt.Errorf("%w: unknown text %q", errSection, r.Text)
	}
	if withFields != (len(r.Fields) > 0) {
		return fmt.Errorf("%w: %d header fields for %q", errSection, len(r.Fields), r.Text)
	}
	for _, f := range r.Fields {
		if !isFieldName(f) {
			return fmt.Errorf("%w: %q is no header field name", errSection, f)
		}
	}
	return nil
}

func (r *SectionRequest) validatePartial() error {
	const top = 1<<63 - 1
	switch {
	case r.Offset < 0 || r.Length < 0 || r.Length == 0 && r.Offset != 0 || r.Offset > top-r.Length:
		return fmt.Errorf("%w: bad range <%d.%d>", errSection, r.Offset, r.Length)
	case r.Length > 0 && r.Item == SectionItemBinarySize:
		return fmt.Errorf("%w: BINARY.SIZE of a range", errSection)
	}
	return nil
}

// isFieldName reports whether s is the name of a header field (RFC 5322 section 3.6.8).
func isFieldName(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || c == ':' {
			return false
		}
	}
	return s != ""
}

// Spec returns what stands between the brackets in the form of [Section.Spec]: upper case, header
// names unquoted.
func (r *SectionRequest) Spec() string {
	return string(r.appendSpec(nil, func(dst []byte, field string) []byte { return append(dst, strings.ToUpper(field)...) }))
}

// String returns r in the form of the wire, such as "BODY.PEEK[1.HEADER.FIELDS (From)]<0.1024>". It
// is only sound if Validate finds no fault.
func (r *SectionRequest) String() string {
	b, _ := r.AppendText(nil)
	return string(b)
}

// AppendText appends [SectionRequest.String], or returns the error of Validate.
func (r *SectionRequest) AppendText(dst []byte) ([]byte, error) {
	if err := r.Validate(); err != nil {
		return dst, err
	}
	if r.Item == SectionItemBody {
		dst = append(dst, "BODY"...)
	} else {
		dst = append(dst, r.Item...)
	}
	if !r.SetSeen && r.Item != SectionItemBinarySize {
		dst = append(dst, ".PEEK"...)
	}
	dst = append(dst, '[')
	dst = r.appendSpec(dst, appendFieldName)
	dst = append(dst, ']')
	if r.Length > 0 {
		dst = append(dst, '<')
		dst = strconv.AppendInt(dst, r.Offset, 10)
		dst = append(dst, '.')
		dst = strconv.AppendInt(dst, r.Length, 10)
		dst = append(dst, '>')
	}
	return dst, nil
}

func (r *SectionRequest) appendSpec(dst []byte, appendField func([]byte, string) []byte) []byte {
	for i, n := range r.Part {
		if i > 0 {
			dst = append(dst, '.')
		}
		dst = strconv.AppendUint(dst, uint64(n), 10)
	}
	if r.Text == SectionAll {
		return dst
	}
	if len(r.Part) > 0 {
		dst = append(dst, '.')
	}
	dst = append(dst, r.Text...)
	if len(r.Fields) == 0 {
		return dst
	}
	dst = append(dst, " ("...)
	for i, f := range r.Fields {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = appendField(dst, f)
	}
	return append(dst, ')')
}

// appendFieldName appends name as an atom, or quoted when it is none.
func appendFieldName(dst []byte, name string) []byte {
	if !strings.ContainsAny(name, `(){}%*"\[]`) && !strings.EqualFold(name, "NIL") {
		return append(dst, name...)
	}
	dst = append(dst, '"')
	for i := range len(name) {
		if name[i] == '"' || name[i] == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, name[i])
	}
	return append(dst, '"')
}

// Answers reports whether s is what the server sends for r. A server that was asked for a piece
// answers with the offset of that piece.
func (r *SectionRequest) Answers(s *Section) bool {
	item := r.Item
	if item == SectionItemBody {
		item = "BODY"
	}
	offset := int64(-1)
	if r.Length > 0 {
		offset = r.Offset
	}
	return s.Item == string(item) && s.Offset == offset && strings.EqualFold(s.Spec, r.Spec())
}

// ParseSection reads the form of [SectionRequest.String]; words can be in any case, and ".PEEK" can be
// left out.
func ParseSection(text string) (SectionRequest, error) {
	var r SectionRequest
	name, rest, ok := strings.Cut(text, "[")
	spec, partial, ok2 := cutLast(rest, ']')
	if !ok || !ok2 {
		return r, fmt.Errorf("%w: %q", errSection, text)
	}
	name, peek := strings.CutSuffix(strings.ToUpper(name), ".PEEK")
	r.SetSeen = !peek
	switch name {
	case "BODY":
	case "BINARY":
		r.Item = SectionItemBinary
	case "BINARY.SIZE":
		r.Item, r.SetSeen = SectionItemBinarySize, false
		ok = !peek
	default:
		ok = false
	}
	if !ok || !r.parseSpec(spec) || !r.parsePartial(partial) {
		return SectionRequest{}, fmt.Errorf("%w: %q", errSection, text)
	}
	if err := r.Validate(); err != nil {
		return SectionRequest{}, err
	}
	return r, nil
}

func cutLast(s string, sep byte) (before, after string, found bool) {
	if i := strings.LastIndexByte(s, sep); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

func (r *SectionRequest) parseSpec(spec string) bool {
	for spec != "" && spec[0] >= '0' && spec[0] <= '9' {
		digits, rest, dot := strings.Cut(spec, ".")
		n, err := strconv.ParseUint(digits, 10, 32)
		if err != nil || n == 0 || digits[0] == '0' || dot && rest == "" {
			return false
		}
		r.Part = append(r.Part, uint32(n))
		spec = rest
	}
	word, fields, hasFields := strings.Cut(spec, " ")
	r.Text = SectionText(strings.ToUpper(word))
	return !hasFields && !strings.HasSuffix(spec, " ") || r.parseFields(fields)
}

// parseFields reads "(a "b" c)".
func (r *SectionRequest) parseFields(text string) bool {
	text, ok := strings.CutPrefix(text, "(")
	if !ok {
		return false
	}
	for {
		var field string
		if field, text, ok = cutFieldName(text); !ok {
			return false
		}
		r.Fields = append(r.Fields, field)
		if text == ")" {
			return true
		}
		if text, ok = strings.CutPrefix(text, " "); !ok {
			return false
		}
	}
}

// cutFieldName cuts an atom or a quoted string off text.
func cutFieldName(text string) (name, rest string, ok bool) {
	if !strings.HasPrefix(text, `"`) {
		if i := strings.IndexAny(text, ` )"`); i > 0 {
			return text[:i], text[i:], true
		}
		return "", "", false
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return b.String(), text[i+1:], true
		case c == '\\' && i+1 < len(text):
			i++
		}
		b.WriteByte(text[i])
	}
	return "", "", false
}

func (r *SectionRequest) parsePartial(text string) bool {
	if text == "" {
		return true
	}
	text, ok1 := strings.CutPrefix(text, "<")
	text, ok2 := strings.CutSuffix(text, ">")
	a, b, ok3 := strings.Cut(text, ".")
	offset, err1 := strconv.ParseUint(a, 10, 63)
	length, err2 := strconv.ParseUint(b, 10, 63)
	r.Offset, r.Length = int64(offset), int64(length)
	return ok1 && ok2 && ok3 && err1 == nil && err2 == nil && length > 0
}
