package metrics_test

import (
	"fmt"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/pushmail/pushmail/internal/metrics"
	"github.com/pushmail/pushmail/internal/status"
)

func scrape(t *testing.T, b *status.Board) string {
	t.Helper()
	rec := httptest.NewRecorder()
	metrics.Handler(b).ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	if rec.Code != 200 {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	return rec.Body.String()
}

// board is one with n accounts, one of which has a wrong password.
func board(n int) *status.Board {
	b, now := status.NewBoard("1.2.3"), time.Now()
	b.Report(status.Sources{
		Accounts: func() []status.Account {
			all := make([]status.Account, n)
			for i := range all {
				all[i] = status.Account{Name: fmt.Sprint("user", i), Mailboxes: []status.Mailbox{
					{Name: "", Up: true, VerifiedAt: now.Add(-time.Hour)}, // not a mailbox
					{Name: "INBOX", Up: true, Shared: true, VerifiedAt: now.Add(-20 * time.Second)},
				}}
			}
			all[0].Mailboxes = []status.Mailbox{{Name: "INBOX", Class: "auth", Reason: "NO"}}
			return all
		},
		Sinks: func() []status.Sink {
			return []status.Sink{{Name: "hook", Doing: status.SinkPaused, Backlog: 12, Behind: 3, DeadLetters: 2}}
		},
		Journal: func() status.Journal { return status.Journal{Bytes: 4096, First: 3, Last: 9, Err: "disk is full"} },
	})
	return b
}

func TestWhatPrometheusIsTold(t *testing.T) {
	b := board(10)
	b.Event("user1", "INBOX", "mail.message.new", time.Now())
	b.Event("user2", "INBOX", "mail.message.new", time.Now())
	b.CountOpen("qresync")
	b.CountLost("auth")
	b.CountPushes(5)
	b.Delivery("hook", status.Delivered, time.Now().Add(-20*time.Millisecond), time.Now().Add(-2*time.Second))
	b.Delivery("hook", status.Retried, time.Now(), time.Time{})
	got := scrape(t, b)
	for _, want := range []string{
		`pushmail_build_info{version="1.2.3"} 1`,
		`pushmail_ready 0`, // the journal cannot be written
		`pushmail_accounts{state="down"} 1`,
		`pushmail_accounts{state="up"} 9`,
		`pushmail_mailboxes{state="up"} 9`,
		`pushmail_connections{state="down"} 1`,
		`pushmail_connections{state="up"} 9`,
		`pushmail_unverified_mailboxes 1`,
		`pushmail_verified_age_seconds_bucket{le="10"} 0`,
		`pushmail_verified_age_seconds_bucket{le="30"} 9`,
		`pushmail_verified_age_seconds_count 9`,
		`pushmail_events_total{type="mail.message.new"} 2`,
		`pushmail_resyncs_total{rung="qresync"} 1`,
		`pushmail_reconnects_total{reason="auth"} 1`,
		`pushmail_pushes_total 5`,
		`pushmail_deliveries_total{result="delivered",sink="hook"} 1`,
		`pushmail_deliveries_total{result="retried",sink="hook"} 1`,
		`pushmail_lateness_seconds_bucket{le="1"} 0`,
		`pushmail_lateness_seconds_bucket{le="2.5"} 1`,
		`pushmail_delivery_latency_seconds_bucket{le="0.01"} 0`,
		`pushmail_delivery_latency_seconds_count 1`,
		`pushmail_sink_queue_events{sink="hook"} 12`,
		`pushmail_sink_behind_mailboxes{sink="hook"} 3`,
		`pushmail_sink_dead_letters{sink="hook"} 2`,
		`pushmail_sink_state{sink="hook",state="paused"} 1`,
		`pushmail_sink_state{sink="hook",state="up"} 0`,
		`pushmail_journal_size_bytes 4096`,
		`pushmail_journal_last_position 9`,
		`pushmail_journal_error 1`,
	} {
		if !strings.Contains(got, want+"\n") {
			name, _, _ := strings.Cut(want, "{")
			t.Errorf("want %s, got\n%s", want, strings.Join(regexp.MustCompile(`(?m)^`+strings.Fields(name)[0]+`.*$`).FindAllString(got, -1), "\n"))
		}
	}
	if m := regexp.MustCompile(`(?m)^pushmail_verified_age_max_seconds (.*)$`).FindStringSubmatch(got); m == nil || m[1] < "20" || m[1] > "21" {
		t.Errorf("the oldest: %v", m)
	}
}

func TestNamesAndUnitsAreAsPrometheusWants(t *testing.T) {
	problems, err := promlint.New(strings.NewReader(scrape(t, board(2)))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "pushmail_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

// Prometheus keeps each series for weeks: their number must not depend on the number of accounts.
func TestThereAreAsManySeriesForTenThousandAccounts(t *testing.T) {
	count := func(n int) int {
		return len(regexp.MustCompile(`(?m)^pushmail_`).FindAllString(scrape(t, board(n)), -1))
	}
	if few, many := count(2), count(10000); few != many {
		t.Errorf("%d series with 2 accounts, %d with 10,000", few, many)
	}
}

// People write their alerts by that page.
func TestOperationsNameWhatExists(t *testing.T) {
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	have := scrape(t, board(2))
	names := regexp.MustCompile("pushmail_[a-z_]+").FindAllString(string(page), -1)
	for _, name := range names {
		if !regexp.MustCompile(`(?m)^` + name + `[ {]`).MatchString(have) {
			t.Errorf("docs/operations.md names %s, which does not exist", name)
		}
	}
	if len(names) < 5 {
		t.Errorf("found only %d names in docs/operations.md", len(names))
	}
}
