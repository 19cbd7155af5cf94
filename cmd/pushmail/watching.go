package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/pushmail/pushmail/watch"
)

// sink takes an event. An error ends the watching, and the event counts as not delivered.
type sink = func(context.Context, watch.Event) error

// watching is what one "pushmail watch" watches: each URL on its own, their events one after the other.
type watching struct {
	store   watch.FileStore
	conns   []*connection
	sources []func(context.Context) iter.Seq2[watch.Event, error]
	keys    map[watch.Key]bool
	closers []func()
}

func (w *watching) close() {
	for _, c := range w.closers {
		c()
	}
}

// add makes a source of a URL.
func (w *watching) add(a *app, f *watchFlags, url string, urls int) error {
	c, err := f.conn.resolve(a, url)
	if err != nil {
		return err
	}
	w.closers = append(w.closers, c.close)
	o := f.options(c)
	o.Store = w.store
	if f.account != "" && urls > 1 {
		return usageError{errors.New("--account names one account: with several URLs leave it out")}
	}
	key := watch.Key{Account: o.Account, Mailbox: o.Mailbox}
	if f.which.many() {
		if c.url.Mailbox != "" {
			return usageError{fmt.Errorf("%s names a mailbox: leave it out with --all-mailboxes and --mailbox", c.url)}
		}
		key.Mailbox, o.Mailbox = "", ""
	}
	if w.keys[key] {
		return usageError{fmt.Errorf("%s is given twice", c.url)}
	}
	unlock, err := lockMailbox(w.store, key)
	if err != nil {
		return err
	}
	w.closers = append(w.closers, unlock)
	if w.keys == nil {
		w.keys = map[watch.Key]bool{}
	}
	w.keys[key] = true
	w.conns = append(w.conns, c)
	w.sources = append(w.sources, func(ctx context.Context) iter.Seq2[watch.Event, error] {
		if f.which.many() {
			return watch.Account(ctx, watch.AccountOptions{Options: o, Patterns: f.which.patterns, Exclude: f.which.exclude, MaxConnections: f.which.connections})
		}
		return watch.Mailbox(ctx, o)
	})
	return nil
}

// run watches all until ctx ends, a sink fails, or one cannot be watched any more. It never returns nil.
func (w *watching) run(ctx context.Context, sinks ...sink) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var one sync.Mutex // sinks get one event after the other
	inTurn := func(ctx context.Context, ev watch.Event) error {
		one.Lock()
		defer one.Unlock()
		if err := context.Cause(ctx); err != nil {
			return err // not delivered: it comes again the next time
		}
		return deliver(ctx, ev, sinks)
	}
	var running sync.WaitGroup
	for i, source := range w.sources {
		running.Go(func() {
			cancel(atURL(w.conns[i].url, follow(ctx, source(ctx), inTurn)))
		})
	}
	running.Wait()
	return context.Cause(ctx)
}

// follow gives every event to the sinks, in order, until ctx ends, a sink fails, or nothing can be
// watched any more. It never returns nil.
func follow(ctx context.Context, events iter.Seq2[watch.Event, error], sinks ...sink) error {
	for ev, err := range events {
		if err == nil {
			err = deliver(ctx, ev, sinks)
		}
		if err != nil {
			return err
		}
	}
	return errors.New("the watching has ended without a reason")
}

func deliver(ctx context.Context, ev watch.Event, sinks []sink) error {
	for _, s := range sinks {
		if err := s(ctx, ev); err != nil {
			return err
		}
	}
	return nil
}
