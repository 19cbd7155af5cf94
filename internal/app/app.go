package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pushmail/pushmail/internal/account"
	"github.com/pushmail/pushmail/internal/config"
	"github.com/pushmail/pushmail/internal/dashboard"
	"github.com/pushmail/pushmail/internal/deliver"
	"github.com/pushmail/pushmail/internal/httpapi"
	"github.com/pushmail/pushmail/internal/journal"
	"github.com/pushmail/pushmail/internal/journal/sqlite"
	"github.com/pushmail/pushmail/internal/metrics"
	"github.com/pushmail/pushmail/internal/secret"
	"github.com/pushmail/pushmail/internal/status"
	"github.com/pushmail/pushmail/watch"
)

// Options are the settings of an [App]. Config is needed.
type Options struct {
	Config *config.Config
	// Load reads the configuration again, for Reload. Nil: that cannot be done.
	Load func() (*config.Config, config.Problems)
	// Version is that of the program, for the API and for servers.
	Version string
	// Stdout is where the sink of that type writes. Nil is os.Stdout.
	Stdout io.Writer
	// Logger is told what happens. Level is changed by Reload. Both may be nil.
	Logger *slog.Logger
	Level  *slog.LevelVar
	// Getenv is where references to the environment are looked up. Nil is os.Getenv.
	Getenv func(string) string
	// Ready is called once everything runs, with the address of the API, "" without one. It may be nil.
	Ready func(addr string)
	// Started is called before that, with what can be reloaded. It may be nil.
	Started func(*App)
}

// StateError says that the state directory, or the journal in it, cannot be used.
type StateError struct{ Err error }

func (e *StateError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *StateError) Unwrap() error { return e.Err }

// JournalFile is the path of the journal in the state directory.
func JournalFile(state string) string { return filepath.Join(state, "journal.db") }

// How long the parts may take to end: those that watch log out, those that deliver finish what is under way.
const (
	logoutTime   = 15 * time.Second
	deliverGrace = 10 * time.Second
	apiGrace     = 5 * time.Second
)

// App is a running daemon.
type App struct {
	o        Options
	log      *slog.Logger
	board    *status.Board
	resolver *secret.Resolver
	certs    certs
	journal  *sqlite.Journal
	accounts *account.Set
	out      *deliver.Deliverer
	api      *httpapi.Server // nil without an API
	hosts    *watch.Hosts

	change sync.Mutex // held by whoever changes what runs: a reload, or the API's accounts
	cfg    atomic.Pointer[config.Config]
	box    atomic.Pointer[secret.Box] // nil: credentials cannot be kept

	common atomic.Pointer[config.Common] // of the account that the API has added last: the next may have the same

	keeping sync.Mutex
	kept    map[string]keptAccount // guarded by keeping
	// watching are all accounts, those that cannot be watched too. Guarded by keeping.
	watching map[string]watched

	trouble      sync.Mutex
	troubleSince time.Time // guarded by trouble: since when the journal cannot be written
}

// Run runs the daemon until ctx ends, and then ends it in order. It returns nil unless something could not be started, or broke.
func Run(ctx context.Context, o Options) error {
	a, err := open(ctx, o)
	if err != nil {
		return err
	}
	return errors.Join(a.run(ctx), a.journal.Close())
}

// open prepares everything that is needed before anything runs.
func open(ctx context.Context, o Options) (*App, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Stdout == nil {
		o.Stdout = os.Stdout
	}
	a := &App{
		o: o, log: o.Logger, board: status.NewBoard(o.Version), kept: map[string]keptAccount{}, watching: map[string]watched{},
		resolver: &secret.Resolver{Getenv: o.Getenv}, hosts: hostsOf(o.Config.Limits),
	}
	a.cfg.Store(o.Config)
	a.o.Config = nil // after a reload it is not needed any more
	if err := os.MkdirAll(o.Config.State, 0o700); err != nil {
		return nil, &StateError{fmt.Errorf("the state directory cannot be made: %w: make it, or name another as \"state\" in %s", err, o.Config.File)}
	}
	var err error
	if a.journal, err = sqlite.Open(ctx, JournalFile(o.Config.State)); err != nil {
		return nil, &StateError{err}
	}
	if err := a.build(ctx); err != nil {
		return nil, errors.Join(err, a.journal.Close())
	}
	return a, nil
}

// build makes the parts, none of which runs yet.
func (a *App) build(ctx context.Context) error {
	a.out = deliver.New(deliver.Options{Journal: a.journal, Grace: deliverGrace, Observe: a.observe, Logger: a.log})
	var err error
	a.accounts, err = account.New(account.Options{Journal: a.journal, Recorded: a.recorded, Pushed: func() { a.board.CountPushes(1) }, Logger: a.log})
	if err != nil {
		return err
	}
	a.journal.OnRecovery(a.accounts.Retry)
	a.board.Report(status.Sources{Accounts: a.accountStatus, Sinks: a.sinkStatus, Journal: a.journalStatus})
	box, err := a.openBox(ctx, a.cfg.Load())
	if err != nil {
		return err
	}
	a.box.Store(box)
	if err := a.addSinks(ctx); err != nil {
		return err
	}
	return a.buildAPI(ctx)
}

// openBox returns nil if the configuration has no key.
func (a *App) openBox(ctx context.Context, c *config.Config) (*secret.Box, error) {
	if c.Secrets.Key.IsZero() {
		return nil, nil
	}
	box, err := a.resolver.OpenBox(ctx, c.Secrets.Key, c.Secrets.OldKeys)
	if err != nil {
		return nil, fmt.Errorf("[secrets]: %w", err)
	}
	return box, nil
}

// run has everything work until ctx ends or a part fails.
func (a *App) run(ctx context.Context) error {
	var listener net.Listener
	if a.api != nil {
		var err error
		if listener, err = net.Listen("tcp", a.cfg.Load().API.Listen); err != nil {
			return fmt.Errorf("the API cannot listen on %s: %w: is pushmail running already? Otherwise set another \"listen\" in [api]", a.cfg.Load().API.Listen, err)
		}
	}
	work, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	var parts sync.WaitGroup
	parts.Go(func() {
		if err := a.out.Run(work); err != nil {
			a.log.Warn("a sink was not closed as it should be", "err", err)
		}
	})
	parts.Go(func() { a.retain(work) })
	parts.Go(func() { giveBack(work) })
	parts.Go(func() { a.watchdog(work) })
	served := make(chan error, 1)
	if listener != nil {
		go func() { served <- a.api.Serve(listener) }()
	}
	a.addAccounts(ctx)
	if a.o.Started != nil {
		a.o.Started(a)
	}
	a.ready(listener)
	var failed error
	select {
	case <-ctx.Done():
	case failed = <-served: // the API is gone without being asked to
	}
	a.log.Info("pushmail ends")
	a.stop(ctx, stop)
	parts.Wait()
	return failed
}

// stop ends the parts: first what brings events, then what takes them away.
func (a *App) stop(ctx context.Context, stopWork context.CancelCauseFunc) {
	ctx = context.WithoutCancel(ctx)
	notify(notifyStopping)
	within := func(d time.Duration, what string, f func(context.Context) error) {
		limited, cancel := context.WithTimeoutCause(ctx, d, fmt.Errorf("not done within %v", d))
		defer cancel()
		if err := f(limited); err != nil {
			a.log.Warn(what, "err", err)
		}
	}
	within(logoutTime, "not every account has logged out", a.accounts.Close)
	stopWork(errEnded)
	if a.api != nil {
		within(apiGrace, "not every request of the API was answered", a.api.Shutdown)
	}
}

var errEnded = errors.New("pushmail ends")

func (a *App) ready(listener net.Listener) {
	addr := ""
	if listener != nil {
		addr = listener.Addr().String()
	}
	a.log.Info("pushmail runs", "accounts", len(a.accounts.Names()), "sinks", len(a.cfg.Load().Sinks), "api", addr, "version", a.o.Version)
	notify(notifyReady)
	if a.o.Ready != nil {
		a.o.Ready(addr)
	}
}

// buildAPI makes the API, if the configuration wants one.
func (a *App) buildAPI(ctx context.Context) error {
	c := a.cfg.Load().API
	if c.Listen == "" {
		return nil
	}
	tokens, err := a.tokens(ctx, c)
	if err != nil {
		return err
	}
	if err := httpapi.CheckListen(c.Listen, len(tokens)); err != nil {
		return fmt.Errorf("[api]: %w", err)
	}
	o := httpapi.Options{
		Board: a.board, Journal: a.journal, Accounts: accountService{a}, Sinks: sinkService{a},
		Metrics: metrics.Handler(a.board), Dashboard: dashboard.Handler(), Tokens: tokens, Hosts: c.Hosts, Logger: a.log,
	}
	if a.o.Load != nil {
		o.Reload = a.Reload
	}
	if c.TLSCert != "" {
		cert, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
		if err != nil {
			return fmt.Errorf("[api] tls_cert: %w", err)
		}
		o.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	}
	a.api, err = httpapi.New(o)
	return err
}

func (a *App) tokens(ctx context.Context, c config.API) ([]httpapi.Token, error) {
	var out []httpapi.Token
	for _, t := range c.Tokens {
		s, err := a.resolver.Secret(ctx, t.Token)
		if err != nil {
			return nil, fmt.Errorf("[api] token %q: %w", t.Name, err)
		}
		token := httpapi.Token{Name: t.Name, Secret: s.Reveal()}
		for _, scope := range t.Scopes {
			token.Scopes = append(token.Scopes, httpapi.Scope(scope))
		}
		out = append(out, token)
	}
	return out, nil
}

// tidyEvery is how often the journal is tidied.
const tidyEvery = 10 * time.Minute

// retain removes what the journal need not keep.
func (a *App) retain(ctx context.Context) {
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	for {
		cfg := a.cfg.Load()
		p := journal.Policy{Age: cfg.Journal.Retain, Bytes: int64(cfg.Journal.MaxSize), Sinks: []string{}}
		for _, s := range cfg.Sinks {
			p.Sinks = append(p.Sinks, s.Name)
		}
		done, err := a.journal.Retain(ctx, p)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			a.log.Warn("the journal could not be tidied", "err", err)
		case done.HeldBy != "":
			a.log.Info("the journal is larger or older than [journal] allows, since a sink has not had its events", "sink", done.HeldBy, "removed", done.Removed)
		case done.Removed > 0:
			a.log.Info("old events were removed", "events", done.Removed, "bytes", done.Freed)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
