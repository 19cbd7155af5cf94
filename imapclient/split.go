package imapclient

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// pieces cuts a set of messages for one command after the other, each within what the server takes: the
// length of a line (RFC 2683 section 3.2.1.5) and the messages of one command (RFC 9738). Ranges stay
// ranges. Use it as a scanner:
//
//	p, err := c.pieces("UID STORE", uids, func(e *imapwire.Command) { e.Store(o) })
//	for p.next() {
//		cmd, err := c.exec(ctx, "UID STORE", func(e *imapwire.Command) { e.Set(p.set).Store(o) }, nil)
//		err = p.answered(cmd, err)
//	}
//
// Commands that do just that use [Conn.execPieces].
type pieces struct {
	set imap.NumSet // the piece for the command to be sent now

	name  string
	whole imap.NumSet // a set that cannot be cut, to be sent as it is
	piece imap.UIDSet // set, if it consists of UIDs
	todo  imap.UIDSet // comes after it
	room  int         // bytes that a set may have
	most  uint64      // UIDs that a set may have, 0 for any number
	begun bool        // a command was carried out: what comes is a part
	past  imap.UIDSet // what was carried out
}

// pieces prepares to send name for a set, which is its first argument; rest writes the others, or is nil.
// An empty set has no pieces. A set of sequence numbers that is too long is an error, for numbers can
// shift between two commands.
func (c *Conn) pieces(name string, set imap.NumSet, rest func(*imapwire.Command)) (*pieces, error) {
	e := imapwire.NewCommand(longestTag, name, c.encodeOptions())
	if rest != nil {
		rest(e)
	}
	if err := e.Err(); err != nil {
		return nil, notSent(err)
	}
	p := &pieces{name: name, room: max(e.Room(), minRoom)}
	switch uids, ok := set.(imap.UIDSet); {
	case set == nil || set.Empty():
	case ok:
		p.todo = uids
		// RFC 9738 section 3.1: a COPY of more than the limit fails as a whole; the other commands are
		// carried out in part, which answered continues.
		if limit, ok := c.Capabilities().Limit("MESSAGELIMIT"); ok && strings.HasSuffix(name, "COPY") {
			p.most = limit
		}
	default:
		text, err := set.AppendText(nil)
		if err == nil && len(text) > p.room {
			err = &imapwire.ArgumentError{
				Command: name, Argument: "message set", Position: 1,
				Reason: "is too long for a line, and sequence numbers cannot be sent in parts since they shift: use UIDs",
			}
		}
		if err != nil {
			return nil, notSent(err)
		}
		p.whole = set
	}
	return p, nil
}

const (
	// longestTag is as long as any tag of ours.
	longestTag = "P4294967295"
	// minRoom leaves a set two numbers of ten digits when the rest of a command is too long already.
	minRoom = 24
)

// next moves to the next piece, and reports false after the last.
func (p *pieces) next() bool {
	p.piece = nil
	if p.whole != nil {
		p.set, p.whole = p.whole, nil
		return true
	}
	for chunk := range p.todo.Chunks(p.room) {
		p.todo = p.todo[len(chunk):]
		if p.most > 0 {
			var over imap.UIDSet
			chunk, over = firstN(chunk, p.most)
			p.todo = over.Union(p.todo)
		}
		p.piece, p.set = chunk, chunk
		return true
	}
	return false
}

// answered takes how the command for the piece ended. It puts what the server left out for its limit of
// messages in front of what is to be sent, and returns err, with what was carried out before.
func (p *pieces) answered(cmd *command, err error) error {
	if err != nil {
		return p.failed(err)
	}
	p.begun = true
	code := cmd.status.Code
	if code == nil || code.Name != imap.CodeMessageLimit {
		p.past = p.past.Union(p.piece)
		return nil
	}
	// RFC 9738 section 3.1: messages are processed from the highest UID down; the code has the last one.
	if code.UID == 0 || p.piece == nil {
		return p.failed(errStopped)
	}
	var left imap.UIDSet
	if code.UID > 1 {
		left = p.piece.Intersect(imap.SetOfRange(1, code.UID-1))
	}
	if left.Equal(p.piece) {
		return p.failed(errStopped)
	}
	p.past = p.past.Union(p.piece.Subtract(left))
	p.todo = left.Union(p.todo)
	return nil
}

// failed wraps an error that came after other pieces had been carried out.
func (p *pieces) failed(err error) error {
	if !p.begun {
		return err
	}
	var u unsent
	if errors.As(err, &u) {
		err = u.error // of this piece nothing was sent, but of the whole
	}
	return &PartialError{Command: p.name, Done: p.past, Left: p.piece.Union(p.todo), Err: err}
}

var errStopped = errors.New("the server stopped at its limit of messages (MESSAGELIMIT) and did not say where")

// PartialError says that a command whose UIDs were sent in several parts failed after some of them: for
// Done it was carried out, for Left nobody knows or it was not. Err is why.
type PartialError struct {
	Command    string
	Done, Left imap.UIDSet
	Err        error
}

func (e *PartialError) Error() string {
	return fmt.Sprintf("%s was carried out in part: %v", e.Command, e.Err)
}
func (e *PartialError) Unwrap() error { return e.Err }

// firstN cuts a set after n numbers. A range that ends in "*" comes alone: nobody knows its size.
func firstN(set imap.UIDSet, n uint64) (first, rest imap.UIDSet) {
	for i, r := range set {
		if r.Last == 0 {
			i = max(i, 1)
			return set[:i:i], set[i:]
		}
		size := uint64(r.Last-r.First) + 1
		if size <= n {
			n -= size
			continue
		}
		if n == 0 {
			return set[:i:i], set[i:]
		}
		cut := r.First + imap.UID(n)
		first = append(set[:i:i], imap.Range[imap.UID]{First: r.First, Last: cut - 1})
		return first, append(imap.UIDSet{{First: cut, Last: r.Last}}, set[i+1:]...)
	}
	return set, nil
}

// execPieces sends a command whose first argument is a set: once, or more often if it has to be cut.
// rest writes the other arguments. done, if not nil, is called for each command that the server has
// answered, whatever it said. The first error ends it; a *[PartialError] if parts were carried out.
func (c *Conn) execPieces(ctx context.Context, name string, set imap.NumSet, rest func(*imapwire.Command), take func(imap.Response) bool, done func(*command)) error {
	p, err := c.pieces(name, set, rest)
	if err != nil {
		return err
	}
	for p.next() {
		cmd, err := c.exec(ctx, name, func(e *imapwire.Command) {
			e.Set(p.set)
			if rest != nil {
				rest(e)
			}
		}, take)
		if cmd.done && done != nil {
			done(cmd)
		}
		if err := p.answered(cmd, err); err != nil {
			return err
		}
	}
	return nil
}
