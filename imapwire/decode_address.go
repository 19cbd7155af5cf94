package imapwire

import (
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// addresses reads a list of addresses or NIL (RFC 9051 section 9, env-from).
func (d *Decoder) addresses() []imap.Address {
	if c := d.peek(); c != '(' {
		if d.null() {
			return nil
		}
		if c == '"' && d.tolerates(QuirkAddressNil) {
			if text := d.quoted(); text != "" {
				d.fail("expected addresses")
			}
			return nil
		}
		d.fail("expected addresses")
		return nil
	}
	d.pos++
	slab := &d.mem.addresses
	mark, size := len(slab.chunk), d.chunk(addressChunk)
	for {
		if !d.accept('(') && !d.nextAddress() {
			break
		}
		var a *imap.Address
		a, mark = slab.take(mark, size)
		d.address(a)
		d.element()
	}
	if d.failed {
		return nil
	}
	if mark == len(slab.chunk) {
		d.failQuirk(QuirkAddressNil, "empty list of addresses")
		return nil
	}
	return slab.since(mark)
}

// nextAddress reads up to the "(" of the next address, which does not follow directly. It reports false
// at the end of the list, which it reads.
func (d *Decoder) nextAddress() bool {
	for {
		if d.accept(')') {
			return false
		}
		if d.accept('(') {
			return true
		}
		switch {
		case d.failed:
			return false
		case isSpace(d.peek()) && d.tolerates(QuirkSpaces):
			d.spaces()
		case d.null():
			d.failQuirk(QuirkAddressNil, "NIL among addresses")
		default:
			d.fail("expected an address")
		}
	}
}

// address reads an address after its "(": name, source route, mailbox, host.
func (d *Decoder) address(a *imap.Address) {
	start := d.pos
	if d.peek() == '"' {
		a.Name = d.quoted()
	} else {
		a.Name = d.nstring()
	}
	if d.skipText(" NIL ") {
		d.pos--
	} else {
		d.sp()
		d.skipRoute()
	}
	a.Mailbox = d.spNString()
	a.Host = d.spNString()
	if d.peek() == ' ' && d.tolerates(QuirkSpaces) {
		d.pos++
	}
	if !d.accept(')') || d.failed {
		d.longAddress(a, start)
		return
	}
	if a.Host == "" {
		if len(a.Name) > 2 && a.Name[0] == '<' {
			d.reversedAddress(a)
		}
		return
	}
	if c := a.Host[0]; c == 'M' || c == '.' {
		d.missingDomain(a)
	}
}

// skipRoute reads the source route, obsolete since RFC 2822.
func (d *Decoder) skipRoute() {
	if !d.null() {
		d.stringValue()
	}
}

// missingDomain empties what stands for nothing in an address that Dovecot or c-client made up.
func (d *Decoder) missingDomain(a *imap.Address) {
	if !d.tolerates(QuirkMissingDomain) {
		return
	}
	if a.Host == "MISSING_DOMAIN" || a.Host == ".MISSING-HOST-NAME." {
		a.Host = ""
		if a.Mailbox == "MISSING_MAILBOX" {
			a.Mailbox = ""
		}
	}
}

// reversedAddress turns ("<jo@example.org>" NIL "name" NIL) round.
func (d *Decoder) reversedAddress(a *imap.Address) {
	inner, ok := strings.CutSuffix(a.Name[1:], ">")
	at := strings.LastIndexByte(inner, '@')
	if !ok || at < 0 || a.Mailbox == "" || !d.tolerates(QuirkReversedAddress) {
		return
	}
	a.Name, a.Mailbox, a.Host = a.Mailbox, inner[:at], inner[at+1:]
}

// longAddress reads an address again that does not end after four strings: the literal of its name
// was announced too short, and what was left of it reads as more values. The last three are good.
func (d *Decoder) longAddress(a *imap.Address, start int) {
	at, why := d.failAt, d.why
	if !d.failed {
		at, why = d.pos, `expected ")"`
	}
	d.failed = false
	*a = imap.Address{}
	starts, end := d.values(start)
	if n := len(starts); n > 4 && end > 0 && d.s[start] == '{' && d.tolerates(QuirkAddressLength) {
		d.pos = start
		pos, _, ok := d.literalHeader()
		last := starts[n-3:]
		if ok && pos <= last[0] {
			a.Name = strings.TrimSpace(d.s[pos:last[0]])
			d.pos = last[1]
			a.Mailbox = d.nstring()
			d.pos = last[2]
			a.Host = d.nstring()
			d.pos = end
			return
		}
	}
	d.failAtPos(at, why)
}

// values returns where the values of the current list start, at most 100 of them, and where the list
// ends, which is 0 if it does not.
func (d *Decoder) values(pos int) (starts []int, end int) {
	for len(starts) < 100 && pos < len(d.s) {
		switch c := d.s[pos]; {
		case isSpace(c):
			pos++
		case c == ')':
			return starts, pos + 1
		default:
			starts = append(starts, pos)
			next, ok := d.skip(pos)
			if !ok {
				return starts, 0
			}
			pos = next
		}
	}
	return starts, 0
}
