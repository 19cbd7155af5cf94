package imapwire

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/imap"
)

func TestScratchHoldsManyRowsUntilReset(t *testing.T) {
	d, plain, s := NewDecoder(nil), NewDecoder(nil), new(Scratch)
	d.SetScratch(s)
	all := rows(1000, 6)
	for len(all) > 0 {
		batch := all[:min(len(all), 1+len(all)%40)]
		all = all[len(batch):]
		s.Reset()
		var got []imap.Response
		for _, row := range batch {
			r, err := decodeAndForget(d, Frame{Data: []byte(row)})
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, r)
		}
		for i, row := range batch {
			want, err := plain.Decode(Frame{Data: []byte(row)})
			if err != nil || !reflect.DeepEqual(got[i], want) {
				t.Fatalf("row %d of %d is\n%s\nwant\n%s", i, len(batch), show(got[i]), show(want))
			}
		}
	}
}

func TestScratchCostsNoAllocations(t *testing.T) {
	d, s := NewDecoder(nil), new(Scratch)
	d.SetScratch(s)
	var frames []Frame
	for _, row := range rows(50, 5) {
		if !strings.Contains(row, `("en")`) { // a list of its own
			frames = append(frames, Frame{Data: []byte(row)})
		}
	}
	allocs := testing.AllocsPerRun(20, func() {
		s.Reset()
		for _, fr := range frames {
			if _, err := d.Decode(fr); err != nil {
				t.Fatal(err)
			}
		}
	})
	if perRow := allocs / float64(len(frames)); perRow > 0.05 {
		t.Errorf("a row costs %.2f allocations", perRow)
	}
}

// What is not a wanted row is kept by somebody who knows nothing of the scratch.
func TestScratchHoldsOnlyWhatIsWanted(t *testing.T) {
	d, s := NewDecoder(nil), new(Scratch)
	s.Want = func(m *imap.Message) bool { return m.Items.Has(imap.ItemSize) }
	d.SetScratch(s)
	lines := []string{
		`* FLAGS (\\Seen one two)`, `* 7 FETCH (UID 8 FLAGS (three four))`, `* LIST (\\Marked) "/" box`, `* 8 FETCH (FLAGS (five) X-OTHER (a b))`,
		`* 9 fetch (UID 10 ENVELOPE (NIL "subject" NIL NIL NIL NIL NIL NIL NIL NIL))`,
	}
	var kept []imap.Response
	var before []string
	for round := range 20 {
		s.Reset()
		lines = append(lines[1:], lines[0])
		for _, line := range append(lines[:len(lines):len(lines)], fmt.Sprintf(`* 1 FETCH (RFC822.SIZE 5 FLAGS (wanted%d) ENVELOPE (NIL "%d" NIL NIL NIL NIL NIL NIL NIL NIL))`, round, round)) {
			r, err := decodeAndForget(d, Frame{Data: []byte(line)})
			if err != nil {
				t.Fatal(err)
			}
			if m, ok := r.(*imap.Message); !ok || m.SeqNum != 1 {
				kept, before = append(kept, r), append(before, show(r))
			}
		}
	}
	for i, r := range kept {
		if show(r) != before[i] {
			t.Errorf("%s became %s", before[i], show(r))
		}
	}
}
