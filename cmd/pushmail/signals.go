package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/pushmail/pushmail/internal/hook"
)

// errInterrupted is the cause of a context that was ended by a signal. It is a good end.
var errInterrupted = errors.New("interrupted")

// interruptible returns a context that ends with the first SIGINT, SIGTERM or SIGHUP. The second one
// ends the program at once, with the commands that it runs.
func interruptible() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // nohup(1)
		signals = append(signals, syscall.SIGHUP)
	}
	c := make(chan os.Signal, 2)
	signal.Notify(c, signals...)
	go func() {
		<-c
		cancel(errInterrupted)
		<-c
		hook.KillAll()
		os.Exit(130)
	}()
	return ctx
}
