package imaptest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// patience is how long a client may take for a line that is expected now. In a synctest bubble it
// costs nothing.
const patience = time.Second

// Transcript plays a server from a script against one client, in a [testing/synctest] bubble over
// [net.Pipe]: so "wait 29m" takes no time, and nothing depends on how fast the machine is. Client runs
// in the test's goroutine; when it returns, the connection is closed.
//
// A script is lines; white space around them, empty lines and lines that start with "#" do not count:
//
//	C: {tag} SELECT {*}    the client must send this line now
//	C?: {tag} NOOP         it may send this line now
//	C-raw: "hello\r\n"     it must send exactly these bytes now, in Go's quotes; such as a literal
//	C-literal: hello       the same for bytes without line ends or outer white space
//	C-close                it must close the connection now
//	S: {tag} OK done       the server sends this line
//	S-raw: "* 1 FETCH…"    the server sends exactly these bytes, in Go's quotes
//	wait 9m                the client must send nothing for that long
//	wait 9m 11m            …and the next C: may take up to the second time from the same start
//	stall 10m              the server does not read for that long, so that what the client writes gets stuck
//	close                  the server closes the connection; what follows is about nothing but wait
//
// In a C: pattern {*} stands for anything, and {name} for a run of characters without a space, which
// later S: lines can repeat. Other braces, such as {5} and {5+}, stand for themselves. "Now" is within
// a second, and no time passes while somebody can do something.
//
// After the script the server keeps the connection open and the client must not send anything more.
// The first failure ends the connection, so that the client ends too.
func Transcript(t *testing.T, script string, client func(t *testing.T, conn net.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		theirs, ours := net.Pipe()
		var wg sync.WaitGroup
		wg.Go(func() { Play(t, ours, script) })
		defer wg.Wait()
		defer theirs.Close()
		client(t, theirs)
	})
}

// Play plays the server's side of a [Transcript] over conn, and returns when the client has closed it.
// It is for tests with more than one connection: one script each. It reports failures with t.Errorf
// and returns whether there were none.
func Play(t testing.TB, conn net.Conn, script string) bool {
	p := newPlayer(conn)
	defer p.end()
	for number, line := range strings.Split(script, "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		if err := p.step(line); err != nil {
			t.Errorf("script line %d: %s\n%s", number+1, line, indent(err))
			return false
		}
	}
	if err := p.silence(); err != nil {
		t.Errorf("after the script:\n%s", indent(err))
		return false
	}
	return true
}

func indent(err error) string { return "\t" + strings.ReplaceAll(err.Error(), "\n", "\n\t") }

// player is a script that is running.
type player struct {
	conn   net.Conn
	out    *outbox
	writer sync.WaitGroup
	in     []byte // read and not yet expected
	vars   map[string]string
	until  time.Time // the next C: has time until then; zero: as usual
	closed bool      // by the script
}

func newPlayer(conn net.Conn) *player {
	p := &player{conn: conn, out: newOutbox(conn, false, 0), vars: map[string]string{}}
	p.writer.Go(p.out.run)
	return p
}

func (p *player) end() {
	p.out.set(func() { p.out.dead = true })
	p.conn.Close()
	p.writer.Wait()
}

// step does one line of the script.
func (p *player) step(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	switch word {
	case "C:":
		return p.expectLine(rest)
	case "C?:":
		return p.maybeLine(rest)
	case "C-raw:":
		return p.expectQuoted(rest)
	case "C-literal:":
		return p.expectBytes([]byte(rest))
	case "C-close":
		return p.expectClose()
	case "S:":
		p.out.inject([]byte(p.expand(rest) + "\r\n"))
		return nil
	case "S-raw:":
		return p.sendQuoted(rest)
	case "wait":
		return p.wait(rest)
	case "stall":
		return p.stall(rest)
	case "close":
		p.close()
		return nil
	}
	return errors.New("this is no line of a script")
}

// expand puts in what was bound.
func (p *player) expand(text string) string {
	for name, value := range p.vars {
		text = strings.ReplaceAll(text, "{"+name+"}", value)
	}
	return text
}

// fill reads once, until the deadline.
func (p *player) fill(deadline time.Time) error {
	buf := make([]byte, 4096)
	p.conn.SetReadDeadline(deadline)
	n, err := p.conn.Read(buf)
	p.in = append(p.in, buf[:n]...)
	if n > 0 {
		return nil
	}
	return err
}

// deadline is when what is expected now must be there.
func (p *player) deadline() time.Time {
	if !p.until.IsZero() {
		return p.until
	}
	return time.Now().Add(patience)
}

// line returns the next line of the client without taking it.
func (p *player) line() (line []byte, size int, err error) {
	deadline := p.deadline()
	for {
		if i := bytes.Index(p.in, []byte("\r\n")); i >= 0 {
			return p.in[:i], i + 2, nil
		}
		if err := p.fill(deadline); err != nil {
			return nil, 0, err
		}
	}
}

func (p *player) take(n int) {
	p.in = p.in[n:]
	p.until = time.Time{}
}

func (p *player) expectLine(pattern string) error {
	line, size, err := p.line()
	if err != nil {
		return p.missing(err)
	}
	vars, ok := matchLine(pattern, string(line))
	if !ok {
		return fmt.Errorf("want %s\ngot  %s", pattern, printable(line))
	}
	for name, value := range vars {
		p.vars[name] = value
	}
	p.take(size)
	return nil
}

// maybeLine takes a line that can be left out.
func (p *player) maybeLine(pattern string) error {
	line, size, err := p.line()
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return p.missing(err)
	}
	if vars, ok := matchLine(pattern, string(line)); err == nil && ok {
		for name, value := range vars {
			p.vars[name] = value
		}
		p.take(size)
	}
	return nil
}

func (p *player) expectQuoted(quoted string) error {
	want, err := unquote(quoted)
	if err != nil {
		return err
	}
	return p.expectBytes([]byte(p.expand(want)))
}

func (p *player) expectBytes(want []byte) error {
	deadline := p.deadline()
	for len(p.in) < len(want) && bytes.HasPrefix(want, p.in) {
		if err := p.fill(deadline); err != nil {
			return p.missing(err)
		}
	}
	if !bytes.HasPrefix(p.in, want) {
		return fmt.Errorf("want %q\ngot  %q", want, p.in[:min(len(p.in), len(want)+20)])
	}
	p.take(len(want))
	return nil
}

func (p *player) expectClose() error {
	deadline := p.deadline()
	for len(p.in) == 0 {
		err := p.fill(deadline)
		if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe) {
			p.closed = true
			return nil
		}
		if err != nil {
			return p.missing(err)
		}
	}
	return fmt.Errorf("want the client to close the connection\ngot  %s", printable(p.in))
}

// missing says why what is expected did not come.
func (p *player) missing(err error) error {
	reason := err.Error()
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		reason = "nothing"
	case errors.Is(err, io.EOF):
		reason = "the client closed the connection"
	}
	if len(p.in) > 0 {
		reason = printable(p.in) + " and then " + reason
	}
	return errors.New("got  " + reason)
}

func (p *player) sendQuoted(quoted string) error {
	text, err := unquote(quoted)
	if err == nil {
		p.out.inject([]byte(p.expand(text)))
	}
	return err
}

// wait lets time pass and sees to it that the client is silent.
func (p *player) wait(rest string) error {
	first, second, ranged := strings.Cut(rest, " ")
	atLeast, err := time.ParseDuration(first)
	atMost := atLeast
	if ranged && err == nil {
		atMost, err = time.ParseDuration(strings.TrimSpace(second))
	}
	if err != nil {
		return err
	}
	start := time.Now()
	if p.closed {
		time.Sleep(atLeast)
		return nil
	}
	if len(p.in) == 0 {
		err = p.fill(start.Add(atLeast))
	}
	switch elapsed := time.Since(start); {
	case elapsed < atLeast && len(p.in) > 0:
		return fmt.Errorf("want silence\ngot  %s after %s", printable(p.in), elapsed)
	case elapsed < atLeast:
		return fmt.Errorf("want silence\n%w after %s", p.missing(err), elapsed)
	}
	if ranged {
		p.until = start.Add(atMost)
	}
	return nil
}

func (p *player) stall(rest string) error {
	d, err := time.ParseDuration(rest)
	if err == nil {
		time.Sleep(d) // fake time in a bubble
	}
	return err
}

// close waits until the client has what was sent, if it reads, and closes.
func (p *player) close() {
	timer := time.AfterFunc(patience, func() { p.out.set(func() { p.out.dead = true }) })
	p.out.flush()
	timer.Stop()
	p.closed = true
	p.conn.Close()
}

// silence waits for the end of the connection.
func (p *player) silence() error {
	if p.closed {
		return nil
	}
	for len(p.in) == 0 {
		if err := p.fill(time.Time{}); err != nil {
			return nil
		}
	}
	return fmt.Errorf("want nothing more\ngot  %s", printable(p.in))
}

// matchLine compares a line with a pattern and returns what the names in it stand for.
func matchLine(pattern, line string) (map[string]string, bool) {
	open := strings.IndexByte(pattern, '{')
	for open >= 0 && !isVariable(pattern[open:]) {
		next := strings.IndexByte(pattern[open+1:], '{')
		if next < 0 {
			open = -1
		} else {
			open += 1 + next
		}
	}
	if open < 0 {
		return map[string]string{}, pattern == line
	}
	if !strings.HasPrefix(line, pattern[:open]) {
		return nil, false
	}
	end := open + strings.IndexByte(pattern[open:], '}')
	name, rest, line := pattern[open+1:end], pattern[end+1:], line[open:]
	for n := 0; n <= len(line); n++ {
		if name != "*" && n > 0 && line[n-1] == ' ' {
			break
		}
		if name != "*" && n == 0 {
			continue
		}
		if vars, ok := matchLine(rest, line[n:]); ok {
			if name != "*" {
				vars[name] = line[:n]
			}
			return vars, true
		}
	}
	return nil, false
}

// isVariable reports whether text starts with {*} or {name}.
func isVariable(text string) bool {
	name, _, ok := strings.Cut(text[1:], "}")
	if !ok || name == "" {
		return false
	}
	return name == "*" || strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789") == "" && (name[0] < '0' || name[0] > '9')
}

func unquote(quoted string) (string, error) {
	text, err := strconv.Unquote(quoted)
	if err != nil {
		return "", fmt.Errorf("not in Go's quotes: %w", err)
	}
	return text, nil
}

// printable shows what came, with escapes for nothing but control characters and bytes that are not UTF-8.
func printable(b []byte) string {
	text := strconv.Quote(string(b))
	return strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(text[1 : len(text)-1])
}
