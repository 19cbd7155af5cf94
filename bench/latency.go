package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/pushmail/pushmail/bench/latency"
)

// LatencyReport tells how long pushes took.
type LatencyReport struct {
	Pushes   int           `json:"pushes"`
	Watchers []LatencyCost `json:"watchers"`
}

// LatencyCost is how long pushes took with one program, in milliseconds.
type LatencyCost struct {
	Name    string  `json:"name"`
	Does    string  `json:"does"`
	P50     float64 `json:"p50_ms"`
	P90     float64 `json:"p90_ms"`
	P99     float64 `json:"p99_ms"`
	ToFloor float64 `json:"p50_ratio_to_floor"`
}

func init() { parts["idle"] = idlePart }

// idlePart is "idle ADDR CERTFILE": the floor.
func idlePart(_ context.Context, args []string) error {
	if len(args) != 2 {
		return errors.New("want: idle ADDR CERTFILE")
	}
	cert, err := os.ReadFile(args[1])
	if err != nil {
		return err
	}
	return latency.Floor(args[0], cert, os.Stdout)
}

// latencies pushes to the floor and to pushmail in turn.
func latencies(ctx context.Context, o *options, report *Report, talk io.Writer) error {
	dir, err := os.MkdirTemp("", "pushmail-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	program, err := o.program(ctx, dir, talk)
	if err != nil {
		return err
	}
	floor, err := startWatcher("floor", dir, func(addr, cert, _ string) *exec.Cmd { return self(ctx, "idle", addr, cert) })
	if err != nil {
		return err
	}
	defer floor.Stop()
	ours, err := startWatcher("pushmail", dir, func(addr, cert, password string) *exec.Cmd {
		return exec.CommandContext(ctx, program, "watch", "--json", "--ca-file", cert, "--password-file", password,
			"--state", filepath.Join(dir, "state"), "imaps://"+latency.User+"@"+addr+"/INBOX")
	})
	if err != nil {
		return err
	}
	defer ours.Stop()
	progress(talk, "%d pushes …", 2*o.pushes)
	if err := latency.Measure(ctx, o.pushes, floor, ours); err != nil {
		return err
	}
	report.Latency = &LatencyReport{Pushes: o.pushes, Watchers: []LatencyCost{
		cost(floor, "a bare loop: IDLE, then DONE and one FETCH in one write, prints the row as it came"),
		cost(ours, "pushmail watch --json: IDLE, DONE, FETCH of the new UIDs and of what they are, event, checkpoint on disk"),
	}}
	for i := range report.Latency.Watchers {
		w := &report.Latency.Watchers[i]
		w.ToFloor = w.P50 / report.Latency.Watchers[0].P50
	}
	return nil
}

// startWatcher starts a program with a server of its own.
func startWatcher(name, dir string, command func(addr, cert, password string) *exec.Cmd) (*latency.Watcher, error) {
	server, err := latency.NewServer()
	if err != nil {
		return nil, err
	}
	cert, password := filepath.Join(dir, name+".pem"), filepath.Join(dir, "password")
	if err := errors.Join(os.WriteFile(cert, server.CertPEM(), 0o600), os.WriteFile(password, []byte(latency.Password+"\n"), 0o600)); err != nil {
		return nil, errors.Join(err, server.Close())
	}
	w, err := latency.Start(name, server, command(server.Addr(), cert, password))
	if err != nil {
		return nil, errors.Join(err, server.Close())
	}
	return w, nil
}

// program returns the pushmail to measure, built if none was named.
func (o *options) program(ctx context.Context, dir string, talk io.Writer) (string, error) {
	if o.pushmail != "" {
		return o.pushmail, nil
	}
	progress(talk, "building pushmail …")
	path := filepath.Join(dir, "pushmail")
	build := exec.CommandContext(ctx, "go", "build", "-o", path, "github.com/pushmail/pushmail/cmd/pushmail")
	build.Dir = o.source
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build pushmail: %w\n%s", err, out)
	}
	return path, nil
}

func cost(w *latency.Watcher, does string) LatencyCost {
	took := slices.Sorted(slices.Values(w.Took()))
	at := func(percent int) float64 {
		return float64(took[min(len(took)-1, len(took)*percent/100)]) / float64(time.Millisecond)
	}
	return LatencyCost{Name: w.Name, Does: does, P50: at(50), P90: at(90), P99: at(99)}
}

func (l *LatencyReport) print(w io.Writer) {
	fmt.Fprintf(w, "\nPush latency over TLS on loopback: from the server's EXISTS until the line is read from the program's standard output,\n"+
		"%d pushes each, in turn.\n\n", l.Pushes)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "program\tp50 ms\tp90 ms\tp99 ms\tp50 : floor\t")
	for _, c := range l.Watchers {
		fmt.Fprintf(t, "%s\t%.2f\t%.2f\t%.2f\t%.1f\t\n", c.Name, c.P50, c.P90, c.P99, c.ToFloor)
	}
	_ = t.Flush()
	fmt.Fprintln(w)
	for _, c := range l.Watchers {
		fmt.Fprintf(w, "  %-18s %s\n", c.Name, c.Does)
	}
}
