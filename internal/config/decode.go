package config

import (
	"cmp"
	"encoding"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/netip"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapauth"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/internal/secret"
	"github.com/pushmail/pushmail/internal/suggest"
)

// decodeTable stores the keys of a table into structs, and reports those that none of them has. elsewhere explains, if it can, a
// key that is not among them.
func (l *loader) decodeTable(n *node, path string, elsewhere func(key string) string, structs ...any) {
	fields := map[string]reflect.Value{}
	for _, s := range structs {
		addFields(fields, reflect.ValueOf(s).Elem())
	}
	for _, key := range n.keys() {
		child, at := n.table[key], join(path, key)
		if field, ok := fields[key]; ok {
			l.decode(child, at, field)
			continue
		}
		child.hide() // a password, for all we know
		hint := ""
		if elsewhere != nil {
			hint = elsewhere(key)
		}
		l.report(child.src, child.key.start, Problem{Key: at, Message: "there is no such key", Hint: cmp.Or(hint, meant(key, sortedKeys(fields)))})
	}
}

// addFields adds the fields of a struct, and of those that are embedded in it, by their keys.
func addFields(fields map[string]reflect.Value, v reflect.Value) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Anonymous {
			inner := v.Field(i)
			if inner.Kind() == reflect.Pointer {
				if inner.IsNil() {
					inner.Set(reflect.New(f.Type.Elem()))
				}
				inner = inner.Elem()
			}
			addFields(fields, inner)
			continue
		}
		if key := f.Tag.Get("toml"); key != "-" {
			fields[key] = v.Field(i)
		}
	}
}

// decode stores a value. What is wrong with it is reported, and the field left as it is.
func (l *loader) decode(n *node, path string, to reflect.Value) {
	switch to.Interface().(type) {
	case secret.Ref:
		l.decodeRef(n, path, to.Addr().Interface().(*secret.Ref))
		return
	case *OAuth:
		if l.wantTable(n, path) {
			to.Set(reflect.ValueOf(&OAuth{}))
			l.decodeTable(n, path, nil, to.Interface())
		}
		return
	}
	if parse := textType(to); parse != nil {
		if text, ok := l.wantText(n, path, to.Type()); ok {
			if err := parse(text); err != nil {
				l.wrong(n, path, err.Error())
			}
		}
		return
	}
	switch to.Kind() {
	case reflect.Struct:
		if l.wantTable(n, path) {
			l.decodeTable(n, path, nil, to.Addr().Interface())
		}
	case reflect.Slice:
		l.decodeList(n, path, to)
	case reflect.Map:
		l.decodeMap(n, path, to)
	case reflect.String:
		if text, ok := l.wantText(n, path, to.Type()); ok {
			l.decodeWord(n, path, text, to)
		}
	case reflect.Bool:
		if v, ok := n.value.(bool); ok {
			to.SetBool(v)
		} else {
			l.wrong(n, path, "want true or false, without quotes, have "+kindOf(n))
		}
	case reflect.Int:
		l.decodeInt(n, path, to)
	default:
		panic("config: no way to decode " + to.Type().String())
	}
}

// textType returns how to read the text of a value that is more than that, nil if it is not.
func textType(to reflect.Value) func(string) error {
	switch p := to.Addr().Interface().(type) {
	case *time.Duration:
		return func(text string) (err error) { *p, err = parseDuration(text); return err }
	case *slog.Level:
		return func(text string) error {
			if p.UnmarshalText([]byte(text)) != nil {
				return errors.New(`want "debug", "info", "warn" or "error"`)
			}
			return nil
		}
	case **imapclient.URL:
		return func(text string) (err error) { *p, err = imapclient.ParseURL(text); return err }
	case *netip.Prefix:
		return func(text string) (err error) { *p, err = parsePrefix(text); return err }
	case *imapauth.Mechanism:
		return func(text string) (err error) { *p, err = parseMechanism(text); return err }
	case *imap.Capability:
		return func(text string) error { *p = imap.Capability(strings.ToUpper(text)); return nil }
	case encoding.TextUnmarshaler:
		return func(text string) error { return p.UnmarshalText([]byte(text)) }
	}
	return nil
}

// decodeList takes a single value for a list of one.
func (l *loader) decodeList(n *node, path string, to reflect.Value) {
	elements := n.list
	if n.list == nil {
		if n.table != nil {
			l.wrong(n, path, "want a list [ … ], have a table")
			return
		}
		elements = []*node{n}
	}
	list := reflect.MakeSlice(to.Type(), len(elements), len(elements))
	for i, element := range elements {
		at := path
		if n.list != nil {
			at = index(path, i)
		}
		l.decode(element, at, list.Index(i))
	}
	to.Set(list)
}

func (l *loader) decodeMap(n *node, path string, to reflect.Value) {
	if !l.wantTable(n, path) {
		return
	}
	m := reflect.MakeMap(to.Type())
	for _, key := range n.keys() {
		value := reflect.New(to.Type().Elem()).Elem()
		l.decode(n.table[key], join(path, key), value)
		m.SetMapIndex(reflect.ValueOf(key), value)
	}
	to.Set(m)
}

// words are the values of types that have few.
var words = map[reflect.Type][]string{
	reflect.TypeFor[Scope]():    {string(Read), string(Write), string(Admin)},
	reflect.TypeFor[SinkType](): {string(Stdout), string(Exec), string(Webhook), string(NATS), string(File)},
}

func (l *loader) decodeWord(n *node, path, text string, to reflect.Value) {
	if allowed := words[to.Type()]; allowed != nil && !slices.Contains(allowed, text) {
		l.unknownWord(n, path, text, allowed)
		return
	}
	to.SetString(text)
}

func (l *loader) unknownWord(n *node, path, text string, allowed []string) {
	hint := ""
	if word := suggest.Nearest(text, allowed); word != "" {
		hint = fmt.Sprintf("did you mean %q?", word)
	}
	if text == "sse" && slices.Contains(allowed, string(Webhook)) {
		hint = "server-sent events need no sink: the API has them under /v1/events/stream"
	}
	l.report(n.src, n.place.start, Problem{Key: path, Message: fmt.Sprintf("%s is not one of %s", quoted(text), quotedList(allowed)), Hint: hint})
}

func (l *loader) decodeInt(n *node, path string, to reflect.Value) {
	switch v := n.value.(type) {
	case int64:
		if v >= math.MinInt32 && v <= math.MaxInt32 {
			to.SetInt(v)
			return
		}
	case float64: // JSON has no other numbers
		if v == math.Trunc(v) && math.Abs(v) <= math.MaxInt32 {
			to.SetInt(int64(v))
			return
		}
	default:
		l.wrong(n, path, "want a whole number, without quotes, have "+kindOf(n))
		return
	}
	l.wrong(n, path, "want a whole number, and a smaller one")
}

// decodeRef reads a reference, and has it checked as far as that goes without asking for the secret.
func (l *loader) decodeRef(n *node, path string, to *secret.Ref) {
	text, ok := n.value.(string)
	if !ok {
		n.hide()
		l.report(n.src, n.place.start, Problem{Key: path, Message: "want a text in quotes, have " + kindOf(n), Hint: "it can be " + secret.Forms})
		return
	}
	ref, err := secret.Parse(text)
	if err != nil || ref.InClear() || ref.Kind() == secret.Command || ref.Kind() == secret.HTTPS {
		n.hide()
	}
	if err != nil {
		l.wrong(n, path, err.Error())
		return
	}
	*to = ref.In(filepath.Dir(l.cfg.File))
	l.refs = append(l.refs, foundRef{n, path, to})
}

func (l *loader) wantTable(n *node, path string) bool {
	if n.table == nil {
		l.wrong(n, path, "want a table, have "+kindOf(n))
	}
	return n.table != nil
}

// wantText returns the text of a value. Numbers stand for themselves where a size is wanted, dates where a time is.
func (l *loader) wantText(n *node, path string, t reflect.Type) (string, bool) {
	switch v := n.value.(type) {
	case string:
		return v, true
	case float64: // JSON has no other numbers
		if t == reflect.TypeFor[Size]() && v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return strconv.FormatInt(int64(v), 10), true
		}
	case int64:
		if t == reflect.TypeFor[Size]() {
			return strconv.FormatInt(v, 10), true
		}
		if t == reflect.TypeFor[time.Duration]() {
			l.bad[n] = true
			l.report(n.src, n.place.start, Problem{
				Key: path, Message: "a time needs a unit",
				Hint: fmt.Sprintf(`write "%ds", "%dm", "%dh" or "%dd", in quotes`, v, v, v, v),
			})
			return "", false
		}
	case fmt.Stringer:
		if t == reflect.TypeFor[From]() { // a date of TOML
			return strings.Replace(v.String(), "T", " ", 1), true
		}
	}
	if v, ok := n.value.(time.Time); ok && t == reflect.TypeFor[From]() {
		return v.Format(time.RFC3339), true
	}
	l.wrong(n, path, "want a text in quotes, have "+kindOf(n))
	return "", false
}

// kindOf says what a value is, without the value.
func kindOf(n *node) string {
	switch {
	case n.table != nil:
		return "a table"
	case n.list != nil:
		return "a list"
	}
	switch n.value.(type) {
	case string:
		return "a text"
	case int64:
		return "a number"
	case float64:
		return "a number with a point"
	case bool:
		return "true or false"
	case nil:
		return "nothing"
	}
	return "a date"
}

func join(path, key string) string {
	if strings.ContainsFunc(key, func(r rune) bool {
		return r != '_' && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) {
		key = quoted(key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// index counts from 1, as people do.
func index(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i+1) }

func quoted(text string) string {
	if len(text) > 80 {
		text = strings.ToValidUTF8(text[:80], "") + "…"
	}
	return strconv.Quote(text)
}

func quotedList(texts []string) string {
	list := make([]string, len(texts))
	for i, text := range texts {
		list[i] = quoted(text)
	}
	return strings.Join(list, ", ")
}

// meant suggests the key that was meant, or all that there are if they are few.
func meant(key string, keys []string) string {
	if word := suggest.Nearest(strings.ReplaceAll(strings.ToLower(key), "-", "_"), keys); word != "" {
		return fmt.Sprintf("did you mean %s?", word)
	}
	return "there are " + strings.Join(keys, ", ")
}

func sortedKeys(m map[string]reflect.Value) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
