package crowd

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
)

// bare is the least that has to be done: a goroutine reads.
type bare struct {
	*Setup
	fetch   bool
	running sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn
}

func newBare(s *Setup) subject      { return &bare{Setup: s} }
func newBareFetch(s *Setup) subject { return &bare{Setup: s, fetch: true} }

func (b *bare) open(ctx context.Context) error {
	return b.each(ctx, func(ctx context.Context, user int) error {
		nc, err := b.dial(ctx)
		if err != nil {
			return err
		}
		b.mu.Lock()
		b.conns = append(b.conns, nc)
		b.mu.Unlock()
		buf := make([]byte, 512)
		for _, command := range []string{"", "LOGIN " + strconv.Itoa(user) + " x", "EXAMINE INBOX"} {
			want := []byte("* OK")
			if command != "" {
				want = []byte("a OK")
				if _, err := io.WriteString(nc, "a "+command+"\r\n"); err != nil {
					return err
				}
			}
			if err := until(nc, buf, want); err != nil {
				return err
			}
		}
		idling := make(chan error)
		b.running.Go(func() { b.loop(nc, user, idling) })
		return <-idling
	})
}

func (b *bare) dial(ctx context.Context) (net.Conn, error) {
	if b.TLS == nil {
		return (&net.Dialer{}).DialContext(ctx, "tcp", b.Addr)
	}
	return (&tls.Dialer{Config: b.TLS}).DialContext(ctx, "tcp", b.Addr)
}

// until reads until something was read that has want in it.
func until(nc net.Conn, buf, want []byte) error {
	for {
		n, err := nc.Read(buf)
		if err != nil {
			return err
		}
		if bytes.Contains(buf[:n], want) {
			return nil
		}
	}
}

func (b *bare) loop(nc net.Conn, user int, idling chan<- error) {
	buf := make([]byte, 512)
	_, err := io.WriteString(nc, "b IDLE\r\n")
	if err == nil {
		err = until(nc, buf, []byte("+ "))
	}
	idling <- err
	for err == nil {
		var n int
		if n, err = nc.Read(buf); err != nil {
			return
		}
		if !bytes.Contains(buf[:n], []byte(" EXISTS")) {
			continue
		}
		var uid uint32
		_, _ = fmt.Sscanf(string(buf[:n]), "* %d EXISTS", &uid)
		if b.fetch {
			_, err = fmt.Fprintf(nc, "DONE\r\nc UID FETCH %d (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)\r\n", uid)
			if err == nil {
				err = until(nc, make([]byte, 4096), []byte("ENVELOPE"))
			}
		}
		b.heard(user, uid)
		if b.fetch && err == nil {
			_, err = io.WriteString(nc, "b IDLE\r\n")
		}
	}
}

func (b *bare) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, nc := range b.conns {
		_ = nc.Close()
	}
	b.running.Wait()
}
