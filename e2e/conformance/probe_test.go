package conformance

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/pushmail/pushmail/e2e/daemon"
	"github.com/pushmail/pushmail/e2e/rawimap"
	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
)

// probe is what a row works with: a user of its own on one server.
type probe struct {
	column *column
	server server
	user   string
	ctx    context.Context

	c      *imapclient.Conn   // logged in
	offers imap.Capabilities  // before and after the login
	heard  []imap.Response    // what the Handler was given
	trace  bytes.Buffer       // the protocol of all connections
	other  *rawimap.Session   // somebody else's session of the same user, with INBOX selected; see witness
	conns  []*imapclient.Conn // to be closed

	failure     string
	unsupported bool // the failure is an *imapclient.UnsupportedError
}

// failf ends the row.
func (p *probe) failf(format string, args ...any) {
	_, file, line, _ := runtime.Caller(1)
	p.fail(file, line, fmt.Sprintf(format, args...))
}

func (p *probe) fail(file string, line int, text string) {
	p.failure = fmt.Sprintf("%s:%d: %s", file[strings.LastIndexByte(file, '/')+1:], line, text)
	runtime.Goexit()
}

// check ends the row if err is one.
func (p *probe) check(err error) {
	if err == nil {
		return
	}
	_, file, line, _ := runtime.Caller(1)
	_, p.unsupported = errors.AsType[*imapclient.UnsupportedError](err)
	p.fail(file, line, err.Error())
}

// want ends the row unless got is want.
func want[T any](p *probe, what string, got, want T) {
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		_, file, line, _ := runtime.Caller(1)
		p.fail(file, line, fmt.Sprintf("%s: %s, want %s", what, g, w))
	}
}

// options are those of an ordinary connection.
func (p *probe) options() *imapclient.Options {
	roots, err := p.server.CertPool()
	p.check(err)
	return &imapclient.Options{
		Addr:      p.server.core().IMAPS,
		TLSConfig: &tls.Config{RootCAs: roots},
		Handler:   func(r imap.Response) { p.heard = append(p.heard, r) },
		Trace:     &imapclient.Trace{W: &p.trace, MaxLine: 300, Label: fmt.Sprint(len(p.conns) + 1)},
	}
}

// dial opens a connection that is not logged in.
func (p *probe) dial(o *imapclient.Options) *imapclient.Conn {
	c, err := imapclient.Dial(p.ctx, o)
	p.check(err)
	p.conns = append(p.conns, c)
	return c
}

// connect makes p.c.
func (p *probe) connect() { p.c = p.login(p.options()) }

// login opens a connection and logs in.
func (p *probe) login(o *imapclient.Options) *imapclient.Conn {
	c := p.dial(o)
	before := slices.Clone(c.Capabilities())
	p.check(c.Login(p.ctx, p.user, daemon.Password))
	p.offers = append(before, c.Capabilities()...)
	return c
}

func (p *probe) close() {
	for _, c := range p.conns {
		c.Close()
	}
	if p.other != nil {
		p.other.Close()
	}
}

// box is the name of a mailbox of the user's own.
func (p *probe) box(name string) string { return p.column.prefix + name }

// witness is somebody else's session of the same user, with INBOX selected.
func (p *probe) witness() *rawimap.Session {
	if p.other == nil {
		p.other = p.rawSession(p.user)
		p.check(p.other.Select("INBOX"))
	}
	return p.other
}

func (p *probe) rawSession(user string) *rawimap.Session {
	roots, err := p.server.CertPool()
	p.check(err)
	s, err := rawimap.Dial(p.server.core().IMAPS, roots, user, daemon.Password)
	p.check(err)
	return s
}

// raw sends the witness's command and returns its lines as one string.
func (p *probe) raw(command string) string {
	lines, err := p.witness().Do(command)
	p.check(err)
	return strings.Join(lines, "\n")
}

// change sends the witness's command and has p.c take note of what it does: some servers tell it only when asked.
func (p *probe) change(command string) {
	p.raw(command)
	p.check(p.c.Noop(p.ctx))
}

// sees ends the row unless the witness's command is answered with what contains all the words.
func (p *probe) sees(command string, words ...string) {
	p.raw("NOOP") // so that it knows of messages that have come
	got := p.raw(command)
	for _, word := range words {
		if !strings.Contains(strings.ToLower(got), strings.ToLower(word)) {
			_, file, line, _ := runtime.Caller(1)
			p.fail(file, line, fmt.Sprintf("%s: %q is not in %q", command, word, got))
		}
	}
}

// misses ends the row if the witness's command is answered with what contains the word.
func (p *probe) misses(command, word string) {
	p.raw("NOOP")
	if got := p.raw(command); strings.Contains(strings.ToLower(got), strings.ToLower(word)) {
		_, file, line, _ := runtime.Caller(1)
		p.fail(file, line, fmt.Sprintf("%s: %q is in %q", command, word, got))
	}
}

// seed puts n messages into INBOX as somebody else: "message 1" to "message n" with UIDs 1 to n, from Jo1 to Jon, a day apart.
func (p *probe) seed(n int) {
	for i := 1; i <= n; i++ {
		uid, err := p.witness().Append("INBOX", letter(i))
		p.check(err)
		want(p, "UID of a seed", uid, uint32(i))
	}
	p.raw("NOOP") // Courier does not know its own messages before
}

// letter is the i-th message: each answers the one before.
func letter(i int) []byte {
	date := time.Date(2026, 1, i, 10, 0, 0, 0, time.UTC).Format(time.RFC1123Z)
	text := fmt.Sprintf("From: Jo%d <jo%d@example.org>\r\nTo: al@example.org\r\nSubject: message %d\r\nDate: %s\r\nMessage-ID: <m%d@example.org>\r\n", i, i, i, date, i)
	if i > 1 {
		text += fmt.Sprintf("In-Reply-To: <m%d@example.org>\r\nReferences: <m%d@example.org>\r\n", i-1, i-1)
	}
	return []byte(text + fmt.Sprintf("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello, this is number %d.\r\n", i) + strings.Repeat("x", i*100) + "\r\n")
}

// open seeds n messages and selects INBOX.
func (p *probe) open(n int) *imapclient.Selected {
	p.seed(n)
	return p.choose("INBOX", nil)
}

// openModSeq is open with CONDSTORE where there is one, and returns the highest mod-sequence; 1 where there is none, to ask for all the same.
func (p *probe) openModSeq(n int) imap.ModSeq {
	p.seed(n)
	return max(1, p.choose("INBOX", &imap.SelectOptions{CondStore: true}).HighestModSeq)
}

func (p *probe) choose(name string, o *imap.SelectOptions) *imapclient.Selected {
	box, err := p.c.Select(p.ctx, name, o)
	p.check(err)
	return box
}

// uids are the messages in INBOX, as the witness sees them.
func (p *probe) uids() string {
	uids, err := p.witness().UIDs()
	p.check(err)
	return fmt.Sprint(uids)
}

// rows collects what a FETCH yields.
func (p *probe) rows(set imap.NumSet, o *imap.FetchOptions) []*imap.Message {
	var rows []*imap.Message
	for m, err := range p.c.Fetch(p.ctx, set, o) {
		p.check(err)
		rows = append(rows, m)
	}
	return rows
}

// one is the only row.
func (p *probe) one(uid imap.UID, o *imap.FetchOptions) *imap.Message {
	rows := p.rows(imap.UIDs(uid), o)
	if len(rows) != 1 {
		p.failf("%d rows for UID %d", len(rows), uid)
	}
	return rows[0]
}

// hears waits until the Handler was given what f accepts, by letting the server speak.
func (p *probe) hears(what string, f func(imap.Response) bool) {
	ctx, cancel := context.WithTimeout(p.ctx, 20*time.Second)
	defer cancel()
	for !slices.ContainsFunc(p.heard, f) {
		if err := p.c.Wait(ctx); err != nil {
			p.failf("%s was not told (%v); heard %v", what, err, p.heard)
		}
	}
}
