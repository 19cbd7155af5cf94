package imaptest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushmail/pushmail/imap"
)

// TestServer runs the scripts in testdata/server: what clients send and what must come back, byte by
// byte and in this order. Lines:
//
//	option NAME VALUE        a field of ServerOptions; before anything else
//	C2: a1 NOOP              session 2 sends this line; the first use of a number connects
//	C2-raw: "bytes"          session 2 sends these bytes
//	S2: * 3 EXISTS           the server must send session 2 this line, in the patterns of Transcript
//	S2-close                 the server must close session 2
//	login 2 [mailbox]        session 2 connects, logs in, and selects; all that is checked elsewhere
//	fill N                   INBOX gets N messages, all alike
//	add MAILBOX FILE FLAGS…  a message of testdata/messages is appended
//	flags UID FLAGS…         another client sets the flags of a message in INBOX
//	expunge UID…             another client expunges messages in INBOX
//	mail MAILBOX             a message arrives
//	create, delete MAILBOX   another client does that
//	rename FROM TO           the same
//	overflow N               session N finds NOTIFY too much
//	lossy on|off             SetLossyNotify
//	deaf on|off              DeafIdle
//	resetuidvalidity         of INBOX
//	use MAILBOX ATTR         a special use
//	wait D                   time passes
//
// Before a session sends something, and at the end, nothing unread may be left for any session.
func TestServer(t *testing.T) {
	files, err := filepath.Glob("testdata/server/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			script, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) { runServerScript(t, string(script)) })
		})
	}
}

type serverScript struct {
	t       *testing.T
	options ServerOptions
	server  *Server
	players map[string]*player
}

func runServerScript(t *testing.T, script string) {
	r := &serverScript{t: t, players: map[string]*player{}, options: ServerOptions{FirstUIDValidity: 1}}
	defer r.end()
	for number, line := range strings.Split(script, "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		if err := r.step(line); err != nil {
			t.Fatalf("line %d: %s\n%s", number+1, line, indent(err))
		}
	}
	if err := r.quiet(""); err != nil {
		t.Fatalf("at the end:\n%s", indent(err))
	}
}

func (r *serverScript) end() {
	for _, p := range r.players {
		p.end()
	}
	if r.server != nil {
		r.server.Close()
	}
}

func (r *serverScript) start() *Server {
	if r.server == nil {
		r.server = NewServer(&r.options)
		r.server.AddUser("jo", "secret")
	}
	return r.server
}

func (r *serverScript) inbox() *Mailbox { return r.start().user("jo").Mailbox("INBOX") }

func (r *serverScript) player(n string) *player {
	if r.players[n] == nil {
		r.players[n] = newPlayer(r.start().Pipe())
	}
	return r.players[n]
}

// quiet checks that nobody has anything unread.
func (r *serverScript) quiet(only string) error {
	for n, p := range r.players {
		if p.closed || only != "" && n != only {
			continue
		}
		if len(p.in) == 0 {
			synctest.Wait()
			_ = p.fill(time.Now().Add(time.Nanosecond))
		}
		if len(p.in) > 0 {
			return fmt.Errorf("unexpected from the server in session %s:\n%s", n, printable(p.in))
		}
	}
	return nil
}

func (r *serverScript) step(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	args := strings.Fields(rest)
	switch word {
	case "option":
		return r.option(args[0], strings.Join(args[1:], " "))
	case "login":
		return r.login(args)
	case "fill":
		n, err := strconv.Atoi(args[0])
		r.fill(n)
		return err
	case "add":
		raw, err := os.ReadFile(filepath.Join("testdata/messages", args[1]))
		if err == nil {
			r.start().user("jo").Mailbox(args[0]).AppendAt(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), raw, flagList(args[2:])...)
		}
		return err
	case "flags":
		uid, err := strconv.Atoi(args[0])
		if err == nil && !r.inbox().SetFlags(imap.UID(uid), flagList(args[1:])...) {
			return fmt.Errorf("no message with UID %d", uid)
		}
		return err
	case "expunge":
		set, err := imap.ParseSet[imap.UID](rest)
		if err == nil && r.inbox().Expunge(numbersOf(set)...) == 0 {
			return fmt.Errorf("nothing to expunge")
		}
		return err
	case "use":
		r.start().user("jo").SetSpecialUse(args[0], imap.Attr(args[1]))
		return nil
	case "resetuidvalidity":
		r.inbox().ResetUIDValidity()
		return nil
	case "deaf":
		r.start().SetDeafIdle(rest == "on")
		return nil
	case "mail":
		r.start().user("jo").Mailbox(args[0]).Append([]byte("Subject: x\r\n\r\nbody\r\n"))
		return nil
	case "create":
		r.start().user("jo").Mailbox(args[0])
		return nil
	case "delete":
		r.start().user("jo").DeleteMailbox(args[0])
		return nil
	case "rename":
		r.start().user("jo").RenameMailbox(args[0], args[1])
		return nil
	case "overflow":
		n, err := strconv.Atoi(args[0])
		r.start().Sessions()[n-1].Overflow()
		return err
	case "lossy":
		r.start().SetLossyNotify(rest == "on")
		return nil
	case "wait":
		d, err := time.ParseDuration(rest)
		time.Sleep(d)
		return err
	}
	return r.talk(word, rest)
}

// fill appends messages at one moment, so that sessions are told once.
func (r *serverScript) fill(n int) {
	m := r.inbox()
	m.mu.Lock()
	defer m.mu.Unlock()
	for range n {
		msg := r.server.newMessage([]byte("Subject: x\r\n\r\nbody\r\n"), time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
		m.addLocked(msg, nil, m.nextModSeqLocked())
	}
	m.wakeLocked()
}

// talk does a line of one session.
func (r *serverScript) talk(word, rest string) error {
	n := strings.Trim(word[1:], ":-abcdefghijklmnopqrstuvwxyz")
	kind := strings.Replace(word, n, "", 1)
	p := r.player(n)
	switch kind {
	case "C:", "C-raw:":
		if err := r.quiet(n); err != nil {
			return err
		}
		return p.step("S" + kind[1:] + " " + rest)
	case "S:", "S-raw:":
		return p.step("C" + kind[1:] + " " + rest)
	case "S-close":
		return p.expectClose()
	}
	return fmt.Errorf("this is no line of a script")
}

func (r *serverScript) login(args []string) error {
	lines := []string{"S: * OK {*}", "C: z1 LOGIN jo secret", "S: z1 OK {*}"}
	for _, line := range lines {
		kind, rest, _ := strings.Cut(line, ": ")
		if err := r.talk(kind+args[0]+":", rest); err != nil {
			return err
		}
	}
	if len(args) == 1 {
		return nil
	}
	p := r.player(args[0])
	p.out.inject([]byte("z2 SELECT " + strings.Join(args[1:], " ") + "\r\n"))
	for {
		line, size, err := p.line()
		if err != nil {
			return err
		}
		done := strings.HasPrefix(string(line), "z2 OK ")
		p.take(size)
		if done {
			return nil
		}
	}
}

func (r *serverScript) option(name, value string) error {
	o := &r.options
	switch name {
	case "More":
		o.Capabilities = append(DefaultCapabilities(), imap.ParseCapabilities(value)...)
	case "Capabilities":
		o.Capabilities = imap.ParseCapabilities(value)
	case "Without":
		o.Without = imap.ParseCapabilities(value)
	case "Greeting":
		o.Greeting = value
	case "PreAuth":
		o.PreAuth = value
	case "QuietCapabilities":
		o.QuietCapabilities = true
	case "LoginDisabled":
		o.LoginDisabled = true
	case "StartTLS":
		o.StartTLS = true
	case "Chunked":
		o.Chunked = true
	case "StillHere":
		var err error
		o.StillHere, err = time.ParseDuration(value)
		return err
	case "MaxLiteral":
		var err error
		o.MaxLiteral, err = strconv.ParseInt(value, 10, 64)
		return err
	default:
		return fmt.Errorf("unknown option %s", name)
	}
	return nil
}

func flagList(words []string) []imap.Flag {
	flags := make([]imap.Flag, len(words))
	for i, w := range words {
		flags[i] = imap.Flag(w)
	}
	return flags
}

func numbersOf(set imap.UIDSet) (out []imap.UID) {
	for n := range set.All() {
		out = append(out, n)
	}
	return out
}
