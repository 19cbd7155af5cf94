package imapclient

import (
	"errors"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

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
	if err := s.ctl(unix.EPOLL_CTL_ADD, s.probe, &unix.EpollEvent{}); err != nil {
		_ = s.close()
		return nil, err
	}
	return s, nil
}

func (s *sockets) ctl(op, fd int, ev *unix.EpollEvent) error {
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(s.fd, op, fd, ev))
}

// gone reports whether somebody has closed the epoll instance, or its number is another one by now: it does not
// know the probe then.
func (s *sockets) gone() bool { return s.ctl(unix.EPOLL_CTL_MOD, s.probe, &unix.EpollEvent{}) != nil }

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

// set has a socket reported once, with its slot, when it can be read.
func (s *sockets) set(fd int, slot int32, known bool) error {
	ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLONESHOT, Fd: slot}
	op := unix.EPOLL_CTL_ADD
	if known {
		op = unix.EPOLL_CTL_MOD
	}
	err := s.ctl(op, fd, &ev)
	if errors.Is(err, unix.EEXIST) { // it waited here before it did elsewhere
		err = s.ctl(unix.EPOLL_CTL_MOD, fd, &ev)
	}
	return err
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
		known := k.registered == s
		k.c.gate.detach(func(old int) {
			if known {
				err = s.ctl(unix.EPOLL_CTL_DEL, old, nil)
			}
			known = false
		})
		if err == nil || !s.gone() {
			err = k.c.gate.register(s, k.slot, known)
		}
		if err == nil {
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
