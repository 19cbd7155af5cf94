package recording

import (
	"fmt"
	"strings"
	"time"
)

// put writes text as it stands.
func (w *writer) put(text string) { w.WriteString(text) }

func (w *writer) putf(format string, args ...any) { fmt.Fprintf(w, format, args...) }

var quoting = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// str writes a string, and "" as NIL, which is what servers do. Long ones and some of those with quotes are literals.
func (w *writer) str(s string) {
	switch {
	case s == "":
		w.put("NIL")
	case len(s) > 900, strings.IndexByte(s, '"') >= 0 && w.chance(50):
		w.literal(s)
	default:
		w.put(`"`)
		_, _ = quoting.WriteString(w, s)
		w.put(`"`)
	}
}

func (w *writer) literal(s string) { w.putf("{%d}\r\n%s", len(s), s) }

// params writes ("name" "value" …), or NIL.
func (w *writer) params(pairs ...string) {
	if len(pairs) == 0 {
		w.put("NIL")
		return
	}
	open := byte('(')
	for _, s := range pairs {
		w.WriteByte(open)
		w.str(s)
		open = ' '
	}
	w.put(")")
}

// pick chooses one of some words.
func (w *writer) pick(words ...string) string { return words[w.rand.IntN(len(words))] }

// chance is true in so many of a hundred cases.
func (w *writer) chance(percent int) bool { return w.rand.IntN(100) < percent }

// from returns a number of the range.
func (w *writer) from(low, high int) int { return low + w.rand.IntN(high-low+1) }

var (
	firstDay = time.Date(2014, 3, 1, 0, 0, 0, 0, time.UTC)
	zones    = []*time.Location{time.UTC, zone(1), zone(2), zone(-5), zone(-8), zone(9), time.FixedZone("", 5*3600+1800)}
)

func zone(hours int) *time.Location { return time.FixedZone("", hours*3600) }

// moment returns when message n was written: later ones mostly have higher numbers.
func (w *writer) moment(n int) time.Time {
	t := firstDay.Add(time.Duration(n)*37*time.Minute + time.Duration(w.rand.IntN(6*3600))*time.Second)
	return t.In(zones[w.rand.IntN(len(zones))])
}
