package imapclient_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imaptest"
)

// exchange is a command as a client method runs it, and what a server answers. A method that is not in
// everyCommand has not been cancelled at every byte.
type exchange struct {
	name   string
	caps   string // besides what every row has
	state  string // "": authenticated; "selected", "new": not logged in
	script string // as for imaptest.Transcript
	do     func(ctx context.Context, c *imapclient.Conn) error
}

// start is what comes before the script of a row.
func (x *exchange) start() string {
	caps := "[CAPABILITY IMAP4rev1 SASL-IR ENABLE UIDPLUS " + x.caps + "]"
	switch x.state {
	case "new":
		return "S: * OK " + caps + " hello\n"
	case "selected":
		return "S: * PREAUTH " + caps + " hello\nC: P1 SELECT INBOX\nS: * 3 EXISTS\nS: P1 OK [READ-WRITE] done\n"
	}
	return "S: * PREAUTH " + caps + " hello\n"
}

// open makes the connection on which the command is to run.
func (x *exchange) open(t *testing.T, nc net.Conn) *imapclient.Conn {
	o := plain()
	o.AllowPreauth = true
	c, err := imapclient.New(t.Context(), nc, o)
	if err == nil && x.state == "selected" {
		_, err = c.Select(t.Context(), "INBOX", nil)
	}
	if err != nil {
		t.Errorf("before the command: %v", err)
		return nil
	}
	return c
}

// recorder notes what goes to and fro after mark.
type recorder struct {
	net.Conn
	mu    sync.Mutex
	on    bool
	turns []turn
}

// turn is a run of bytes that one side sends.
type turn struct {
	client bool
	data   []byte
}

func (r *recorder) note(client bool, p []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch k := len(r.turns) - 1; {
	case !r.on || len(p) == 0:
	case k >= 0 && r.turns[k].client == client:
		r.turns[k].data = append(r.turns[k].data, p...)
	default:
		r.turns = append(r.turns, turn{client, bytes.Clone(p)})
	}
}

func (r *recorder) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	r.note(false, p[:n])
	return n, err
}

func (r *recorder) Write(p []byte) (int, error) {
	n, err := r.Conn.Write(p)
	r.note(true, p[:n])
	return n, err
}

// record runs the exchange to its end and returns who sent what.
func (x *exchange) record(t *testing.T) []turn {
	var rec *recorder
	imaptest.Transcript(t, x.start()+x.script, func(t *testing.T, nc net.Conn) {
		rec = &recorder{Conn: nc}
		c := x.open(t, rec)
		if c == nil {
			return
		}
		rec.on = true
		if err := x.do(t.Context(), c); err != nil {
			t.Errorf("%s: %v", x.name, err)
		}
		rec.on = false
		c.Close()
	})
	return rec.turns
}

// A context that ends after any byte of any command leaves a connection that can be used, or one that is
// closed and says why; in either case at once.
func TestCancellationAtEveryByteOfEveryCommand(t *testing.T) {
	for _, x := range everyCommand {
		t.Run(x.name, func(t *testing.T) {
			turns := x.record(t)
			if t.Failed() || len(turns) == 0 {
				t.Fatal("the command does not run to its end")
			}
			total := 0
			for _, u := range turns {
				total += len(u.data)
			}
			step := 1
			if testing.Short() {
				step = 13
			}
			usable := 0
			for k := 0; k < total; k += step {
				synctest.Test(t, func(t *testing.T) {
					if x.cancelAfter(t, turns, k) {
						usable++
					}
				})
				if t.Failed() {
					t.Fatalf("cancelled after byte %d of %d: %s", k, total, excerptOf(turns, k))
				}
			}
			t.Logf("usable after %d of %d cancellations", usable, (total+step-1)/step)
		})
	}
}

// excerptOf shows where byte k is.
func excerptOf(turns []turn, k int) string {
	var b strings.Builder
	for _, u := range turns {
		who := "S: "
		if u.client {
			who = "C: "
		}
		n := min(k, len(u.data))
		fmt.Fprintf(&b, "\n%s%q", who, u.data[:n])
		if n < len(u.data) {
			fmt.Fprintf(&b, " <- here, before %q", u.data[n:])
			break
		}
		k -= n
	}
	return b.String()
}

// cancelAfter plays the first k bytes, ends the context, and sees what the connection is good for. It
// reports whether that is another command.
func (x *exchange) cancelAfter(t *testing.T, turns []turn, k int) (usable bool) {
	theirs, ours := net.Pipe()
	defer ours.Close()
	ready := make(chan *imapclient.Conn)
	go func() { ready <- x.open(t, theirs) }()
	for line := range strings.Lines(x.start()) {
		if text, ok := strings.CutPrefix(line, "S: "); ok {
			_, _ = io.WriteString(ours, strings.TrimSuffix(text, "\n")+"\r\n")
		} else {
			readLine(ours)
		}
	}
	c := <-ready
	if c == nil {
		return false
	}
	defer c.Close()
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	returned := make(chan error, 1)
	go func() { returned <- x.do(ctx, c) }()

	sent, rest := playUntil(ours, turns, k)
	synctest.Wait()
	cancel(why)
	start := time.Now()
	err := <-returned
	most := time.Duration(0)
	if x.name == "Wait" {
		most = time.Second // for a line of its own
	}
	if took := time.Since(start); took > most {
		t.Errorf("it took %v to return", took)
	}
	if err == nil {
		return c.Err() == nil // it was over already: the last bytes were not waited for
	}
	if !errors.Is(err, why) {
		t.Errorf("error %v, want the cause of the context", err)
	}
	if c.Err() != nil {
		if !errors.Is(c.Err(), why) || !errors.Is(c.Err(), net.ErrClosed) {
			t.Errorf("closed with %v, want the cause of the context", c.Err())
		}
		return false
	}
	if imapclient.SafeToRetry(err) != (sent == 0) {
		t.Errorf("after %d bytes of commands: safe to retry is %v", sent, imapclient.SafeToRetry(err))
	}
	first, _, _ := bytes.Cut(turns[0].data, []byte(" "))
	x.usable(t, c, ours, rest, string(first))
	return true
}

// playUntil is the server's side of the first k bytes. It returns how many of them came from the client, and
// what remains of the server's answer to what the client has sent.
func playUntil(nc net.Conn, turns []turn, k int) (sent int, rest []byte) {
	for _, u := range turns {
		n := min(k, len(u.data))
		k -= n
		if u.client {
			got, _ := io.ReadFull(nc, make([]byte, n))
			sent += got
		} else {
			_, _ = nc.Write(u.data[:n])
		}
		if n < len(u.data) {
			if !u.client {
				rest = u.data[n:]
			}
			return sent, rest
		}
	}
	return sent, nil
}

// usable sends another command, whatever the server had still to say. DONE ends the command that tag began.
func (x *exchange) usable(t *testing.T, c *imapclient.Conn, nc net.Conn, rest []byte, tag string) {
	done := make(chan error, 1)
	go func() { done <- c.Noop(t.Context()) }()
	told := make(chan struct{})
	go func() {
		defer close(told)
		_, _ = nc.Write(rest) // the server does not stop to read for that
	}()
	go func() {
		for {
			line, err := readLine(nc)
			if err != nil {
				return
			}
			if line != "DONE" {
				tag, _, _ = strings.Cut(line, " ")
			}
			<-told
			_, _ = io.WriteString(nc, tag+" OK done\r\n")
		}
	}()
	if err := <-done; err != nil {
		t.Errorf("the next command: %v", err)
	}
	nc.Close()
}

// readLine reads a line without reading ahead.
func readLine(nc net.Conn) (string, error) {
	var line []byte
	for {
		var b [1]byte
		if _, err := io.ReadFull(nc, b[:]); err != nil {
			return "", err
		}
		if b[0] == '\n' {
			return strings.TrimSuffix(string(line), "\r"), nil
		}
		line = append(line, b[0])
	}
}
