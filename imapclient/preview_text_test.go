package imapclient

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/pushmail/pushmail/imap"
)

func TestHTMLText(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"<p>Hello <b>wor</b>ld</p><p>again", "Hello world again"},
		{"a<br>b<br/>c<td>d</td><td>e", "a b c d e"},
		{"<html><head><title>no</title><style>p { color: red }</style></head><body>yes<script>if (a < b) {}</script>!", "yes!"},
		{"<style>p { color: red }", ""}, // cut
		{"text<style>p { co", "text"},
		{"text <a href=\"http://example.org/", "text"},
		{"f&uuml;r &lt;alle&gt;&nbsp;&amp; mehr &#128512;", "für <alle> & mehr 😀"},
		{"<!-- no --><!DOCTYPE html><!--[if mso]>no<![endif]-->yes", "yes"},
		{"<div style=\"display:none\">Preheader&zwnj;&nbsp;&zwnj;&nbsp;&#847; &#847;</div><h1>Title</h1>", "Preheader Title"},
		{"a < b", "a < b"},
		{"", ""},
	} {
		if got := oneLine(htmlText(tt.in), 200); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestPreviewInOneLine(t *testing.T) {
	for _, tt := range []struct {
		in   string
		n    int
		want string
	}{
		{"  Hello \r\n\r\n\tworld \u00a0 ", 200, "Hello world"},
		{"\x1b[31mred\x00", 200, "[31mred"},
		{"a\u202eb\u2066c\ufeffd\u200be", 200, "abcde"},
		{"👩\u200d💻 क्\u200dष", 200, "👩\u200d💻 क्\u200dष"},
		{"\u200d\u200c \u200c a", 200, "a"},
		{"für alle", 3, "für"},
		{"für alle", 4, "für"},
		{"für alle", 5, "für a"},
		{"für alle", 0, ""},
		{"bad \xff bytes", 200, "bad bytes"},
	} {
		if got := oneLine(tt.in, tt.n); got != tt.want {
			t.Errorf("%q to %d: %q, want %q", tt.in, tt.n, got, tt.want)
		}
	}
}

func TestQuotationsAreNoPreview(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"> what?\n> \nThis.\n", "This."},
		{"> only\n> this", "only this"},
		{"a > b\n", "a > b"},
	} {
		text, only := withoutQuotes(tt.in)
		if got := oneLine(text, 200); got != tt.want || only != strings.HasPrefix(got, "only") {
			t.Errorf("%q: %q, %v; want %q", tt.in, got, only, tt.want)
		}
	}
}

func TestBeginningOfPartOne(t *testing.T) {
	text := imap.BodyPart{Type: "text", Subtype: "plain"}
	alternative := imap.BodyPart{Type: "multipart", Subtype: "alternative", Params: []imap.Param{{Name: "BOUNDARY", Value: "in"}}, Parts: []imap.BodyPart{text, text}}
	related := imap.BodyPart{Type: "multipart", Subtype: "related", Params: []imap.Param{{Name: "boundary", Value: "mid"}}, Parts: []imap.BodyPart{alternative, text}}
	mixed := &imap.BodyPart{Type: "multipart", Subtype: "mixed", Parts: []imap.BodyPart{alternative, text}}
	deep := &imap.BodyPart{Type: "multipart", Subtype: "mixed", Parts: []imap.BodyPart{related, text}}
	const inner = "preamble\r\n--in \r\nContent-Type: text/plain\r\n\r\nHello\r\nworld"
	for _, tt := range []struct {
		name          string
		body          *imap.BodyPart
		section, part string
		want          string
		whole         bool
	}{
		{"part 1 itself", mixed, "1", "Hello", "Hello", false},
		{"first of part 1", mixed, "1.1", inner, "Hello\r\nworld", false},
		{"and its end", mixed, "1.1", inner + "\r\n--in\r\nmore", "Hello\r\nworld\r", true},
		{"line feeds", mixed, "1.1", strings.ReplaceAll(inner, "\r", ""), "Hello\nworld", false},
		{"no header", mixed, "1.1", "--in\r\n\r\nHello", "Hello", false},
		{"header is cut", mixed, "1.1", "--in\r\nContent-Type: te", "", false},
		{"boundary is cut", mixed, "1.1", "--in", "", false},
		{"first of first of part 1", deep, "1.1.1", "--mid\r\nContent-Type: multipart/alternative\r\n\r\n" + inner, "Hello\r\nworld", false},
		{"deeper than there is", mixed, "1.1.1", inner, "", false},
		{"another part", mixed, "2", inner, "", false},
		{"another part of part 1", mixed, "1.2", inner, "", false},
		{"part 11", mixed, "11", inner, "", false},
		{"no structure", nil, "1.1", inner, "", false},
	} {
		got, whole := beginningOf(tt.body, tt.section, tt.part)
		if got != tt.want || whole != tt.whole {
			t.Errorf("%s: %q, %v; want %q, %v", tt.name, got, whole, tt.want, tt.whole)
		}
	}
}

// Whatever a sender wrote, a preview is one line of characters that people see, and short.
func TestPreviewsAreHarmless(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.OneOf(rapid.String(), rapid.StringMatching(`(<[a-z/!-]{0,6}[>"]?|&[a-z#0-9]{0,5};?|[ a-z\r\n>]{0,5})*`)).Draw(t, "text")
		unquoted, _ := withoutQuotes(in)
		for _, text := range []string{oneLine(in, 20), oneLine(htmlText(in), 20), oneLine(unquoted, 20)} {
			if utf8.RuneCountInString(text) > 20 || !utf8.ValidString(text) || strings.ContainsAny(text, "\r\n\t\x00\x1b\u202e") || strings.TrimSpace(text) != text {
				t.Fatalf("%q: %q", in, text)
			}
		}
	})
}
