package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/pushmail/pushmail/internal/hook"
)

// helperVariable makes the test binary a helper.
const helperVariable = "PUSHMAIL_TEST_HELPER"

// helper is what the test binary does in place of a user's command.
func helper(args []string) int {
	switch args[0] {
	case "record": // FILE: append standard input and the environment
		text, err := io.ReadAll(os.Stdin)
		if err != nil {
			return 90
		}
		for _, e := range os.Environ() {
			if strings.HasPrefix(e, "PUSHMAIL_") {
				text = append(text, e+"\n"...)
			}
		}
		return appendTo(args[1], string(text))
	case "say": // TEXT: print it
		fmt.Println(args[1])
		return 0
	case "complain": // TEXT: print it on standard error, and fail
		fmt.Fprintln(os.Stderr, args[1])
		return 3
	case "busy": // FILE N: ask for another try N times
		if code := appendTo(args[1], "x"); code != 0 {
			return code
		}
		text, _ := os.ReadFile(args[1])
		if fmt.Sprint(len(text)) <= args[2] {
			return hook.TempFail
		}
		return 0
	case "family": // FILE: start a child, note both process ids, and wait
		child := exec.Command(os.Args[0], "sleep")
		if child.Start() != nil {
			return 91
		}
		if code := appendTo(args[1], fmt.Sprintln(os.Getpid(), child.Process.Pid)); code != 0 {
			return code
		}
		time.Sleep(time.Minute)
	case "daemon": // FILE: leave a child behind that keeps the pipes open
		child := exec.Command(os.Args[0], "sleep")
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		if child.Start() != nil {
			return 91
		}
		return appendTo(args[1], fmt.Sprintln(child.Process.Pid))
	case "sleep":
		time.Sleep(time.Minute)
	case "count": // FILE: print how often it was called
		if code := appendTo(args[1], "x"); code != 0 {
			return code
		}
		text, _ := os.ReadFile(args[1])
		fmt.Printf("password-%d\nsecond line\n", len(text))
		return 0
	}
	return 92
}

func appendTo(file, text string) int {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return 93
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		return 94
	}
	return 0
}
