package pushmail_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/e2e/pushmail"
)

// TestMain makes this test binary stand in for the program: the runner is tested with a script, not with pushmail itself.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "runner")
	if err != nil {
		panic(err)
	}
	script := filepath.Join(dir, "program")
	if err := os.WriteFile(script, []byte("#!/bin/sh\neval \"$1\"\n"), 0o755); err != nil {
		panic(err)
	}
	os.Setenv("PUSHMAIL_BIN", script)
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

const (
	open  = `printf '%s\n' '{"specversion":"1.0","id":"1","type":"mail.mailbox.open","source":"imap://x","data":{"exists":3}}'`
	fresh = `printf '%s\n' '{"specversion":"1.0","id":"2","type":"mail.message.new","source":"imap://x","subject":"42","time":"T","data":{"uid":42,"flags":["\\Recent","a"],"envelope":{"subject":"hi"}}}'`
)

func start(t *testing.T, script string) *pushmail.Run {
	t.Helper()
	return pushmail.Start(t, pushmail.Options{Args: []string{script}, Env: []string{"GREETING=hello"}})
}

func TestEventsAreReadAsTheyCome(t *testing.T) {
	t.Parallel()
	r := start(t, open+"; echo $GREETING >&2; sleep 0.2;"+fresh+"; exit 3")
	if e := r.WaitFor(t, 10*time.Second, "open", pushmail.Is(pushmail.Open)); e.Data.Exists != 3 {
		t.Errorf("exists is %d, want 3", e.Data.Exists)
	}
	e := r.WaitFor(t, 10*time.Second, "new message", pushmail.NewMessage("hi"))
	if e.Data.UID != 42 || strings.Contains(e.Content(), "Recent") || strings.Contains(e.Content(), `"T"`) {
		t.Errorf("event is %+v with content %s", e, e.Content())
	}
	r.WaitFor(t, time.Second, "the same by UID", pushmail.About(pushmail.New, 42))
	if code := r.WaitExit(t, 10*time.Second); code != 3 {
		t.Errorf("exit code %d, want 3", code)
	}
	if r.Stderr() != "hello\n" || len(r.Events()) != 2 {
		t.Errorf("stderr %q, %d events; want hello, 2", r.Stderr(), len(r.Events()))
	}
}

func TestUnfinishedLineIsNoEvent(t *testing.T) {
	t.Parallel()
	r := start(t, open+`; printf '{"specversion":"1.0",'; echo ready >&2; sleep 1000`)
	r.WaitFor(t, 10*time.Second, "open", pushmail.Is(pushmail.Open))
	r.Kill()
	if n := len(r.Events()); n != 1 {
		t.Errorf("%d events, want 1", n)
	}
	if code := r.WaitExit(t, 0); code != -1 {
		t.Errorf("exit code %d, want -1", code)
	}
}

func TestStuckReader(t *testing.T) {
	t.Parallel()
	r := pushmail.Start(t, pushmail.Options{
		Args:       []string{"i=0; while :; do " + open + "; i=$((i+1)); echo $i >&2; done"},
		StuckAfter: 1,
	})
	r.WaitFor(t, 10*time.Second, "open", pushmail.Is(pushmail.Open))
	time.Sleep(500 * time.Millisecond) // for the pipe to fill
	told := r.Stderr()
	time.Sleep(200 * time.Millisecond)
	if r.Stderr() != told {
		t.Error("the program goes on although nobody reads")
	}
	r.Kill()
	if read, written := len(r.Events()), strings.Count(r.Stderr(), "\n"); read < written || read > written+1 {
		t.Errorf("read %d events of %d", read, written)
	}
}

func TestInterrupt(t *testing.T) {
	t.Parallel()
	r := start(t, `trap 'exit 0' INT;`+open+`; while :; do sleep 0.05; done`)
	r.WaitFor(t, 10*time.Second, "open", pushmail.Is(pushmail.Open))
	r.Stop(t)
}

func TestWaitForFailsTheTest(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, script, want string }{
		{"time-out", open + "; sleep 1000", "no new message within 300ms"},
		{"end of program", open, "ended while waiting for new message"},
		{"not JSON", "echo hello; sleep 1000", "not an event"},
		{"not a CloudEvent", "echo '{}'; sleep 1000", "not a CloudEvent"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := start(t, test.script)
			verdict := failure(func(tb testing.TB) {
				r.WaitFor(tb, 300*time.Millisecond, "new message", pushmail.Is(pushmail.New))
			})
			if !strings.Contains(verdict, test.want) {
				t.Errorf("failed with %q, want %q", verdict, test.want)
			}
		})
	}
}
