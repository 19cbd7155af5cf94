package imapclient

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// gate is a socket whose reads can be made to return instead of waiting. It lies below TLS, so that all that
// has arrived is used up when a read says that there is nothing.
//
// While nobody but a Poller waits for a TCP socket it is detached: a mere file descriptor. What package net and the
// runtime's poller keep for one is 0.7 KB, most of it timers for deadlines. Whatever may block attaches it again.
type gate struct {
	remote  netip.AddrPort // the zero AddrPort: it is never detached
	polling bool           // guarded by Conn.drive: reads do not wait

	mu     sync.Mutex // guards what follows. Calls that may block are made without it.
	sock   socket     // nil while detached
	fd     int        // of its own, which a Poller knows; -1 before it was detached. What is attached again has another one.
	closed bool
}

// socket is a *net.TCPConn, a *net.UnixConn, or the *os.File of one that was detached.
type socket interface {
	io.ReadWriteCloser
	syscall.Conn
	SetDeadline(time.Time) error
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// init makes g the gate of a socket, and reports false for anything else. Only the types of package net are known to be
// no more than a socket: what embeds one may keep something between.
func (g *gate) init(nc net.Conn) bool {
	g.fd = -1
	switch nc := nc.(type) {
	case *net.TCPConn:
		g.sock = nc
		if peer, ok := nc.RemoteAddr().(*net.TCPAddr); ok {
			g.remote = peer.AddrPort()
		}
	case *net.UnixConn:
		g.sock = nc
	default:
		return false
	}
	return true
}

// control calls do with the descriptor of the socket.
func (g *gate) control(do func(fd uintptr)) error {
	raw, err := g.sock.SyscallConn()
	if err != nil {
		return err
	}
	return raw.Control(do)
}

// detach leaves no more than a file descriptor. If that is another one than before, letGo is called with the old one, which is then
// closed. Without a descriptor to spare all stays as it is. Whoever drives the connection calls it, so nothing blocks in the socket.
func (g *gate) detach(letGo func(fd int)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.sock == nil || g.closed || !g.remote.IsValid() {
		return
	}
	if g.fd < 0 {
		_ = g.control(func(old uintptr) {
			if g.fd = duplicate(int(old)); g.fd >= 0 {
				letGo(int(old))
			}
		})
	}
	if g.fd >= 0 {
		_ = g.sock.Close()
		g.sock = nil
	}
}

// attached returns the socket, for what may block.
func (g *gate) attached() socket {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.sock == nil && !g.closed {
		// A descriptor of its own leaves ours in epoll: to add one to what is itself waited for costs a lock that all
		// processes share. But it must go on without one to spare, too.
		fd := duplicate(g.fd)
		if fd < 0 {
			fd, g.fd = g.fd, -1
		}
		g.sock = os.NewFile(uintptr(fd), "socket")
	}
	return g.sock
}

// duplicate returns another descriptor of a file, or -1.
func duplicate(fd int) int {
	again, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	return again
}

func (g *gate) setPolling(on bool) { g.polling = on }

func (g *gate) Read(b []byte) (int, error) {
	if g.polling && len(b) > 0 {
		return g.poll(b)
	}
	s := g.attached()
	if s == nil {
		return 0, g.failed("read", net.ErrClosed)
	}
	n, err := s.Read(b)
	return n, g.failed("read", err)
}

// poll is a Read that does not wait.
func (g *gate) poll(b []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.closed:
		return 0, g.failed("read", net.ErrClosed)
	case g.fd < 0:
		return g.pollAttached(b)
	}
	n, err := readNow(g.fd, b)
	return n, g.failed("read", err)
}

func (g *gate) pollAttached(b []byte) (n int, err error) {
	if closed := g.control(func(fd uintptr) { n, err = readNow(int(fd), b) }); closed != nil {
		err = closed
	}
	return n, g.failed("read", err)
}

// readNow reads what is there from a socket that does not block.
func readNow(fd int, b []byte) (int, error) {
	n, err := unix.Read(fd, b)
	for errors.Is(err, unix.EINTR) {
		n, err = unix.Read(fd, b)
	}
	switch {
	case errors.Is(err, unix.EAGAIN):
		return 0, errNotNow
	case err != nil:
		return 0, os.NewSyscallError("read", err)
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// register has the socket reported by s once, with its slot, when it can be read. Known says that s knows it already.
func (g *gate) register(s *sockets, slot int32, known bool) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.closed:
		return net.ErrClosed
	case g.fd < 0:
		return g.registerAttached(s, slot, known)
	}
	return s.set(g.fd, slot, known)
}

func (g *gate) registerAttached(s *sockets, slot int32, known bool) (err error) {
	if closed := g.control(func(fd uintptr) { err = s.set(int(fd), slot, known) }); closed != nil {
		return closed
	}
	return err
}

// Write is called in the middle of a read where TLS answers a request for new keys. A peer that does not take
// that must not hold up a worker.
func (g *gate) Write(b []byte) (int, error) {
	s := g.attached()
	if s == nil {
		return 0, g.failed("write", net.ErrClosed)
	}
	if g.polling {
		_ = s.SetWriteDeadline(time.Now().Add(waitGrace))
		defer s.SetWriteDeadline(time.Time{})
	}
	n, err := s.Write(b)
	return n, g.failed("write", err)
}

// failed makes an error of package net of one of package os, whose time-outs TLS would not survive.
func (g *gate) failed(op string, err error) error {
	switch e := err.(type) { // what comes from below, not wrapped
	case nil, *net.OpError, *TimeoutError:
		return err
	case *fs.PathError:
		err = e.Err
	}
	switch {
	case err == io.EOF:
		return err
	case errors.Is(err, os.ErrClosed):
		err = net.ErrClosed
	}
	peer := g.RemoteAddr()
	return &net.OpError{Op: op, Net: peer.Network(), Addr: peer, Err: err}
}

func (g *gate) Close() (err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return net.ErrClosed
	}
	g.closed = true
	if g.sock != nil {
		err = g.sock.Close()
	}
	if g.fd >= 0 {
		err = errors.Join(err, os.NewSyscallError("close", unix.Close(g.fd)))
	}
	return err
}

// RemoteAddr returns the address of the server, also when the socket is closed.
func (g *gate) RemoteAddr() net.Addr {
	if !g.remote.IsValid() {
		return g.sock.(net.Conn).RemoteAddr()
	}
	return net.TCPAddrFromAddrPort(g.remote)
}

// LocalAddr is for net.Conn. It returns nil if the socket has been detached, which nobody sees: Conn does not tell it, and TLS does not ask.
func (g *gate) LocalAddr() net.Addr {
	if nc, ok := g.attached().(net.Conn); ok {
		return nc.LocalAddr()
	}
	return nil
}

// setDeadline calls set with a socket. Without a deadline one that is detached stays so: it has none.
func (g *gate) setDeadline(t time.Time, set func(socket, time.Time) error) error {
	g.mu.Lock()
	s := g.sock
	g.mu.Unlock()
	if s == nil {
		if t.IsZero() {
			return nil
		}
		if s = g.attached(); s == nil {
			return net.ErrClosed
		}
	}
	return set(s, t)
}

// SetDeadline is for net.Conn, as are the next two.
func (g *gate) SetDeadline(t time.Time) error { return g.setDeadline(t, socket.SetDeadline) }

// SetReadDeadline is for net.Conn.
func (g *gate) SetReadDeadline(t time.Time) error { return g.setDeadline(t, socket.SetReadDeadline) }

// SetWriteDeadline is for net.Conn.
func (g *gate) SetWriteDeadline(t time.Time) error { return g.setDeadline(t, socket.SetWriteDeadline) }
