package imapclient_test

import (
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// Somebody closes the Poller's file, and perhaps opens another of that number. It is noticed by the next that comes
// to rest, or by and by, and nothing is lost.
func TestThePollersFileIsClosedUnderIt(t *testing.T) {
	for _, tt := range []struct {
		name  string
		reuse func() (int, error) // nil: the number stays free
	}{
		{"free", nil},
		{"a file", func() (int, error) { return unix.Open(os.DevNull, unix.O_RDONLY, 0) }},
		{"another epoll", func() (int, error) { return unix.EpollCreate1(0) }},
	} {
		for _, how := range []string{"checked", "next to rest"} {
			t.Run(tt.name+", "+how, func(t *testing.T) {
				c := newCrowd(t, 10, nobody)
				p := newPoller(t)
				before := runtime.NumGoroutine()
				for i := range c.conns {
					c.waitOn(p, i, func(error) {})
				}
				c.all(t, "not all hear", 1)
				fd := p.EpollFD()
				if err := unix.Close(fd); err != nil {
					t.Fatal(err)
				}
				if tt.reuse != nil {
					other, err := tt.reuse()
					if err != nil {
						t.Fatal(err)
					}
					defer unix.Close(other)
					if other != fd {
						if err := unix.Dup2(other, fd); err != nil {
							t.Fatal(err)
						}
						defer unix.Close(fd)
					}
				}
				if how == "checked" {
					p.CheckNow()
				} else if err := c.conns[0].Noop(t.Context()); err != nil {
					t.Fatal(err)
				}
				c.all(t, "after the file was closed not all hear", 2)
				eventually(t, "there are goroutines", func() bool { return runtime.NumGoroutine() <= before+1 })
				if now := p.EpollFD(); now == fd && tt.reuse != nil {
					t.Error("there is no new file")
				}
			})
		}
	}
}

// Without a file descriptor to spare each waits on a goroutine, until there is one again.
func TestPollerWithoutFileDescriptors(t *testing.T) {
	c := newCrowd(t, 10, nobody)
	p := newPoller(t)
	before := runtime.NumGoroutine()
	restore := noMoreFiles(t)
	defer restore()
	for i := range c.conns {
		c.waitOn(p, i, func(error) {})
	}
	c.all(t, "without file descriptors not all hear", 1)
	if fd := p.EpollFD(); fd != -1 {
		t.Fatalf("it has file descriptor %d", fd)
	}
	restore()
	c.all(t, "with file descriptors not all hear", 2)
	// Each that has heard waits again, now with epoll.
	eventually(t, "it has no file descriptor", func() bool { return p.EpollFD() != -1 })
	eventually(t, "there are goroutines", func() bool { return runtime.NumGoroutine() <= before+1 })
}

// noMoreFiles has this process open none until the returned function is called.
func noMoreFiles(t *testing.T) (restore func()) {
	t.Helper()
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	free, err := unix.Open(os.DevNull, unix.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_ = unix.Close(free)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(free), Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	return func() { _ = unix.Setrlimit(unix.RLIMIT_NOFILE, &old) }
}
