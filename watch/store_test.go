package watch_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/pushmail/pushmail/watch"
)

var errOffline = errors.New("the database is away")

// unreadable is a Store that does not give what is stored under some kind of key, while it is off.
type unreadable struct {
	watch.MemoryStore
	kind  watch.Kind
	mu    sync.Mutex
	off   bool // guarded by mu
	saves int  // guarded by mu
}

// set has it fail or not, and returns how often was written to it since it was set last.
func (s *unreadable) set(off bool) (saves int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	saves, s.off, s.saves = s.saves, off, 0
	return saves
}

func (s *unreadable) Load(ctx context.Context, key watch.Key) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.off && key.Kind == s.kind {
		return nil, errOffline
	}
	return s.MemoryStore.Load(ctx, key)
}

func (s *unreadable) Save(ctx context.Context, key watch.Key, value []byte) error {
	s.mu.Lock()
	s.saves++
	s.mu.Unlock()
	return s.MemoryStore.Save(ctx, key, value)
}

// A Store that does not give the checkpoint is an error, even if one is to keep trying: to begin anew without it would
// lose what happened since, or report all again. Nothing is written to it, and all goes on when it is back.
func TestStoreThatCannotBeReadIsAnError(t *testing.T) {
	for _, tt := range []struct {
		name    string
		kind    watch.Kind
		account bool
	}{
		{"checkpoint of a mailbox", watch.Checkpoint, false},
		{"checkpoint in an account", watch.Checkpoint, true},
		{"names of mailboxes", watch.MailboxNames, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, nil, func(b *bench) {
				store := &unreadable{kind: tt.kind}
				b.opts.Store, b.opts.KeepTrying = store, true
				if tt.account {
					b.account = &watch.AccountOptions{}
					b.user.Mailbox("Work").Append(mail("old"))
				}
				b.box.Append(mail("one"))
				b.start()
				_ = b.stop()
				b.take()
				b.box.Append(mail("two"))
				store.set(true)
				b.start()
				b.wait(time.Hour)
				for _, ev := range b.take() {
					t.Errorf("an event without a checkpoint: %s", line(ev))
				}
				err := b.stop()
				var cp *watch.CheckpointError
				if !errors.As(err, &cp) || !errors.Is(err, errOffline) || cp.Key.Kind != tt.kind || cp.Key.Account != "mail.example.org" {
					t.Errorf("error %v", err)
				}
				if n := store.set(false); n > 0 {
					t.Errorf("%d values were written", n)
				}
				b.err = nil
				b.start()
				b.wait(time.Minute)
				var told []string
				for _, ev := range b.take() {
					if ev.Type != watch.MailboxOpen {
						told = append(told, line(ev))
					}
				}
				if len(told) != 1 || told[0] != "new 2 two" {
					t.Errorf("when it is back: %q", told)
				}
			})
		})
	}
}

// Summaries of messages seen are done without.
func TestSummariesThatCannotBeReadAreDoneWithout(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		store := &unreadable{kind: watch.SeenMessages}
		b.opts.Store = store
		b.start()
		b.box.Append(mail("one"))
		b.take()
		_ = b.stop()
		b.box.Expunge(1)
		store.set(true)
		b.err = nil
		b.start()
		b.expect("open 0 qresync idle", "expunge 1")
	})
}

// In a Manager an account whose checkpoint cannot be read is told as failed, and harms no other.
func TestManagerTellsOfAStoreThatCannotBeRead(t *testing.T) {
	var mu sync.Mutex
	failed := map[string]error{}
	fail := func(account string, err error) {
		mu.Lock()
		defer mu.Unlock()
		failed[account] = err
	}
	store := &unreadable{off: true}
	inManager(t, watch.ManagerOptions{Failed: fail}, func(b *managed) {
		b.server.AddUser("bad", "secret")
		o := watch.AccountOptions{Options: b.opts}
		o.Account, o.Mailbox, o.Store, o.Login = "bad", "INBOX", store, loginAs("bad")
		if err := b.m.Add(o); err != nil {
			t.Fatal(err)
		}
		b.add("good", "INBOX").Mailbox("INBOX").Append(mail("one"))
		b.wait(time.Minute)
		mu.Lock()
		defer mu.Unlock()
		if err := failed["bad"]; !errors.Is(err, errOffline) || len(failed) != 1 {
			t.Errorf("failed: %v", failed)
		}
		for _, st := range b.m.Status() {
			if (st.Account == "bad") != (st.Err != nil) {
				t.Errorf("status %+v", st)
			}
		}
	})
}
