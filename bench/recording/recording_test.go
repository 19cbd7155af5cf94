package recording

import (
	"bytes"
	"testing"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

func TestSameSeedGivesSameBytes(t *testing.T) {
	a, b, c := New(200, 7), New(200, 7), New(200, 8)
	if !bytes.Equal(a.Rows, b.Rows) || a.Totals != b.Totals {
		t.Error("the same seed gave different recordings")
	}
	if bytes.Equal(a.Rows, c.Rows) {
		t.Error("different seeds gave the same recording")
	}
}

// The rows must be to the letter: no tolerance of ours is needed to read them.
func TestRowsNeedNoTolerance(t *testing.T) {
	const n = 5000
	r := New(n, 1)
	strict := &imapwire.Options{Quirks: imapwire.AllQuirks}
	f, d := imapwire.NewFramer(bytes.NewReader(r.Rows), strict), imapwire.NewDecoder(strict)
	const want = imap.ItemUID | imap.ItemsAll | imap.ItemBody
	for i := range n {
		fr, err := f.Next()
		if err != nil {
			t.Fatalf("row %d: %v", i+1, err)
		}
		resp, err := d.Decode(fr)
		if err != nil {
			t.Fatalf("row %d: %v\n%s", i+1, err, fr.Data)
		}
		m, ok := resp.(*imap.Message)
		if !ok || !m.Items.Has(want) || len(m.Errs) > 0 {
			t.Fatalf("row %d: %+v\n%s", i+1, resp, fr.Data)
		}
	}
	if _, err := f.Next(); err == nil {
		t.Error("there are more than", n, "rows")
	}
	if mean := len(r.Rows) / n; mean < 1000 || mean > 1300 {
		t.Errorf("a row has %d bytes on average, want about 1,100", mean)
	}
	if literals := bytes.Count(r.Rows, []byte("}\r\n")); literals < n/50 {
		t.Errorf("only %d literals", literals)
	}
	if words := bytes.Count(r.Rows, []byte("=?")); words < n/2 {
		t.Errorf("only %d encoded words", words)
	}
}
