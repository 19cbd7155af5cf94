package imaptest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushmail/pushmail/imap"
)

// client is a bare IMAP client in a bubble: it sends lines and reads lines.
type client struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
}

func connect(t *testing.T, s *Server) *client {
	t.Helper()
	conn := s.Pipe()
	c := &client{t, conn, bufio.NewReader(conn)}
	c.hear("* OK ")
	return c
}

func (c *client) say(line string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, line+"\r\n"); err != nil {
		c.t.Fatalf("send %q: %v", line, err)
	}
}

// hear reads a line that must start with prefix.
func (c *client) hear(prefix string) string {
	c.t.Helper()
	line, err := c.r.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, prefix) {
		c.t.Fatalf("got %q (%v), want %q…", line, err, prefix)
	}
	return line
}

// until reads lines up to one that starts with prefix.
func (c *client) until(prefix string) (lines []string) {
	c.t.Helper()
	for {
		line, err := c.r.ReadString('\n')
		if err != nil {
			c.t.Fatalf("waiting for %q: %v", prefix, err)
		}
		if lines = append(lines, line); strings.HasPrefix(line, prefix) {
			return lines
		}
	}
}

// silent checks that nothing comes for a minute.
func (c *client) silent() {
	c.t.Helper()
	c.conn.SetReadDeadline(time.Now().Add(time.Minute))
	if b, err := c.r.Peek(1); !errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatalf("got %q, %v; want nothing", b, err)
	}
	c.conn.SetReadDeadline(time.Time{})
}

func (c *client) ended() {
	c.t.Helper()
	if line, err := c.r.ReadString('\n'); err == nil {
		c.t.Fatalf("got %q, want the end", line)
	}
}

func (c *client) idleInbox() {
	c.t.Helper()
	c.say("a LOGIN jo secret")
	c.hear("a OK")
	c.say("b SELECT INBOX")
	c.until("b OK")
	c.say("c IDLE")
	c.hear("+ ")
}

// inServer runs a test in a bubble with a server that has the user jo.
func inServer(t *testing.T, o ServerOptions, test func(t *testing.T, s *Server, inbox *Mailbox)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := NewServer(&o)
		defer s.Close()
		test(t, s, s.AddUser("jo", "secret").Mailbox("INBOX"))
	})
}

var hello = []byte("Subject: hello\n\nhello\n")

func TestVerdicts(t *testing.T) {
	release := make(chan struct{})
	verdicts := map[string]Verdict{
		"NOOP":  Refuse(imap.NO, imap.CodeUnavailable, "later"),
		"CHECK": Refuse(imap.BAD, "", "what?"),
		"LIST":  Ignore,
		"LSUB":  Reply("* BROKEN (\r\n{tag} OK so be it\r\n"),
		"CLOSE": Drop,
	}
	inServer(t, ServerOptions{OnCommand: func(c Command) Verdict { return verdicts[c.Name] }}, func(t *testing.T, s *Server, inbox *Mailbox) {
		release = make(chan struct{})
		verdicts["SELECT"] = DelayUntil(release)
		c := connect(t, s)
		c.say("a LOGIN jo secret")
		c.hear("a OK")
		c.say("b NOOP")
		c.hear("b NO [UNAVAILABLE] later\r\n")
		c.say("c CHECK")
		c.hear("c BAD what?\r\n")
		c.say(`d LIST "" *`)
		c.silent()
		c.say(`e LSUB "" *`)
		c.hear("* BROKEN (\r\n")
		c.hear("e OK so be it\r\n")
		c.say("f SELECT INBOX")
		c.silent()
		close(release)
		c.until("f OK")
		c.say("g CLOSE")
		c.ended()
	})
}

func TestDelayedSessionEndsWithItsConnection(t *testing.T) {
	inServer(t, ServerOptions{OnCommand: func(Command) Verdict { return DelayUntil(nil) }}, func(t *testing.T, s *Server, inbox *Mailbox) {
		c := connect(t, s)
		c.say("a NOOP")
		c.silent()
		c.conn.Close()
		synctest.Wait()
		if left := s.Sessions(); len(left) != 0 {
			t.Errorf("%d sessions are left", len(left))
		}
	})
}

func TestDelayedSessionEndsWithCommandsBehind(t *testing.T) {
	for _, end := range []struct {
		name string
		end  func(*Server, *client)
	}{
		{"client", func(_ *Server, c *client) { c.conn.Close() }},
		{"server", func(s *Server, _ *client) { s.Close() }},
		{"cut", func(s *Server, _ *client) { s.Sessions()[0].Cut() }},
		{"hangup", func(s *Server, _ *client) { s.Sessions()[0].Hangup() }},
	} {
		t.Run(end.name, func(t *testing.T) {
			var ran []string
			hook := func(c Command) Verdict {
				ran = append(ran, c.Name)
				return DelayUntil(nil)
			}
			inServer(t, ServerOptions{OnCommand: hook}, func(t *testing.T, s *Server, inbox *Mailbox) {
				c := connect(t, s)
				c.say("a NOOP\r\nb LOGIN {2}\r\nc NOOP")
				synctest.Wait()
				end.end(s, c)
				synctest.Wait()
				if left := s.Sessions(); len(left) != 0 {
					t.Errorf("%d sessions are left", len(left))
				}
				if len(ran) != 1 {
					t.Errorf("%q ran", ran)
				}
			})
		})
	}
}

func TestForgottenDone(t *testing.T) {
	inServer(t, ServerOptions{}, func(t *testing.T, s *Server, inbox *Mailbox) {
		s.SetOnCommand(func(c Command) Verdict {
			if c.Name == "DONE" {
				return Ignore
			}
			return Pass
		})
		c := connect(t, s)
		c.idleInbox()
		c.say("DONE")
		c.silent()
		s.SetOnCommand(nil)
		c.say("DONE")
		c.hear("c OK")
	})
}

func TestCut(t *testing.T) {
	inServer(t, ServerOptions{}, func(t *testing.T, s *Server, inbox *Mailbox) {
		c := connect(t, s)
		c.idleInbox()
		session := s.Sessions()[0]
		if session.User().Name() != "jo" || session.Mailbox() != inbox || session.State() != Selected || !session.Idling() || session.LastCommand() != "IDLE" {
			t.Errorf("session says %v %v %v %v %q", session.User(), session.Mailbox(), session.State(), session.Idling(), session.LastCommand())
		}
		session.Cut()
		c.ended()
		synctest.Wait()
		if session.State() != LoggedOut || len(s.Sessions()) != 0 {
			t.Error("the session goes on")
		}
	})
}

func TestHangupSendsWhatWasSaid(t *testing.T) {
	inServer(t, ServerOptions{}, func(t *testing.T, s *Server, inbox *Mailbox) {
		c := connect(t, s)
		c.idleInbox()
		inbox.Append(hello)
		synctest.Wait()
		s.Sessions()[0].Hangup()
		c.hear("* 1 EXISTS")
		c.hear("* 1 RECENT")
		c.ended()
	})
}

func TestBye(t *testing.T) {
	inServer(t, ServerOptions{}, func(t *testing.T, s *Server, inbox *Mailbox) {
		c := connect(t, s)
		s.Sessions()[0].Bye("going down")
		c.hear("* BYE going down\r\n")
		c.ended()
	})
}

func TestStallHoldsEverythingBack(t *testing.T) {
	inServer(t, ServerOptions{}, func(t *testing.T, s *Server, inbox *Mailbox) {
		slow, other := connect(t, s), connect(t, s)
		slow.idleInbox()
		other.idleInbox()
		session := s.Sessions()[0]
		session.Stall()
		inbox.Append(hello)
		other.hear("* 1 EXISTS")
		slow.silent()
		slow.say("DONE")
		slow.silent()
		session.Resume()
		slow.hear("* 1 EXISTS")
		slow.until("c OK")
	})
}

func TestSlowClientBlocksNobody(t *testing.T) {
	inServer(t, ServerOptions{}, func(t *testing.T, s *Server, inbox *Mailbox) {
		inbox.Append([]byte("Subject: big\r\n\r\n" + strings.Repeat("x", 10*maxBuffered)))
		slow, other := connect(t, s), connect(t, s)
		for _, c := range []*client{slow, other} {
			c.say("a LOGIN jo secret")
			c.hear("a OK")
			c.say("b SELECT INBOX")
			c.until("b OK")
		}
		slow.say("c FETCH 1:* BODY[]") // and never reads
		synctest.Wait()
		other.say("c IDLE")
		other.hear("+ ")
		inbox.Append(hello)
		other.until("* 2 EXISTS")
	})
}

func TestInject(t *testing.T) {
	inServer(t, ServerOptions{}, func(t *testing.T, s *Server, inbox *Mailbox) {
		c := connect(t, s)
		c.idleInbox()
		s.Sessions()[0].Inject("* 1 FETCH (((\r\n* OK [ALERT] Disk full\r\n")
		c.hear("* 1 FETCH (((\r\n")
		c.hear("* OK [ALERT] Disk full\r\n")
		c.say("DONE")
		c.hear("c OK")
	})
}

func TestCutAfterEveryByte(t *testing.T) {
	whole := recordSession(t, 0)
	if !strings.Contains(whole, "* 1 FETCH") || !strings.HasSuffix(whole, "d OK LOGOUT completed\r\n") {
		t.Fatalf("the whole session is %q", whole)
	}
	for k := 1; k < len(whole); k++ {
		if got := recordSession(t, int64(k)); got != whole[:k] {
			t.Fatalf("cut after %d bytes: got %q, want %q", k, got, whole[:k])
		}
	}
}

func TestCutAfterDoesNotWaitForMore(t *testing.T) {
	greeting := "* OK imaptest ready\r\n"
	inServer(t, ServerOptions{CutAfter: int64(len(greeting)), QuietCapabilities: true}, func(t *testing.T, s *Server, inbox *Mailbox) {
		if b, err := io.ReadAll(s.Pipe()); string(b) != greeting {
			t.Errorf("got %q (%v), want %q", b, err, greeting)
		}
	})
}

// recordSession returns all that a server says in one session.
func recordSession(t *testing.T, cutAfter int64) (heard string) {
	inServer(t, ServerOptions{CutAfter: cutAfter, QuietCapabilities: true}, func(t *testing.T, s *Server, inbox *Mailbox) {
		inbox.Append(hello)
		conn := s.Pipe()
		go io.WriteString(conn, "a LOGIN jo secret\r\nb SELECT INBOX\r\nc FETCH 1 BODY[]\r\nd LOGOUT\r\n")
		b, _ := io.ReadAll(conn)
		heard = string(b)
		conn.Close()
	})
	return heard
}

func TestCutAfterLosesAnAnswer(t *testing.T) {
	inServer(t, ServerOptions{}, func(t *testing.T, s *Server, inbox *Mailbox) {
		inbox.Append(hello)
		s.SetOnCommand(func(c Command) Verdict {
			if c.Name == "STORE" {
				c.Session.CutAfter(0)
			}
			return Pass
		})
		c := connect(t, s)
		c.say("a LOGIN jo secret")
		c.hear("a OK")
		c.say("b SELECT INBOX")
		c.until("b OK")
		c.say(`c STORE 1 FLAGS (\Seen)`)
		c.ended()
		if flags := inbox.Snapshot().Messages[0].Flags; !imap.HasFlag(flags, imap.FlagSeen) {
			t.Errorf("flags are %v: the command did not run", flags)
		}
	})
}

func TestChunkedWritesOneByteAtATime(t *testing.T) {
	inServer(t, ServerOptions{Chunked: true}, func(t *testing.T, s *Server, inbox *Mailbox) {
		conn := s.Pipe()
		buf := make([]byte, 100)
		for range 20 {
			if n, err := conn.Read(buf); n != 1 || err != nil {
				t.Fatalf("read %d bytes, %v", n, err)
			}
		}
		conn.Close()
	})
}

func TestHalfCloseGoesOnReading(t *testing.T) {
	s := NewServer(&ServerOptions{Plain: true})
	defer s.Close()
	inbox := s.AddUser("jo", "secret").Mailbox("INBOX")
	if err := s.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	c := &client{t, conn, bufio.NewReader(conn)}
	c.hear("* OK")
	c.say("a LOGIN jo secret")
	c.hear("a OK")
	s.Sessions()[0].HalfClose()
	c.ended()
	raw := "Subject: x\r\n\r\n"
	c.say(fmt.Sprintf("b APPEND INBOX {%d+}\r\n%s", len(raw), raw))
	for deadline := time.Now().Add(20 * time.Second); len(inbox.Snapshot().Messages) == 0; {
		if time.Now().After(deadline) {
			t.Fatal("the command did not run")
		}
		time.Sleep(time.Millisecond)
	}
}

func TestCutOverTCPIsAReset(t *testing.T) {
	s := NewServer(&ServerOptions{Plain: true})
	defer s.Close()
	if err := s.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	c := &client{t, conn, bufio.NewReader(conn)}
	c.hear("* OK")
	s.Sessions()[0].Cut()
	if _, err := c.r.ReadByte(); err == nil || errors.Is(err, io.EOF) || !strings.Contains(err.Error(), "reset") {
		t.Errorf("got %v, want a reset", err)
	}
}
