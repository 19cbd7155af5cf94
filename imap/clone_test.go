package imap

import (
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"
)

// fill gives every field of v a value, with lists of two.
func fill(v reflect.Value, text func() string, depth int) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text())
	case reflect.Pointer:
		if depth > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), text, depth-1)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Interface || depth == 0 {
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(v.Index(i), text, depth-1)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(5, 0)))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), text, depth)
		}
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int64:
		v.SetInt(7)
	case reflect.Uint32, reflect.Uint64:
		v.SetUint(7)
	}
}

// memory collects where the strings, the elements and the targets of v are.
func memory(v reflect.Value, at map[uintptr]string, path string) {
	switch v.Kind() {
	case reflect.String:
		if s := v.String(); s != "" {
			at[uintptr(unsafe.Pointer(unsafe.StringData(s)))] = path
		}
	case reflect.Pointer:
		if v.Type() != reflect.TypeFor[*time.Location]() && !v.IsNil() {
			at[v.Pointer()] = path
			memory(v.Elem(), at, path)
		}
	case reflect.Slice:
		if v.Len() > 0 {
			at[v.Pointer()] = path
		}
		for i := range v.Len() {
			memory(v.Index(i), at, path+"[]")
		}
	case reflect.Struct:
		for i := range v.NumField() {
			memory(v.Field(i), at, path+"."+v.Type().Field(i).Name)
		}
	}
}

// A field that is added and forgotten in Clone fails here.
func TestCloneSharesNothing(t *testing.T) {
	n := 0
	text := func() string { n++; return strings.Repeat("x", n%7+1) }
	m := &Message{}
	fill(reflect.ValueOf(m).Elem(), text, 6)
	c := m.Clone()
	if !reflect.DeepEqual(m, c) {
		t.Fatalf("the clone differs:\n%+v\n%+v", m, c)
	}
	old := map[uintptr]string{}
	memory(reflect.ValueOf(m), old, "Message")
	if len(old) < 200 {
		t.Fatal("the message has only", len(old), "pieces")
	}
	now := map[uintptr]string{}
	memory(reflect.ValueOf(c), now, "Message")
	for p, path := range now {
		if _, shared := old[p]; shared {
			t.Error("shared:", path)
		}
	}
}

func TestCloneKeepsWhatIsOneList(t *testing.T) {
	from := []Address{{Mailbox: "jo", Host: "example.org"}}
	e := (&Message{Envelope: &Envelope{From: from, Sender: from, ReplyTo: []Address{{Mailbox: "li"}}}}).Clone().Envelope
	if &e.Sender[0] != &e.From[0] || &e.From[0] == &from[0] || e.ReplyTo[0].Mailbox != "li" {
		t.Errorf("%+v", e)
	}
	if c := new(Message).Clone(); !reflect.DeepEqual(c, new(Message)) {
		t.Errorf("the clone of nothing is %+v", c)
	}
}
