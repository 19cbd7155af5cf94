//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pushmail/pushmail/event"
	"github.com/pushmail/pushmail/watch"
)

// helperHook runs this binary as a helper.
func helperHook(t *testing.T, args ...string) (h *execHook, out, errs *bytes.Buffer, said *[]string) {
	t.Helper()
	out, errs, said = new(bytes.Buffer), new(bytes.Buffer), new([]string)
	return &execHook{
		argv: append([]string{os.Args[0]}, args...), timeout: 20 * time.Second,
		env:    []string{"PATH=" + os.Getenv("PATH"), helperVariable + "=1", passwordVariable + "=secret", "PUSHMAIL_SUBJECT=inherited"},
		stdout: out, stderr: errs, pauses: []time.Duration{time.Millisecond, time.Millisecond}, grace: 50 * time.Millisecond,
		say: func(format string, args ...any) { *said = append(*said, fmt.Sprintf(format, args...)) },
	}, out, errs, said
}

func TestHookGivesTheEventToTheCommand(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "record")
	h, _, _, said := helperHook(t, "record", file)
	if err := h.deliver(t.Context(), newMessageEvent("Hi\x1b[31m\nthere")); err != nil || len(*said) > 0 {
		t.Fatal(err, *said)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	line, env, _ := strings.Cut(string(text), "\n")
	var ev event.Event
	if err := json.Unmarshal([]byte(line), &ev); err != nil || ev.Type() != event.TypeMessageNew || ev.Subject != "42" {
		t.Errorf("standard input was %s: %v", line, err)
	}
	for _, want := range []string{
		"TYPE=mail.message.new", "ID=" + newMessageEvent("").CloudEvent().ID, "TIME=2026-11-22T10:00:00.000Z", "SOURCE=imap://jo@mail.example.org/INBOX",
		"ACCOUNT=jo", "MAILBOX=INBOX", "UID=42", "UIDVALIDITY=17", `FLAGS=\Flagged $Work`, "SUBJECT=Hi[31m there", "FROM=jo@example.org",
		"FROM_NAME=Jo", "SIZE=2301", "ATTACHMENTS=1", "MESSAGE_ID=<1@x>", "DATE=2026-11-22T09:00:00Z", "ADDED=", "REASON=",
	} {
		if !strings.Contains(env, "PUSHMAIL_"+want+"\n") {
			t.Errorf("no PUSHMAIL_%s in:\n%s", want, env)
		}
	}
	if strings.Contains(env, "secret") {
		t.Errorf("the command gets the password:\n%s", env)
	}
}

func TestHookRunsForMessagesAlone(t *testing.T) {
	t.Parallel()
	open := watch.Event{ID: "x", Type: watch.MailboxOpen, Host: "h", Mailbox: "INBOX", Open: &watch.OpenInfo{Method: "initial", Push: "idle"}}
	for all, want := range map[bool]bool{false: false, true: true} {
		file := filepath.Join(t.TempDir(), "record")
		h, _, _, _ := helperHook(t, "record", file)
		h.all = all
		if err := h.deliver(t.Context(), open); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(file); (err == nil) != want {
			t.Errorf("with all %v: %v", all, err)
		}
	}
}

func TestHookFailureIsReportedAndCountsAsDelivered(t *testing.T) {
	t.Parallel()
	h, out, errs, said := helperHook(t, "complain", "no luck")
	if err := h.deliver(t.Context(), newMessageEvent("x")); err != nil {
		t.Fatal(err)
	}
	if errs.String() != "no luck\n" || out.Len() > 0 {
		t.Errorf("standard error %q, output %q", errs, out)
	}
	if len(*said) != 1 || !strings.Contains((*said)[0], "ended with status 3") || !strings.Contains((*said)[0], "id1") {
		t.Errorf("said %q", *said)
	}
}

func TestHookThatCannotRunIsReported(t *testing.T) {
	t.Parallel()
	h, _, _, said := helperHook(t)
	h.argv = []string{filepath.Join(t.TempDir(), "gone")}
	if err := h.deliver(t.Context(), newMessageEvent("x")); err != nil || len(*said) != 1 {
		t.Errorf("%v, said %q", err, *said)
	}
}

func TestHookIsRunAgainAfterTempFail(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		busy   string
		runs   int
		speech string
	}{
		{"1", 2, "running it again"},
		{"2", 3, "running it again"},
		{"9", 3, "3 times"},
	} {
		file := filepath.Join(t.TempDir(), "runs")
		h, _, _, said := helperHook(t, "busy", file, test.busy)
		if err := h.deliver(t.Context(), newMessageEvent("x")); err != nil {
			t.Fatal(err)
		}
		text, _ := os.ReadFile(file)
		last := (*said)[len(*said)-1]
		if len(text) != test.runs || !strings.Contains(last, test.speech) || !strings.Contains(last, "status 75") {
			t.Errorf("busy %s times: %d runs, want %d; said %q", test.busy, len(text), test.runs, *said)
		}
	}
}

// alive reports whether a process is there that is no zombie.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return syscall.Kill(pid, 0) == nil && !errors.Is(err, os.ErrNotExist)
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}

// pidsIn waits for the process ids that a helper writes.
func pidsIn(t *testing.T, file string, n int) []int {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		text, _ := os.ReadFile(file)
		if !strings.HasSuffix(string(text), "\n") {
			continue
		}
		pids := make([]int, n)
		for i, word := range strings.Fields(string(text)) {
			fmt.Sscan(word, &pids[i])
		}
		return pids
	}
	t.Fatal("the helper did not start")
	return nil
}

func expectDead(t *testing.T, pids []int) {
	t.Helper()
	for _, pid := range pids {
		for deadline := time.Now().Add(10 * time.Second); alive(pid); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				_ = syscall.Kill(pid, syscall.SIGKILL)
				t.Errorf("process %d of %v still runs", pid, pids)
				break
			}
		}
	}
}

func TestHookThatTakesTooLongIsKilledWithItsChildren(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "pids")
	h, _, _, said := helperHook(t, "family", file)
	h.timeout = 500 * time.Millisecond
	if err := h.deliver(t.Context(), newMessageEvent("x")); err != nil {
		t.Fatal(err)
	}
	if len(*said) != 1 || !strings.Contains((*said)[0], "did not end within 500ms") {
		t.Errorf("said %q", *said)
	}
	expectDead(t, pidsIn(t, file, 2))
}

func TestHookIsEndedWithTheProgramAndTheEventIsNotDelivered(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "pids")
	h, _, _, _ := helperHook(t, "family", file)
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.deliver(ctx, newMessageEvent("x")) }()
	pids := pidsIn(t, file, 2)
	cancel(errInterrupted)
	if err := <-done; !errors.Is(err, errInterrupted) {
		t.Errorf("deliver returned %v, want errInterrupted: the event would count as delivered", err)
	}
	expectDead(t, pids)
}

func TestHookFinishesInTheGraceAfterAnInterrupt(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "record")
	h, _, _, _ := helperHook(t, "record", file)
	h.grace = 20 * time.Second
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errInterrupted)
	if err := h.deliver(ctx, newMessageEvent("x")); err != nil {
		t.Errorf("deliver returned %v though the command has succeeded", err)
	}
}

func TestHookDoesNotWaitForWhatACommandLeavesBehind(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "pid")
	h, _, _, said := helperHook(t, "daemon", file)
	began := time.Now()
	if err := h.deliver(t.Context(), newMessageEvent("x")); err != nil || len(*said) > 0 {
		t.Errorf("%v, said %q", err, *said)
	}
	if d := time.Since(began); d > 15*time.Second {
		t.Errorf("took %v", d)
	}
	pids := pidsIn(t, file, 1)
	if !alive(pids[0]) {
		t.Error("what a command that succeeded leaves behind was killed")
	}
	_ = syscall.Kill(pids[0], syscall.SIGKILL)
}
