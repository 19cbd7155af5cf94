package pushmail

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pushmail/pushmail/e2e/process"
)

// Options say how to run the program.
type Options struct {
	Args []string
	Env  []string // added to a nearly empty environment (PATH, HOME, TMPDIR)
	Text bool     // stdout is not events but text for people: see Stdout
	// StuckAfter is a reader that reads so many events and then no more until the program is gone: the pipe fills up. Zero is never.
	StuckAfter int
}

// Run is one run of the program.
type Run struct {
	proc   *process.Process
	stdout *output
	stderr *buffer
}

// Start runs the program; it is killed at the end of the test if it still runs then. A failed test shows what it said.
func Start(t testing.TB, o Options) *Run {
	t.Helper()
	r := &Run{stdout: newOutput(!o.Text, o.StuckAfter), stderr: new(buffer)}
	cmd := exec.Command(Binary(t), o.Args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + cmd.Dir, "TMPDIR=" + os.TempDir()}, o.Env...)
	cmd.Stdout, cmd.Stderr = r.stdout, r.stderr
	proc, err := process.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	r.proc = proc
	t.Cleanup(func() {
		r.Kill()
		if t.Failed() {
			t.Logf("pushmail %s\nstderr:\n%s\nstdout:\n%s", strings.Join(o.Args, " "), tail(r.Stderr(), 40), tail(r.Stdout(), 40))
		}
	})
	return r
}

// Events returns the events so far.
func (r *Run) Events() []Event {
	r.stdout.mu.Lock()
	defer r.stdout.mu.Unlock()
	return slices.Clone(r.stdout.events)
}

// WaitFor returns the first event, past ones included, that meets the condition. It fails the test when there is none within
// timeout, when the program ended without one, or when a line is no event; what says what was waited for.
func (r *Run) WaitFor(t testing.TB, timeout time.Duration, what string, condition func(Event) bool) Event {
	t.Helper()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	for from := 0; ; {
		ended := !r.proc.Running() // before looking, so that the last words are looked at too
		events, changed, err := r.stdout.since(from)
		if err != nil {
			t.Fatal(err)
		}
		if i := slices.IndexFunc(events, condition); i >= 0 {
			return events[i]
		}
		if ended {
			t.Fatalf("pushmail ended while waiting for %s", what)
		}
		from += len(events)
		select {
		case <-changed:
		case <-r.proc.Done():
		case <-timer.C:
			t.Fatalf("no %s within %v; events so far: %s", what, timeout, summary(r.Events()))
		}
	}
}

// WaitExit returns the exit code (-1: ended by a signal), or fails the test when the program still runs after timeout.
func (r *Run) WaitExit(t testing.TB, timeout time.Duration) int {
	t.Helper()
	code, err := r.proc.Wait(timeout)
	if err != nil {
		t.Fatalf("pushmail: %v", err)
	}
	return code
}

// Interrupt is Ctrl-C.
func (r *Run) Interrupt(t testing.TB) {
	t.Helper()
	r.Signal(t, os.Interrupt)
}

// Signal sends a signal.
func (r *Run) Signal(t testing.TB, sig os.Signal) {
	t.Helper()
	if err := r.proc.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// PID is the number of the process.
func (r *Run) PID() int { return r.proc.PID() }

// Stop interrupts the program and wants it to end well.
func (r *Run) Stop(t testing.TB) {
	t.Helper()
	r.Interrupt(t)
	if code := r.WaitExit(t, 10*time.Second); code != 0 {
		t.Fatalf("exit code %d after an interrupt, want 0", code)
	}
}

// Kill is kill -9. It returns when the program is gone and its last words are read.
func (r *Run) Kill() {
	_ = r.proc.Signal(os.Kill) // before a stuck reader reads on, so that the program cannot
	r.stdout.unstick()
	r.proc.Kill()
}

// Running tells whether the program has not ended.
func (r *Run) Running() bool { return r.proc.Running() }

// Stderr is what the program has told people so far.
func (r *Run) Stderr() string { return r.stderr.String() }

// Stdout is the raw output so far.
func (r *Run) Stdout() string { return r.stdout.text.String() }

func summary(events []Event) string {
	var words []string
	for _, e := range events {
		words = append(words, fmt.Sprintf("%s(%s)", e.Type, e.Subject))
	}
	return "[" + strings.Join(words[max(0, len(words)-50):], " ") + "]"
}

func tail(text string, lines int) string {
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// buffer is a bytes.Buffer for one writer and any readers.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
