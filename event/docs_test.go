package event_test

import (
	"bytes"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/event"
)

const manual = "../docs/events.md"

// example matches the example of a type in the manual, between its mark and the end of its block.
func example(typ event.Type) *regexp.Regexp {
	return regexp.MustCompile("(?s)(<!-- example: " + regexp.QuoteMeta(string(typ)) + " -->\n```json\n)(.*?)(```\n)")
}

func TestManualExamplesAreTheGoldenFiles(t *testing.T) {
	text, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range event.Types() {
		golden, err := os.ReadFile(goldenPath(typ))
		if err != nil {
			t.Fatal(err)
		}
		found := example(typ).FindSubmatchIndex(text)
		if found == nil {
			t.Errorf("%s has no example of %s", manual, typ)
			continue
		}
		if *update {
			text = slices.Concat(text[:found[4]], golden, text[found[5]:])
		} else if got := text[found[4]:found[5]]; !bytes.Equal(got, golden) {
			t.Errorf("%s: the example of %s is not %s (run the test with -update):\n%s", manual, typ, goldenPath(typ), got)
		}
	}
	if got := bytes.Count(text, []byte("<!-- example: ")); got != len(event.Types()) {
		t.Errorf("%s has %d examples for %d types", manual, got, len(event.Types()))
	}
	if *update {
		if err := os.WriteFile(manual, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// section returns the part of the manual under the heading, up to the next of its level.
func section(t *testing.T, text, heading string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, "\n"+heading+"\n")
	if !ok {
		t.Errorf("%s has no section %q", manual, heading)
		return ""
	}
	level, _, _ := strings.Cut(heading, " ")
	rest, _, _ = strings.Cut(rest, "\n"+level+" ")
	return rest
}

func TestManualHasEveryField(t *testing.T) {
	raw, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	summary := section(t, text, "### Summary of a message")
	for typ, data := range samples() {
		part := section(t, text, "### "+string(typ))
		rows := rowsOf(part)
		for _, name := range jsonFields(reflect.TypeOf(data).Elem(), false) {
			if !slices.Contains(rows, name) {
				t.Errorf("%s: %s does not say what %q is", manual, typ, name)
			}
		}
		for _, name := range rows {
			if !slices.Contains(jsonFields(reflect.TypeOf(data).Elem(), false), name) {
				t.Errorf("%s: %s has a row for %q, which does not exist", manual, typ, name)
			}
		}
	}
	for _, name := range jsonFields(reflect.TypeFor[event.Summary](), true) {
		if !slices.Contains(rowsOf(summary), name) {
			t.Errorf("%s: the summary does not say what %q is", manual, name)
		}
	}
	for name := range fields(t, encode(t, sample(t, event.TypeMessageNew))) {
		if !slices.Contains(rowsOf(section(t, text, "## The envelope of an event")), name) {
			t.Errorf("%s does not say what %q is", manual, name)
		}
	}
}

var row = regexp.MustCompile("(?m)^\\| `([^`]+)` ")

// rowsOf returns the names in the first column of the tables in text.
func rowsOf(text string) (names []string) {
	for _, m := range row.FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	return names
}

// jsonFields returns the JSON names of a struct; those of the Summary only if asked for, since the
// manual has them in one place. Names within a field are "field.name", and "field[].name" in a list.
func jsonFields(t reflect.Type, withSummary bool) (names []string) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			if withSummary || f.Type != reflect.TypeFor[event.Summary]() {
				names = append(names, jsonFields(f.Type, withSummary)...)
			}
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
		switch f.Type {
		case reflect.TypeFor[*event.Envelope]():
			for _, inner := range jsonFields(f.Type.Elem(), true) {
				names = append(names, name+"."+inner)
			}
		case reflect.TypeFor[[]event.Attachment]():
			for _, inner := range jsonFields(f.Type.Elem(), true) {
				names = append(names, name+"[]."+inner)
			}
		}
	}
	return names
}
