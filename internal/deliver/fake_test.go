package deliver_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pushmail/pushmail/internal/deliver"
	"github.com/pushmail/pushmail/internal/deliver/delivertest"
	"github.com/pushmail/pushmail/internal/journal"
	"github.com/pushmail/pushmail/internal/sink"
)

// memory is a journal in memory. It checks what it is told.
type memory struct {
	t testing.TB

	mu      sync.Mutex
	records []journal.Record // at Position-1
	grown   chan struct{}    // closed when records are added
	cursor  journal.Position
	opened  bool
	paused  bool
	reason  string
	rows    map[journal.Position]journal.Retry
	dead    map[journal.Position]journal.Retry
	fail    error            // of every call
	biggest int              // limit that was asked for
	padding int              // events take at least so many bytes, in a copy for each reader
	gone    journal.Position // an event that Retain has removed
}

func newMemory(t testing.TB) *memory {
	return &memory{t: t, grown: make(chan struct{}), rows: map[journal.Position]journal.Retry{}, dead: map[journal.Position]journal.Retry{}}
}

func source(key int) string { return fmt.Sprintf("imap://jo@mail.example.org/%d", key) }

// add appends an event of a mailbox and returns its position.
func (m *memory) add(key int) journal.Position {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := journal.Position(len(m.records) + 1)
	id := fmt.Sprintf("id%d", p)
	m.records = append(m.records, journal.Record{
		Position: p, ID: id, Type: "mail.message.new", Account: "jo", Mailbox: fmt.Sprint(key), Source: source(key), Time: time.Now(), RecordedAt: time.Now(),
		JSON: []byte(`{"specversion":"1.0","id":"` + id + `","type":"mail.message.new","source":"` + source(key) + `","data":{"uid":` + fmt.Sprint(p) + `}}`),
	})
	close(m.grown)
	m.grown = make(chan struct{})
	return p
}

func (m *memory) Read(_ context.Context, after journal.Position, limit int, f journal.Filter) (out []journal.Record, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.biggest = max(m.biggest, limit)
	if m.fail != nil {
		return nil, m.fail
	}
	for i := max(after, 0); int(i) < len(m.records) && len(out) < limit; i++ {
		r := m.records[i]
		if r.Position != m.gone && (f.Source == "" || f.Source == r.Source) && (f.Mailbox == "" || f.Mailbox == r.Mailbox) && !r.RecordedAt.Before(f.Since) {
			if m.padding > 0 {
				r.JSON = append(make([]byte, 0, m.padding), r.JSON...)
			}
			out = append(out, r)
		}
	}
	return out, nil
}

func (m *memory) Find(_ context.Context, id string) (journal.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.records {
		if r.ID == id {
			return r, nil
		}
	}
	return journal.Record{}, journal.ErrNotFound
}

func (m *memory) Last(context.Context) (journal.Position, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return journal.Position(len(m.records)), nil
}

func (m *memory) Wait(ctx context.Context, after journal.Position) error {
	for {
		m.mu.Lock()
		there, grown := int(after) < len(m.records), m.grown
		m.mu.Unlock()
		if there {
			return nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (m *memory) OpenSink(_ context.Context, name string, from journal.Position) (journal.SinkState, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.opened {
		m.opened, m.cursor = true, from
	}
	return journal.SinkState{Name: name, Cursor: m.cursor, Paused: m.paused, Reason: m.reason, Pending: len(m.rows), Dead: len(m.dead)}, nil
}

func (m *memory) UpdateSink(_ context.Context, _ string, u journal.SinkUpdate) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	if u.Cursor != nil {
		if *u.Cursor < m.cursor {
			m.t.Errorf("the cursor goes back from %d to %d", m.cursor, *u.Cursor)
		}
		m.cursor = *u.Cursor
	}
	for _, p := range u.Done {
		delete(m.rows, p)
	}
	for _, r := range u.Bury {
		delete(m.rows, r.Position)
		m.dead[r.Position] = r
	}
	for _, r := range u.Put {
		if old, ok := m.rows[r.Position]; ok && old.Rest != r.Rest {
			m.t.Errorf("a row at %d for %q takes the place of one of another kind", r.Position, r.Key)
		}
		if rec := m.records[r.Position-1]; rec.Source != r.Key {
			m.t.Errorf("the row at %d is for %q, the event is of %q", r.Position, r.Key, rec.Source)
		}
		m.rows[r.Position] = r
	}
	return nil
}

func (m *memory) PauseSink(_ context.Context, _ string, paused bool, reason string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	m.paused, m.reason = paused, reason
	return nil
}

func (m *memory) Pending(_ context.Context, _ string, after journal.Position, limit int) (out []journal.Pending, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for p, r := range m.rows {
		if p > after {
			out = append(out, journal.Pending{Retry: r, Record: m.records[p-1]})
		}
	}
	slices.SortFunc(out, func(a, b journal.Pending) int { return cmp.Compare(a.Retry.Position, b.Retry.Position) })
	return out[:min(limit, len(out))], nil
}

func (m *memory) DeadLetters(_ context.Context, name string, after journal.Position, limit int) (out []journal.DeadLetter, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for p, r := range m.dead {
		if p > after {
			out = append(out, journal.DeadLetter{Sink: name, Retry: r, Record: m.records[p-1]})
		}
	}
	slices.SortFunc(out, func(a, b journal.DeadLetter) int { return cmp.Compare(a.Retry.Position, b.Retry.Position) })
	return out[:min(limit, len(out))], nil
}

func (m *memory) Revive(_ context.Context, _ string, positions ...journal.Position) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for p, r := range m.dead {
		if len(positions) == 0 || slices.Contains(positions, p) {
			delete(m.dead, p)
			if m.rows[p].Rest {
				m.t.Errorf("the dead letter at %d takes the place of a lane", p)
			}
			m.rows[p] = journal.Retry{Position: p, Key: r.Key}
			n++
		}
	}
	return n, nil
}

// settled returns the events that are accounted for by the journal alone: not after the cursor and without a row.
func (m *memory) settled() (done, dead map[journal.Position]bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	done, dead = map[journal.Position]bool{}, map[journal.Position]bool{}
	behind := map[string]journal.Position{}
	for p, r := range m.rows {
		if r.Rest {
			behind[r.Key] = p
		}
	}
	for _, r := range m.records {
		if first := behind[r.Source]; r.Position <= m.cursor && (first == 0 || r.Position < first) {
			done[r.Position] = true
		}
		if _, ok := m.dead[r.Position]; ok {
			dead[r.Position] = true
		}
	}
	return done, dead
}

func (m *memory) setFail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}

// script is a sink that does what a function says.
type script struct {
	limits sink.Limits
	send   func(context.Context, []sink.Delivery) []sink.Result
	closed chan struct{}
}

func (s *script) Send(ctx context.Context, batch []sink.Delivery) []sink.Result {
	return s.send(ctx, batch)
}
func (s *script) Limits() sink.Limits { return s.limits }
func (s *script) Close() error {
	if s.closed != nil {
		close(s.closed)
	}
	return nil
}

// fence orders what scripts and tests do: see pass.
var fence atomic.Int64

// perEvent is a script that answers each event on its own.
func perEvent(limits sink.Limits, f func(sink.Delivery) sink.Result) *script {
	return &script{limits: limits, send: func(_ context.Context, batch []sink.Delivery) []sink.Result {
		out := make([]sink.Result, 0, len(batch))
		for _, d := range batch {
			fence.Add(1)
			out = append(out, f(d))
			fence.Add(1)
		}
		return out
	}}
}

// run delivers to a sink named "s" until the test ends, or until stop is called.
func run(t testing.TB, m *memory, s sink.Sink, change ...func(*deliver.Options, *deliver.Target)) (d *deliver.Deliverer, stop func()) {
	t.Helper()
	o, target := deliver.Options{Journal: m}, deliver.Target{Name: "s", Sink: s, FromStart: true}
	for _, f := range change {
		f(&o, &target)
	}
	return delivertest.Start(t, o, target)
}
