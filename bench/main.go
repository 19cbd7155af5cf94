// Command bench compares pushmail with other IMAP clients, side by side on this machine: what it costs to fetch and decode the
// rows of a large mailbox, how long a push takes until it is an event, and what thousands of idle mailboxes cost. See docs/performance.md.
//
//	cd bench && go run .                  # all but serve; five to ten minutes
//	cd bench && go run . -messages 10000 -rounds 2 -only "pushmail,go-imap v2"
//	cd bench && go run . serve            # what "pushmail serve" costs, up to 10,000 accounts
//
// Everything talks to loopback only, and ends with this program.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"
)

type options struct {
	messages int
	seed     uint64
	rounds   int
	budget   time.Duration
	only     string
	bodies   int
	pushes   int

	mailboxes, peerMailboxes, crowdPushes int
	crowdRest                             time.Duration

	pushmail string
	source   string
	json     bool
}

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	ctx, cancelLate := context.WithTimeout(ctx, 20*time.Minute)
	defer cancelLate()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run is the program: the measurement itself or, with the name of a part, what it starts in processes of their own.
func run(ctx context.Context, args []string) error {
	if len(args) > 0 {
		if part, ok := parts[args[0]]; ok {
			return part(ctx, args[1:])
		}
	}
	o, err := parseOptions(args)
	if err != nil {
		return err
	}
	report := &Report{Machine: thisMachine(), Seed: o.seed}
	if o.messages > 0 {
		if err := fetches(ctx, o, report, os.Stderr); err != nil {
			return err
		}
	}
	if o.bodies > 0 {
		if err := fetchBodies(ctx, o, report, os.Stderr); err != nil {
			return err
		}
	}
	if o.pushes > 0 {
		if err := latencies(ctx, o, report, os.Stderr); err != nil {
			return err
		}
	}
	if o.mailboxes > 0 {
		if err := crowds(ctx, o, report, os.Stderr); err != nil {
			return err
		}
	}
	report.judge()
	if o.json {
		return json.NewEncoder(os.Stdout).Encode(report)
	}
	return report.print(os.Stdout)
}

func parseOptions(args []string) (*options, error) {
	o := &options{}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.IntVar(&o.messages, "messages", 100_000, "rows to fetch; 0 leaves that part out")
	f.Uint64Var(&o.seed, "seed", 1, "of the random messages")
	f.IntVar(&o.rounds, "rounds", 5, "runs of each client")
	f.DurationVar(&o.budget, "budget", 20*time.Second, "a client that took longer in all is not run again")
	f.StringVar(&o.only, "only", "", "names of clients, separated by commas; the floor and pushmail are always there")
	f.IntVar(&o.bodies, "bodies", 1000, "messages whose bodies to fetch over a slow link; 0 leaves that part out")
	f.IntVar(&o.pushes, "pushes", 300, "pushes to measure; 0 leaves that part out")
	f.IntVar(&o.mailboxes, "mailboxes", 10_000, "mailboxes that idle; 0 leaves that part out")
	f.IntVar(&o.peerMailboxes, "peer-mailboxes", 2000, "… of other clients, at most")
	f.DurationVar(&o.crowdRest, "rest", 20*time.Second, "how long the CPU time of idle mailboxes is measured")
	f.IntVar(&o.crowdPushes, "crowd-pushes", 1000, "pushes to measure among idle mailboxes; 0 leaves that part out")
	f.StringVar(&o.pushmail, "pushmail", "", "the pushmail `program` to measure; it is built if empty")
	f.StringVar(&o.source, "source", "..", "the `directory` of the module pushmail is built from")
	f.BoolVar(&o.json, "json", false, "print one JSON object instead of tables")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	return o, nil
}

// wants reports whether a client is to be run.
func (o *options) wants(name string) bool {
	if o.only == "" {
		return true
	}
	for n := range strings.SplitSeq(o.only, ",") {
		if strings.TrimSpace(n) == name {
			return true
		}
	}
	return false
}

// progress says what is going on, on one line where there is a terminal.
func progress(w io.Writer, format string, args ...any) {
	fmt.Fprintf(w, format+"\n", args...)
}
