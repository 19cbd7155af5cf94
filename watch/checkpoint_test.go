package watch_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/mailbox"
	"github.com/pushmail/pushmail/watch"
)

// fullDisk is a Store that cannot save while full is set.
type fullDisk struct {
	watch.Store
	mu    sync.Mutex
	full  bool
	tries int
}

func (s *fullDisk) Save(ctx context.Context, key watch.Key, checkpoint []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tries++; s.full {
		return errors.New("no space left on device")
	}
	return s.Store.Save(ctx, key, checkpoint)
}

func (s *fullDisk) set(full bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.full = full
}

func TestFullDiskLosesNoEvent(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		disk := &fullDisk{Store: &watch.MemoryStore{}}
		b.opts.Store = disk
		b.start()
		b.expect("open 0 initial idle")
		disk.set(true)
		for i := range 20 {
			b.box.Append(mail(fmt.Sprint("m", i+1)))
			b.expect(fmt.Sprintf("new %d m%d", i+1, i+1))
		}
		if n := strings.Count(b.trace.String(), "no space left"); n == 0 || n > 7 {
			t.Errorf("the full disk was logged %d times", n)
		}
		// A crash now: what was not saved is reported again.
		b.stop()
		b.start()
		if got := b.take(); len(got) != 21 || line(got[20]) != "new 20 m20" {
			t.Errorf("after a crash with a full disk: %d events", len(got))
		}
		disk.set(false)
		b.box.Append(mail("m21"))
		b.expect("new 21 m21")
		b.stop()
		b.start()
		b.expect("open 21 qresync idle")
	})
}

func TestCheckpointThatCannotBeReadIsLeftAlone(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func([]byte) []byte
		is   func(error) bool
	}{
		{"truncated", func(b []byte) []byte { return b[:len(b)/2] }, func(err error) bool { return errors.As(err, new(*mailbox.CorruptError)) }},
		{"one bit off", func(b []byte) []byte { b[len(b)/2] ^= 1; return b }, func(err error) bool { return errors.As(err, new(*mailbox.CorruptError)) }},
		{"something else", func([]byte) []byte { return []byte("{}") }, func(err error) bool { return errors.As(err, new(*mailbox.CorruptError)) }},
		{"empty", func([]byte) []byte { return []byte{} }, func(err error) bool { return errors.As(err, new(*mailbox.CorruptError)) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			inBubble(t, nil, func(b *bench) {
				store := watch.FileStore{Dir: dir}
				b.opts.Store = store
				b.box.Append(mail("one"))
				b.start()
				b.stop()
				files, err := filepath.Glob(filepath.Join(dir, "*.checkpoint"))
				if err != nil || len(files) != 1 {
					t.Fatalf("files %v (%v)", files, err)
				}
				good, err := os.ReadFile(files[0])
				if err != nil {
					t.Fatal(err)
				}
				bad := tt.edit(good)
				if err := os.WriteFile(files[0], bad, 0o600); err != nil {
					t.Fatal(err)
				}
				b.take()
				b.start()
				err = b.stop()
				var cp *watch.CheckpointError
				if !errors.As(err, &cp) || !tt.is(err) || cp.Path != files[0] || !strings.Contains(err.Error(), "move it away") {
					t.Errorf("error %v", err)
				}
				if now, err := os.ReadFile(files[0]); err != nil || string(now) != string(bad) {
					t.Errorf("the file was touched (%v)", err)
				}
				b.expect()
			})
		})
	}
}

func TestFileStoreKeepsMailboxesApart(t *testing.T) {
	s := watch.FileStore{Dir: filepath.Join(t.TempDir(), "made", "when needed")}
	keys := []watch.Key{
		{Account: "jo", Mailbox: "INBOX"},
		{Account: "jo", Mailbox: "inbox"},
		{Account: "jo", Mailbox: "../../etc/passwd"},
		{Account: "jo", Mailbox: ""},
		{Account: "", Mailbox: "INBOX"},
		{Account: "jo/INBOX", Mailbox: ""},
		{Account: "jo", Mailbox: strings.Repeat("long", 200)},
		{Account: "jo", Mailbox: strings.Repeat("long", 200) + "er"},
		{Account: "jo", Mailbox: "INBOX", Kind: watch.SeenMessages},
		{Account: "jö", Mailbox: "Entwürfe"},
		{Account: "a_b", Mailbox: "c"},
		{Account: "a", Mailbox: "b_c"},
	}
	for i, k := range keys {
		if err := s.Save(t.Context(), k, []byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
		if dir := filepath.Dir(s.Path(k)); dir != s.Dir {
			t.Errorf("%v is kept in %s", k, dir)
		}
	}
	for i, k := range keys {
		if got, err := s.Load(t.Context(), k); err != nil || len(got) != 1 || got[0] != byte(i) {
			t.Errorf("%v: %v (%v), want [%d]", k, got, err, i)
		}
	}
	if got, err := s.Load(t.Context(), watch.Key{Account: "nobody", Mailbox: "INBOX"}); got != nil || err != nil {
		t.Errorf("nothing saved: %v (%v)", got, err)
	}
	entries, err := os.ReadDir(s.Dir)
	if err != nil || len(entries) != len(keys) {
		t.Errorf("%d files for %d checkpoints (%v)", len(entries), len(keys), err)
	}
}

// A checkpoint that the server contradicts, since it was restored from a backup, is not trusted.
func TestServerThatWentBackIsComparedFully(t *testing.T) {
	for _, rung := range rungs[:3] {
		t.Run(rung.method, func(t *testing.T) {
			inBubble(t, &imaptest.ServerOptions{Without: rung.without}, func(b *bench) {
				for i := range 5 {
					b.box.Append(mail(fmt.Sprint("m", i+1)))
				}
				b.start()
				b.stop()
				b.take()
				// Another server with the same UIDVALIDITY that knows less.
				b.server.Close()
				b.server = imaptest.NewServer(&imaptest.ServerOptions{Without: rung.without})
				b.box = b.server.AddUser("jo", "secret").Mailbox("INBOX")
				b.box.Append(mail("m1"), imap.FlagSeen)
				b.start()
				b.expect("open 1 uid-diff idle", "expunge 2", "expunge 3", "expunge 4", "expunge 5", `flags 1 [+\Seen]`)
			})
		})
	}
}
