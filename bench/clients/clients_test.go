package clients

import (
	"testing"

	"github.com/pushmail/pushmail/bench/recording"
	"github.com/pushmail/pushmail/bench/replay"
)

// Every client sees all of a small recording, and one that sees less is noticed.
func TestClientsSeeEverything(t *testing.T) {
	r := recording.New(300, 3)
	s, err := replay.Listen(r)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	go s.Serve()
	for _, c := range All {
		t.Run(c.Name, func(t *testing.T) {
			got, err := c.Run(t.Context(), s.Addr(), r.Totals)
			if err != nil {
				t.Fatal(err)
			}
			if got.Skipped != "" {
				t.Skip(got.Skipped)
			}
			if !c.Saw(got.Totals, r.Totals) {
				t.Errorf("saw %+v, want %+v", got.Totals, r.Totals)
			}
			less := got.Totals
			less.Messages--
			less.Bytes--
			if c.Saw(less, r.Totals) {
				t.Error("a message less was not noticed")
			}
		})
	}
}
