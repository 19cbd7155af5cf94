package daemon

import (
	"fmt"
	"net"
	"net/textproto"
	"time"
)

// Deliver hands a message to a recipient by LMTP, as a mail server does, and returns when it is stored. It may be called
// from several goroutines. The lines of message end in CRLF.
func Deliver(address, recipient string, message []byte) error {
	conn, err := net.DialTimeout("tcp", address, 10*time.Second)
	if err != nil {
		return err
	}
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return err
	}
	c := textproto.NewConn(conn)
	defer c.Close()
	if _, _, err := c.ReadResponse(220); err != nil {
		return fmt.Errorf("LMTP greeting: %w", err)
	}
	for _, step := range []struct {
		line string
		want int
	}{
		{"LHLO localhost", 250},
		{"MAIL FROM:<sender@example.org>", 250},
		{"RCPT TO:<" + recipient + ">", 250},
		{"DATA", 354},
	} {
		if err := c.PrintfLine("%s", step.line); err != nil {
			return err
		}
		if _, _, err := c.ReadResponse(step.want); err != nil {
			return fmt.Errorf("LMTP %s: %w", step.line, err)
		}
	}
	w := c.DotWriter()
	if _, err := w.Write(message); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	if _, _, err := c.ReadResponse(250); err != nil {
		return fmt.Errorf("LMTP message: %w", err)
	}
	return c.PrintfLine("QUIT")
}
