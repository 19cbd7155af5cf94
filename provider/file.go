package provider

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/pushmail/pushmail/internal/suggest"
)

// Error says what is wrong with a file of providers, and where.
type Error struct {
	Line int    // from 1; 0 if it is of no line
	ID   string // of the row; "" if it is none of a row
	Err  error
}

func (e *Error) Error() string {
	text := "providers: "
	if e.Line > 0 {
		text += fmt.Sprintf("line %d: ", e.Line)
	}
	if e.ID != "" {
		text += e.ID + ": "
	}
	return text + e.Err.Error()
}
func (e *Error) Unwrap() error { return e.Err }

// fileRow is an object of a file, as it stands there.
type fileRow struct {
	id   string
	text []byte
	line int // where it begins
}

// maxFile bounds a file of providers.
const maxFile = 1 << 20

// readRows takes a file apart. The error is an *[Error].
func readRows(r io.Reader) ([]fileRow, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("it has more than %d bytes", maxFile)
	}
	if err != nil {
		return nil, &Error{Err: err}
	}
	d := json.NewDecoder(bytes.NewReader(text))
	at := func(err error) error {
		offset := d.InputOffset()
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			offset = syntax.Offset
		}
		return &Error{Line: lineAt(text, offset), Err: err}
	}
	if open, err := d.Token(); err != nil || open != json.Delim('[') {
		return nil, at(errors.Join(errors.New(`a list of objects is wanted: [{"id": …}]`), err))
	}
	var rows []fileRow
	for d.More() {
		begin := d.InputOffset()
		begin += int64(len(text[begin:]) - len(bytes.TrimLeft(text[begin:], ", \t\r\n")))
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, at(err)
		}
		row := fileRow{text: raw, line: lineAt(text, begin)}
		var key struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal(raw, &key); err != nil {
			return nil, row.fault(err)
		}
		row.id = key.ID
		rows = append(rows, row)
	}
	if _, err := d.Token(); err != nil {
		return nil, at(fmt.Errorf("the list has no end: %w", err))
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, at(errors.New("something follows the list"))
	}
	return rows, nil
}

func lineAt(text []byte, offset int64) int {
	return 1 + bytes.Count(text[:min(max(offset, 0), int64(len(text)))], []byte("\n"))
}

// fault says where in a row an error is, and what was meant perhaps.
func (r *fileRow) fault(err error) error {
	out := &Error{Line: r.line, ID: r.id, Err: err}
	var wrong *json.UnmarshalTypeError
	if name, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
		name = strings.Trim(name, `"`)
		out.Err = &FieldError{Field: name, Meant: suggest.Nearest(name, fields)}
		out.Line += r.lineOf(name)
	} else if errors.As(err, &wrong) {
		_, field, _ := strings.Cut(wrong.Field, "plain.")
		field = field + strings.TrimPrefix(wrong.Field, "plain."+field)
		out.Err = fmt.Errorf("%q: a %s is wrong here, want %s", field, wrong.Value, kinds[wrong.Type.Kind()])
		out.Line += r.lineOf(field[strings.LastIndex(field, ".")+1:])
	}
	return out
}

// lineOf returns how many lines below the begin of the row a field is named.
func (r *fileRow) lineOf(field string) int {
	i := bytes.Index(r.text, []byte(`"`+field+`"`))
	return lineAt(r.text, int64(i)) - 1
}

// FieldError says that a row has a field that does not exist.
type FieldError struct {
	Field string
	Meant string // the field that was meant, probably; "" if that is not known
}

func (e *FieldError) Error() string {
	if e.Meant == "" {
		return fmt.Sprintf("there is no field %q", e.Field)
	}
	return fmt.Sprintf("there is no field %q: did you mean %q?", e.Field, e.Meant)
}

// kinds are the words for what a field may be.
var kinds = map[reflect.Kind]string{
	reflect.String: "a text", reflect.Int: "a number", reflect.Bool: "true or false", reflect.Slice: "a list", reflect.Struct: "an object",
}

// fields are the names of all fields of a file.
var fields = func() []string {
	var names []string
	for _, t := range []reflect.Type{reflect.TypeFor[row](), reflect.TypeFor[plain](), reflect.TypeFor[OAuth](), reflect.TypeFor[Source]()} {
		for i := range t.NumField() {
			if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "" && name != "-" {
				names = append(names, name)
			}
		}
	}
	return names
}()
