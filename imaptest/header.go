package imaptest

import (
	"bytes"
	"strings"
)

// field is one header field. Raw is the field as it stands in the message with its line ends; value
// is unfolded: without line ends and outer white space.
type field struct {
	name  string
	value string
	raw   []byte
}

// splitMessage cuts a message into its header, with the empty line that ends it, and its body.
func splitMessage(raw []byte) (header, body []byte) {
	for pos := 0; pos < len(raw); {
		line := nextLine(raw[pos:])
		pos += len(line)
		if len(bytes.TrimRight(line, "\r\n")) == 0 {
			return raw[:pos], raw[pos:]
		}
	}
	return raw, nil
}

// nextLine returns the first line of b with its line end.
func nextLine(b []byte) []byte {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return b[:i+1]
	}
	return b
}

// parseHeader returns the fields of a header. Lines that are no fields are left out.
func parseHeader(header []byte) []field {
	var fields []field
	for pos := 0; pos < len(header); {
		end := pos + len(nextLine(header[pos:]))
		for end < len(header) && (header[end] == ' ' || header[end] == '\t') {
			end += len(nextLine(header[end:]))
		}
		raw := header[pos:end]
		pos = end
		name, value, ok := bytes.Cut(raw, []byte(":"))
		name = bytes.TrimRight(name, " \t")
		if !ok || len(name) == 0 || bytes.ContainsAny(name, "\r\n") {
			continue
		}
		fields = append(fields, field{string(name), unfold(value), raw})
	}
	return fields
}

// unfold takes out line ends (RFC 5322 section 2.2.3) and NUL, which has no place in IMAP strings.
func unfold(value []byte) string {
	text := strings.Map(func(r rune) rune {
		if r == '\r' || r == '\n' || r == 0 {
			return -1
		}
		return r
	}, string(value))
	return strings.Trim(text, " \t")
}

// first returns the value of the first field with that name.
func first(fields []field, name string) (string, bool) {
	for _, f := range fields {
		if strings.EqualFold(f.name, name) {
			return f.value, true
		}
	}
	return "", false
}

func firstOr(fields []field, name string) string {
	value, _ := first(fields, name)
	return value
}
