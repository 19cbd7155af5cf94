package imapwire

import (
	"strings"
	"sync/atomic"
	"time"
)

// maxZone is the largest offset from UTC that is taken seriously, in minutes.
const maxZone = 24 * 60

// zones are the locations made so far, by offset from UTC in minutes.
var zones [2*maxZone + 1]atomic.Pointer[time.Location]

// zone returns the location for an offset in minutes. There is one for each offset, made once.
func zone(minutes int) *time.Location {
	if minutes == 0 {
		return time.UTC
	}
	p := &zones[minutes+maxZone]
	if loc := p.Load(); loc != nil {
		return loc
	}
	p.CompareAndSwap(nil, time.FixedZone("", minutes*60))
	return p.Load()
}

// dateTime reads a date-time (RFC 9051 section 9): "17-Jul-1996 02:44:25 -0700", with a space for the
// first digit of a short day. A date that does not exist is the zero time.
func (d *Decoder) dateTime() time.Time {
	start := d.pos
	text := d.nstring()
	if d.failed {
		return time.Time{}
	}
	if t, ok := parseDateTime(text); ok {
		return t
	}
	if d.tolerates(QuirkDate) {
		return looseDateTime(text)
	}
	d.failAtPos(start, "expected a date and time")
	return time.Time{}
}

func parseDateTime(s string) (time.Time, bool) {
	if len(s) != 26 || s[2] != '-' || s[6] != '-' || s[11] != ' ' || s[14] != ':' || s[17] != ':' || s[20] != ' ' {
		return time.Time{}, false
	}
	day := twoDigits(s, 0)
	if s[0] == ' ' {
		day = int(s[1] - '0')
	}
	month := monthOf(s[3:6])
	century, year := twoDigits(s, 7), twoDigits(s, 9)
	hour, minute, sec := twoDigits(s, 12), twoDigits(s, 15), twoDigits(s, 18)
	zh, zm := twoDigits(s, 22), twoDigits(s, 24)
	if day > 31 || month == 0 || century > 99 || year > 99 || hour > 23 || minute > 59 || sec > 60 || zh > 23 || zm > 59 {
		return time.Time{}, false
	}
	offset := zh*60 + zm
	switch s[21] {
	case '-':
		offset = -offset
	case '+':
	default:
		return time.Time{}, false
	}
	y := century*100 + year
	if day < 1 || day > daysIn(y, month) {
		return time.Time{}, false
	}
	t := daysSinceEpoch(y, month, day)*86400 + int64(hour*3600+minute*60+sec-offset*60)
	return time.Unix(t, 0).In(zone(offset)), true
}

// twoDigits reads two digits; it is over 99 for anything else.
func twoDigits(s string, i int) int {
	a, b := s[i]-'0', s[i+1]-'0'
	if a > 9 || b > 9 {
		return 1000
	}
	return int(a)*10 + int(b)
}

// monthOf returns 1 to 12, or 0. Case does not matter.
func monthOf(s string) int {
	switch uint32(s[0]|0x20)<<16 | uint32(s[1]|0x20)<<8 | uint32(s[2]|0x20) {
	case 'j'<<16 | 'a'<<8 | 'n':
		return 1
	case 'f'<<16 | 'e'<<8 | 'b':
		return 2
	case 'm'<<16 | 'a'<<8 | 'r':
		return 3
	case 'a'<<16 | 'p'<<8 | 'r':
		return 4
	case 'm'<<16 | 'a'<<8 | 'y':
		return 5
	case 'j'<<16 | 'u'<<8 | 'n':
		return 6
	case 'j'<<16 | 'u'<<8 | 'l':
		return 7
	case 'a'<<16 | 'u'<<8 | 'g':
		return 8
	case 's'<<16 | 'e'<<8 | 'p':
		return 9
	case 'o'<<16 | 'c'<<8 | 't':
		return 10
	case 'n'<<16 | 'o'<<8 | 'v':
		return 11
	case 'd'<<16 | 'e'<<8 | 'c':
		return 12
	}
	return 0
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// daysSinceEpoch counts days from 1970-01-01 in the Gregorian calendar; years start in March, so that
// the day that comes and goes is the last one.
func daysSinceEpoch(year, month, day int) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	era := year / 400
	yearOfEra := year - era*400
	dayOfYear := (153*(month-3)+2)/5 + day - 1
	return int64(era)*146097 + int64(yearOfEra*365+yearOfEra/4-yearOfEra/100+dayOfYear) - 719468
}

// looseDateTime reads the forms of a date-time that servers were seen to send; the zero time for
// what cannot be read.
func looseDateTime(s string) time.Time {
	s = strings.TrimSpace(s)
	for _, layout := range []string{"_2-Jan-2006 15:04:05 -0700", "_2-Jan-2006 15:04:05", "Mon, _2 Jan 2006 15:04:05 -0700", time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			_, offset := t.Zone()
			if minutes := offset / 60; minutes >= -maxZone && minutes <= maxZone {
				return t.In(zone(minutes))
			}
		}
	}
	return time.Time{}
}
