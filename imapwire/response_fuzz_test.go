package imapwire

import (
	"bytes"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/pushmail/pushmail/imap"
)

// FuzzResponse reads bytes, and if they are a response writes it and reads it again: nothing is lost on
// the way, and what is written once is written so for ever.
func FuzzResponse(f *testing.F) {
	for name, response := range responses {
		seeds := rapid.Custom(func(t *rapid.T) imap.Response { return response(gen{t, false}) })
		for i := range 3 {
			wire, err := AppendResponse(nil, seeds.Example(i), nil)
			if err != nil {
				f.Fatalf("%s: %v", name, err)
			}
			f.Add(wire, false)
		}
	}
	f.Add([]byte("* 1 FETCH (FLAGS (\\seen \"x\") BODY[header.fields (\"a\")]<1> {1}\r\nx INTERNALDATE \"01-Jan-2020 00:00:00 +0000\")\r\n"), true)
	f.Add([]byte("* LIST (\\noselect) \"\\\" INBOX/a b\r\n"), false)
	f.Add([]byte("+ [x] y\r\n"), false)
	f.Fuzz(func(t *testing.T, data []byte, utf8 bool) {
		opts := &Options{UTF8: utf8}
		fr, err := NewFramer(bytes.NewReader(data), opts).Next()
		if err != nil {
			return
		}
		r, err := NewDecoder(opts).Decode(fr)
		if err != nil {
			return
		}
		if isLossy(r) {
			return
		}
		wire, err := AppendResponse(nil, r, opts)
		if err != nil {
			return // only read by a tolerance
		}
		strict := &Options{UTF8: utf8, Quirks: AllQuirks}
		again, err := NewDecoder(strict).Decode(framed(t, wire, strict))
		if err != nil {
			t.Fatalf("%q is written as %q, which is not strict: %v", data, wire, err)
		}
		wire2, err := AppendResponse(nil, again, opts)
		if err != nil || !bytes.Equal(wire, wire2) {
			t.Fatalf("%q is written as %q and then as %q, %v", data, wire, wire2, err)
		}
		if !reflect.DeepEqual(r, again) {
			t.Fatalf("%q is read as\n     %s\nand %q as\n     %s", data, dump(r), wire, dump(again))
		}
	})
}

// isLossy reports whether a part of what was received is not in r: an item that could not be read, or
// arguments of a code that must be there and were not.
func isLossy(r imap.Response) bool {
	switch r := r.(type) {
	case *imap.Message:
		return len(r.Errs) > 0
	case *imap.Status:
		return r.Code != nil && r.Code.Args == ""
	case *imap.Tagged:
		return r.Code != nil && r.Code.Args == ""
	case *imap.Continuation:
		return r.Code != nil && r.Code.Args == ""
	}
	return false
}
