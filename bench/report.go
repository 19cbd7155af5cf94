package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"text/tabwriter"

	"github.com/pushmail/pushmail/bench/bodies"
	"github.com/pushmail/pushmail/bench/clients"
)

// Report is all that was measured.
type Report struct {
	Machine Machine        `json:"machine"`
	Seed    uint64         `json:"seed"`
	Fetch   *FetchReport   `json:"fetch,omitempty"`
	Bodies  *BodiesReport  `json:"bodies,omitempty"`
	Latency *LatencyReport `json:"latency,omitempty"`
	Crowd   *CrowdReport   `json:"crowd,omitempty"`
	Goals   []Goal         `json:"goals"`
}

// Machine is where it was measured.
type Machine struct {
	CPU    string            `json:"cpu"`
	CPUs   int               `json:"cpus"`
	OS     string            `json:"os"`
	Go     string            `json:"go"`
	Module map[string]string `json:"modules"`
}

// Goal is what we want to reach, and whether we do. It is no gate: the machine may be busy.
type Goal struct {
	Name string  `json:"name"`
	Want string  `json:"want"`
	Got  float64 `json:"got"`
	Met  bool    `json:"met"`
}

func thisMachine() Machine {
	m := Machine{CPU: cpuName(), CPUs: runtime.NumCPU(), OS: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(), Module: map[string]string{}}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			if strings.HasPrefix(d.Path, "github.com/emersion/go-imap") {
				m.Module[d.Path] = d.Version
			}
		}
	}
	return m
}

func (m *Machine) print(w io.Writer) {
	fmt.Fprintf(w, "%s, %d CPUs, %s, %s\n", m.CPU, m.CPUs, m.OS, m.Go)
}

// cpuName is the name of the processor, as far as the system tells.
func cpuName() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.Trim(name, "\t :\n")
		}
	}
	return "unknown processor"
}

// judge compares what was measured with the goals.
func (r *Report) judge() {
	atLeast := func(name string, want, got float64) {
		r.Goals = append(r.Goals, Goal{name, fmt.Sprintf("at least %g", want), got, got >= want})
	}
	atMost := func(name string, want, got float64) {
		r.Goals = append(r.Goals, Goal{name, fmt.Sprintf("at most %g", want), got, got <= want})
	}
	if f := r.Fetch; f != nil {
		ours, each := f.find(clients.Ours), f.find(clients.Each)
		if peer := f.find(clients.GoIMAPv2); peer != nil {
			atLeast("CPU of go-imap v2 : pushmail", 25, peer.ToOurs)
			atLeast("CPU of go-imap v2 : pushmail, FetchEach", 25, peer.CPUBest/each.CPUBest)
			if same := f.find(clients.Decoded); same != nil {
				atLeast("… with encoded words and dates decoded by both", 25, peer.CPUBest/same.CPUBest)
			}
			atLeast("ambition: CPU of go-imap v2 : pushmail, FetchEach", 50, peer.CPUBest/each.CPUBest)
		}
		atMost("CPU of pushmail : floor", 12, ours.ToFloor)
		atMost("CPU of pushmail, FetchEach : floor", 12, each.ToFloor)
		atMost("allocations per message", 8, ours.Allocs)
		atMost("KB allocated per message", 4, ours.Bytes/1000)
		atLeast("ambition: MB per CPU second, FetchEach", 1000, each.MBPerCPUSecond)
	}
	if r.Crowd != nil {
		r.Crowd.judge(atMost)
	}
	if b := r.Bodies; b != nil {
		atLeast("bodies: one command a message : all in one", 10, b.ratio(bodies.OneByOne))
	}
}

func (r *Report) print(w io.Writer) error {
	r.Machine.print(w)
	for path, version := range r.Machine.Module {
		fmt.Fprintf(w, "%s %s\n", path, version)
	}
	if r.Fetch != nil {
		r.Fetch.print(w)
	}
	if r.Bodies != nil {
		r.Bodies.print(w)
	}
	if r.Latency != nil {
		r.Latency.print(w)
	}
	if r.Crowd != nil {
		r.Crowd.print(w)
	}
	return printGoals(w, r.Goals)
}

func printGoals(w io.Writer, goals []Goal) error {
	fmt.Fprintf(w, "\nGoals\n\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, g := range goals {
		verdict := "missed"
		if g.Met {
			verdict = "met"
		}
		fmt.Fprintf(t, "%s\t%s\t%.1f\t%s\n", g.Name, g.Want, g.Got, verdict)
	}
	return t.Flush()
}

func (f *FetchReport) print(w io.Writer) {
	fmt.Fprintf(w, "\nFETCH of %d messages (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE), %.1f MB, %d bytes each on average.\n"+
		"CPU is user and system time of the client's process; ratios are of the best runs.\n\n", f.Messages, float64(f.Bytes)/1e6, f.Bytes/f.Messages)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "client\tCPU s, best\tmedian\truns\t: pushmail\t: floor\tMB/CPU s\tallocs/msg\tB/msg\tkept B/msg\t")
	for _, c := range f.Clients {
		if c.Skipped != "" {
			fmt.Fprintf(t, "%s\t%s\t\t\t\t\t\t\t\t\t\n", c.Name, "skipped")
			continue
		}
		fmt.Fprintf(t, "%s\t%.3f\t%.3f\t%d\t%.2f\t%.1f\t%.0f\t%s\t%s\t%s\t\n",
			c.Name, c.CPUBest, c.CPUMedian, c.Runs, c.ToOurs, c.ToFloor, c.MBPerCPUSecond, count(c.Allocs, 1), count(c.Bytes, 0), count(c.LiveBytes, 0))
	}
	_ = t.Flush()
	fmt.Fprintln(w)
	for _, c := range f.Clients {
		note := c.Does
		if c.Version != "" {
			note += " (" + c.Version + ")"
		}
		if c.Skipped != "" {
			note = "skipped: " + c.Skipped
		}
		fmt.Fprintf(w, "  %-18s %s\n", c.Name, note)
	}
}

func count(n float64, digits int) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprintf("%.*f", digits, n)
}
