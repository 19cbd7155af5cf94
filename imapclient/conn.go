package imapclient

import (
	"context"
	"crypto/tls"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pushmail/pushmail/imap"
)

// Conn is a connection to an IMAP server. It lives until it is closed, by Close, Logout, the server
// or an error, and never reconnects. Its methods may be called from several goroutines; they wait
// for each other. See the package documentation for who drives it, and what cancelling leaves behind.
type Conn struct {
	*core
	// call is the part of a pipeline that this Conn was given to, or nil. See [Conn.Pipeline].
	call *call
}

// core is a connection. Several Conns share it while a pipeline runs.
//
// Thousands of connections wait in a process, and many small things of one leave holes in memory when what was between them
// is gone. So what lives as long as the connection is in here, one allocation.
type core struct {
	outer   Conn        // the one outside of pipelines
	place   parked      // in the first Poller
	placed  atomic.Bool // place is used
	opts    settings
	opening *Options // all that was set, while New is under way
	intr    interrupter
	// bodies is the loop over FetchBodies that holds the connection, if any.
	bodies atomic.Pointer[bodyLoop]
	// piping is the pipeline that holds the connection, if any.
	piping atomic.Pointer[pipeline]
	// parked is the place of the connection in a Poller, if it ever waited in one.
	parked atomic.Pointer[parked]
	gate   gate // the socket, if it is polled
	polled bool // a Poller can wait for it

	// drive is held by the goroutine that drives the connection. It guards the fields below it.
	drive     driveLock
	nc        net.Conn
	*reader        // nil in a connection that was parked: see takeReader
	utf8      bool // names and strings are UTF-8
	tagNum    uint32
	pending   []*command // sent and not yet completed, in order
	cont      *command   // the one that waits for "+"
	streaming *fetching  // the latest FETCH, whose long contents may be streamed
	handled   int        // responses that went to the Handler
	wait      waitState
	live      []*LiveSearch // results that the server keeps up to date
	pipe      *pipeline     // that runs, or nil
	beforeTLS bool          // what is read is not to be believed: TLS is still to come

	// mu guards the fields below it, which other goroutines may read.
	mu         sync.Mutex
	state      State
	caps       *words[imap.Capability]
	capsKnow   bool
	enabled    *words[imap.Capability]
	selected   selection
	bye        *imap.Status
	tls        *tls.Conn
	security   Security
	lastRead   time.Time
	notify     notifyMode
	err        error
	done       chan struct{} // nil if nobody has asked for it
	compressed bool
}

// State is the state of a connection (RFC 9051 section 3).
type State uint8

// The states of a connection.
const (
	StateNotAuthenticated State = iota
	StateAuthenticated
	StateSelected
	StateClosed
)

// String returns the RFC's name of the state.
func (s State) String() string {
	return [...]string{"not authenticated", "authenticated", "selected", "closed"}[s]
}

func newConn(nc net.Conn, o Options) *Conn {
	c := &core{opts: o.settings(), opening: &o}
	if c.polled = c.gate.init(nc); c.polled {
		nc = &c.gate
	}
	c.nc, c.intr.nc, c.outer.core = nc, nc, c
	c.outer.takeReader()
	return &c.outer
}

// State returns the state of the connection.
func (c *Conn) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return StateClosed
	}
	return c.state
}

// Capabilities returns what the server offers now, without those that Options.MaskCapabilities names.
// It is what the server said last; no command is sent. It must not be changed.
func (c *Conn) Capabilities() imap.Capabilities {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.capsLocked()
}

func (c *Conn) capsLocked() imap.Capabilities {
	return c.caps.all()
}

// Enabled returns what ENABLE has switched on.
func (c *Conn) Enabled() imap.Capabilities {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.enabledLocked())
}

func (c *Conn) enabledLocked() imap.Capabilities { return c.enabled.all() }

// Selected returns what the server said of the selected mailbox when it was selected, without the Changes, or
// nil. Its lists must not be changed.
func (c *Conn) Selected() *Selected {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.selected.get()
}

// selection returns the number of the selection.
func (c *Conn) selection() uint32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.selected.number
}

// TLS returns the state of TLS, or nil without it.
func (c *Conn) TLS() *tls.ConnectionState {
	c.mu.Lock()
	t := c.tls
	c.mu.Unlock()
	if t == nil {
		return nil
	}
	state := t.ConnectionState()
	return &state
}

// LastRead returns when the server was last heard.
func (c *Conn) LastRead() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lastRead
}

// RemoteAddr returns the address of the server.
func (c *Conn) RemoteAddr() net.Addr { return c.intr.nc.RemoteAddr() }

// Done is closed when the connection is.
func (c *Conn) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		c.done = make(chan struct{})
		if c.err != nil {
			close(c.done)
		}
	}
	return c.done
}

// Err returns nil while the connection lives, and then a *[ClosedError] with what ended it.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Close closes the connection at once, without a LOGOUT. A call that is under way in another
// goroutine returns. Closing twice is fine.
func (c *Conn) Close() error {
	c.fail(ErrLoggedOut)
	return nil
}

// fail closes the connection with a cause, once, and returns the error that all calls return from now on.
func (c *Conn) fail(cause error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.err
	}
	c.err = &ClosedError{Cause: cause}
	c.selected.clear()
	if c.done != nil {
		close(c.done)
	}
	_ = c.intr.nc.Close()
	c.opts.Trace.note("closed: " + cause.Error())
	c.unpark()
	return c.err
}

// acquire waits until this goroutine may drive the connection.
func (c *Conn) acquire(ctx context.Context) error {
	err := c.acquireDrive(ctx)
	if err == nil {
		c.takeReader()
	}
	return err
}

func (c *Conn) acquireDrive(ctx context.Context) (err error) {
	if err := c.Err(); err != nil {
		return notSent(err)
	}
	if err := context.Cause(ctx); err != nil {
		return notSent(err)
	}
	if c.call != nil {
		return c.call.mayDrive()
	}
	if c.drive.try() {
		return nil
	}
	c.intr.want()
	defer c.intr.got()
	stuck, watched := c.stuck()
	defer watched()
	if p := c.piping.Load(); p != nil {
		return c.acquireAfter(ctx, p)
	}
	mine := c.drive.wait()
	select {
	case <-mine:
		return nil
	case <-stuck:
		err = ErrInBodies
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-c.Done():
		err = c.Err()
	}
	c.drive.leave(mine)
	return notSent(err)
}

// release lets others drive.
func (c *Conn) release() {
	if c.call == nil {
		c.drive.release()
		c.unpark()
	}
}

func (c *Conn) setState(s State) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state = s
	if s < StateSelected {
		c.selected.clear()
	}
}

func (c *Conn) setCapabilities(caps imap.Capabilities) {
	kept := make(imap.Capabilities, 0, len(caps))
	for _, w := range caps {
		if !slices.Contains(c.opts.MaskCapabilities, w) {
			kept = append(kept, w)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.caps, c.capsKnow = wordsOf(&sharedOffers, kept), true
}

func (c *Conn) forgetCapabilities() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.caps, c.capsKnow = nil, false
}

func (c *Conn) capabilitiesKnown() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.capsKnow
}

// need returns an error unless the connection is in state s or beyond.
func (c *Conn) need(s State) error {
	switch got := c.State(); {
	case got == StateClosed:
		return notSent(c.Err())
	case got >= s:
		return nil
	case s == StateSelected && got == StateAuthenticated:
		return notSent(ErrNotSelected)
	}
	return notSent(ErrNotAuthenticated)
}

// require returns an error unless the server offers w.
func (c *Conn) require(w imap.Capability) error {
	if c.Capabilities().Has(w) {
		return nil
	}
	return notSent(&UnsupportedError{w})
}
