package imap

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// RawParam returns the value of the parameter name as the server sent it, without regard to case,
// and whether it is there.
func RawParam(params []Param, name string) (string, bool) {
	for i := range params {
		if strings.EqualFold(params[i].Name, name) {
			return params[i].Value, true
		}
	}
	return "", false
}

// DecodeParam returns the value of the parameter name for people, and whether it is there. It puts
// together what RFC 2231 took apart (name*0, name*1*) and decodes its character set (name*), and,
// against the rules but as most senders do, the encoded words of RFC 2047. If a parameter is there
// in several forms, the one with a character set wins. charset is as in [DecodeWords].
func DecodeParam(params []Param, name string, charset CharsetReader) (string, bool) {
	if v, ok := RawParam(params, name+"*"); ok {
		return decodeExtended(v, charset), true
	}
	if sections := paramSections(params, name); len(sections) > 0 {
		return joinSections(sections, charset), true
	}
	v, ok := RawParam(params, name)
	return DecodeWords(v, charset), ok
}

// paramSection is "name*number" or, if it is extended, "name*number*" (RFC 2231 section 3 and 4.1).
type paramSection struct {
	number   int
	extended bool
	value    string
}

// paramSections returns the sections of name in order, from 0 on without a gap.
func paramSections(params []Param, name string) []paramSection {
	var out []paramSection
	for _, p := range params {
		if len(p.Name) < len(name)+2 || p.Name[len(name)] != '*' || !strings.EqualFold(p.Name[:len(name)], name) {
			continue
		}
		digits, extended := strings.CutSuffix(p.Name[len(name)+1:], "*")
		if n, err := strconv.ParseUint(digits, 10, 16); err == nil {
			out = append(out, paramSection{int(n), extended, p.Value})
		}
	}
	slices.SortStableFunc(out, func(a, b paramSection) int { return cmp.Compare(a.number, b.number) })
	out = slices.CompactFunc(out, func(a, b paramSection) bool { return a.number == b.number })
	for i := range out {
		if out[i].number != i {
			return out[:i]
		}
	}
	return out
}

func joinSections(sections []paramSection, charset CharsetReader) string {
	var raw []byte
	label, anyExtended := "", false
	for i, s := range sections {
		if !s.extended {
			raw = append(raw, s.value...)
			continue
		}
		anyExtended = true
		if i == 0 {
			label, s.value = cutCharset(s.value)
		}
		raw = appendPercent(raw, s.value)
	}
	if !anyExtended {
		return DecodeWords(string(raw), charset)
	}
	return decodeLabelled(label, raw, charset)
}

// decodeExtended decodes "charset'language'percent-encoded" (RFC 2231 section 4).
func decodeExtended(value string, charset CharsetReader) string {
	label, text := cutCharset(value)
	return decodeLabelled(label, appendPercent(nil, text), charset)
}

// cutCharset takes the charset and the language off. Who leaves them out has a value that is all text.
func cutCharset(value string) (label, text string) {
	label, rest, ok := strings.Cut(value, "'")
	if !ok {
		return "", value
	}
	_, text, ok = strings.Cut(rest, "'")
	if !ok || len(label) > maxCharset {
		return "", value
	}
	return label, text
}

func decodeLabelled(label string, raw []byte, charset CharsetReader) string {
	if text, ok := decodeCharset(label, raw, charset); ok {
		return text
	}
	return fromRaw(string(raw))
}

// appendPercent decodes %xx. A "%" without two hexadecimal digits is taken for itself.
func appendPercent(dst []byte, text string) []byte {
	for i := 0; i < len(text); i++ {
		if text[i] == '%' {
			if b, ok := unhex(text, i+1); ok {
				dst = append(dst, b)
				i += 2
				continue
			}
		}
		dst = append(dst, text[i])
	}
	return dst
}
