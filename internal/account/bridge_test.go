package account

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushmail/pushmail/event"
	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/internal/journal"
	"github.com/pushmail/pushmail/watch"
)

// tape is a Journal that notes what is appended.
type tape struct {
	watch.MemoryStore
	mu    sync.Mutex
	lines []string      // guarded by mu
	fail  error         // guarded by mu
	until chan struct{} // guarded by mu: when it goes on; nil at once
}

func (t *tape) Append(ctx context.Context, key watch.Key, events []journal.Record, checkpoint []byte) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if until := t.until; until != nil {
		t.mu.Unlock()
		<-until
		t.mu.Lock()
	}
	if t.fail != nil {
		return t.fail
	}
	line := fmt.Sprintf("%s/%s:", key.Account, key.Mailbox)
	for _, r := range events {
		line += " " + strings.TrimPrefix(r.Type, "mail.")
	}
	if checkpoint != nil {
		line += " = " + string(checkpoint)
	}
	t.lines = append(t.lines, line)
	return t.Save(ctx, key, checkpoint)
}

func (t *tape) setFail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fail = err
}

func (t *tape) expect(tt *testing.T, want ...string) {
	tt.Helper()
	synctest.Wait()
	t.mu.Lock()
	defer t.mu.Unlock()
	if !slices.Equal(t.lines, want) {
		tt.Errorf("written %q, want %q", t.lines, want)
	}
	t.lines = nil
}

func inBridge(t *testing.T, test func(b *bridge, on *tape)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		on := &tape{}
		b := newBridge(bg, on, slog.New(slog.DiscardHandler), func(journal.Record) {})
		test(b, on)
		b.close(context.Background())
		if n := b.bytes.Load(); n != 0 || len(b.buffers) != 0 {
			t.Errorf("%d bytes in %d buffers are left", n, len(b.buffers))
		}
	})
}

func newMail(uid imap.UID) watch.Event {
	return watch.Event{Type: watch.MessageNew, Account: "jo", Host: "h", Mailbox: "INBOX", UIDValidity: 1, UID: uid, Time: time.Now()}
}

func linkDown() watch.Event {
	return watch.Event{Type: watch.Link, Account: "jo", Host: "h", Mailbox: "INBOX", Time: time.Now(), Link: &watch.LinkInfo{}}
}

var (
	bg    = context.Background()
	inbox = watch.Key{Account: "jo", Mailbox: "INBOX"}
)

func TestAnEventDoesNotWaitForLongForItsCheckpoint(t *testing.T) {
	inBridge(t, func(b *bridge, on *tape) {
		for uid := range imap.UID(3) {
			if err := b.handle(bg, newMail(uid+1)); err != nil {
				t.Fatal(err)
			}
		}
		on.expect(t)
		time.Sleep(latest)
		on.expect(t, "jo/INBOX: message.new message.new message.new")
		if err := b.Save(bg, inbox, []byte("3")); err != nil {
			t.Fatal(err)
		}
		on.expect(t, "jo/INBOX: = 3")
		time.Sleep(time.Hour)
		on.expect(t)
	})
}

func TestWhatNoCheckpointCoversIsWrittenAtOnceAfterWhatWaits(t *testing.T) {
	inBridge(t, func(b *bridge, on *tape) {
		if err := b.handle(bg, linkDown()); err != nil {
			t.Fatal(err)
		}
		on.expect(t, "/: link")
		if err := errors.Join(b.handle(bg, newMail(1)), b.handle(bg, linkDown())); err != nil {
			t.Fatal(err)
		}
		on.expect(t, "jo/INBOX: message.new link")
	})
}

func TestJournalThatFails(t *testing.T) {
	inBridge(t, func(b *bridge, on *tape) {
		full := errors.New("full")
		if err := b.handle(bg, newMail(1)); err != nil {
			t.Fatal(err)
		}
		on.setFail(full)
		if err := b.Save(bg, inbox, []byte("1")); !errors.Is(err, full) {
			t.Errorf("Save: %v", err)
		}
		for _, ev := range []watch.Event{newMail(2), linkDown()} {
			if err := b.handle(bg, ev); !errors.Is(err, full) {
				t.Errorf("%v while the journal fails: %v", ev.Type, err)
			}
		}
		if _, err := b.Load(bg, inbox); !errors.Is(err, full) {
			t.Errorf("Load while a checkpoint is not written: %v", err)
		}
		time.Sleep(time.Hour)
		on.expect(t)
		on.setFail(nil)
		time.Sleep(maxRetry)
		// What was acknowledged is written by itself; what was not is not.
		on.expect(t, "jo/INBOX: message.new = 1")
		if v, err := b.Load(bg, inbox); string(v) != "1" || err != nil {
			t.Errorf("Load: %q, %v", v, err)
		}
		if err := b.handle(bg, newMail(2)); err != nil {
			t.Errorf("after that: %v", err)
		}
	})
}

func TestBigEventsDoNotPileUp(t *testing.T) {
	inBridge(t, func(b *bridge, on *tape) {
		ev := newMail(1)
		ev.Message = &event.Summary{Preview: strings.Repeat("x", maxBuffered/4)}
		for range 4 {
			if err := b.handle(bg, ev); err != nil {
				t.Fatal(err)
			}
			ev.UID++
		}
		on.expect(t, "jo/INBOX: message.new message.new message.new message.new")
	})
}

func TestAccountThatIsAddedAgainDoesNotMeetItsOldBuffer(t *testing.T) {
	inBridge(t, func(b *bridge, on *tape) {
		if err := b.handle(bg, newMail(1)); err != nil {
			t.Fatal(err)
		}
		on.setFail(errors.New("full"))
		old, err := b.use(inbox) // somebody still has it
		if err != nil {
			t.Fatal(err)
		}
		b.forget(bg, "jo")
		on.setFail(nil)
		b.failing.Store(false)
		if err := b.handle(bg, newMail(2)); err != nil {
			t.Fatal(err)
		}
		if err := b.flush(bg, old, []byte("old")); !errors.Is(err, errGone) {
			t.Errorf("writing for an account that was removed: %v", err)
		}
		b.release(old)
		if err := b.Save(bg, inbox, []byte("2")); err != nil {
			t.Fatal(err)
		}
		on.expect(t, "jo/INBOX: message.new = 2")
	})
}

// Close does not wait for ever. What it could not write is not in the journal, so no checkpoint that comes late may cover it.
func TestACheckpointThatComesAfterCloseIsNotWritten(t *testing.T) {
	inBridge(t, func(b *bridge, on *tape) {
		if err := b.handle(bg, newMail(1)); err != nil {
			t.Fatal(err)
		}
		on.setFail(errors.New("full"))
		b.close(bg)
		on.setFail(nil)
		if err := b.Save(bg, inbox, []byte("1")); !errors.Is(err, ErrClosed) {
			t.Errorf("a checkpoint after the end: %v", err)
		}
		if err := b.handle(bg, newMail(2)); !errors.Is(err, ErrClosed) {
			t.Errorf("an event after the end: %v", err)
		}
		on.expect(t)
	})
}

func TestCloseThatCannotWaitForAWriteDisturbsNothing(t *testing.T) {
	inBridge(t, func(b *bridge, on *tape) {
		if err := b.handle(bg, newMail(1)); err != nil {
			t.Fatal(err)
		}
		slow := make(chan struct{})
		on.until = slow
		saved := make(chan error)
		go func() { saved <- b.Save(bg, inbox, []byte("1")) }()
		synctest.Wait()
		ended, cancel := context.WithCancel(bg)
		cancel()
		b.close(ended)
		close(slow)
		if err := <-saved; err != nil {
			t.Error(err)
		}
		on.expect(t, "jo/INBOX: message.new = 1")
	})
}

func TestWhatWaitsIsWrittenSoonWhenTheJournalIsBack(t *testing.T) {
	inBridge(t, func(b *bridge, on *tape) {
		if err := b.handle(bg, newMail(1)); err != nil {
			t.Fatal(err)
		}
		on.setFail(errors.New("full"))
		buf, err := b.use(inbox)
		if err != nil {
			t.Fatal(err)
		}
		failures := func() int {
			buf.mu.Lock()
			defer buf.mu.Unlock()
			return buf.failures
		}
		for failures() < 10 { // the next attempt is not made before 14 seconds from here
			time.Sleep(time.Second)
			synctest.Wait()
		}
		b.release(buf)
		on.setFail(nil)
		b.hurry()
		time.Sleep(time.Second)
		on.expect(t, "jo/INBOX: message.new")
	})
}
