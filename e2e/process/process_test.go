package process_test

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/e2e/process"
)

func start(t *testing.T, script string, out *strings.Builder) *process.Process {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", script)
	if out != nil {
		cmd.Stdout = out
	}
	p, err := process.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

func TestExitCodeAndOutput(t *testing.T) {
	var out strings.Builder
	p := start(t, "echo hello; exit 3", &out)
	code, err := p.Wait(10 * time.Second)
	if code != 3 || err != nil || out.String() != "hello\n" {
		t.Errorf("code %d, error %v, output %q; want 3, nil, hello", code, err, out.String())
	}
}

func TestKillTakesGrandchildrenAlong(t *testing.T) {
	var out strings.Builder
	p := start(t, "sleep 1000 & sleep 1000", &out) // the grandchild holds the output open: only its end lets Kill return
	before := time.Now()
	p.Kill()
	if took := time.Since(before); took > 3*time.Second {
		t.Errorf("Kill took %v: the grandchild lived on", took)
	}
	if code, err := p.Wait(0); code != -1 || err != nil {
		t.Errorf("after Kill: code %d, error %v; want -1, nil", code, err)
	}
}

func TestWaitGivesUp(t *testing.T) {
	p := start(t, "sleep 1000", nil)
	if _, err := p.Wait(time.Millisecond); !errors.Is(err, process.ErrRunning) {
		t.Errorf("error %v, want ErrRunning", err)
	}
}

func TestTerminateKillsWhoDoesNotListen(t *testing.T) {
	p := start(t, "trap '' TERM; while :; do sleep 1; done", nil)
	p.Terminate(50 * time.Millisecond)
	if p.Running() {
		t.Error("still running after Terminate")
	}
}
