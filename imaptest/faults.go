package imaptest

import (
	"crypto/tls"
	"net"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// Command is a command that a session received, before it runs. The DONE that ends an IDLE is one
// too, with the tag of the IDLE.
type Command struct {
	Session *Session
	Tag     string
	Name    string // in upper case: "UID FETCH"
	Args    []imapwire.Arg
}

// Verdict is what [ServerOptions.OnCommand] decides. The zero value is [Pass].
type Verdict struct {
	kind   verdictKind
	status imap.Status
	until  <-chan struct{}
	raw    string
}

type verdictKind uint8

const (
	verdictPass verdictKind = iota
	verdictRefuse
	verdictIgnore
	verdictDrop
	verdictDelay
	verdictReply
)

var (
	// Pass runs the command.
	Pass = Verdict{}
	// Ignore neither runs nor answers the command: a server that forgets. The next one is answered.
	Ignore = Verdict{kind: verdictIgnore}
	// Drop cuts the connection without running the command; see [Session.Cut].
	Drop = Verdict{kind: verdictDrop}
)

// Refuse answers without running the command: kind is [imap.NO] or [imap.BAD], code can be "".
func Refuse(kind imap.Kind, code imap.CodeName, text string) Verdict {
	v := Verdict{kind: verdictRefuse, status: imap.Status{Kind: kind, Text: text}}
	if code != "" {
		v.status.Code = &imap.Code{Name: code}
	}
	return v
}

// DelayUntil runs the command when release is closed, or has a value. The session does nothing else
// until then, as a server that is busy; others go on.
func DelayUntil(release <-chan struct{}) Verdict { return Verdict{kind: verdictDelay, until: release} }

// Reply answers with these bytes instead of running the command: "{tag}" stands for its tag, and
// nothing is added.
func Reply(raw string) Verdict { return Verdict{kind: verdictReply, raw: raw} }

// Cut ends the connection at once, as a reset where the transport can (RST over TCP). What was not
// sent yet is lost. It does not wait for the session to end.
func (s *Session) Cut() {
	cutConn(s.connection()) // first: the session closes it too when it ends, but not as a reset
	s.out.set(func() { s.out.dead = true })
	s.stop("", true)
}

// Hangup closes the connection as a dying server process does: what was said is sent, then comes the
// end of the stream (FIN, with TLS its close_notify) but no BYE.
func (s *Session) Hangup() { s.stop("", true) }

// HalfClose sends the end of the stream but goes on reading and running commands, whose answers are
// lost. Where the transport cannot do that, as [net.Pipe], it is a Cut.
func (s *Session) HalfClose() {
	s.out.set(func() { s.out.dead = true })
	if c, ok := s.connection().(interface{ CloseWrite() error }); ok && c.CloseWrite() == nil {
		return
	}
	s.Cut()
}

// Bye ends the session with an untagged BYE.
func (s *Session) Bye(text string) { s.stop(text, false) }

// Stall stops sending, as a dead link or a hung server does: the connection stays open and commands
// still run. What the session says from now on comes with Resume.
func (s *Session) Stall() { s.out.set(func() { s.out.stalled = true }) }

// Resume ends a Stall.
func (s *Session) Resume() { s.out.set(func() { s.out.stalled = false }) }

// Inject sends raw bytes between two responses. Nothing is added, so an unsolicited response must
// bring its CRLF. It never waits.
func (s *Session) Inject(raw string) { s.out.inject([]byte(raw)) }

// Overflow has the session end its notifications as a server does that finds NOTIFY too much (RFC 5465 section 5.8): from
// then on it is as after NOTIFY NONE. Without notifications it does nothing.
func (s *Session) Overflow() {
	s.overflow.Store(true)
	s.wake()
}

// CutAfter cuts the connection when n more bytes have been sent. CutAfter(0) in an OnCommand hook that
// returns [Pass] makes the command run and its answer get lost.
func (s *Session) CutAfter(n int64) { s.out.set(func() { s.out.cutAt = s.out.sent + n }) }

// SetChunked says whether every byte is a write of its own.
func (s *Session) SetChunked(chunked bool) { s.out.set(func() { s.out.chunked = chunked }) }

// Sent returns how many bytes were sent, before TLS.
func (s *Session) Sent() int64 {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	return s.out.sent
}

// cutConn closes conn without the manners of TLS, with a reset if it is TCP.
func cutConn(conn net.Conn) {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	if t, ok := conn.(*net.TCPConn); ok {
		t.SetLinger(0)
	}
	conn.Close()
}
