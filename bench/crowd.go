package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/pushmail/pushmail/bench/crowd"
)

// CrowdReport tells what many idle mailboxes cost.
type CrowdReport struct {
	Rest    []CrowdRest    `json:"rest"`
	Pushes  []CrowdLatency `json:"pushes"`
	Returns []CrowdReturn  `json:"returns"`
}

// CrowdRest is what mailboxes cost that idle, each.
type CrowdRest struct {
	Name       string  `json:"name"`
	TLS        bool    `json:"tls"`
	Mailboxes  int     `json:"mailboxes"`
	RSS        float64 `json:"rss_bytes_each"`
	Heap       float64 `json:"heap_bytes_each"`
	Stacks     float64 `json:"stack_bytes_each"`
	Goroutines int     `json:"goroutines"` // in all
	OpenedIn   float64 `json:"opened_in_seconds"`
	// CPU is that of rest, as a share of one core, IDLE begun anew each 9 minutes and truth checks each 10 included.
	CPU float64 `json:"cpu_share"`
}

// CrowdLatency is how long a push takes among idle connections, in microseconds.
type CrowdLatency struct {
	Name   string  `json:"name"`
	TLS    bool    `json:"tls"`
	Pushes int     `json:"pushes"`
	P50    float64 `json:"p50_us"`
	P99    float64 `json:"p99_us"`
}

// CrowdReturn is how long it took until all mailboxes were open again after all connections were cut.
type CrowdReturn struct {
	Name      string  `json:"name"`
	TLS       bool    `json:"tls"`
	Mailboxes int     `json:"mailboxes"`
	Seconds   float64 `json:"seconds"`
}

// crowdOften is how much faster than usual time passes for what is done at rest.
const crowdOften = 20

// crowdRun is a server and a subject that has mailboxes open there.
type crowdRun struct {
	server, subject *child
	rest            CrowdRest
}

func startCrowd(ctx context.Context, name string, secure bool, n int, often float64) (_ *crowdRun, err error) {
	r := &crowdRun{rest: CrowdRest{Name: name, TLS: secure, Mailboxes: n}}
	defer func() {
		if err != nil {
			r.stop()
		}
	}()
	kind := "plain"
	if secure {
		kind = "tls"
	}
	if r.server, err = startChild(ctx, "crowd-server", strconv.Itoa(n), kind); err != nil {
		return nil, err
	}
	var o crowdOffer
	if err := r.server.hear(&o); err != nil {
		return nil, err
	}
	offer, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	r.subject, err = startChild(ctx, "crowd", name, strconv.Itoa(n), strconv.FormatFloat(often, 'g', -1, 64), string(offer))
	if err != nil {
		return nil, err
	}
	var before, after crowd.Resting
	if err := r.subject.ask("rest", &before); err != nil {
		return nil, err
	}
	if err := r.subject.ask("open", &r.rest.OpenedIn); err != nil {
		return nil, err
	}
	time.Sleep(time.Second) // the last of them come to rest
	if err := r.subject.ask("rest", &after); err != nil {
		return nil, err
	}
	each := func(a, b int64) float64 { return float64(b-a) / float64(n) }
	r.rest.RSS, r.rest.Heap, r.rest.Stacks = each(before.RSS, after.RSS), each(before.Heap, after.Heap), each(before.Stacks, after.Stacks)
	r.rest.Goroutines = after.Goroutines
	var profiled bool
	return r, r.subject.ask("profile", &profiled)
}

func (r *crowdRun) stop() {
	for _, c := range []*child{r.subject, r.server} {
		if c != nil {
			c.stop()
		}
	}
}

// measureCPU has the mailboxes rest for a while.
func (r *crowdRun) measureCPU(d time.Duration, often float64) error {
	var before, after time.Duration
	if err := r.subject.ask("cpu", &before); err != nil {
		return err
	}
	began := time.Now()
	time.Sleep(d)
	if err := r.subject.ask("cpu", &after); err != nil {
		return err
	}
	r.rest.CPU = float64(after-before) / float64(time.Since(began)) / often
	return nil
}

// push measures how long pushes take.
func (r *crowdRun) push(n int, perSecond float64) (l CrowdLatency, err error) {
	var said, heard []crowd.Heard
	if err := r.subject.ask("heard", &heard); err != nil {
		return l, err
	}
	if err := r.server.ask(fmt.Sprintf("push %d %g", n, perSecond), &said); err != nil {
		return l, err
	}
	time.Sleep(200 * time.Millisecond)
	if err := r.subject.ask("heard", &heard); err != nil {
		return l, err
	}
	type message struct {
		user int
		uid  uint32
	}
	at := map[message]int64{}
	for _, h := range heard {
		if m := (message{h.User, h.UID}); at[m] == 0 {
			at[m] = h.At
		}
	}
	var took []int64
	for _, s := range said {
		if h := at[message{s.User, s.UID}]; h != 0 {
			took = append(took, h-s.At)
		}
	}
	if len(took) < n*9/10 {
		return l, fmt.Errorf("%s has heard of %d of %d messages", r.rest.Name, len(took), n)
	}
	slices.Sort(took)
	us := func(percent int) float64 { return float64(took[min(len(took)*percent/100, len(took)-1)]) / 1000 }
	return CrowdLatency{Name: r.rest.Name, TLS: r.rest.TLS, Pushes: len(took), P50: us(50), P99: us(99)}, nil
}

// cut closes all connections and measures until all are back.
func (r *crowdRun) cut(ctx context.Context) (c CrowdReturn, err error) {
	c = CrowdReturn{Name: r.rest.Name, TLS: r.rest.TLS, Mailboxes: r.rest.Mailboxes}
	if r.rest.Name != crowd.Manager {
		return c, r.subject.ask("reopen", &c.Seconds)
	}
	var before, now, n int
	if err := r.subject.ask("opens", &before); err != nil {
		return c, err
	}
	began := time.Now()
	if err := r.server.ask("cut", &n); err != nil {
		return c, err
	}
	for now < before+r.rest.Mailboxes {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return c, context.Cause(ctx)
		}
		if err := r.subject.ask("opens", &now); err != nil {
			return c, err
		}
	}
	c.Seconds = time.Since(began).Seconds()
	return c, nil
}

// crowds measures all of it.
func crowds(ctx context.Context, o *options, report *Report, talk io.Writer) error {
	report.Crowd = &CrowdReport{}
	for _, secure := range []bool{true, false} {
		if err := report.Crowd.atRest(ctx, o, secure, talk); err != nil {
			return err
		}
	}
	if o.crowdPushes > 0 {
		return report.Crowd.latencies(ctx, o, talk)
	}
	return nil
}

func (c *CrowdReport) atRest(ctx context.Context, o *options, secure bool, talk io.Writer) error {
	for _, name := range []string{crowd.Manager, crowd.Poller, crowd.Bare, crowd.GoIMAPv2, crowd.GoIMAPv1} {
		ours := name == crowd.Manager || name == crowd.Poller
		if !ours && name != crowd.Bare && !o.wants(name) {
			continue
		}
		n := o.mailboxes
		if !ours {
			n = min(n, o.peerMailboxes)
		}
		progress(talk, "%d mailboxes, TLS %v: %s …", n, secure, name)
		r, err := startCrowd(ctx, name, secure, n, crowdOften)
		if err != nil {
			return err
		}
		if name == crowd.Manager {
			err = r.measureCPU(o.crowdRest, crowdOften)
		}
		c.Rest = append(c.Rest, r.rest)
		if err == nil && secure && (name == crowd.Manager || name == crowd.Bare) {
			var back CrowdReturn
			back, err = r.cut(ctx)
			c.Returns = append(c.Returns, back)
		}
		r.stop()
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *CrowdReport) latencies(ctx context.Context, o *options, talk io.Writer) error {
	n := min(o.mailboxes, 1000)
	for _, secure := range []bool{true, false} {
		for _, name := range []string{crowd.Bare, crowd.Poller, crowd.GoIMAPv2, crowd.GoIMAPv1, crowd.BareFetch, crowd.Manager} {
			if (name == crowd.GoIMAPv1 || name == crowd.GoIMAPv2) && !o.wants(name) {
				continue
			}
			progress(talk, "%d pushes among %d mailboxes, TLS %v: %s …", o.crowdPushes, n, secure, name)
			r, err := startCrowd(ctx, name, secure, n, 1)
			if err != nil {
				return err
			}
			l, err := r.push(o.crowdPushes, 200)
			r.stop()
			if err != nil {
				return err
			}
			c.Pushes = append(c.Pushes, l)
		}
	}
	return nil
}

// judge compares with the goals. What was not measured is left out.
func (c *CrowdReport) judge(atMost func(name string, want, got float64)) {
	at := func(name string, secure bool) *CrowdRest {
		i := slices.IndexFunc(c.Rest, func(r CrowdRest) bool { return r.Name == name && r.TLS == secure })
		if i < 0 {
			return nil
		}
		return &c.Rest[i]
	}
	for secure, most := range map[bool]float64{true: 10_000, false: 2500} {
		ours, peer := at(crowd.Manager, secure), at(crowd.GoIMAPv2, secure)
		what := map[bool]string{true: ", TLS", false: ", plain"}[secure]
		if ours == nil {
			continue
		}
		atMost("resident bytes per idle mailbox, whole watcher"+what, most, ours.RSS)
		if peer != nil {
			atMost("… : go-imap v2's bare connection", 1./3, ours.RSS/peer.RSS)
		}
		atMost("goroutines at rest"+what, 100, float64(ours.Goroutines))
		atMost("CPU at rest, % of a core"+what, 1, 100*ours.CPU)
	}
	for _, pair := range [][2]string{{crowd.Poller, crowd.Bare}, {crowd.Manager, crowd.BareFetch}} {
		for _, l := range c.Pushes {
			for _, floor := range c.Pushes {
				if l.TLS == floor.TLS && l.Name == pair[0] && floor.Name == pair[1] {
					atMost(fmt.Sprintf("push latency p50, TLS %v: %s : %s", l.TLS, pair[0], pair[1]), 1.5, l.P50/floor.P50)
					atMost("… p99", 1.5, l.P99/floor.P99)
				}
			}
		}
	}
	each := map[string]float64{}
	for _, r := range c.Returns {
		each[r.Name] = r.Seconds / float64(r.Mailboxes)
	}
	if floor := each[crowd.Bare]; floor > 0 {
		atMost("all cut, until all are back: pushmail : read loop, per mailbox", 1.5, each[crowd.Manager]/floor)
	}
}

func (c *CrowdReport) print(w io.Writer) {
	fmt.Fprintf(w, "\nMailboxes at rest, each in IDLE: bytes per mailbox, after a collection that gave back what is free.\n\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "client\tTLS\tmailboxes\tresident\theap\tstacks\tgoroutines\topened in s\tCPU, % of a core\t")
	for _, r := range c.Rest {
		busy := "-"
		if r.CPU > 0 {
			busy = fmt.Sprintf("%.2f", 100*r.CPU)
		}
		fmt.Fprintf(t, "%s\t%v\t%d\t%.0f\t%.0f\t%.0f\t%d\t%.1f\t%s\t\n", r.Name, r.TLS, r.Mailboxes, r.RSS, r.Heap, r.Stacks, r.Goroutines, r.OpenedIn, busy)
	}
	_ = t.Flush()
	fmt.Fprintf(w, "\nPushes among idle mailboxes, 200 a second: from the write of EXISTS until the program knows of it (with FETCH: what the message is).\n\n")
	t = tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "client\tTLS\tpushes\tp50 µs\tp99 µs\t")
	for _, l := range c.Pushes {
		fmt.Fprintf(t, "%s\t%v\t%d\t%.0f\t%.0f\t\n", l.Name, l.TLS, l.Pushes, l.P50, l.P99)
	}
	_ = t.Flush()
	fmt.Fprintf(w, "\nAll connections cut at once, until all mailboxes are open again and compared (the read loop: dial, resumed handshake, login, EXAMINE, IDLE).\n\n")
	t = tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "client\tTLS\tmailboxes\tseconds\tµs each\t")
	for _, r := range c.Returns {
		fmt.Fprintf(t, "%s\t%v\t%d\t%.2f\t%.0f\t\n", r.Name, r.TLS, r.Mailboxes, r.Seconds, r.Seconds/float64(r.Mailboxes)*1e6)
	}
	_ = t.Flush()
}
