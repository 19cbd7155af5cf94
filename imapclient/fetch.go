package imapclient

import (
	"context"
	"errors"
	"io"
	"iter"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// maxQueuedRows bounds the rows of one FETCH that wait to be taken while other commands run, and
// maxQueuedBytes the content of sections in them.
const (
	maxQueuedRows  = 100_000
	maxQueuedBytes = 64 << 20
)

// rowBatch is how many rows are taken from the connection at once: enough that taking turns costs
// nothing, few enough that they are still in the processor's cache when they are yielded, and that the
// garbage collector finds little alive.
const rowBatch = 32

// Fetch fetches what o says of messages (RFC 9051 section 6.4.5). The sequence yields each message when it
// has arrived, in the server's order, and at most one error, last. Messages that do not exist are left
// out by the server, and an empty set fetches nothing.
//
// Name messages by UID. A sequence number means something only as long as no EXPUNGE has come. The UID is
// always fetched, and a set of UIDs that is too long for one command is sent in parts, one after the other.
//
// Only rows that carry all that was asked for are yielded, and rows of which the server sent the
// parts separately are put together. Rows of other messages, such as a change of flags, go to
// Options.Handler.
//
// Items of an extension that the server does not offer are an *[UnsupportedError], and nothing is sent:
// CONDSTORE for ItemModSeq and ChangedSince (RFC 7162), OBJECTID for ItemEmailID and ItemThreadID (RFC
// 8474), SAVEDATE (RFC 8514), PREVIEW (RFC 8970), X-GM-EXT-1 for those of Gmail, ANNOTATE-EXPERIMENT-1 (RFC
// 5257), BINARY for BINARY sections (RFC 3516; part of IMAP4rev2), PARTIAL (RFC 9394), and QRESYNC, enabled,
// for Vanished (RFC 7162). [Conn.Supported] leaves such items out instead. With Vanished the
// *imap.Vanished (Earlier) goes to the Handler.
//
// The content of sections is in the rows, each within Options.Wire.Limits.Literal: for more, or for many,
// see [Conn.FetchBodies].
//
// Breaking out of the loop, or the end of ctx, leaves the connection usable: the rest of the answer
// is read and thrown away before the next command. The body of the loop may use the Conn; rows that
// arrive meanwhile are kept, up to 100,000 rows and 64 MiB of content.
func (c *Conn) Fetch(ctx context.Context, set imap.NumSet, o *imap.FetchOptions) iter.Seq2[*imap.Message, error] {
	return func(yield func(*imap.Message, error) bool) {
		if err := c.fetch(ctx, set, o, nil, yield); err != nil {
			yield(nil, err)
		}
	}
}

// FetchSeq is [Conn.Fetch] by sequence number.
func (c *Conn) FetchSeq(ctx context.Context, nums imap.SeqSet, o *imap.FetchOptions) iter.Seq2[*imap.Message, error] {
	return c.Fetch(ctx, nums, o)
}

// fetch sends the commands for a set and yields their rows, which are in the scratch if there is one. It
// returns nil if the loop was left.
func (c *Conn) fetch(ctx context.Context, set imap.NumSet, o *imap.FetchOptions, scratch *imapwire.Scratch, yield func(*imap.Message, error) bool) error {
	if set == nil || set.Empty() {
		return nil
	}
	with, err := c.fetchOptions(o)
	if err != nil {
		return err
	}
	p, err := c.fetchPieces(set, with)
	if err != nil {
		return err
	}
	for p.next() {
		f := newFetching(with)
		f.scratch = scratch
		err := c.startFetch(ctx, p.set, with, f)
		if err == nil {
			var left bool
			if left, err = c.yieldRows(ctx, f, yield); left {
				return nil
			}
		}
		if err := p.answered(&f.command, err); err != nil {
			return err
		}
	}
	return nil
}

func newFetching(o *imap.FetchOptions) *fetching {
	f := &fetching{want: o.Items, sections: len(o.Sections)}
	if f.sections > 0 {
		f.want |= imap.ItemSections
	}
	f.take = f.takeRow
	return f
}

// yieldRows yields rows until the command is done, or reports that the loop was left.
func (c *Conn) yieldRows(ctx context.Context, f *fetching, yield func(*imap.Message, error) bool) (left bool, err error) {
	for {
		rows, done, err := c.fetchMore(ctx, f)
		for _, m := range rows {
			if !yield(m, nil) {
				f.abandoned.Store(true)
				return true, nil
			}
		}
		if err != nil || done {
			return false, err
		}
		clear(rows)
		f.spare = rows[:0]
	}
}

// startFetch sends the FETCH of a set.
func (c *Conn) startFetch(ctx context.Context, set imap.NumSet, o *imap.FetchOptions, f *fetching) error {
	if err := c.beginFetch(ctx, set); err != nil {
		return err
	}
	defer c.release()
	return c.sendFetch(ctx, set, o, f)
}

func (c *Conn) beginFetch(ctx context.Context, set imap.NumSet) error {
	if set.ByUID() {
		return c.beginInIdle(ctx)
	}
	return c.begin(ctx)
}

// sendFetch sends the FETCH of a set. The caller drives the connection.
func (c *Conn) sendFetch(ctx context.Context, set imap.NumSet, o *imap.FetchOptions, f *fetching) error {
	f.name = fetchName(set)
	c.streaming = f
	return c.send(ctx, &f.command, func(e *imapwire.Command) { e.Set(set).Fetch(o) })
}

// fetchMore drives the connection until rows are there or the command is done.
func (c *Conn) fetchMore(ctx context.Context, f *fetching) (rows []*imap.Message, done bool, err error) {
	if err := c.acquireAnew(ctx); err != nil {
		f.abandoned.Store(true)
		return nil, false, err
	}
	defer c.release()
	if c.useScratch(f) {
		defer c.dec.SetScratch(nil)
	}
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

// bodyFunc returns the writer for a long content; head is the response up to it. Nil leaves it in
// the message.
type bodyFunc func(head []byte, size int64) io.Writer

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

// weigh counts the content of sections that waits to be taken, and reports whether it is too much.
func (f *fetching) weigh(m *imap.Message) (tooMuch bool) {
	for i := range m.Sections {
		f.queued += len(m.Sections[i].Data)
	}
	return f.queued > maxQueuedBytes
}
