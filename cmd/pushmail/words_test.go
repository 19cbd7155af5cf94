package main

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestSplitWords(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text string
		want []string
	}{
		{``, nil},
		{"  \t\r\n ", nil},
		{`pass show mail`, []string{"pass", "show", "mail"}},
		{` a   b `, []string{"a", "b"}},
		{`secret-tool lookup 'my mail' "two words"`, []string{"secret-tool", "lookup", "my mail", "two words"}},
		{`a'b'"c"d`, []string{"abcd"}},
		{`'' ""`, []string{"", ""}},
		{`a\ b \'`, []string{"a b", "'"}},
		{`"a\"b\\c\n"`, []string{`a"b\c\n`}},
		{`'a\b"c'`, []string{`a\b"c`}},
		{`$HOME ~ *.txt; rm -rf | x`, []string{"$HOME", "~", "*.txt;", "rm", "-rf", "|", "x"}},
		{"né 'ü ö'", []string{"né", "ü ö"}},
	} {
		got, err := splitWords(test.text)
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("splitWords(%q) = %q, %v; want %q", test.text, got, err, test.want)
		}
	}
}

func TestSplitWordsRefusesWhatIsNotClosed(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`'a`, `"a`, `a "b\"`, `a\`, `'a\'b'`} {
		if got, err := splitWords(text); err == nil {
			t.Errorf("splitWords(%q) = %q, want an error", text, got)
		}
	}
}

// Quoting any words and splitting them again gives the same words.
func TestSplitWordsUndoesQuoting(t *testing.T) {
	t.Parallel()
	single := func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
	double := func(s string) string { return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"` }
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOf(rapid.String()).Draw(t, "words")
		var text strings.Builder
		for _, w := range words {
			quote := single
			if rapid.Bool().Draw(t, "double") {
				quote = double
			}
			text.WriteString(quote(w) + " ")
		}
		got, err := splitWords(text.String())
		if err != nil || !slices.Equal(got, words) {
			t.Fatalf("splitWords(%q) = %q, %v; want %q", text.String(), got, err, words)
		}
	})
}
