package watch

import (
	"context"
	"fmt"
	"time"

	"github.com/pushmail/pushmail/mailbox"
)

// Saving each event would cost a write to disk each; not saving costs events that are reported twice
// after a crash. A checkpoint is saved whenever nothing is left to report, and in between after so
// many events or so much time. Besides, foretell saves before a batch.
const (
	saveEvery = 256
	saveAfter = time.Second
)

// load reads the checkpoint, once. One that cannot be read is an error: to go on without it would lose what
// happened since.
func (b *box) load(ctx context.Context) error {
	if b.loaded {
		return nil
	}
	stored, err := b.o.Store.Load(ctx, b.key())
	if err != nil {
		return b.checkpointError(fmt.Errorf("cannot be read: %w", err))
	}
	b.loaded, b.savedAt = true, now()
	if stored == nil {
		return nil
	}
	var s mailbox.State
	if err := s.UnmarshalBinary(stored); err != nil {
		return b.checkpointError(fmt.Errorf("%w; to start anew from now, without what happened since, move it away", err))
	}
	b.stored = &s
	b.loadSeen(ctx)
	return nil
}

func (b *box) checkpointError(err error) error {
	e := &CheckpointError{Key: b.key(), Err: err}
	if s, ok := b.o.Store.(interface{ Path(Key) string }); ok {
		e.Path = s.Path(e.Key)
	}
	return e
}

// saveSometimes saves while events are still flowing.
func (b *box) saveSometimes(ctx context.Context) {
	if b.unsaved >= saveEvery || b.unsaved > 0 && b.savedAt.since() >= saveAfter {
		b.save(ctx)
	}
}

// save stores the acknowledged state. A failure loses nothing but the memory of what was
// acknowledged: it is logged, and tried again with the next event, or when something else is due.
func (b *box) save(ctx context.Context) {
	if b.unsaidReset || b.unsaved == 0 && b.saveFails == 0 {
		return
	}
	known := b.known()
	if known == nil {
		return
	}
	b.savedAt = now()
	state, err := known.MarshalBinary()
	if err == nil {
		err = b.o.Store.Save(context.WithoutCancel(ctx), b.key(), state)
	}
	if err != nil {
		b.saveFails++
		if b.saveFails&(b.saveFails-1) == 0 { // 1, 2, 4, 8 …: a full disk must not fill the log
			b.o.Logger.Error("checkpoint not saved: after a crash, events since the last one that was saved are reported again",
				"account", b.o.Account, "mailbox", b.name, "err", err, "failures", b.saveFails)
		}
		return
	}
	if b.saveFails > 0 {
		b.o.Logger.Info("checkpoint saved again", "account", b.o.Account, "mailbox", b.name)
	}
	b.unsaved, b.saveFails = 0, 0
}
