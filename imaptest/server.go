package imaptest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pushmail/pushmail/imap"
)

// Server is an in-memory IMAP server. All methods are safe for concurrent use.
type Server struct {
	opts ServerOptions
	caps imap.Capabilities
	cert *certificate // made when first needed

	onCommand   atomic.Pointer[func(Command) Verdict]
	deafIdle    atomic.Bool
	lossyNotify atomic.Bool
	uidValidity atomic.Uint32
	messageIDs  atomic.Uint64
	sessionIDs  atomic.Uint64

	mu        sync.Mutex // guards what follows
	users     map[string]*User
	sessions  map[*Session]struct{}
	listeners []net.Listener
	closed    bool
	wg        sync.WaitGroup // sessions and accept loops
}

// NewServer returns a server without users that listens nowhere. Nil options mean the defaults.
func NewServer(o *ServerOptions) *Server {
	s := &Server{users: map[string]*User{}, sessions: map[*Session]struct{}{}, cert: newCertificate()}
	if o != nil {
		s.opts = *o
	}
	caps := s.opts.Capabilities
	if caps == nil {
		caps = DefaultCapabilities()
	}
	for _, c := range caps {
		if !slices.Contains(s.opts.Without, c) {
			s.caps = append(s.caps, c)
		}
	}
	if s.opts.MaxLiteral == 0 {
		s.opts.MaxLiteral = 64 << 20
	}
	if s.opts.FirstUIDValidity == 0 {
		s.opts.FirstUIDValidity = 1_700_000_000
	}
	s.uidValidity.Store(s.opts.FirstUIDValidity - 1)
	s.SetOnCommand(s.opts.OnCommand)
	s.deafIdle.Store(s.opts.DeafIdle)
	return s
}

// SetOnCommand replaces [ServerOptions.OnCommand]. Nil lets every command pass.
func (s *Server) SetOnCommand(f func(Command) Verdict) {
	if f == nil {
		f = func(Command) Verdict { return Pass }
	}
	s.onCommand.Store(&f)
}

// SetDeafIdle replaces [ServerOptions.DeafIdle]. Going back to false pushes what was held back.
func (s *Server) SetDeafIdle(deaf bool) {
	s.deafIdle.Store(deaf)
	for _, session := range s.Sessions() {
		session.wake()
	}
}

// SetLossyNotify has whatever NOTIFY would tell of mailboxes that are not selected get lost from now on, as long as lossy is true.
func (s *Server) SetLossyNotify(lossy bool) { s.lossyNotify.Store(lossy) }

// AddUser adds a user with an empty INBOX, or changes the password of one that is there.
func (s *Server) AddUser(name, password string) *User {
	s.mu.Lock()
	u := s.users[name]
	if u == nil {
		u = newUser(s, name)
		s.users[name] = u
	}
	s.mu.Unlock()
	u.SetPassword(password)
	u.Mailbox("INBOX")
	return u
}

// user returns the user, or nil.
func (s *Server) user(name string) *User {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.users[name]
}

// errServerClosed is what a closed Server returns.
var errServerClosed = fmt.Errorf("imaptest: server is closed: %w", net.ErrClosed)

// Listen starts to accept connections, such as Listen("tcp", "127.0.0.1:0"): with TLS at once, or
// without if [ServerOptions] says StartTLS or Plain. It returns when the port is open.
func (s *Server) Listen(network, addr string) error {
	l, err := net.Listen(network, addr)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		l.Close()
		return errServerClosed
	}
	s.listeners = append(s.listeners, l)
	s.wg.Go(func() { s.accept(l) })
	return nil
}

func (s *Server) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			time.Sleep(10 * time.Millisecond) // no file descriptors left: others will end
			continue
		}
		if !s.opts.Plain && !s.opts.StartTLS {
			conn = tls.Server(conn, s.cert.server())
		}
		session, err := s.register(conn)
		if err != nil {
			conn.Close()
			return
		}
		go session.run()
	}
}

// ServeConn runs one session over conn and returns when it has ended and conn is closed. A conn that
// is a *[tls.Conn] counts as encrypted. All goroutines of the session have ended then.
func (s *Server) ServeConn(conn net.Conn) {
	session, err := s.register(conn)
	if err != nil {
		conn.Close()
		return
	}
	session.run()
}

// Pipe starts a session over a [net.Pipe] and returns the client's end.
func (s *Server) Pipe() net.Conn {
	client, server := net.Pipe()
	go s.ServeConn(server)
	return client
}

func (s *Server) register(conn net.Conn) (*Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errServerClosed
	}
	session := newSession(s, conn)
	s.sessions[session] = struct{}{}
	s.wg.Add(1)
	return session, nil
}

func (s *Server) unregister(session *Session) {
	s.mu.Lock()
	delete(s.sessions, session)
	s.mu.Unlock()
	s.wg.Done()
}

// Addr returns where the first listener listens, or nil.
func (s *Server) Addr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.listeners) == 0 {
		return nil
	}
	return s.listeners[0].Addr()
}

// CertPEM returns the server's self-signed certificate, for a file that a client is told to trust.
func (s *Server) CertPEM() []byte { return s.cert.pem() }

// TLSConfig returns a client's configuration that trusts this server and nobody else.
func (s *Server) TLSConfig() *tls.Config { return s.cert.client() }

// ServerTLSConfig returns the server's own configuration, to wrap a connection for [Server.ServeConn]:
//
//	go s.ServeConn(tls.Server(conn, s.ServerTLSConfig()))
func (s *Server) ServerTLSConfig() *tls.Config { return s.cert.server() }

// Sessions returns the sessions that run now, the oldest first.
func (s *Server) Sessions() []*Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*Session, 0, len(s.sessions))
	for session := range s.sessions {
		out = append(out, session)
	}
	slices.SortFunc(out, func(a, b *Session) int { return int(a.id) - int(b.id) })
	return out
}

// Close stops listening, cuts every connection, and returns when all sessions have ended.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	listeners := s.listeners
	s.mu.Unlock()
	for _, l := range listeners {
		l.Close()
	}
	for _, session := range s.Sessions() {
		session.Cut()
	}
	s.wg.Wait()
	return nil
}

func (s *Server) nextUIDValidity() uint32 { return s.uidValidity.Add(1) }

func (s *Server) newMessage(raw []byte, date time.Time) *message {
	n := s.messageIDs.Add(1)
	return &message{
		content: newContent(raw), date: date,
		emailID: fmt.Sprintf("E%d", n), threadID: fmt.Sprintf("T%d", n),
	}
}
