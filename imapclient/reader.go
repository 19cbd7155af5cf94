package imapclient

import (
	"sync"
	"time"

	"github.com/pushmail/pushmail/imapwire"
)

// reader makes responses of the bytes of a connection. One that is parked and has nothing unfinished has none.
type reader struct {
	wire   imapwire.Options // that both were made with
	framer *imapwire.Framer
	dec    *imapwire.Decoder
	spare  tlsBuffers // while TLS has not got them

	by      time.Time     // deadline of reads, if not zero
	silence time.Duration // else: how long a read may take
}

var readers = sync.Pool{}

// wireOptions are the codec's options as they are now.
func (c *Conn) wireOptions() *imapwire.Options {
	w := c.opts.Wire
	w.UTF8 = c.utf8
	return &w
}

// takeReader gives the connection a reader if it has none. The caller drives.
func (c *Conn) takeReader() {
	if c.reader != nil {
		return
	}
	r, _ := readers.Get().(*reader)
	if wire := c.wireOptions(); r == nil || r.wire != *wire {
		r = &reader{wire: *wire, framer: imapwire.NewFramer(nil, wire), dec: imapwire.NewDecoder(wire)}
	}
	r.framer.Reset(source{c})
	r.framer.Stream = c.streamOf
	r.spare.lend(c.tls)
	c.reader = r
	if n := c.wait.resting; n != 0 {
		c.wait.resting = 0
		c.wait.idle = &command{name: "IDLE", tag: tagOf(n), continued: true}
		c.pending = []*command{c.wait.idle}
	}
}

// leaveReader gives back what it can. The caller drives.
func (c *Conn) leaveReader() {
	c.framer.Release()
	c.dec.Release()
	idle := c.wait.idle
	idles := idle != nil && len(c.pending) == 1 && c.pending[0] == idle
	if len(c.pending) == 0 || idles {
		c.streaming = nil // it has ended
	}
	if !c.framer.Resting() {
		return
	}
	c.framer.Reset(nil)
	c.framer.Stream = nil
	c.spare.takeBack(c.tls)
	readers.Put(c.reader)
	c.reader = nil
	if idles && idle.continued && !idle.done {
		c.wait.resting = numberOf(idle.tag)
		c.wait.idle, c.pending = nil, nil
	}
}

// setUTF8 is called when names and strings begin or cease to be UTF-8. The caller drives.
func (c *Conn) setUTF8(on bool) {
	if c.utf8 != on {
		c.utf8 = on
		c.wire.UTF8 = on
		c.dec.SetUTF8(on)
	}
}
