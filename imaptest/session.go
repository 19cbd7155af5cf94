package imaptest

import (
	"bytes"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// State is the state of a session (RFC 9051 section 3).
type State uint8

// The states of a session.
const (
	NotAuthenticated State = iota + 1
	Authenticated
	Selected
	LoggedOut
)

// String returns the RFC's word.
func (s State) String() string {
	switch s {
	case NotAuthenticated:
		return "not authenticated"
	case Authenticated:
		return "authenticated"
	case Selected:
		return "selected"
	case LoggedOut:
		return "logout"
	}
	return "?"
}

// Session is one connection to a [Server]. Its exported methods are safe for concurrent use and never
// wait for the client.
//
// Three goroutines serve it: one reads frames, one runs commands and knows the protocol's state, one
// writes. They end with the connection, and [Server.ServeConn] returns after them.
type Session struct {
	server  *Server
	id      uint64
	out     *outbox
	framer  *imapwire.Framer
	frames  chan input
	updates chan struct{} // capacity 1: the log of the selected mailbox has grown
	readEnd chan struct{} // closed when nothing more will be read
	done    chan struct{} // closed when no more frames are taken

	stopOnce sync.Once
	stopped  chan struct{} // closed by stop, after the reason was set
	reason   string
	silent   bool // no BYE

	overflow atomic.Bool // notifications are to end

	mu      sync.Mutex // guards what others may ask for
	conn    net.Conn
	user    *User
	mailbox *Mailbox
	state   State
	idle    bool
	last    string

	// What follows belongs to the goroutine that runs commands.
	tls       bool
	buf       []byte       // responses on their way to the outbox
	failed    error        // a response could not be encoded
	tag       string       // of the running command
	policy    updatePolicy // of the running command
	view      *view
	condStore bool // a CONDSTORE enabling command was seen (RFC 7162 section 3.1)
	qresync   bool
	notify    *notification // nil: NOTIFY was never used
	idleTag   string        // not "" while idling
	stillHere *time.Ticker
}

// readAhead is how many commands are read before the first of them is done, so that the end of the
// connection is noticed under them.
const readAhead = 16

// input is what the reader hands over.
type input struct {
	line    []byte
	literal bool          // a synchronising literal was announced: say "+"
	err     error         // the frame was thrown away
	gate    chan struct{} // the reader waits for it to be closed
}

func newSession(server *Server, conn net.Conn) *Session {
	s := &Session{
		server: server, id: server.sessionIDs.Add(1), conn: conn, state: NotAuthenticated,
		frames: make(chan input, readAhead), updates: make(chan struct{}, 1), readEnd: make(chan struct{}),
		done: make(chan struct{}), stopped: make(chan struct{}),
	}
	_, s.tls = conn.(*tls.Conn)
	s.out = newOutbox(conn, server.opts.Chunked, server.opts.CutAfter)
	s.framer = imapwire.NewFramer(conn, &imapwire.Options{Limits: imapwire.Limits{
		Literal: server.opts.MaxLiteral, Response: int(server.opts.MaxLiteral) + 1<<20,
	}})
	s.framer.Literal = s.onLiteral
	return s
}

// ID returns a number that is this session's alone; later sessions have greater ones.
func (s *Session) ID() uint64 { return s.id }

// User returns who is logged in, or nil.
func (s *Session) User() *User {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.user
}

// Mailbox returns what is selected, or nil.
func (s *Session) Mailbox() *Mailbox {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mailbox
}

// State returns the state.
func (s *Session) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// Idling reports whether the session is in an IDLE command.
func (s *Session) Idling() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.idle
}

// LastCommand returns the name of the last command that was received.
func (s *Session) LastCommand() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

func (s *Session) connection() net.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn
}

func (s *Session) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// wake says that the log of the selected mailbox has grown. It never waits.
func (s *Session) wake() {
	select {
	case s.updates <- struct{}{}:
	default:
	}
}

// end is stop with a BYE. It never waits.
func (s *Session) end(reason string) { s.stop(reason, false) }

func (s *Session) stop(reason string, silent bool) {
	s.stopOnce.Do(func() {
		s.reason, s.silent = reason, silent
		close(s.stopped)
	})
}

// run serves the session until it ends, and closes the connection.
func (s *Session) run() {
	defer s.server.unregister(s)
	var writer, reader sync.WaitGroup
	writer.Go(s.out.run)
	if hook := s.server.opts.OnSession; hook != nil {
		hook(s)
	}
	if s.greet() {
		reader.Go(s.read)
		s.serve()
	}
	close(s.done)
	s.leave()
	if u := s.User(); u != nil {
		u.unlisten(s)
	}
	s.change(func() { s.state = LoggedOut })
	s.out.set(func() { s.out.closing = true })
	writer.Wait()
	s.connection().Close()
	reader.Wait()
	s.framer.Release()
}

// read hands frames to the goroutine that runs commands.
func (s *Session) read() {
	defer close(s.readEnd)
	for {
		in := input{}
		frame, err := s.framer.Next()
		if limit, ok := errors.AsType[*imapwire.LimitError](err); ok && limit.Skipped {
			in.line, in.err = []byte(limit.Head), err
		} else if err != nil {
			return
		} else {
			in.line = bytes.Clone(frame.Data)
		}
		if isStartTLS(in.line) {
			in.gate = make(chan struct{})
		}
		if !s.hand(in) {
			return
		}
	}
}

// hand gives in to the goroutine that runs commands and waits at its gate.
func (s *Session) hand(in input) bool {
	select {
	case s.frames <- in:
	case <-s.done:
		return false
	}
	if in.gate == nil {
		return true
	}
	select {
	case <-in.gate:
		return true
	case <-s.done:
		return false
	}
}

// onLiteral is called by the framer, in the reader's goroutine. The "+" must not overtake the answers
// of the commands before, so it is sent by the goroutine that runs them.
func (s *Session) onLiteral(_ int64, sync bool) error {
	if !sync || s.hand(input{literal: true}) {
		return nil
	}
	return net.ErrClosed
}

// serve runs commands until the session ends.
func (s *Session) serve() {
	for s.State() != LoggedOut && s.turn() {
		s.flush()
	}
	if s.isStopped() && !s.silent {
		s.send(&imap.Status{Kind: imap.BYE, Text: s.reason})
	}
	s.flush()
}

// turn waits for something to do and does it. False means that there is nothing any more.
func (s *Session) turn() bool {
	select {
	case in := <-s.frames:
		if !s.isStopped() {
			s.take(in)
		}
	case <-s.updates:
		s.push()
	case <-s.stillHereTick():
		s.send(&imap.Status{Kind: imap.OK, Text: "Still here"})
	case <-s.readEnd:
		select { // the client may stop sending and still wait for answers
		case in := <-s.frames:
			s.take(in)
		default:
			return false
		}
	case <-s.stopped:
	}
	return !s.isStopped()
}

func (s *Session) isStopped() bool {
	select {
	case <-s.stopped:
		return true
	default:
		return false
	}
}

func (s *Session) take(in input) {
	switch {
	case in.literal:
		s.send(&imap.Continuation{Text: "OK"})
		s.flush()
	case s.idleTag != "":
		s.endIdle(in)
	default:
		s.command(in)
	}
	if in.gate != nil {
		close(in.gate)
	}
}

// nextLine waits for a line that is no command, such as a SASL response. It reports false when the
// session ends.
func (s *Session) nextLine() (string, bool) {
	s.flush()
	for {
		var in input
		select {
		case in = <-s.frames:
		case <-s.stopped:
			return "", false
		case <-s.readEnd:
			select {
			case in = <-s.frames:
			default:
				return "", false
			}
		}
		if in.gate != nil {
			close(in.gate)
		}
		if !in.literal {
			return string(in.line), in.err == nil
		}
		s.send(&imap.Continuation{Text: "OK"})
		s.flush()
	}
}

// send queues a response. A response that cannot be encoded is a bug; the running command fails.
func (s *Session) send(r imap.Response) {
	buf, err := imapwire.AppendResponse(s.buf, r, nil)
	if err != nil {
		s.failed = err
		return
	}
	s.buf = buf
	if len(s.buf) > maxWrite {
		s.flush()
	}
}

// flush gives what was sent to the outbox.
func (s *Session) flush() {
	if len(s.buf) > 0 {
		s.out.write(s.buf)
		s.buf = s.buf[:0]
	}
}
