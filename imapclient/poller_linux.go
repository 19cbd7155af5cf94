package imapclient

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// gate is a socket whose reads can be made to return instead of waiting. It lies below TLS, so that all that
// has arrived is used up when a read says that there is nothing.
type gate struct {
	net.Conn
	raw     syscall.RawConn
	polling bool // guarded by Conn.drive
}

// newGate returns the gate of a socket, or nil for anything else. Only the types of package net are known to be
// no more than a socket: what embeds one may keep something between.
func newGate(nc net.Conn) *gate {
	switch nc.(type) {
	case *net.TCPConn, *net.UnixConn:
	default:
		return nil
	}
	raw, err := nc.(syscall.Conn).SyscallConn()
	if err != nil {
		return nil
	}
	return &gate{Conn: nc, raw: raw}
}

func (g *gate) setPolling(on bool) { g.polling = on }

// Write is called in the middle of a read where TLS answers a request for new keys. A peer that does not take
// that must not hold up a worker.
func (g *gate) Write(b []byte) (int, error) {
	if !g.polling {
		return g.Conn.Write(b)
	}
	_ = g.SetWriteDeadline(time.Now().Add(waitGrace))
	defer g.SetWriteDeadline(time.Time{})
	return g.Conn.Write(b)
}

func (g *gate) Read(b []byte) (int, error) {
	if !g.polling || len(b) == 0 {
		return g.Conn.Read(b)
	}
	r := tries.Get().(*try)
	defer tries.Put(r)
	r.b = b
	err := g.raw.Read(r.run)
	n, readErr := r.n, r.err
	r.b, r.err = nil, nil
	switch {
	case err != nil:
		return 0, err
	case errors.Is(readErr, unix.EAGAIN):
		return 0, errNotNow
	case readErr != nil:
		return 0, &net.OpError{Op: "read", Net: g.LocalAddr().Network(), Source: g.LocalAddr(), Addr: g.RemoteAddr(), Err: os.NewSyscallError("read", readErr)}
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// try is one read that does not wait. They are used again, for run is a closure.
type try struct {
	b   []byte
	n   int
	err error
	run func(fd uintptr) bool
}

var tries = sync.Pool{New: func() any {
	r := &try{}
	r.run = func(fd uintptr) bool {
		for {
			r.n, r.err = unix.Read(int(fd), r.b)
			if !errors.Is(r.err, unix.EINTR) {
				return true
			}
		}
	}
	return r
}}

// sockets is an epoll instance. It is itself waited for by the runtime's poller, so that no thread blocks in it.
type sockets struct {
	fd   int
	file *os.File
	raw  syscall.RawConn
	over chan struct{}
	// probe is a file in it that never becomes readable: see gone.
	probe int

	// Of the goroutine in run:
	events  [128]unix.EpollEvent
	slots   []int32
	waitErr error
}

func newSockets(readable func(slots []int32) (work func())) (*sockets, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // or os.File would not wait for it in the poller
		_ = unix.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	s := &sockets{fd: fd, file: os.NewFile(uintptr(fd), "epoll"), over: make(chan struct{})}
	if s.raw, err = s.file.SyscallConn(); err != nil {
		_ = s.file.Close()
		return nil, err
	}
	if s.probe, err = unix.Eventfd(0, unix.EFD_CLOEXEC); err != nil {
		_ = s.file.Close()
		return nil, os.NewSyscallError("eventfd", err)
	}
	go s.run(readable)
	if err := s.ctl(unix.EPOLL_CTL_ADD, s.probe, unix.EpollEvent{}); err != nil {
		_ = s.close()
		return nil, err
	}
	return s, nil
}

func (s *sockets) ctl(op, fd int, ev unix.EpollEvent) error {
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(s.fd, op, fd, &ev))
}

// gone reports whether somebody has closed the epoll instance, or its number is another one by now: it does not
// know the probe then.
func (s *sockets) gone() bool { return s.ctl(unix.EPOLL_CTL_MOD, s.probe, unix.EpollEvent{}) != nil }

// run reports the slots of sockets that can be read, until s is closed or broken. If there is work to do, it does that,
// and another goroutine takes its place: what was read is on its way without a switch between the two.
func (s *sockets) run(readable func(slots []int32) (work func())) {
	for {
		if err := s.raw.Read(s.wait); err != nil || s.waitErr != nil {
			close(s.over)
			return
		}
		if work := readable(s.slots); work != nil {
			go s.run(readable)
			work()
			return
		}
	}
}

// wait gets the slots. It reports false if there are none yet.
func (s *sockets) wait(uintptr) bool {
	n, err := unix.EpollWait(s.fd, s.events[:], 0)
	for errors.Is(err, unix.EINTR) {
		n, err = unix.EpollWait(s.fd, s.events[:], 0)
	}
	s.slots, s.waitErr = s.slots[:0], err
	for _, ev := range s.events[:max(n, 0)] {
		s.slots = append(s.slots, ev.Fd)
	}
	return n != 0 || err != nil
}

func (s *sockets) close() error {
	if s == nil {
		return nil
	}
	err := errors.Join(s.file.Close(), unix.Close(s.probe))
	<-s.over
	return err
}

// abandon ends run, without closing a number that may not be ours any more.
func (s *sockets) abandon() {
	abandoned.Store(s, nil)
	_ = s.file.SetReadDeadline(aLongTimeAgo)
}

// abandoned has the sockets that are given up: the collector would close their number.
var abandoned sync.Map

// set has the socket of g reported once, with its slot, when it can be read.
func (s *sockets) set(g *gate, slot int32, known bool) error {
	ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLONESHOT, Fd: slot}
	op := unix.EPOLL_CTL_ADD
	if known {
		op = unix.EPOLL_CTL_MOD
	}
	var ctlErr error
	if err := g.raw.Control(func(fd uintptr) {
		if ctlErr = s.ctl(op, int(fd), ev); errors.Is(ctlErr, unix.EEXIST) { // it waited here before it did elsewhere
			ctlErr = s.ctl(unix.EPOLL_CTL_MOD, int(fd), ev)
		}
	}); err != nil {
		return err
	}
	return ctlErr
}

// watch has the socket of k wake it up. The caller drives the connection.
func (p *Poller) watch(k *parked) error {
	for again := true; ; again = false {
		p.mu.Lock()
		s, err := p.socketsLocked()
		p.mu.Unlock()
		if err != nil {
			return err
		}
		if err = s.set(k.c.gate, k.slot, k.registered == s); err == nil {
			k.registered = s
			return nil
		}
		if !again || !s.gone() {
			return err
		}
		p.abandon(s)
	}
}

func (p *Poller) socketsLocked() (*sockets, error) {
	if p.sockets == nil {
		s, err := newSockets(p.readable)
		if err != nil {
			return nil, err
		}
		p.sockets = s
	}
	return p.sockets, nil
}

// readable wakes up those in the slots. A slot may be another's by now: to look at a connection does no harm. It returns
// what the caller has to do, if anything.
func (p *Poller) readable(slots []int32) (work func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, slot := range slots {
		if k := p.waits[slot]; k != nil && p.enqueueLocked(k) {
			if work == nil {
				work = p.work
			} else {
				go p.work()
			}
		}
	}
	return work
}
