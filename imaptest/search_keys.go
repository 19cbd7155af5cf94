package imaptest

import (
	"strconv"
	"strings"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// matcher is a compiled search key.
type matcher func(*candidate) bool

// searchParser compiles search keys (RFC 9051 section 6.4.4).
type searchParser struct {
	*arguments
	session  *Session
	modSeq   bool // MODSEQ is among them
	byNumber bool // so is a set of sequence numbers
	depth    int
}

// program reads all keys that are left; all must match.
func (p *searchParser) program() matcher {
	all := []matcher{p.key()}
	for p.more() {
		all = append(all, p.key())
	}
	return func(c *candidate) bool {
		for _, match := range all {
			if !match(c) {
				return false
			}
		}
		return true
	}
}

func never(*candidate) bool { return false }

func (p *searchParser) key() matcher {
	if p.depth++; p.depth > 100 {
		p.fail("Search is nested too deeply")
	}
	defer func() { p.depth-- }()
	arg := p.next()
	if p.err != nil {
		return never
	}
	if arg.Kind == imapwire.ArgList {
		inner := &searchParser{arguments: &arguments{left: arg.List}, session: p.session, depth: p.depth}
		match := inner.program()
		p.modSeq, p.byNumber = p.modSeq || inner.modSeq, p.byNumber || inner.byNumber
		if inner.err != nil {
			p.fail(inner.err.Error())
		}
		return match
	}
	word := strings.ToUpper(arg.Text)
	if arg.Kind != imapwire.ArgAtom {
		p.fail("Expected a search key")
		return never
	}
	if match := flagKey(word); match != nil {
		return match
	}
	if match := p.textKey(word); match != nil {
		return match
	}
	if match := p.valueKey(word); match != nil {
		return match
	}
	return p.numbers(word)
}

// flagKey is a key about flags that is one word.
func flagKey(word string) matcher {
	without := false
	if rest, ok := strings.CutPrefix(word, "UN"); ok && word != "UNKEYWORD" {
		word, without = rest, true
	}
	var flag imap.Flag
	switch word {
	case "ANSWERED", "DELETED", "DRAFT", "FLAGGED", "SEEN":
		flag = imap.CanonicalFlag(`\` + word)
	case "ALL":
		if !without {
			return func(*candidate) bool { return true }
		}
		return nil
	case "NEW", "RECENT", "OLD":
		if without {
			return nil
		}
		return func(c *candidate) bool {
			return c.recent == (word != "OLD") && (word != "NEW" || !imap.HasFlag(c.flags, imap.FlagSeen))
		}
	default:
		return nil
	}
	return func(c *candidate) bool { return imap.HasFlag(c.flags, flag) != without }
}

// textKey is a key that looks for a text.
func (p *searchParser) textKey(word string) matcher {
	switch word {
	case "SUBJECT", "FROM", "TO", "CC", "BCC":
		text := p.astring()
		return func(c *candidate) bool { return c.root().hasHeader(word, text) }
	case "HEADER":
		name, text := p.astring(), p.astring()
		return func(c *candidate) bool { return c.root().hasHeader(name, text) }
	case "BODY":
		text := p.astring()
		return func(c *candidate) bool { return containsFold(string(c.root().body), text) }
	case "TEXT":
		text := p.astring()
		return func(c *candidate) bool {
			return containsFold(string(c.raw), text) || containsFold(imap.DecodeWords(string(c.root().header), nil), text)
		}
	}
	return nil
}

// valueKey is a key with another argument, or with keys inside.
func (p *searchParser) valueKey(word string) matcher {
	switch word {
	case "KEYWORD", "UNKEYWORD":
		flag := imap.Flag(p.atom())
		return func(c *candidate) bool { return imap.HasFlag(c.flags, flag) == (word == "KEYWORD") }
	case "LARGER", "SMALLER":
		n, err := strconv.ParseInt(p.atom(), 10, 63)
		if err != nil {
			p.fail("Invalid number")
		}
		if word == "LARGER" {
			return func(c *candidate) bool { return c.size() > n }
		}
		return func(c *candidate) bool { return c.size() < n }
	case "BEFORE", "ON", "SINCE":
		return p.dateKey(word, func(c *candidate) (time.Time, bool) { return c.date, true })
	case "SENTBEFORE", "SENTON", "SENTSINCE":
		return p.dateKey(word[len("SENT"):], func(c *candidate) (time.Time, bool) {
			t, _ := c.envelope().Time() // without a date: long ago
			return t, true
		})
	case "NOT":
		match := p.key()
		return func(c *candidate) bool { return !match(c) }
	case "OR":
		a, b := p.key(), p.key()
		return func(c *candidate) bool { return a(c) || b(c) }
	case "UID":
		return p.among(p.session.view.byUID(p.uidSet()))
	case "MODSEQ":
		return p.modSeqKey()
	case "EMAILID", "THREADID":
		return p.idKey(word)
	}
	return nil
}

// dateKey compares days, each in its own zone (RFC 9051 section 6.4.4: disregarding time and zone).
func (p *searchParser) dateKey(word string, of func(*candidate) (time.Time, bool)) matcher {
	day, err := parseDate(p.astring())
	if err != nil {
		p.fail("Invalid date")
	}
	return func(c *candidate) bool {
		t, ok := of(c)
		if !ok {
			return false
		}
		y, m, d := t.Date()
		switch n := time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Compare(day); word {
		case "BEFORE":
			return n < 0
		case "ON":
			return n == 0
		default:
			return n >= 0
		}
	}
}

// modSeqKey is MODSEQ [entry type] n (RFC 7162 section 3.1.5). There is one mod-sequence a message, so
// the entry does not matter.
func (p *searchParser) modSeqKey() matcher {
	if !p.session.can(imap.CapCondStore) {
		p.fail("Unknown search key MODSEQ")
	}
	p.modSeq = true
	if p.more() && p.left[0].Kind == imapwire.ArgQuoted {
		p.next()
		p.atom()
	}
	n := p.arguments.modSeq(0)
	return func(c *candidate) bool { return c.modSeq >= n }
}

// idKey is EMAILID or THREADID (RFC 8474 section 6).
func (p *searchParser) idKey(word string) matcher {
	if !p.session.can(imap.CapObjectID) {
		p.fail("Unknown search key " + word)
	}
	id := p.astring()
	if word == "EMAILID" {
		return func(c *candidate) bool { return c.emailID == id }
	}
	return func(c *candidate) bool { return c.threadID == id }
}

// numbers is a set of sequence numbers.
func (p *searchParser) numbers(word string) matcher {
	set, err := imap.ParseSet[imap.SeqNum](word)
	if err != nil || set.Empty() {
		p.fail("Unknown search key " + imap.Printable(word))
		return never
	}
	p.byNumber = true
	return p.among(p.session.view.bySeqAvailable(set))
}

func (p *searchParser) among(positions []int) matcher {
	in := make([]bool, len(p.session.view.msgs))
	for _, i := range positions {
		in[i] = true
	}
	return func(c *candidate) bool { return in[c.pos] }
}
