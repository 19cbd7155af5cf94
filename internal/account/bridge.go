package account

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pushmail/pushmail/internal/journal"
	"github.com/pushmail/pushmail/watch"
)

// Journal is what this package needs of a [journal.Journal].
type Journal interface {
	watch.Store
	Append(ctx context.Context, key watch.Key, events []journal.Record, checkpoint []byte) error
}

// What may wait in memory for its checkpoint. Package watch saves at least every 256 events and second; this is for
// events that are big, and for many mailboxes at the same time.
const (
	maxBuffered    = 1 << 20  // bytes of one mailbox
	maxBufferedAll = 64 << 20 // bytes of all
)

// latest is how long an event waits for its checkpoint. Then it goes alone: a server may take its time for the next
// message, and package watch saves when nothing more is to be reported.
const latest = time.Second

// namesLatest is the same for what becomes of mailboxes. The list of names is saved right after it, and it is better written
// with that: reported again, it would have another id.
const namesLatest = time.Minute

// maxRetry is the longest pause between two attempts to write what could not be written.
const maxRetry = 30 * time.Second

// bridge brings the events that a Manager reports and the checkpoints that it saves into the journal together. An event is
// kept in memory, and acknowledged, until its checkpoint comes. That loses nothing: a crash loses both, and the event is
// reported again, with the same id.
//
// While the journal fails, events are not acknowledged, but for those that wait already.
type bridge struct {
	life     context.Context // of what is written on timers
	j        Journal
	log      *slog.Logger
	recorded func(journal.Record)

	failing atomic.Bool  // the last write failed
	bytes   atomic.Int64 // in all buffers

	mu      sync.Mutex
	buffers map[watch.Key]*buffer // guarded by mu: those that are not empty, or in use
	closed  bool                  // guarded by mu: nothing is taken any more
	timers  sync.WaitGroup        // flushes on timers
}

// buffer is what waits for one checkpoint.
type buffer struct {
	key     watch.Key
	writing chan struct{} // 1 while nobody writes what is in it
	users   int           // guarded by bridge.mu

	mu         sync.Mutex
	events     []journal.Record // guarded by mu
	bytes      int64            // guarded by mu: of events
	checkpoint []byte           // guarded by mu: one that could not be written; it covers events
	failures   int              // guarded by mu: in a row
	timer      *time.Timer      // guarded by mu
	gone       bool             // guarded by mu: what is in it is not to be written any more
}

func newBridge(life context.Context, j Journal, log *slog.Logger, recorded func(journal.Record)) *bridge {
	return &bridge{life: life, j: j, log: log, recorded: recorded, buffers: map[watch.Key]*buffer{}}
}

// keyOf is the checkpoint that covers an event, and whether there is one.
func keyOf(ev *watch.Event) (key watch.Key, covered bool) {
	switch ev.Type {
	case watch.MailboxName:
		return watch.Key{Account: ev.Account, Kind: watch.MailboxNames}, true
	case watch.MailboxOpen, watch.Link:
		return watch.Key{Account: ev.Account, Mailbox: ev.Mailbox}, false
	}
	return watch.Key{Account: ev.Account, Mailbox: ev.Mailbox}, true
}

// handle takes an event; it is a Handler of a Manager. An error means that it was not taken.
func (b *bridge) handle(ctx context.Context, ev watch.Event) error {
	r, err := journal.NewRecord(ev.Account, ev.Mailbox, ev.CloudEvent())
	if err != nil {
		return err
	}
	key, covered := keyOf(&ev)
	buf, err := b.use(key)
	if err != nil {
		return err
	}
	defer b.release(buf)
	if !covered || b.failing.Load() || b.bytes.Load() >= maxBufferedAll {
		return b.flush(ctx, buf, nil, r)
	}
	b.bytes.Add(size(&r))
	if buf.put(r) >= maxBuffered {
		_ = b.flush(ctx, buf, nil) // it is taken, and tried again
		return nil
	}
	pause := latest
	if ev.Type == watch.MailboxName {
		pause = namesLatest
	}
	b.later(buf, pause)
	return nil
}

// Save implements [watch.Store]: it writes a checkpoint together with the events that it covers.
func (b *bridge) Save(ctx context.Context, key watch.Key, value []byte) error {
	if key.Kind == watch.SeenMessages {
		return b.j.Save(ctx, key, value)
	}
	buf, err := b.use(key)
	if err != nil {
		return err
	}
	defer b.release(buf)
	return b.flush(ctx, buf, value)
}

// Load implements [watch.Store]. What could not be written before is written first: a checkpoint is not the last one
// until then.
func (b *bridge) Load(ctx context.Context, key watch.Key) ([]byte, error) {
	b.mu.Lock()
	pending := b.buffers[key] != nil
	b.mu.Unlock()
	if pending {
		buf, err := b.use(key)
		if err != nil {
			return nil, err
		}
		defer b.release(buf)
		if err := b.flush(ctx, buf, nil); err != nil {
			return nil, err
		}
	}
	return b.j.Load(ctx, key)
}

// use returns the buffer of a key, which is there until release. After close there is none: what was dropped then must not be covered
// by a checkpoint that comes late.
func (b *bridge) use(key watch.Key) (*buffer, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, ErrClosed
	}
	buf := b.buffers[key]
	if buf == nil {
		buf = &buffer{key: key, writing: make(chan struct{}, 1)}
		b.buffers[key] = buf
	}
	buf.users++
	return buf, nil
}

// release forgets a buffer that is empty: a mailbox at rest costs nothing here.
func (b *bridge) release(buf *buffer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if buf.users--; buf.users == 0 && buf.empty() && b.buffers[buf.key] == buf {
		delete(b.buffers, buf.key)
	}
}

func size(r *journal.Record) int64 { return int64(len(r.JSON)) + 300 }

// put adds an event and returns how many bytes wait.
func (buf *buffer) put(r journal.Record) int64 {
	buf.mu.Lock()
	defer buf.mu.Unlock()
	buf.events = append(buf.events, r)
	buf.bytes += size(&r)
	return buf.bytes
}

// errGone says that the account was removed.
var errGone = errors.New("account: it was removed")

func (buf *buffer) isGone() bool {
	buf.mu.Lock()
	defer buf.mu.Unlock()
	return buf.gone
}

func (buf *buffer) empty() bool {
	buf.mu.Lock()
	defer buf.mu.Unlock()
	return len(buf.events) == 0 && buf.checkpoint == nil
}

// flush writes what waits, together with a checkpoint that covers it, if there is one, and with more events. After an
// error the events that waited and the checkpoint are kept, and tried again; those in more are not.
func (b *bridge) flush(ctx context.Context, buf *buffer, checkpoint []byte, more ...journal.Record) error {
	select {
	case buf.writing <- struct{}{}:
		defer func() { <-buf.writing }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	key, events, checkpoint, n := buf.take(checkpoint)
	if buf.isGone() {
		return errGone
	}
	if len(events)+len(more) == 0 && checkpoint == nil {
		return nil
	}
	events = slices.Concat(events, more)
	err := b.j.Append(ctx, key, events, checkpoint)
	if err == nil || context.Cause(ctx) == nil {
		b.failing.Store(err != nil)
	}
	if err != nil {
		b.keep(buf, err)
		return err
	}
	b.bytes.Add(-buf.written(n))
	for i := range events {
		b.recorded(events[i])
	}
	return nil
}

// take returns what is to be written, and how many events of that wait. The checkpoint becomes part of what waits.
func (buf *buffer) take(checkpoint []byte) (watch.Key, []journal.Record, []byte, int) {
	buf.mu.Lock()
	defer buf.mu.Unlock()
	if checkpoint != nil {
		buf.checkpoint = checkpoint
	}
	key := buf.key
	if len(buf.events) == 0 && buf.checkpoint == nil {
		key = watch.Key{} // what comes besides has no checkpoint
	}
	return key, slices.Clone(buf.events), buf.checkpoint, len(buf.events)
}

// written removes the first events, and the checkpoint, and returns how many bytes they were.
func (buf *buffer) written(n int) (bytes int64) {
	buf.mu.Lock()
	defer buf.mu.Unlock()
	n = min(n, len(buf.events)) // drop, which could not wait, may have removed them
	for i := range n {
		bytes += size(&buf.events[i])
	}
	buf.events = slices.Delete(buf.events, 0, n)
	buf.bytes -= bytes
	buf.checkpoint, buf.failures = nil, 0
	if buf.timer != nil && len(buf.events) == 0 {
		buf.timer.Stop()
		buf.timer = nil
	}
	return bytes
}

// keep has what could not be written tried again.
func (b *bridge) keep(buf *buffer, err error) {
	buf.mu.Lock()
	waits := len(buf.events) > 0 || buf.checkpoint != nil
	if waits {
		buf.failures++
	}
	n := buf.failures
	buf.mu.Unlock()
	if waits {
		pause := min(latest<<min(n, 10), maxRetry)
		b.later(buf, pause/2+rand.N(pause/2))
	}
}

// later writes what waits after a pause, unless that is to happen anyway.
func (b *bridge) later(buf *buffer, pause time.Duration) {
	buf.mu.Lock()
	defer buf.mu.Unlock()
	if buf.timer == nil && !buf.gone {
		buf.timer = time.AfterFunc(pause, func() { b.onTimer(buf) })
	}
}

// hurry has what could not be written tried again within a second.
func (b *bridge) hurry() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, buf := range b.buffers {
		buf.mu.Lock()
		if buf.timer != nil && buf.failures > 0 {
			buf.timer.Reset(rand.N(time.Second))
		}
		buf.mu.Unlock()
	}
}

func (b *bridge) onTimer(buf *buffer) {
	b.mu.Lock()
	if b.closed || b.buffers[buf.key] != buf {
		b.mu.Unlock()
		return
	}
	buf.users++
	b.timers.Add(1)
	b.mu.Unlock()
	defer b.timers.Done()
	defer b.release(buf)
	buf.mu.Lock()
	buf.timer = nil
	buf.mu.Unlock()
	_ = b.flush(b.life, buf, nil) // a failure comes back here
}

// forget writes what still waits of an account that was removed. What cannot be written is dropped: no checkpoint covers
// it, so it is reported again when the account is back.
func (b *bridge) forget(ctx context.Context, account string) {
	b.mu.Lock()
	var mine []*buffer
	for key, buf := range b.buffers {
		if key.Account == account {
			buf.users++
			mine = append(mine, buf)
		}
	}
	b.mu.Unlock()
	for _, buf := range mine {
		b.drop(ctx, buf)
	}
}

func (b *bridge) drop(ctx context.Context, buf *buffer) {
	defer b.release(buf)
	if err := b.flush(ctx, buf, nil); err == nil {
		return
	}
	b.mu.Lock()
	if b.buffers[buf.key] == buf {
		delete(b.buffers, buf.key) // the account can be added again at any time
	}
	b.mu.Unlock()
	buf.mu.Lock()
	defer buf.mu.Unlock()
	b.log.Warn("the journal does not take the last events of an account: they are reported again when it is watched again",
		"account", buf.key.Account, "mailbox", buf.key.Mailbox, "events", len(buf.events))
	b.bytes.Add(-buf.bytes)
	buf.events, buf.bytes, buf.checkpoint, buf.gone = nil, 0, nil, true
	if buf.timer != nil {
		buf.timer.Stop()
		buf.timer = nil
	}
}

// close writes what waits and ends the timers.
func (b *bridge) close(ctx context.Context) {
	b.mu.Lock()
	accounts := map[string]bool{}
	for key := range b.buffers {
		accounts[key.Account] = true
	}
	b.closed = true
	b.mu.Unlock()
	for account := range maps.Keys(accounts) {
		b.forget(ctx, account)
	}
	b.timers.Wait()
}
