package event

import (
	"net"
	"strings"
)

// SourceURL returns the source of the events of a mailbox, in the form of an IMAP URL (RFC 5092):
// "imap://jo@mail.example.org/INBOX". user can be empty. host can carry a port, which is left out if
// it is 143 or 993. An empty mailbox stands for the account: "imap://jo@mail.example.org/".
//
// Everything that has a meaning in a URL is escaped, so that [net/url.Parse] gives the parts back;
// a "/" in a mailbox name stays. There is never a password in it.
func SourceURL(user, host, mailbox string) string {
	var b strings.Builder
	b.WriteString("imap://")
	if user != "" {
		escape(&b, user, "")
		b.WriteByte('@')
	}
	writeHost(&b, host)
	b.WriteByte('/')
	escape(&b, mailbox, ":@/")
	return b.String()
}

func writeHost(b *strings.Builder, hostport string) {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		host, port = strings.Trim(hostport, "[]"), ""
	}
	host = strings.ToLower(clean(host))
	if strings.Contains(host, ":") {
		b.WriteByte('[')
		escape(b, host, ":")
		b.WriteByte(']')
	} else {
		escape(b, host, "")
	}
	if port != "" && port != "143" && port != "993" {
		b.WriteByte(':')
		escape(b, port, "")
	}
}

// unescaped are the characters besides letters and digits that both a user name and a mailbox name
// can hold in an IMAP URL (RFC 5092 section 11: achar).
const unescaped = "-._~!$'()*+,&="

func escape(b *strings.Builder, text, also string) {
	const hex = "0123456789ABCDEF"
	text = clean(text)
	for i := range len(text) {
		c := text[i]
		switch {
		case c >= '0' && c <= '9', c|0x20 >= 'a' && c|0x20 <= 'z',
			strings.IndexByte(unescaped, c) >= 0, strings.IndexByte(also, c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
}
