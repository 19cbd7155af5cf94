package config

import (
	"encoding"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pushmail/pushmail/imapclient"
)

// Show writes c as TOML: what holds, whether it was given or is a default. Secrets are references; those in clear are masked. What
// is not set and has no default is left out, and so is what accounts have from [defaults] already.
func Show(w io.Writer, c *Config) error {
	s := &shower{}
	s.fields(reflect.ValueOf(struct {
		State string `toml:"state"`
	}{c.State}))
	s.section("[log]", c.Log)
	s.section("[journal]", c.Journal)
	s.section("[secrets]", c.Secrets)
	s.section("[api]", c.API)
	s.section("[limits]", c.Limits)
	for _, a := range c.Accounts {
		s.section("[[account]]", a)
		if a.OAuth != nil {
			s.section("[account.oauth]", *a.OAuth)
		}
	}
	for _, sink := range c.Sinks {
		s.section("[[sink]]", sink)
		s.fields(reflect.ValueOf(sink.settings()).Elem())
	}
	for _, r := range c.Routes {
		s.section("[[route]]", r)
	}
	_, err := io.WriteString(w, s.b.String())
	return err
}

// settings returns the struct that the type of the sink asks for.
func (s *Sink) settings() any {
	for _, p := range []any{s.Stdout, s.Exec, s.Webhook, s.NATS, s.Files} {
		if !reflect.ValueOf(p).IsNil() {
			return p
		}
	}
	return &StdoutSink{}
}

type shower struct{ b strings.Builder }

func (s *shower) section(head string, v any) {
	before := s.b.Len()
	fmt.Fprintf(&s.b, "\n%s\n", head)
	empty := s.b.Len()
	s.fields(reflect.ValueOf(v))
	if s.b.Len() == empty && !strings.HasPrefix(head, "[[") {
		text := s.b.String()[:before]
		s.b.Reset()
		s.b.WriteString(text)
	}
}

func (s *shower) fields(v reflect.Value) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		key := f.Tag.Get("toml")
		switch {
		case f.Anonymous:
			s.fields(reflect.Indirect(v.Field(i)))
		case key == "-" || v.Field(i).IsZero() && !shownZero[v.Type().Name()+"."+key] || f.Type == reflect.TypeFor[*OAuth]():
		default:
			fmt.Fprintf(&s.b, "%s = %s\n", key, tomlValue(v.Field(i)))
		}
	}
}

// shownZero are fields whose zero value differs from what holds when they are left out.
var shownZero = map[string]bool{"API.listen": true, "Log.level": true, "Journal.retain": true, "Limits.logins_per_second": true}

// tomlValue writes a value so that it can be read again.
func tomlValue(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case time.Duration:
		return tomlText(formatDuration(x))
	case *imapclient.URL:
		return tomlText(urlText(x))
	case encoding.TextMarshaler:
		text, err := x.MarshalText()
		if err != nil {
			return `""`
		}
		return tomlText(string(text))
	}
	switch v.Kind() {
	case reflect.String:
		return tomlText(v.String())
	case reflect.Slice:
		list := make([]string, v.Len())
		for i := range list {
			list[i] = tomlValue(v.Index(i))
		}
		return "[" + strings.Join(list, ", ") + "]"
	case reflect.Map:
		var pairs []string
		for _, key := range v.MapKeys() {
			pairs = append(pairs, tomlText(key.String())+" = "+tomlValue(v.MapIndex(key)))
		}
		slices.Sort(pairs)
		return "{ " + strings.Join(pairs, ", ") + " }"
	case reflect.Struct:
		var pairs []string
		for i := range v.NumField() {
			if !v.Field(i).IsZero() {
				pairs = append(pairs, v.Type().Field(i).Tag.Get("toml")+" = "+tomlValue(v.Field(i)))
			}
		}
		return "{ " + strings.Join(pairs, ", ") + " }"
	}
	return fmt.Sprint(v.Interface())
}

// urlText is without the mailbox, which mailboxes has, and without what insecure_plaintext says.
func urlText(u *imapclient.URL) string {
	plain := *u
	plain.Mailbox = ""
	if plain.Security == imapclient.InsecurePlaintext {
		plain.Security = imapclient.StartTLS
	}
	return strings.TrimSuffix(plain.String(), "/")
}

// tomlText quotes a text: as it is if that can be, else with escapes.
func tomlText(text string) string {
	if strings.Contains(text, `\`) && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == '\'' || r == 0x7f }) {
		return "'" + text + "'"
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r < ' ' || r == 0x7f:
			b.WriteString(`\u00` + strconv.FormatInt(0x100+int64(r), 16)[1:])
		default:
			b.WriteRune(r)
		}
	}
	return b.String() + `"`
}
