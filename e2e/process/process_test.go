package process_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
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

func TestFamilyEndsWithItsHead(t *testing.T) {
	var out strings.Builder
	cmd := exec.Command("/bin/sh", "-c", "sleep 1000 & echo $!")
	cmd.Stdout = &out
	p, err := process.StartFamily(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	if code, err := p.Wait(10 * time.Second); code != 0 || err != nil {
		t.Fatalf("code %d, error %v", code, err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(out.String()))
	if err != nil {
		t.Fatal(err)
	}
	waitUntilDead(t, child)
}

func waitUntilDead(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); alive(pid); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the grandchild %d lives on", pid)
		}
	}
}

// alive tells whether a process is there and no zombie, which it may stay for a while: it is not ours to wait for.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

// A test binary that is killed runs no cleanup; this one plays it, when asked by its environment.
func TestFamilyDiesWithAKilledTest(t *testing.T) {
	if os.Getenv("PLAY_KILLED_TEST") != "" {
		cmd := exec.Command("/bin/sh", "-c", "sleep 1000 & echo $!; wait")
		cmd.Stdout = os.Stdout
		if _, err := process.StartFamily(cmd); err != nil {
			t.Fatal(err)
		}
		select {}
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), "PLAY_KILLED_TEST=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var grandchild int
	if _, err := fmt.Fscanln(out, &grandchild); err != nil {
		t.Fatal(err)
	}
	if !alive(grandchild) {
		t.Fatal("the grandchild is not there")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	waitUntilDead(t, grandchild)
}

// Courier's servers make a process group of their own.
func TestFamilyInAGroupOfItsOwnIsKilled(t *testing.T) {
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.Command("perl", "-e", `setpgrp; if (!fork) { sleep 1000 } $| = 1; print "ready\n"; wait`)
	cmd.Stdout = in
	p, err := process.StartFamily(cmd)
	if err != nil {
		t.Fatal(err)
	}
	in.Close()
	var word string
	if _, err := fmt.Fscanln(out, &word); err != nil {
		t.Fatal(err)
	}
	p.Kill()
	if err := out.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if n, err := out.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("%d bytes, error %v; want the end, since nobody is left to write", n, err)
	}
}
