package watch

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Key names what is stored.
type Key struct {
	Account, Mailbox string
	Kind             Kind
}

// Kind is what is stored under a [Key].
type Kind string

// The kinds of what is stored. All is lost with a checkpoint; without the others a watcher goes on, and
// knows less.
const (
	// Checkpoint is what is known of a mailbox: its messages, and how far they have been reported.
	Checkpoint Kind = ""
	// SeenMessages are the summaries of messages seen, so that an expunge can tell what is gone.
	SeenMessages Kind = "seen"
	// MailboxNames are the mailboxes of an account, under a Key without Mailbox.
	MailboxNames Kind = "names"
)

// Store keeps checkpoints and what goes with them. Its methods may be called from several goroutines,
// for different keys.
type Store interface {
	// Load returns what was saved last, or nil if nothing was.
	Load(ctx context.Context, key Key) ([]byte, error)
	// Save replaces what was saved. When it returns nil, the checkpoint survives a crash, as far as
	// the Store promises that at all; after an error the old one is still there.
	Save(ctx context.Context, key Key, value []byte) error
}

// MemoryStore is a Store that is gone when the program ends. The zero value is empty.
type MemoryStore struct {
	mu sync.Mutex
	m  map[Key][]byte // guarded by mu
}

// Load implements [Store].
func (s *MemoryStore) Load(_ context.Context, key Key) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.m[key], nil
}

// Save implements [Store].
func (s *MemoryStore) Save(_ context.Context, key Key, checkpoint []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.m == nil {
		s.m = map[Key][]byte{}
	}
	s.m[key] = append([]byte(nil), checkpoint...)
	return nil
}

// FileStore keeps a file for each mailbox in Dir, which is made when it is missing, readable by its
// owner alone. A checkpoint is replaced in one step: a crash or a full disk leaves the old one.
type FileStore struct{ Dir string }

// Path returns the name of the file that holds what is stored under key.
func (s FileStore) Path(key Key) string {
	sum := sha256.Sum256([]byte(key.Account + "\x00" + key.Mailbox))
	name := plainName(key.Account) + "-" + plainName(key.Mailbox) + "-" + hex.EncodeToString(sum[:6])
	return filepath.Join(s.Dir, name+"."+plainName(string(cmp.Or(key.Kind, "checkpoint"))))
}

// plainName keeps what is harmless in a file name, for people who look into the directory.
func plainName(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '_', r == '@':
			return r
		}
		return '_'
	}, text)
	return strings.TrimLeft(text[:min(len(text), 40)], ".")
}

// Load implements [Store].
func (s FileStore) Load(_ context.Context, key Key) ([]byte, error) {
	b, err := os.ReadFile(s.Path(key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

// Save implements [Store].
func (s FileStore) Save(_ context.Context, key Key, checkpoint []byte) (err error) {
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(s.Dir, ".checkpoint-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	if err := writeAndSync(f, checkpoint); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), s.Path(key)); err != nil {
		return err
	}
	return syncDir(s.Dir)
}

func writeAndSync(f *os.File, data []byte) error {
	_, err := f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// syncDir makes a rename in dir survive a power failure.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrInvalid) {
		return err
	}
	return nil
}
