package imaptest

import (
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// Placeholders for what an address lacks. An address without a host would look like the start of a
// group (RFC 9051 section 7.5.2). Dovecot's words.
const (
	missingMailbox = "MISSING_MAILBOX"
	missingDomain  = "MISSING_DOMAIN"
	syntaxError    = "SYNTAX_ERROR"
)

// parseAddresses reads an address-list (RFC 5322 section 3.4). It never fails: what makes no sense
// becomes an address with a placeholder.
//
// net/mail is not used because it decodes encoded words, which must stay in an ENVELOPE, and because
// it gives up at the first mistake.
func parseAddresses(text string) []imap.Address {
	p := addressParser{in: text}
	p.list(false)
	return p.out
}

type addressParser struct {
	in  string
	pos int
	out []imap.Address
}

// token is an atom, a quoted string or a domain literal; or one special character; or a comment.
type token struct {
	kind byte // 'a' word, 'c' comment, 0 end, else the special itself
	text string
	gap  bool // white space before it
}

func (p *addressParser) next() token {
	start := p.pos
	for p.pos < len(p.in) && (p.in[p.pos] == ' ' || p.in[p.pos] == '\t') {
		p.pos++
	}
	gap := p.pos > start
	if p.pos == len(p.in) {
		return token{gap: gap}
	}
	switch c := p.in[p.pos]; c {
	case '"':
		return token{'a', p.quoted('"'), gap}
	case '[':
		return token{'a', "[" + p.quoted(']') + "]", gap}
	case '(':
		return token{'c', p.comment(), gap}
	case '<', '>', '@', ',', ';', ':':
		p.pos++
		return token{c, string(c), gap}
	}
	start = p.pos
	for p.pos < len(p.in) && !strings.ContainsRune(" \t\"[(<>@,;:", rune(p.in[p.pos])) {
		p.pos++
	}
	return token{'a', p.in[start:p.pos], gap}
}

// quoted reads up to the closing character, without the backslashes.
func (p *addressParser) quoted(closing byte) string {
	var b strings.Builder
	for p.pos++; p.pos < len(p.in); p.pos++ {
		switch c := p.in[p.pos]; {
		case c == closing:
			p.pos++
			return b.String()
		case c == '\\' && p.pos+1 < len(p.in):
			p.pos++
			b.WriteByte(p.in[p.pos])
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// comment reads a comment; comments nest.
func (p *addressParser) comment() string {
	var b strings.Builder
	depth := 0
	for ; p.pos < len(p.in); p.pos++ {
		switch c := p.in[p.pos]; {
		case c == '(':
			if depth++; depth == 1 {
				continue
			}
		case c == ')':
			if depth--; depth == 0 {
				p.pos++
				return strings.TrimSpace(b.String())
			}
		case c == '\\' && p.pos+1 < len(p.in):
			p.pos++
		}
		b.WriteByte(p.in[p.pos])
	}
	return strings.TrimSpace(b.String())
}

// words collects tokens of a phrase, a local part or a domain.
type words struct {
	text string
	any  bool
}

func (w *words) add(t token) {
	if w.any && t.gap && t.text != "" {
		w.text += " "
	}
	w.text += t.text
	w.any = true
}

// list reads addresses up to the end, or to the ";" of a group.
func (p *addressParser) list(inGroup bool) {
	for {
		var phrase words
		var comment string
		t := p.next()
		for ; t.kind == 'a' || t.kind == 'c'; t = p.next() {
			if t.kind == 'a' {
				phrase.add(t)
			} else {
				comment = t.text
			}
		}
		switch t.kind {
		case '<':
			p.angle(phrase.text)
		case '@':
			p.bare(phrase, comment)
		case ':':
			if inGroup {
				continue
			}
			p.out = append(p.out, imap.Address{Mailbox: phrase.text})
			p.list(true)
			p.out = append(p.out, imap.Address{})
		default: // "," ";" ">" or the end
			if phrase.any {
				p.out = append(p.out, imap.Address{Name: comment, Mailbox: phrase.text, Host: missingDomain})
			}
			if t.kind == 0 || t.kind == ';' && inGroup {
				return
			}
		}
	}
}

// angle reads "<addr-spec>" after its "<". A route before it is dropped (RFC 5322 section 4.4).
func (p *addressParser) angle(name string) {
	var local, host words
	at := false
	t := p.next()
	for ; t.kind != '>' && t.kind != 0; t = p.next() {
		switch {
		case t.kind == ':': // end of a route
			local, host, at = words{}, words{}, false
		case t.kind == '@':
			at = true
		case t.kind == 'c':
		case at:
			t.gap = false
			host.add(t)
		default:
			t.gap = false
			local.add(t)
		}
	}
	if t.kind == 0 {
		host = words{text: syntaxError}
	}
	p.add(name, local, host)
}

// bare reads the domain of an address without "<>". Its comment is its name (RFC 5322 appendix A.6.3).
func (p *addressParser) bare(local words, comment string) {
	var host words
	for {
		mark := p.pos
		t := p.next()
		switch t.kind {
		case 'a':
			t.gap = false
			host.add(t)
			continue
		case 'c':
			comment = t.text
			continue
		case '<': // "a@b <c@d>": what comes before is a name
			p.angle(local.text + "@" + host.text)
			return
		case '@', '>':
			continue
		}
		p.pos = mark // the list wants to see it
		break
	}
	p.add(comment, local, host)
}

func (p *addressParser) add(name string, local, host words) {
	a := imap.Address{Name: name, Mailbox: local.text, Host: host.text}
	if a.Mailbox == "" {
		a.Mailbox = missingMailbox
	}
	if a.Host == "" {
		a.Host = missingDomain
	}
	p.out = append(p.out, a)
}
