package imapclient

import (
	"io"
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/text/encoding/htmlindex"

	"github.com/pushmail/pushmail/imap"
)

// charsetReader decodes the charsets of the WHATWG encoding standard, which covers what mail has.
func charsetReader(label string, input io.Reader) (io.Reader, error) {
	enc, err := htmlindex.Get(label)
	if err != nil {
		return nil, err
	}
	return enc.NewDecoder().Reader(input), nil
}

// oneLine returns at most n characters of text, white space made single and characters that nobody sees
// left out: those that control, those that change the direction of what stands around, and those that senders fill
// previews with.
func oneLine(text string, n int) string {
	var b strings.Builder
	var before []rune // what stands between two characters: a space, or a joiner
	for _, r := range text {
		switch {
		case unicode.IsSpace(r), r == '\u2800': // the braille pattern without dots
			before = []rune{' '}
		case r == '\u200d' || r == '\u200c': // joiners, which belong to emoji and scripts
			if len(before) == 0 {
				before = []rune{r}
			}
		case r == unicode.ReplacementChar, r == '\u034f', r == '\u115f', r == '\u1160', unicode.Is(unicode.Cf, r), !unicode.IsPrint(r) && !unicode.IsMark(r):
		default:
			if b.Len() == 0 {
				before = nil
			}
			if n -= len(before) + 1; n < 0 {
				return b.String()
			}
			b.WriteString(string(before))
			b.WriteRune(r)
			before = nil
		}
	}
	return b.String()
}

// withoutQuotes leaves out lines that quote another message, unless there is nothing else.
func withoutQuotes(text string) (out string, onlyQuotes bool) {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, ">") {
			b.WriteString(line)
		}
	}
	if strings.TrimSpace(b.String()) == "" {
		return strings.ReplaceAll("\n"+text, "\n>", "\n"), true
	}
	return b.String(), false
}

// htmlText returns the text of a document, or of its beginning. Nothing of it is run or fetched.
func htmlText(document string) string {
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(document))
	hidden := atom.Atom(0) // the element whose text is not one
	for {
		switch z.Next() {
		case html.ErrorToken:
			return b.String()
		case html.TextToken:
			if hidden == 0 {
				b.Write(z.Text())
			}
		case html.StartTagToken:
			name, _ := z.TagName()
			switch a := atom.Lookup(name); {
			case hidden == 0 && isHidden(a):
				hidden = a
			case !isInline(a):
				b.WriteByte('\n')
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			switch a := atom.Lookup(name); {
			case a == hidden:
				hidden = 0
			case !isInline(a):
				b.WriteByte('\n')
			}
		case html.SelfClosingTagToken:
			b.WriteByte('\n')
		}
	}
}

// isHidden reports whether an element has text that is not shown.
func isHidden(a atom.Atom) bool {
	switch a {
	case atom.Script, atom.Style, atom.Title, atom.Noscript, atom.Template, atom.Object, atom.Svg, atom.Math, atom.Select, atom.Textarea:
		return true
	}
	return false
}

// isInline reports whether an element leaves the words around it together.
func isInline(a atom.Atom) bool {
	switch a {
	case atom.A, atom.B, atom.I, atom.U, atom.S, atom.Em, atom.Strong, atom.Span, atom.Font, atom.Small, atom.Big, atom.Sub, atom.Sup,
		atom.Code, atom.Tt, atom.Mark, atom.Ins, atom.Del, atom.Abbr, atom.Acronym, atom.Cite, atom.Dfn, atom.Kbd, atom.Samp, atom.Var, atom.Wbr:
		return true
	}
	return false
}

// beginningOf finds the content of a section in the beginning of part 1, and says whether all of it is there.
// It is empty if the section is not there.
func beginningOf(body *imap.BodyPart, section, part1 string) (content string, whole bool) {
	if section == "1" {
		return part1, false
	}
	firsts := strings.Repeat("1.", strings.Count(section, ".")) + "1"
	if body == nil || len(body.Parts) == 0 || section != firsts {
		return "", false
	}
	part := &body.Parts[0]
	for range strings.Count(section, ".") {
		boundary := part.Param("boundary")
		if boundary == "" || len(part.Parts) == 0 || !strings.EqualFold(part.Type, "multipart") {
			return "", false
		}
		if part1, whole = firstPart(part1, boundary); part1 == "" {
			return "", false
		}
		part = &part.Parts[0]
	}
	return part1, whole
}

// firstPart returns the content of the first part of a multipart, and whether its end is there (RFC 2046
// section 5.1.1).
func firstPart(text, boundary string) (content string, whole bool) {
	_, rest, found := strings.Cut("\n"+text, "\n--"+boundary)
	if !found {
		return "", false
	}
	_, rest, found = strings.Cut(rest, "\n") // the rest of the line is white space
	if !found {
		return "", false
	}
	if !strings.HasPrefix(rest, "\r\n") && !strings.HasPrefix(rest, "\n") {
		i, j := strings.Index(rest, "\n\r\n"), strings.Index(rest, "\n\n")
		switch {
		case i < 0 && j < 0:
			return "", false
		case i < 0 || j >= 0 && j < i:
			rest = rest[j+1:]
		default:
			rest = rest[i+1:]
		}
	}
	_, rest, _ = strings.Cut(rest, "\n")
	content, _, whole = strings.Cut(rest, "\n--"+boundary)
	return content, whole
}
