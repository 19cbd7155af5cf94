// Package execsink runs a command for each event: see package hook for what the command gets.
package execsink

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/pushmail/pushmail/event"
	"github.com/pushmail/pushmail/internal/hook"
	"github.com/pushmail/pushmail/internal/sink"
)

// Options are what [New] needs. Argv must be there.
type Options struct {
	// Argv is the program and its arguments; no shell takes part.
	Argv []string
	// Dir is where it runs. Empty means here.
	Dir string
	// Env is its environment besides PUSHMAIL_*. It should hold no secrets that are not for it.
	Env []string
	// Timeout is how long it may run, then it is killed with its children. Zero means 30 s.
	Timeout time.Duration
	// Concurrency is how many run at a time. Zero means 4.
	Concurrency int
	// Grace is how long it may go on after it was asked to end. Zero means 5 s.
	Grace time.Duration
	// Logger is told what commands print. nil is silent.
	Logger *slog.Logger
}

// Sink runs commands.
type Sink struct{ o Options }

// New checks that there is such a program.
func New(o Options) (*Sink, error) {
	if len(o.Argv) == 0 || o.Argv[0] == "" {
		return nil, errors.New("no command")
	}
	if _, err := exec.LookPath(o.Argv[0]); err != nil {
		return nil, fmt.Errorf("cannot run %s: %w", o.Argv[0], errors.Unwrap(err))
	}
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Concurrency <= 0 {
		o.Concurrency = 4
	}
	if o.Grace <= 0 {
		o.Grace = 5 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Sink{o}, nil
}

// Limits implements [sink.Sink]. The command is ended by its own timeout, before the call is.
func (s *Sink) Limits() sink.Limits {
	return sink.Limits{Concurrency: s.o.Concurrency, Timeout: s.o.Timeout + 2*s.o.Grace}
}

// Send implements [sink.Sink]. Exit status 0 is OK, 75 (EX_TEMPFAIL) and what is not the command's own decision is Retry (no such program, out of
// time, killed), every other status is Never.
func (s *Sink) Send(ctx context.Context, batch []sink.Delivery) []sink.Result {
	out := make([]sink.Result, 0, len(batch))
	for _, d := range batch {
		r := s.run(ctx, d)
		out = append(out, r)
		if r.Outcome == sink.Retry {
			break
		}
	}
	return out
}

// Close implements [sink.Sink].
func (s *Sink) Close() error { return nil }

func (s *Sink) run(ctx context.Context, d sink.Delivery) sink.Result {
	var ev event.Event
	if err := json.Unmarshal(d.JSON, &ev); err != nil {
		return sink.Result{Outcome: sink.Never, Err: err}
	}
	var printed tail
	c := hook.Command{Argv: s.o.Argv, Dir: s.o.Dir, Timeout: s.o.Timeout, Grace: s.o.Grace, Stdout: &printed, Stderr: &printed}
	env := append(append([]string(nil), s.o.Env...), hook.Env(&ev, nil)...)
	err := c.Run(ctx, append(append([]byte(nil), d.JSON...), '\n'), env)
	last, text := printed.lastLine(), printed.String()
	log := s.o.Logger.With("command", s.o.Argv[0], "event", d.ID)
	if err == nil {
		if text != "" {
			log.Debug("a command printed something", "output", text)
		}
		return sink.Result{Outcome: sink.OK}
	}
	log.Warn("a command failed", "err", err, "output", text)
	outcome := sink.Retry
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		err = fmt.Errorf("%s ended with status %d", s.o.Argv[0], exit.ExitCode())
		if exit.ExitCode() != hook.TempFail {
			outcome = sink.Never
		}
	} else {
		err = fmt.Errorf("%s: %w", s.o.Argv[0], err)
	}
	if last != "" {
		err = fmt.Errorf("%w: %s", err, last)
	}
	return sink.Result{Outcome: outcome, Err: err}
}

// maxOutput is how much of what a command prints is kept: the end of it.
const maxOutput = 4 << 10

// tail keeps the end of what is written. It is safe for two writers.
type tail struct {
	mu   sync.Mutex
	text []byte // guarded by mu
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(p)
	if n > maxOutput {
		p = p[n-maxOutput:]
	}
	t.text = append(t.text, p...)
	if over := len(t.text) - maxOutput; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return n, nil
}

// String returns what was kept, without control characters besides line ends.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(string(bytes.TrimSpace(t.text)), "?"))
}

// lastLine returns the last line, at most 200 bytes of it.
func (t *tail) lastLine() string {
	text := t.String()
	text = text[strings.LastIndexByte(text, '\n')+1:]
	return strings.ToValidUTF8(text[:min(len(text), 200)], "")
}
