package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	pushmail "github.com/pushmail/pushmail/internal/app"
	"github.com/pushmail/pushmail/watch"
)

// defaultStateDir is where checkpoints are kept unless --state says otherwise (XDG Base Directory
// Specification 0.8; a relative XDG_STATE_HOME is to be ignored).
func (s *stdio) defaultStateDir() string {
	if dir := s.getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "pushmail")
	}
	home := s.getenv("HOME")
	if home == "" {
		home, _ = os.UserHomeDir()
	}
	if home == "" {
		return ""
	}
	return filepath.Join(home, ".local", "state", "pushmail")
}

// openStateDir makes the state directory and proves that it can be written, before anything depends on it.
func openStateDir(dir string) error {
	if dir == "" {
		return usageError{errors.New("no place for the state: use --state DIR, or set HOME")}
	}
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		var f *os.File
		if f, err = os.CreateTemp(dir, ".probe-*"); err == nil {
			err = errors.Join(f.Close(), os.Remove(f.Name()))
		}
	}
	if err != nil {
		return &pushmail.StateError{Err: fmt.Errorf("state directory %s cannot be used: %w: use another with --state DIR", clean(dir), err)}
	}
	return nil
}

// lockMailbox takes the lock of one mailbox, or, with a key without a mailbox, of all those of the account. Two
// programs on the same checkpoint would each have only some of the events reported after their next start.
func lockMailbox(store watch.FileStore, key watch.Key) (release func(), err error) {
	account := key
	account.Mailbox = ""
	if key == account {
		return lockState(store.Path(account), true)
	}
	// Other mailboxes of the account may be watched at the same time, but not the whole of it.
	releaseAccount, err := lockState(store.Path(account), false)
	if err != nil {
		return nil, err
	}
	releaseBox, err := lockState(store.Path(key), true)
	if err != nil {
		releaseAccount()
		return nil, err
	}
	return func() { releaseBox(); releaseAccount() }, nil
}

// lockState takes the lock of one checkpoint, alone or shared with others who do not want it alone.
func lockState(checkpoint string, alone bool) (release func(), err error) {
	name := strings.TrimSuffix(checkpoint, ".checkpoint") + ".lock"
	for {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, &pushmail.StateError{Err: err}
		}
		if err := lockFile(f, alone); err != nil {
			f.Close()
			if errors.Is(err, errLocked) {
				err = errors.New("another pushmail watches this mailbox with the same state: end it, or use another directory with --state DIR")
			}
			return nil, &pushmail.StateError{Err: err}
		}
		// The one that held the lock before may have removed the file that we have opened.
		if !isAt(f, name) {
			f.Close()
			continue
		}
		return func() {
			if alone {
				_ = os.Remove(name)
			}
			f.Close()
		}, nil
	}
}

// isAt reports whether f is the file with that name.
func isAt(f *os.File, name string) bool {
	mine, err1 := f.Stat()
	there, err2 := os.Stat(name)
	return err1 == nil && err2 == nil && os.SameFile(mine, there)
}

var errLocked = errors.New("locked by another process")
