package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

func init() { parts["serve"] = servePart }

// serveOptions are those of "serve".
type serveOptions struct {
	pushmail, source string
	accounts         []int
	hosts            int
	events           int
	rate             float64
	rest, busy       time.Duration
	oneHost          bool
	json             bool
}

// While CPU time at rest is measured, what is done then is done so much more often than usual. serveSettle is for what is left of the start.
const (
	serveOften  = 20
	serveSettle = 10 * time.Second
)

// servePart is "serve": what the daemon costs, "pushmail serve" as it is built, with a journal on the disk and a webhook.
func servePart(ctx context.Context, args []string) error {
	o, err := parseServeOptions(args)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "pushmail-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if o.pushmail == "" {
		if o.pushmail, err = buildStatic(ctx, o.source, filepath.Join(dir, "pushmail")); err != nil {
			return err
		}
	}
	r := &ServeReport{Machine: thisMachine()}
	b := &serveBench{serveOptions: o, dir: dir, talk: os.Stderr, report: r}
	if err := b.run(ctx); err != nil {
		return err
	}
	r.judge()
	if o.json {
		return json.NewEncoder(os.Stdout).Encode(r)
	}
	return r.print(os.Stdout)
}

func parseServeOptions(args []string) (*serveOptions, error) {
	o := &serveOptions{}
	var accounts string
	f := flag.NewFlagSet("bench serve", flag.ContinueOnError)
	f.StringVar(&o.pushmail, "pushmail", os.Getenv("PUSHMAIL_BIN"), "the pushmail `program` to measure; it is built if empty (default $PUSHMAIL_BIN)")
	f.StringVar(&o.source, "source", "..", "the `directory` of the module pushmail is built from")
	f.StringVar(&accounts, "accounts", "1000,5000,10000", "numbers of accounts; events are measured with the first")
	f.IntVar(&o.hosts, "hosts", 100, "loopback addresses that stand for as many mail servers: each has a limit of logins")
	f.IntVar(&o.events, "events", 20_000, "messages that arrive; 0 leaves that part out")
	f.Float64Var(&o.rate, "rate", 200, "messages a second for the measurement of latency")
	f.DurationVar(&o.rest, "rest", 130*time.Second, "how long accounts rest before memory is measured; the daemon gives back each minute what it does not need")
	f.DurationVar(&o.busy, "cpu", 30*time.Second, "how long CPU time is measured")
	f.BoolVar(&o.oneHost, "one-host", true, "start once with all accounts at one host")
	f.BoolVar(&o.json, "json", false, "print one JSON object instead of tables")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	for text := range strings.SplitSeq(accounts, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 1 {
			return nil, fmt.Errorf("-accounts %q: want numbers, separated by commas", accounts)
		}
		o.accounts = append(o.accounts, n)
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	return o, nil
}

// serveBench is one run of all measurements.
type serveBench struct {
	*serveOptions
	dir    string
	talk   io.Writer
	report *ServeReport
	runs   int
}

func (b *serveBench) run(ctx context.Context) error {
	progress(b.talk, "write and fsync …")
	var err error
	if b.report.Journal, err = appends(ctx, b.dir); err != nil {
		return err
	}
	if err := b.alone(ctx); err != nil {
		return err
	}
	for i, n := range b.accounts {
		if err := b.with(ctx, n, i == 0); err != nil {
			return fmt.Errorf("%d accounts: %w", n, err)
		}
	}
	if b.oneHost {
		return b.limited(ctx, b.accounts[0])
	}
	return nil
}

// start starts a server and the daemon with n accounts and an empty journal.
func (b *serveBench) start(ctx context.Context, n, hosts int) (server *child, d *daemon, err error) {
	if server, err = startChild(ctx, "crowd-server", strconv.Itoa(n), "tls", strconv.Itoa(hosts)); err != nil {
		return nil, nil, err
	}
	var o crowdOffer
	if err = server.hear(&o); err == nil {
		b.runs++
		d, err = newDaemon(b.pushmail, filepath.Join(b.dir, "run"+strconv.Itoa(b.runs)), o, n)
	}
	if err == nil {
		err = d.start(ctx)
	}
	if err != nil {
		server.stop()
		if d != nil {
			d.end()
		}
	}
	return server, d, err
}

// alone measures what the daemon takes with one account.
func (b *serveBench) alone(ctx context.Context) error {
	server, d, err := b.start(ctx, 1, 1)
	if err != nil {
		return err
	}
	defer server.stop()
	defer d.end()
	if _, err := d.verified(ctx, 1); err != nil {
		return err
	}
	b.report.Alone, err = d.memory()
	return err
}

// with measures n accounts: their start, what they take at rest, what happens when the daemon is killed and, if asked for, events.
func (b *serveBench) with(ctx context.Context, n int, events bool) error {
	progress(b.talk, "%d accounts …", n)
	server, d, err := b.start(ctx, n, min(b.hosts, n))
	if err != nil {
		return err
	}
	defer server.stop()
	defer d.end()
	s := ServeStart{Accounts: n, Hosts: min(b.hosts, n)}
	took, err := d.verified(ctx, n)
	if err != nil {
		return err
	}
	s.Verified = took.Seconds()
	if s.AtOnce, err = d.memory(); err != nil {
		return err
	}
	time.Sleep(b.rest)
	if s.Memory, err = d.memory(); err != nil {
		return err
	}
	if events && b.events > 0 {
		if err := b.measureEvents(ctx, server, d); err != nil {
			return err
		}
	}
	if err := d.configure(serveOften); err != nil {
		return err
	}
	if took, err = b.killed(ctx, d, n); err != nil {
		return err
	}
	s.Killed = took.Seconds()
	if s.CPU, err = b.cpu(d); err != nil {
		return err
	}
	b.report.Starts = append(b.report.Starts, s)
	return nil
}

// cpu measures the share of a CPU that is taken at rest.
func (b *serveBench) cpu(d *daemon) (float64, error) {
	time.Sleep(serveSettle)
	before, err := d.cpu()
	if err != nil {
		return 0, err
	}
	began := time.Now()
	time.Sleep(b.busy)
	after, err := d.cpu()
	return float64(after-before) / float64(time.Since(began)) / serveOften, err
}

// killed kills the daemon and starts it again. The time is that from the one to all accounts being verified.
func (b *serveBench) killed(ctx context.Context, d *daemon, n int) (time.Duration, error) {
	began := time.Now()
	d.kill()
	if err := d.start(ctx); err != nil {
		return 0, err
	}
	_, err := d.verified(ctx, n)
	return time.Since(began), err
}

// limited starts n accounts of one host, with the limit of logins.
func (b *serveBench) limited(ctx context.Context, n int) error {
	progress(b.talk, "%d accounts of one host …", n)
	server, d, err := b.start(ctx, n, 1)
	if err != nil {
		return err
	}
	defer server.stop()
	defer d.end()
	took, err := d.verified(ctx, n)
	if err != nil {
		return err
	}
	s := ServeStart{Accounts: n, Hosts: 1, Verified: took.Seconds()}
	if took, err = b.killed(ctx, d, n); err != nil {
		return err
	}
	s.Killed = took.Seconds()
	b.report.Starts = append(b.report.Starts, s)
	return nil
}

// measureEvents measures messages that come all at once, and some that come one by one.
func (b *serveBench) measureEvents(ctx context.Context, server *child, d *daemon) error {
	for _, m := range []struct {
		n    int
		rate float64
	}{{min(b.events, int(b.rate*10)), b.rate}, {b.events, 0}} {
		e, err := b.arrive(ctx, server, d, m.n, m.rate)
		if err != nil {
			return err
		}
		b.report.Events = append(b.report.Events, *e)
	}
	return nil
}

func (b *serveBench) arrive(ctx context.Context, server *child, d *daemon, n int, rate float64) (*ServeEvents, error) {
	progress(b.talk, "%d messages …", n)
	before, err := d.metrics(ctx)
	if err != nil {
		return nil, err
	}
	d.hook.expect(n)
	var came []heardAt
	if err := server.ask(fmt.Sprintf("arrive %d %g", n, rate), &came); err != nil {
		return nil, err
	}
	got, err := d.hook.wait(ctx)
	if err != nil {
		return nil, err
	}
	after, err := d.metrics(ctx)
	if err != nil {
		return nil, err
	}
	var last int64
	var took []int64
	for _, c := range came {
		at, ok := got[message{c.User, c.UID}]
		if !ok {
			return nil, fmt.Errorf("nothing came to the webhook about message %d of account %d", c.UID, c.User)
		}
		last = max(last, at)
		took = append(took, at-c.At)
	}
	slices.Sort(took)
	return &ServeEvents{
		Messages: n, Rate: rate, Seconds: float64(last-came[0].At) / 1e9, Arrived: float64(came[n-1].At-came[0].At) / 1e9,
		P50: float64(took[n/2]) / 1e6, P99: float64(took[n*99/100]) / 1e6, Repeated: d.hook.repeated(),
		Writes:  int(after["pushmail_journal_writes_total"] - before["pushmail_journal_writes_total"]),
		Commits: int(after["pushmail_journal_commits_total"] - before["pushmail_journal_commits_total"]),
		CPU:     (after["process_cpu_seconds_total"] - before["process_cpu_seconds_total"]) / float64(n) * 1e6,
	}, nil
}

// message is one of a mailbox, by the number of its user.
type message struct {
	user int
	uid  uint32
}

// heardAt is when a message came.
type heardAt struct {
	User int    `json:"user"`
	UID  uint32 `json:"uid"`
	At   int64  `json:"at"`
}

var errNoProc = errors.New("memory and CPU time of the daemon are read from /proc, which is not there")
