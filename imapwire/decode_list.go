package imapwire

import (
	"strings"
	"unicode/utf8"

	"github.com/pushmail/pushmail/imap"
)

// list reads "* LIST", "* LSUB" or "* XLIST" after its name (RFC 9051 section 7.3.1, RFC 5258).
func (d *Decoder) list(kind imap.ListKind) imap.Response {
	r := &imap.List{Kind: kind}
	d.sp()
	r.Attrs = d.attrs()
	d.sp()
	r.Delim = d.delimiter()
	d.sp()
	r.Mailbox = d.lastMailbox()
	if d.pos < len(d.s) {
		d.sp()
		if d.peek() == '(' {
			d.listExtensions(r)
		}
	}
	return r
}

// attrs reads the mailbox attributes.
func (d *Decoder) attrs() []imap.Attr {
	if !d.open() {
		return nil
	}
	var attrs []imap.Attr
	for first := true; d.more(first); first = false {
		if f := d.attr(); f != "" {
			attrs = append(attrs, f)
			d.element()
		}
	}
	return attrs
}

func (d *Decoder) attr() imap.Attr {
	if c := d.peek(); c == '"' || c == '{' {
		return canonicalAttr(string(d.flagString()))
	}
	return canonicalAttr(d.atom())
}

// knownAttrs are the attributes as package imap writes them.
var knownAttrs = [...]imap.Attr{
	imap.AttrNoInferiors, imap.AttrNoSelect, imap.AttrNonExistent, imap.AttrHasChildren, imap.AttrHasNoChildren,
	imap.AttrMarked, imap.AttrUnmarked, imap.AttrSubscribed, imap.AttrRemote, imap.AttrNoAccess,
	imap.AttrAll, imap.AttrArchive, imap.AttrDrafts, imap.AttrFlagged, imap.AttrJunk, imap.AttrSent, imap.AttrTrash, imap.AttrImportant,
}

func canonicalAttr(s string) imap.Attr {
	for _, a := range knownAttrs {
		if len(a) == len(s) && (string(a) == s || strings.EqualFold(string(a), s)) {
			return a
		}
	}
	return imap.Attr(s)
}

// delimiter reads a hierarchy delimiter: one quoted character, or NIL, which is 0.
func (d *Decoder) delimiter() rune {
	if strings.HasPrefix(d.s[d.pos:], `"\" `) {
		if d.failQuirk(QuirkBareDelimiter, "backslash without a backslash") {
			return 0
		}
		d.pos += 3
		return '\\'
	}
	start := d.pos
	s := d.nstring()
	if s == "" {
		return 0
	}
	r, n := utf8.DecodeRuneInString(s)
	if n != len(s) {
		d.failAtPos(start, "delimiter of more than one character")
	}
	return r
}

// lastMailbox reads a mailbox name that extended data in parentheses or nothing follows. One that
// is neither quoted nor a literal goes on over spaces and tabs.
func (d *Decoder) lastMailbox() string {
	if d.atString() || !d.tolerates(QuirkUnquotedMailbox) {
		return d.mailbox()
	}
	text := d.s[d.pos:]
	if strings.HasSuffix(text, ")") {
		if i := strings.Index(text, " ("); i > 0 {
			text = text[:i]
		}
	}
	text = strings.TrimRight(text, " ")
	if text == "" {
		d.fail("expected a mailbox name")
	}
	d.checkMailbox(text)
	d.pos += len(text)
	return d.mailboxName(text)
}

// atString reports whether a quoted string or a literal is next.
func (d *Decoder) atString() bool {
	c := d.peek()
	return c == '"' || c == '{' || c == '~' && strings.HasPrefix(d.s[d.pos:], "~{")
}

// mailbox reads a mailbox name.
func (d *Decoder) mailbox() string {
	if d.atString() {
		return d.mailboxName(d.astring())
	}
	end := d.pos
	for end < len(d.s) && !isSpace(d.s[end]) && d.s[end] != '"' {
		end++
	}
	text := d.s[d.pos:end]
	if text == "" {
		d.fail("expected a mailbox name")
	}
	d.checkMailbox(text)
	d.pos = min(len(d.s), d.pos+len(text))
	return d.mailboxName(text)
}

// checkMailbox fails for an unquoted name that needs a tolerance which is switched off.
func (d *Decoder) checkMailbox(text string) {
	if d.tolerates(QuirkMailboxChars) {
		return
	}
	for i := range len(text) {
		if !isAStringChar(text[i]) && !(d.utf8 && text[i] >= 0x80) {
			d.failAtPos(d.pos+i, "character that must be quoted")
			return
		}
	}
}

// mailboxName decodes a name. INBOX is the same in any case (RFC 9051 section 5.1).
func (d *Decoder) mailboxName(wire string) string {
	if len(wire) == 5 && equalFold(wire, "INBOX") {
		return "INBOX"
	}
	return MailboxFromWire(wire, d.utf8)
}

// listExtensions reads the extended data of LIST (RFC 5258 section 6, mbox-list-extended).
func (d *Decoder) listExtensions(r *imap.List) {
	d.pos++
	for first := true; d.more(first); first = false {
		start := d.pos
		name := d.astring()
		d.element()
		d.sp()
		switch upper(name) {
		case "CHILDINFO":
			r.ChildInfo = append(r.ChildInfo, d.stringList()...)
		case "OLDNAME":
			if d.open() {
				r.OldName = d.mailboxBeforeParen()
				d.closeList()
			}
		case "MYRIGHTS":
			r.MyRights = strings.Join(d.stringList(), "")
		default:
			value := d.raw()
			r.Unknown = append(r.Unknown, imap.RawItem{Name: name, Value: value})
		}
		if d.pos <= start {
			return
		}
	}
}

// mailboxBeforeParen reads a mailbox name before a ")".
func (d *Decoder) mailboxBeforeParen() string { return d.mailboxName(d.astring()) }

func (d *Decoder) closeList() {
	if !d.accept(')') {
		d.fail(`expected ")"`)
	}
}

// stringList reads a list of strings, or one string.
func (d *Decoder) stringList() []string {
	if d.peek() != '(' {
		return []string{d.astring()}
	}
	d.pos++
	var list []string
	for first := true; d.more(first); first = false {
		list = append(list, d.astring())
		d.element()
	}
	return list
}
