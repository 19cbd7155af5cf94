package imapclient_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushmail/pushmail/imapclient"
)

// The time of the caller is over while a NOOP is on its way: cutting it off would cost the
// connection. A server that does not take it is given up.
func TestTheEndOfAWaitDoesNotCutItsOwnLine(t *testing.T) {
	for _, slow := range []time.Duration{0, time.Second / 2, 3 * time.Second} {
		t.Run(fmt.Sprint(slow), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ours, theirs := net.Pipe()
				gone := make(chan struct{})
				go func() {
					defer close(gone)
					pollServer(theirs, slow)
				}()
				defer func() {
					theirs.Close()
					<-gone
				}()
				o := plain()
				o.PollInterval = time.Minute
				c, err := imapclient.New(t.Context(), ours, o)
				if err == nil {
					err = c.Login(t.Context(), "jo", "secret")
				}
				if err != nil {
					t.Error(err)
					return
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute+time.Second/10)
				defer cancel()
				began := time.Now()
				err = c.Wait(ctx)
				if d := time.Since(began) - time.Minute; d > 1100*time.Millisecond {
					t.Errorf("Wait returned %v after its time", d)
				}
				if alive := c.Err() == nil; alive != (slow < time.Second) {
					t.Errorf("Wait: %v; the connection: %v", err, c.Err())
				} else if alive && c.Noop(t.Context()) != nil {
					t.Errorf("Wait: %v; a command after it: %v", err, c.Err())
				}
				c.Close()
			})
		})
	}
}

// pollServer answers each command with OK. It takes the second only when it is slow beyond the minute.
func pollServer(nc net.Conn, slow time.Duration) {
	fmt.Fprint(nc, "* OK [CAPABILITY IMAP4rev1] ready\r\n")
	lines := bufio.NewReaderSize(nc, 16)
	for n := 0; ; n++ {
		if n == 1 {
			time.Sleep(time.Minute + slow)
		}
		line, err := lines.ReadString('\n')
		tag, _, ok := strings.Cut(line, " ")
		if err != nil || !ok {
			return
		}
		fmt.Fprintf(nc, "%s OK [CAPABILITY IMAP4rev1] done\r\n", tag)
	}
}
