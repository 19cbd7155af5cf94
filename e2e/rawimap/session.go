// Package rawimap is "somebody else's mail program": a plain IMAP session for tests, written on bufio alone.
//
// It shares no code with the packages it helps to test, so it is an independent witness of what is in a mailbox. It knows
// no more of IMAP than the servers of the tests need: one command at a time, one literal.
package rawimap

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// Timeout bounds each command.
const Timeout = 30 * time.Second

// Session is one logged-in connection. It is not safe for concurrent use.
type Session struct {
	conn net.Conn
	r    *bufio.Reader
	tag  int
	// capabilities is what the server said of itself, with a space at the end, once somebody wanted to know.
	capabilities string
}

// Dial connects with TLS, trusting roots, and logs in.
func Dial(address string, roots *x509.CertPool, user, password string) (*Session, error) {
	dialer := &net.Dialer{Timeout: Timeout}
	conn, err := tls.DialWithDialer(dialer, "tcp", address, &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12})
	if err != nil {
		return nil, err
	}
	s, err := New(conn)
	if err != nil {
		return nil, err
	}
	if _, err := s.Do("LOGIN " + quote(user) + " " + quote(password)); err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

// New reads the greeting of a connection, which may be logged in already.
func New(conn net.Conn) (*Session, error) {
	s := &Session{conn: conn, r: bufio.NewReader(conn)}
	if err := conn.SetDeadline(time.Now().Add(Timeout)); err != nil {
		return nil, err
	}
	line, err := s.readLine()
	if err == nil && !strings.HasPrefix(line, "* OK ") && !strings.HasPrefix(line, "* PREAUTH ") {
		err = fmt.Errorf("greeting is %q", line)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

// Close logs out and closes the connection.
func (s *Session) Close() error {
	_, _ = s.Do("LOGOUT")
	return s.conn.Close()
}

// StatusError is a NO or BAD.
type StatusError struct {
	Command, Reply string
}

func (e *StatusError) Error() string { return fmt.Sprintf("%s: %s", e.Command, e.Reply) }

// Do sends one command without its tag and returns the untagged lines before its OK, without CRLF; after an
// error those that still came. A NO or BAD is a *StatusError.
func (s *Session) Do(command string) ([]string, error) {
	tag, err := s.send(command)
	if err != nil {
		return nil, err
	}
	return s.finish(command, tag)
}

// doLiteral sends a command that ends in a literal, which the server has to ask for.
func (s *Session) doLiteral(command string, literal []byte) ([]string, error) {
	tag, err := s.send(command)
	if err != nil {
		return nil, err
	}
	for {
		line, err := s.readLine()
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(line, tag+" ") {
			return nil, &StatusError{Command: firstWord(command), Reply: line}
		}
		if strings.HasPrefix(line, "+") {
			break
		}
	}
	if _, err := s.conn.Write(append(literal[:len(literal):len(literal)], "\r\n"...)); err != nil {
		return nil, err
	}
	return s.finish(command, tag)
}

func (s *Session) finish(command, tag string) ([]string, error) {
	untagged, reply, err := s.wait(tag)
	if err != nil {
		return untagged, fmt.Errorf("%s: %w", firstWord(command), err)
	}
	if !strings.HasPrefix(reply, "OK ") {
		return untagged, &StatusError{Command: firstWord(command), Reply: reply}
	}
	return append(untagged, reply), nil
}

// send writes a command, and anything else that belongs to it, in one piece.
func (s *Session) send(command string) (tag string, err error) {
	s.tag++
	tag = fmt.Sprintf("r%d", s.tag)
	if err := s.conn.SetDeadline(time.Now().Add(Timeout)); err != nil {
		return "", err
	}
	_, err = io.WriteString(s.conn, tag+" "+command+"\r\n")
	return tag, err
}

func (s *Session) wait(tag string) (untagged []string, reply string, err error) {
	for {
		line, err := s.readLine()
		if err != nil {
			return untagged, "", err
		}
		if reply, ok := strings.CutPrefix(line, tag+" "); ok {
			return untagged, reply, nil
		}
		untagged = append(untagged, line)
	}
}

// readLine reads one response line; a literal in it is put in place of its header, so one response is one string.
func (s *Session) readLine() (string, error) {
	var whole strings.Builder
	for {
		line, err := s.r.ReadString('\n')
		if err != nil {
			return "", err
		}
		line = strings.TrimRight(line, "\r\n")
		open := strings.LastIndexByte(line, '{')
		if open < 0 || !strings.HasSuffix(line, "}") {
			whole.WriteString(line)
			return whole.String(), nil
		}
		size, err := strconv.Atoi(line[open+1 : len(line)-1])
		if err != nil {
			whole.WriteString(line)
			return whole.String(), nil
		}
		whole.WriteString(line[:open])
		if _, err := io.CopyN(&whole, s.r, int64(size)); err != nil {
			return "", err
		}
	}
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func firstWord(command string) string {
	word, _, _ := strings.Cut(command, " ")
	return word
}
