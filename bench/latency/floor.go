package latency

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// Floor is the least that a client can do which tells of new messages: it idles, ends IDLE and asks for the message in one write,
// prints the row as it came, and idles again. It understands nothing, and finds out about nothing else.
func Floor(addr string, cert []byte, out io.Writer) error {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(cert) {
		return errors.New("no certificate")
	}
	c, err := tls.DialWithDialer(&net.Dialer{Timeout: 10 * time.Second}, "tcp", addr, &tls.Config{RootCAs: roots})
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Minute))
	f := &bare{c: c, r: bufio.NewReader(c)}
	for _, command := range []string{"LOGIN " + User + " " + Password, "EXAMINE INBOX"} {
		if err := f.say("a " + command); err != nil {
			return err
		}
		if _, err := f.until("a OK"); err != nil {
			return err
		}
	}
	for {
		if err := f.say("b IDLE"); err != nil {
			return err
		}
		line, err := f.until("* ", " EXISTS")
		if err != nil {
			return err
		}
		number := strings.Fields(line)[1]
		if err := f.say("DONE\r\nc FETCH " + number + " (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)"); err != nil {
			return err
		}
		row, err := f.until("* ", " FETCH (")
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(out, row); err != nil {
			return err
		}
		if _, err := f.until("c OK"); err != nil {
			return err
		}
	}
}

type bare struct {
	c net.Conn
	r *bufio.Reader
}

func (b *bare) say(line string) error {
	_, err := io.WriteString(b.c, line+"\r\n")
	return err
}

// until reads up to the line that starts so and holds all of the parts.
func (b *bare) until(start string, parts ...string) (string, error) {
lines:
	for {
		line, err := b.r.ReadString('\n')
		if err != nil {
			return "", err
		}
		line = strings.TrimRight(line, "\r\n")
		if !strings.HasPrefix(line, start) {
			continue
		}
		for _, part := range parts {
			if !strings.Contains(line, part) {
				continue lines
			}
		}
		return line, nil
	}
}
