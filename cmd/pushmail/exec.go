package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/pushmail/pushmail/internal/hook"
	"github.com/pushmail/pushmail/watch"
)

// passwordVariable is the environment variable that may hold the password.
const passwordVariable = "PUSHMAIL_PASSWORD"

// withoutSecrets returns env without the password.
func withoutSecrets(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(e string) bool { return strings.HasPrefix(e, passwordVariable+"=") })
}

// execHook runs a command for each event. See watchLong for what it promises to the command.
type execHook struct {
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
func (h *execHook) deliver(ctx context.Context, ev watch.Event) error {
	if ev.UID == 0 && !h.all {
		return nil
	}
	cloud := ev.CloudEvent()
	line, err := cloud.AppendJSON(nil)
	if err != nil {
		return err
	}
	env := append(withoutSecrets(h.env), hook.Env(cloud, ev.Message)...)
	for try := 0; ; try++ {
		err := h.command().Run(ctx, append(line, '\n'), env)
		if cause := context.Cause(ctx); cause != nil && err != nil {
			return cause
		}
		if err == nil {
			return nil
		}
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != hook.TempFail {
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

func (h *execHook) command() *hook.Command {
	return &hook.Command{Argv: h.argv, Timeout: h.timeout, Grace: h.grace, Stdout: h.stdout, Stderr: h.stderr}
}

// failure says for people what became of the command.
func (h *execHook) failure(err error) string {
	name := "the command " + clean(h.argv[0])
	var exit *exec.ExitError
	var late *hook.LateError
	switch {
	case errors.As(err, &late):
		return fmt.Sprintf("%s did not end within %v and was killed", name, late.After)
	case errors.As(err, &exit) && exit.Exited():
		return fmt.Sprintf("%s ended with status %d", name, exit.ExitCode())
	}
	return fmt.Sprintf("%s failed: %s", name, clean(err.Error()))
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
