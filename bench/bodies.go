package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/pushmail/pushmail/bench/bodies"
)

// roundTrip is that of the link over which bodies are fetched.
const roundTrip = 20 * time.Millisecond

// BodiesReport tells how long the bodies of many small messages take.
type BodiesReport struct {
	Messages    int          `json:"messages"`
	Bytes       int64        `json:"bytes"`
	RoundTripMS float64      `json:"round_trip_ms"`
	Ways        []BodiesCost `json:"ways"`
}

// BodiesCost is how long one way took, from dialling to the last body.
type BodiesCost struct {
	Name   string  `json:"name"`
	Does   string  `json:"does"`
	Wall   float64 `json:"wall_seconds"`
	ToOurs float64 `json:"ratio_to_pushmail"`
}

func fetchBodies(ctx context.Context, o *options, report *Report, talk io.Writer) error {
	progress(talk, "the bodies of %d messages over a link of %v, in %d ways …", o.bodies, roundTrip, len(bodies.Ways))
	took, bytes, err := bodies.Run(ctx, o.bodies, roundTrip, o.seed, bodies.Ways)
	if err != nil {
		return err
	}
	r := &BodiesReport{Messages: o.bodies, Bytes: bytes, RoundTripMS: float64(roundTrip) / float64(time.Millisecond)}
	for i, w := range bodies.Ways {
		r.Ways = append(r.Ways, BodiesCost{w.Name, w.Does, took[i].Seconds(), took[i].Seconds() / took[0].Seconds()})
	}
	report.Bodies = r
	return nil
}

// ratio returns how much longer a way took than ours.
func (r *BodiesReport) ratio(name string) float64 {
	for _, w := range r.Ways {
		if w.Name == name {
			return w.ToOurs
		}
	}
	return 0
}

func (r *BodiesReport) print(w io.Writer) {
	fmt.Fprintf(w, "\nThe bodies of %d messages, %.1f MB, over a link with a round trip of %.0f ms: from dialling, with login and SELECT, to the last body.\n\n",
		r.Messages, float64(r.Bytes)/1e6, r.RoundTripMS)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "way\tseconds\t: pushmail\t")
	for _, c := range r.Ways {
		fmt.Fprintf(t, "%s\t%.2f\t%.1f\t\n", c.Name, c.Wall, c.ToOurs)
	}
	_ = t.Flush()
	fmt.Fprintln(w)
	for _, c := range r.Ways {
		fmt.Fprintf(w, "  %-24s %s\n", c.Name, c.Does)
	}
}
