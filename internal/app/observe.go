package app

import (
	"context"
	"encoding/json"
	"time"

	"github.com/pushmail/pushmail/event"
	"github.com/pushmail/pushmail/internal/deliver"
	"github.com/pushmail/pushmail/internal/journal"
	"github.com/pushmail/pushmail/internal/sink"
	"github.com/pushmail/pushmail/internal/status"
)

// recorded counts an event that is in the journal.
func (a *App) recorded(r journal.Record) {
	a.board.Event(r.Account, r.Mailbox, r.Type, r.Time)
	switch event.Type(r.Type) {
	case event.TypeMailboxOpen:
		a.board.CountOpen(facts(r).Method)
	case event.TypeLink:
		if f := facts(r); f.Up != nil && !*f.Up {
			a.board.CountLost(f.Class)
		}
	}
}

// observe counts what became of a delivery.
func (a *App) observe(o deliver.Observation) {
	var arrived time.Time
	if o.Attempt == 1 && o.Result.Outcome == sink.OK && event.Type(o.Record.Type) == event.TypeMessageNew {
		arrived = facts(o.Record).InternalDate
	}
	result := status.Retried
	switch {
	case o.Result.Outcome == sink.OK:
		result = status.Delivered
	case o.Buried:
		result = status.Buried
	}
	a.board.Delivery(o.Sink, result, o.Record.Time, arrived)
}

// fact is what counting needs of an event.
type fact struct {
	Method       string    `json:"method"`
	Up           *bool     `json:"up"`
	Class        string    `json:"class"`
	InternalDate time.Time `json:"internaldate"`
}

func facts(r journal.Record) fact {
	var ev struct {
		Data fact `json:"data"`
	}
	_ = json.Unmarshal(r.JSON, &ev) // we wrote it ourselves; a count is not worth more
	return ev.Data
}

// sinkStatus is the state of the sinks, in the order of the configuration.
func (a *App) sinkStatus() []status.Sink {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	dead := map[string]int{}
	if rows, err := a.journal.Sinks(ctx); err == nil {
		for _, row := range rows {
			dead[row.Name] = row.Dead
		}
	}
	by := map[string]deliver.Status{}
	for _, s := range a.out.Status() {
		by[s.Name] = s
	}
	last, _ := a.journal.Last(ctx)
	sinks := a.cfg.Load().Sinks
	out := make([]status.Sink, 0, len(sinks))
	for _, c := range sinks {
		s, ok := by[c.Name]
		if !ok {
			continue // it is being exchanged
		}
		one := status.Sink{
			Name: c.Name, Type: string(c.Type), Doing: string(s.State), Why: s.Reason, DoingSince: s.Since,
			Cursor: int64(s.Cursor), Backlog: int64(max(last-s.Cursor, 0)), Behind: s.Waiting, Failing: s.Failing, RetryAt: s.NextTry,
			InFlight: s.InFlight, DeadLetters: dead[c.Name], Delivered: s.Delivered, Failed: s.Failed, Buried: s.Buried,
			DeliveredAt: s.LastDelivered, Err: s.LastError, ErrAt: s.LastErrorAt, Replaying: s.Replaying,
		}
		out = append(out, one)
	}
	return out
}

// journalStatus is the state of the journal.
func (a *App) journalStatus() status.Journal {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	st, err := a.journal.Stats(ctx)
	if err != nil {
		return status.Journal{Err: err.Error(), ErrAt: time.Now()}
	}
	j := status.Journal{Bytes: st.Bytes, First: int64(st.First), Last: int64(st.Last), Writes: st.Writes, Commits: st.Commits}
	a.trouble.Lock()
	defer a.trouble.Unlock()
	if st.Err == nil {
		a.troubleSince = time.Time{}
		return j
	}
	if a.troubleSince.IsZero() {
		a.troubleSince = time.Now()
	}
	j.Err, j.ErrAt = st.Err.Error(), a.troubleSince
	return j
}
