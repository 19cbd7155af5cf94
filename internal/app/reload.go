package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pushmail/pushmail/internal/config"
	"github.com/pushmail/pushmail/internal/deliver"
	"github.com/pushmail/pushmail/internal/httpapi"
	"github.com/pushmail/pushmail/internal/secret"
	"github.com/pushmail/pushmail/internal/status"
)

// Reload reads the configuration again and changes what differs; the rest goes on untouched. If the configuration is wrong
// nothing is changed, and the error says what is wrong.
func (a *App) Reload(ctx context.Context) error {
	if a.o.Load == nil {
		return errors.New("the configuration cannot be read again")
	}
	notifyReloading()
	defer notify(notifyReady)
	next, problems := a.o.Load()
	for _, p := range problems {
		if p.Warning {
			a.log.Warn("configuration", "problem", p.String())
		}
	}
	if err := problems.Err(); err != nil {
		a.log.Error("the configuration is wrong, and was not changed", "err", err)
		return fmt.Errorf("the configuration is wrong, and was not changed: %w", err)
	}
	ctx, cancel := untilDone(ctx)
	defer cancel()
	a.change.Lock()
	defer a.change.Unlock()
	diff := config.Diff(a.cfg.Load(), next)
	diff.AccountsChanged = append(diff.AccountsChanged, a.renewed(next, diff)...)
	if diff.IsZero() && !a.anyUnwatched() {
		a.log.Info("the configuration was read again: nothing has changed")
		return nil
	}
	p, err := a.prepare(ctx, next, diff)
	if err != nil {
		a.log.Error("the configuration cannot be used, and was not changed", "err", err)
		return fmt.Errorf("the configuration cannot be used, and was not changed: %w", err)
	}
	return a.apply(ctx, p, diff)
}

// renewed returns the accounts that are the same in the next configuration, but whose certificates have been replaced in their files
// since they were watched.
func (a *App) renewed(next *config.Config, diff config.Change) (names []string) {
	for i := range next.Accounts {
		c := &next.Accounts[i]
		a.keeping.Lock()
		was, ok := a.watching[c.Name]
		a.keeping.Unlock()
		if !ok || was.err != nil || slices.Contains(diff.AccountsAdded, c.Name) || slices.Contains(diff.AccountsChanged, c.Name) {
			continue // it is watched anew in any case
		}
		if now, err := a.certs.load(certificatesOf(c)); err != nil || now != was.tls { // prepare tells of err
			names = append(names, c.Name)
		}
	}
	return names
}

// changeTime bounds a change of what runs. Most of it is waiting for what is changed to end.
const changeTime = 2 * time.Minute

// untilDone lets a change go on to its end when whoever asked for it has gone.
func untilDone(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(context.WithoutCancel(ctx), changeTime, fmt.Errorf("not done within %v", changeTime))
}

// prepared is a configuration with all that could be wrong with it done already.
type prepared struct {
	next   *config.Config
	box    *secret.Box
	tokens []httpapi.Token
	sinks  map[string]deliver.Target // new and changed ones, but for those in late
	late   map[string]bool           // files that are open: one is not opened twice
}

// prepare does everything that can fail for a reason that lies in the configuration. When something does nothing has changed.
// The caller holds change.
func (a *App) prepare(ctx context.Context, next *config.Config, diff config.Change) (_ *prepared, err error) {
	p := &prepared{next: next, sinks: map[string]deliver.Target{}, late: map[string]bool{}}
	var errs []error
	note := func(err error) { errs = append(errs, err) }
	if slices.Contains(diff.Other, "secrets") {
		p.box, err = a.openBox(ctx, next)
		note(err)
	}
	if a.api != nil && slices.Contains(diff.Other, "api.tokens") {
		p.tokens, err = a.tokens(ctx, next.API)
		if err == nil && len(p.tokens) == 0 {
			err = errors.New("[api] tokens: without any everybody could use the API: restart pushmail if that is meant")
		}
		note(err)
	}
	old := a.cfg.Load()
	for i := range next.Sinks {
		c := &next.Sinks[i]
		switch {
		case !slices.Contains(diff.SinksAdded, c.Name) && !slices.Contains(diff.SinksChanged, c.Name) && !(diff.Routes && rerouted(old, next, c.Name)):
		case c.Files != nil && slices.ContainsFunc(old.Sinks, func(o config.Sink) bool { return o.Files != nil && o.Files.Path == c.Files.Path }):
			p.late[c.Name] = true
		default:
			t, err := a.target(ctx, next, c)
			if err == nil {
				p.sinks[c.Name] = t
			}
			note(err)
		}
	}
	for i := range next.Accounts {
		c := &next.Accounts[i]
		if slices.Contains(diff.AccountsAdded, c.Name) || slices.Contains(diff.AccountsChanged, c.Name) {
			if _, err := a.watchOptions(c); err != nil {
				note(fmt.Errorf("account %q: %w", c.Name, err))
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		for _, t := range p.sinks {
			_ = t.Sink.Close()
		}
		return nil, err
	}
	return p, nil
}

// apply makes what runs what was prepared. The caller holds change.
func (a *App) apply(ctx context.Context, p *prepared, diff config.Change) error {
	var errs []error
	note := func(err error) {
		if err != nil {
			a.log.Error("reloading", "err", err)
			errs = append(errs, err)
		}
	}
	if slices.Contains(diff.Other, "secrets") {
		a.box.Store(p.box)
	}
	if p.tokens != nil {
		a.api.SetTokens(p.tokens)
	}
	if a.o.Level != nil {
		a.o.Level.Set(p.next.Log.Level)
	}
	for _, key := range diff.Other {
		switch key {
		case "state", "api.listen", "api.tls", "api.hosts", "limits":
			a.log.Warn("this takes effect when pushmail is started again", "key", key)
		}
	}
	a.cfg.Store(p.next)
	a.reloadSinks(ctx, p, diff, note)
	a.reloadAccounts(ctx, diff, note)
	a.board.Changed()
	a.log.Info("the configuration was read again", "change", summary(diff))
	return errors.Join(errs...)
}

// reloadSinks exchanges sinks that have changed. A sink keeps its place in the journal. One that cannot be added, since the
// journal fails, say, is left out of the configuration that counts as known, so that the next reload adds it.
func (a *App) reloadSinks(ctx context.Context, p *prepared, diff config.Change, note func(error)) {
	for _, name := range diff.SinksRemoved {
		note(a.out.Remove(name))
	}
	known := *p.next
	known.Sinks = nil
	for i := range p.next.Sinks {
		c := &p.next.Sinks[i]
		t, ok := p.sinks[c.Name]
		if ok || p.late[c.Name] {
			if !slices.Contains(diff.SinksAdded, c.Name) {
				note(a.out.Remove(c.Name))
			}
			var err error
			if ok {
				err = a.deliverTo(ctx, t)
			} else {
				err = a.addSink(ctx, p.next, c)
			}
			note(err)
			if err != nil {
				continue
			}
		}
		known.Sinks = append(known.Sinks, *c)
	}
	a.cfg.Store(&known)
}

// rerouted reports whether other events go to a sink than before.
func rerouted(old, next *config.Config, sink string) bool {
	wheres := func(c *config.Config) (out []string) {
		if len(c.Routes) == 0 {
			return []string{""}
		}
		for _, r := range c.Routes {
			if slices.Contains(r.To, sink) {
				out = append(out, r.Where)
			}
		}
		return out
	}
	return !slices.Equal(wheres(old), wheres(next))
}

// reloadAccounts changes what accounts are watched and how. Those that could not be watched until now are tried again.
func (a *App) reloadAccounts(ctx context.Context, diff config.Change, note func(error)) {
	sideBySide(ctx, diff.AccountsRemoved, note, func(ctx context.Context, name string) error {
		_, err := a.accounts.Remove(ctx, name)
		a.noteWatched(name, nil)
		a.board.Forget(name)
		return err
	})
	var changed []*config.Account
	cfg := a.cfg.Load()
	for i := range cfg.Accounts {
		c := &cfg.Accounts[i]
		if slices.Contains(diff.AccountsAdded, c.Name) || slices.Contains(diff.AccountsChanged, c.Name) || a.unwatched(c.Name) {
			changed = append(changed, c)
		}
	}
	sideBySide(ctx, changed, note, func(ctx context.Context, c *config.Account) error {
		if err := a.watch(ctx, c, status.OriginFile); err != nil {
			return fmt.Errorf("account %q: %w", c.Name, err)
		}
		return nil
	})
	a.addKept(ctx)
}

// atOnce is how many accounts are changed at the same time.
const atOnce = 64

// sideBySide calls do for each of all, with a time limit of its own, since most of a change is waiting for servers to say goodbye. It
// returns when all is done.
func sideBySide[T any](ctx context.Context, all []T, note func(error), do func(context.Context, T) error) {
	errs := make([]error, len(all))
	slots := make(chan struct{}, atOnce)
	var running sync.WaitGroup
	for i, one := range all {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			ctx, cancel := untilDone(ctx)
			defer cancel()
			errs[i] = do(ctx, one)
		})
	}
	running.Wait()
	for _, err := range errs {
		note(err)
	}
}

// summary tells people what has changed.
func summary(c config.Change) string {
	var parts []string
	add := func(what string, names []string) {
		if len(names) > 5 {
			parts = append(parts, fmt.Sprintf("%d %s", len(names), what))
		} else if len(names) > 0 {
			parts = append(parts, what+" "+strings.Join(names, ", "))
		}
	}
	add("accounts added:", c.AccountsAdded)
	add("accounts removed:", c.AccountsRemoved)
	add("accounts changed:", c.AccountsChanged)
	add("sinks added:", c.SinksAdded)
	add("sinks removed:", c.SinksRemoved)
	add("sinks changed:", c.SinksChanged)
	if c.Routes {
		parts = append(parts, "routes")
	}
	add("settings:", c.Other)
	return strings.Join(parts, "; ")
}
