package config

import (
	"cmp"
	"errors"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// source is one file. masked are the ranges of its text that are not to be shown.
type source struct {
	name   string
	text   []byte
	masked []span
}

// span is a range of bytes of a source.
type span struct{ start, end int }

// node is one value of a file, and where it is. Of a value that came from no file only the value is there.
type node struct {
	src   *source
	key   span // of the key, or of the header of a table
	place span // of the value; the same as key for tables
	value any  // of what is neither a table nor a list
	table map[string]*node
	list  []*node
	// seen counts the headers of a list of tables while places are being found.
	seen int
}

// maxFile bounds a configuration file, in bytes.
const maxFile = 16 << 20

// parse reads a file into a tree. With a syntax error there is none.
func (l *loader) parse(name string) *node {
	src := &source{name: name}
	text, err := os.ReadFile(name)
	switch {
	case err != nil:
		var path *os.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		hint := ""
		if os.IsNotExist(err) {
			hint = `"pushmail init" writes one to start from`
		}
		l.report(src, 0, Problem{Message: "cannot be read: " + err.Error(), Hint: hint})
		return nil
	case len(text) > maxFile:
		l.report(src, 0, Problem{Message: "is larger than 16 MiB"})
		return nil
	}
	return l.parseText(src, text)
}

func (l *loader) parseText(src *source, text []byte) *node {
	l.files = append(l.files, src.name)
	src.text = text
	var values map[string]any
	if err := toml.Unmarshal(text, &values); err != nil {
		l.syntax(src, err)
		return nil
	}
	root := grow(src, values)
	locate(src, root)
	root.hideURLs()
	return root
}

// syntax reports what keeps a file from being TOML. The line is shown as far as it can have no secret.
func (l *loader) syntax(src *source, err error) {
	var bad *toml.DecodeError
	if !errors.As(err, &bad) {
		l.report(src, 0, Problem{Message: "is not valid TOML: " + err.Error()})
		return
	}
	row, column := bad.Position()
	start := src.lineStart(row)
	offset := min(start+max(column-1, 0), len(src.text))
	line := src.text[start:src.lineEnd(start)]
	shown := len(harmless.Find(line))
	src.masked = append(src.masked, span{start + shown, start + len(line)})
	l.report(src, offset, Problem{Message: strings.TrimPrefix(bad.Error(), "toml: "), Hint: syntaxHint(bad.Error(), line)})
}

// harmless matches the part of a line that is no part of a secret, even if the line is one of a text of several lines.
var harmless = regexp.MustCompile(`^\s*([a-z_.]{1,24}\s*=\s*|\[\[?[a-z_.]{1,24}\]?\]?)`)

func syntaxHint(message string, line []byte) string {
	switch {
	case strings.Contains(message, "invalid escape"), strings.Contains(message, "escaped character"):
		return `a backslash begins an escape in "…": write it twice, or use '…'`
	case strings.Contains(message, "already"), strings.Contains(message, "redefin"):
		return "each key and each [table] can be written once; [[account]], [[sink]] and [[route]] can be repeated"
	case strings.Contains(string(line), "="):
		return `a text stands in quotes: key = "value"`
	}
	return ""
}

// grow makes a tree of what TOML or JSON was decoded to.
func grow(src *source, value any) *node {
	n := &node{src: src}
	switch v := value.(type) {
	case map[string]any:
		n.table = make(map[string]*node, len(v))
		for key, value := range v {
			n.table[key] = grow(src, value)
		}
	case []any:
		n.list = make([]*node, 0, len(v))
		for _, value := range v {
			n.list = append(n.list, grow(src, value))
		}
	default:
		n.value = v
	}
	return n
}

// locate finds the places of the values in a text that is known to be valid.
func locate(src *source, root *node) {
	p := &unstable.Parser{}
	p.Reset(src.text)
	here := root
	for p.NextExpression() {
		e := p.Expression()
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			here = follow(p, root, e.Key())
			if here != nil && e.Kind == unstable.ArrayTable && here.seen < len(here.list) {
				element := here.list[here.seen]
				element.key, element.place = here.key, here.key
				here.seen++
				here = element
			}
		case unstable.KeyValue:
			locateKeyValue(p, here, e)
		}
	}
}

// follow goes down a key, and notes where its parts are. In a list of tables it takes the last that was seen.
func follow(p *unstable.Parser, n *node, key unstable.Iterator) *node {
	for key.Next() {
		if n != nil && n.list != nil && n.seen > 0 {
			n = n.list[n.seen-1]
		}
		if n == nil {
			return nil
		}
		n = n.table[string(key.Node().Data)]
		if n != nil {
			n.key = spanOf(key.Node())
			n.place = n.key
		}
	}
	return n
}

func locateKeyValue(p *unstable.Parser, here *node, e *unstable.Node) {
	if n := follow(p, here, e.Key()); n != nil {
		locateValue(p, n, e.Value())
	}
}

func locateValue(p *unstable.Parser, n *node, v *unstable.Node) {
	if s := spanOf(v); s.end > s.start {
		n.place = s
	}
	switch v.Kind {
	case unstable.Array:
		children := v.Children()
		for i := 0; children.Next(); {
			if children.Node().Kind == unstable.Comment || i >= len(n.list) {
				continue
			}
			n.list[i].key, n.list[i].place = n.key, n.place
			locateValue(p, n.list[i], children.Node())
			i++
		}
	case unstable.InlineTable:
		for children := v.Children(); children.Next(); {
			if children.Node().Kind == unstable.KeyValue {
				locateKeyValue(p, n, children.Node())
			}
		}
	}
}

func spanOf(n *unstable.Node) span {
	return span{int(n.Raw.Offset), int(n.Raw.Offset + n.Raw.Length)}
}

// keys returns the keys of a table in the order of the file.
func (n *node) keys() []string {
	return slices.SortedFunc(maps.Keys(n.table), func(a, b string) int {
		return cmp.Or(cmp.Compare(n.table[a].key.start, n.table[b].key.start), cmp.Compare(a, b))
	})
}

// at returns the value of a key, or n if there is none: the place to point at.
func (n *node) at(key string) *node {
	if n != nil && n.table[key] != nil {
		return n.table[key]
	}
	return n
}

// hide keeps a value, and all that is in it, from being shown.
func (n *node) hide() {
	if n.src != nil && n.value != nil && n.place != n.key {
		n.src.masked = append(n.src.masked, n.place)
	}
	for _, child := range n.table {
		child.hide()
	}
	for _, child := range n.list {
		child.hide()
	}
}

// passwordInURL matches a URL that may have a password in it.
var passwordInURL = regexp.MustCompile(`(?s)://.*:.*@`)

func (n *node) hideURLs() {
	if text, ok := n.value.(string); ok && passwordInURL.MatchString(text) {
		n.hide()
	}
	for _, child := range n.table {
		child.hideURLs()
	}
	for _, child := range n.list {
		child.hideURLs()
	}
}

func (s *source) lineStart(line int) int {
	start := 0
	for range line - 1 {
		i := strings.IndexByte(string(s.text[start:]), '\n')
		if i < 0 {
			break
		}
		start += i + 1
	}
	return start
}

func (s *source) lineEnd(start int) int {
	if i := slices.Index(s.text[start:], '\n'); i >= 0 {
		return start + i
	}
	return len(s.text)
}

// placeOf returns line and column of an offset, and the line with what is hidden masked.
func (s *source) placeOf(offset int) (Place, string) {
	if s.text == nil {
		return Place{File: s.name}, ""
	}
	offset = min(offset, len(s.text))
	before := string(s.text[:offset])
	start := strings.LastIndexByte(before, '\n') + 1
	place := Place{File: s.name, Line: 1 + strings.Count(before, "\n"), Column: 1 + utf8.RuneCountInString(before[start:])}
	return place, s.lineWithout(start, s.lineEnd(start))
}

// maxLine is how much of a line is shown, in bytes.
const maxLine = 160

// lineWithout returns a part of the text with a mask for what is hidden.
func (s *source) lineWithout(start, end int) string {
	slices.SortFunc(s.masked, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	var b strings.Builder
	for _, m := range s.masked {
		if m.end <= start || m.start >= end || m.end <= m.start {
			continue
		}
		if m.start > start {
			b.Write(s.text[start:m.start])
		}
		b.WriteString("***")
		start = min(m.end, end)
	}
	b.Write(s.text[start:end])
	line := strings.TrimSpace(b.String())
	if len(line) > maxLine {
		line = strings.ToValidUTF8(line[:maxLine], "") + "…"
	}
	return line
}
