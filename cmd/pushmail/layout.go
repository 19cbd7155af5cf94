package main

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"github.com/pushmail/pushmail/imap"
)

// look says how lines are dressed. The zero value is for files and pipes: no colour, no cutting.
type look struct {
	colour bool
	// width returns how many columns the terminal has now, 0 if that is not known. Nil never cuts.
	width func() int
}

func (l look) columns() int {
	if l.width == nil {
		return 0
	}
	return l.width()
}

// colour is the parameter of an SGR escape sequence (ECMA-48 section 8.3.117), "" for none.
type colour string

const (
	plain  colour = ""
	bold   colour = "1"
	dim    colour = "2"
	red    colour = "31"
	green  colour = "1;32"
	yellow colour = "33"
	cyan   colour = "36"
)

// span is a piece of a line in one colour.
type span struct {
	text string
	colour
}

// render puts a line together and cuts it to the width of the terminal.
func (l look) render(spans ...span) string {
	var b strings.Builder
	room := l.columns()
	for _, s := range spans {
		if room > 0 {
			width := uniseg.StringWidth(s.text)
			if width >= room && !fits(spans, l.columns()) {
				s.text = cut(s.text, room)
				l.paint(&b, s)
				break
			}
			room -= width
		}
		l.paint(&b, s)
	}
	return b.String()
}

// fits reports whether a line needs no cutting.
func fits(spans []span, columns int) bool {
	total := 0
	for _, s := range spans {
		total += uniseg.StringWidth(s.text)
	}
	return total <= columns
}

func (l look) paint(b *strings.Builder, s span) {
	if !l.colour || s.colour == plain || s.text == "" {
		b.WriteString(s.text)
		return
	}
	b.WriteString("\x1b[" + string(s.colour) + "m" + s.text + "\x1b[0m")
}

// cut returns the start of text that fits into width columns, with a "…" for what is left out.
func cut(text string, width int) string {
	if uniseg.StringWidth(text) <= width {
		return text
	}
	var b strings.Builder
	state := -1
	for room := width - 1; len(text) > 0; {
		var cluster string
		var w int
		cluster, text, w, state = uniseg.FirstGraphemeClusterInString(text, state)
		if room -= w; room < 0 {
			break
		}
		b.WriteString(cluster)
	}
	b.WriteString("…")
	return b.String()
}

// pad fills text with spaces up to width columns.
func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-uniseg.StringWidth(text)))
}

// maxField bounds, in bytes, what is shown of one field that a stranger wrote.
const maxField = 1000

// clean makes what a stranger wrote fit for a line on a terminal: bounded, in one line, valid UTF-8,
// without control characters and without characters that only change how others look. The joiners that
// emoji and some scripts need stay.
func clean(text string) string {
	if len(text) > maxField {
		text = strings.ToValidUTF8(text[:maxField], "") + "…"
	}
	text = imap.Printable(strings.Join(strings.Fields(text), " "))
	marks := 0
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r) {
			marks++
		} else {
			marks = 0
		}
		switch {
		case r == '\u200c', r == '\u200d':
			return r
		case unicode.Is(unicode.Cf, r), marks > maxMarks:
			return -1
		case r == utf8.RuneError:
			return '?'
		}
		return r
	}, text)
}

// maxMarks bounds the combining marks on one character: many of them run over the lines above and below.
const maxMarks = 4
