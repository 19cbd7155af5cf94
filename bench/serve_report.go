package main

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"
)

// ServeReport is all that was measured of the daemon.
type ServeReport struct {
	Machine Machine        `json:"machine"`
	Journal []JournalSpeed `json:"journal"`
	Events  []ServeEvents  `json:"events"`
	Alone   Memory         `json:"alone"` // the daemon with one account
	Starts  []ServeStart   `json:"starts"`
	Goals   []Goal         `json:"goals"`
}

// ServeEvents is what came of messages, from their arrival at the mail server to the webhook's acknowledgement.
type ServeEvents struct {
	Messages int     `json:"messages"`
	Rate     float64 `json:"rate_per_second"` // 0: all at once
	Arrived  float64 `json:"arrived_in_seconds"`
	Seconds  float64 `json:"seconds"` // from the first arrival to the last acknowledgement
	P50      float64 `json:"p50_ms"`
	P99      float64 `json:"p99_ms"`
	Repeated int     `json:"repeated"`
	Writes   int     `json:"writes"`
	Commits  int     `json:"commits"`
	CPU      float64 `json:"cpu_us_each"`
}

// ServeStart is what a number of accounts cost.
type ServeStart struct {
	Accounts int     `json:"accounts"`
	Hosts    int     `json:"hosts"`
	Verified float64 `json:"verified_in_seconds"` // from the start of the program, with an empty journal
	Killed   float64 `json:"killed_in_seconds"`   // from kill -9 until all are verified again
	AtOnce   Memory  `json:"memory_at_once"`
	Memory   Memory  `json:"memory_at_rest"`
	CPU      float64 `json:"cpu_share"`
}

// each is what an account takes of memory, in KB: all that is resident, divided. One account alone takes as much as the program.
func (s *ServeStart) each(m Memory) float64 { return float64(m.RSS) / float64(s.Accounts) / 1000 }

func (r *ServeReport) judge() {
	goal := func(name, want string, got float64, met bool) {
		r.Goals = append(r.Goals, Goal{name, want, got, met})
	}
	if len(r.Starts) == 0 {
		return
	}
	most := r.Starts[0]
	for _, s := range r.Starts {
		if s.Accounts >= most.Accounts && s.Memory.RSS > 0 {
			most = s
		}
	}
	if each := most.each(most.Memory); each > 0 {
		goal(fmt.Sprintf("KB resident per idle TLS account, %d accounts, the program included", most.Accounts), "at most 16", each, each <= 16)
	}
	goal(fmt.Sprintf("minutes until %d accounts are verified", most.Accounts), "less than 50", most.Verified/60, most.Verified < 50*60)
	if n := len(r.Journal); n > 2 {
		bare := math.Max(r.Journal[0].PerSecond, r.Journal[n-1].PerSecond)
		best := r.Journal[n-2]
		goal(fmt.Sprintf("appends of %d mailboxes : write and fsync", best.Writers), "at least 1", best.PerSecond/bare, best.PerSecond >= bare)
	}
}

func (r *ServeReport) print(w io.Writer) error {
	r.Machine.print(w)
	r.printJournal(w)
	r.printEvents(w)
	r.printStarts(w)
	return printGoals(w, r.Goals)
}

func (r *ServeReport) printJournal(w io.Writer) {
	fmt.Fprintf(w, "\nThe journal: appends of an event with its checkpoint, on the disk when they return.\n\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "mailboxes at a time\tappends/s\tper commit\t: bare loop\t")
	for _, s := range r.Journal {
		name := fmt.Sprint(s.Writers)
		if s.Writers == 0 {
			name = "bare loop: write 4 KB, fsync"
		}
		fmt.Fprintf(t, "%s\t%.0f\t%.1f\t%.2f\t\n", name, s.PerSecond, s.PerCommit, s.PerSecond/r.Journal[0].PerSecond)
	}
	_ = t.Flush()
}

func (r *ServeReport) printEvents(w io.Writer) {
	if len(r.Events) == 0 {
		return
	}
	fmt.Fprintf(w, "\nNew messages, from their arrival at the mail server to the webhook's acknowledgement; TLS, %d accounts.\n\n", r.Starts[0].Accounts)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "messages\tarriving\tin s\tevents/s\tp50 ms\tp99 ms\twrites\tcommits\tper commit\tCPU µs each\trepeated\t")
	for _, e := range r.Events {
		rate := "at once"
		if e.Rate > 0 {
			rate = fmt.Sprintf("%g/s", e.Rate)
		}
		fmt.Fprintf(t, "%d\t%s\t%.1f\t%.0f\t%.1f\t%.1f\t%d\t%d\t%.1f\t%.0f\t%d\t\n", e.Messages, rate, e.Seconds, float64(e.Messages)/e.Seconds, e.P50, e.P99,
			e.Writes, e.Commits, float64(e.Writes)/float64(max(e.Commits, 1)), e.CPU, e.Repeated)
	}
	_ = t.Flush()
}

func (r *ServeReport) printStarts(w io.Writer) {
	fmt.Fprintf(w, "\nAccounts that idle, TLS. Each host has a limit of logins: 100 at once, then 50 a second. With one account the program has %.0f MB resident, %.0f of them of files.\n"+
		"KB each: all that is resident, divided by the accounts; right after all are verified, and at rest.\n\n", float64(r.Alone.RSS)/1e6, float64(r.Alone.RSS-r.Alone.Anonymous)/1e6)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "accounts\thosts\tverified in s\tkill -9, verified in s\tMB at once\tMB at rest\tKB each at once\tKB each at rest\tCPU, % of a core\t")
	for _, s := range r.Starts {
		fmt.Fprintf(t, "%d\t%d\t%.1f\t%.1f\t", s.Accounts, s.Hosts, s.Verified, s.Killed)
		if s.Memory.RSS == 0 {
			fmt.Fprint(t, "\t\t\t\t\t\n")
			continue
		}
		fmt.Fprintf(t, "%.0f\t%.0f\t%.1f\t%.1f\t%.2f\t\n", float64(s.AtOnce.RSS)/1e6, float64(s.Memory.RSS)/1e6, s.each(s.AtOnce), s.each(s.Memory), 100*s.CPU)
	}
	_ = t.Flush()
}
