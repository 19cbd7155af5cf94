package watch

import (
	"testing"
	"time"
)

func TestPaceLearns(t *testing.T) {
	const limit = 9 * time.Minute
	type lesson struct {
		after   time.Duration // since the lesson before
		what    string        // "lost", "hung up", "survived"
		silence time.Duration
		want    time.Duration
	}
	m := time.Minute
	for _, tt := range []struct {
		name    string
		limit   time.Duration
		lessons []lesson
	}{
		{"nothing", limit, []lesson{{0, "survived", 9 * m, 9 * m}}},
		{"lost without a word: two thirds", limit, []lesson{{0, "lost", 9 * m, 6 * m}, {m, "lost", 6 * m, 4 * m}}},
		{"hung up: a fifth before", limit, []lesson{{0, "hung up", 5 * m, 4 * m}}},
		{"many connections that die of the same are one lesson", limit, []lesson{{0, "lost", 9 * m, 6 * m}, {0, "lost", 9 * m, 6 * m}, {0, "lost", 9 * m, 6 * m}}},
		{"what dies at once does not die of silence", limit, []lesson{{0, "hung up", 59 * time.Second, 9 * m}}},
		{"not below a minute", limit, []lesson{{0, "hung up", m, m}, {0, "lost", m, m}}},
		{"a limit below a minute is the least", 55 * time.Second, []lesson{{0, "lost", 55 * time.Second, 55 * time.Second}}},
		{"grows by a quarter in an hour", limit, []lesson{
			{0, "lost", 9 * m, 6 * m},
			{59 * m, "survived", 6 * m, 6 * m},
			{m, "survived", 6 * m, 6*m + 72*time.Second}, // not more than four fifths of what was bad
			{time.Hour, "survived", 7 * m, 6*m + 72*time.Second},
			{24 * time.Hour, "survived", 7*m + 12*time.Second, 9 * m}, // the bad one is forgotten
		}},
		{"what was shorter tells nothing", limit, []lesson{{0, "lost", 9 * m, 6 * m}, {25 * time.Hour, "survived", 5 * m, 6 * m}, {0, "survived", 6 * m, 7*m + 30*time.Second}}},
		{"to the limit", limit, []lesson{
			{0, "hung up", 5 * m, 4 * m},
			{25 * time.Hour, "survived", 4 * m, 5 * m},
			{time.Hour, "survived", 5 * m, 6*m + 15*time.Second},
			{time.Hour, "survived", 7 * m, 7*m + 48*time.Second + 750*time.Millisecond},
			{time.Hour, "survived", 8 * m, 9 * m},
			{time.Hour, "survived", 9 * m, 9 * m},
		}},
	} {
		var p pace
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		for i, l := range tt.lessons {
			now = now.Add(l.after)
			was := p.now(tt.limit)
			var changed bool
			if l.what == "survived" {
				changed = p.survived(now, l.silence, tt.limit)
			} else {
				changed = p.died(now, l.silence, l.what == "lost", tt.limit)
			}
			if got := p.now(tt.limit); got != l.want || changed != (got != was) {
				t.Errorf("%s, lesson %d: %v (changed: %v), want %v", tt.name, i+1, got, changed, l.want)
			}
		}
	}
}

func TestBeat(t *testing.T) {
	var b beat
	for _, silence := range []time.Duration{time.Second, 2 * time.Minute, 2*time.Minute + time.Second, time.Hour, 30 * time.Second} {
		b.heard(silence)
	}
	if b.period != 2*time.Minute+time.Second {
		t.Errorf("the period is %v", b.period)
	}
	b.wrong()
	b.heard(2 * time.Minute)
	b.wrong()
	if b.period == 0 {
		t.Error("it was forgotten for being missing twice, but not in a row")
	}
	if b.wrong(); b.period != 0 {
		t.Error("it was missing twice in a row and is still expected")
	}
}

func TestBudgetIsHalvedAndGrowsBack(t *testing.T) {
	b := budget{most: 8}
	steps := []struct {
		ago  time.Duration // how long the last cut is to be past
		cut  bool
		want int
	}{
		{0, false, 8},
		{0, true, 4},
		{4 * time.Minute, true, 4}, // one lesson
		{5 * time.Minute, true, 2},
		{2 * time.Hour, false, 4},
		{2 * time.Hour, true, 2},
		{5 * time.Minute, true, 1},
		{5 * time.Minute, true, 1},
		{100 * time.Hour, false, 8},
	}
	for i, s := range steps {
		if s.ago > 0 {
			b.cutAt = time.Now().Add(-s.ago)
		}
		if s.cut {
			b.cut()
		}
		if got := b.allowed(); got != s.want {
			t.Errorf("step %d: %d, want %d", i+1, got, s.want)
		}
	}
}
