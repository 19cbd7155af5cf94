package imaptest

import (
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// headerValue is a structured field such as Content-Type: a word and its parameters (RFC 2045
// section 5.1). Parameters stay as they are: mime.ParseMediaType would decode those of RFC 2231,
// which a BODYSTRUCTURE gives as they stand, and fails where real messages are wrong.
type headerValue struct {
	word   string
	params []imap.Param
}

func parseHeaderValue(text string) headerValue {
	p := valueParser{in: text}
	v := headerValue{word: p.word(";")}
	for p.skip(); p.pos < len(p.in); p.skip() {
		if p.in[p.pos] != ';' {
			p.pos++
			continue
		}
		p.pos++
		p.skip()
		name := p.word(";=")
		p.skip()
		if p.pos >= len(p.in) || p.in[p.pos] != '=' {
			continue
		}
		p.pos++
		p.skip()
		if value := p.value(); name != "" {
			v.params = append(v.params, imap.Param{Name: name, Value: value})
		}
	}
	return v
}

func (v *headerValue) has(name string) bool {
	for _, p := range v.params {
		if strings.EqualFold(p.Name, name) {
			return true
		}
	}
	return false
}

func (v *headerValue) param(name string) string {
	for _, p := range v.params {
		if strings.EqualFold(p.Name, name) {
			return p.Value
		}
	}
	return ""
}

// valueParser shares its strings and comments with addresses.
type valueParser addressParser

// skip moves past white space and comments.
func (p *valueParser) skip() {
	for p.pos < len(p.in) {
		switch p.in[p.pos] {
		case ' ', '\t':
			p.pos++
		case '(':
			(*addressParser)(p).comment()
		default:
			return
		}
	}
}

// word reads up to white space, a comment or one of the characters in stop.
func (p *valueParser) word(stop string) string {
	p.skip()
	start := p.pos
	for p.pos < len(p.in) && !strings.ContainsRune(" \t("+stop, rune(p.in[p.pos])) {
		p.pos++
	}
	return p.in[start:p.pos]
}

func (p *valueParser) value() string {
	if p.pos < len(p.in) && p.in[p.pos] == '"' {
		return (*addressParser)(p).quoted('"')
	}
	return p.word(";")
}
