package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pushmail/pushmail/internal/config"
	"github.com/pushmail/pushmail/internal/deliver"
)

// addSinks opens all sinks of the configuration. They are there before any account is watched, so each gets everything.
func (a *App) addSinks(ctx context.Context) error {
	var errs []error
	cfg := a.cfg.Load()
	for i := range cfg.Sinks {
		if err := a.addSink(ctx, cfg, &cfg.Sinks[i]); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (a *App) addSink(ctx context.Context, cfg *config.Config, c *config.Sink) error {
	t, err := a.target(ctx, cfg, c)
	if err != nil {
		return err
	}
	return a.deliverTo(ctx, t)
}

// target opens a sink of a configuration.
func (a *App) target(ctx context.Context, cfg *config.Config, c *config.Sink) (deliver.Target, error) {
	where, err := filterFor(cfg, c.Name)
	if err != nil {
		return deliver.Target{}, err
	}
	s, err := a.openSink(ctx, c)
	if err != nil {
		return deliver.Target{}, fmt.Errorf("sink %q: %w", c.Name, err)
	}
	return deliver.Target{Name: c.Name, Sink: s, Where: where, Schedule: schedule(c)}, nil
}

// deliverTo begins to deliver.
func (a *App) deliverTo(ctx context.Context, t deliver.Target) error {
	if err := a.out.Add(ctx, t); err != nil {
		return errors.Join(err, t.Sink.Close())
	}
	return nil
}

// schedule are the pauses before each attempt; nil for those of Standard Webhooks.
func schedule(c *config.Sink) []time.Duration {
	if c.Retry == nil {
		return nil
	}
	return append([]time.Duration{0}, c.Retry...)
}

// filterFor says which events a sink gets: nil for all.
func filterFor(cfg *config.Config, name string) (*deliver.Filter, error) {
	if len(cfg.Routes) == 0 {
		return nil, nil
	}
	var filters []*deliver.Filter
	for _, r := range cfg.Routes {
		if !slices.Contains(r.To, name) {
			continue
		}
		f, err := deliver.NewFilter(r.Where)
		if err != nil {
			return nil, fmt.Errorf("%v: route: %w", r.Place, err)
		}
		filters = append(filters, f)
	}
	return deliver.AnyOf(filters...), nil
}

// CheckRoute compiles the expression of a route, for config.Options.
func CheckRoute(expression string) error {
	_, err := deliver.NewFilter(expression)
	return err
}
