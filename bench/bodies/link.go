package bodies

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// link is a proxy that is far away: whatever comes is handed on after delay, in both directions, in its
// order and without a limit of how much is on its way.
type link struct {
	listener net.Listener
	target   string
	delay    time.Duration
	wg       sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn
}

func newLink(target string, delay time.Duration) (*link, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	far := &link{listener: l, target: target, delay: delay}
	far.wg.Go(far.accept)
	return far, nil
}

func (l *link) addr() string { return l.listener.Addr().String() }

func (l *link) accept() {
	for {
		near, err := l.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", l.target)
		if err != nil {
			near.Close()
			continue
		}
		l.mu.Lock()
		l.conns = append(l.conns, near, far)
		l.mu.Unlock()
		l.wg.Go(func() { l.carry(near, far) })
		l.wg.Go(func() { l.carry(far, near) })
	}
}

// piece is data that is due at a time.
type piece struct {
	data []byte
	due  time.Time
}

// carry takes data from one end to the other.
func (l *link) carry(from, to net.Conn) {
	onTheWay := make(chan piece, 1<<14)
	var wg sync.WaitGroup
	wg.Go(func() {
		defer to.Close()
		for p := range onTheWay {
			time.Sleep(time.Until(p.due))
			if _, err := to.Write(p.data); err != nil {
				from.Close()
			}
		}
	})
	for {
		buf := make([]byte, 32<<10)
		n, err := from.Read(buf)
		if n > 0 {
			onTheWay <- piece{buf[:n], time.Now().Add(l.delay)}
		}
		if err != nil {
			break
		}
	}
	close(onTheWay)
	wg.Wait()
}

// close ends the proxy and all that goes through it.
func (l *link) close() error {
	err := l.listener.Close()
	l.mu.Lock()
	for _, c := range l.conns {
		if e := c.Close(); e != nil && !errors.Is(e, net.ErrClosed) && !errors.Is(e, io.EOF) {
			err = errors.Join(err, e)
		}
	}
	l.mu.Unlock()
	l.wg.Wait()
	return err
}
