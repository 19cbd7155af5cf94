package imapclient

import (
	"errors"
	"net"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func TestWhatABrokenSocketSaysNamesItsNetwork(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fds[0]), "")
	nc, err := net.FileConn(f)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	f.Close()
	var g gate
	if !g.init(nc) {
		t.Fatal("it is no socket")
	}
	if _, err := g.Write([]byte("nobody reads this")); err != nil {
		t.Fatal(err)
	}
	if err := unix.Close(fds[1]); err != nil {
		t.Fatal(err)
	}
	g.setPolling(true)
	_, err = g.Read(make([]byte, 1))
	if op, ok := errors.AsType[*net.OpError](err); !ok || op.Net != "unix" || !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("got %v, want an error of the network unix", err)
	}
}
