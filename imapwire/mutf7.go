package imapwire

import (
	"errors"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Modified UTF-7 (RFC 3501 section 5.1.3): printable ASCII stands for itself, "&" is written "&-",
// and everything else is UTF-16 in base64 (with "," for "/" and without padding) between "&" and "-".

const mutf7Base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,"

var mutf7Values = func() (values [256]int8) {
	for i := range values {
		values[i] = -1
	}
	for i := range len(mutf7Base64) {
		values[mutf7Base64[i]] = int8(i)
	}
	return values
}()

// rawMark starts a name that stands for bytes a server sent which are not modified UTF-7. It is a
// noncharacter, reserved by Unicode for such inner use, that survives JSON and is no part of any
// name: DecodeMailbox refuses encodings of it.
const rawMark = '\ufdd0'

var errMailboxName = errors.New("imapwire: mailbox name is not modified UTF-7")

// EncodeMailbox returns name, which is UTF-8, in modified UTF-7, as servers want it that were not
// asked for UTF-8. Bytes that are not UTF-8 become U+FFFD.
//
// INBOX is the same in any case (RFC 9051 section 5.1), as the first part of a longer name too on most
// servers. Nothing here changes its case.
func EncodeMailbox(name string) string {
	if isPlainMailbox(name) {
		return name
	}
	var b strings.Builder
	b.Grow(len(name) + 16)
	for len(name) > 0 {
		n := strings.IndexFunc(name, func(r rune) bool { return !isDirect(r) })
		if n < 0 {
			n = len(name)
		}
		b.WriteString(strings.ReplaceAll(name[:n], "&", "&-"))
		name = name[n:]
		if n = strings.IndexFunc(name, isDirect); n < 0 {
			n = len(name)
		}
		if n > 0 {
			writeShifted(&b, name[:n])
			name = name[n:]
		}
	}
	return b.String()
}

// isDirect reports whether r stands for itself: printable US-ASCII.
func isDirect(r rune) bool { return r >= ' ' && r <= '~' }

// isPlainMailbox reports whether name is the same in modified UTF-7.
func isPlainMailbox(name string) bool {
	for i := range len(name) {
		if c := name[i]; c < ' ' || c > '~' || c == '&' {
			return false
		}
	}
	return true
}

func writeShifted(b *strings.Builder, text string) {
	b.WriteByte('&')
	var bits uint32
	var n uint
	for _, r := range text {
		var units [2]uint16
		for _, u := range utf16.AppendRune(units[:0], r) {
			bits, n = bits<<16|uint32(u), n+16
			for n >= 6 {
				n -= 6
				b.WriteByte(mutf7Base64[bits>>n&63])
			}
		}
	}
	if n > 0 {
		b.WriteByte(mutf7Base64[bits<<(6-n)&63])
	}
	b.WriteByte('-')
}

// DecodeMailbox returns name, in modified UTF-7, as UTF-8. It is strict: it takes exactly the one form
// that EncodeMailbox writes, so that a decoded name always goes back to the server as it came.
// Otherwise (8-bit bytes, a bare "&", superfluous shifts, lone surrogates) it returns name as it is
// together with an error.
//
// Such names exist on real servers. Decoded values keep them as [RawMailbox] does, which is reversible.
func DecodeMailbox(name string) (string, error) {
	if isPlainMailbox(name) {
		return name, nil
	}
	var b strings.Builder
	b.Grow(len(name))
	for i := 0; i < len(name); i++ {
		switch c := name[i]; {
		case c < ' ' || c > '~':
			return name, errMailboxName
		case c != '&':
			b.WriteByte(c)
			continue
		}
		end := strings.IndexByte(name[i:], '-')
		switch {
		case end < 0:
			return name, errMailboxName
		case end == 1:
			b.WriteByte('&')
		case !decodeShifted(&b, name[i+1:i+end]):
			return name, errMailboxName
		case strings.HasPrefix(name[i+end+1:], "&") && !strings.HasPrefix(name[i+end+1:], "&-"):
			return name, errMailboxName // two shifts in a row are one
		}
		i += end
	}
	if isRawMailbox(b.String()) {
		return name, errMailboxName
	}
	return b.String(), nil
}

// decodeShifted writes what stands between "&" and "-". It reports false for anything that
// writeShifted would not write.
func decodeShifted(b *strings.Builder, text string) bool {
	var bits uint32
	var n uint
	high := rune(0) // a high surrogate that waits for its low one
	for i := range len(text) {
		v := mutf7Values[text[i]]
		if v < 0 {
			return false
		}
		bits, n = bits<<6|uint32(v), n+6
		if n < 16 {
			continue
		}
		n -= 16
		u := rune(bits >> n & 0xffff)
		switch {
		case high != 0:
			if u = utf16.DecodeRune(high, u); u == utf8.RuneError {
				return false
			}
			high = 0
		case u >= 0xd800 && u < 0xdc00:
			high = u
			continue
		case u >= 0xdc00 && u < 0xe000, isDirect(u):
			return false
		}
		b.WriteRune(u)
	}
	// What is left is padding: fewer bits than a character of base64 has, all zero.
	return high == 0 && n < 6 && bits&(1<<n-1) == 0
}

// RawMailbox returns the name that stands for exactly the bytes wire, for a server's mailbox name that
// is not modified UTF-7: [MailboxToWire] gives wire back. Without it such a mailbox could be listed but
// not opened: "R&D" would be sent as "R&-D", another mailbox. The name is wire with a mark before it,
// the noncharacter U+FDD0.
func RawMailbox(wire string) string { return string(rawMark) + wire }

func isRawMailbox(name string) bool { return strings.HasPrefix(name, string(rawMark)) }

// MailboxFromWire returns the name for what a server sent, which is the name itself in a session that
// speaks UTF-8 (utf8) and modified UTF-7 otherwise. What cannot be decoded becomes a [RawMailbox].
func MailboxFromWire(wire string, utf8 bool) string {
	if utf8 {
		if isRawMailbox(wire) {
			return RawMailbox(wire)
		}
		return wire
	}
	name, err := DecodeMailbox(wire)
	if err != nil {
		return RawMailbox(wire)
	}
	return name
}

// MailboxToWire is the inverse of [MailboxFromWire]: what to send for a name.
func MailboxToWire(name string, utf8 bool) string {
	if wire, ok := strings.CutPrefix(name, string(rawMark)); ok {
		return wire
	}
	if utf8 {
		return name
	}
	return EncodeMailbox(name)
}
