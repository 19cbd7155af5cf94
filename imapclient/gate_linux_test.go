package imapclient_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imaptest"
)

// parkOne has a connection wait in a Poller, again and again, and returns when it is a mere file descriptor.
func parkOne(t *testing.T, secure bool) (*imapclient.Poller, *imaptest.Server, *imapclient.Conn) {
	t.Helper()
	p := newPoller(t)
	s, conns := parkedServer(t, secure, 1, func(int, imap.Response) {})
	all := &crowd{conns: conns}
	all.waitOn(p, 0, func(error) {})
	eventually(t, "it is never a mere file descriptor", func() bool { return imapclient.Detached(conns[0]) })
	return p, s, conns[0]
}

func TestAConnectionThatWaitsIsAFileDescriptor(t *testing.T) {
	for name, secure := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			p, s, c := parkOne(t, secure)
			peer := c.RemoteAddr().String()
			if peer != s.Addr().String() {
				t.Errorf("the peer is %s, want %s", peer, s.Addr())
			}
			before := openFiles(t)
			for range 20 {
				if err := c.Noop(t.Context()); err != nil {
					t.Fatal(err)
				}
				eventually(t, "after a command it is never a mere file descriptor", func() bool { return imapclient.Detached(c) })
			}
			if now := openFiles(t); now != before {
				t.Errorf("%d files are open, before %d", now, before)
			}
			if n := polled(t, p); n != 2 { // and one to see whether it is still there
				t.Errorf("the Poller waits for %d files, want 2", n)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			if now := openFiles(t); now >= before {
				t.Errorf("%d files are open after Close, before %d", now, before)
			}
			if peer := c.RemoteAddr().String(); peer != s.Addr().String() {
				t.Errorf("after Close the peer is %s, want %s", peer, s.Addr())
			}
		})
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

// polled returns how many files p waits for.
func polled(t *testing.T, p *imapclient.Poller) int {
	t.Helper()
	info, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", p.EpollFD()))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(info), "tfd:")
}

// What was a file descriptor has deadlines again, and TLS survives them.
func TestACommandOfAConnectionThatWaitedCanBeCancelled(t *testing.T) {
	for name, secure := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			_, s, c := parkOne(t, secure)
			goOn := make(chan struct{})
			s.SetOnCommand(func(cmd imaptest.Command) imaptest.Verdict {
				if cmd.Name == "CHECK" {
					return imaptest.DelayUntil(goOn)
				}
				return imaptest.Pass
			})
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if err := c.Check(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a command that is not answered: %v", err)
			}
			close(goOn)
			if err := c.Noop(t.Context()); err != nil {
				t.Errorf("the next command: %v", err)
			}
		})
	}
}

// A connection that comes to rest when there is no file descriptor left keeps what it has; one that rests already needs none
// to go on.
func TestWithoutFileDescriptorsConnectionsGoOn(t *testing.T) {
	_, _, c := parkOne(t, true)
	restore := noMoreFiles(t)
	defer restore()
	for range 3 {
		if err := c.Noop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if imapclient.Detached(c) {
		t.Error("it has got a file descriptor")
	}
	restore()
	if err := c.Noop(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is not detached again", func() bool { return imapclient.Detached(c) })
}

// This fails with a release of Go whose crypto/tls has other fields: see tlsBuffers.
func TestAConnectionThatWaitsHasNoTLSBuffers(t *testing.T) {
	p := newPoller(t)
	_, conns := parkedServer(t, true, 1, func(int, imap.Response) {})
	c := conns[0]
	if size := imapclient.TLSBufferSize(c); size < 1000 {
		t.Errorf("an active connection has buffers of %d bytes", size)
	}
	(&crowd{conns: conns}).waitOn(p, 0, func(error) {})
	for range 2 {
		eventually(t, "it keeps its buffers", func() bool { return imapclient.Detached(c) && imapclient.TLSBufferSize(c) == 0 })
		if err := c.Noop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// The first thing that a connection does after a wait is a write, and a server that does not read must not hold it up.
func TestTheFirstWriteAfterAWaitHasADeadline(t *testing.T) {
	ours, theirs, err := socketPair()
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	go func() { // and reads nothing after IDLE
		_, _ = io.WriteString(theirs, "* PREAUTH [CAPABILITY IMAP4rev1 IDLE] hello\r\n")
		_, _ = bufio.NewReader(theirs).ReadString('\n')
		_, _ = io.WriteString(theirs, "+ idling\r\n")
	}()
	again := onceMore(t, ours)
	o := plain()
	o.AllowPreauth, o.CommandTimeout = true, 300*time.Millisecond
	var idles atomic.Bool
	o.Observer = func(r imap.Response) {
		if _, ok := r.(*imap.Continuation); ok {
			idles.Store(true)
		}
	}
	c, err := imapclient.New(t.Context(), ours, o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	all := &crowd{conns: []*imapclient.Conn{c}}
	all.waitOn(newPoller(t), 0, func(error) {})
	eventually(t, "it is never a mere file descriptor", func() bool { return idles.Load() && imapclient.Detached(c) })
	fill(t, again)
	ended := make(chan error, 1)
	go func() { ended <- c.Noop(t.Context()) }()
	select {
	case err := <-ended:
		if _, ok := errors.AsType[*imapclient.TimeoutError](err); !ok {
			t.Errorf("got %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("the write has no end")
	}
}
