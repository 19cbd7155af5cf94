package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"path/filepath"
	"time"
)

// FreeAddresses finds n addresses of the loopback interface that nobody listens on. Their ports lie below the range from which the
// kernel takes the ports of outgoing connections, so a server that was killed finds its port still free when it is started again.
func FreeAddresses(n int) ([]string, error) {
	var found []string
	for range 1000 {
		address := fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(12000))
		l, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		defer l.Close() // only now, so that no port is found twice
		if found = append(found, address); len(found) == n {
			return found, nil
		}
	}
	return nil, fmt.Errorf("no %d free ports on 127.0.0.1", n)
}

// WaitUntilGone returns when nobody listens any more, neither on the addresses nor on the sockets in dir: processes that are
// killed together do not end together, and a server refuses to start as long as one of its predecessor answers.
func WaitUntilGone(addresses []string, dir string) error {
	deadline := time.Now().Add(time.Minute) // a machine that has much else to do lets them live on
	for {
		err := errors.Join(freeAgain(addresses), deadSockets(dir))
		if err == nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(time.Millisecond) // the end of a grandchild gives no other sign
	}
}

func freeAgain(addresses []string) error {
	for _, address := range addresses {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return fmt.Errorf("port of a server after its end: %w", err)
		}
		l.Close()
	}
	return nil
}

func deadSockets(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it never came to make the directory, or removes its sockets just now
		}
		if err != nil || entry.Type()&fs.ModeSocket == 0 {
			return err
		}
		conn, err := net.Dial("unix", path)
		if err != nil {
			return nil
		}
		conn.Close()
		return fmt.Errorf("socket %s still answers after the server's end", path)
	})
}
