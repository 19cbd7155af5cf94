package imapclient

import (
	"context"
	"net"
	"sync"
	"time"
)

// aLongTimeAgo makes a blocked read or write return at once.
var aLongTimeAgo = time.Unix(1, 0)

// interrupter lets the end of a context, or another goroutine, break a blocked read or write of the
// goroutine that drives a connection. A deadline that the driver sets never hides an interruption
// that came first.
type interrupter struct {
	mu      sync.Mutex
	nc      net.Conn // the transport below TLS: deadlines of both are the same
	broken  bool     // an interruption is pending: deadlines stay in the past
	writing bool     // the driver is in Write
	watched bool     // a context is watched; only the driver touches it
	waiting bool     // the driver is in Wait and gives way to other callers
	wanted  int      // callers that want to drive
	// grace is how long a write may go on when it is interrupted. A short command that is cut off costs the
	// connection, and takes next to no time.
	grace   time.Duration
	hurried bool // writes have but the grace
}

// waitGrace is the grace of what Wait sends by itself, a line each.
const waitGrace = time.Second

// interrupt makes pending and future I/O fail until the interruption is cleared.
func (i *interrupter) interrupt() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.interruptLocked()
}

func (i *interrupter) interruptLocked() {
	i.broken = true
	// Only what blocks is broken: a TLS connection does not survive a Write that timed out, and a
	// Read may have to write, too.
	if i.writing {
		_ = i.nc.SetWriteDeadline(i.writeLimit())
	}
	_ = i.nc.SetReadDeadline(aLongTimeAgo)
}

// writeLimit is until when a write may last that is interrupted now.
func (i *interrupter) writeLimit() time.Time {
	if i.grace == 0 {
		return aLongTimeAgo
	}
	return time.Now().Add(i.grace)
}

// giveGrace lets writes that are interrupted go on for so long, until the returned function is called.
func (i *interrupter) giveGrace(d time.Duration) (end func()) {
	i.setGrace(d)
	return func() { i.setGrace(0) }
}

func (i *interrupter) setGrace(d time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.grace, i.hurried = d, false
}

// hurry has the writes of a driver with a grace end after it: the one under way, and those until its grace ends.
func (i *interrupter) hurry() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.grace == 0 {
		return
	}
	i.hurried = true
	if i.writing {
		_ = i.nc.SetWriteDeadline(i.writeLimit())
	}
}

func (i *interrupter) clear() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.broken = false
}

// beforeRead sets the deadline of the reads that follow; the zero time means none.
func (i *interrupter) beforeRead(t time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.broken {
		_ = i.nc.SetReadDeadline(t)
	}
}

// beforeWrite sets the deadline of one write, which ends with afterWrite.
func (i *interrupter) beforeWrite(t time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.writing = true
	if i.broken || i.hurried {
		t = i.writeLimit()
	}
	_ = i.nc.SetWriteDeadline(t)
}

func (i *interrupter) afterWrite() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.writing = false
	_ = i.nc.SetWriteDeadline(time.Time{})
}

// watch interrupts when ctx ends, until the returned function is called. After that no interruption
// of ctx is under way any more, and one that happened is forgotten. Calls nest: the outermost counts.
func (i *interrupter) watch(ctx context.Context) (stop func()) {
	if ctx.Done() == nil || i.watched {
		return func() {}
	}
	i.watched = true
	fired := make(chan struct{})
	undo := context.AfterFunc(ctx, func() {
		defer close(fired)
		i.interrupt()
	})
	return func() {
		i.watched = false
		if !undo() {
			<-fired
			i.clear()
		}
	}
}

// watchOnly is watch, and sees to it that no other context is watched meanwhile.
func (i *interrupter) watchOnly(ctx context.Context) (stop func()) {
	end := i.watch(ctx)
	i.watched = true
	return func() {
		i.watched = false
		end()
	}
}

// want says that a caller wants to drive; a driver that only waits gives way.
func (i *interrupter) want() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.wanted++
	if i.waiting {
		i.interruptLocked()
	}
}

// got says that the caller drives now, or gave up.
func (i *interrupter) got() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.wanted--
}

// startWaiting marks the driver as one that gives way. It reports false if somebody wants to drive now.
func (i *interrupter) startWaiting() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.waiting = i.wanted == 0
	return i.waiting
}

// stopWaiting undoes startWaiting and reports whether somebody wants to drive. An interruption by
// want is forgotten, and so is one of a context, which the caller has to look at itself.
func (i *interrupter) stopWaiting() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.waiting, i.broken = false, false
	return i.wanted > 0
}
