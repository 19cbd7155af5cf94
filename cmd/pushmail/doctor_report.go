package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/rivo/uniseg"
)

// report writes what the doctor has to say: for people as soon as it is known, as JSON at the end.
type report struct {
	a        *app
	d        *examination
	json     bool
	trace    bool
	look     look
	topic    string // the last one that was printed
	findings []finding
}

func (a *app) reportWriter(f *doctorFlags, d *examination) *report {
	return &report{a: a, d: d, json: f.json, trace: f.trace, look: a.look(a.out)}
}

// first tells all but what is measured.
func (r *report) first() error {
	return r.tell(judgeFirst(&r.d.facts, time.Now()))
}

// rest tells what was measured, and the end.
func (r *report) rest() error {
	if err := r.tell(judgeMeasured(&r.d.facts)); err != nil {
		return err
	}
	if r.json {
		return r.printJSON()
	}
	var b strings.Builder
	if r.trace {
		b.WriteString("\n" + r.look.render(span{"What was said", bold}) + "\n")
		for _, line := range r.d.script.all() {
			b.WriteString("  " + line + "\n")
		}
	}
	b.WriteString("\n" + r.look.render(summary(r.findings)) + "\n")
	return write(r.a.out, b.String())
}

func (r *report) tell(list []finding) error {
	r.findings = append(r.findings, list...)
	if r.json {
		return nil
	}
	return write(r.a.out, r.text(list))
}

// printJSON prints one object.
func (r *report) printJSON() error {
	if r.findings == nil {
		r.findings = []finding{}
	}
	out := struct {
		URL      string    `json:"url"`
		Level    level     `json:"level"`
		Findings []finding `json:"findings"`
		Facts    *facts    `json:"facts"`
		Trace    []string  `json:"trace,omitempty"`
	}{URL: r.d.c.url.String(), Level: worst(r.findings), Findings: r.findings, Facts: &r.d.facts}
	if r.trace {
		out.Trace = r.d.script.all()
	}
	return writeJSON(r.a.out, out)
}

// text lays findings out in lines.
func (r *report) text(list []finding) string {
	var b strings.Builder
	for _, f := range list {
		if f.Topic != r.topic {
			if r.topic != "" {
				b.WriteString("\n")
			}
			b.WriteString(r.paint(f.Topic, bold) + "\n")
			r.topic = f.Topic
		}
		b.WriteString("  " + r.paint(pad(string(f.Level), levelWidth), levelColour[f.Level]))
		b.WriteString(strings.Join(r.wrap(f.Text), "\n"+strings.Repeat(" ", findingIndent)) + "\n")
		if f.Fix != "" {
			lines := r.wrap("→ " + f.Fix)
			b.WriteString(strings.Repeat(" ", findingIndent) + r.paint(strings.Join(lines, "\n  "+strings.Repeat(" ", findingIndent)), cyan) + "\n")
		}
	}
	return b.String()
}

const (
	levelWidth    = 9
	findingIndent = 2 + levelWidth
)

var levelColour = map[level]colour{levelOK: green, levelNote: yellow, levelProblem: red}

func (r *report) paint(text string, c colour) string {
	var b strings.Builder
	r.look.paint(&b, span{text, c})
	return b.String()
}

// wrap breaks text into lines that fit into the terminal, or does not where there is none. Spaces at the beginning of
// a word stay where they are.
func (r *report) wrap(text string) []string {
	room := r.look.columns() - findingIndent - 3
	if r.look.columns() == 0 || room < 20 {
		return []string{text}
	}
	var lines []string
	line, width := "", 0
	for word := range strings.SplitSeq(text, " ") {
		w := uniseg.StringWidth(word)
		if line != "" && width+1+w > room {
			lines = append(lines, line)
			line, width = "", 0
		}
		if line != "" || width > 0 {
			line, width = line+" ", width+1
		}
		line, width = line+word, width+w
	}
	return append(lines, line)
}

// summary is the last line.
func summary(list []finding) span {
	problems, notes := 0, 0
	for _, f := range list {
		switch f.Level {
		case levelProblem:
			problems++
		case levelNote:
			notes++
		}
	}
	switch {
	case problems > 0:
		return span{fmt.Sprintf("%s, %s.", count(problems, "problem"), count(notes, "note")), red}
	case notes > 0:
		return span{fmt.Sprintf("No problem, %s.", count(notes, "note")), green}
	}
	return span{"All is well.", green}
}
