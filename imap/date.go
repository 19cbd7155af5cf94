package imap

import (
	"strconv"
	"strings"
	"time"
)

// Time returns the time that the Date field says, and false if it says none. It is the sender's
// word: it can lie in the future or before there was mail. See [ParseDate] for what is understood.
func (e *Envelope) Time() (time.Time, bool) {
	if e == nil {
		return time.Time{}, false
	}
	return ParseDate(e.Date)
}

// ParseDate reads the text of a Date field (RFC 5322 section 3.3) with everything that senders make
// of it: no weekday or a wrong one, comments, two-digit years, names of zones, no zone (UTC), no
// seconds, dashes between the parts, ctime and ISO 8601 order. It returns false if day, month and
// year are not all there or not a date. Numbers alone, such as 1/7/2003, are no date: nobody knows
// which is the month.
//
// Unlike [net/mail.ParseDate] the answer does not depend on the zone of the machine: EST is -0500
// everywhere (RFC 5322 section 4.3), and a name that is not known is UTC.
func ParseDate(text string) (time.Time, bool) {
	p := dateParser{in: text}
	for p.next() {
		p.take()
	}
	return p.time()
}

// dateParser goes through a date word by word and takes each for what it can be.
type dateParser struct {
	in    string
	pos   int  // after the current token
	start int  // of the current token
	kind  byte // '0' number, 'a' word, else the character itself

	day, month, year int
	hour, min, sec   int
	hasTime, hasZone bool
	pm, am           bool
	offset           int // seconds east of UTC
}

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// next moves to the next token and reports whether there is one. White space and comments are none.
func (p *dateParser) next() bool {
	p.pos = skipCFWS(p.in, p.pos)
	p.start = p.pos
	if p.pos == len(p.in) {
		return false
	}
	switch c := p.in[p.pos]; {
	case isDigit(c):
		p.kind, p.pos = '0', p.run(isDigit)
	case isLetter(c):
		p.kind, p.pos = 'a', p.run(isLetter)
	default:
		p.kind = c
		p.pos++
	}
	return true
}

func (p *dateParser) run(in func(byte) bool) int {
	i := p.pos
	for i < len(p.in) && in(p.in[i]) {
		i++
	}
	return i
}

// skipComment returns the position after the comment that starts at i. Comments nest (RFC 5322
// section 3.2.2); one without an end goes to the end of the text.
func skipComment(text string, i int) int {
	depth := 0
	for ; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(text)
}

func (p *dateParser) text() string { return p.in[p.start:p.pos] }

// clock reads the digits after a ":" and moves past them. White space and comments can stand on both
// sides of it (RFC 5322 section 4.3 and appendix A.6.3).
func (p *dateParser) clock() (text string, ok bool) {
	colon := skipCFWS(p.in, p.pos)
	if colon == len(p.in) || p.in[colon] != ':' {
		return "", false
	}
	start := skipCFWS(p.in, colon+1)
	if start == len(p.in) || !isDigit(p.in[start]) {
		return "", false
	}
	p.pos = start
	p.pos = p.run(isDigit)
	return p.in[start:p.pos], true
}

func skipCFWS(text string, i int) int {
	for i < len(text) {
		switch {
		case text[i] <= ' ':
			i++
		case text[i] == '(':
			i = skipComment(text, i)
		default:
			return i
		}
	}
	return i
}

// number reads digits directly after sep at the current position, and moves past them.
func (p *dateParser) number(sep byte) (text string, ok bool) {
	if p.pos+1 >= len(p.in) || p.in[p.pos] != sep || !isDigit(p.in[p.pos+1]) {
		return "", false
	}
	p.pos++
	start := p.pos
	p.pos = p.run(isDigit)
	return p.in[start:p.pos], true
}

func (p *dateParser) take() {
	switch p.kind {
	case '0':
		p.takeNumber()
	case 'a':
		p.takeWord()
	case '+', '-':
		p.takeOffset()
	}
}

// small returns the value of a short run of digits, and 1e6 for a long one, which is out of every range.
func small(digits string) int {
	if len(digits) > 5 {
		return 1e6
	}
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 1e6
	}
	return n
}

func (p *dateParser) takeNumber() {
	text := p.text()
	if minutes, ok := p.clock(); ok {
		p.takeTime(text, minutes)
		return
	}
	if sep := p.peek(); sep == '-' || sep == '/' || sep == '.' {
		if p.takeNumeric(text, sep) {
			return
		}
	}
	switch {
	case len(text) > 2:
		p.setYear(text)
	case p.day == 0:
		p.day = small(text)
	default:
		p.setYear(text)
	}
}

func (p *dateParser) peek() byte {
	if p.pos < len(p.in) {
		return p.in[p.pos]
	}
	return 0
}

// takeNumeric takes yyyy-mm-dd, and dd.mm.yyyy with dots.
func (p *dateParser) takeNumeric(first string, sep byte) bool {
	start := p.pos
	second, ok := p.number(sep)
	if !ok {
		return false
	}
	third, ok := p.number(sep)
	switch {
	case ok && len(first) == 4:
		p.setYear(first)
		p.month, p.day = small(second), small(third)
	case ok && len(third) == 4 && sep == '.':
		p.setYear(third)
		p.month, p.day = small(second), small(first)
	case ok:
		// Nobody knows which number is what: let none of them be taken for a day.
		p.month, p.day = -1, -1
	default:
		p.pos = start
		return false
	}
	return true
}

// setYear sets the year. RFC 5322 section 4.3: 00 to 49 are 2000 to 2049, 50 to 99 are 1950 to
// 1999, and three digits count from 1900.
func (p *dateParser) setYear(digits string) {
	if p.year != 0 {
		return
	}
	n := small(digits)
	switch {
	case len(digits) <= 2 && n < 50:
		n += 2000
	case len(digits) <= 3:
		n += 1900
	}
	p.year = n
}

func (p *dateParser) takeTime(hours, minutes string) {
	seconds, _ := p.clock()
	for _, sep := range []byte{'.', ','} {
		if _, fraction := p.number(sep); fraction {
			break
		}
	}
	if p.hasTime {
		return
	}
	p.hasTime = true
	p.hour, p.min = small(hours), small(minutes)
	if seconds != "" {
		p.sec = small(seconds)
	}
}

var (
	monthNames = [...]string{
		"january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
		"november", "december",
	}
	dayNames = [...]string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
)

// indexName returns which of names text abbreviates to three letters or more, or -1.
func indexName(names []string, text string) int {
	if len(text) < 3 {
		return -1
	}
	for i, name := range names {
		if len(text) <= len(name) && strings.EqualFold(name[:len(text)], text) {
			return i
		}
	}
	return -1
}

// zoneOffsets are hours east of UTC: RFC 5322 section 4.3, and zones that senders use although the
// RFC does not know them, as far as their names mean one thing.
var zoneOffsets = map[string]float64{
	"UT": 0, "UTC": 0, "GMT": 0, "WET": 0,
	"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
	"AKST": -9, "AKDT": -8, "HST": -10, "NST": -3.5, "NDT": -2.5, "BRT": -3,
	"WEST": 1, "BST": 1, "CET": 1, "MET": 1, "CEST": 2, "MEST": 2, "MESZ": 2, "MEZ": 1, "EET": 2, "SAST": 2,
	"EEST": 3, "MSK": 3, "MSD": 4, "HKT": 8, "SGT": 8, "AWST": 8, "JST": 9, "KST": 9,
	"ACST": 9.5, "ACDT": 10.5, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
}

func (p *dateParser) takeWord() {
	text := p.text()
	if m := indexName(monthNames[:], text); m >= 0 {
		if p.month == 0 {
			p.month = m + 1
		}
		// The dash of 1-Jul-2003 is no sign of an offset.
		if c := p.peek(); c == '-' || c == '/' {
			p.pos++
		}
		return
	}
	if !p.hasTime || indexName(dayNames[:], text) >= 0 {
		return
	}
	upper := strings.ToUpper(text)
	switch upper {
	case "AM":
		p.am = true
		return
	case "PM":
		p.pm = true
		return
	}
	// Military letters say nothing: RFC 822 had them the wrong way round (RFC 5322 section 4.3).
	if hours, ok := zoneOffsets[upper]; ok && !p.hasZone {
		p.hasZone = true
		p.offset = int(hours * 3600)
	}
}

// takeOffset takes +hhmm, +hh:mm, +hmm and +hh after a time. It overrides the name of a zone, for
// GMT+0200 means what it says.
func (p *dateParser) takeOffset() {
	sign := p.kind
	p.pos = p.start
	digits, ok := p.number(sign)
	if !ok {
		p.pos = p.start + 1
		return
	}
	hours, minutes := digits, "0"
	switch {
	case len(digits) > 4:
		return
	case len(digits) > 2:
		hours, minutes = digits[:len(digits)-2], digits[len(digits)-2:]
	default:
		if m, ok := p.number(':'); ok {
			minutes = m
		}
	}
	h, m := small(hours), small(minutes)
	if !p.hasTime || h > 23 || m > 59 {
		return
	}
	p.hasZone = true
	p.offset = h*3600 + m*60
	if sign == '-' {
		p.offset = -p.offset
	}
}

func (p *dateParser) time() (time.Time, bool) {
	switch {
	case p.year < 1 || p.year > 9999, p.month < 1 || p.month > 12, p.day < 1:
		return time.Time{}, false
	case p.day > time.Date(p.year, time.Month(p.month)+1, 0, 0, 0, 0, 0, time.UTC).Day():
		return time.Time{}, false
	case p.hour > 24 || p.hour == 24 && p.min+p.sec > 0, p.min > 59, p.sec > 60:
		return time.Time{}, false
	}
	switch {
	case p.pm && p.hour < 12:
		p.hour += 12
	case p.am && p.hour == 12:
		p.hour = 0
	}
	zone := time.UTC
	if p.offset != 0 {
		zone = time.FixedZone("", p.offset)
	}
	return time.Date(p.year, time.Month(p.month), p.day, p.hour, p.min, p.sec, 0, zone), true
}
