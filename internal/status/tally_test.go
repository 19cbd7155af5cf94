package status_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushmail/pushmail/internal/status"
)

func TestQuantiles(t *testing.T) {
	var h status.Histogram
	if got := h.Quantile(0.5); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
	for range 90 {
		h.Observe(3 * time.Millisecond) // in the bucket from 2.5 to 5 ms
	}
	for range 10 {
		h.Observe(20 * time.Second) // from 10 to 30 s
	}
	for _, test := range []struct {
		q         float64
		low, high time.Duration
	}{
		{0.5, 2500 * time.Microsecond, 5 * time.Millisecond},
		{0.9, 2500 * time.Microsecond, 5 * time.Millisecond},
		{0.95, 10 * time.Second, 30 * time.Second},
		{1, 30 * time.Second, 30 * time.Second},
	} {
		if got := h.Quantile(test.q); got < test.low || got > test.high {
			t.Errorf("quantile %v is %v, want %v to %v", test.q, got, test.low, test.high)
		}
	}
	h.Observe(-time.Second)
	h.Observe(1000 * time.Hour)
	if got := h.Count(); got != 102 {
		t.Errorf("count %d", got)
	}
	if got, want := h.Sum(), 90*3*time.Millisecond+200*time.Second+1000*time.Hour; got != want {
		t.Errorf("sum %v, want %v", got, want)
	}
	if got := h.Cumulative()[86400]; got != 101 {
		t.Errorf("%d within a day, want 101", got)
	}
	if got := h.Cumulative()[0.001]; got != 1 {
		t.Errorf("%d within a millisecond, want 1: a clock that is ahead", got)
	}
}

func TestSeriesIsTheLastHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // begins at a full hour
		var tally status.Tally
		seen := time.Now()
		tally.CountEvent("mail.message.new")
		time.Sleep(30 * time.Minute)
		tally.CountEvent("mail.message.new")
		tally.Delivery("hook", status.Delivered, time.Now().Add(-200*time.Millisecond), time.Now().Add(-2*time.Second))
		tally.Delivery("hook", status.Retried, seen, time.Time{})
		got := tally.Series(60)
		if len(got) != 60 {
			t.Fatalf("%d points", len(got))
		}
		if last := got[59]; last.Events != 1 || last.Delivered != 1 || last.Failed != 1 || last.P50 < 0.1 || last.P50 > 0.25 || !last.At.Equal(time.Now().Truncate(time.Minute)) {
			t.Errorf("last point %+v", last)
		}
		if then := got[29]; then.Events != 1 || !then.At.Equal(seen.Truncate(time.Minute)) {
			t.Errorf("point of half an hour ago %+v", then)
		}
		if n := len(tally.Series(7)); n != 6 {
			t.Errorf("7 points became %d, want 6", n)
		}
		time.Sleep(59 * time.Minute)
		total := uint64(0)
		for _, p := range tally.Series(360) {
			total += p.Events
		}
		if total != 1 {
			t.Errorf("after 89 minutes %d events are left, want 1", total)
		}
		c := tally.Counts()
		if c.Latency.Count() != 1 || c.Lateness.Sum() != 2*time.Second || c.Deliveries[[2]string{"hook", status.Retried}] != 1 {
			t.Errorf("counts %+v", c)
		}
	})
}

func TestRateCountsWholeSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tally status.Tally
		for range 120 {
			tally.CountEvent("x")
		}
		if got := tally.Rate(time.Minute); got != 0 {
			t.Errorf("rate %v of a step that goes on", got)
		}
		time.Sleep(10 * time.Second)
		if got := tally.Rate(time.Minute); got != 2 {
			t.Errorf("rate %v, want 2", got)
		}
		time.Sleep(time.Minute)
		if got := tally.Rate(time.Minute); got != 0 {
			t.Errorf("rate %v a minute later, want 0", got)
		}
	})
}

func TestWordsThatAreCountedAreBounded(t *testing.T) {
	var tally status.Tally
	for i := range 1000 {
		tally.CountLost(fmt.Sprint(i))
	}
	if got := tally.Counts().Lost; len(got) != 257 || got["other"] != 744 {
		t.Errorf("%d words, %d others", len(got), got["other"])
	}
}
