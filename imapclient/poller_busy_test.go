package imapclient_test

import (
	"errors"
	"io"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
)

// While a command runs on a connection it is nobody's worker, whatever it is told; after that it waits again.
func TestABusyConnectionTakesNoWorker(t *testing.T) {
	p, err := imapclient.NewPoller(&imapclient.PollerOptions{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var inCommand atomic.Bool
	goOn := make(chan struct{})
	busy := newCrowd(t, 1, func(int) {
		if inCommand.Load() {
			<-goOn // the rest of what the server says is there to be read
		}
	})
	other := newCrowd(t, 1, nobody)
	busy.waitOn(p, 0, func(error) {})
	other.waitOn(p, 0, func(error) {})
	busy.all(t, "nothing is heard", 1)
	other.all(t, "nothing is heard", 1)
	inCommand.Store(true)
	done := make(chan error, 1)
	go func() {
		_, err := busy.conns[0].Status(t.Context(), "slow", imap.StatusMessages)
		done <- err
	}()
	eventually(t, "the command does not hear", func() bool { return busy.heard[0].Load() == 2 })
	for times := range int64(3) {
		if err := busy.push(0); err != nil {
			t.Fatal(err)
		}
		other.all(t, "next to a command another connection does not hear", times+2)
	}
	close(goOn)
	if err := <-done; err != nil {
		t.Error(err)
	}
	busy.all(t, "after the command not all is heard", 6)
}

// signalOn is a writer of a Trace that tells when something is written.
type signalOn struct {
	what string
	seen chan struct{}
}

func (s signalOn) Write(b []byte) (int, error) {
	if strings.Contains(string(b), s.what) {
		s.seen <- struct{}{}
	}
	return len(b), nil
}

// The end of a wait leaves a line that is being written its second, and the connection alive.
func TestAnEndOfAWaitLeavesItsLineTheGrace(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("Conn.Wait has its own test")
	}
	for range 5 {
		read := make(chan struct{})
		c := newCrowdOf(t, 0, nobody, nil)
		ours, theirs, err := socketPair()
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			_, _ = io.WriteString(theirs, "* PREAUTH [CAPABILITY IMAP4rev1 IDLE] hello\r\n")
			<-read
			_, _ = io.Copy(io.Discard, theirs)
		}()
		writing := signalOn{"IDLE", make(chan struct{}, 1)}
		o := plain()
		o.AllowPreauth, o.Trace = true, &imapclient.Trace{W: writing}
		conn, err := imapclient.New(t.Context(), ours, o)
		if err != nil {
			t.Fatal(err)
		}
		select {
		case <-writing.seen: // the greeting has the word, too
		default:
		}
		c.conns = append(c.conns, conn)
		fill(t, ours)
		p := newPoller(t)
		why := errors.New("enough")
		done := make(chan error, 1)
		stop := p.Wait(conn, time.Time{}, func(err error) { done <- err })
		<-writing.seen
		began := time.Now()
		stop(why)
		close(read)
		if err := <-done; !errors.Is(err, why) {
			t.Errorf("got %v", err)
		}
		took, closed := time.Since(began), conn.Err()
		_ = theirs.Close()
		_ = conn.Close()
		if closed == nil {
			return
		}
		if took < time.Second {
			t.Fatalf("after %v the connection is %v", took, closed)
		}
	}
	t.Error("the server read at once, but the connection is closed each time")
}

// What stops a wait stops no other.
func TestAnOldStopEndsNothing(t *testing.T) {
	c := newCrowd(t, 1, nobody)
	p := newPoller(t)
	first, second := make(chan error, 2), make(chan error, 2)
	old := p.Wait(c.conns[0], time.Time{}, func(err error) { first <- err })
	c.all(t, "nothing is heard", 1)
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	p.Wait(c.conns[0], time.Time{}, func(err error) { second <- err })
	old(errors.New("too late"))
	c.all(t, "nothing is heard any more", 2)
	if err := <-second; err != nil {
		t.Errorf("got %v", err)
	}
	if len(first) > 0 {
		t.Error("done of the first was called twice")
	}
}

// A connection that waits in one Poller, then in another, and then in the first again, owns no goroutine there either.
func TestAConnectionChangesItsPoller(t *testing.T) {
	c := newCrowd(t, 1, nobody)
	one, other := newPoller(t), newPoller(t)
	before := runtime.NumGoroutine()
	done := make(chan error, 1)
	wait := func(p *imapclient.Poller) { p.Wait(c.conns[0], time.Time{}, func(err error) { done <- err }) }
	for times, p := range []*imapclient.Poller{one, other, one, other} {
		wait(p)
		c.all(t, "nothing is heard", int64(times)+1)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	wait(one)
	if runtime.GOOS == "linux" {
		eventually(t, "there are goroutines", func() bool { return runtime.NumGoroutine() <= before+2 })
	}
}
