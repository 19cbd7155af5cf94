package imapclient

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"sync/atomic"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// FetchBodies fetches the contents of o.Sections of all messages in set, and yields each as a stream while
// it arrives: one command, or few for a long set, and constant memory, however many and long they are. For
// each message there is one [Body] for each section, in the server's order; at most one error comes last.
// o.Sections needs at least one entry, none of them BINARY.SIZE. Other than that [Conn.Fetch] says what is
// asked for and what is an error.
//
//	for body, err := range c.FetchBodies(ctx, uids, &imap.FetchOptions{Sections: []imap.SectionRequest{{}}}) {
//		if err != nil {
//			return err
//		}
//		if _, err := io.Copy(file(body.Message.UID), body); err != nil {
//			return err
//		}
//	}
//
// The loop holds the connection, so that nobody else reads what belongs to it: other goroutines wait until
// it has ended. The body of the loop must not use the Conn; who does so gets [ErrInBodies] after
// Options.CommandTimeout. The server waits for a slow reader, and hangs up on one that is too slow for it.
//
// Breaking out of the loop, at whatever point of a body, or the end of ctx, leaves the connection usable:
// the rest of the answer is read and thrown away before the next command. Who leaves much behind is
// quicker with a new connection.
func (c *Conn) FetchBodies(ctx context.Context, set imap.NumSet, o *imap.FetchOptions) iter.Seq2[*Body, error] {
	return func(yield func(*Body, error) bool) {
		if set == nil || set.Empty() {
			return
		}
		l := &bodyLoop{c: c, ctx: ctx, yield: yield}
		if err := l.run(set, o); err != nil && !errors.Is(err, errLeft) {
			yield(nil, err)
		}
	}
}

// ErrInBodies says that a loop over [Conn.FetchBodies] holds the connection and has not gone on for
// Options.CommandTimeout: most likely its own body waits for the command that got this error. Nothing
// was sent.
var ErrInBodies = errors.New("a loop over FetchBodies holds the connection: use it after the loop, or another connection")

// errLeft says that the loop was left.
var errLeft = errors.New("loop left")

// bodyLoop is a loop over FetchBodies.
type bodyLoop struct {
	c     *Conn
	ctx   context.Context
	yield func(*Body, error) bool
	dec   *imapwire.Decoder // for what comes ahead of a content
	moved atomic.Int64      // when it went on last, in Unix nanoseconds

	// Of the command under way:
	o      *imap.FetchOptions
	f      *fetching
	single imap.UID // the only message asked for, or 0
	cur    *Body    // yielded now
	queue  []*Body
	marks  []imapwire.Literal // streamed contents in the response under way
	given  []int              // to which section each of them belongs, or -1 if it was thrown away

	again []bodyAgain
}

// bodyAgain is a content that had to be thrown away, for its UID came after it.
type bodyAgain struct {
	uid     imap.UID
	section int
}

func (l *bodyLoop) run(set imap.NumSet, o *imap.FetchOptions) error {
	c := l.c
	with, err := c.fetchOptions(o)
	if err == nil {
		err = checkBodies(with)
	}
	if err != nil {
		return err
	}
	p, err := c.fetchPieces(set, with)
	if err != nil {
		return err
	}
	if err := c.beginFetch(l.ctx, set); err != nil {
		return err
	}
	defer c.release()
	l.alive()
	c.bodies.Store(l)
	defer c.bodies.Store(nil)
	defer c.intr.watch(l.ctx)()
	for p.next() {
		err := l.command(p.set, with)
		if err := p.answered(&l.f.command, err); err != nil {
			return err
		}
	}
	return l.runAgain(with)
}

func checkBodies(o *imap.FetchOptions) error {
	reason := ""
	if len(o.Sections) == 0 {
		reason = "are missing"
	}
	for i := range o.Sections {
		if o.Sections[i].Item == imap.SectionItemBinarySize {
			reason = "have a BINARY.SIZE, which has no content"
		}
	}
	if reason == "" {
		return nil
	}
	return notSent(&imapwire.ArgumentError{Command: "FETCH", Argument: "sections", Position: 2, Reason: reason})
}

// runAgain fetches one by one what could not be told apart.
func (l *bodyLoop) runAgain(o *imap.FetchOptions) error {
	todo := l.again
	for _, a := range todo {
		one := *o
		one.Sections = o.Sections[a.section : a.section+1]
		if err := l.commandFor(imap.UIDs(a.uid), &one, a.section); err != nil {
			return err
		}
	}
	return nil
}

func (l *bodyLoop) command(set imap.NumSet, o *imap.FetchOptions) error {
	return l.commandFor(set, o, 0)
}

// commandFor sends one FETCH and yields its bodies. first is the number of the first section.
func (l *bodyLoop) commandFor(set imap.NumSet, o *imap.FetchOptions, first int) error {
	l.o, l.f, l.single = o, newFetching(o), 0
	if uids, ok := set.(imap.UIDSet); ok && uids.Len() == 1 {
		l.single = uids.Min()
	}
	l.f.take, l.f.body = l.take, l.begun
	if err := l.c.sendFetch(l.ctx, set, o, l.f); err != nil {
		return err
	}
	defer l.abandon()
	for {
		b, err := l.next()
		if b == nil || err != nil {
			return err
		}
		b.Section += first
		l.cur = b
		l.alive()
		goOn := l.yield(b, nil)
		l.alive()
		b.close()
		if !goOn {
			return errLeft
		}
	}
}

// abandon leaves what is still to come of the command to be thrown away.
func (l *bodyLoop) abandon() {
	if !l.f.done {
		l.f.abandoned.Store(true)
	}
	for _, b := range append(l.queue, l.cur) {
		if b != nil {
			b.close()
		}
	}
	l.cur, l.queue, l.marks, l.given = nil, nil, nil, nil
	l.f.held = 0
}

// alive notes that the loop goes on.
func (l *bodyLoop) alive() { l.moved.Store(time.Now().UnixNano()) }

// next returns the next body, or nil when the command is done.
func (l *bodyLoop) next() (*Body, error) {
	for {
		if len(l.queue) > 0 {
			b := l.queue[0]
			l.queue = slices.Delete(l.queue, 0, 1)
			return b, nil
		}
		rows := l.f.takeAll()
		for _, m := range rows {
			l.row(m)
		}
		if len(l.queue) > 0 {
			continue
		}
		if l.f.done {
			return nil, l.f.result()
		}
		if err := l.step(); err != nil {
			return nil, err
		}
	}
}

// pull drives the connection until something has come of b.
func (l *bodyLoop) pull(b *Body) error {
	if l.f.done || l.f.abandoned.Load() {
		return io.ErrUnexpectedEOF
	}
	l.alive()
	err := l.step()
	l.alive()
	return err
}

func (l *bodyLoop) step() error {
	err := l.c.step(l.ctx, l.f.name, l.c.opts.CommandTimeout)
	if errors.Is(err, errHeld) {
		return nil
	}
	if err != nil {
		l.f.abandoned.Store(true)
	}
	return err
}

// errHeld is the error of a read while what came before it waits to be taken.
var errHeld = errors.New("what was read waits to be taken")

// isHeld reports whether nothing may be read now.
func (c *Conn) isHeld() bool {
	f := c.streaming
	return f != nil && f.held > 0
}

// take is takeRow for rows of which some contents were streamed. It names those that were given to a Body.
func (l *bodyLoop) take(r imap.Response) bool {
	given := l.given
	l.marks, l.given = l.marks[:0], l.given[:0]
	m, ok := r.(*imap.Message)
	if !ok || len(given) == 0 {
		return l.f.takeRow(r)
	}
	own := *m // others have seen m
	own.Sections = slices.Clone(m.Sections)
	n := 0
	for i := range own.Sections {
		s := &own.Sections[i]
		if !s.Streamed || n == len(given) {
			continue
		}
		if given[n] >= 0 {
			*s = imap.Section{Streamed: true, Size: int64(given[n])} // no item: done with
		}
		n++
	}
	return l.f.takeRow(&own)
}

// wasGiven reports to which section a content belongs that a Body has got already.
func wasGiven(s *imap.Section) (section int, ok bool) { return int(s.Size), s.Item == "" && s.Streamed }

// row queues the bodies of a row that were not streamed, and Nil ones for what the server left out.
func (l *bodyLoop) row(m *imap.Message) {
	used := l.usedBy(m, len(m.Sections))
	for i := range m.Sections {
		s := &m.Sections[i]
		if _, ok := wasGiven(s); ok {
			continue
		}
		k := matchSection(l.o.Sections, s, used)
		switch {
		case k < 0: // nobody asked for it
		case s.Streamed:
			used[k] = true
			l.again = append(l.again, bodyAgain{m.UID, k})
		default:
			used[k] = true
			l.queue = append(l.queue, l.newBody(m, k, s))
		}
	}
	for k := range used {
		if !used[k] {
			l.queue = append(l.queue, &Body{Message: m, Section: k, Nil: true, loop: l})
		}
	}
}

// usedBy says which sections the first n contents of a row answer that were given to a Body.
func (l *bodyLoop) usedBy(m *imap.Message, n int) []bool {
	used := make([]bool, len(l.o.Sections))
	for i := range m.Sections[:n] {
		if k, ok := wasGiven(&m.Sections[i]); ok && k < len(used) {
			used[k] = true
		}
	}
	return used
}

// newBody makes a Body of a content that is in the row.
func (l *bodyLoop) newBody(m *imap.Message, k int, s *imap.Section) *Body {
	b := &Body{Message: m, Section: k, Offset: max(0, s.Offset), Size: int64(len(s.Data)), Nil: s.Nil, loop: l, text: s.Data}
	if r := &l.o.Sections[k]; s.Offset < 0 && r.Offset > 0 && !s.Nil {
		b.err, b.text = &OriginError{r.String(), b.Size}, ""
	}
	return b
}

// begun decides what becomes of a long content, of which head has come.
func (l *bodyLoop) begun(head []byte, size int64) io.Writer {
	b, k := l.bodyOf(head, size)
	if b == nil && l.fits(head, size) {
		return nil
	}
	l.marks = append(l.marks, imapwire.Literal{Offset: len(head), Size: size, Streamed: true})
	l.given = append(l.given, k)
	if b == nil {
		return io.Discard
	}
	l.queue = append(l.queue, b)
	if b.err != nil {
		return io.Discard
	}
	return bodySink{b}
}

// fits reports whether the content can stay in the row, and be told whose it is at its end.
func (l *bodyLoop) fits(head []byte, size int64) bool {
	lim, def := &l.c.wire.Limits, &imapwire.DefaultLimits
	return size <= cmp.Or(lim.Literal, def.Literal) && int64(len(head))+size < int64(cmp.Or(lim.Response, def.Response))/2
}

// bodyOf makes a Body of what stands ahead of a content, and says which section it is. It returns nil and
// -1 if that cannot be told.
func (l *bodyLoop) bodyOf(head []byte, size int64) (*Body, int) {
	if len(l.marks) >= len(l.o.Sections) {
		return nil, -1
	}
	m := l.headOf(head)
	if m == nil || len(m.Sections) == 0 {
		return nil, -1
	}
	last := len(m.Sections) - 1
	used := make([]bool, len(l.o.Sections))
	earlier := l.f.parts[keyOf(m)]
	if earlier != nil {
		used = l.usedBy(earlier, len(earlier.Sections))
		if !m.Items.Has(imap.ItemUID) {
			m.UID = earlier.UID
		}
	}
	for _, k := range l.given {
		if k >= 0 {
			used[k] = true
		}
	}
	for i := range m.Sections[:last] {
		if s := &m.Sections[i]; !s.Streamed {
			if k := matchSection(l.o.Sections, s, used); k >= 0 {
				used[k] = true
			}
		}
	}
	if m.UID == 0 {
		m.UID = l.single
	}
	s := m.Sections[last]
	m.Sections = m.Sections[:last]
	k := matchSection(l.o.Sections, &s, used)
	if k < 0 || m.UID == 0 {
		return nil, -1
	}
	b := &Body{Message: m, Section: k, Offset: max(0, s.Offset), Size: size, loop: l, left: size}
	if r := &l.o.Sections[k]; s.Offset < 0 && r.Offset > 0 {
		b.err = &OriginError{r.String(), size}
	}
	return b, k
}

// headOf reads the items ahead of a content, whose header is the end of head: as if the content were NIL.
func (l *bodyLoop) headOf(head []byte) *imap.Message {
	i := bytes.LastIndexByte(head, '{')
	if i > 0 && head[i-1] == '~' {
		i--
	}
	if i < 0 {
		return nil
	}
	if l.dec == nil {
		l.dec = imapwire.NewDecoder(&l.c.wire)
	}
	row := append(bytes.Clone(head[:i]), "NIL)"...)
	r, err := l.dec.Decode(imapwire.Frame{Data: row, Literals: l.marks})
	m, ok := r.(*imap.Message)
	if err != nil || !ok {
		return nil
	}
	return m
}

// stuck returns a channel that is closed when the loop that holds the connection has not gone on for so
// long, and what ends the watching. Without a loop the channel is nil.
func (c *Conn) stuck() (<-chan struct{}, func()) {
	l, limit := c.bodies.Load(), c.opts.CommandTimeout
	if l == nil {
		return nil, func() {}
	}
	is := make(chan struct{})
	var timer *time.Timer
	ready := make(chan struct{})
	timer = time.AfterFunc(limit, func() {
		<-ready
		if idle := time.Since(time.Unix(0, l.moved.Load())); idle < limit {
			timer.Reset(limit - idle)
			return
		}
		close(is)
	})
	close(ready)
	return is, func() { timer.Stop() }
}
