package watch_test

import (
	"context"
	"errors"
	"iter"
	"testing"

	"github.com/pushmail/pushmail/watch"
)

// way is one of the ways in which INBOX can be watched. All keep the same promises.
type way struct {
	name        string
	connections int  // of an account; 0 for one mailbox
	notify      bool // the server has NOTIFY, and it is used
	managed     bool // by a watch.Manager
}

var ways = []way{
	{name: "mailbox"},
	{name: "account", connections: 2},
	{name: "account, one connection", connections: 1},
	{name: "account, NOTIFY", connections: 1, notify: true},
	{name: "manager", managed: true},
	{name: "manager, account", connections: 2, managed: true},
}

// use has b watch in that way.
func (w way) use(b *bench) {
	b.notify, b.managed = w.notify, w.managed
	if w.connections > 0 {
		b.account = &watch.AccountOptions{MaxConnections: w.connections}
	}
}

// alone runs a test of INBOX alone, watched by watch.Mailbox and by a Manager.
func alone(t *testing.T, test func(t *testing.T, b *bench)) {
	t.Helper()
	for _, way := range ways {
		if way.connections == 0 {
			t.Run(way.name, func(t *testing.T) {
				inBubble(t, nil, func(b *bench) {
					way.use(b)
					test(b.t, b)
				})
			})
		}
	}
}

// sequence is what the test watches: one mailbox, or the whole account.
func (b *bench) sequence(ctx context.Context) iter.Seq2[watch.Event, error] {
	var o watch.AccountOptions
	if b.account != nil {
		o = *b.account
	}
	o.Options = b.opts
	switch {
	case b.managed:
		if b.account == nil && o.Mailbox == "" {
			o.Mailbox = "INBOX"
		}
		return managedSequence(ctx, o)
	case b.account == nil:
		return watch.Mailbox(ctx, b.opts)
	}
	return watch.Account(ctx, o)
}

// managedSequence has a Manager watch one account until the loop is left, and acknowledges as watch.Mailbox does.
func managedSequence(ctx context.Context, o watch.AccountOptions) iter.Seq2[watch.Event, error] {
	type offer struct {
		ev  watch.Event
		ack chan error
	}
	return func(yield func(watch.Event, error) bool) {
		offers, failed := make(chan offer), make(chan error, 1)
		m, err := watch.NewManager(watch.ManagerOptions{
			Handler: func(ctx context.Context, ev watch.Event) error {
				of := offer{ev, make(chan error, 1)}
				select {
				case offers <- of:
					return <-of.ack
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			},
			Failed: func(_ string, err error) { failed <- err },
		})
		if err == nil {
			err = m.Add(o)
		}
		if err != nil {
			yield(watch.Event{}, err)
			return
		}
		defer m.Close(context.Background())
		for {
			select {
			case of := <-offers:
				if !yield(of.ev, nil) {
					of.ack <- errors.New("the loop was left")
					return
				}
				of.ack <- nil
			case err := <-failed:
				yield(watch.Event{}, err)
				return
			case <-ctx.Done():
				if err := m.Close(context.Background()); err != nil {
					yield(watch.Event{}, err)
					return
				}
				yield(watch.Event{}, context.Cause(ctx))
				return
			}
		}
	}
}
