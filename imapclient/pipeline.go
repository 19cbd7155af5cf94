package imapclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"sync/atomic"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// Bounds of a pipeline.
const (
	maxCalls     = 64       // under way at once
	maxPipedSize = 64 << 10 // bytes of commands sent and not answered, but one command is always sent
)

// Pipeline makes calls that do not depend on each other without waiting for the answer to one before the
// command of the next is sent (RFC 9051 section 5.5): the figures of 500 mailboxes, or the rows of many
// FETCHes, cost few round trips.
//
//	calls := make([]func(context.Context, *imapclient.Conn) error, len(names))
//	for i, name := range names {
//		calls[i] = func(ctx context.Context, c *imapclient.Conn) (err error) {
//			status[i], err = c.Status(ctx, name, imap.StatusMessages|imap.StatusUnseen)
//			return err
//		}
//	}
//	err := c.Pipeline(ctx, calls...)
//
// Each call is given a Conn of its own, which it must use instead of the outer one, and not after it has
// returned nor in another goroutine. It may use any number of methods, one after the other; while one
// waits for its answer, other calls go on. All of them run by turns on the goroutine of the caller, so
// they need no locks, and one that blocks elsewhere blocks all. They begin in order; at most 64 are under
// way.
//
// Pipeline sees to it that a command is sent only when it cannot be misunderstood:
//   - One that changes what the others mean is refused with a *[PipelineError]: login, STARTTLS, COMPRESS,
//     ENABLE, SELECT, CLOSE, LOGOUT and their kin, and Wait. Nothing is sent.
//   - So is one with sequence numbers, unless only FETCH, STORE and SEARCH by sequence number were sent
//     before: any other command lets the server renumber the messages.
//   - One with a literal that the server must ask for, and [Conn.FetchBodies], are sent when all others
//     are answered, and alone.
//   - Of those whose answers do not say to which command they belong, such as LIST and SORT, one is
//     under way at a time.
//
// That calls do not change each other's result is for the caller to see to: a FETCH that sets \Seen, and a
// SEARCH for unseen messages.
//
// Every call is made once, whatever becomes of the others. Pipeline returns their errors, joined. If the
// connection breaks or ctx ends, that is the error, and commands that are not finished fail with it, those
// of later calls without being sent. After the end of ctx the connection stays usable, as
// [Conn.Fetch] has it: the late answers are read before the next command.
func (c *Conn) Pipeline(ctx context.Context, calls ...func(context.Context, *Conn) error) error {
	if c.call != nil {
		return notSent(&PipelineError{Command: "Pipeline", Reason: "is one itself"})
	}
	if err := c.need(StateAuthenticated); err != nil {
		return err
	}
	if err := c.begin(ctx); err != nil {
		return err
	}
	defer c.release()
	defer c.intr.watchOnly(ctx)()
	p := &pipeline{c: c, ctx: ctx, calls: calls, errs: make([]error, len(calls)), bySeq: true, out: newPipeWriter(ctx, c)}
	c.pipe = p
	c.piping.Store(p)
	defer p.end()
	p.run()
	if p.err != nil {
		return p.err
	}
	return p.result()
}

// PipelineError says that a command cannot be part of a pipeline. Nothing was sent.
type PipelineError struct {
	Command string
	Reason  string
}

func (e *PipelineError) Error() string {
	return fmt.Sprintf("%s in a pipeline: %s", e.Command, e.Reason)
}

// callsError is what went wrong in the calls of a pipeline.
type callsError struct {
	error
	done bool // other calls went well
}

func (e *callsError) Unwrap() error { return e.error }

// result joins the errors of the calls.
func (p *pipeline) result() error {
	joined := errors.Join(p.errs...)
	if joined == nil {
		return nil
	}
	return &callsError{joined, slices.Contains(p.errs, nil)}
}

// ErrInPipeline says that a [Conn.Pipeline] holds the connection, and that one of its calls has not gone on
// for Options.CommandTimeout: most likely it uses the outer Conn instead of its own. Nothing was sent.
var ErrInPipeline = errors.New("a pipeline holds the connection: its calls must use the Conn that they are given")

// errCallOver is what a call gets that goes on after its pipeline has ended.
var errCallOver = errors.New("the pipeline is over")

// pipeline is a running [Conn.Pipeline]. Its calls are coroutines: either it runs, or one of them.
type pipeline struct {
	c     *Conn
	ctx   context.Context
	calls []func(context.Context, *Conn) error
	errs  []error // of the calls
	begun int     // calls
	under []*call // begun and not returned
	queue []*call // whose command waits to be sent
	bySeq bool    // so far nothing was sent that lets the server renumber messages
	size  int     // bytes of the commands in Conn.pending
	out   *pipeWriter
	alone bool  // the call that runs drives the connection by itself
	err   error // why nothing more is sent

	heard   *command     // took the last response
	resumed atomic.Int64 // when the call that runs now was resumed, in Unix nanoseconds; 0: none does
}

// call is one of the calls of a pipeline.
type call struct {
	pipe  *pipeline
	index int
	next  func() (struct{}, bool) // runs the call until it waits or returns
	stop  func()
	yield func(struct{}) bool

	want  *command // to be sent
	segs  []imapwire.Segment
	size  int
	alone bool // the call drives the connection by itself
	over  bool
}

// mayDrive returns an error unless the call is running.
func (k *call) mayDrive() error {
	if k.over {
		return notSent(errCallOver)
	}
	return nil
}

// acquireAfter is acquire while a pipeline holds the connection. It gives up when a call of the pipeline
// has blocked for so long that it is likely to wait for this very acquire.
func (c *Conn) acquireAfter(ctx context.Context, p *pipeline) error {
	tick := time.NewTicker(c.opts.CommandTimeout)
	defer tick.Stop()
	mine := c.drive.wait()
	var err error
	for err == nil {
		select {
		case <-mine:
			return nil
		case <-tick.C:
			if at := p.resumed.Load(); at != 0 && time.Since(time.Unix(0, at)) >= c.opts.CommandTimeout {
				err = ErrInPipeline
			}
		case <-ctx.Done():
			err = context.Cause(ctx)
		case <-c.Done():
			err = c.Err()
		}
	}
	c.drive.leave(mine)
	return notSent(err)
}

// streamOf finds the writer for a long content. In a pipeline there is one only for a call that is alone.
func (c *Conn) streamOf(head []byte, size int64) io.Writer {
	if c.pipe != nil && !c.pipe.alone {
		return nil
	}
	return c.stream(head, size)
}

// run makes all calls. It is over when all have returned and all that was to be sent is written.
func (p *pipeline) run() {
	for {
		for p.send() || p.beginNext() {
		}
		if len(p.under) == 0 && p.begun == len(p.calls) && (p.err != nil || p.out.idle() || p.settled()) {
			return
		}
		p.read()
	}
}

// settled reports whether nothing is under way, neither to be written nor to be read. What is answered was
// written, though the writer may not know it yet.
func (p *pipeline) settled() bool { return len(p.c.pending) == 0 && p.out.settle() }

// end is run also when a call panics.
func (p *pipeline) end() {
	for _, k := range p.under {
		k.over = true
		k.stop()
	}
	// Nobody reads any more, so a server that waits for that must not hold up the rest of a command for long.
	stuck := time.AfterFunc(time.Second, func() { p.c.fail(errCallOver) })
	p.halt()
	p.out.end()
	stuck.Stop()
	p.c.pipe = nil
	p.c.piping.Store(nil)
}

// beginNext begins a call if none waits to be sent, and reports whether it did.
func (p *pipeline) beginNext() bool {
	full := len(p.queue) > 0 || len(p.under) >= maxCalls || len(p.c.pending) >= maxCalls
	if p.begun == len(p.calls) || full && p.err == nil {
		return false
	}
	k := &call{pipe: p, index: p.begun}
	do := p.calls[k.index]
	p.begun++
	k.next, k.stop = iter.Pull(func(yield func(struct{}) bool) {
		k.yield = yield
		p.errs[k.index] = do(p.ctx, &Conn{core: p.c.core, call: k})
	})
	p.under = append(p.under, k)
	p.resume(k)
	return true
}

// resume runs a call until it waits again or returns.
func (p *pipeline) resume(k *call) {
	p.resumed.Store(time.Now().UnixNano())
	p.alone = k.alone
	_, more := k.next()
	p.alone = false
	p.resumed.Store(0)
	if !more {
		k.over = true
		p.under = slices.DeleteFunc(p.under, func(o *call) bool { return o == k })
	}
}

// send sends the command that has waited longest, if it may be sent now, and reports whether it did.
func (p *pipeline) send() bool {
	if len(p.queue) == 0 {
		return false
	}
	k := p.queue[0]
	switch {
	case p.err != nil: // the call finds out
	case !p.maySend(k):
		return false
	case k.alone:
		p.bySeq = p.bySeq && isBySeq(k.want.name)
	default:
		p.bySeq = p.bySeq && isBySeq(k.want.name)
		k.want.piped, k.want.size = k, k.size
		p.size += k.size
		p.c.pending = append(p.c.pending, k.want)
		for _, seg := range k.segs {
			p.c.opts.Trace.client(seg)
		}
		p.out.put(pipeItem{k.want, k.segs})
	}
	p.queue = p.queue[1:]
	k.segs = nil
	p.resume(k)
	return true
}

// maySend reports whether the command of k can be sent now.
func (p *pipeline) maySend(k *call) bool {
	pending := p.c.pending
	switch {
	case len(pending) == 0:
		return p.settled()
	case k.alone, len(pending) >= maxCalls, p.size+k.size > maxPipedSize:
		return false
	}
	return !k.want.ambiguous || !slices.ContainsFunc(pending, func(o *command) bool { return o.ambiguous })
}

// read reads one response, and has the call go on whose command it belongs to.
func (p *pipeline) read() {
	p.heard = nil
	if err := p.step(); err != nil {
		p.fail(err)
		return
	}
	cmd := p.heard
	if cmd == nil {
		return
	}
	if cmd.done {
		p.size -= cmd.size
	}
	if k := cmd.piped; k != nil && !k.over && k.want == cmd {
		p.resume(k)
	}
}

// step reads one response. A write that failed interrupts it.
func (p *pipeline) step() error {
	c := p.c
	c.reader.by, c.reader.silence = time.Time{}, c.opts.CommandTimeout
	err := c.read()
	if broken := p.out.failure(); broken != nil && c.Err() == nil {
		return c.writeFailed(p.ctx, "pipeline", broken)
	}
	return c.stepFailed(p.ctx, "pipeline", c.opts.CommandTimeout, err)
}

// fail ends all commands that are under way with err.
func (p *pipeline) fail(err error) {
	p.err = err
	p.halt()
	if broken := p.out.failure(); broken != nil && p.c.Err() == nil {
		p.err = p.c.writeFailed(p.ctx, "pipeline", broken)
	}
	for _, k := range slices.Clone(p.under) {
		if !slices.Contains(p.queue, k) {
			p.resume(k)
		}
	}
}

// halt stops the writing, and forgets the commands that were not written.
func (p *pipeline) halt() {
	for _, cmd := range p.out.halt() {
		cmd.dropped = true
		p.c.pending = slices.DeleteFunc(p.c.pending, func(o *command) bool { return o == cmd })
	}
}

// wait lets other calls run until something was heard for the command of this one.
func (k *call) wait() error {
	if k.over || k.pipe.err == nil && !k.yield(struct{}{}) {
		return errCallOver
	}
	err := k.pipe.err
	switch {
	case k.want.done: // perhaps it was the last thing that the server said
		return nil
	case err != nil && k.want.dropped:
		return notSent(err)
	}
	return err
}

// send waits until a command may be sent, and leaves it to the pipeline to write it. It reports that the
// call has to write it by itself, being alone on the connection.
func (k *call) send(cmd *command, enc *imapwire.Command, segs []imapwire.Segment, streams bool) (alone bool, err error) {
	if k.over {
		return false, notSent(errCallOver)
	}
	if err := k.pipe.refuses(enc); err != nil {
		return false, notSent(err)
	}
	k.want, k.segs, k.size, k.alone = cmd, segs, enc.Len(), streams
	for _, seg := range segs {
		k.alone = k.alone || seg.Wait
	}
	k.pipe.claim(cmd, enc)
	k.pipe.queue = append(k.pipe.queue, k)
	if !k.yield(struct{}{}) {
		return false, notSent(errCallOver)
	}
	if err := k.pipe.err; err != nil {
		return false, notSent(err)
	}
	return k.alone, nil
}

// refuses says why a command must not be sent at all.
func (p *pipeline) refuses(enc *imapwire.Command) error {
	name := enc.Name()
	switch {
	case paces[name] == paceNever:
		return &PipelineError{name, notPiped}
	case enc.UsesSeqNums() && !p.bySeq:
		return &PipelineError{name, "the messages may have been renumbered since the pipeline began: use UIDs"}
	}
	return nil
}

const notPiped = "it changes what the other commands mean: send it before or after"

// refuse is the error of a method that cannot be part of a pipeline.
func (k *call) refuse(name string) error { return notSent(&PipelineError{name, notPiped}) }

// claim finds out which answers belong to a command when others are under way, too.
func (p *pipeline) claim(cmd *command, enc *imapwire.Command) {
	name := enc.Name()
	cmd.ambiguous = paces[name] != paceTogether && (name != "UID SEARCH" || !p.c.Capabilities().Has(imap.CapESearch))
	take := cmd.take
	if take == nil || name != "UID FETCH" && name != "FETCH" {
		return
	}
	switch set := enc.NumSet().(type) {
	case imap.UIDSet:
		cmd.ambiguous = set.Dynamic() // "5:*" includes the last message, whatever its UID
		cmd.take = func(r imap.Response) bool {
			m, ok := r.(*imap.Message)
			return (!ok || m.UID == 0 || set.Dynamic() || set.Contains(m.UID)) && take(r)
		}
	case imap.SeqSet:
		cmd.ambiguous = set.Dynamic()
		cmd.take = func(r imap.Response) bool {
			m, ok := r.(*imap.Message)
			return (!ok || set.Dynamic() || set.Contains(m.SeqNum)) && take(r)
		}
	default:
		cmd.ambiguous = true
	}
}

// pace says what a command goes together with.
type pace uint8

const (
	paceOne      pace = iota // its answers do not say whose they are: one of its kind at a time
	paceTogether             // its answers say whose they are, or there are none
	paceNever                // it changes the meaning of others
)

var paces = map[string]pace{
	"LOGIN": paceNever, "AUTHENTICATE": paceNever, "STARTTLS": paceNever, "COMPRESS": paceNever, "UNAUTHENTICATE": paceNever,
	"LOGOUT": paceNever, "ENABLE": paceNever, "SELECT": paceNever, "EXAMINE": paceNever, "CLOSE": paceNever,
	"UNSELECT": paceNever, "IDLE": paceNever, "NOTIFY": paceNever, "LANGUAGE": paceNever, "COMPARATOR": paceNever,

	"FETCH": paceTogether, "UID FETCH": paceTogether, "STORE": paceTogether, "UID STORE": paceTogether,
	"COPY": paceTogether, "UID COPY": paceTogether, "EXPUNGE": paceTogether, "UID EXPUNGE": paceTogether,
	"APPEND": paceTogether, "NOOP": paceTogether, "CHECK": paceTogether, "STATUS": paceTogether,
	"CREATE": paceTogether, "DELETE": paceTogether, "RENAME": paceTogether, "SUBSCRIBE": paceTogether, "UNSUBSCRIBE": paceTogether,
	"GETQUOTA": paceTogether, "SETQUOTA": paceTogether, "GETACL": paceTogether, "SETACL": paceTogether, "DELETEACL": paceTogether,
	"MYRIGHTS": paceTogether, "LISTRIGHTS": paceTogether, "GETMETADATA": paceTogether, "SETMETADATA": paceTogether,
}

// isBySeq reports whether the server must not renumber messages while it answers the command (RFC 9051
// section 5.5).
func isBySeq(name string) bool { return name == "FETCH" || name == "STORE" || name == "SEARCH" }
