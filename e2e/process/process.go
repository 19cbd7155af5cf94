// Package process runs a program as a child that cannot outlive the test.
//
// The child leads a process group of its own, so that killing it takes its children along, and on Linux the kernel
// kills it when the test binary dies in a way that runs no cleanup (a panic, a time-out of go test).
package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// Process is a started child. Its methods may be called from several goroutines.
type Process struct {
	cmd   *exec.Cmd
	group int           // id of its process group
	done  chan struct{} // closed once the child has been waited for
	err   error         // what Wait returned; read after done
}

// Start starts cmd. Set what is needed in cmd before (Env, Stdout, SysProcAttr.Credential); afterwards cmd belongs to the Process.
func Start(cmd *exec.Cmd) (*Process, error) { return start(cmd, 0) }

// start puts the child into a group; 0 is one of its own.
func start(cmd *exec.Cmd, group int) (*Process, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid, cmd.SysProcAttr.Pgid = true, group
	dieWithParent(cmd.SysProcAttr)
	if cmd.WaitDelay == 0 {
		cmd.WaitDelay = 5 * time.Second // a grandchild that keeps the output open must not keep us
	}

	started := make(chan error)
	spawner() <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	if group == 0 {
		group = cmd.Process.Pid
	}
	p := &Process{cmd: cmd, group: group, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.err = cmd.Wait()
	}()
	return p, nil
}

// spawner hands functions to one goroutine that never leaves its thread: the kernel's "kill me when my parent dies"
// means the thread that forked, and other threads of a Go program come and go.
var spawner = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})

// PID is the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the child has ended and all its output has been read.
func (p *Process) Done() <-chan struct{} { return p.done }

// Running tells whether the child has not been waited for yet.
func (p *Process) Running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Signal sends sig to the child alone.
func (p *Process) Signal(sig os.Signal) error { return p.cmd.Process.Signal(sig) }

// Kill ends the child and its whole group with SIGKILL and waits until it is gone.
func (p *Process) Kill() {
	if p.Running() {
		_ = syscall.Kill(-p.PID(), syscall.SIGKILL) // if it made a group of its own
		_ = syscall.Kill(-p.group, syscall.SIGKILL)
	}
	<-p.done
}

// Terminate asks the child to end with SIGTERM and kills the group when it has not within grace.
func (p *Process) Terminate(grace time.Duration) {
	if p.Running() {
		_ = p.Signal(syscall.SIGTERM)
	}
	if _, err := p.Wait(grace); errors.Is(err, ErrRunning) {
		p.Kill()
	}
}

// ErrRunning is what Wait returns when the child is still there after the time given.
var ErrRunning = errors.New("process is still running")

// Wait waits for the end and returns the exit code: -1 when a signal ended it. Its error is ErrRunning or a failure to wait.
func (p *Process) Wait(timeout time.Duration) (int, error) {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
		if p.Running() {
			return 0, fmt.Errorf("%w after %v", ErrRunning, timeout)
		}
	}
	if _, exited := errors.AsType[*exec.ExitError](p.err); p.err != nil && !exited && !errors.Is(p.err, exec.ErrWaitDelay) {
		return 0, fmt.Errorf("wait for %s: %w", p.cmd.Path, p.err)
	}
	return p.cmd.ProcessState.ExitCode(), nil
}
