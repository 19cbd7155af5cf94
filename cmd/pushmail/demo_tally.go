package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/watch"
)

// tally compares what happened at the server of the demo with what was reported.
type tally struct {
	mu      sync.Mutex
	deeds   map[deed]*record // guarded by mu, as all below
	opened  int              // the mailbox was opened
	downs   int              // the link was reported as lost
	methods []string         // how the mailbox was compared with the checkpoint after a loss
	changed chan struct{}    // closed and replaced with each report
}

// deed is something that was done at the server and has to be reported exactly once.
type deed struct {
	what watch.Type
	uid  imap.UID
	flag imap.Flag // that was set, for watch.FlagChange
}

type record struct {
	at      time.Time
	offline bool // done while nobody was connected
	// reports counts the reports, and took is how long the first one took.
	reports int
	took    time.Duration
}

func newTally() *tally { return &tally{deeds: map[deed]*record{}, changed: make(chan struct{})} }

// do runs act, which returns what it has done, and notes that. A report of it waits until that is noted.
func (t *tally) do(offline bool, act func() []deed) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := time.Now()
	for _, d := range act() {
		t.deeds[d] = &record{at: at, offline: offline}
	}
}

// sink notes an event. It comes after the printer, so the time to print counts.
func (t *tally) sink(_ context.Context, ev watch.Event) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch ev.Type {
	case watch.MessageNew, watch.MessageExpunge:
		t.reportedLocked(deed{ev.Type, ev.UID, ""})
	case watch.FlagChange:
		for _, f := range ev.Added {
			t.reportedLocked(deed{ev.Type, ev.UID, f})
		}
	case watch.MailboxOpen:
		t.opened++
		if t.opened > 1 && !slices.Contains(t.methods, methodName(ev.Open.Method)) {
			t.methods = append(t.methods, methodName(ev.Open.Method))
		}
	case watch.Link:
		if !ev.Link.Up {
			t.downs++
		}
	}
	close(t.changed)
	t.changed = make(chan struct{})
	return nil
}

func (t *tally) reportedLocked(d deed) {
	r := t.deeds[d]
	if r == nil {
		return // somebody else did it, with a mail program of their own
	}
	if r.reports == 0 {
		r.took = time.Since(r.at)
	}
	r.reports++
}

// wait waits until cond holds, which is asked with mu held, and reports whether it does before the timeout.
func (t *tally) wait(ctx context.Context, timeout time.Duration, cond func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for {
		t.mu.Lock()
		holds, changed := cond(), t.changed
		t.mu.Unlock()
		if holds {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// settledLocked reports whether all that was done was reported.
func (t *tally) settledLocked() bool {
	for _, r := range t.deeds {
		if r.reports == 0 {
			return false
		}
	}
	return true
}

// verdict is the result of the demo.
type verdict struct {
	messages, flags, expunges int
	lost, twice               int
	pushes                    []time.Duration // how long what was pushed took, ascending
	offline                   int
	cuts                      int
	methods                   []string
}

func (t *tally) verdict() verdict {
	t.mu.Lock()
	defer t.mu.Unlock()
	v := verdict{cuts: t.downs, methods: slices.Clone(t.methods)}
	for d, r := range t.deeds {
		switch d.what {
		case watch.MessageNew:
			v.messages++
		case watch.MessageExpunge:
			v.expunges++
		case watch.FlagChange:
			v.flags++
		}
		switch {
		case r.reports == 0:
			v.lost++
			continue
		case r.reports > 1:
			v.twice++
		}
		if r.offline {
			v.offline++
		} else if d.what == watch.MessageNew {
			v.pushes = append(v.pushes, r.took)
		}
	}
	slices.Sort(v.pushes)
	return v
}

// err says what is wrong, and is nil if nothing is.
func (v *verdict) err() error {
	if v.lost == 0 && v.twice == 0 {
		return nil
	}
	return fmt.Errorf("of what happened at the server %d things were not reported and %d more than once: this is a bug, please report it with the output of --protocol-log", v.lost, v.twice)
}
