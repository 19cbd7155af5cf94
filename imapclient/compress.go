package imapclient

import (
	"bytes"
	"context"
	"errors"
	"net"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// Compress has both sides compress what they send from now on (COMPRESS=DEFLATE, RFC 4978): answers become
// three to four times smaller. It must be asked for, and makes sense where much is fetched over a slow
// link: a compressed connection keeps 40 KB, so do not use it on one that mostly waits.
//
// The server's compression keeps a memory of what it has sent. Who can have text put into the mailbox and
// sees how long the encrypted packets are, might guess other text next to it (as with TLS compression,
// RFC 7457 section 2.6); nothing of a login is ever compressed.
//
// Data is compressed before TLS encrypts it, as section 3 wants it, since TLS is on before a login and
// COMPRESS comes after. A connection that is compressed already, also by TLS (COMPRESSIONACTIVE), stays as
// it is, and that is no error; see [Conn.Compressed]. If ctx ends, compression starts with the late answer.
func (c *Conn) Compress(ctx context.Context) error {
	if err := c.need(StateAuthenticated); err != nil {
		return err
	}
	if c.Compressed() {
		return nil
	}
	if err := c.require(imap.CapCompressDeflate); err != nil {
		return err
	}
	_, err := c.execThen(ctx, "COMPRESS", func(e *imapwire.Command) { e.Atom("DEFLATE") }, nil, func(st *imap.Status) {
		if st.Kind == imap.OK {
			c.startCompression()
		}
	})
	var refused *imap.StatusError
	if errors.As(err, &refused) && refused.Kind == imap.NO && refused.HasCode(imap.CodeCompressionActive) {
		return nil
	}
	return err
}

// Compressed reports whether [Conn.Compress] has taken effect.
func (c *Conn) Compressed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.compressed
}

// deflated is a transport on which both directions are compressed.
type deflated struct {
	net.Conn
	in  *inflater
	out deflater
}

func (d *deflated) Read(p []byte) (int, error)  { return d.in.Read(p) }
func (d *deflated) Write(p []byte) (int, error) { return d.out.Write(p) }

// startCompression is called with the OK to COMPRESS: the next byte is compressed. The framer may have it.
func (c *Conn) startCompression() {
	d := &deflated{Conn: c.nc, in: newInflater(c.nc, c.framer.TakeBuffered()), out: deflater{c.nc}}
	c.nc = d
	c.framer.Reset(source{c})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.compressed = true
	c.opts.Trace.note("compression started")
}

// stopCompression is called with the OK to UNAUTHENTICATE (RFC 8437 section 4.1). Nothing but the end of the
// compressed data comes then before the next command.
func (c *Conn) stopCompression() {
	d, ok := c.nc.(*deflated)
	if !ok {
		return
	}
	c.nc = &afterDeflate{Conn: d.Conn}
	c.framer.Reset(source{c})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.compressed = false
	c.opts.Trace.note("compression ended")
}

// afterDeflate is a transport that was compressed. A server may mark the end of its compressed data with an
// empty last block (RFC 1951 section 3.2.3), which no response starts with.
type afterDeflate struct {
	net.Conn
	read bool
}

func (a *afterDeflate) Read(p []byte) (int, error) {
	n, err := a.Conn.Read(p)
	if a.read || n == 0 {
		return n, err
	}
	a.read = true
	for _, last := range []string{"\x03\x00", "\x01\x00\x00\xff\xff"} {
		if rest, ok := bytes.CutPrefix(p[:n], []byte(last)); ok {
			if n = copy(p, rest); n == 0 && err == nil {
				return a.Conn.Read(p)
			}
		}
	}
	return n, err
}
