package main

import (
	"errors"
	"strings"
)

// splitWords splits text into words as a shell does, without being one: white space separates words;
// 'single quotes' keep everything, "double quotes" keep everything but \" and \\, and a backslash
// outside of quotes keeps the character after it. Nothing is expanded: no $VARIABLE, ~, *, | or ;.
func splitWords(text string) ([]string, error) {
	var words []string
	var word strings.Builder
	inWord := false // an empty pair of quotes is a word, too
	end := func() {
		if inWord {
			words = append(words, word.String())
			word.Reset()
			inWord = false
		}
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case ' ', '\t', '\n', '\r':
			end()
			continue
		case '\\':
			i++
			if i == len(text) {
				return nil, errors.New("nothing follows the backslash at the end")
			}
			word.WriteByte(text[i])
		case '\'', '"':
			n, err := quoted(&word, text[i:])
			if err != nil {
				return nil, err
			}
			i += n - 1
		default:
			word.WriteByte(c)
		}
		inWord = true
	}
	end()
	return words, nil
}

// quoted copies the quoted text that text starts with and returns its length with both quotes.
func quoted(word *strings.Builder, text string) (int, error) {
	quote := text[0]
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == quote:
			return i + 1, nil
		case c == '\\' && quote == '"' && i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\\'):
			i++
			word.WriteByte(text[i])
		default:
			word.WriteByte(c)
		}
	}
	return 0, errors.New("a quote " + string(quote) + " is not closed")
}
