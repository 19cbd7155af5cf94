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
	log     *slog.Logger

	life    context.Context // ends when Close does not wait any longer
	quit    context.CancelCauseFunc
	working sync.WaitGroup // for accounts to end

	mu      sync.Mutex
	names   map[string]struct{} // guarded by mu: of all accounts that are to be watched
	endings map[string]*ending  // guarded by mu: of accounts that are not watched as they are to be yet
	closed  bool                // guarded by mu
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
	s := &Set{log: o.Logger, names: map[string]struct{}{}, endings: map[string]*ending{}}
	s.life, s.quit = context.WithCancelCause(context.Background())
	s.bridge = newBridge(s.life, o.Journal, o.Logger, o.Recorded)
	var err error
	s.manager, err = watch.NewManager(watch.ManagerOptions{
		Handler: s.bridge.handle, Store: s.bridge, Active: o.Active, Pushed: o.Pushed, Failed: o.Failed, Logger: o.Logger,
	})
	return s, err
}

// ErrClosed is what a Set says after Close.
var ErrClosed = errors.New("account: nothing is watched any more")

// Watch begins to watch an account, without waiting for its connection. One of that name is ended before, and goes on where it was; if
// the settings are wrong it goes on as it was. Store is not used: the journal is.
//
// Watch waits for the one before to end, but not beyond the end of ctx, which is no error: the account is watched as soon as that has
// happened, by the settings that were given last, and [Set.Status] says so until then.
func (s *Set) Watch(ctx context.Context, o watch.AccountOptions) error {
	if o.Account == "" {
		return errors.New("account: it has no name")
	}
	if err := o.Check(); err != nil {
		return err
	}
	o.Store = s.bridge
	e, err := s.watch(&o)
	if e == nil {
		return err
	}
	if err := e.wait(ctx); err != nil {
		s.log.Warn("an account takes its time to end: it is watched with its new settings as soon as it has", "account", o.Account, "err", err)
	}
	return nil
}

// watch watches an account, or has it watched when the one before has ended, which it returns.
func (s *Set) watch(o *watch.AccountOptions) (*ending, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, there := s.names[o.Account]
	switch {
	case s.closed:
		return nil, ErrClosed
	case !there && s.endings[o.Account] == nil:
		if err := s.manager.Add(*o); err != nil {
			return nil, err
		}
		s.names[o.Account] = struct{}{}
		return nil, nil
	}
	s.names[o.Account] = struct{}{}
	e := s.endLocked(o.Account)
	e.next = o
	return e, nil
}

// Remove ends the watching of an account: it logs out, and what it has found is written. It returns when that is done and
// reports whether there was such an account. When ctx ends before, the account ends nevertheless.
func (s *Set) Remove(ctx context.Context, name string) (bool, error) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return false, ErrClosed
	}
	_, there := s.names[name]
	e := s.endings[name] // of one that was removed before
	if there {
		delete(s.names, name)
		e = s.endLocked(name)
		e.next = nil
	}
	s.mu.Unlock()
	if e == nil {
		return false, nil
	}
	return there, e.wait(ctx)
}

// Names returns the names of all accounts, sorted.
func (s *Set) Names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.names))
}

// Status returns the state of all accounts, by name, as [status.Sources] wants it, but for User, Host and Origin.
func (s *Set) Status() []status.Account {
	s.mu.Lock()
	all := slices.DeleteFunc(s.manager.Status(), func(st watch.AccountStatus) bool { return s.endings[st.Account] != nil })
	out := make([]status.Account, 0, len(all)+len(s.endings))
	for name, e := range s.endings {
		if e.next != nil {
			out = append(out, status.Account{Name: name, Ending: e.since})
		}
	}
	s.mu.Unlock()
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
	slices.SortFunc(out, func(a, b status.Account) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

func mailboxStatus(m watch.MailboxStatus) status.Mailbox {
	return status.Mailbox{
		Name: m.Mailbox, Up: m.Up, Shared: m.Shared, Busy: m.Busy, VerifiedAt: m.VerifiedAt, Stale: m.Stale, Deaf: m.Deaf, DeafCount: m.DeafCount,
		Reason: m.Reason, Class: m.Class, Since: m.Since, RetryAt: m.RetryAt, Push: m.Push, Exists: m.Exists,
	}
}

// Retry has what the journal did not take tried again: call it when the journal can be written again. Mailboxes that were left for that
// reason connect anew, 30 seconds after their last attempt at the earliest. It does not wait.
func (s *Set) Retry() {
	s.bridge.hurry()
	s.manager.Retry()
}

// Failing reports whether the journal did not take the last thing that was written: events are not acknowledged then.
func (s *Set) Failing() bool { return s.bridge.failing.Load() }

// Close ends everything: accounts log out, and what they have found is written. It returns when that is done, or with the
// cause of ctx. The journal stays open.
func (s *Set) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	defer s.quit(ErrClosed)
	defer context.AfterFunc(ctx, func() { s.quit(context.Cause(ctx)) })()
	err := s.manager.Close(ctx)
	s.working.Wait()
	s.bridge.close(ctx)
	return err
}
