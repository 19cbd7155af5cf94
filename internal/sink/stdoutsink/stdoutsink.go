// Package stdoutsink writes events as lines of JSON to a writer, such as standard output.
package stdoutsink

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/pushmail/pushmail/internal/sink"
)

// Sink writes to a writer.
type Sink struct{ w io.Writer }

// New returns a sink that writes to w, a batch of whole lines at a time. Close does not close w. A writer that blocks for ever
// holds up this sink alone.
func New(w io.Writer) *Sink { return &Sink{w} }

// Limits implements [sink.Sink].
func (s *Sink) Limits() sink.Limits { return sink.Limits{Batch: 256} }

// Send implements [sink.Sink].
func (s *Sink) Send(_ context.Context, batch []sink.Delivery) []sink.Result {
	var lines bytes.Buffer
	for _, d := range batch {
		lines.Write(d.JSON)
		lines.WriteByte('\n')
	}
	if _, err := s.w.Write(lines.Bytes()); err != nil {
		return sink.All(len(batch), sink.Result{Outcome: sink.Busy, Err: fmt.Errorf("write: %w", err)})
	}
	return sink.All(len(batch), sink.Result{Outcome: sink.OK})
}

// Close implements [sink.Sink].
func (s *Sink) Close() error { return nil }
