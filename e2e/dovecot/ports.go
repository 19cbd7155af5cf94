package dovecot

import (
	"fmt"
	"math/rand/v2"
	"net"
	"time"
)

// freePorts finds n ports of the loopback interface that nobody listens on. They lie below the range from which the kernel
// takes the ports of outgoing connections, so a server that was killed finds its port still free when it is started again.
func freePorts(n int) ([]int, error) {
	var found []int
	for range 1000 {
		port := 20000 + rand.IntN(12000)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		defer l.Close() // only now, so that no port is found twice
		if found = append(found, port); len(found) == n {
			return found, nil
		}
	}
	return nil, fmt.Errorf("no %d free ports on 127.0.0.1", n)
}

// waitUntilFree returns when nobody listens on the address any more: processes killed together do not end together.
func waitUntilFree(address string) error {
	deadline := time.Now().Add(10 * time.Second)
	for {
		l, err := net.Listen("tcp", address)
		if err == nil {
			return l.Close()
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("dovecot's port after its end: %w", err)
		}
		time.Sleep(time.Millisecond) // the end of a grandchild gives no other sign
	}
}
