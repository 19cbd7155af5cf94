package imapclient_test

import (
	"bufio"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imaptest"
)

// rekeyed is a parked connection over TLS whose server asks for new keys.
type rekeyed struct {
	c     *imapclient.Conn
	ours  net.Conn
	end   *rekeying
	heard atomic.Int64
	idles chan struct{} // a "+" has come
}

// newRekeyed makes one; serve is given the server's end.
func newRekeyed(t *testing.T, serve func(net.Conn)) *rekeyed {
	t.Helper()
	server := imaptest.NewServer(nil) // for its certificate
	defer server.Close()
	ours, theirs, err := socketPair()
	if err != nil {
		t.Fatal(err)
	}
	r := &rekeyed{ours: onceMore(t, ours), idles: make(chan struct{}, 100)}
	ready, served := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(served)
		r.end = newRekeying(t, theirs, server.ServerTLSConfig())
		close(ready)
		serve(r.end)
	}()
	r.c, err = imapclient.New(t.Context(), ours, &imapclient.Options{Addr: "127.0.0.1", TLSConfig: server.TLSConfig(), Observer: func(resp imap.Response) {
		switch resp.(type) {
		case imap.Exists:
			r.heard.Add(1)
		case *imap.Continuation:
			r.idles <- struct{}{}
		}
	}})
	if err != nil {
		_ = theirs.Close()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = r.c.Close()
		_ = theirs.Close()
		<-served
	})
	<-ready
	return r
}

// push has the server ask for new keys and then say something.
func (r *rekeyed) push(t *testing.T) {
	t.Helper()
	if err := r.end.newKeys(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(r.end, "* 4 EXISTS\r\n"); err != nil {
		t.Fatal(err)
	}
}

// The answer to a request for new keys is written in the middle of a read, and what is sent after it has new keys.
func TestAParkedConnectionIsAskedForNewKeys(t *testing.T) {
	all := &crowd{}
	r := newRekeyed(t, all.serve)
	p := newPoller(t)
	all.conns = []*imapclient.Conn{r.c}
	all.waitOn(p, 0, func(error) {})
	for times := range int64(3) {
		r.push(t)
		eventually(t, "after new keys nothing is heard", func() bool { return r.heard.Load() == times+1 })
		if err := r.c.Noop(t.Context()); err != nil {
			t.Fatalf("a command with new keys: %v", err)
		}
	}
}

// A server that asks for new keys and does not read the answer holds up the only worker for a second only. What it
// says after that cannot be read any more.
func TestAnswersToNewKeysAreNotRead(t *testing.T) {
	p, err := imapclient.NewPoller(&imapclient.PollerOptions{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	end := make(chan struct{})
	all := newCrowd(t, 1, nobody)
	r := newRekeyed(t, func(nc net.Conn) {
		_, _ = io.WriteString(nc, "* PREAUTH [CAPABILITY IMAP4rev1 IDLE] hello\r\n")
		_, _ = bufio.NewReader(nc).ReadString('\n')
		_, _ = io.WriteString(nc, "+ idling\r\n")
		<-end // and reads no more
	})
	defer close(end)
	all.conns = append(all.conns, r.c)
	over := make(chan error, 1)
	all.waitOn(p, 0, func(error) {})
	all.waitOn(p, 1, func(err error) { over <- err })
	<-r.idles
	fill(t, r.ours)
	r.push(t)
	select {
	case err := <-over:
		if r.c.Err() == nil {
			t.Errorf("the connection is alive: %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("it waits for a write that cannot end")
		_ = r.c.Close()
	}
	all.all(t, "the other is not heard", 1)
}
