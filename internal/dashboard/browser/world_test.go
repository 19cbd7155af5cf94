package browser_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pushmail/pushmail/event"
	"github.com/pushmail/pushmail/internal/dashboard"
	"github.com/pushmail/pushmail/internal/httpapi"
	"github.com/pushmail/pushmail/internal/journal"
	"github.com/pushmail/pushmail/internal/journal/sqlite"
	"github.com/pushmail/pushmail/internal/status"
	"github.com/pushmail/pushmail/watch"
)

// world is the API and the page, with accounts and sinks that are made up.
type world struct {
	t       *testing.T
	board   *status.Board
	journal *sqlite.Journal
	url     string
	uid     uint32

	mu       sync.Mutex
	accounts []status.Account               // guarded by mu
	specs    map[string]httpapi.AccountSpec // guarded by mu
	sinks    []status.Sink                  // guarded by mu
	state    status.Journal                 // guarded by mu
	letters  []journal.DeadLetter           // guarded by mu
	failing  []journal.Pending              // guarded by mu: of any sink
	told     []string                       // guarded by mu: what services were asked to do
}

const token = "the-token-of-the-operator"

func newWorld(t *testing.T, tokens ...httpapi.Token) *world {
	t.Helper()
	j, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "journal.db"))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, board: status.NewBoard("1.0.0"), journal: j, specs: map[string]httpapi.AccountSpec{}}
	w.board.Report(status.Sources{Accounts: w.listAccounts, Sinks: w.listSinks, Journal: w.journalState})
	api, err := httpapi.New(httpapi.Options{
		Board: w.board, Journal: j, Accounts: (*accounts)(w), Sinks: (*sinks)(w), Dashboard: dashboard.Handler(), Tokens: tokens, Heartbeat: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(api.Handler())
	w.url = server.URL
	t.Cleanup(func() {
		_ = api.Shutdown(context.Background()) // ends the streams
		server.CloseClientConnections()
		server.Close()
		_ = j.Close()
	})
	return w
}

func (w *world) locked(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

func (w *world) listAccounts() []status.Account {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := slices.Clone(w.accounts)
	for i := range out {
		out[i].Mailboxes = slices.Clone(out[i].Mailboxes)
	}
	slices.SortFunc(out, func(a, b status.Account) int { return cmpString(a.Name, b.Name) })
	return out
}

func cmpString(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (w *world) listSinks() []status.Sink {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := slices.Clone(w.sinks)
	for i := range out {
		if out[i].Name == "crm" {
			out[i].DeadLetters = len(w.letters)
		}
	}
	return out
}

func (w *world) journalState() status.Journal {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state
}

// arrive writes a new message into the journal.
func (w *world) arrive(account, subject string) {
	w.t.Helper()
	w.uid++
	now := time.Now()
	ev := event.New(event.SourceURL(account, "mail.example.org", "INBOX"), now, &event.MessageNew{
		Ref: event.Ref{Account: account, Mailbox: "INBOX", UIDValidity: 1}, UID: w.uid, Flags: []string{},
		Summary: event.Summary{Envelope: &event.Envelope{Subject: subject, From: []event.Address{{Name: "Ann Example", Address: "ann@example.org"}}}},
	})
	r, err := journal.NewRecord(account, "INBOX", ev)
	if err == nil {
		err = w.journal.Append(w.t.Context(), watch.Key{}, []journal.Record{r}, nil)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.board.Event(account, "INBOX", r.Type, now)
}

// healthy is an account without trouble.
func healthy(name string) status.Account {
	now := time.Now()
	return status.Account{
		Name: name, User: name + "@example.org", Host: "mail.example.org:993", Origin: status.OriginFile,
		Mailboxes: []status.Mailbox{
			{Name: "Archive", Up: true, Shared: true, VerifiedAt: now.Add(-47 * time.Second), Push: "sweep", Exists: 48210},
			{Name: "INBOX", Up: true, VerifiedAt: now.Add(-8 * time.Second), Push: "idle", Exists: 1204},
		},
	}
}

// broken is an account of one mailbox that cannot be opened.
func broken(name, class, reason string, since time.Duration) status.Account {
	now := time.Now()
	return status.Account{
		Name: name, User: name + "@example.org", Host: "mail.example.org:993", Origin: status.OriginFile,
		Mailboxes: []status.Mailbox{{Name: "INBOX", Class: class, Reason: reason, Since: now.Add(-since), RetryAt: now.Add(4 * time.Minute), VerifiedAt: now.Add(-since), Push: "idle", Exists: 12}},
	}
}

// busy fills the world with all that can be seen.
func (w *world) busy() {
	w.locked(func() {
		for _, name := range []string{"accounting", "ann", "ben", "carla", "helpdesk", "info", "jo", "orders", "press", "zoe"} {
			w.accounts = append(w.accounts, healthy(name))
		}
		w.accounts = append(w.accounts,
			broken("sales", "auth", "LOGIN: NO [AUTHENTICATIONFAILED] Authentication failed.", 2*time.Hour),
			broken("warehouse", "transient", "dial tcp: lookup mial.example.org: no such host", 40*time.Minute),
			broken("reports", "transient", "connection reset by peer", 90*time.Second),
			status.Account{Name: "newcomer", User: "newcomer@example.org", Host: "imap.example.net:993", Origin: status.OriginFile},
		)
		stale := healthy("billing")
		stale.Mailboxes[1].Stale, stale.Mailboxes[1].VerifiedAt = true, time.Now().Add(-52*time.Minute)
		deaf := healthy("support")
		deaf.Mailboxes[1].Deaf = true
		w.accounts = append(w.accounts, stale, deaf)
		now := time.Now()
		w.sinks = []status.Sink{
			{Name: "crm", Type: "webhook", Doing: status.SinkRunning, Cursor: 18203, Delivered: 18200, DeliveredAt: now.Add(-3 * time.Second)},
			{Name: "tickets", Type: "webhook", Doing: status.SinkResting, DoingSince: now.Add(-25 * time.Minute), Cursor: 17991, Backlog: 212, Behind: 9, Failing: 9, RetryAt: now.Add(95 * time.Second), Delivered: 17980, Failed: 31, DeliveredAt: now.Add(-25 * time.Minute), Err: "POST https://tickets.example.org/hook: 503 Service Unavailable", ErrAt: now.Add(-2 * time.Minute)},
			{Name: "archive", Type: "file", Doing: status.SinkPaused, Why: "paused by ops: disk is exchanged", DoingSince: now.Add(-10 * time.Minute), Cursor: 18100, Backlog: 103, Delivered: 18100},
		}
		w.state = status.Journal{Bytes: 73 << 20, First: 1, Last: 18203}
	})
	for i := range 14 {
		w.arrive([]string{"jo", "ann", "orders"}[i%3], fmt.Sprintf("Order %d has been shipped", 4700+i))
	}
	for range 40 {
		w.board.Delivery("crm", status.Delivered, time.Now().Add(-35*time.Millisecond), time.Now().Add(-time.Second))
	}
}

func (w *world) note(format string, args ...any) {
	w.locked(func() { w.told = append(w.told, fmt.Sprintf(format, args...)) })
}

func (w *world) was(what string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Contains(w.told, what)
}

type accounts world

func (a *accounts) Get(_ context.Context, name string) (httpapi.AccountSpec, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	spec, ok := a.specs[name]
	if !ok {
		return spec, httpapi.ErrNotFound
	}
	return spec, nil
}

func (a *accounts) Create(_ context.Context, spec httpapi.AccountSpec) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.specs[spec.Name]; ok {
		return httpapi.ErrExists
	}
	a.specs[spec.Name] = spec
	account := healthy(spec.Name)
	account.Origin = status.OriginAPI
	a.accounts = append(a.accounts, account)
	return nil
}

func (a *accounts) Replace(_ context.Context, spec httpapi.AccountSpec) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.specs[spec.Name] = spec
	return nil
}

func (a *accounts) Delete(_ context.Context, name string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.specs, name)
	a.accounts = slices.DeleteFunc(a.accounts, func(b status.Account) bool { return b.Name == name })
	return nil
}

func (a *accounts) Verify(_ context.Context, spec httpapi.AccountSpec) (httpapi.Verification, error) {
	if spec.Password != "right" {
		return httpapi.Verification{Trouble: status.Explain("auth", "NO [AUTHENTICATIONFAILED] Authentication failed."), Seconds: 0.2}, nil
	}
	return httpapi.Verification{OK: true, Push: "idle", Mailboxes: []string{"INBOX", "Sent"}, Seconds: 0.2}, nil
}

func (a *accounts) VerifyNamed(context.Context, string) (httpapi.Verification, error) {
	return httpapi.Verification{Trouble: status.Explain("auth", "NO [AUTHENTICATIONFAILED] Authentication failed.")}, nil
}

type sinks world

func (k *sinks) set(name, doing, why string) error {
	err := httpapi.ErrNotFound
	(*world)(k).locked(func() {
		for i := range k.sinks {
			if k.sinks[i].Name == name {
				k.sinks[i].Doing, k.sinks[i].Why, k.sinks[i].DoingSince, err = doing, why, time.Now(), nil
			}
		}
	})
	return err
}

func (k *sinks) Pause(_ context.Context, sink, reason string) error {
	return k.set(sink, status.SinkPaused, reason)
}

func (k *sinks) Resume(_ context.Context, sink string) error {
	return k.set(sink, status.SinkRunning, "")
}

func (k *sinks) DeadLetters(context.Context, string, journal.Position, int) ([]journal.DeadLetter, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.letters), nil
}

func (k *sinks) Failing(context.Context, string, journal.Position, int) ([]journal.Pending, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.failing), nil
}

func (k *sinks) Skip(_ context.Context, sink string, ids ...string) (int, error) {
	(*world)(k).note("skip %s, %d of them by id", sink, len(ids))
	k.mu.Lock()
	defer k.mu.Unlock()
	before := len(k.failing)
	k.failing = slices.DeleteFunc(k.failing, func(p journal.Pending) bool { return len(ids) == 0 || slices.Contains(ids, p.Record.ID) })
	return before - len(k.failing), nil
}

func (k *sinks) settle(what, sink string, positions []journal.Position) (int, error) {
	(*world)(k).note("%s %s %v", what, sink, positions)
	k.mu.Lock()
	defer k.mu.Unlock()
	before := len(k.letters)
	k.letters = slices.DeleteFunc(k.letters, func(d journal.DeadLetter) bool {
		return len(positions) == 0 || slices.Contains(positions, d.Position)
	})
	return before - len(k.letters), nil
}

func (k *sinks) Revive(_ context.Context, sink string, positions ...journal.Position) (int, error) {
	return k.settle("revive", sink, positions)
}

func (k *sinks) Drop(_ context.Context, sink string, positions ...journal.Position) (int, error) {
	return k.settle("drop", sink, positions)
}

func (k *sinks) Replay(_ context.Context, sink string, r httpapi.ReplayRequest) (int, error) {
	(*world)(k).note("replay %s of %s, the last %v", sink, r.Account, time.Since(r.Since).Round(time.Hour))
	return 14, nil
}
