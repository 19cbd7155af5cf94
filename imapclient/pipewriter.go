package imapclient

import (
	"bytes"
	"context"
	"sync"

	"github.com/pushmail/pushmail/imapwire"
)

// pipeWriter writes the commands of a pipeline while the pipeline reads: a server whose answers are not
// read would stop to read commands, and both sides would wait for each other for good. Its goroutine lives
// as long as the pipeline.
type pipeWriter struct {
	c   *Conn
	ctx context.Context
	end func()

	mu    sync.Mutex // guards what follows
	wake  sync.Cond
	items []pipeItem
	busy  bool
	over  bool
	err   error
}

// pipeItem is a command to be written.
type pipeItem struct {
	cmd  *command
	segs []imapwire.Segment
}

func newPipeWriter(ctx context.Context, c *Conn) *pipeWriter {
	w := &pipeWriter{c: c, ctx: ctx}
	w.wake.L = &w.mu
	var wg sync.WaitGroup
	wg.Go(w.run)
	w.end = func() {
		w.halt()
		wg.Wait()
	}
	return w
}

func (w *pipeWriter) put(item pipeItem) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.items = append(w.items, item)
	w.wake.Broadcast()
}

// idle reports whether all was written.
func (w *pipeWriter) idle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.busy && len(w.items) == 0 && w.err == nil
}

// settle waits for the write that is under way, if any, and reports whether all was written.
func (w *pipeWriter) settle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.busy {
		w.wake.Wait()
	}
	return len(w.items) == 0 && w.err == nil
}

// failure returns the error of a write, of which nobody knows how much was written.
func (w *pipeWriter) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// halt has nothing more be written, waits for the write that is under way, and returns the commands of
// which nothing was.
func (w *pipeWriter) halt() (unsent []*command) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	w.wake.Broadcast()
	for w.busy {
		w.wake.Wait()
	}
	for _, item := range w.items {
		unsent = append(unsent, item.cmd)
	}
	w.items = nil
	return unsent
}

func (w *pipeWriter) run() {
	for {
		batch := w.take()
		if batch == nil {
			return
		}
		err := w.write(batch)
		w.mu.Lock()
		w.busy, w.err = false, err
		w.wake.Broadcast()
		w.mu.Unlock()
		if err != nil {
			w.c.intr.interrupt() // the pipeline is reading
			return
		}
	}
}

// take waits for commands, and returns all there are, or nil when it is over. When ctx has ended nothing
// more is begun, so that the connection stays whole.
func (w *pipeWriter) take() []pipeItem {
	w.mu.Lock()
	defer w.mu.Unlock()
	for !w.over && len(w.items) == 0 {
		w.wake.Wait()
	}
	if w.over || w.ctx.Err() != nil {
		return nil
	}
	batch := w.items
	w.items, w.busy = nil, true
	return batch
}

// write writes commands, as many as are there at once.
func (w *pipeWriter) write(batch []pipeItem) error {
	var buf bytes.Buffer
	flush := func() error {
		defer buf.Reset()
		if buf.Len() == 0 {
			return nil
		}
		return w.c.writeBytes(buf.Bytes())
	}
	for _, item := range batch {
		for _, seg := range item.segs {
			buf.Write(seg.Data)
			if seg.Body == nil {
				continue
			}
			if err := flush(); err != nil {
				return err
			}
			seg.Data = nil
			if err := w.c.write(seg); err != nil {
				return err
			}
		}
	}
	return flush()
}
