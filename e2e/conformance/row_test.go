package conformance

import (
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// row is one thing a client wants of a server.
type row struct {
	name string // as the matrix shows it
	// covers are the methods of imapclient.Conn that it proves, separated by spaces.
	covers string
	// needs are the capabilities that offer it, separated by spaces; "A|B" is one of them.
	// Without them the method must find another way or say *imapclient.UnsupportedError.
	needs string
	run   func(p *probe)
	// odd are servers on which it fails, and that is the server's fault.
	odd odd
}

// odd is by name of server.
type odd map[string]oddity

// oddity is a failure that is known: it must be this one, and must not go away silently.
type oddity struct {
	failure string // a regular expression
	note    string // for docs/servers.md
}

// group is a part of the table.
type group struct {
	title string
	rows  []row
}

// table is the whole, in the order of the matrix.
var table = []group{
	{"Connection and session", sessionRows},
	{"Logging in", loginRows},
	{"Mailboxes", mailboxRows},
	{"Access, quota, metadata", accessRows},
	{"Messages", messageRows},
	{"Searching and sorting", searchRows},
}

// offered tells whether what needs says is among what the server offers.
func offered(needs string, have imap.Capabilities) bool {
	for want := range strings.FieldsSeq(needs) {
		if !slices.ContainsFunc(strings.Split(want, "|"), func(c string) bool { return have.Has(imap.Capability(strings.ToUpper(c))) }) {
			return false
		}
	}
	return true
}

// cell is the outcome of a row on a server.
type cell string

const (
	works      cell = "ok"
	otherWay   cell = "other way"
	notOffered cell = "–"
	deviates   cell = "odd" // followed by the number of a note
)

// play runs the row and returns its cell; or what went wrong.
func (r *row) play(p *probe) (cell, error) {
	var isOffered bool
	p.inOwnGoroutine(func() {
		p.connect()
		isOffered = offered(r.needs, p.offers)
		r.run(p)
	})
	p.close()
	known, isOdd := r.odd[p.column.name]
	switch {
	case p.failure == "" && isOdd:
		return "", fmt.Errorf("works, though a deviation is known: %s", known.note)
	case p.failure == "" && isOffered:
		return works, nil
	case p.failure == "":
		return otherWay, nil
	case p.unsupported && !isOffered && !isOdd:
		return notOffered, nil
	case isOdd && regexp.MustCompile(known.failure).MatchString(p.failure):
		return deviates, nil
	}
	return "", fmt.Errorf("%s (offered: %v)", p.failure, isOffered)
}

// inOwnGoroutine runs f, which may end early by Goexit or by a panic.
func (p *probe) inOwnGoroutine(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if v := recover(); v != nil {
				stack := make([]byte, 4<<10)
				p.failure = fmt.Sprintf("panic: %v\n%s", v, stack[:runtime.Stack(stack, false)])
			}
		}()
		f()
	}()
	<-done
}
