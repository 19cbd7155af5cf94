package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pushmail/pushmail/internal/httpapi"
	"github.com/pushmail/pushmail/internal/journal"
	"github.com/pushmail/pushmail/internal/status"
)

// memoryLog is a journal.Log in memory.
type memoryLog struct {
	mu      sync.Mutex
	records []journal.Record
	last    journal.Position
	more    chan struct{} // closed when there is more
}

func newLog() *memoryLog { return &memoryLog{more: make(chan struct{})} }

// add appends an event about a message.
func (l *memoryLog) add(account, eventType string) journal.Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	id := fmt.Sprint("id", l.last)
	l.records = append(l.records, journal.Record{
		Position: l.last, ID: id, Type: eventType, Account: account, Mailbox: "INBOX", Source: "imap://x/INBOX", RecordedAt: time.Now(),
		JSON: fmt.Appendf(nil, `{"specversion":"1.0","id":%q,"type":%q,"source":"imap://x/INBOX","data":{"account":%q}}`, id, eventType, account),
	})
	close(l.more)
	l.more = make(chan struct{})
	return l.last
}

// forget removes all up to a position.
func (l *memoryLog) forget(p journal.Position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = slices.DeleteFunc(l.records, func(r journal.Record) bool { return r.Position <= p })
}

func (l *memoryLog) Read(_ context.Context, after journal.Position, limit int, f journal.Filter) ([]journal.Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []journal.Record
	for _, r := range l.records {
		if r.Position > after && len(out) < limit && (f.Account == "" || f.Account == r.Account) && (f.Mailbox == "" || f.Mailbox == r.Mailbox) &&
			(len(f.Types) == 0 || slices.Contains(f.Types, r.Type)) && !r.RecordedAt.Before(f.Since) {
			out = append(out, r)
		}
	}
	return out, nil
}

func (l *memoryLog) Find(_ context.Context, id string) (journal.Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.records {
		if r.ID == id {
			return r, nil
		}
	}
	return journal.Record{}, journal.ErrNotFound
}

func (l *memoryLog) First(context.Context) (journal.Position, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case len(l.records) > 0:
		return l.records[0].Position, nil
	case l.last > 0:
		return l.last + 1, nil
	}
	return 0, nil
}

func (l *memoryLog) Last(context.Context) (journal.Position, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last, nil
}

func (l *memoryLog) Wait(ctx context.Context, after journal.Position) error {
	for {
		l.mu.Lock()
		last, more := l.last, l.more
		l.mu.Unlock()
		if last > after {
			return nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// accounts is an account service in memory.
type accounts struct {
	mu  sync.Mutex
	all map[string]httpapi.AccountSpec
	err error // what Create returns
}

func (a *accounts) Get(_ context.Context, name string) (httpapi.AccountSpec, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	spec, ok := a.all[name]
	if !ok {
		return spec, httpapi.ErrNotFound
	}
	return spec, nil
}

func (a *accounts) Create(_ context.Context, spec httpapi.AccountSpec) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil {
		return a.err
	}
	if _, ok := a.all[spec.Name]; ok {
		return fmt.Errorf("adding: %w", httpapi.ErrExists)
	}
	if a.all == nil {
		a.all = map[string]httpapi.AccountSpec{}
	}
	a.all[spec.Name] = spec
	return nil
}

func (a *accounts) Replace(_ context.Context, spec httpapi.AccountSpec) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all[spec.Name] = spec
	return nil
}

func (a *accounts) Delete(_ context.Context, name string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.all[name]; !ok {
		return httpapi.ErrInFile
	}
	delete(a.all, name)
	return nil
}

func (a *accounts) Verify(_ context.Context, spec httpapi.AccountSpec) (httpapi.Verification, error) {
	if spec.Password == "right" {
		return httpapi.Verification{OK: true, Push: "idle", Mailboxes: []string{"INBOX"}}, nil
	}
	return httpapi.Verification{Trouble: status.Explain("auth", "NO [AUTHENTICATIONFAILED]")}, nil
}

func (a *accounts) VerifyNamed(ctx context.Context, name string) (httpapi.Verification, error) {
	spec, err := a.Get(ctx, name)
	if err != nil {
		return httpapi.Verification{}, err
	}
	return a.Verify(ctx, spec)
}

// sinks is a sink service that notes what it was told.
type sinks struct {
	mu   sync.Mutex
	told []string
	dead []journal.DeadLetter
	// failing are events that hold up mailboxes of the sink "hook".
	failing []journal.Pending
}

func (k *sinks) note(format string, args ...any) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.told = append(k.told, fmt.Sprintf(format, args...))
	return nil
}

func (k *sinks) Pause(_ context.Context, sink, reason string) error {
	if sink != "hook" {
		return httpapi.ErrNotFound
	}
	return k.note("pause %s: %s", sink, reason)
}
func (k *sinks) Resume(_ context.Context, sink string) error { return k.note("resume %s", sink) }
func (k *sinks) DeadLetters(_ context.Context, sink string, after journal.Position, limit int) (out []journal.DeadLetter, _ error) {
	for _, d := range k.dead {
		if d.Position > after && len(out) < limit && (sink == "" || sink == d.Sink) {
			out = append(out, d)
		}
	}
	return out, nil
}

func (k *sinks) Revive(_ context.Context, sink string, positions ...journal.Position) (int, error) {
	return len(positions), k.note("revive %s %v", sink, positions)
}

func (k *sinks) Drop(_ context.Context, sink string, positions ...journal.Position) (int, error) {
	return len(positions), k.note("drop %s %v", sink, positions)
}

func (k *sinks) Failing(_ context.Context, sink string, after journal.Position, limit int) (out []journal.Pending, _ error) {
	if sink != "hook" {
		return nil, httpapi.ErrNotFound
	}
	for _, p := range k.failing {
		if p.Retry.Position > after && len(out) < limit {
			out = append(out, p)
		}
	}
	return out, nil
}

func (k *sinks) Skip(_ context.Context, sink string, ids ...string) (int, error) {
	if slices.Contains(ids, "fine") {
		return 0, fmt.Errorf("%w: it has not failed", httpapi.ErrConflict)
	}
	return len(ids), k.note("skip %s %v", sink, ids)
}

func (k *sinks) Replay(_ context.Context, sink string, r httpapi.ReplayRequest) (int, error) {
	return 7, k.note("replay %s %+v", sink, r)
}

// world is a Server with fakes behind it.
type world struct {
	t        *testing.T
	log      *memoryLog
	accounts *accounts
	sinks    *sinks
	board    *status.Board
	api      *httpapi.Server
	server   *httptest.Server
	token    string
}

var tokens = []httpapi.Token{
	{Name: "ops", Secret: "all-of-it", Scopes: []httpapi.Scope{httpapi.Read, httpapi.Write, httpapi.Admin}},
	{Name: "viewer", Secret: "only-look", Scopes: []httpapi.Scope{httpapi.Read}},
}

// newWorld returns one with tokens, of which the first is used.
func newWorld(t *testing.T, change func(*httpapi.Options)) *world {
	t.Helper()
	w := &world{t: t, log: newLog(), accounts: &accounts{}, sinks: &sinks{}, board: status.NewBoard("1.2.3"), token: tokens[0].Secret}
	o := httpapi.Options{
		Board: w.board, Journal: w.log, Accounts: w.accounts, Sinks: w.sinks, Tokens: tokens,
		Metrics: http.NotFoundHandler(), Reload: func(context.Context) error { return nil },
	}
	if change != nil {
		change(&o)
	}
	var err error
	if w.api, err = httpapi.New(o); err != nil {
		t.Fatal(err)
	}
	w.server = httptest.NewUnstartedServer(w.api.Handler())
	w.server.Start()
	t.Cleanup(func() {
		w.api.SetTokens(tokens) // ends the streams
		w.server.Close()
	})
	return w
}

// answer is what came back.
type answer struct {
	code   int
	header http.Header
	body   []byte
}

func (a answer) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("answer %d %s: %v", a.code, a.body, err)
	}
}

// ask makes a request with the world's token. Body may be nil, text, or something for JSON.
func (w *world) ask(method, path string, body any, header ...string) answer {
	w.t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = bytes.NewReader([]byte(b))
	default:
		text, err := json.Marshal(b)
		if err != nil {
			w.t.Fatal(err)
		}
		reader = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.server.URL+path, reader)
	if err != nil {
		w.t.Fatal(err)
	}
	if w.token != "" {
		req.Header.Set("Authorization", "Bearer "+w.token)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, text}
}
