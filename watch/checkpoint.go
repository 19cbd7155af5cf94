package watch

import (
	"context"
	"fmt"
	"time"

	"github.com/pushmail/pushmail/mailbox"
)

// Saving each event would cost a write to disk each; not saving costs events that are reported twice
// after a crash. A checkpoint is saved whenever nothing is left to report, and in between after so
// many events or so much time.
const (
	saveEvery = 256
	saveAfter = time.Second
)

// load reads the checkpoint. One that cannot be read is an error: to go on without it would lose what
// happened since.
func (w *watcher) load(ctx context.Context) error {
	b, err := w.o.Store.Load(ctx, w.o.key())
	if err != nil {
		return w.checkpointError(fmt.Errorf("cannot be read: %w", err))
	}
	w.savedAt = time.Now()
	if b == nil {
		return nil
	}
	var s mailbox.State
	if err := s.UnmarshalBinary(b); err != nil {
		return w.checkpointError(fmt.Errorf("%w; to start anew from now, without what happened since, move it away", err))
	}
	w.stored = &s
	return nil
}

func (w *watcher) checkpointError(err error) error {
	e := &CheckpointError{Key: w.o.key(), Err: err}
	if s, ok := w.o.Store.(interface{ Path(Key) string }); ok {
		e.Path = s.Path(e.Key)
	}
	return e
}

// saveSometimes saves while events are still flowing.
func (w *watcher) saveSometimes(ctx context.Context) {
	if w.unsaved >= saveEvery || w.unsaved > 0 && time.Since(w.savedAt) >= saveAfter {
		w.save(ctx)
	}
}

// save stores the acknowledged state. A failure loses nothing but the memory of what was
// acknowledged: it is logged, and tried again with the next event.
func (w *watcher) save(ctx context.Context) {
	if w.ledger == nil || w.unsaidReset || w.unsaved == 0 && w.saveFails == 0 {
		return
	}
	w.savedAt = time.Now()
	b, err := w.ledger.State().MarshalBinary()
	if err == nil {
		err = w.o.Store.Save(context.WithoutCancel(ctx), w.o.key(), b)
	}
	if err != nil {
		w.saveFails++
		if w.saveFails&(w.saveFails-1) == 0 { // 1, 2, 4, 8 …: a full disk must not fill the log
			w.o.Logger.Error("checkpoint not saved: after a crash, events since the last one that was saved are reported again",
				"account", w.o.Account, "mailbox", w.o.Mailbox, "err", err, "failures", w.saveFails)
		}
		return
	}
	if w.saveFails > 0 {
		w.o.Logger.Info("checkpoint saved again", "account", w.o.Account, "mailbox", w.o.Mailbox)
	}
	w.unsaved, w.saveFails = 0, 0
}
