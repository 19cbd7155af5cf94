//go:build unix

package main

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// onHangup calls gone when the other end of w, a pipe, is closed. stop ends the watching and waits
// for that.
func onHangup(w io.Writer, gone func()) (stop func()) {
	f, ok := w.(*os.File)
	if !ok {
		return func() {}
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return func() {}
	}
	quit, end, err := os.Pipe() // closing end makes quit readable
	if err != nil {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		// Nothing is asked of w: POLLERR comes unasked.
		fds := []unix.PollFd{{Fd: int32(f.Fd())}, {Fd: int32(quit.Fd()), Events: unix.POLLIN}}
		for {
			_, err := unix.Poll(fds, -1)
			switch {
			case errors.Is(err, unix.EINTR):
				continue
			case err == nil && fds[1].Revents == 0:
				gone()
			}
			return
		}
	}()
	return func() {
		end.Close()
		<-done
		quit.Close()
	}
}
