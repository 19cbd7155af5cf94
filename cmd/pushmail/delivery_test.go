package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	delivery "github.com/pushmail/pushmail/internal/deliver"
	"github.com/pushmail/pushmail/internal/deliver/delivertest"
	"github.com/pushmail/pushmail/internal/journal"
	"github.com/pushmail/pushmail/internal/journal/sqlite"
	"github.com/pushmail/pushmail/internal/sink/webhook"
	"github.com/pushmail/pushmail/watch"
)

// openJournal opens a journal in the database at path.
func openJournal(t testing.TB, path string) *sqlite.Journal {
	t.Helper()
	j, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// appendEvents appends n events of each of some mailboxes.
func appendEvents(t testing.TB, j journal.Journal, mailboxes, n int) {
	t.Helper()
	for box := range mailboxes {
		var recs []journal.Record
		for i := range n {
			ev := newMessageEvent(fmt.Sprint(i))
			ev.Mailbox, ev.UID = fmt.Sprint("box", box), imap.UID(i+1)
			cloud := ev.CloudEvent()
			r, err := journal.NewRecord(ev.Account, ev.Mailbox, cloud)
			if err != nil {
				t.Fatal(err)
			}
			recs = append(recs, r)
		}
		if err := j.Append(t.Context(), watch.Key{}, recs, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// deliverTo posts what is in a journal to a URL, until stop is called.
func deliverTo(t testing.TB, j journal.Journal, url string, concurrency int) (d *delivery.Deliverer, stop func()) {
	t.Helper()
	hook, err := webhook.New(webhook.Options{
		URL: url, Secrets: []string{"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"}, Concurrency: concurrency, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return delivertest.Start(t,
		delivery.Options{Journal: j, Schedule: []time.Duration{0, 50 * time.Millisecond, 50 * time.Millisecond, 50 * time.Millisecond}},
		delivery.Target{Name: "hook", Sink: hook, FromStart: true})
}

// The database and the loops agree on what a lane, a dead letter and a replay are.
func TestDeliveryFromTheDatabase(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	sick, got := true, map[string]int{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		if sick && strings.Contains(string(body), `/box0"`) {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		got[r.Header.Get("Webhook-Id")]++
	}))
	defer srv.Close()
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(got)
	}
	path := filepath.Join(t.TempDir(), "journal.db")
	j := openJournal(t, path)
	appendEvents(t, j, 3, 100)
	_, stop := deliverTo(t, j, srv.URL, 4)
	waitForDelivery(t, func() bool { // box1 and box2 are through, box0 has lost some
		dead, err := j.DeadLetters(t.Context(), "hook", 0, 10)
		return err == nil && len(dead) >= 2 && count() == 200
	})
	stop()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = openJournal(t, path)
	defer j.Close()
	mu.Lock()
	sick = false
	mu.Unlock()
	d, stop := deliverTo(t, j, srv.URL, 4)
	if n, err := d.Revive(t.Context(), "hook"); err != nil || n < 2 {
		t.Fatalf("revived %d: %v", n, err)
	}
	waitForDelivery(t, func() bool { s := d.Status()[0]; return count() == 300 && s.Waiting == 0 && s.Replaying == 0 })
	stop()
	states, err := j.Sinks(t.Context())
	if err != nil || len(states) != 1 || states[0].Cursor != 300 || states[0].Pending != 0 || states[0].Dead != 0 {
		t.Errorf("%+v, %v", states, err)
	}
}

func waitForDelivery(t *testing.T, f func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it takes too long")
		}
	}
}

// From the database to a receiver that has acknowledged, events per second.
func BenchmarkDeliverToWebhook(b *testing.B) {
	for _, concurrency := range []int{1, 8, 32} {
		b.Run(fmt.Sprint(concurrency, " at a time"), func(b *testing.B) {
			var got atomic.Int64
			done := make(chan struct{}, 1)
			var want int64
			srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				if got.Add(1) == want {
					done <- struct{}{}
				}
			}))
			defer srv.Close()
			j := openJournal(b, filepath.Join(b.TempDir(), "journal.db"))
			defer j.Close()
			const boxes = 100
			each := max(1, b.N/boxes)
			want = int64(boxes * each)
			appendEvents(b, j, boxes, each)
			b.ReportAllocs()
			b.ResetTimer()
			_, stop := deliverTo(b, j, srv.URL, concurrency)
			<-done
			b.StopTimer()
			b.ReportMetric(float64(want)/b.Elapsed().Seconds(), "events/s")
			stop()
		})
	}
}
