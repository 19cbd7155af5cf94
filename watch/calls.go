package watch

import (
	"context"
	"sync"
)

// calls has the context of the calls of Handler for an account: there is one while there are any, which is hardly ever.
type calls struct {
	mu    sync.Mutex
	n     int                     // guarded by mu: under way
	ended error                   // guarded by mu: why there are to be no more
	ctx   context.Context         // guarded by mu: that of all; nil without any
	quit  context.CancelCauseFunc // guarded by mu
}

// begin returns the context for a call. It ends with the last call that is under way, or by end.
func (c *calls) begin() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n++; c.n == 1 {
		c.ctx, c.quit = context.WithCancelCause(context.Background())
		if c.ended != nil {
			c.quit(c.ended)
		}
	}
	return c.ctx
}

func (c *calls) done() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n--; c.n == 0 {
		c.quit(nil)
		c.ctx, c.quit = nil, nil
	}
}

// end ends the context of the calls that are under way, and of those to come.
func (c *calls) end(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = cause
	if c.quit != nil {
		c.quit(cause)
	}
}
