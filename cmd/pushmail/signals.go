package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"github.com/pushmail/pushmail/internal/hook"
)

// errInterrupted is the cause of a context that was ended by a signal. It is a good end.
var errInterrupted = errors.New("interrupted")

// reload is what SIGHUP does in place of ending the program, for a daemon; nil ends it.
var reload atomic.Pointer[func()]

// interruptible returns a context that ends with the first SIGINT, SIGTERM or, unless reload is set, SIGHUP. The
// second one ends the program at once, with the commands that it runs.
func interruptible() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // nohup(1)
		signals = append(signals, syscall.SIGHUP)
	}
	c := make(chan os.Signal, 2)
	signal.Notify(c, signals...)
	next := func() {
		for sig := range c {
			f := reload.Load()
			if sig != syscall.SIGHUP || f == nil {
				return
			}
			(*f)()
		}
	}
	go func() {
		next()
		cancel(errInterrupted)
		next()
		hook.KillAll()
		os.Exit(130)
	}()
	return ctx
}
