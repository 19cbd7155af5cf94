package watch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/pushmail/pushmail/imapclient"
)

// ManagerOptions are the settings of a [Manager]. Handler is needed.
type ManagerOptions struct {
	// Handler is given each event. Nil acknowledges it. After an error the mailbox is left as if the link to
	// it had been lost, and the event is given again when it is back, after a pause that grows; see Retry. Events of one mailbox
	// come in order, one at a time; those of different mailboxes at the same time. A Handler that blocks holds up
	// its own mailbox alone (and for an account of many mailboxes, those that share its connection).
	// ctx ends when the account is removed or the Manager is closed, and once no call for the account is under way.
	Handler func(ctx context.Context, ev Event) error
	// Store is used for accounts that bring none. Nil means a memory that ends with the Manager.
	Store Store
	// Active bounds how many mailboxes are connecting, being compared or fetched at the same time; those that
	// rest, wait for Handler, or have been at it for 2 seconds, so that it is the server that is slow, do not count. Whoever Handler
	// returns to goes on at once, and then fewer others begin. Zero means 256.
	Active int
	// Pushed is called when a server tells by itself, in IDLE or by NOTIFY, that messages have come or gone, for counting. It is
	// called from several goroutines and must not block. It may be nil.
	Pushed func()
	// Remember bounds how many summaries of messages seen are kept in memory for all mailboxes together, besides Options.Remember
	// for each: those used the longest time ago are forgotten, so an expunge of such a message does not say what is
	// gone. Zero means 200,000 (a summary takes some hundred bytes to a few kilobytes), negative none.
	Remember int
	// Failed is told of accounts that cannot go on: a checkpoint that cannot be used. It may be nil. The
	// account stays in [Manager.Status], with the error, until it is removed.
	Failed func(account string, err error)
	// Logger is used for accounts that bring none. Nil is silent.
	Logger *slog.Logger
}

// Manager watches many accounts in one process. A mailbox that is at rest costs a connection and some
// hundred bytes, but no goroutine. Each is on its own: what happens to one delays no other.
//
// A Manager works from [NewManager] until [Manager.Close]. Its methods may be called from several
// goroutines, but not from Handler.
type Manager struct {
	o       ManagerOptions
	slots   slots
	poller  *imapclient.Poller
	memory  memory
	tasks   sync.WaitGroup
	unjump  func()       // ends the looking for jumps of the clock
	retries atomic.Int64 // calls of Retry

	mu       sync.Mutex
	accounts map[string]*managed // guarded by mu
	commons  commons             // guarded by mu
	closed   bool                // guarded by mu
}

// managed is an account of a Manager: a machine, and those that it has started.
type managed struct {
	name  string
	calls calls
	tasks []*task  // guarded by Manager.mu
	first [1]*task // where tasks begin: most have no more
	// common is what it shares with others, nil for an account of many mailboxes.
	common *common
	err    error // guarded by Manager.mu: why it cannot go on
}

// NewManager returns a Manager without accounts.
func NewManager(o ManagerOptions) (*Manager, error) {
	if o.Handler == nil {
		return nil, errors.New("watch: ManagerOptions.Handler is not set")
	}
	if o.Store == nil {
		o.Store = &MemoryStore{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	poller, err := imapclient.NewPoller(nil)
	if err != nil {
		return nil, err
	}
	m := &Manager{o: o, slots: slots{free: max(cmp.Or(o.Active, 256), 1)}, poller: poller, accounts: map[string]*managed{}, commons: commons{}}
	m.memory.most = max(cmp.Or(o.Remember, 200_000), 0)
	m.unjump = onJump(m.jumped)
	return m, nil
}

// errManagerClosed is the end of everything in a Manager that was closed.
var errManagerClosed = errors.New("the manager was closed")

// Add begins to watch an account: one mailbox if o.Mailbox is set, else what AccountOptions choose. It
// does not wait for the connection. KeepTrying is implied. It is an error if there is an account of that name.
func (m *Manager) Add(o AccountOptions) error {
	o.KeepTrying = true
	o.pushed, o.memory = m.o.Pushed, &m.memory
	o.Store = cmp.Or(o.Store, m.o.Store)
	o.Logger = cmp.Or(o.Logger, m.o.Logger)
	o, err := o.forManager()
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return errManagerClosed
	}
	if m.accounts[o.Account] != nil {
		return fmt.Errorf("watch: there is an account %q already", o.Account)
	}
	var a *managed
	var t *task
	if o.Mailbox != "" {
		s := &solo{set: newSettings(&o.Options, m.commons)}
		s.box = newBox(&s.set, o.Mailbox, &s.task)
		s.follower = newFollower(&s.box, true)
		a, t = &s.managed, &s.task
		a.common, t.machine = s.set.common, &s.follower
	} else {
		a, t = &managed{}, &task{}
		start := func(sub machine) (stop func()) { return m.start(a, sub) }
		t.machine = newControl(o, t, start)
	}
	a.name = o.Account
	a.tasks = a.first[:0]
	m.accounts[o.Account] = a
	t.m, t.account = m, a
	m.runLocked(t)
	return nil
}

// solo is an account of one mailbox: what it has for all its life is one piece of memory. There are very many of them, and of
// many small pieces each would lie among what connecting needs for a moment, and keep a page of memory alive that is free otherwise.
type solo struct {
	managed  managed
	task     task
	set      settings
	box      box
	follower follower
}

// start runs another machine of an account. stop ends it and returns when it has ended.
func (m *Manager) start(a *managed, sub machine) (stop func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := &task{m: m, account: a, machine: sub}
	switch {
	case m.closed:
		t.stopBy = errManagerClosed
	case m.accounts[a.name] != a:
		t.stopBy = errStopped // it was removed meanwhile
	}
	m.runLocked(t)
	return func() {
		m.slots.release() // a task that waits must not keep others from working, least of all that one
		defer m.slots.acquire()
		t.stop()
	}
}

func (m *Manager) runLocked(t *task) {
	t.account.tasks = append(t.account.tasks, t)
	m.tasks.Add(1)
	t.woken(nil)
}

// Remove ends the watching of an account: its connections are closed with LOGOUT and its checkpoints saved.
// It returns when that is done, or with the cause of ctx, and reports whether there was such an account.
func (m *Manager) Remove(ctx context.Context, account string) (bool, error) {
	m.mu.Lock()
	a := m.accounts[account]
	delete(m.accounts, account)
	var tasks []*task
	if a != nil {
		if a.common != nil {
			m.commons.release(a.common)
		}
		a.calls.end(errStopped)
		tasks = slices.Clone(a.tasks)
	}
	m.mu.Unlock()
	for _, t := range tasks {
		t.cancel(errStopped)
	}
	for _, t := range tasks {
		if err := t.wait(ctx); err != nil {
			return a != nil, err
		}
	}
	return a != nil, nil
}

// Close ends everything: events that are with Handler are waited for, connections closed with LOGOUT,
// checkpoints saved. It returns when that is done, or with the cause of ctx.
func (m *Manager) Close(ctx context.Context) error {
	m.mu.Lock()
	m.closed = true
	for _, a := range m.accounts {
		a.calls.end(errManagerClosed)
	}
	tasks := m.allLocked()
	m.mu.Unlock()
	m.unjump()
	for _, t := range tasks {
		t.cancel(errManagerClosed)
	}
	done := make(chan struct{})
	go func() {
		m.tasks.Wait()
		close(done)
	}()
	select {
	case <-done:
		return m.poller.Close()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// allLocked returns all tasks. The caller holds mu.
func (m *Manager) allLocked() (tasks []*task) {
	for _, a := range m.accounts {
		tasks = append(tasks, a.tasks...)
	}
	return tasks
}

// jumped has all that rest be told that the clock has jumped.
func (m *Manager) jumped() {
	m.mu.Lock()
	tasks := m.allLocked()
	m.mu.Unlock()
	for _, t := range tasks {
		t.jumped()
	}
}

// Retry has mailboxes connect anew soon which were left because Handler or the Store had not taken something, rather than after a pause
// that may have grown to minutes: call it when they take things again. No connection is tried sooner than 30 seconds after the attempt
// before, so it may be called often. It does not wait.
func (m *Manager) Retry() {
	m.retries.Add(1)
	m.mu.Lock()
	tasks := m.allLocked()
	m.mu.Unlock()
	for _, t := range tasks {
		t.hurry()
	}
}

// ended notes that a task has come to its end.
func (m *Manager) ended(t *task, err error) {
	m.mu.Lock()
	t.account.tasks = slices.DeleteFunc(t.account.tasks, func(other *task) bool { return other == t })
	if len(t.account.tasks) == 0 {
		t.machine.forgetSeen()
	}
	failed := !errors.Is(err, errStopped) && !errors.Is(err, errManagerClosed)
	if failed {
		t.account.err = err
	}
	m.mu.Unlock()
	if failed {
		m.o.Logger.Error("an account cannot go on", "account", t.account.name, "err", err)
		if m.o.Failed != nil {
			m.o.Failed(t.account.name, err)
		}
	}
	m.tasks.Done()
}

// AccountStatus is the state of one account of a [Manager].
type AccountStatus struct {
	Account string
	// Err is why the account cannot go on, nil if it does.
	Err error
	// Mailboxes are those that are watched, by name, as far as they are known by now.
	Mailboxes []MailboxStatus
}

// Status returns the state of all accounts, by name.
func (m *Manager) Status() []AccountStatus {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]AccountStatus, 0, len(m.accounts))
	for _, name := range slices.Sorted(maps.Keys(m.accounts)) {
		a := m.accounts[name]
		st := AccountStatus{Account: name, Err: a.err}
		for _, t := range a.tasks {
			st.Mailboxes = t.status(st.Mailboxes)
		}
		slices.SortFunc(st.Mailboxes, func(a, b MailboxStatus) int { return cmp.Compare(a.Mailbox, b.Mailbox) })
		out = append(out, st)
	}
	return out
}
