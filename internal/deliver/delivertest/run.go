// Package delivertest runs what delivers, for tests.
package delivertest

import (
	"context"
	"sync"
	"testing"

	"github.com/pushmail/pushmail/internal/deliver"
)

// Start makes a Deliverer of options with one sink, and runs it until the test ends or stop is called.
func Start(t testing.TB, o deliver.Options, target deliver.Target) (d *deliver.Deliverer, stop func()) {
	t.Helper()
	d = deliver.New(o)
	if err := d.Add(t.Context(), target); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return d, stop
}
