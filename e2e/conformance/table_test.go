package conformance

import (
	"strings"
	"testing"
)

// What is written is read back, so that a cell cannot turn without the test seeing it.
func TestMatrixIsReadAsItIsWritten(t *testing.T) {
	found := matrix{}
	for i, c := range columns {
		found[c.name] = map[string]cell{}
		n := 0
		for _, g := range table {
			for _, r := range g.rows {
				found[c.name][r.name] = []cell{works, otherWay, notOffered, deviates}[(n+i)%4]
				n++
			}
		}
	}
	text := found.markdown()
	for _, c := range columns {
		read := readColumn(text, c.name)
		if len(read) != len(found[c.name]) {
			t.Errorf("%s: %d cells written, %d read", c.name, len(found[c.name]), len(read))
		}
		for row, is := range found[c.name] {
			if !is.is(read[row]) {
				t.Errorf("%s, %s: %q written, %q read", c.name, row, is, read[row])
			}
		}
	}
	if notes := strings.Count(text, "\n1. "); notes != 1 {
		t.Errorf("%d first notes", notes)
	}
}

func TestCellsAreToldApart(t *testing.T) {
	for _, test := range []struct {
		is       cell
		document string
		want     bool
	}{
		{works, "ok", true},
		{works, "–", false},
		{works, "", false},
		{works, "okay", false},
		{notOffered, "–", true},
		{otherWay, "ok", false},
		{deviates, "odd (12)", true},
		{deviates, "ok", false},
		{"", "ok", false},
		{"", "", false},
	} {
		if got := test.is.is(test.document); got != test.want {
			t.Errorf("%q is %q: %v, want %v", test.is, test.document, got, test.want)
		}
	}
}
