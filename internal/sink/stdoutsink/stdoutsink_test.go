package stdoutsink_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/pushmail/pushmail/internal/sink"
	"github.com/pushmail/pushmail/internal/sink/stdoutsink"
)

func TestEventsAreLines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := stdoutsink.New(&out)
	results := s.Send(t.Context(), []sink.Delivery{{JSON: []byte("a")}, {JSON: []byte("b")}})
	if len(results) != 2 || results[0].Outcome != sink.OK || results[1].Outcome != sink.OK || out.String() != "a\nb\n" {
		t.Errorf("%+v, %q", results, out.String())
	}
}

func TestWriterThatFails(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	r.Close()
	if results := stdoutsink.New(w).Send(t.Context(), []sink.Delivery{{JSON: []byte("a")}}); len(results) != 1 || results[0].Outcome != sink.Busy || results[0].Err == nil {
		t.Errorf("%+v", results)
	}
}
