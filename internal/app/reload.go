package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pushmail/pushmail/internal/config"
	"github.com/pushmail/pushmail/internal/status"
)

// Reload reads the configuration again and changes what differs; the rest goes on untouched. If the configuration is wrong
// nothing is changed, and the error says what is wrong.
func (a *App) Reload(ctx context.Context) error {
	if a.o.Load == nil {
		return errors.New("the configuration cannot be read again")
	}
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
	notify(notifyReloading)
	defer notify(notifyReady)
	a.change.Lock()
	defer a.change.Unlock()
	return a.apply(ctx, next)
}

// apply makes what runs what next says. The caller holds change.
func (a *App) apply(ctx context.Context, next *config.Config) error {
	old := a.cfg.Load()
	diff := config.Diff(old, next)
	if diff.IsZero() {
		a.log.Info("the configuration was read again: nothing has changed")
		return nil
	}
	var errs []error
	note := func(err error) {
		if err != nil {
			a.log.Error("reloading", "err", err)
			errs = append(errs, err)
		}
	}
	if slices.Contains(diff.Other, "secrets") {
		box, err := a.openBox(ctx, next)
		note(err)
		if err == nil {
			a.box.Store(box)
		}
	}
	if a.api != nil && slices.Contains(diff.Other, "api.tokens") {
		note(a.reloadTokens(ctx, next.API))
	}
	if a.o.Level != nil {
		a.o.Level.Set(next.Log.Level)
	}
	for _, key := range diff.Other {
		switch key {
		case "state", "api.listen", "api.tls", "api.hosts":
			a.log.Warn("this takes effect when pushmail is started again", "key", key)
		}
	}
	a.cfg.Store(next)
	a.reloadSinks(ctx, old, diff, note)
	a.reloadAccounts(ctx, diff, note)
	a.board.Changed()
	a.log.Info("the configuration was read again", "change", summary(diff))
	return errors.Join(errs...)
}

func (a *App) reloadTokens(ctx context.Context, c config.API) error {
	tokens, err := a.tokens(ctx, c)
	if err != nil {
		return err
	}
	if len(tokens) == 0 {
		return errors.New("[api] tokens: without any everybody could use the API: restart pushmail if that is meant")
	}
	a.api.SetTokens(tokens)
	return nil
}

// reloadSinks exchanges sinks that have changed. A sink keeps its place in the journal.
func (a *App) reloadSinks(ctx context.Context, old *config.Config, diff config.Change, note func(error)) {
	for _, name := range diff.SinksRemoved {
		note(a.out.Remove(name))
	}
	cfg := a.cfg.Load()
	for i := range cfg.Sinks {
		c := &cfg.Sinks[i]
		changed := slices.Contains(diff.SinksChanged, c.Name)
		if !slices.Contains(diff.SinksAdded, c.Name) && !changed && !(diff.Routes && rerouted(old, cfg, c.Name)) {
			continue
		}
		if !slices.Contains(diff.SinksAdded, c.Name) {
			note(a.out.Remove(c.Name))
		}
		note(a.addSink(ctx, cfg, c))
	}
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

func (a *App) reloadAccounts(ctx context.Context, diff config.Change, note func(error)) {
	for _, name := range diff.AccountsRemoved {
		_, err := a.accounts.Remove(ctx, name)
		note(err)
		a.board.Forget(name)
	}
	cfg := a.cfg.Load()
	for i := range cfg.Accounts {
		c := &cfg.Accounts[i]
		if slices.Contains(diff.AccountsAdded, c.Name) || slices.Contains(diff.AccountsChanged, c.Name) {
			if err := a.watch(ctx, c, status.OriginFile); err != nil {
				note(fmt.Errorf("account %q: %w", c.Name, err))
			}
		}
	}
	if slices.Contains(diff.Other, "defaults") || slices.Contains(diff.Other, "secrets") || len(diff.AccountsRemoved) > 0 {
		a.addKept(ctx)
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
