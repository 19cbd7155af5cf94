package status

import (
	"slices"
	"sync"
	"time"
)

// Sources are asked for what is the case now. Each may be nil. They are called from several goroutines, and must
// return slices that the caller may keep and change.
type Sources struct {
	// Accounts returns all accounts by name, with the fields that Account says.
	Accounts func() []Account
	Sinks    func() []Sink
	Journal  func() Journal
}

// Board is where the state of the program is read. Its Tally counts what happened. The methods of both may be called
// from several goroutines.
type Board struct {
	Tally
	// Version is that of the program.
	Version string

	started time.Time
	mu      sync.Mutex
	sources Sources              // guarded by mu
	seen    map[mailboxKey]int64 // guarded by mu: Unix milliseconds of the last event
	kept    []Account            // guarded by mu: what Accounts returned last
	keptAt  time.Time            // guarded by mu
}

type mailboxKey struct{ account, mailbox string }

// freshness is for how long Accounts may return what it found last: with 10,000 accounts, finding it is work.
const freshness = time.Second

// NewBoard returns a Board of a program that starts now.
func NewBoard(version string) *Board {
	return &Board{Version: version, started: time.Now(), seen: map[mailboxKey]int64{}}
}

// Report says where to ask. Before that the Board is empty.
func (b *Board) Report(s Sources) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sources, b.kept = s, nil
}

// StartedAt returns when the program started.
func (b *Board) StartedAt() time.Time { return b.started }

// Event notes an event that was seen at the given time: see [Tally.CountEvent].
func (b *Board) Event(account, mailbox, eventType string, at time.Time) {
	b.CountEvent(eventType)
	b.mu.Lock()
	defer b.mu.Unlock()
	key := mailboxKey{account, mailbox}
	b.seen[key] = max(b.seen[key], at.UnixMilli())
}

// Forget drops what is known of an account that is gone.
func (b *Board) Forget(account string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept = nil
	for key := range b.seen {
		if key.account == account {
			delete(b.seen, key)
		}
	}
}

// Changed has the next call of Accounts look anew, as after an account was added.
func (b *Board) Changed() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept = nil
}

// Accounts returns the state of all accounts by name, as it was at most a second ago. The slice is shared: do not
// change it.
func (b *Board) Accounts() []Account {
	b.mu.Lock()
	if b.kept != nil && time.Since(b.keptAt) < freshness {
		defer b.mu.Unlock()
		return b.kept
	}
	ask := b.sources.Accounts
	b.mu.Unlock()
	if ask == nil {
		return nil
	}
	now := time.Now()
	accounts := ask()
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range accounts {
		a := &accounts[i]
		for j := range a.Mailboxes {
			m := &a.Mailboxes[j]
			if at, ok := b.seen[mailboxKey{a.Name, m.Name}]; ok {
				m.LastEventAt = time.UnixMilli(at)
			}
		}
		a.judge(now)
	}
	b.kept, b.keptAt = accounts, now
	time.AfterFunc(freshness, b.drop)
	return accounts
}

// drop forgets what is too old to be told: it is half a kilobyte for each account.
func (b *Board) drop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if time.Since(b.keptAt) >= freshness {
		b.kept = nil
	}
}

// Account returns one of Accounts.
func (b *Board) Account(name string) (Account, bool) {
	accounts := b.Accounts()
	i := slices.IndexFunc(accounts, func(a Account) bool { return a.Name == name })
	if i < 0 {
		return Account{}, false
	}
	return accounts[i], true
}

// Sinks returns the state of all sinks, in the order of the configuration.
func (b *Board) Sinks() []Sink {
	b.mu.Lock()
	ask := b.sources.Sinks
	b.mu.Unlock()
	if ask == nil {
		return nil
	}
	sinks, now := ask(), time.Now()
	for i := range sinks {
		sinks[i].judge(now)
	}
	return sinks
}

// Journal returns the state of the journal.
func (b *Board) Journal() Journal {
	b.mu.Lock()
	ask := b.sources.Journal
	b.mu.Unlock()
	if ask == nil {
		return Journal{}
	}
	j := ask()
	j.judge()
	return j
}
