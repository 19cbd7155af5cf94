package imaptest

import (
	"net"
	"sync"
)

// maxBuffered is how much may wait in an outbox before a session waits for its client.
const maxBuffered = 256 << 10

// maxWrite is how much goes out at once, so that [Session.Stall] takes effect soon.
const maxWrite = 16 << 10

// outbox writes what a session says, from a goroutine of its own: so a client that does not read
// holds up nothing but its own session, and [Session.Inject] works at any time. It is also where the
// faults of the sending direction live.
type outbox struct {
	mu      sync.Mutex // guards what follows
	change  sync.Cond  // some of it changed
	conn    net.Conn
	buf     []byte
	busy    bool // a write is going on
	stalled bool
	closing bool // write what is there, then end
	dead    bool // write nothing any more
	chunked bool
	sent    int64
	cutAt   int64 // cut when sent reaches it; -1: never
}

func newOutbox(conn net.Conn, chunked bool, cutAfter int64) *outbox {
	o := &outbox{conn: conn, chunked: chunked, cutAt: -1}
	if cutAfter > 0 {
		o.cutAt = cutAfter
	}
	o.change.L = &o.mu
	return o
}

// write queues b, of which it keeps nothing. It waits while too much is queued.
func (o *outbox) write(b []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.buf) > maxBuffered && !o.dead {
		o.change.Wait()
	}
	o.appendLocked(b)
}

// inject is write without waiting.
func (o *outbox) inject(b []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.appendLocked(b)
}

func (o *outbox) appendLocked(b []byte) {
	if !o.dead {
		o.buf = append(o.buf, b...)
		o.change.Broadcast()
	}
}

// set changes a setting.
func (o *outbox) set(f func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f()
	o.change.Broadcast()
}

// flush waits until everything is written, and reports whether it was.
func (o *outbox) flush() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for (len(o.buf) > 0 || o.busy) && !o.dead {
		o.change.Wait()
	}
	return !o.dead
}

// run writes until the outbox is closed or cut, or a write fails.
func (o *outbox) run() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.waitLocked() {
		n := min(len(o.buf), maxWrite)
		if o.chunked {
			n = 1
		}
		cut := o.cutAt >= 0 && o.sent+int64(n) >= o.cutAt
		if cut {
			n = int(max(0, o.cutAt-o.sent))
		}
		chunk := o.buf[:n]
		conn := o.conn
		o.busy = true
		o.mu.Unlock()
		_, err := conn.Write(chunk)
		o.mu.Lock()
		o.busy = false
		o.sent += int64(n)
		o.buf = o.buf[n:]
		if len(o.buf) == 0 {
			o.buf = nil
		}
		if err != nil || cut {
			o.dead = true
		}
		if cut {
			cutConn(conn)
		}
		o.change.Broadcast()
	}
}

// waitLocked waits for something to write. False means that there never will be.
func (o *outbox) waitLocked() bool {
	for !o.dead && (len(o.buf) == 0 || o.stalled) {
		if o.closing && len(o.buf) == 0 {
			o.dead = true
			o.change.Broadcast()
			return false
		}
		o.change.Wait()
	}
	return !o.dead
}
