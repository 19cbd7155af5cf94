package main

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/pushmail/pushmail/bench/clients"
)

// FetchReport is the outcome of the comparison of clients.
type FetchReport struct {
	Messages int         `json:"messages"`
	Bytes    int         `json:"bytes"`
	Clients  []FetchCost `json:"clients"`
}

// FetchCost is what one client costs.
type FetchCost struct {
	Name    string `json:"name"`
	Does    string `json:"does"`
	Version string `json:"version,omitempty"`
	Skipped string `json:"skipped,omitempty"`
	Runs    int    `json:"runs"`
	// CPU seconds of the client's process for the whole FETCH.
	CPUBest   float64 `json:"cpu_seconds_best"`
	CPUMedian float64 `json:"cpu_seconds_median"`
	WallBest  float64 `json:"wall_seconds_best"`
	// Ratios of the best runs.
	ToOurs  float64 `json:"ratio_to_pushmail"`
	ToFloor float64 `json:"ratio_to_floor"`
	// MBPerCPUSecond counts megabytes (10^6 bytes) of the best run.
	MBPerCPUSecond float64 `json:"mb_per_cpu_second"`
	// Per message; 0 where nobody counts.
	Allocs    float64 `json:"allocs_per_message,omitempty"`
	Bytes     float64 `json:"bytes_per_message,omitempty"`
	LiveBytes float64 `json:"live_bytes_per_message,omitempty"`

	results []*clients.Result
}

// fetches runs the clients in turn, round by round, so that what else goes on on the machine hits all of them.
func fetches(ctx context.Context, o *options, report *Report, talk io.Writer) (err error) {
	progress(talk, "making up %d messages …", o.messages)
	server, err := startReplay(ctx, o.messages, o.seed)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	f := &FetchReport{Messages: server.Totals.Messages, Bytes: server.Totals.Bytes}
	for _, c := range clients.All {
		if o.wants(c.Name) || c.Name == clients.Floor || c.Name == clients.Ours || c.Name == clients.Each {
			f.Clients = append(f.Clients, FetchCost{Name: c.Name, Does: c.Does})
		}
	}
	spent := make([]time.Duration, len(f.Clients))
	for round := range o.rounds {
		progress(talk, "fetching %d MB with each client, round %d of %d …", f.Bytes/1e6, round+1, o.rounds)
		for i := range f.Clients {
			cost := &f.Clients[i]
			if cost.Skipped != "" || spent[i] > o.budget {
				continue
			}
			began := time.Now()
			for range timesPerRound(cost.Name) {
				r, err := server.runClient(ctx, clients.Find(cost.Name))
				if err != nil {
					return err
				}
				if cost.Skipped = r.Skipped; r.Skipped != "" {
					break
				}
				cost.results = append(cost.results, r)
			}
			spent[i] += time.Since(began)
		}
	}
	f.reckon()
	report.Fetch = f
	return nil
}

// timesPerRound is more for what takes so little time that a neighbour's burst hits all of it, and the same for those
// that are compared with the floor.
func timesPerRound(name string) int {
	switch name {
	case clients.Floor, clients.Ours, clients.Each:
		return 4
	}
	return 1
}

// reckon turns results into costs and ratios.
func (f *FetchReport) reckon() {
	for i := range f.Clients {
		f.Clients[i].reckon(f)
	}
	floor, ours := f.find(clients.Floor).CPUBest, f.find(clients.Ours).CPUBest
	for i := range f.Clients {
		c := &f.Clients[i]
		c.ToFloor, c.ToOurs = c.CPUBest/floor, c.CPUBest/ours
	}
}

func (c *FetchCost) reckon(f *FetchReport) {
	c.Runs = len(c.results)
	if c.Runs == 0 {
		return
	}
	slices.SortFunc(c.results, func(a, b *clients.Result) int {
		if a.CPU() < b.CPU() {
			return -1
		}
		return 1
	})
	best := c.results[0]
	c.CPUBest, c.CPUMedian, c.WallBest = best.CPU(), c.results[c.Runs/2].CPU(), best.Wall
	c.MBPerCPUSecond = float64(f.Bytes) / 1e6 / c.CPUBest
	c.Allocs = float64(best.Allocs) / float64(f.Messages)
	c.Bytes = float64(best.AllocBytes) / float64(f.Messages)
	c.LiveBytes = float64(best.LiveBytes) / float64(f.Messages)
	c.Version = best.Version
}

func (f *FetchReport) find(name string) *FetchCost {
	for i := range f.Clients {
		if f.Clients[i].Name == name {
			return &f.Clients[i]
		}
	}
	return nil
}
