package account

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/pushmail/pushmail/internal/journal"
	"github.com/pushmail/pushmail/internal/status"
	"github.com/pushmail/pushmail/watch"
)

// Options are the settings of a [Set]. Journal is needed.
type Options struct {
	Journal Journal
	// Active bounds how many mailboxes work at the same time: see [watch.ManagerOptions].
	Active int
	// Recorded is told of each event that is in the journal, also of one that was there already. It is called
	// from several goroutines and must not block. Nil is nobody.
	Recorded func(journal.Record)
	// Pushed is told of news that servers tell by themselves: see [watch.ManagerOptions]. It may be nil.
	Pushed func()
	// Failed is told of accounts that cannot go on. It may be nil.
	Failed func(account string, err error)
	// Logger is used for accounts that bring none, too. Nil is silent.
	Logger *slog.Logger
}

// Set watches accounts and writes what happens into the journal, from [New] until [Set.Close]. Its methods may be called
// from several goroutines.
type Set struct {
	bridge  *bridge
	manager *watch.Manager

	mu       sync.Mutex
	changing map[string]chan struct{} // guarded by mu: accounts that are being added or removed; closed when that is done
	names    map[string]struct{}      // guarded by mu: of all accounts
	closed   bool                     // guarded by mu
}

// New returns a Set without accounts.
func New(o Options) (*Set, error) {
	if o.Journal == nil {
		return nil, errors.New("account: Options.Journal is not set")
	}
	if o.Recorded == nil {
		o.Recorded = func(journal.Record) {}
	}
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	s := &Set{bridge: newBridge(o.Journal, o.Logger, o.Recorded), changing: map[string]chan struct{}{}, names: map[string]struct{}{}}
	var err error
	s.manager, err = watch.NewManager(watch.ManagerOptions{
		Handler: s.bridge.handle, Store: s.bridge, Active: o.Active, Pushed: o.Pushed, Failed: o.Failed, Logger: o.Logger,
	})
	return s, err
}

// ErrClosed is what a Set says after Close.
var ErrClosed = errors.New("account: nothing is watched any more")

// begin has other changes of the same account wait until end.
func (s *Set) begin(ctx context.Context, name string) (end func(), err error) {
	for {
		s.mu.Lock()
		busy := s.changing[name]
		if s.closed {
			s.mu.Unlock()
			return nil, ErrClosed
		}
		if busy == nil {
			done := make(chan struct{})
			s.changing[name] = done
			s.mu.Unlock()
			return func() {
				s.mu.Lock()
				defer s.mu.Unlock()
				delete(s.changing, name)
				close(done)
			}, nil
		}
		s.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// Watch begins to watch an account, without waiting for its connection. One of that name is ended before, and goes on where it was; if
// the settings are wrong it goes on as it was. Store is not used: the journal is.
func (s *Set) Watch(ctx context.Context, o watch.AccountOptions) error {
	if o.Account == "" {
		return errors.New("account: it has no name")
	}
	if err := o.Check(); err != nil {
		return err
	}
	end, err := s.begin(ctx, o.Account)
	if err != nil {
		return err
	}
	defer end()
	if _, err := s.remove(ctx, o.Account); err != nil {
		return err
	}
	o.Store = s.bridge
	if err := s.manager.Add(o); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names[o.Account] = struct{}{}
	return nil
}

// Remove ends the watching of an account: it logs out, and what it has found is written. It returns when that is done and
// reports whether there was such an account. When ctx ends before, the account ends nevertheless.
func (s *Set) Remove(ctx context.Context, name string) (bool, error) {
	end, err := s.begin(ctx, name)
	if err != nil {
		return false, err
	}
	defer end()
	return s.remove(ctx, name)
}

func (s *Set) remove(ctx context.Context, name string) (bool, error) {
	ok, err := s.manager.Remove(ctx, name)
	s.bridge.forget(ctx, name)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.names, name)
	return ok, err
}

// Names returns the names of all accounts, sorted.
func (s *Set) Names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.names))
}

// Status returns the state of all accounts, by name, as [status.Sources] wants it, but for User, Host and Origin.
func (s *Set) Status() []status.Account {
	all := s.manager.Status()
	out := make([]status.Account, 0, len(all))
	for _, st := range all {
		one := status.Account{Name: st.Account}
		if st.Err != nil {
			one.Err = st.Err.Error()
		}
		for _, m := range st.Mailboxes {
			one.Mailboxes = append(one.Mailboxes, mailboxStatus(m))
		}
		out = append(out, one)
	}
	return out
}

func mailboxStatus(m watch.MailboxStatus) status.Mailbox {
	return status.Mailbox{
		Name: m.Mailbox, Up: m.Up, Shared: m.Shared, Busy: m.Busy, VerifiedAt: m.VerifiedAt, Stale: m.Stale, Deaf: m.Deaf, DeafCount: m.DeafCount,
		Reason: m.Reason, Class: m.Class, Since: m.Since, RetryAt: m.RetryAt, Push: m.Push, Exists: m.Exists,
	}
}

// Failing reports whether the journal did not take the last thing that was written: events are not acknowledged then.
func (s *Set) Failing() bool { return s.bridge.failing.Load() }

// Close ends everything: accounts log out, and what they have found is written. It returns when that is done, or with the
// cause of ctx. The journal stays open.
func (s *Set) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	err := s.manager.Close(ctx)
	s.bridge.close(ctx)
	return err
}
