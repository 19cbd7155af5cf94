package imapclient

import (
	"context"
	"errors"
	"io"
	"iter"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// maxQueuedRows bounds the rows of one FETCH that wait to be taken while other commands run.
const maxQueuedRows = 100_000

// rowBatch is how many rows are taken from the connection at once: enough that taking turns costs
// nothing, few enough that they are still in the processor's cache when they are yielded, and that the
// garbage collector finds little alive.
const rowBatch = 32

// Fetch fetches messages by UID. The sequence yields each message when it has arrived, in the
// server's order, and at most one error, last. Messages that do not exist are left out by the server.
//
// Only rows that carry all that was asked for are yielded, and rows of which the server sent the
// parts separately are put together. Rows of other messages, such as a change of flags, go to
// Options.Handler.
//
// UID is always fetched. With ChangedSince and Vanished, *imap.Vanished (Earlier) goes to the Handler.
//
// Breaking out of the loop, or the end of ctx, leaves the connection usable: the rest of the answer
// is read and thrown away before the next command. The body of the loop may use the Conn; rows that
// arrive meanwhile are kept.
func (c *Conn) Fetch(ctx context.Context, uids imap.UIDSet, o *imap.FetchOptions) iter.Seq2[*imap.Message, error] {
	return c.fetch(ctx, "UID FETCH", uids, nil, o, nil)
}

// FetchSeq is [Conn.Fetch] by sequence number. A sequence number means something only as long as no
// EXPUNGE has come: prefer UIDs.
func (c *Conn) FetchSeq(ctx context.Context, nums imap.SeqSet, o *imap.FetchOptions) iter.Seq2[*imap.Message, error] {
	return c.fetch(ctx, "FETCH", nil, nums, o, nil)
}

// FetchSection writes the content of one section of a message to w as it arrives, in constant
// memory, and returns its length. If w fails, the rest is read and thrown away, and its error is
// returned. [ErrNoSection] says that the message, or the section, does not exist. w must not block for
// long: it runs on the goroutine that drives the connection.
func (c *Conn) FetchSection(ctx context.Context, uid imap.UID, section imap.SectionRequest, w io.Writer) (int64, error) {
	sink := &sink{w: w}
	o := &imap.FetchOptions{Sections: []imap.SectionRequest{section}}
	found := false
	for m, err := range c.fetch(ctx, "UID FETCH", imap.UIDs(uid), nil, o, func([]byte, int64) io.Writer { return sink }) {
		if err != nil {
			return sink.n, err
		}
		if m.UID != uid || len(m.Sections) == 0 || m.Sections[0].Nil {
			continue
		}
		found = true
		if !m.Sections[0].Streamed {
			_, _ = sink.Write([]byte(m.Sections[0].Data))
		}
	}
	if !found {
		return 0, ErrNoSection
	}
	return sink.n, sink.err
}

// ErrNoSection says that a message, or a section of it, does not exist.
var ErrNoSection = errors.New("no such message or section")

// sink counts what is written and remembers the first error.
type sink struct {
	w   io.Writer
	n   int64
	err error
}

func (s *sink) Write(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.w.Write(p)
	s.n += int64(n)
	s.err = err
	return n, err
}

func (c *Conn) fetch(ctx context.Context, name string, uids imap.UIDSet, seqs imap.SeqSet, o *imap.FetchOptions, body bodyFunc) iter.Seq2[*imap.Message, error] {
	return func(yield func(*imap.Message, error) bool) {
		if len(uids) == 0 && len(seqs) == 0 {
			return
		}
		f, err := c.startFetch(ctx, name, uids, seqs, o, body)
		if err != nil {
			yield(nil, err)
			return
		}
		for {
			rows, done, err := c.fetchMore(ctx, f)
			for _, m := range rows {
				if !yield(m, nil) {
					f.abandoned.Store(true)
					return
				}
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if done {
				return
			}
			clear(rows)
			f.spare = rows[:0]
		}
	}
}

// bodyFunc returns the writer for a long content; head is the response up to it. Nil leaves it in
// the message.
type bodyFunc func(head []byte, size int64) io.Writer

func (c *Conn) startFetch(ctx context.Context, name string, uids imap.UIDSet, seqs imap.SeqSet, o *imap.FetchOptions, body bodyFunc) (*fetching, error) {
	if err := c.need(StateSelected); err != nil {
		return nil, err
	}
	if o == nil {
		o = &imap.FetchOptions{}
	}
	with := *o
	with.Items |= imap.ItemUID
	f := &fetching{want: with.Items, sections: len(o.Sections), body: body}
	if f.sections > 0 {
		f.want |= imap.ItemSections
	}
	f.command = command{name: name, take: f.takeRow}
	begin := c.begin
	if uids != nil {
		begin = c.beginInIdle
	}
	if err := begin(ctx); err != nil {
		return nil, err
	}
	defer c.release()
	c.streaming = f
	err := c.send(ctx, &f.command, func(e *imapwire.Command) {
		if uids != nil {
			e.Set(uids)
		} else {
			e.Set(seqs)
		}
		e.Fetch(&with)
	})
	return f, err
}

// fetchMore drives the connection until rows are there or the command is done.
func (c *Conn) fetchMore(ctx context.Context, f *fetching) (rows []*imap.Message, done bool, err error) {
	if err := c.acquireAnew(ctx); err != nil {
		f.abandoned.Store(true)
		return nil, false, err
	}
	defer c.release()
	watched := false
	for !f.done && (len(f.rows) == 0 || len(f.rows) < rowBatch && c.framer.Ready()) {
		// What is buffered is read without waiting, so only then need the end of ctx be watched, which costs allocations.
		if !watched && !c.framer.Ready() {
			watched = true
			defer c.intr.watch(ctx)()
		}
		if err := c.step(ctx, f.name, c.opts.CommandTimeout); err != nil {
			f.abandoned.Store(true)
			return f.takeAll(), false, err
		}
	}
	if f.done {
		return f.takeAll(), true, f.result()
	}
	return f.takeAll(), false, nil
}

// acquireAnew is acquire in the middle of a command: a dead connection may still have rows to give.
func (c *Conn) acquireAnew(ctx context.Context) error {
	err := c.acquire(ctx)
	var u unsent
	if errors.As(err, &u) {
		return u.error // some of it was sent
	}
	return err
}

// stream finds the writer for a long content. Only one FETCH is under way at a time.
func (c *Conn) stream(head []byte, size int64) io.Writer {
	f := c.streaming
	if f == nil || f.done {
		return nil
	}
	if f.abandoned.Load() {
		return io.Discard
	}
	if f.body == nil {
		return nil
	}
	return f.body(head, size)
}
