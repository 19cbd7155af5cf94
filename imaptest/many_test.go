package imaptest

import (
	"bufio"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

var seed = flag.Uint64("seed", 0, "of the random tests; 0 takes a new one")

func newSeed(t *testing.T) *rand.Rand {
	n := *seed
	if n == 0 {
		n = rand.Uint64()
	}
	t.Logf("-seed=%d", n)
	return rand.New(rand.NewPCG(n, 0))
}

// mirror follows a mailbox by what a server says: message numbers, UIDs and flags. It fails on
// anything that does not fit what was said before.
type mirror struct {
	conn    net.Conn
	framer  *imapwire.Framer
	decoder *imapwire.Decoder
	rows    []mirrorRow
	tags    int
}

type mirrorRow struct {
	uid   imap.UID
	flags string
}

func newMirror(conn net.Conn) *mirror {
	return &mirror{conn: conn, framer: imapwire.NewFramer(conn, nil), decoder: imapwire.NewDecoder(nil)}
}

// read takes one response. It returns the tagged answer, if it was one.
func (m *mirror) read() (*imap.Tagged, error) {
	frame, err := m.framer.Next()
	if err != nil {
		return nil, err
	}
	r, err := m.decoder.Decode(frame)
	if err != nil {
		return nil, err
	}
	switch r := r.(type) {
	case *imap.Tagged:
		if r.Kind != imap.OK && !r.HasCode(imap.CodeExpungeIssued) {
			return nil, fmt.Errorf("%s %s %s", r.Tag, r.Kind, r.Text)
		}
		return r, nil
	case imap.Exists:
		if int(r) < len(m.rows) {
			return nil, fmt.Errorf("EXISTS %d with %d messages", r, len(m.rows))
		}
		m.rows = append(m.rows, make([]mirrorRow, int(r)-len(m.rows))...)
	case imap.Expunge:
		if int(r) > len(m.rows) {
			return nil, fmt.Errorf("EXPUNGE %d with %d messages", r, len(m.rows))
		}
		m.rows = slices.Delete(m.rows, int(r)-1, int(r))
	case *imap.Vanished:
		if r.Earlier {
			return nil, fmt.Errorf("VANISHED (EARLIER) %s", r.UIDs)
		}
		return nil, m.vanish(r.UIDs)
	case *imap.Message:
		return nil, m.row(r)
	}
	return nil, nil
}

// vanish removes messages by UID. One whose UID nobody told us must be among those that were announced
// since, between its neighbours; which of several does not matter.
func (m *mirror) vanish(uids imap.UIDSet) error {
	for uid := range uids.All() {
		at := slices.IndexFunc(m.rows, func(row mirrorRow) bool { return row.uid == uid })
		for i := 0; at < 0 && i < len(m.rows) && m.rows[i].uid <= uid; i++ {
			if m.rows[i].uid == 0 && m.fits(i, uid) {
				at = i
			}
		}
		if at < 0 {
			return fmt.Errorf("VANISHED %s has %d, which nobody announced", uids, uid)
		}
		m.rows = slices.Delete(m.rows, at, at+1)
	}
	return nil
}

// fits reports whether message i, whose UID is not known, could have this one.
func (m *mirror) fits(i int, uid imap.UID) bool {
	for _, row := range m.rows[:i] {
		if row.uid > uid {
			return false
		}
	}
	for _, row := range m.rows[i:] {
		if row.uid != 0 {
			return row.uid > uid
		}
	}
	return true
}

func (m *mirror) row(r *imap.Message) error {
	if int(r.SeqNum) > len(m.rows) {
		return fmt.Errorf("FETCH %d with %d messages", r.SeqNum, len(m.rows))
	}
	row := &m.rows[r.SeqNum-1]
	if r.Items.Has(imap.ItemUID) {
		if row.uid != 0 && row.uid != r.UID {
			return fmt.Errorf("message %d has UID %d, was %d", r.SeqNum, r.UID, row.uid)
		}
		row.uid = r.UID
	}
	if r.Items.Has(imap.ItemFlags) {
		row.flags = flagText(r.Flags)
	}
	return nil
}

func flagText(flags []imap.Flag) string {
	words := []string{}
	for _, f := range flags {
		if f != imap.FlagRecent {
			words = append(words, string(f))
		}
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

// do runs a command. Errors name it.
func (m *mirror) do(command string) error {
	m.tags++
	tag := fmt.Sprintf("t%d", m.tags)
	m.conn.SetWriteDeadline(time.Now().Add(time.Minute))
	if _, err := fmt.Fprintf(m.conn, "%s %s\r\n", tag, command); err != nil {
		return err
	}
	for {
		tagged, err := m.read()
		if err != nil {
			return fmt.Errorf("%s: %w", command, err)
		}
		if tagged != nil && tagged.Tag == tag {
			return nil
		}
	}
}

// want compares with the mailbox.
func (m *mirror) want(s Snapshot) error {
	if len(m.rows) != len(s.Messages) {
		return fmt.Errorf("%d messages, want %d", len(m.rows), len(s.Messages))
	}
	for i, row := range m.rows {
		if want := (mirrorRow{s.Messages[i].UID, flagText(s.Messages[i].Flags)}); row != want {
			return fmt.Errorf("message %d is %v, want %v", i+1, row, want)
		}
	}
	return nil
}

// TestManySessionsSeeTheSame lets 200 sessions change one mailbox at random, at the same time, and each
// keep account of it from what it is told. In the end all must have the mailbox as it is.
func TestManySessionsSeeTheSame(t *testing.T) {
	sessions, commands := 200, 15
	if testing.Short() {
		sessions = 40
	}
	r := newSeed(t)
	s := NewServer(nil)
	defer s.Close()
	inbox := s.AddUser("jo", "secret").Mailbox("INBOX")
	for range 30 {
		inbox.Append(hello)
	}
	var wg sync.WaitGroup
	for n := range sessions {
		random := rand.New(rand.NewPCG(r.Uint64(), 0))
		m := newMirror(s.Pipe())
		wg.Go(func() {
			defer m.conn.Close()
			if err := m.live(n, commands, random, inbox); err != nil {
				t.Errorf("session %d: %v", n, err)
			}
		})
	}
	wg.Wait()

	// All are done: what they leave must be what a fresh one finds.
	m := newMirror(s.Pipe())
	defer m.conn.Close()
	for _, command := range []string{"LOGIN jo secret", "SELECT INBOX", "FETCH 1:* (UID FLAGS)"} {
		if err := m.do(command); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.want(inbox.Snapshot()); err != nil {
		t.Error(err)
	}
}

// live is the life of one session.
func (m *mirror) live(n, commands int, r *rand.Rand, inbox *Mailbox) error {
	script := []string{"LOGIN jo secret"}
	if n%3 == 0 {
		script = append(script, "ENABLE QRESYNC")
	}
	script = append(script, "SELECT INBOX", "UID FETCH 1:* (FLAGS)")
	for range commands {
		script = append(script, m.randomCommand(r))
	}
	script = append(script, "NOOP", "UID FETCH 1:* (FLAGS)", "NOOP")
	for _, command := range script {
		if err := m.do(command); err != nil {
			return err
		}
		if strings.HasPrefix(command, "UID FETCH 1:* (FLAGS)") {
			for i, row := range m.rows {
				if row.uid == 0 && i+1 < len(m.rows) && m.rows[i+1].uid != 0 {
					return fmt.Errorf("after %s message %d has no UID", command, i+1)
				}
			}
		}
	}
	return nil
}

func (m *mirror) randomCommand(r *rand.Rand) string {
	flags := []string{`\Seen`, `\Flagged`, `\Deleted`, "$Work"}
	flag := flags[r.IntN(len(flags))]
	uid := r.IntN(60) + 1
	switch r.IntN(8) {
	case 0:
		return fmt.Sprintf("APPEND INBOX (%s) {%d+}\r\n%s", flag, len(hello), hello)
	case 1:
		return fmt.Sprintf("UID STORE %d:%d +FLAGS (%s)", uid, uid+3, flag)
	case 2:
		return fmt.Sprintf("UID STORE %d -FLAGS.SILENT (%s)", uid, flag)
	case 3:
		return "EXPUNGE"
	case 4:
		return "SEARCH ALL"
	case 5:
		return "UID FETCH 1:* (FLAGS)"
	case 6:
		return "NOOP"
	default:
		return fmt.Sprintf("UID FETCH %d BODY[]", uid)
	}
}

// TestIdlersEndUpEqual changes a mailbox at random under idling sessions and compares what each was
// told with the mailbox, after every step.
func TestIdlersEndUpEqual(t *testing.T) {
	r := newSeed(t)
	inServer(t, ServerOptions{}, func(t *testing.T, s *Server, inbox *Mailbox) {
		var mirrors []*mirror
		for range 4 {
			inbox.Append(hello)
		}
		for n := range 6 {
			m := newMirror(s.Pipe())
			defer m.conn.Close()
			commands := []string{"LOGIN jo secret", "SELECT INBOX", "FETCH 1:* (UID FLAGS)"}
			if n%2 == 0 {
				commands = slices.Insert(commands, 1, "ENABLE QRESYNC")
			}
			for _, command := range commands {
				if err := m.do(command); err != nil {
					t.Fatal(err)
				}
			}
			fmt.Fprintf(m.conn, "i IDLE\r\n")
			mirrors = append(mirrors, m)
		}
		for step := range 300 {
			changeAtRandom(r, inbox)
			for n, m := range mirrors {
				m.drain(t)
				snapshot := inbox.Snapshot()
				m.learnUIDs(snapshot)
				if err := m.want(snapshot); err != nil {
					t.Fatalf("step %d, session %d: %v", step, n, err)
				}
			}
		}
	})
}

// learnUIDs fills in what an idling client does not know: UIDs and flags of new messages.
func (m *mirror) learnUIDs(s Snapshot) {
	for i := range m.rows {
		if m.rows[i].uid == 0 && i < len(s.Messages) {
			m.rows[i] = mirrorRow{s.Messages[i].UID, flagText(s.Messages[i].Flags)}
		}
	}
}

func (m *mirror) drain(t *testing.T) {
	t.Helper()
	synctest.Wait()
	for {
		m.conn.SetReadDeadline(time.Now().Add(time.Nanosecond))
		if _, err := m.read(); err != nil {
			if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
				return
			}
			t.Fatal(err)
		}
	}
}

func changeAtRandom(r *rand.Rand, inbox *Mailbox) {
	s := inbox.Snapshot()
	var uid imap.UID
	if len(s.Messages) > 0 {
		uid = s.Messages[r.IntN(len(s.Messages))].UID
	}
	switch n := r.IntN(10); {
	case n < 4 || uid == 0:
		inbox.Append(hello)
	case n < 6:
		inbox.AddFlags(uid, imap.FlagSeen, "$Work")
	case n < 8:
		inbox.RemoveFlags(uid, imap.FlagSeen)
	default:
		inbox.Expunge(uid, uid+1)
	}
}

// TestThousandIdlersTenThousandMessages is about cost: it fails by its time limit.
func TestThousandIdlersTenThousandMessages(t *testing.T) {
	if testing.Short() {
		t.Skip("not with -short")
	}
	started := time.Now()
	s := NewServer(&ServerOptions{QuietCapabilities: true})
	defer s.Close()
	inbox := s.AddUser("jo", "secret").Mailbox("INBOX")
	for range 10_000 {
		inbox.Append(hello)
	}
	var ready, told sync.WaitGroup
	for range 1000 {
		conn := s.Pipe()
		ready.Add(1)
		told.Go(func() {
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(time.Minute))
			r := bufio.NewReader(conn)
			fmt.Fprintf(conn, "")
			go fmt.Fprintf(conn, "a LOGIN jo secret\r\nb SELECT INBOX\r\nc IDLE\r\n")
			for {
				line, err := r.ReadString('\n')
				if err != nil {
					t.Error(err)
					return
				}
				switch {
				case strings.HasPrefix(line, "+ "):
					ready.Done()
				case line == "* 9000 EXPUNGE\r\n":
					return
				}
			}
		})
	}
	ready.Wait()
	opened := time.Now()
	inbox.Expunge(9000)
	told.Wait()
	t.Logf("1000 sessions idle after %v, all told of a removal after %v", opened.Sub(started), time.Since(opened))
	if took := time.Since(started); took > 30*time.Second {
		t.Errorf("took %v", took)
	}
}

func BenchmarkFetchFlags10000(b *testing.B) {
	s := NewServer(nil)
	defer s.Close()
	inbox := s.AddUser("jo", "secret").Mailbox("INBOX")
	for range 10_000 {
		inbox.Append(hello)
	}
	m := newMirror(s.Pipe())
	defer m.conn.Close()
	for _, command := range []string{"LOGIN jo secret", "SELECT INBOX"} {
		if err := m.do(command); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := m.do("FETCH 1:* (UID FLAGS)"); err != nil {
			b.Fatal(err)
		}
	}
}
