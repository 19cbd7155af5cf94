// Package crowd measures what very many mailboxes cost that mostly do nothing: memory, goroutines and CPU at rest, how long a push takes
// among them, and how long it takes until all are back after all connections were lost.
package crowd

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Server is an IMAP server with one mailbox for each user name, of which it keeps a number: its messages have the UIDs 1, 2, 3 and so on, and
// the UID is the MODSEQ, too. A connection that idles costs it a goroutine and no time.
type Server struct {
	listeners []net.Listener
	tls       *tls.Config // nil: plain
	running   sync.WaitGroup

	mu       sync.Mutex
	boxes    []*box            // guarded by mu: by user
	sessions map[*session]bool // guarded by mu
}

// box is the mailbox of a user.
type box struct {
	mu      sync.Mutex
	n       uint32   // guarded by mu: messages
	session *session // guarded by mu: the one that was opened last
}

// Heard is something that happened with message UID of a user's mailbox.
type Heard struct {
	User int    `json:"user"`
	UID  uint32 `json:"uid"`
	At   int64  `json:"at"` // nanoseconds since 1970
}

// Listen makes a server for users 0 to users-1, with TLS if there is a certificate.
func Listen(users int, cert *tls.Certificate) (*Server, error) {
	s := &Server{boxes: make([]*box, users), sessions: map[*session]bool{}}
	if cert != nil {
		s.tls = &tls.Config{Certificates: []tls.Certificate{*cert}}
	}
	for i := range s.boxes {
		s.boxes[i] = &box{n: 10}
	}
	return s, s.ListenOn(net.IPv4(127, 0, 0, 1))
}

// ListenOn has the server listen on one more address, too.
func (s *Server) ListenOn(ip net.IP) error {
	l, err := net.Listen("tcp", net.JoinHostPort(ip.String(), "0"))
	if err != nil {
		return err
	}
	s.listeners = append(s.listeners, l)
	s.running.Go(func() { s.accept(l) })
	return nil
}

// Addr is the address for clients.
func (s *Server) Addr() string { return s.listeners[0].Addr().String() }

// Addrs are all of them.
func (s *Server) Addrs() (addrs []string) {
	for _, l := range s.listeners {
		addrs = append(addrs, l.Addr().String())
	}
	return addrs
}

// Close ends all sessions.
func (s *Server) Close() error {
	var errs []error
	for _, l := range s.listeners {
		errs = append(errs, l.Close())
	}
	s.Cut()
	s.running.Wait()
	return errors.Join(errs...)
}

// Cut closes all connections at once, and returns how many.
func (s *Server) Cut() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.sessions {
		_ = c.raw.Close()
	}
	return len(s.sessions)
}

// Push has messages arrive in mailboxes chosen by chance, evenly spread over the time, and returns when each EXISTS was written. Who is not
// in IDLE then is left out.
func (s *Server) Push(messages int, perSecond float64) []Heard {
	rnd := rand.New(rand.NewPCG(1, 2))
	began := time.Now()
	var said []Heard
	for i := range messages {
		time.Sleep(time.Until(began.Add(time.Duration(float64(i) / perSecond * float64(time.Second)))))
		user := rnd.IntN(len(s.boxes))
		if uid, at := s.boxes[user].push(); uid != 0 {
			said = append(said, Heard{user, uid, at})
		}
	}
	return said
}

// push announces one more message if the mailbox is waited for.
func (b *box) push() (uid uint32, at int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.session
	if c == nil {
		return 0, 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.idle {
		return 0, 0
	}
	b.n++
	c.told = b.n
	line := []byte("* " + strconv.Itoa(int(b.n)) + " EXISTS\r\n")
	at = time.Now().UnixNano()
	_, _ = c.nc.Write(line)
	return b.n, at
}

// Arrive has messages arrive in mailboxes, one after the other in turn, perSecond of them or, for 0, as fast as that goes, and returns when
// each did. Who is not in IDLE then is told later, as by any server.
func (s *Server) Arrive(messages int, perSecond float64) []Heard {
	began := time.Now()
	came := make([]Heard, 0, messages)
	for i := range messages {
		if perSecond > 0 {
			time.Sleep(time.Until(began.Add(time.Duration(float64(i) / perSecond * float64(time.Second)))))
		}
		user := i % len(s.boxes)
		uid, at := s.boxes[user].arrive()
		came = append(came, Heard{user, uid, at})
	}
	return came
}

// arrive adds a message, and announces it if the mailbox is waited for.
func (b *box) arrive() (uid uint32, at int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.n++
	at = time.Now().UnixNano()
	if c := b.session; c != nil {
		c.tell(b.n)
	}
	return b.n, at
}

// tell announces messages to a session that is in IDLE.
func (c *session) tell(n uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.idle && n > c.told {
		c.told = n
		_, _ = io.WriteString(c.nc, "* "+strconv.Itoa(int(n))+" EXISTS\r\n")
	}
}

func (b *box) size() uint32 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.n
}

func (s *Server) accept(l net.Listener) {
	for {
		raw, err := l.Accept()
		if err != nil {
			return
		}
		c := &session{s: s, raw: raw, nc: raw}
		s.mu.Lock()
		s.sessions[c] = true
		s.mu.Unlock()
		s.running.Go(func() {
			if s.tls != nil {
				c.nc = tls.Server(raw, s.tls)
			}
			_ = c.serve()
			_ = raw.Close()
			s.mu.Lock()
			delete(s.sessions, c)
			s.mu.Unlock()
		})
	}
}

// session is a connection.
type session struct {
	s   *Server
	raw net.Conn
	nc  net.Conn
	box *box

	mu   sync.Mutex
	idle bool   // guarded by mu
	told uint32 // guarded by mu: how many messages the client knows of
}

const capabilities = "IMAP4rev1 IDLE UIDPLUS ENABLE ESEARCH CONDSTORE QRESYNC LIST-EXTENDED LIST-STATUS ID"

func (c *session) serve() error {
	r := bufio.NewReaderSize(c.nc, 512)
	if _, err := io.WriteString(c.nc, "* OK [CAPABILITY "+capabilities+"] ready\r\n"); err != nil {
		return err
	}
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return err
		}
		tag, command, _ := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		var out strings.Builder
		if strings.EqualFold(command, "IDLE") {
			if err := c.idles(r); err != nil {
				return err
			}
		} else if !c.answer(&out, command) {
			fmt.Fprintf(&out, "%s BAD what?\r\n", tag)
			_, err := io.WriteString(c.nc, out.String())
			return err
		}
		c.news(&out)
		out.WriteString(tag + " OK done\r\n")
		if _, err := io.WriteString(c.nc, out.String()); err != nil {
			return err
		}
	}
}

// idles is an IDLE.
func (c *session) idles(r *bufio.Reader) error {
	c.mu.Lock()
	_, err := io.WriteString(c.nc, "+ idling\r\n")
	c.idle = true
	c.mu.Unlock()
	if err == nil {
		c.tell(c.box.size())       // what came since the command before
		_, err = r.ReadSlice('\n') // DONE
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = false
	return err
}

// news tells of messages that came while the client was not in IDLE.
func (c *session) news(out *strings.Builder) {
	if c.box == nil {
		return
	}
	n := c.box.size()
	c.mu.Lock()
	defer c.mu.Unlock()
	if n > c.told {
		c.told = n
		fmt.Fprintf(out, "* %d EXISTS\r\n", n)
	}
}

// answer writes what a command has to say, and reports false for one that it does not know.
func (c *session) answer(out *strings.Builder, command string) bool {
	name, args, _ := strings.Cut(command, " ")
	switch strings.ToUpper(name) {
	case "CAPABILITY":
		out.WriteString("* CAPABILITY " + capabilities + "\r\n")
	case "LOGIN":
		user, _, _ := strings.Cut(strings.Trim(args, `"`), " ")
		i, err := strconv.Atoi(strings.Trim(user, `"`))
		if err != nil || i < 0 || i >= len(c.s.boxes) {
			return false
		}
		c.box = c.s.boxes[i]
	case "ID":
		out.WriteString("* ID (\"name\" \"crowd\")\r\n")
	case "ENABLE":
		out.WriteString("* ENABLED " + args + "\r\n")
	case "SELECT", "EXAMINE":
		c.open(out, args)
	case "STATUS":
		n := c.box.size()
		fmt.Fprintf(out, "* STATUS INBOX (MESSAGES %d UIDNEXT %d UIDVALIDITY 1)\r\n", n, n+1)
	case "LIST":
		out.WriteString("* LIST () \"/\" INBOX\r\n")
	case "UID":
		name, args, _ = strings.Cut(args, " ")
		if !strings.EqualFold(name, "FETCH") {
			return false
		}
		c.fetch(out, args)
	case "FETCH":
		c.fetch(out, args)
	case "NOOP", "LOGOUT":
	default:
		return false
	}
	return true
}

// open is EXAMINE, with the messages that are newer than the client's HIGHESTMODSEQ if it says so.
func (c *session) open(out *strings.Builder, args string) {
	c.box.mu.Lock()
	n := c.box.n
	c.box.session = c
	c.box.mu.Unlock()
	c.mu.Lock()
	c.told = n
	c.mu.Unlock()
	fmt.Fprintf(out, "* %d EXISTS\r\n* FLAGS (\\Seen)\r\n* OK [PERMANENTFLAGS ()] read-only\r\n* OK [UIDVALIDITY 1] valid\r\n"+
		"* OK [UIDNEXT %d] next\r\n* OK [HIGHESTMODSEQ %d] highest\r\n", n, n+1, n)
	if _, known, ok := strings.Cut(args, "(QRESYNC ("); ok {
		var validity, modseq uint32
		_, _ = fmt.Sscan(known, &validity, &modseq)
		for uid := modseq + 1; uid <= n; uid++ {
			fmt.Fprintf(out, "* %d FETCH (UID %d FLAGS () MODSEQ (%d))\r\n", uid, uid, uid)
		}
	}
}

// fetch answers FETCH and UID FETCH, which are the same here.
func (c *session) fetch(out *strings.Builder, args string) {
	set, items, _ := strings.Cut(args, " ")
	for part := range strings.SplitSeq(set, ",") {
		low, high, isRange := strings.Cut(part, ":")
		from, to := c.number(low), c.number(low)
		if isRange {
			to = c.number(high)
		}
		for uid := min(from, to); uid <= min(max(from, to), c.box.size()); uid++ {
			fmt.Fprintf(out, "* %d FETCH (UID %d FLAGS () MODSEQ (%d)", uid, uid, uid)
			if strings.Contains(items, "ENVELOPE") {
				out.WriteString(content)
			}
			out.WriteString(")\r\n")
		}
	}
}

func (c *session) number(text string) uint32 {
	if text == "*" {
		return c.box.size()
	}
	n, _ := strconv.ParseUint(text, 10, 32)
	return uint32(n)
}

// content is what a message is.
const content = ` INTERNALDATE "22-Nov-2026 10:00:00 +0000" RFC822.SIZE 2301 ENVELOPE ("Sun, 22 Nov 2026 10:00:00 +0000" "Lunch tomorrow?"` +
	` (("Jo Doe" NIL "jo" "example.org")) (("Jo Doe" NIL "jo" "example.org")) (("Jo Doe" NIL "jo" "example.org")) (("Ann Other" NIL "ann" "example.com")` +
	` ("Bo" NIL "bo" "example.net")) NIL NIL NIL "<push.1@example.org>") BODYSTRUCTURE (("text" "plain" ("charset" "utf-8") NIL NIL "7bit" 30 1 NIL NIL NIL NIL)` +
	`("application" "pdf" ("name" "a.pdf") NIL NIL "base64" 16 NIL ("attachment" ("filename" "a.pdf")) NIL NIL) "mixed" ("boundary" "b1") NIL NIL NIL)`
