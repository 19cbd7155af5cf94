package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"pgregory.net/rapid"
)

func TestCleanDisarms(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, text, want string }{
		{"plain", "Lunch?", "Lunch?"},
		{"colour", "\x1b[31mred\x1b[0m", "?[31mred?[0m"},
		{"title of the window", "\x1b]0;owned\x07", "?]0;owned?"},
		{"C1 escape", "\u009b31m", "?31m"},
		{"new line", "one\r\ntwo\tthree", "one two three"},
		{"line separator", "one\u2028two", "one two"},
		{"backspace", "a\b\bb", "a??b"},
		{"delete", "a\x7f", "a?"},
		{"right to left override", "evil\u202egpj.exe", "evil?gpj.exe"},
		{"marks of direction", "a\u200eb\u200fc", "abc"},
		{"zero width", "a\ufeffb\u00adc\u2060d", "abcd"},
		{"invalid bytes", "a\xff\xfeb", "a??b"},
		{"family", "👨‍👩‍👧", "👨‍👩‍👧"},
		{"stack of marks", "a" + strings.Repeat("\u0301", 300), "a" + strings.Repeat("\u0301", maxMarks)},
		{"umlaut of two", "u\u0308", "u\u0308"},
	} {
		if got := clean(test.text); got != test.want {
			t.Errorf("%s: clean(%q) = %q, want %q", test.name, test.text, got, test.want)
		}
	}
}

func TestCleanBoundsLength(t *testing.T) {
	t.Parallel()
	if got := clean(strings.Repeat("日", 100_000)); len(got) > maxField+len("…") || !utf8.ValidString(got) {
		t.Errorf("%d bytes, valid %v", len(got), utf8.ValidString(got))
	}
}

func TestCleanLeavesNothingThatMovesTheCursor(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "text")
		for _, r := range clean(text) {
			if r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
				t.Fatalf("clean(%q) has %U", text, r)
			}
		}
	})
}

func TestCutKeepsCharactersWhole(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text  string
		width int
		want  string
	}{
		{"Lunch", 5, "Lunch"},
		{"Lunch?", 5, "Lunc…"},
		{"日本語", 6, "日本語"},
		{"日本語です", 6, "日本…"},
		{"日本語です", 7, "日本語…"},
		{"👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧", 5, "👨‍👩‍👧👨‍👩‍👧…"},
		{"anything", 1, "…"},
	} {
		if got := cut(test.text, test.width); got != test.want {
			t.Errorf("cut(%q, %d) = %q, want %q", test.text, test.width, got, test.want)
		}
	}
}

func TestRenderNeverExceedsTheTerminal(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(1, 100).Draw(t, "width")
		var spans []span
		for _, text := range rapid.SliceOf(rapid.StringN(0, 30, -1)).Draw(t, "spans") {
			spans = append(spans, span{clean(text), plain})
		}
		line := look{width: func() int { return width }}.render(spans...)
		if got := uniseg.StringWidth(line); got > width {
			t.Fatalf("%q has %d columns, want at most %d", line, got, width)
		}
		whole := look{}.render(spans...)
		if uniseg.StringWidth(whole) <= width && line != whole {
			t.Fatalf("%q was cut to %q though it fits into %d", whole, line, width)
		}
	})
}

func TestRenderColours(t *testing.T) {
	t.Parallel()
	spans := []span{{"new", green}, {" x", plain}, {"", dim}}
	if got := (look{colour: true}).render(spans...); got != "\x1b[1;32mnew\x1b[0m x" {
		t.Errorf("with colour: %q", got)
	}
	if got := (look{}).render(spans...); got != "new x" {
		t.Errorf("without: %q", got)
	}
}
