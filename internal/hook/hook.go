// Package hook runs a command of the user's for an event: without a shell, with the event on standard input and in environment
// variables, in a process group of its own that is ended when its time is over.
package hook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"time"
)

// TempFail is how a command says "try again later" (EX_TEMPFAIL of sysexits.h).
const TempFail = 75

// Command is what is run. Its fields are not changed while it runs.
type Command struct {
	// Argv is the program and its arguments.
	Argv []string
	// Dir is where it runs. Empty means here.
	Dir string
	// Timeout is how long it may take.
	Timeout time.Duration
	// Grace is how long it may go on after the context has ended, and after it was asked to end.
	Grace time.Duration
	// Stdout and Stderr are where its output goes; nil is nowhere.
	Stdout, Stderr io.Writer
}

// LateError says that a command took too long and was killed, with its children.
type LateError struct{ After time.Duration }

func (e *LateError) Error() string { return fmt.Sprintf("no end within %v", e.After) }

// Run runs the command once, with exactly env as its environment. It returns nil for exit status 0, an *[exec.ExitError] for
// others, a *[LateError], or the cause of ctx when that ended before the command did.
func (c *Command) Run(ctx context.Context, stdin []byte, env []string) error {
	cmd := exec.Command(c.Argv[0], c.Argv[1:]...)
	cmd.Dir, cmd.Env = c.Dir, env
	cmd.Stdin = bytes.NewReader(stdin)
	cmd.Stdout, cmd.Stderr = c.Stdout, c.Stderr
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
	late := time.NewTimer(c.Timeout)
	defer late.Stop()
	select {
	case err := <-ended:
		return harmless(err)
	case <-late.C:
		c.end(cmd, ended)
		return &LateError{c.Timeout}
	case <-ctx.Done():
	}
	// The user wants to leave: let the command finish what it is about to finish.
	select {
	case err := <-ended:
		return harmless(err)
	case <-late.C:
	case <-time.After(c.Grace):
	}
	c.end(cmd, ended)
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
func (c *Command) end(cmd *exec.Cmd, ended <-chan error) {
	askGroup(cmd)
	select {
	case <-ended:
		killGroup(cmd)
	case <-time.After(c.Grace):
		killGroup(cmd)
		<-ended
	}
}

// KillAll kills the process groups of all commands that run now, for a program that must end at once.
func KillAll() { running.killAll() }

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

func (c *children) killAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for cmd := range c.cmds {
		killGroup(cmd)
	}
}
