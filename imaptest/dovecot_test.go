package imaptest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/e2e/dovecot"
	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// TestAgreesWithDovecot gives the same commands to a [Server] and to a real Dovecot, and compares the
// answers: where they disagree, the Server is wrong. The scripts in testdata/dovecot have lines:
//
//	append MAILBOX FILE FLAGS…   session 1 appends a message of testdata/messages
//	1 SELECT INBOX               session 1 gives this command; a session connects when first named
//	1 {highestmodseq}            in a command: the HIGHESTMODSEQ of the session's last SELECT, or of
//	1 {uidvalidity}              the last mark; and its UIDVALIDITY
//	hears 1 * STATUS …           session 1 is told this by itself; what else it is told meanwhile is not compared
//	mark                         remembers both of session 1, for all sessions
//
// Texts, the numbers of mod-sequences and UIDVALIDITY are the server's own business and not compared;
// the order of what SELECT and LIST say, of flags and of EXPUNGEs neither. Dovecot is not followed, and
// not asked, where it leaves a standard:
//   - no HIGHESTMODSEQ in a SELECT without CONDSTORE (RFC 7162 section 3.1.2.1)
//   - OK, without an effect, for STORE and EXPUNGE after EXAMINE
//   - QRESYNC (0 0), which the grammar forbids
//   - the line end before a boundary is part of a message/rfc822 that ends in a multipart (RFC 2046 section 5.1.1)
func TestAgreesWithDovecot(t *testing.T) {
	dovecot.Require(t)
	files, err := filepath.Glob("testdata/dovecot/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			script, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			compareServers(t, string(script))
		})
	}
}

// subject is one of the two servers.
type subject struct {
	name     string
	dial     func() net.Conn
	sessions map[string]*wireSession
	vars     map[string]string
}

func compareServers(t *testing.T, script string) {
	fake := NewServer(&ServerOptions{PreAuth: "jo", Capabilities: append(DefaultCapabilities(), imap.CapNotify), Without: imap.Capabilities{imap.CapObjectID}})
	fake.AddUser("jo", "")
	defer fake.Close()
	real := dovecot.NewPortless(t, dovecot.Options{})
	subjects := []*subject{
		{name: "imaptest", dial: fake.Pipe, sessions: map[string]*wireSession{}, vars: map[string]string{}},
		{name: "Dovecot", dial: func() net.Conn { return real.Conn(t) }, sessions: map[string]*wireSession{}, vars: map[string]string{}},
	}
	for number, line := range strings.Split(script, "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		var answers [2]string
		for i, s := range subjects {
			var err error
			if answers[i], err = s.step(line); err != nil {
				t.Fatalf("line %d: %s\n\t%s: %v", number+1, line, s.name, err)
			}
		}
		if answers[0] != answers[1] {
			t.Errorf("line %d: %s\nimaptest says\n%s\nDovecot says\n%s", number+1, line, answers[0], answers[1])
		}
	}
}

func (s *subject) session(n string) (*wireSession, error) {
	if s.sessions[n] == nil {
		conn := s.dial()
		s.sessions[n] = &wireSession{
			conn: conn, framer: imapwire.NewFramer(conn, nil), decoder: imapwire.NewDecoder(nil), vars: s.vars,
		}
		if greeting, err := s.sessions[n].next(); err != nil {
			return nil, fmt.Errorf("greeting: %w (%v)", err, greeting)
		}
	}
	return s.sessions[n], nil
}

func (s *subject) step(line string) (string, error) {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "mark":
		session, err := s.session("1")
		if err != nil {
			return "", err
		}
		for name, n := range session.seen {
			s.vars[name] = fmt.Sprint(n)
		}
		return "", nil
	case "hears":
		n, line, _ := strings.Cut(rest, " ")
		session, err := s.session(n)
		if err != nil {
			return "", err
		}
		return session.hears(line)
	case "append":
		args := strings.Fields(rest)
		raw, err := os.ReadFile(filepath.Join("testdata/messages", args[1]))
		if err != nil {
			return "", err
		}
		raw = toCRLF(raw)
		rest = fmt.Sprintf("APPEND %s (%s) \" 1-Nov-2026 10:00:00 +0100\" {%d+}\r\n%s", args[0], strings.Join(args[2:], " "), len(raw), raw)
		word = "1"
	}
	session, err := s.session(word)
	if err != nil {
		return "", err
	}
	return session.do(rest)
}

// wireSession speaks to a server as this module's codec does.
type wireSession struct {
	conn    net.Conn
	framer  *imapwire.Framer
	decoder *imapwire.Decoder
	tags    int
	vars    map[string]string
	seen    map[string]uint64
}

func (w *wireSession) next() (imap.Response, error) {
	w.conn.SetDeadline(time.Now().Add(20 * time.Second))
	frame, err := w.framer.Next()
	if err != nil {
		return nil, err
	}
	r, err := w.decoder.Decode(frame)
	if err != nil {
		return nil, fmt.Errorf("%w in %q", err, frame.Data)
	}
	return r, nil
}

// do gives a command and returns the answer, normalised, one response a line.
func (w *wireSession) do(command string) (string, error) {
	w.tags++
	tag := fmt.Sprintf("t%d", w.tags)
	for name, value := range w.vars {
		command = strings.ReplaceAll(command, "{"+name+"}", value)
	}
	go fmt.Fprintf(w.conn, "%s %s\r\n", tag, command)
	var lines []string
	var removed []imap.Expunge
	for {
		r, err := w.next()
		if err != nil {
			return "", errors.Join(err, errors.New(strings.Join(lines, "\n")))
		}
		w.learn(r)
		if n, ok := r.(imap.Expunge); ok {
			removed = append(removed, n)
			continue
		}
		if removed != nil {
			lines = append(lines, fmt.Sprintf("EXPUNGE %v", originalNumbers(removed)))
			removed = nil
		}
		if status, ok := r.(*imap.Status); ok && status.HasCode(imap.CodeHighestModSeq) && strings.HasSuffix(command, " INBOX") {
			continue
		}
		if isNotification(r, command) {
			continue
		}
		lines = append(lines, normalise(r))
		if tagged, ok := r.(*imap.Tagged); ok && tagged.Tag == tag {
			break
		}
	}
	switch name, _, _ := strings.Cut(command, " "); name {
	case "SELECT", "EXAMINE", "LIST", "LSUB", "NOTIFY":
		slices.Sort(lines)
	}
	return strings.Join(lines, "\n"), nil
}

// hears waits until the server says the line, up to what is normalised.
func (w *wireSession) hears(line string) (string, error) {
	want, err := w.decoder.Decode(imapwire.Frame{Data: []byte(line)})
	if err != nil {
		return "", err
	}
	text := normalise(want)
	var others []string
	for {
		r, err := w.next()
		if err != nil {
			return "", errors.Join(err, errors.New(strings.Join(others, "\n")))
		}
		if got := normalise(r); got == text {
			return text, nil
		} else {
			others = append(others, got)
		}
	}
}

func (w *wireSession) learn(r imap.Response) {
	status, ok := r.(*imap.Status)
	if !ok || status.Code == nil {
		return
	}
	if name := status.Code.Name; name == imap.CodeHighestModSeq || name == imap.CodeUIDValidity {
		if w.seen == nil {
			w.seen = map[string]uint64{}
		}
		w.seen[strings.ToLower(string(name))] = status.Code.Num
	}
}

// isNotification reports whether NOTIFY and not the command has brought r: Dovecot can be late, and repeat itself.
func isNotification(r imap.Response, command string) bool {
	name, _, _ := strings.Cut(command, " ")
	switch r.(type) {
	case *imap.MailboxStatus:
		return name != "STATUS" && name != "NOTIFY"
	case *imap.List:
		return name != "LIST" && name != "LSUB"
	}
	return false
}

// normalise writes a response without what may differ.
func normalise(r imap.Response) string {
	switch r := r.(type) {
	case *imap.Status:
		normaliseStatus(r)
	case *imap.Tagged:
		normaliseStatus(&r.Status)
	case imap.MailboxFlags:
		slices.Sort(r)
	case *imap.MailboxStatus:
		r.HighestModSeq = min(r.HighestModSeq, 1)
		r.UIDValidity = min(r.UIDValidity, 1)
	case *imap.Search:
		r.ModSeq = min(r.ModSeq, 1)
	case *imap.ESearch:
		r.Tag = ""
		r.ModSeq = min(r.ModSeq, 1)
	case *imap.List:
		slices.Sort(r.Attrs)
	case *imap.Message:
		r.ModSeq = min(r.ModSeq, 1)
		slices.Sort(r.Flags)
		r.InternalDate = r.InternalDate.UTC()
		slices.SortFunc(r.Sections, func(a, b imap.Section) int { return cmp.Compare(a.Item+a.Spec, b.Item+b.Spec) })
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%T %s", r, strings.TrimSpace(b.String()))
}

func normaliseStatus(s *imap.Status) {
	s.Text = ""
	c := s.Code
	if c == nil {
		return
	}
	switch c.Name {
	case imap.CodeNonExistent, imap.CodeCannot: // where Dovecot gives one, it means the same
		if s.Kind == imap.NO {
			s.Code = nil
			return
		}
	}
	c.Args = ""
	slices.Sort(c.Flags)
	c.UIDValidity = min(c.UIDValidity, 1)
	if c.Name == imap.CodeHighestModSeq || c.Name == imap.CodeUIDValidity {
		c.Num = 1
	}
}

// originalNumbers returns what a run of EXPUNGEs removed, in the numbers from before the run: servers
// differ in where they begin.
func originalNumbers(run []imap.Expunge) []imap.Expunge {
	var gone []imap.Expunge
	for _, n := range run {
		for _, g := range gone { // ascending
			if g <= n {
				n++
			}
		}
		gone = append(gone, n)
		slices.Sort(gone)
	}
	return gone
}
