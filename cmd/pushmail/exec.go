package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/pushmail/pushmail/watch"
)

// exTempFail is how a command says "try again later" (EX_TEMPFAIL of sysexits.h).
const exTempFail = 75

// hook runs a command for each event. See watchLong for what it promises to the command.
type hook struct {
	argv    []string
	all     bool // events that are not of a message, too
	timeout time.Duration
	env     []string
	stdout  io.Writer
	stderr  io.Writer
	say     func(format string, args ...any) // one line for people
	// pauses are the pauses before another try after exit code 75.
	pauses []time.Duration
	// grace is how long a running command may go on after ctx has ended, and after it was asked to end.
	grace time.Duration
}

// retryPauses are the pauses of a real hook: half a minute altogether.
var retryPauses = []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second}

// deliver runs the command for ev if it is of interest. What the command does wrong is said and does
// not come back as an error: the event counts as delivered. An error means that ctx has ended first.
func (h *hook) deliver(ctx context.Context, ev watch.Event) error {
	if ev.UID == 0 && !h.all {
		return nil
	}
	line, err := ev.CloudEvent().AppendJSON(nil)
	if err != nil {
		return err
	}
	env := append(withoutSecrets(h.env), eventEnv(ev)...)
	for try := 0; ; try++ {
		err := h.run(ctx, append(line, '\n'), env)
		if cause := context.Cause(ctx); cause != nil && err != nil {
			return cause
		}
		if err == nil {
			return nil
		}
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != exTempFail {
			h.say("%s, for the event %s: going on", h.failure(err), ev.ID)
			return nil
		}
		if try == len(h.pauses) {
			h.say("%s %d times, for the event %s: going on", h.failure(err), try+1, ev.ID)
			return nil
		}
		h.say("%s: running it again in %s", h.failure(err), pause(h.pauses[try]))
		if err := sleep(ctx, h.pauses[try]); err != nil {
			return err
		}
	}
}

// failure says for people what became of the command.
func (h *hook) failure(err error) string {
	name := "the command " + clean(h.argv[0])
	var exit *exec.ExitError
	var late *lateError
	switch {
	case errors.As(err, &late):
		return fmt.Sprintf("%s did not end within %v and was killed", name, late.after)
	case errors.As(err, &exit) && exit.Exited():
		return fmt.Sprintf("%s ended with status %d", name, exit.ExitCode())
	}
	return fmt.Sprintf("%s failed: %s", name, clean(err.Error()))
}

// lateError says that a command took too long.
type lateError struct{ after time.Duration }

func (e *lateError) Error() string { return fmt.Sprintf("no end within %v", e.after) }

// run runs the command once.
func (h *hook) run(ctx context.Context, stdin []byte, env []string) error {
	cmd := exec.Command(h.argv[0], h.argv[1:]...)
	cmd.Env = env
	cmd.Stdin = strings.NewReader(string(stdin))
	cmd.Stdout, cmd.Stderr = h.stdout, h.stderr
	// A grandchild that keeps the pipes open, such as "sleep 1000 &", is not waited for.
	cmd.WaitDelay = time.Second
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		return err
	}
	running.add(cmd)
	defer running.remove(cmd)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	late := time.NewTimer(h.timeout)
	defer late.Stop()
	select {
	case err := <-ended:
		return harmless(err)
	case <-late.C:
		h.end(cmd, ended)
		return &lateError{h.timeout}
	case <-ctx.Done():
	}
	// The user wants to leave: let the command finish what it is about to finish.
	select {
	case err := <-ended:
		return harmless(err)
	case <-late.C:
	case <-time.After(h.grace):
	}
	h.end(cmd, ended)
	return context.Cause(ctx)
}

// harmless forgets what is no failure of the command.
func harmless(err error) error {
	if errors.Is(err, exec.ErrWaitDelay) {
		return nil
	}
	return err
}

// end asks the process group to end, and then makes it, with what the command has left behind.
func (h *hook) end(cmd *exec.Cmd, ended <-chan error) {
	askGroup(cmd)
	select {
	case <-ended:
		killGroup(cmd)
	case <-time.After(h.grace):
		killGroup(cmd)
		<-ended
	}
}

// sleep waits for d and returns the cause of ctx if that ends first.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// running are the commands that run now, for the second Ctrl-C.
var running children

type children struct {
	mu   sync.Mutex
	cmds map[*exec.Cmd]struct{} // guarded by mu
}

func (c *children) add(cmd *exec.Cmd) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cmds == nil {
		c.cmds = map[*exec.Cmd]struct{}{}
	}
	c.cmds[cmd] = struct{}{}
}

func (c *children) remove(cmd *exec.Cmd) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.cmds, cmd)
}

// killAll kills the process groups of all commands.
func (c *children) killAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for cmd := range c.cmds {
		killGroup(cmd)
	}
}
