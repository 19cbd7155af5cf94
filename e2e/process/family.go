package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// StartFamily is Start for a program whose children would outlive it, as those of mail servers do: when the child ends, or the test dies in
// whatever way, the rest of its process group is killed. The kernel's help in Start is for the child alone.
func StartFamily(cmd *exec.Cmd) (*Process, error) {
	theirs, ours, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	// The guard is there first and leads the group. It sees the end of its input when this process dies, for only this process holds the other end.
	guard := exec.Command("/bin/sh", "-c", `read child; read never; kill -KILL -"$child" 2>/dev/null; kill -KILL 0`)
	guard.Stdin = theirs
	guard.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := guard.Start(); err != nil {
		return nil, errors.Join(err, ours.Close())
	}
	release := func() {
		ours.Close()
		_ = guard.Wait() // it kills itself, too
	}
	cmd.WaitDelay = 200 * time.Millisecond // for what children still write
	p, err := start(cmd, guard.Process.Pid)
	if err != nil {
		release()
		return nil, err
	}
	// Some make a group of their own, whose id is then their process id.
	if _, err := fmt.Fprintln(ours, p.PID()); err != nil {
		p.Kill()
		release()
		return nil, err
	}
	go func() {
		<-p.Done()
		release()
	}()
	return p, nil
}
