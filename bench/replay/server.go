// Package replay is an IMAP server on loopback that knows one mailbox and answers every FETCH with the same recording, as fast
// as the socket takes it. It looks at nothing else that clients say, so that next to none of the time is the server's.
package replay

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/pushmail/pushmail/bench/recording"
)

// patience bounds how long a client may say nothing, or not read.
const patience = 2 * time.Minute

// Server serves one connection after the other.
type Server struct {
	listener  net.Listener
	recording *recording.Recording
}

// Listen listens on a free port of 127.0.0.1.
func Listen(r *recording.Recording) (*Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return &Server{listener: l, recording: r}, nil
}

// Addr is the address for clients.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Close makes Serve return, after the connection that is open.
func (s *Server) Close() error { return s.listener.Close() }

// Serve accepts connections until Close. A client that hangs up, or misbehaves, ends its own connection only.
func (s *Server) Serve() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		_ = s.serve(c)
		_ = c.Close()
	}
}

func (s *Server) serve(c net.Conn) error {
	lines := bufio.NewReader(c)
	say := func(format string, args ...any) error {
		_ = c.SetDeadline(time.Now().Add(patience))
		_, err := fmt.Fprintf(c, format, args...)
		return err
	}
	if err := say("* OK [CAPABILITY IMAP4rev1] replay\r\n"); err != nil {
		return err
	}
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return err
		}
		tag, rest, _ := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		name, rest, _ := strings.Cut(strings.ToUpper(rest), " ")
		if name == "UID" {
			name, _, _ = strings.Cut(rest, " ")
		}
		if err := s.answer(c, say, name); err != nil {
			return err
		}
		if err := say("%s OK done\r\n", tag); err != nil || name == "LOGOUT" {
			return err
		}
	}
}

// answer says what comes before the OK.
func (s *Server) answer(c io.Writer, say func(string, ...any) error, name string) error {
	switch name {
	case "FETCH":
		if err := say(""); err != nil { // a new deadline
			return err
		}
		_, err := c.Write(s.recording.Rows)
		return err
	case "SELECT", "EXAMINE":
		return say("* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\r\n* OK [PERMANENTFLAGS ()] none\r\n"+
			"* %d EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY 1700000000] valid\r\n* OK [UIDNEXT 4000000000] next\r\n", s.recording.Totals.Messages)
	case "CAPABILITY":
		return say("* CAPABILITY IMAP4rev1\r\n")
	case "LIST":
		return say("* LIST () \"/\" INBOX\r\n")
	case "LOGOUT":
		return say("* BYE\r\n")
	}
	return nil
}
