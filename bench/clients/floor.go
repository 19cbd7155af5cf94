package clients

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"time"
)

// floor is the least that any client has to do: take the bytes from the kernel.
func floor(_ context.Context, addr string, m *meter) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(2 * time.Minute))
	buf := make([]byte, 64<<10)
	// ask sends a command and reads until its tagged OK, and returns how many bytes came.
	ask := func(tag, command string) (total int, err error) {
		if _, err := fmt.Fprintf(c, "%s %s\r\n", tag, command); err != nil {
			return 0, err
		}
		end := []byte(tag + " OK done\r\n")
		kept := 0 // the end of what came before, which may be the start of the OK
		for {
			n, err := c.Read(buf[kept:])
			if err != nil {
				return total, err
			}
			total += n
			if bytes.HasSuffix(buf[:kept+n], end) {
				return total, nil
			}
			kept = copy(buf, buf[max(0, kept+n-len(end)):kept+n])
		}
	}
	for _, command := range []string{"LOGIN jo pass", "EXAMINE INBOX"} {
		if _, err := ask("f0", command); err != nil {
			return err
		}
	}
	m.start()
	n, err := ask("f1", "FETCH 1:* ALL")
	m.stop()
	m.r.Totals.Bytes = n - len("f1 OK done\r\n")
	return err
}
