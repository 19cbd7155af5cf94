package latency

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

// patience bounds each wait.
const patience = 10 * time.Second

// Watcher is a running program that prints lines about the mailbox of a server.
type Watcher struct {
	Name string

	server *Server
	cmd    *exec.Cmd
	lines  chan line
	took   []time.Duration
}

type line struct {
	text string
	at   time.Time
}

// Start starts a program. Its stdout is read; its stderr is the caller's to set.
func Start(name string, s *Server, cmd *exec.Cmd) (*Watcher, error) {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	w := &Watcher{Name: name, server: s, cmd: cmd, lines: make(chan line, 64)}
	go w.read(out)
	return w, nil
}

func (w *Watcher) read(out io.Reader) {
	defer close(w.lines)
	r := bufio.NewReaderSize(out, 1<<20)
	for {
		text, err := r.ReadString('\n')
		at := time.Now()
		if err != nil {
			return
		}
		w.lines <- line{text, at}
	}
}

// Stop ends the program and its server.
func (w *Watcher) Stop() {
	_ = w.cmd.Process.Kill()
	for range w.lines {
	}
	_ = w.cmd.Wait()
	_ = w.server.Close()
}

// Took is how long each push took, in order.
func (w *Watcher) Took() []time.Duration { return w.took }

// Measure delivers n messages to each watcher, in turn, and times them. A message is delivered when the watcher idles again.
func Measure(ctx context.Context, n int, watchers ...*Watcher) error {
	for i := range n {
		for _, w := range watchers {
			if err := w.measure(ctx, i); err != nil {
				return fmt.Errorf("%s, push %d: %w", w.Name, i+1, err)
			}
		}
	}
	return nil
}

func (w *Watcher) measure(ctx context.Context, i int) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errors.New("nothing came in time"))
	defer cancel()
	select {
	case <-w.server.idle:
	case <-ctx.Done():
		return fmt.Errorf("waiting for IDLE: %w", context.Cause(ctx))
	}
	// Let both sides come to rest, as they are when mail arrives.
	time.Sleep(5 * time.Millisecond)
	select {
	case <-w.server.said: // what SELECT said
	default:
	}
	subject := fmt.Sprintf("push %d of many", i)
	w.server.inbox.Append(message(subject))
	for {
		select {
		case l, ok := <-w.lines:
			if !ok {
				return errors.New("the program has ended")
			}
			if strings.Contains(l.text, subject) {
				w.took = append(w.took, l.at.Sub(<-w.server.said))
				return nil
			}
		case <-ctx.Done():
			return fmt.Errorf("waiting for the event: %w", context.Cause(ctx))
		}
	}
}

// message is a mail of an ordinary kind.
func message(subject string) []byte {
	return []byte(strings.ReplaceAll(`From: Jo Doe <jo@example.org>
To: Ann Other <ann@example.com>, Bo <bo@example.net>
Subject: `+subject+`
Date: Sun, 22 Nov 2026 10:00:00 +0000
Message-ID: <`+strings.ReplaceAll(subject, " ", ".")+`@example.org>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b1

--b1
Content-Type: text/plain; charset=utf-8

Hello, this is about tomorrow.
--b1
Content-Type: application/pdf; name=a.pdf
Content-Disposition: attachment; filename=a.pdf
Content-Transfer-Encoding: base64

JVBERi0xLjQK
--b1--
`, "\n", "\r\n"))
}
