package imapwire

import (
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
)

func FuzzDecode(f *testing.F) {
	for _, s := range session {
		f.Add([]byte(s))
	}
	for _, row := range rows(20, 3) {
		f.Add([]byte(row))
	}
	for _, name := range []string{quirkFile, rfcFile} {
		for _, response := range testResponses(f, name) {
			f.Add([]byte(response))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		start := time.Now()
		for _, opts := range []*Options{nil, {Quirks: AllQuirks, UTF8: true, Limits: Limits{Depth: 4, Tokens: 20, Ranges: 5}}} {
			d := NewDecoder(opts)
			r, err := d.Decode(Frame{Data: data})
			if (r == nil) == (err == nil) {
				t.Fatalf("%q: %v, %v", data, r, err)
			}
			if e, ok := err.(*SyntaxError); err != nil && (!ok || e.Offset < 0 || e.Offset > len(data) || e.Reason == "") {
				t.Fatalf("%q: %#v", data, err)
			}
			if m, ok := r.(*imap.Message); ok {
				checkMessage(t, data, m)
			}
			// What it reads does not depend on what it read before.
			again, err2 := d.Decode(Frame{Data: data})
			if (err == nil) != (err2 == nil) || err == nil && brief(r) != brief(again) {
				t.Fatalf("%q: first %s, %v; then %s, %v", data, brief(r), err, brief(again), err2)
			}
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%d bytes took %v", len(data), took)
		}
	})
}

// checkMessage checks what every message must hold.
func checkMessage(t *testing.T, data []byte, m *imap.Message) {
	t.Helper()
	for _, err := range m.Errs {
		if e, ok := err.(*SyntaxError); !ok || e.Offset > len(data) {
			t.Fatalf("%q: %#v", data, err)
		}
	}
	if len(m.Errs) > maxItemErrors || m.Items.Has(imap.ItemUID) != (m.UID != 0) || m.Items.Has(imap.ItemSections) != (len(m.Sections) > 0) {
		t.Fatalf("%q: %s", data, show(m))
	}
	for _, s := range m.Sections {
		if s.Item != "BINARY.SIZE" && s.Size != int64(len(s.Data)) {
			t.Fatalf("%q: %+v", data, s)
		}
	}
	if m.Body != nil && depth(m.Body) > DefaultLimits.Depth {
		t.Fatalf("%q: nested too deeply", data)
	}
}

func depth(p *imap.BodyPart) int {
	deepest := 0
	for i := range p.Parts {
		deepest = max(deepest, depth(&p.Parts[i]))
	}
	return deepest + 1
}
