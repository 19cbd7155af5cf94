// Package metrics tells Prometheus how the program is doing, out of package status. How many series there are depends on the
// number of sinks, never on that of accounts or mailboxes: those are for the API.
package metrics

import (
	"cmp"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/pushmail/pushmail/internal/status"
)

// Handler serves the metrics of a board, of the process and of the Go runtime.
func Handler(board *status.Board) http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(&collector{board}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 30 * time.Second})
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("pushmail_"+name, help, labels, nil)
}

var (
	buildInfo = desc("build_info", "The version of the program; always 1.", "version")
	ready     = desc("ready", "Whether /readyz says so: 1 or 0.")

	accounts    = desc("accounts", "Accounts by state.", "state")
	mailboxes   = desc("mailboxes", "Mailboxes by state.", "state")
	connections = desc("connections", "Connections to mail servers by state: up, or down for one that is missing.", "state")
	verifiedAge = desc("verified_age_seconds", "For how long it has not been proven that nothing is missing in a mailbox, over all mailboxes.")
	verifiedMax = desc("verified_age_max_seconds", "The longest of those times.")
	unverified  = desc("unverified_mailboxes", "Mailboxes that were never verified since the start.")

	events     = desc("events_total", "Events written to the journal.", "type")
	pushes     = desc("pushes_total", "News that servers told without being asked.")
	resyncs    = desc("resyncs_total", "Mailboxes compared with their checkpoint, by the way it was done.", "rung")
	reconnects = desc("reconnects_total", "Connections that were lost or could not be made, by the class of the reason.", "reason")

	lateness   = desc("lateness_seconds", "From INTERNALDATE of a new message to its first delivery by a sink.")
	latency    = desc("delivery_latency_seconds", "From an event being seen to its delivery by a sink.")
	deliveries = desc("deliveries_total", "Attempts to deliver an event, by what came of them.", "sink", "result")
	sinkState  = desc("sink_state", "1 for the state that the sink is in.", "sink", "state")
	queue      = desc("sink_queue_events", "Events in the journal that come after the cursor of the sink.", "sink")
	behind     = desc("sink_behind_mailboxes", "Mailboxes of which events wait for their turn or for another attempt.", "sink")
	dead       = desc("sink_dead_letters", "Events that were given up.", "sink")

	journalBytes   = desc("journal_size_bytes", "What the journal takes on the disk.")
	journalLast    = desc("journal_last_position", "Position of the newest event.")
	journalFirst   = desc("journal_first_position", "Position of the oldest event that is kept.")
	journalWrites  = desc("journal_writes_total", "Writes to the journal; those that come at the same time share a commit.")
	journalCommits = desc("journal_commits_total", "Transactions of the journal, each with its time on the disk.")
	journalError   = desc("journal_error", "Whether the journal cannot be written: 1 or 0.")
)

// collector reads the board when it is asked.
type collector struct{ board *status.Board }

// Describe implements prometheus.Collector: the series depend on what there is.
func (c *collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	out := sender(ch)
	summary := c.board.Summary()
	out.gauge(buildInfo, 1, cmp.Or(c.board.Version, "dev"))
	out.gauge(ready, number(summary.Ready))
	for _, state := range []status.State{status.Up, status.Starting, status.Deaf, status.Reconnecting, status.Stale, status.Down, status.Failed} {
		out.gauge(accounts, float64(summary.Accounts[state]), string(state))
		if state != status.Failed {
			out.gauge(mailboxes, float64(summary.Mailboxes[state]), string(state))
		}
	}
	out.freshness(c.board.Accounts())
	out.counts(c.board.Counts())
	out.sinks(c.board.Sinks())
	out.gauge(journalBytes, float64(summary.Journal.Bytes))
	out.gauge(journalFirst, float64(summary.Journal.First))
	out.gauge(journalLast, float64(summary.Journal.Last))
	out.counter(journalWrites, uint64(summary.Journal.Writes))
	out.counter(journalCommits, uint64(summary.Journal.Commits))
	out.gauge(journalError, number(summary.Journal.Trouble != nil))
}

type sender chan<- prometheus.Metric

func (s sender) gauge(d *prometheus.Desc, v float64, labels ...string) {
	s <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func (s sender) counter(d *prometheus.Desc, n uint64, labels ...string) {
	s <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
}

func (s sender) histogram(d *prometheus.Desc, h *status.Histogram) {
	s <- prometheus.MustNewConstHistogram(d, h.Count(), h.Sum().Seconds(), h.Cumulative())
}

func (s sender) freshness(all []status.Account) {
	var ages status.Histogram
	var oldest time.Duration
	var up, down, never int
	now := time.Now()
	for i := range all {
		for j := range all[i].Mailboxes {
			m := &all[i].Mailboxes[j]
			switch {
			case m.Shared:
			case m.Up:
				up++
			default:
				down++
			}
			switch {
			case m.Name == "":
			case m.VerifiedAt.IsZero():
				never++
			default:
				age := now.Sub(m.VerifiedAt)
				ages.Observe(age)
				oldest = max(oldest, age)
			}
		}
	}
	s.gauge(connections, float64(up), "up")
	s.gauge(connections, float64(down), "down")
	s.gauge(unverified, float64(never))
	s.gauge(verifiedMax, oldest.Seconds())
	s.histogram(verifiedAge, &ages)
}

func (s sender) counts(c status.Counts) {
	for eventType, n := range c.Events {
		s.counter(events, n, eventType)
	}
	for rung, n := range c.Resyncs {
		s.counter(resyncs, n, rung)
	}
	for class, n := range c.Lost {
		s.counter(reconnects, n, class)
	}
	s.counter(pushes, c.Pushes)
	for key, n := range c.Deliveries {
		s.counter(deliveries, n, key[0], key[1])
	}
	s.histogram(lateness, &c.Lateness)
	s.histogram(latency, &c.Latency)
}

func (s sender) sinks(all []status.Sink) {
	for i := range all {
		k := &all[i]
		for _, state := range []status.State{status.Up, status.Paused, status.Retrying, status.Down, status.Disabled} {
			s.gauge(sinkState, number(k.State == state), k.Name, string(state))
		}
		s.gauge(queue, float64(k.Backlog), k.Name)
		s.gauge(behind, float64(k.Behind), k.Name)
		s.gauge(dead, float64(k.DeadLetters), k.Name)
	}
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
