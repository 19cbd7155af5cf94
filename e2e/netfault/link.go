package netfault

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// link is one forwarded connection.
type link struct {
	proxy          *Proxy
	client, server *net.TCPConn
	holes          atomic.Int32  // directions that are swallowed
	ended          chan struct{} // closed by cut
	once           sync.Once     // for ended
}

func newLink(p *Proxy, client, server *net.TCPConn) *link {
	return &link{proxy: p, client: client, server: server, ended: make(chan struct{})}
}

// run forwards both directions until both have ended.
func (l *link) run() {
	var pumps sync.WaitGroup
	pumps.Go(func() { l.pump(ToServer, l.server, l.client, &l.proxy.toServer) })
	pumps.Go(func() { l.pump(ToClient, l.client, l.server, &l.proxy.fromServer) })
	pumps.Wait()
	l.client.Close()
	l.server.Close()
	l.proxy.drop(l)
}

// pump forwards one direction. The end of the source is passed on, unless a black hole swallows it too.
func (l *link) pump(d Direction, to, from *net.TCPConn, count *atomic.Int64) {
	buf := make([]byte, 16<<10)
	for {
		n, err := from.Read(buf[:l.piece(len(buf))])
		if n > 0 && !l.swallows(d) {
			l.wait(n)
		}
		if l.swallows(d) { // asked again: it may have opened while waiting
			if err != nil {
				<-l.ended
				return
			}
			continue
		}
		if n > 0 {
			count.Add(int64(n)) // before it is written: whoever has read it finds it counted
			if _, werr := to.Write(buf[:n]); werr != nil {
				l.cut() // nobody will read the rest
				return
			}
		}
		if err != nil {
			_ = to.CloseWrite()
			return
		}
	}
}

// piece is how much to read at once: a tenth of a second's worth when throttled.
func (l *link) piece(most int) int {
	if _, rate := l.proxy.pace(); rate > 0 {
		return min(most, max(1, rate/10))
	}
	return most
}

// wait holds n bytes back as long as Delay and Throttle ask for; a cut ends it.
func (l *link) wait(n int) {
	delay, rate := l.proxy.pace()
	if rate > 0 {
		delay += time.Duration(n) * time.Second / time.Duration(rate)
	}
	if delay == 0 {
		return
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.ended:
	}
}

func (l *link) swallow(d Direction)       { l.holes.Or(int32(d)) }
func (l *link) swallows(d Direction) bool { return Direction(l.holes.Load())&d != 0 }

func (l *link) cut() {
	l.once.Do(func() {
		close(l.ended)
		reset(l.client)
		reset(l.server)
	})
}

func (l *link) halfClose(d Direction) {
	if d&ToServer != 0 {
		_ = l.server.CloseWrite()
	}
	if d&ToClient != 0 {
		_ = l.client.CloseWrite()
	}
}

// reset closes with RST instead of FIN.
func reset(c *net.TCPConn) {
	_ = c.SetLinger(0)
	_ = c.Close()
}
