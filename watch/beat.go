package watch

import "time"

// beat is the period in which a server says something in IDLE by itself, such as "* OK Still here" of Dovecot. Where
// there is one, a connection on which it is missing is asked at once whether it lives.
type beat struct {
	period time.Duration // 0: none was heard
	missed int           // how often in a row it was missing although the server was there
}

// A period outside of these is none.
const (
	minBeat = 10 * time.Second
	maxBeat = 15 * time.Minute
)

// heard notes a word that came after so long a silence.
func (b *beat) heard(silence time.Duration) {
	if silence >= minBeat && silence <= maxBeat {
		b.period, b.missed = max(b.period, silence), 0
	}
}

// wrong notes that the beat was missing and the server there: it is forgotten when that happens again.
func (b *beat) wrong() {
	if b.missed++; b.missed >= 2 {
		*b = beat{}
	}
}
