package imapwire

import (
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// code reads a response code, if one is next. What cannot be a code is text.
//
// Arguments that cannot be read leave the fields of the Code empty, and never cost the response: it may
// be the one that ends a command. Args has them as they came.
func (d *Decoder) code() *imap.Code {
	start := d.pos
	if d.peek() != '[' {
		return nil
	}
	end := d.codeEnd(start + 1)
	if end < 0 {
		return nil
	}
	text := strings.Trim(d.s[start+1:end], " ")
	name, args, _ := strings.Cut(text, " ")
	if name == "" {
		return nil
	}
	c := &imap.Code{Name: imap.CodeName(upper(name)), Args: strings.Trim(args, " ")}
	if c.Args != "" {
		d.codeArgs(c)
	}
	d.pos = end + 1
	return c
}

// codeEnd returns where the "]" of the code is: the first one outside strings and parentheses, else
// the first one, else -1.
func (d *Decoder) codeEnd(pos int) int {
	s := d.s
	first := strings.IndexByte(s[pos:], ']')
	if first < 0 {
		return -1
	}
	first += pos
	if strings.IndexByte(s[pos:first], '"') < 0 && strings.IndexByte(s[pos:first], '(') < 0 && strings.IndexByte(s[pos:first], '{') < 0 {
		return first
	}
	saved := d.pos
	defer func() { d.pos = saved }()
	for p := pos; p < len(s); {
		switch s[p] {
		case ']':
			return p
		case '(', '"', '{':
			end, ok := d.skip(p)
			if !ok {
				return first
			}
			p = end
		default:
			p++
		}
	}
	return first
}

// codeArgs reads the arguments of a code whose grammar is known.
func (d *Decoder) codeArgs(c *imap.Code) {
	sub := Decoder{lim: d.lim, off: d.off, utf8: d.utf8, mem: d.mem}
	sub.start(c.Args)
	filled := *c
	sub.codeFields(&filled)
	if !sub.failed {
		*c = filled
	}
}

func (d *Decoder) codeFields(c *imap.Code) {
	switch c.Name {
	case imap.CodeCapability:
		c.Caps = d.capabilities()
	case imap.CodePermanentFlags:
		c.Flags = d.flagList()
	case imap.CodeUIDNext, imap.CodeUIDValidity, imap.CodeUnseen, imap.CodeHighestModSeq,
		imap.CodeMaxConvertMessages, imap.CodeMaxConvertParts:
		c.Num = d.number()
	case imap.CodeAppendUID:
		c.UIDValidity = d.number32()
		d.sp()
		c.Dest = set[imap.UID](d)
	case imap.CodeCopyUID:
		d.copyUID(c)
	case imap.CodeModified:
		c.Source = set[imap.UID](d)
	case imap.CodeMessageLimit:
		c.Num = d.number()
		if d.pos < len(d.s) {
			d.sp()
			c.UID = imap.UID(d.number32())
		}
	case imap.CodeMetadata:
		c.Words = d.words()
		if n := len(c.Words); n > 0 {
			c.Num = digits(c.Words[n-1])
		}
	case imap.CodeBadURL, imap.CodeReferral, imap.CodeWebAlert:
		c.Words = []string{c.Args}
	case imap.CodeBadCharset, imap.CodeAnnotate, imap.CodeAnnotations, imap.CodeNoUpdate, imap.CodeBadEvent,
		imap.CodeUndefinedFilter, imap.CodeMailboxID, imap.CodeInProgress:
		c.Words = d.words()
	}
}

// copyUID reads the arguments of COPYUID (RFC 4315 section 3).
func (d *Decoder) copyUID(c *imap.Code) {
	c.UIDValidity = d.number32()
	if d.pos == len(d.s) && !d.failQuirk(QuirkEmptyCopyUID, "expected two sets of UIDs") {
		return
	}
	d.sp()
	c.Source = set[imap.UID](d)
	d.sp()
	c.Dest = set[imap.UID](d)
}

// words reads strings and atoms up to the end, whether in lists or not. NIL is "".
func (d *Decoder) words() []string {
	var words []string
	for !d.failed && d.pos < len(d.s) {
		switch c := d.peek(); {
		case isSpace(c), c == '(', c == ')':
			d.pos++
		default:
			word, _ := d.wordOrNil()
			words = append(words, word)
			d.element()
		}
	}
	return words
}

func (d *Decoder) wordOrNil() (word string, null bool) {
	if d.null() {
		return "", true
	}
	return d.astring(), false
}

// digits returns the number that s is, or 0.
func digits(s string) uint64 {
	var n uint64
	for i := range len(s) {
		if s[i]-'0' > 9 || n > 1<<58 {
			return 0
		}
		n = n*10 + uint64(s[i]-'0')
	}
	return n
}
