package imapwire

import "github.com/pushmail/pushmail/imap"

// maxKeywords bounds how many keywords a Decoder remembers.
const maxKeywords = 256

// flagList reads a parenthesised list of flags. Well-known flags share no memory with the response;
// other keywords are copied once and remembered, so that who keeps flags keeps no responses.
func (d *Decoder) flagList() []imap.Flag {
	if !d.open() {
		return nil
	}
	slab := &d.mem.flags
	mark := len(slab.chunk)
	for first := true; d.more(first); first = false {
		f := d.flag()
		if f == "" {
			continue
		}
		var p *imap.Flag
		p, mark = slab.take(mark, flagChunk)
		*p = f
		d.element()
	}
	if d.failed {
		return nil
	}
	return slab.since(mark)
}

// flag reads one flag; it is "" for NIL.
func (d *Decoder) flag() imap.Flag {
	s, start := d.s, d.pos
	p := start
	if p < len(s) && s[p] == '\\' {
		p++
	}
	for p < len(s) && lexClass[s[p]]&classAtomEnd == 0 {
		p++
	}
	if p == start {
		return d.flagString()
	}
	text := s[start:p]
	if text == "~" && p < len(s) && s[p] == '{' {
		return d.flagString() // literal8
	}
	d.pos = p
	if f := systemFlag(text); f != "" {
		return f
	}
	return d.keyword(start, text)
}

// systemFlag returns the flag that text is, if it is one of the most common ones as they are mostly
// written.
func systemFlag[T string | []byte](text T) imap.Flag {
	switch string(text) {
	case `\Seen`:
		return imap.FlagSeen
	case `\Recent`:
		return imap.FlagRecent
	case `\Answered`:
		return imap.FlagAnswered
	case `\Flagged`:
		return imap.FlagFlagged
	case `\Deleted`:
		return imap.FlagDeleted
	case `\Draft`:
		return imap.FlagDraft
	case `\*`:
		return imap.FlagWildcard
	}
	return ""
}

// keyword returns the flag for a less common text, which stands at start.
func (d *Decoder) keyword(start int, text string) imap.Flag {
	if f, ok := d.keywords[text]; ok {
		return f
	}
	if !d.checkFlag(start, text) {
		return ""
	}
	name := text
	if len(name) > 2 && name[:2] == `\\` {
		name = name[1:]
	}
	if len(name) == 3 && equalFold(name, "NIL") && d.tolerates(QuirkFlagString) {
		return ""
	}
	f := imap.CanonicalFlag(string(append([]byte(nil), name...)))
	if len(d.keywords) < maxKeywords {
		if d.keywords == nil {
			d.keywords = make(map[string]imap.Flag)
		}
		d.keywords[string(append([]byte(nil), text...))] = f
	}
	return f
}

// checkFlag fails for a flag that needs a tolerance which is switched off.
func (d *Decoder) checkFlag(start int, text string) bool {
	for i := range len(text) {
		c := text[i]
		switch {
		case c == '\\' && i == 1 && text[0] == '\\':
			if !d.tolerates(QuirkTwoBackslashes) {
				d.failAtPos(start, "flag with two backslashes")
				return false
			}
		case c == '\\' && i > 0, c == ']', c == '%', c >= 0x80, c == '*' && text != `\*`:
			if !d.tolerates(QuirkFlagChars) {
				d.failAtPos(start, "character that no flag can have")
				return false
			}
		}
	}
	return true
}

// flagString reads a flag written as a string.
func (d *Decoder) flagString() imap.Flag {
	if c := d.peek(); c != '"' && c != '{' && c != '~' || d.failQuirk(QuirkFlagString, "flag as a string") {
		d.fail("expected a flag")
		return ""
	}
	return imap.CanonicalFlag(d.stringValue())
}
