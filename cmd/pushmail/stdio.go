package main

import (
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"golang.org/x/term"
)

// stdio is the world of a command: what it reads, writes and was told by its environment. Tests
// bring their own.
type stdio struct {
	in       io.Reader
	out, err io.Writer
	env      []string // as os.Environ has it
}

// processStdio is the stdio of this process. From here on writing to a closed pipe is an error and
// not the end: there is a checkpoint to save. (Ignoring the signal instead would be inherited by the
// commands that --exec runs.)
func processStdio() stdio {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	return stdio{in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.Environ()}
}

// getenv returns the last value of a variable, as os.Getenv does.
func (s *stdio) getenv(name string) string {
	for i := len(s.env) - 1; i >= 0; i-- {
		if value, ok := strings.CutPrefix(s.env[i], name+"="); ok {
			return value
		}
	}
	return ""
}

// terminal returns the file behind v if that is a terminal.
func terminal(v any) (*os.File, bool) {
	f, ok := v.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil, false
	}
	return f, true
}

// look says how text is dressed for w.
func (s *stdio) look(w io.Writer) look {
	f, ok := terminal(w)
	if !ok {
		return look{}
	}
	return look{
		// https://no-color.org; "dumb" is what an editor's shell calls itself.
		colour: s.getenv("NO_COLOR") == "" && s.getenv("TERM") != "dumb",
		width: func() int {
			width, _, err := term.GetSize(int(f.Fd()))
			if err != nil {
				return 0
			}
			return width
		},
	}
}
